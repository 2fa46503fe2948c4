// What the browser is told about partitions, groups and topics; browser-poll.ts asks for it.

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

export interface GroupMember {
  readonly member: string
  readonly client: string
  readonly host: string
  /** `goals 0 1 2`, … */
  readonly assignment: string
}

export interface GroupPlace {
  readonly topic: string
  readonly partition: number
  /** undefined: nothing is committed */
  readonly committed: number | undefined
  readonly lag: number | undefined
}

export interface GroupFacts {
  readonly group: string
  /** '' if it is unknown */
  readonly state: string
  readonly members: readonly GroupMember[]
  readonly places: readonly GroupPlace[]
}

export interface GroupsFacts {
  readonly groups: readonly GroupFacts[]
  /** why there may be more groups, or members, than these; '' if these are all */
  readonly missing: string
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
