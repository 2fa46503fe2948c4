// The faults of one life, as one object: drawn from the life's seed, printed first, and overridden
// from the command line, so that a failing life can be shrunk to the faults it needs:
//
//   npm run sim -- --world zab --seed 7 --fault pauses=0 --fault crashes=3
//
// A world lists its faults once, in rows of a table (zab/faults.ts, servers/faults.ts,
// mq/faults.ts): most are weights of its nemesis' actions, some are properties of the world.
// README.md explains how to add one.

import { Random } from '../../src/random.ts'
import type { Range } from './range.ts'

export interface FaultRow<Value> {
  readonly about: string
  /** the values that `--fault` accepts for it */
  readonly wanted: string
  /** values that are not printed */
  readonly usual: Value
  /** @returns undefined for an invalid value */
  parse(text: string): Value | undefined
  format(value: Value): string
}

export type FaultRows = Readonly<Record<string, FaultRow<unknown>>>

/** One value for each row: the faults of one life. */
export type FaultsOf<Rows extends FaultRows> = {
  readonly [Name in keyof Rows]: Rows[Name] extends FaultRow<infer Value> ? Value : never
}

const ofWeights = 'WEIGHT'

/** How often a fault happens: its weight among the others; 0: never. */
export function weight(about: string): FaultRow<number> {
  return { ...quantity(about, 0), wanted: ofWeights }
}

export function quantity(about: string, usual: number): FaultRow<number> {
  return { about, wanted: 'NUMBER', usual, parse: parseNumber, format: String }
}

export function range(about: string, usual: Range): FaultRow<Range> {
  return {
    about,
    wanted: 'LEAST..MOST',
    usual,
    parse: (text) => {
      const [least, most, more] = text.split('..').map(parseNumber)
      const isRange = least !== undefined && most !== undefined && more === undefined
      return isRange && least <= most ? [least, most] : undefined
    },
    format: ([least, most]) => `${least}..${most}`,
  }
}

function parseNumber(text: string): number | undefined {
  const value = Number(text)
  return text === '' || !(value >= 0) ? undefined : value
}

/** Ids of servers. */
export function serverIds(about: string): FaultRow<readonly number[]> {
  return {
    about,
    wanted: 'ID,ID…',
    usual: [],
    parse: (text) => {
      const ids = text === 'none' ? [] : text.split(',').map(Number)
      return ids.every((id) => Number.isInteger(id) && id > 0) ? ids : undefined
    },
    format: (ids) => ids.join() || 'none',
  }
}

/**
 * The servers that do not vote, in a share of the lives, beside `voters` that do. Drawn apart: the
 * other lives are as they were before there were observers.
 */
export function drawObservers(seed: number, voters: number): readonly number[] {
  const random = new Random(seed ^ 0x0b5e)
  if (!random.chance(0.25)) return []
  const count = random.chance(0.3) ? 2 : 1
  const ids = Array.from({ length: voters + count }, (_, i) => i + 1)
  return random
    .shuffled(ids)
    .slice(0, count)
    .sort((a, b) => a - b)
}

/** `--fault` names a fault that this world does not have, or a value that it does not accept. */
export class FaultError extends Error {
  override readonly name = 'FaultError'
}

export class FaultTable<Rows extends FaultRows> {
  readonly #rows: Rows

  constructor(rows: Rows) {
    this.#rows = rows
  }

  get names(): (keyof Rows & string)[] {
    return Object.keys(this.#rows)
  }

  /**
   * @param given `powerCuts=3` and the like; `all=0` sets every weight, later ones override it
   * @throws FaultError that names what is wrong
   */
  parse(given: readonly string[]): Partial<FaultsOf<Rows>> {
    const parsed: Record<string, unknown> = {}
    for (const each of given.flatMap((one) => this.#spellOut(one))) {
      const [name = '', ...rest] = each.split('=')
      const row = Object.hasOwn(this.#rows, name) ? this.#rows[name] : undefined
      if (row === undefined) {
        throw new FaultError(`Cannot use --fault ${each}: the faults are ${this.names.join(', ')}`)
      }
      const value = row.parse(rest.join('='))
      if (value === undefined) {
        throw new FaultError(`Cannot use --fault ${each}: ${name}=${row.wanted} is wanted`)
      }
      parsed[name] = value
    }
    return parsed as Partial<FaultsOf<Rows>>
  }

  #spellOut(given: string): string[] {
    if (!given.startsWith('all=')) return [given]
    const weights = this.names.filter((name) => this.#rows[name]?.wanted === ofWeights)
    return weights.map((name) => `${name}${given.slice(3)}`)
  }

  /** The unusual values, each in the form that `parse` accepts. */
  list(faults: FaultsOf<Rows>): string[] {
    return Object.entries(this.#rows).flatMap(([name, row]) => {
      const value = row.format(faults[name])
      return value === row.format(row.usual) ? [] : [`${name}=${value}`]
    })
  }

  /** The same as one line, quoted for a shell. */
  format(faults: FaultsOf<Rows>): string {
    const said = this.list(faults).map(quoted)
    return said.length === 0 ? 'none' : said.join(' ')
  }

  /** A line for each, for `--help`. */
  get lines(): string[] {
    return Object.entries(this.#rows).map(
      ([name, { wanted, about }]) => `${`${name}=${wanted}`.padEnd(28)} ${about}`,
    )
  }
}

/** Quoted for a shell. */
export function quoted(given: string): string {
  return given.includes(' ') ? `'${given}'` : given
}

export interface Weighted<Item> {
  readonly weight: number
  readonly item: Item
}

/** One of the faults, by weight; undefined if all weights are 0. */
export function pickWeighted<Item>(
  items: readonly Weighted<Item>[],
  random: Random,
): Item | undefined {
  const total = items.reduce((sum, { weight }) => sum + weight, 0)
  let at = random.next() * total
  for (const { weight, item } of items) {
    at -= weight
    if (at < 0) return item
  }
  return undefined
}
