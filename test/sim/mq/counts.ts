// How often each kind of fault, and of what follows from it, must happen in a thousand lives of brokers: lives in
// which nothing goes wrong show nothing. About half of what was counted over 1 000 seeds; the runner prints both, and
// fails when there is less (exploration.ts).

import type { FaultName } from './faults.ts'

type Consequence =
  | 'election'
  | 'truncation'
  | 'truncation of whole epochs'
  | 'broker disk fault'
  | 'loss that is told'
  | 'loss that is not told'
  | 'damaged log taken away'
  | 'unavailable until a person decides'
  | 'left unavailable'
  | 'lost by a choice'

export const leastPerThousand: Readonly<Record<FaultName | Consequence, number>> = {
  powerCuts: 300,
  kills: 300,
  allAtOnce: 300,
  oneByOne: 300,
  quickReturns: 300,
  syncErrors: 300,
  fullDisks: 300,
  stalledDisks: 300,
  partitions: 300,
  oneWayLinks: 300,
  slowLinks: 300,
  resets: 300,
  pauses: 300,
  skewedClocks: 300,
  expiredSessions: 300,
  deposedLeaders: 300,
  deadControllers: 300,
  deadServers: 300,
  corruptBatches: 300,
  wipedDisks: 70,
  oldCopies: 15,
  bitFlips: 60,
  cutTails: 60,
  wipedServers: 20,
  lostIsrs: 15,
  election: 2500,
  truncation: 100,
  'truncation of whole epochs': 20,
  'broker disk fault': 300,
  'loss that is told': 80,
  'loss that is not told': 100,
  'damaged log taken away': 30,
  'unavailable until a person decides': 5,
  'left unavailable': 2,
  'lost by a choice': 5,
}

export interface Count {
  readonly what: string
  readonly count: number
  /** for so many seeds */
  readonly least: number
}

export function countsOf(covered: ReadonlyMap<string, number>, seeds: number): readonly Count[] {
  return Object.entries(leastPerThousand).map(([what, perThousand]) => ({
    what,
    count: covered.get(what) ?? 0,
    least: Math.floor((perThousand * seeds) / 1000),
  }))
}
