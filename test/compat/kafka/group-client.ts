// What a client brings for the test of its consumer groups (npm-groups.ts): members that tell every number
// that they read, and again when it is committed.

export interface MemberPlace {
  /** host:port of the brokers */
  readonly servers: readonly string[]
  readonly topic: string
  readonly group: string
}

/** What a member tells. */
export interface MemberNews {
  assigned(partitionCount: number): void
  read(numbers: readonly number[]): void
  committed(numbers: readonly number[]): void
}

export interface GroupClient {
  readonly name: string
  /** whether its members go on by themselves when their coordinator stops */
  readonly survivesCoordinators: boolean
  /** Resolves once it runs. */
  startMember(place: MemberPlace, news: MemberNews): Promise<{ close(): Promise<void> }>
  /** Sends each number to the partition `number % partitionCount`, none twice. */
  produce(place: MemberPlace, numbers: readonly number[]): Promise<void>
}

export const partitionCount = 4
