// Flags of the command line, by yargs' parser: which were given, with their text. The parser alone,
// since all of yargs takes a tenth of a daemon's start to load.

import parse from 'yargs-parser'
import { shorthand } from './option-help.ts'
import { kebab } from './option-names.ts'
import type { OptionRows, Program } from './option-rows.ts'

export interface Flags {
  /** by spelling as given; empty for a flag without a value */
  readonly values: ReadonlyMap<string, string>
  /** the first argument that is not a flag */
  readonly positional: string | undefined
}

/** Values stay text: options.ts checks them, whatever their source. */
export function parseFlags(program: Program<OptionRows>, argv: readonly string[]): Flags {
  const parsed: Record<string, unknown> = parse([...argv], {
    string: [...spellings(program), 'config'],
    boolean: ['help', 'version', 'sample-config'],
    configuration: {
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'duplicate-arguments-array': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'short-option-groups': false,
    },
  })
  const values = new Map<string, string>()
  for (const [key, value] of Object.entries(parsed)) {
    if (key === '_' || value === undefined || value === false) continue
    const name = shorthand[key as keyof typeof shorthand] ?? key
    values.set(name, value === true ? '' : String(value))
  }
  const [positional] = parsed['_'] as unknown[]
  return { values, positional: positional === undefined ? undefined : String(positional) }
}

function spellings({ rows }: Program<OptionRows>): string[] {
  return Object.entries(rows).flatMap(([name, row]) => {
    if (name.endsWith('*') || row.type === 'numbered') return []
    const aliases = 'aliases' in row ? (row.aliases ?? []) : []
    return [name, ...aliases].flatMap((spelling) => [spelling, kebab(spelling)])
  })
}
