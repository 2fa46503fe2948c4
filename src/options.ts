// Rows of options → one checked object, from a file, the environment and flags, later ones winning.
//
// A program lists its options as rows; --help, the sample file and every message are printed from
// them. An option `tickTime` is `tickTime=` in the file, ZW_TICK_TIME in the environment (the prefix
// is the program's), --tick-time or --tickTime as a flag.

import { readFileSync } from 'node:fs'
import yargs from 'yargs'
import { nearMatches } from './near-matches.ts'
import { parseProperties } from './properties.ts'

interface RowBase {
  /** one sentence, for --help and the sample file */
  readonly about: string
  /** other spellings, accepted wherever the name is */
  readonly aliases?: readonly string[]
  /** what stands for a default that is computed: '2 × tickTime' */
  readonly defaultText?: string
  /** no message shows its value */
  readonly secret?: boolean
}

export type OptionRow =
  | (RowBase & {
      readonly type: 'integer'
      readonly default: number | undefined
      readonly min: number
      readonly max: number
      /** `0x…` is a number too */
      readonly hexadecimal?: boolean
    })
  | (RowBase & { readonly type: 'boolean'; readonly default: boolean | undefined })
  | (RowBase & { readonly type: 'text'; readonly default: string | undefined })
  | (RowBase & {
      readonly type: 'choice'
      readonly default: string | undefined
      readonly choices: readonly string[]
    })
  /** `server.1`, `server.2` …: a number from `min` to `max` in place of the N in its name. */
  | (RowBase & {
      readonly type: 'numbered'
      readonly min: number
      readonly max: number
      readonly example: string
    })
  /** Known elsewhere, without a meaning here: accepted with a warning. `x.*` takes all below. */
  | { readonly type: 'ignored'; readonly why: string }
  /** Known elsewhere, and going on without it would be dangerous. `x.*` takes all below. */
  | {
      readonly type: 'refused'
      readonly why: string
      /** values that ask for nothing: accepted, and nobody is told */
      readonly unless?: readonly string[]
    }

export type OptionRows = Readonly<Record<string, OptionRow>>

type ValueOf<Row extends OptionRow> = Row extends { type: 'numbered' }
  ? ReadonlyMap<number, string>
  : Row extends { type: 'choice'; choices: readonly (infer Choice)[]; default: infer Default }
    ? Choice | Extract<Default, undefined>
    : Row extends { type: 'integer'; default: infer Default }
      ? number | Extract<Default, undefined>
      : Row extends { type: 'boolean'; default: infer Default }
        ? boolean | Extract<Default, undefined>
        : Row extends { type: 'text'; default: infer Default }
          ? string | Extract<Default, undefined>
          : never

type Kept<Rows extends OptionRows> = {
  [Name in keyof Rows]: Rows[Name]['type'] extends 'ignored' | 'refused' ? never : Name
}[keyof Rows]

export type ValuesOf<Rows extends OptionRows> = {
  readonly [Name in Kept<Rows>]: ValueOf<Rows[Name]>
}

/** What was asked for cannot be done with these options; programs print it and exit 2. */
export class OptionError extends Error {
  override readonly name = 'OptionError'
}

export interface ReadOptions<Rows extends OptionRows> {
  readonly type: 'options'
  readonly values: ValuesOf<Rows>
  /** for the log, once there is one */
  readonly warnings: readonly string[]
  /** Whether the user gave it, rather than the default. */
  given(name: keyof ValuesOf<Rows> & string): boolean
  /** @throws OptionError naming the option (and the N of a numbered one), its value and source */
  refuse(name: keyof ValuesOf<Rows> & string, why: string, number?: number): never
}

/** `text` is for stdout; then the program is done. */
export type OptionsOrText<Rows extends OptionRows> =
  | ReadOptions<Rows>
  | { readonly type: 'print'; readonly text: string }

export interface Program<Rows extends OptionRows> {
  readonly name: string
  /** one sentence, the head of --help */
  readonly about: string
  /** of environment variables, with its underscore: 'ZW_' */
  readonly environmentPrefix: string
  /** what may stand before any name: 'zookeeper.' */
  readonly namePrefix?: string
  readonly rows: Rows
}

/** One value as the user gave it. */
interface Given {
  readonly value: string
  /** 'zoo.cfg:3', 'the environment' or 'the command line' */
  readonly source: string
  /** the option as the user spelled it */
  readonly spelled: string
  readonly secret: boolean
}

/**
 * @param argv without node and script
 * @throws OptionError
 */
