// Option rows → one checked object, from a file, the environment and flags; later sources override.
//
// A program lists its options as rows; --help, the sample file and every message are printed from
// them. An option `tickTime` is `tickTime=` in the file, ZW_TICK_TIME in the environment (the prefix
// is the program's), --tick-time or --tickTime as a flag.

import { readFileSync } from 'node:fs'
import { parseFlags } from './option-flags.ts'
import { helpText, sampleConfig } from './option-help.ts'
import { Names } from './option-names.ts'
import {
  allowed,
  type Environment,
  type OptionRow,
  type OptionRows,
  type Program,
  type Setting,
  type ValueRow,
  type ValuesOf,
} from './option-rows.ts'
import { packageVersion } from './package-version.ts'
import { type Property, parseProperties } from './properties.ts'
import { RefusedStartError } from './refused-start.ts'

/** The program cannot run with these options. */
export class OptionError extends RefusedStartError {
  override readonly name = 'OptionError'
}

export interface ReadOptions<Rows extends OptionRows> {
  readonly type: 'options'
  readonly values: ValuesOf<Rows>
  /** for the log, once it exists */
  readonly warnings: readonly string[]
  /** Whether the user gave it, instead of the default. */
  given(name: keyof ValuesOf<Rows> & string): boolean
  /** Where it was given: 'zoo.cfg:3', or `commandLine`; undefined for a default. */
  source(name: keyof ValuesOf<Rows> & string, number?: number): string | undefined
  /** The file that was read, if any. */
  readonly file: string | undefined
  /** The file that an option named to be read as well. */
  included(name: string): string | undefined
  /** 'dataDir=/d from zoo.cfg:3', for messages; also for a default */
  quote(name: keyof ValuesOf<Rows> & string, number?: number): string
  /** @throws OptionError naming the option (and the N of a numbered one), its value and source */
  refuse(name: keyof ValuesOf<Rows> & string, why: string, number?: number): never
}

/** `text` is for stdout; the program then exits. */
export type OptionsOrText<Rows extends OptionRows> =
  | ReadOptions<Rows>
  | { readonly type: 'print'; readonly text: string | Promise<string> }

/** A source of options. */
export const commandLine = 'the command line'

type Given = Setting & { readonly secret: boolean }

/**
 * @param argv without node and script
 * @throws OptionError
 */
export function readOptions<const Rows extends OptionRows>(
  program: Program<Rows>,
  argv: readonly string[],
  environment: Environment,
): OptionsOrText<Rows> {
  const flags = parseFlags(program, argv)
  if (flags.values.has('help')) return { type: 'print', text: helpText(program) }
  if (flags.values.has('version')) return { type: 'print', text: `${packageVersion()}\n` }
  if (flags.values.has('sample-config')) return { type: 'print', text: sampleConfig(program) }
  if (flags.positional !== undefined) {
    const found = `${program.name} takes flags only`
    throw new OptionError(`Cannot use the argument '${flags.positional}': ${found}`)
  }
  const collected = new Collected(program)
  collected.takeForeign(environment)
  const file = flags.values.get('config') ?? environment[`${program.environmentPrefix}CONFIG`]
  if (file !== undefined) collected.takeFile(file)
  collected.takeEnvironment(environment)
  collected.takeFlags(flags.values)

  const { given, warnings } = collected
  const values: Record<string, unknown> = {}
  for (const [name, row] of Object.entries(program.rows)) {
    if (row.type === 'ignored' || row.type === 'refused' || row.type === 'include') continue
    if (row.type === 'numbered') {
      values[name] = numberedValues(name, given)
      continue
    }
    const found = given.get(name)
    values[name] = found === undefined ? row.default : parseValue(row, found, warnings)
  }
  const find = (name: string, number?: number) =>
    given.get(number === undefined ? name : name.replace('N', String(number)))
  return {
    type: 'options',
    values: values as ValuesOf<Rows>,
    warnings,
    given: (name) => given.has(name),
    source: (name, number) => find(name, number)?.source,
    file,
    included: (name) => collected.included.get(name),
    quote(name, number) {
      const found = find(name, number)
      if (found !== undefined) return quoted(found)
      return values[name] === undefined ? `no ${name}` : `${name}=${values[name]}, its default`
    },
    refuse(name, why, number) {
      const found = find(name, number)
      if (found !== undefined) throw refusal(found, why)
      if (values[name] === undefined) throw new OptionError(`Cannot determine ${name}: ${why}`)
      throw new OptionError(`Cannot use ${name}=${values[name]}, its default: ${why}`)
    },
  }
}

/** The given values, by row: each source overrides the earlier ones. */
class Collected {
  readonly given = new Map<string, Given>()
  readonly warnings: string[] = []
  readonly included = new Map<string, string>()
  readonly #program: Program<OptionRows>
  readonly #names: Names
  /** Where a file sets each option: a file may set it only once. */
  readonly #places = new Map<string, string>()

  constructor(program: Program<OptionRows>) {
    this.#program = program
    this.#names = new Names(program)
  }

