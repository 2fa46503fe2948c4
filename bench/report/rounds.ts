// Rounds: every system is measured once in each, in an order that changes from round to round, so that
// none always has the quieter part.

import type { Point } from './figures.ts'

export type Found = Point['rounds'][number]

export interface RoundsOptions<System> {
  readonly systems: readonly System[]
  readonly rounds: number
  readonly measure: (system: System, round: number) => Promise<Found>
  /** A measurement failed; the others go on. */
  readonly brokenOff: (system: System, error: Error) => void
}

/** @returns of each system all rounds; one that failed is empty, so that the others stay pairs */
export async function inRounds<System>({
  systems,
  rounds,
  measure,
  brokenOff,
}: RoundsOptions<System>): Promise<ReadonlyMap<System, readonly Found[]>> {
  const found = new Map(systems.map((system) => [system, [] as Found[]]))
  for (let round = 0; round < rounds; round++) {
    const first = round % Math.max(1, systems.length)
    for (const system of [...systems.slice(first), ...systems.slice(0, first)]) {
      try {
        found.get(system)?.push(await measure(system, round))
      } catch (error) {
        brokenOff(system, error as Error)
        found.get(system)?.push({})
      }
    }
  }
  return found
}

/** Without what is unknown: a figure that is not finite is none. */
export function known(values: Readonly<Record<string, number | undefined>>): Found {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) =>
      value === undefined || !Number.isFinite(value) ? [] : [[key, rounded(value)]],
    ),
  )
}

/** Five significant digits: more than any figure here is reproducible to. */
function rounded(value: number): number {
  return Math.abs(value) >= 10_000 ? Math.round(value) : Number(value.toPrecision(5))
}
