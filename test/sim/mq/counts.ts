// The minimum counts of each kind of fault, and of its consequences, in a thousand lives of
// brokers: lives in which nothing goes wrong prove nothing. Each is about a third of the average;
// the runner prints the counts and fails below the minimum (exploration.ts).

import type { FaultName } from './faults.ts'

type Consequence =
  | 'throttle'
  | 'compaction'
  | 'topic created'
  | 'topic deleted'
  | 'partitions added'
  | 'record of a topic stored'
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
  powerCuts: 150,
  kills: 150,
  allAtOnce: 150,
  oneByOne: 150,
  quickReturns: 150,
  syncErrors: 150,
  fullDisks: 150,
  stalledDisks: 150,
  partitions: 150,
  oneWayLinks: 150,
  slowLinks: 150,
  resets: 150,
  pauses: 150,
  skewedClocks: 150,
  expiredSessions: 150,
  deposedLeaders: 150,
  deadControllers: 150,
  deadServers: 150,
  corruptBatches: 150,
  deletedRecords: 150,
  plannedStops: 150,
  preferredElections: 150,
  changedRetention: 150,
  reassignments: 50,
  throttle: 15,
  changedTopics: 150,
  'topic created': 150,
  'topic deleted': 80,
  'partitions added': 30,
  'record of a topic stored': 300,
  changedMinInsync: 30,
  tombstones: 60,
  expiringOffsets: 65,
  compaction: 300,
  wipedDisks: 70,
  oldCopies: 15,
  bitFlips: 60,
  cutTails: 60,
  wipedServers: 20,
  lostIsrs: 15,
  election: 2500,
  truncation: 100,
  'truncation of whole epochs': 7,
  'broker disk fault': 150,
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
  /** for this many seeds */
  readonly least: number
}

export function countsOf(covered: ReadonlyMap<string, number>, seeds: number): readonly Count[] {
  return Object.entries(leastPerThousand).map(([what, perThousand]) => ({
    what,
    count: covered.get(what) ?? 0,
    least: Math.floor((perThousand * seeds) / 1000),
  }))
}
