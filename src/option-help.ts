// A program's option rows in print: --help and the sample file.

import { kebab } from './option-names.ts'
import type { OptionRow, OptionRows, Program } from './option-rows.ts'

/** Flags that every program has in addition to its options. */
const ownFlags = {
  config: 'read options from this file (key=value lines)',
  'sample-config': 'print a configuration file with every option and stop',
  help: 'print this text and stop',
  version: 'print the version and stop',
} as const

/** One-letter spellings of some of them. */
export const shorthand = { c: 'config', h: 'help' } as const

/** yargs is loaded only for this: a start has no use for it. */
export async function helpText(program: Program<OptionRows>): Promise<string> {
  const { default: yargs } = await import('yargs')
  const parser = yargs()
    .locale('en')
    .wrap(100)
    .help(false)
    .version(false)
    .parserConfiguration({ 'camel-case-expansion': false, 'dot-notation': false })
    .usage(`${program.name}: ${program.about}`)
    .epilogue(
      `Each option is also a key of the file, spelled as in --sample-config, and an environment\n` +
        `variable: --data-dir is ${program.environmentPrefix}DATA_DIR. Flags override the environment, the\n` +
        `environment overrides the file.`,
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

type PrintedRow = Exclude<OptionRow, { readonly type: 'ignored' | 'refused' }>

/** '[100 to 60000; default 2000]' */
function hint(row: PrintedRow): string {
  if (row.type === 'include') return ''
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

/** A file with every option, each commented out with its default. */
export function sampleConfig(program: Program<OptionRows>): string {
  const paragraphs = [`# ${program.name}: ${program.about}\n# Commented-out lines show defaults.`]
  for (const [name, row] of Object.entries(program.rows)) {
    if (row.type === 'ignored' || row.type === 'refused') continue
    const value = exampleOf(row)
    const key = row.type === 'numbered' ? name.replace('N', String(row.min)) : name
    paragraphs.push(`${comment(`${row.about} ${hint(row)}`)}\n#${key}=${value}`)
  }
  return `${paragraphs.join('\n\n')}\n`
}

function exampleOf(row: PrintedRow): string {
  if (row.type === 'include') return ''
  return row.type === 'numbered' ? row.example : String(row.default ?? '')
}

/** Lines of at most 100 columns, each after a `#`. */
function comment(text: string): string {
  return text
    .trim()
    .replaceAll(/(.{1,98})(?:\s+|$)/g, '# $1\n')
    .trimEnd()
}
