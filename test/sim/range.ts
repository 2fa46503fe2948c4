// How long things take in a simulated world: somewhere between a least and a most.

import type { Random } from '../../src/random.ts'

export type Range = readonly [least: number, most: number]

export function within([least, most]: Range, random: Random): number {
  return least + random.next() * (most - least)
}
