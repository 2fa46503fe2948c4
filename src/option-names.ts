// Resolves a spelling to an option: in a file, in the environment, as a flag.

import { nearMatches } from './near-matches.ts'
import type { OptionRow, OptionRows, Program } from './option-rows.ts'

/** Resolves a spelling to an option. */
export class Names {
  readonly #rows: OptionRows
  readonly #bySpelling = new Map<string, string>()
  readonly #byVariable = new Map<string, string>()
  /** Rows named `x.*` or `server.N`, by the text before the star or the N. */
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

  /** The row's name, or the spelling itself for an open row; undefined if there is none. */
  resolve(asSpelled: string): string | undefined {
    const spelled = this.#withoutPrefix(asSpelled)
    const name = this.#bySpelling.get(spelled)
    if (name !== undefined) return name
    for (const { prefix, row } of this.#open) {
      if (!spelled.startsWith(prefix)) continue
      if (row.type !== 'numbered') return spelled
      const number = spelled.slice(prefix.length)
      if (/^(0|[1-9]\d*)$/.test(number) && Number(number) >= row.min && Number(number) <= row.max) {
        return spelled
      }
    }
    return undefined
  }

  /** Why a spelling that resolves to no option is close to one; undefined if it is not. */
  outOfRange(asSpelled: string): string | undefined {
    const spelled = this.#withoutPrefix(asSpelled)
    const open = this.#open.find(({ prefix }) => spelled.startsWith(prefix))
    if (open?.row.type !== 'numbered') return undefined
    return `in ${open.prefix}N, N is a whole number from ${open.row.min} to ${open.row.max}`
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

  /** The options nearest to a spelling that resolves to none. */
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
export function kebab(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll('.', '-')
    .toLowerCase()
}

function variableOf(prefix: string, name: string): string {
  return prefix + kebab(name).replaceAll('-', '_').toUpperCase()
}
