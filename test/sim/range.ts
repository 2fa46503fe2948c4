// Durations in a simulated world, between a minimum and a maximum.

import type { Random } from '../../src/random.ts'

export type Range = readonly [least: number, most: number]

export function within([least, most]: Range, random: Random): number {
  return least + random.next() * (most - least)
}
