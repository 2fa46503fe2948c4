// The interface of a client under test for consumer groups (npm-groups.ts): members that report
// every number that they read, and again when it is committed.

export interface MemberPlace {
  /** host:port of the brokers */
  readonly servers: readonly string[]
  readonly topic: string
  readonly group: string
}

/** The reports of a member. */
export interface MemberNews {
  assigned(partitionCount: number): void
  read(numbers: readonly number[]): void
  committed(numbers: readonly number[]): void
}

export interface GroupClient {
  readonly name: string
  /** whether its members continue by themselves when their coordinator stops */
  readonly survivesCoordinators: boolean
  /** Resolves once the member runs. */
  startMember(place: MemberPlace, news: MemberNews): Promise<{ close(): Promise<void> }>
  /** Sends each number to the partition `number % partitionCount`, none twice. */
  produce(place: MemberPlace, numbers: readonly number[]): Promise<void>
}

export const partitionCount = 4
