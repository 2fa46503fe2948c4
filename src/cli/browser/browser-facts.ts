// What the browser is told about partitions, groups and topics; browser-poll.ts asks for it.

import type { GroupDetails } from '../../client/mq/mq-admin.ts'
import type { LagTrend } from './lag-history.ts'

export interface PartitionFacts {
  readonly partition: number
  /** offset of the next record to be read */
  readonly position: number
  /** offset of the first record; undefined if unknown */
  readonly start: number | undefined
  /** the high watermark; undefined if unknown */
  readonly end: number | undefined
  /** undefined if there is none, or it is unknown */
  readonly leader: number | undefined
  readonly isPaused: boolean
}

export function lagOf({ end, position }: PartitionFacts): number | undefined {
  return end === undefined ? undefined : Math.max(0, end - position)
}

export interface GroupFacts {
  readonly group: string
  readonly state: string
  /** undefined: not asked yet */
  readonly details: GroupDetails | undefined
  /** of its lag, over the last looks at its details */
  readonly trend: LagTrend | undefined
}

export interface GroupsFacts {
  readonly groups: readonly GroupFacts[]
  /** why these may not be the present ones; '' if they are */
  readonly problem: string
}

export interface TopicFacts {
  readonly topic: string
  readonly partitions: number
  readonly replicas: number
  /** partitions without a leader, and those with replicas that are not in sync */
  readonly leaderless: number
  readonly behind: number
  /** between the first and the last offset of each partition; undefined if unknown */
  readonly records: number | undefined
  /** why nothing else is known about it */
  readonly problem: string | undefined
}