export function readOptions<const Rows extends OptionRows>(
  program: Program<Rows>,
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): OptionsOrText<Rows> {
  const names = new Names(program)
  const flags = parseFlags(program, argv)
  if (flags.has('help')) return { type: 'print', text: helpText(program) }
  if (flags.has('version')) return { type: 'print', text: `${packageVersion()}\n` }
  if (flags.has('sample-config')) return { type: 'print', text: sampleConfig(program) }

  const given = new Map<string, Given>()
  const warnings: string[] = []
  const take = (spelled: string, value: string, source: string) => {
    const name = names.resolve(spelled)
    if (name === undefined) throw unknown(program, names, { spelled, source })
    const row = names.row(name)
    if (row.type === 'refused') {
      if (row.unless?.includes(value.trim()) === true) return
      const or = row.unless === undefined ? '' : `; ${orList(row.unless)} is accepted`
      throw new OptionError(`Cannot use ${spelled} from ${source}: ${row.why}${or}`)
    }
    if (row.type === 'ignored') {
      warnings.push(`${spelled} from ${source} has no effect here: ${row.why}`)
      return
    }
    given.set(name, { value, source, spelled, secret: row.secret === true })
  }

  const prefix = program.environmentPrefix
  const file = flags.get('config') ?? environment[`${prefix}CONFIG`]
  if (file !== undefined) {
    const lines = new Map<string, number>()
    for (const { key, value, line } of readProperties(file)) {
      const name = names.resolve(key) ?? key
      const before = lines.get(name)
      if (before !== undefined) {
        const found = `line ${before} has it already`
        throw new OptionError(`Cannot use ${key} from ${file}:${line}: ${found}`)
      }
      lines.set(name, line)
      take(key, value, `${file}:${line}`)
    }
  }
  for (const [variable, value] of Object.entries(environment)) {
    if (value === undefined || !variable.startsWith(prefix)) continue
    if (variable === `${prefix}CONFIG`) continue
    const name = names.resolveVariable(variable)
    // No error: the prefix may be shared with a program of the user's own.
    if (name === undefined) warnings.push(`${variable} is set, and is no option of ${program.name}`)
    else take(name, value, `the environment (${variable})`)
  }
  for (const [spelled, value] of flags) {
    if (spelled === 'config') continue
    const name = names.resolve(spelled)
    const saysYes = value === '' && name !== undefined && names.row(name).type === 'boolean'
    take(spelled, saysYes ? 'true' : value, 'the command line')
  }

  const values: Record<string, unknown> = {}
  for (const [name, row] of Object.entries(program.rows)) {
    if (row.type === 'ignored' || row.type === 'refused') continue
    if (row.type === 'numbered') {
      values[name] = numberedValues(name, given)
      continue
    }
    const found = given.get(name)
    values[name] = found === undefined ? row.default : parseValue(row, found)
  }
  return {
    type: 'options',
    values: values as ValuesOf<Rows>,
    warnings,
    given: (name) => given.has(name),
    refuse(name, why, number) {
      const found = given.get(number === undefined ? name : name.replace('N', String(number)))
      if (found !== undefined) throw refusal(found, why)
      if (values[name] === undefined) throw new OptionError(`Cannot determine ${name}: ${why}`)
      throw new OptionError(`Cannot use ${name}=${values[name]}, its default: ${why}`)
    },
  }
}

/** Which option a spelling means. */
class Names {
  readonly #rows: OptionRows
  readonly #bySpelling = new Map<string, string>()
  readonly #byVariable = new Map<string, string>()
  /** Rows named `x.*` or `server.N`, by what stands before the star or the N. */
  readonly #open: { readonly prefix: string; readonly row: OptionRow }[] = []
  readonly #prefix: string
  readonly #namePrefix: string | undefined

  constructor({ rows, environmentPrefix, namePrefix }: Program<OptionRows>) {
    this.#rows = rows
    this.#prefix = environmentPrefix
    this.#namePrefix = namePrefix
    for (const [name, row] of Object.entries(rows)) {
      if (row.type === 'numbered' || name.endsWith('*')) {
        this.#open.push({ prefix: name.slice(0, -1), row })
        continue
      }
      const aliases = 'aliases' in row ? (row.aliases ?? []) : []
      for (const spelling of [name, ...aliases]) {
        this.#bySpelling.set(spelling, name)
        this.#bySpelling.set(kebab(spelling), name)
        this.#byVariable.set(variableOf(environmentPrefix, spelling), name)
      }
    }
  }