  takeForeign(environment: Environment): void {
    const foreign = this.#program.foreignSettings?.(environment)
    if (foreign === undefined) return
    this.warnings.push(...foreign.warnings)
    for (const setting of foreign.settings) {
      if (this.#names.resolve(setting.spelled) !== undefined) this.#take(setting)
      else this.warnings.push(`${setting.spelled} from ${setting.source} has no effect here`)
    }
  }

  takeFile(file: string, skipped: readonly string[] = []): void {
    for (const { key, value, line } of readProperties(file)) {
      if (skipped.includes(key)) continue
      const source = `${file}:${line}`
      const name = this.#names.resolve(key) ?? key
      const before = this.#places.get(name)
      if (before !== undefined) {
        const place = before.startsWith(`${file}:`)
          ? `line ${before.slice(file.length + 1)}`
          : before
        throw new OptionError(`Cannot use ${key} from ${source}: it is already set in ${place}`)
      }
      this.#places.set(name, source)
      this.#take({ spelled: key, value, source })
    }
  }

  takeEnvironment(environment: Environment): void {
    const { environmentPrefix: prefix, name: program } = this.#program
    for (const [variable, value] of Object.entries(environment)) {
      if (value === undefined || !variable.startsWith(prefix)) continue
      if (variable === `${prefix}CONFIG`) continue
      const name = this.#names.resolveVariable(variable)
      const source = `the environment (${variable})`
      // Not an error: the prefix may be shared with one of the user's own programs.
      if (name === undefined)
        this.warnings.push(`${variable} is set, but is not an option of ${program}`)
      else this.#take({ spelled: name, value, source })
    }
  }

  takeFlags(flags: ReadonlyMap<string, string>): void {
    for (const [spelled, value] of flags) {
      if (spelled === 'config') continue
      const name = this.#names.resolve(spelled)
      const isYes = value === '' && name !== undefined && this.#names.row(name).type === 'boolean'
      this.#take({ spelled, value: isYes ? 'true' : value, source: commandLine })
    }
  }

  /** @throws OptionError */
  #take(setting: Setting): void {
    const { spelled, value, source } = setting
    const name = this.#names.resolve(spelled)
    if (name === undefined) throw this.#unknown(setting)
    const row = this.#names.row(name)
    switch (row.type) {
      case 'refused': {
        if (asksForNothing(row, value)) return
        const or = row.unless === undefined ? '' : `; ${orList(row.unless)} is accepted`
        throw new OptionError(`Cannot use ${spelled} from ${source}: ${row.why}${or}`)
      }
      case 'ignored':
        if (asksForNothing(row, value)) return
        this.warnings.push(`${spelled} from ${source} has no effect here: ${row.why}`)
        return
      case 'include':
        this.included.set(name, value.trim())
        this.takeFile(value.trim(), row.skipped)
        return
      case 'text':
        if (isInQuotationMarks(value)) this.warnings.push(quotationMarksWarning(setting, row))
        break
      case 'integer':
      case 'boolean':
      case 'choice':
      case 'numbered':
        break
    }
    this.given.set(name, { spelled, value, source, secret: row.secret === true })
  }

  #unknown({ spelled, source }: Setting): OptionError {
    const near = this.#names.near(spelled)
    const advice =
      near.length === 0
        ? `${this.#program.name} --help lists them`
        : `did you mean ${orList(near)}?`
    const why = this.#names.outOfRange(spelled) ?? `no such option; ${advice}`
    return new OptionError(`Cannot use ${spelled} from ${source}: ${why}`)
  }
}

/** As in ZooKeeper, `FALSE` means `false`. */
function asksForNothing({ unless = [] }: { unless?: readonly string[] }, value: string): boolean {
  return unless.some((each) => each.toLowerCase() === value.trim().toLowerCase())
}

/** Files of `key=value` lines have no quoting: quotation marks are part of the value. */
function isInQuotationMarks(value: string): boolean {
  return /^\s*(["']).*\1\s*$/.test(value)
}

function quotationMarksWarning(
  { spelled, value, source }: Setting,
  { secret }: OptionRow & { readonly secret?: boolean },
): string {
  const what = secret === true ? spelled : `${spelled}=${value}`
  return `${what} from ${source} includes its quotation marks, as in ZooKeeper: leave them out`
}

function readProperties(file: string): Property[] {
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

function parseValue(row: ValueRow, given: Given, warnings: string[]): unknown {
  const value = given.value.trim()
  switch (row.type) {
    case 'integer': {
      const number = Number(value)
      const form = row.hexadecimal === true ? /^(-?\d+|0[xX][0-9a-fA-F]+)$/ : /^-?\d+$/
      if (!form.test(value)) throw refusal(given, allowed(row))
      if (number >= row.min && number <= row.max) return number
      const isClamped = row.clamped === 'both' || (row.clamped === 'above' && number > row.max)
      if (!isClamped) throw refusal(given, allowed(row))
      const bound = number > row.max ? row.max : row.min
      const kind = number > row.max ? 'greatest' : 'least'
      warnings.push(`${quoted(given)} is taken as ${bound}, the ${kind} value here`)
      return bound
    }
    case 'boolean':
      if (['true', 'yes', 'on'].includes(value.toLowerCase())) return true
      if (['false', 'no', 'off'].includes(value.toLowerCase())) return false
      throw refusal(given, allowed(row))
    case 'choice':
      if (row.choices.includes(value)) return value
      if (row.anyCase === true) {
        const choice = row.choices.find((one) => one.toLowerCase() === value.toLowerCase())
        if (choice !== undefined) return choice
      }
      throw refusal(given, allowed(row))
    case 'text':
      if (value === '') throw refusal(given, allowed(row))
      return value
  }
}

function refusal(given: Given, why: string): OptionError {
  return new OptionError(`Cannot use ${quoted(given)}: ${why}`)
}

/** 'tickTime=5 from zoo.cfg:3' */
function quoted({ spelled, value, source, secret }: Given): string {
  return `${secret ? spelled : `${spelled}=${value}`} from ${source}`
}

/** 'a', 'a or b', 'a, b or c' */
function orList(words: readonly string[]): string {
  const last = words.at(-1) ?? ''
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`
}