  /** The row's name, or the spelling for one of an open row; undefined when there is none. */
  resolve(asSpelled: string): string | undefined {
    const spelled = this.#withoutPrefix(asSpelled)
    const name = this.#bySpelling.get(spelled)
    if (name !== undefined) return name
    for (const { prefix, row } of this.#open) {
      if (!spelled.startsWith(prefix)) continue
      if (row.type !== 'numbered') return spelled
      const number = spelled.slice(prefix.length)
      if (/^[1-9]\d*$/.test(number) && Number(number) >= row.min && Number(number) <= row.max) {
        return spelled
      }
    }
    return undefined
  }

  resolveVariable(variable: string): string | undefined {
    const name = this.#byVariable.get(variable)
    if (name !== undefined) return name
    for (const { prefix } of this.#open) {
      const start = variableOf(this.#prefix, prefix)
      if (variable.startsWith(start)) return this.resolve(prefix + variable.slice(start.length))
    }
    return undefined
  }

  /** Those nearest to a spelling that means none. */
  near(spelled: string): string[] {
    const spellings = nearMatches(this.#withoutPrefix(spelled), this.#bySpelling.keys())
    return [...new Set(spellings.map((spelling) => this.#bySpelling.get(spelling) ?? spelling))]
  }

  #withoutPrefix(spelled: string): string {
    const prefix = this.#namePrefix ?? ''
    return spelled.startsWith(prefix) ? spelled.slice(prefix.length) : spelled
  }

  row(name: string): OptionRow {
    const row = this.#rows[name] ?? this.#open.find(({ prefix }) => name.startsWith(prefix))?.row
    if (row === undefined) throw new RangeError(`There is no option ${name}`)
    return row
  }
}

/** tickTime → tick-time, min.insync.replicas → min-insync-replicas */
function kebab(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll('.', '-')
    .toLowerCase()
}

function variableOf(prefix: string, name: string): string {
  return prefix + kebab(name).replaceAll('-', '_').toUpperCase()
}

function readProperties(file: string) {
  try {
    return parseProperties(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new OptionError(`Cannot read the configuration file ${file}: ${reason(cause)}`, { cause })
  }
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

function numberedValues(name: string, given: ReadonlyMap<string, Given>): Map<number, string> {
  const prefix = name.slice(0, -1)
  const values = new Map<number, string>()
  for (const [key, { value }] of given) {
    if (key.startsWith(prefix)) values.set(Number(key.slice(prefix.length)), value)
  }
  return new Map([...values].sort(([a], [b]) => a - b))
}

type ValueRow = Extract<OptionRow, { readonly default: unknown }>

function parseValue(row: ValueRow, given: Given): unknown {
  const value = given.value.trim()
  switch (row.type) {
    case 'integer': {
      const number = Number(value)
      const form = row.hexadecimal === true ? /^(-?\d+|0[xX][0-9a-fA-F]+)$/ : /^-?\d+$/
      if (form.test(value) && number >= row.min && number <= row.max) return number
      throw refusal(given, allowed(row))
    }
    case 'boolean':
      if (['true', 'yes', 'on'].includes(value.toLowerCase())) return true
      if (['false', 'no', 'off'].includes(value.toLowerCase())) return false
      throw refusal(given, allowed(row))
    case 'choice':
      if (row.choices.includes(value)) return value
      throw refusal(given, allowed(row))
    case 'text':
      if (value === '') throw refusal(given, allowed(row))
      return value
  }
}

function allowed(row: ValueRow): string {
  switch (row.type) {
    case 'integer':
      return `it must be a whole number from ${row.min} to ${row.max}`
    case 'boolean':
      return 'it must be true or false'
    case 'choice':
      return `it must be one of ${row.choices.join(', ')}`
    case 'text':
      return 'it must not be empty'
  }
}

function refusal({ spelled, value, source, secret }: Given, why: string): OptionError {
  const what = secret ? spelled : `${spelled}=${value}`
  return new OptionError(`Cannot use ${what} from ${source}: ${why}`)
}

function unknown(
  program: Program<OptionRows>,
  names: Names,
  { spelled, source }: Pick<Given, 'spelled' | 'source'>,
): OptionError {
  const near = names.near(spelled)
  const advice =
    near.length === 0 ? `${program.name} --help lists them` : `did you mean ${orList(near)}?`
  return new OptionError(`Cannot use ${spelled} from ${source}: no such option; ${advice}`)
}

/** 'a', 'a or b', 'a, b or c' */
function orList(words: readonly string[]): string {
  const last = words.at(-1) ?? ''
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`
}

// --- flags, by yargs -----------------------------------------------------------------------------

const ownFlags = {
  config: 'read options from this file (key=value lines)',
  'sample-config': 'print a configuration file with every option and stop',
  help: 'print this text and stop',
  version: 'print the version and stop',
} as const

/** One-letter spellings of some of them. */
const shorthand = { c: 'config', h: 'help' } as const

/** By spelling as given. Values stay text: one place checks them, whatever source they have. */
function parseFlags(program: Program<OptionRows>, argv: readonly string[]): Map<string, string> {
  const parser = yargs()
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'duplicate-arguments-array': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'short-option-groups': false,
    })
    .help(false)
    .version(false)
    .exitProcess(false)
    .string([...spellings(program), 'config'])
    .boolean(['help', 'version', 'sample-config'])
  const parsed = parser.parseSync([...argv]) as Record<string, unknown>
  const flags = new Map<string, string>()
  for (const [key, value] of Object.entries(parsed)) {
    if (key === '$0' || key === '_' || value === undefined || value === false) continue
    const name = shorthand[key as keyof typeof shorthand] ?? key
    flags.set(name, value === true ? '' : String(value))
  }
  const [positional] = parsed['_'] as unknown[]
  if (positional !== undefined) {
    throw new OptionError(
      `Cannot use the argument '${positional}': ${program.name} takes flags only`,
    )
  }
  return flags
}

function spellings({ rows }: Program<OptionRows>): string[] {
  return Object.entries(rows).flatMap(([name, row]) => {
    if (name.endsWith('*')) return []
    if (row.type === 'numbered') {
      const numbers = Array.from({ length: row.max - row.min + 1 }, (_, i) => row.min + i)
      return numbers.map((number) => name.replace('N', String(number)))
    }
    const aliases = 'aliases' in row ? (row.aliases ?? []) : []
    return [name, ...aliases].flatMap((spelling) => [spelling, kebab(spelling)])
  })
}

function helpText(program: Program<OptionRows>): string {
  const parser = yargs()
    .locale('en')
    .wrap(100)
    .help(false)
    .version(false)
    .parserConfiguration({ 'camel-case-expansion': false, 'dot-notation': false })
    .usage(`${program.name}: ${program.about}`)
    .epilogue(
      `Each option is also a key of the file, spelled as in --sample-config, and an environment\n` +
        `variable: --data-dir is ${program.environmentPrefix}DATA_DIR. Flags win over the environment, the environment\n` +
        `over the file.`,
    )
  for (const [name, row] of Object.entries(program.rows)) {
    if (row.type === 'ignored' || row.type === 'refused') continue
    const flag = row.type === 'numbered' ? name : kebab(name)
    parser.option(flag, { describe: `${row.about} ${hint(row)}` })
  }
  for (const [flag, describe] of Object.entries(ownFlags)) {
    const letters = Object.entries(shorthand).filter(([, name]) => name === flag)
    parser.option(flag, { describe, alias: letters.map(([letter]) => letter) })
  }
  let text = ''
  parser.showHelp((help) => {
    text = `${help}\n`
  })
  return text
}

/** '[100 to 60000; default 2000]' */
function hint(row: ValueRow | Extract<OptionRow, { type: 'numbered' }>): string {
  if (row.type === 'numbered') return `[N from ${row.min} to ${row.max}]`
  const bounds = {
    integer: row.type === 'integer' ? [`${row.min} to ${row.max}`] : [],
    choice: row.type === 'choice' ? [row.choices.join(' | ')] : [],
    boolean: ['true | false'],
    text: [],
  }[row.type]
  const fallback = row.defaultText ?? row.default
  const facts = [...bounds, ...(fallback === undefined ? [] : [`default ${fallback}`])]
  return facts.length === 0 ? '' : `[${facts.join('; ')}]`
}

function packageVersion(): string {
  const file = new URL('../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

/** A file with every option, each commented out at its default. */
export function sampleConfig(program: Program<OptionRows>): string {
  const paragraphs = [
    `# ${program.name}: ${program.about}\n# What is commented out shows defaults.`,
  ]
  for (const [name, row] of Object.entries(program.rows)) {
    if (row.type === 'ignored' || row.type === 'refused') continue
    const value = row.type === 'numbered' ? row.example : (row.default ?? '')
    const key = row.type === 'numbered' ? name.replace('N', String(row.min)) : name
    paragraphs.push(`${comment(`${row.about} ${hint(row)}`)}\n#${key}=${value}`)
  }
  return `${paragraphs.join('\n\n')}\n`
}

/** Lines of at most 100 columns, each after a number sign. */
function comment(text: string): string {
  return text
    .trim()
    .replaceAll(/(.{1,98})(?:\s+|$)/g, '# $1\n')
    .trimEnd()
}
