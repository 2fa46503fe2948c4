// A client's membership in a consumer group: joins, divides the partitions if it leads, gets its own,
// sends heartbeats, and joins again when the group rebalances.
//
//   join ──▶ (as leader: assign) ──▶ sync ──▶ heartbeats ──▶ join …
//
// With a cooperative assignor a member keeps its partitions while it joins; what it has to give up, it
// revokes after the sync, and joins once more, so that others get it (KIP-429). With the others it revokes
// all before it joins. A member that was expelled has lost its partitions, and joins under another id.
//
// Next on the path: mq-cluster.ts; at the broker api/groups.ts.

import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type TopicPartitions,
} from '../../../protocol/kafka/consumer-protocol.ts'
import { BrokerError } from '../../../protocol/mq/error-codes.ts'
import type { JoinGroupResponse } from '../../../protocol/mq/groups.ts'
import type { MqCluster } from '../mq-cluster.ts'
import type { TopicPartition } from '../options.ts'
import { type AssignorName, isCooperative } from './assignor-names.ts'
import { type AssignedMember, assign } from './assignors.ts'

/** What a member does with its partitions. Each is awaited before the group goes on. */
export interface MembershipListener {
  assigned(partitions: readonly TopicPartition[]): Promise<void>
  /** They are still ours: the last time to commit. */
  revoked(partitions: readonly TopicPartition[]): Promise<void>
  /** Others may have them already: commits are refused. */
  lost(partitions: readonly TopicPartition[]): Promise<void>
}

/** By which commits are fenced. */
export interface MembershipClaim {
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly generation: number
}

export interface MembershipOptions {
  readonly cluster: MqCluster
  readonly group: string
  readonly topics: readonly string[]
  /** the preferred one first; all of them cooperative, or none */
  readonly assignors: readonly AssignorName[]
  /** of a static member: it may return within its session time-out without a rebalance */
  readonly instanceId: string | undefined
  readonly clientId: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly heartbeatMs: number
  readonly makeMemberId: () => string
  readonly listener: MembershipListener
  /** It cannot go on. */
  readonly onFailure: (error: BrokerError) => void
}

/** One attempt at a request that is answered at once, unless its coordinator is away. */
const answerMs = 3000
/** How often the leader looks whether topics have more partitions. */
const lookUpMs = 30_000
const retryMs = 100

export class GroupMembership {
  readonly #options: MembershipOptions
  readonly #isCooperative: boolean
  #memberId: string
  #generation = -1
  #isLeader = false
  #owned: readonly TopicPartition[] = []
  /** partitions of the topics when the leader divided them */
  #counts: ReadonlyMap<string, number> = new Map()
  #lastContactMs: number
  #isClosed = false
  #running: Promise<void> | undefined
  readonly #joined = new Settled()
  #wake: () => void = () => undefined

  constructor(options: MembershipOptions) {
    this.#options = options
    this.#memberId = options.makeMemberId()
    this.#isCooperative = options.assignors.every(isCooperative)
    this.#lastContactMs = options.cluster.clock.nowMs()
  }

  get owned(): readonly TopicPartition[] {
    return this.#owned
  }

  get claim(): MembershipClaim {
    const { instanceId } = this.#options
    return { memberId: this.#memberId, instanceId, generation: this.#generation }
  }

  /** Resolves when it has its first partitions, or is closed. @throws what ends the membership */
  start(): Promise<void> {
    this.#running ??= this.#run()
    return this.#joined.promise
  }

  /** Gives up all partitions and leaves; a static member only stops, to be back in time. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#joined.resolve()
    this.#wake()
    await this.#running
    await this.#revoke(this.#owned)
    await this.#leave()
  }

  /** The others need not wait until it is missed. */
  async #leave(): Promise<void> {
    const { cluster, group, instanceId } = this.#options
    if (instanceId !== undefined || this.#generation < 0) return
    this.#generation = -1
    const memberId = this.#memberId
    const request = { type: 'leaveGroup', group, memberId, instanceId, passedOn: false } as const
    await cluster.call(request, answerMs).catch(() => undefined) // it will be missed in time
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#rebalance()
        await this.#stay()
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error
        if (!(await this.#recover(error))) return
      }
    }
  }

  /** @returns whether it can go on */
  async #recover(error: BrokerError): Promise<boolean> {
    if (this.#isClosed) return false
    switch (error.code) {
      case 'REBALANCE_IN_PROGRESS':
        return true
      case 'UNKNOWN_MEMBER_ID':
        await this.#lose()
        this.#memberId = this.#options.makeMemberId()
        return true
      case 'ILLEGAL_GENERATION':
        await this.#lose()
        return true
    }
    if (!error.retriable && error.code !== 'UNSTABLE_OFFSET_COMMIT') {
      await this.#leave()
      await this.#lose()
      this.#joined.reject(error)
      this.#options.onFailure(error)
      return false
    }
    if (this.#nowMs - this.#lastContactMs > this.#options.sessionTimeoutMs) await this.#lose()
    await this.#sleep(retryMs)
    return true
  }

  // --- rebalances --------------------------------------------------------------------------------

  async #rebalance(): Promise<void> {
    if (!this.#isCooperative) await this.#revoke(this.#owned)
    const joined = await this.#join()
    if (this.#isClosed) return
    const { generation, protocol, leader, skipAssignment } = joined
    this.#memberId = joined.memberId
    this.#generation = generation
    this.#isLeader = leader === joined.memberId
    const assignments = this.#isLeader && !skipAssignment ? await this.#divide(joined) : []
    const { cluster, group, instanceId } = this.#options
    const synced = await cluster.call(
      {
        type: 'syncGroup',
        group,
        memberId: this.#memberId,
        instanceId,
        generation,
        protocol,
        assignments,
        passedOn: false,
      },
      this.#options.rebalanceTimeoutMs,
    )
    this.#lastContactMs = this.#nowMs
    await this.#take(flat(decodeAssignment(synced.assignment).partitions))
  }

  #join(): Promise<JoinGroupResponse> {
    const { cluster, group, instanceId, clientId, topics, assignors } = this.#options
    const { sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const metadata = encodeSubscription({
      topics,
      userData: null,
      ownedPartitions: grouped(this.#owned),
      generation: this.#generation,
      rack: null,
    })
    const timeoutMs = rebalanceTimeoutMs + sessionTimeoutMs
    const request = {
      type: 'joinGroup',
      group,
      memberId: this.#memberId,
      instanceId,
      clientId,
      clientHost: '',
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      protocols: assignors.map((name) => ({ name, metadata })),
      passedOn: false,
    } as const
    return cluster.call(request, timeoutMs)
  }

  async #divide({ protocol, members }: JoinGroupResponse) {
    const { cluster, assignors } = this.#options
    const name = assignors.find((each) => each === protocol)
    if (name === undefined) {
      const message = `Cannot assign partitions: the group uses assignor '${protocol}'`
      throw new BrokerError('INCONSISTENT_GROUP_PROTOCOL', message)
    }
    const asked = members.map(({ memberId, instanceId, metadata }): AssignedMember => {
      const { topics, ownedPartitions, generation } = decodeSubscription(metadata)
      return { memberId, instanceId, topics, owned: flat(ownedPartitions), generation }
    })
    await cluster.refresh()
    this.#counts = this.#partitionCounts(asked.flatMap(({ topics }) => topics))
    return [...assign(name, asked, this.#counts)].map(([memberId, partitions]) => {
      const assignment = encodeAssignment({ partitions: grouped(partitions), userData: null })
      return { memberId, assignment }
    })
  }

  #partitionCounts(topics: readonly string[]): ReadonlyMap<string, number> {
    const { metadata } = this.#options.cluster
    return new Map(
      topics.flatMap((topic) => {
        const count = metadata.topic(topic)?.partitions.length
        return count === undefined ? [] : [[topic, count] as const]
      }),
    )
  }

  /** @param assigned all that it has in this generation */
  async #take(assigned: readonly TopicPartition[]): Promise<void> {
    const before = new Set(this.#owned.map(nameOf))
    const after = new Set(assigned.map(nameOf))
    const revoked = this.#owned.filter((place) => !after.has(nameOf(place)))
    await this.#revoke(revoked)
    const added = assigned.filter((place) => !before.has(nameOf(place)))
    const kept = assigned.filter((place) => before.has(nameOf(place)))
    this.#owned = assigned
    try {
      await this.#options.listener.assigned(added)
    } catch (error) {
      this.#owned = kept // the next rebalance adds the others again
      throw error
    }
    this.#joined.resolve()
    if (revoked.length > 0 && this.#isCooperative) {
      throw new BrokerError(
        'REBALANCE_IN_PROGRESS',
        'Cannot stay: others wait for what was given up',
      )
    }
  }

  async #revoke(partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length === 0) return
    await this.#options.listener.revoked(partitions)
    const gone = new Set(partitions.map(nameOf))
    this.#owned = this.#owned.filter((place) => !gone.has(nameOf(place)))
  }

  async #lose(): Promise<void> {
    const lost = this.#owned
    this.#owned = []
    this.#generation = -1
    if (lost.length > 0) await this.#options.listener.lost(lost)
  }

  // --- heartbeats --------------------------------------------------------------------------------

  /** Returns when the topics have changed, and throws when the group rebalances. */
  async #stay(): Promise<void> {
    const { cluster, group, heartbeatMs, sessionTimeoutMs } = this.#options
    let lookUpAtMs = this.#nowMs + lookUpMs
    while (!this.#isClosed) {
      await this.#sleep(heartbeatMs)
      if (this.#isClosed) return
      const { memberId, instanceId, generation } = this.claim
      const request = {
        type: 'heartbeat',
        group,
        memberId,
        instanceId,
        generation,
        passedOn: false,
      } as const
      const leftMs = this.#lastContactMs + sessionTimeoutMs - this.#nowMs
      await cluster.call(request, Math.max(leftMs, 1), answerMs)
      this.#lastContactMs = this.#nowMs
      if (!this.#isLeader || this.#nowMs < lookUpAtMs) continue
      lookUpAtMs = this.#nowMs + lookUpMs
      if (await this.#haveTopicsChanged()) return
    }
  }

  async #haveTopicsChanged(): Promise<boolean> {
    await this.#options.cluster.refresh().catch(() => undefined)
    const now = this.#partitionCounts(this.#options.topics)
    return [...now].some(([topic, count]) => count !== this.#counts.get(topic))
  }

  get #nowMs(): number {
    return this.#options.cluster.clock.nowMs()
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.cluster.clock.after(ms, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }
}

/** A promise that is settled from outside; a rejection that nothing awaits is no failure. */
class Settled {
  readonly promise: Promise<void>
  resolve: () => void = () => undefined
  reject: (error: BrokerError) => void = () => undefined

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    this.promise.catch(() => undefined)
  }
}

function flat(partitions: readonly TopicPartitions[]): readonly TopicPartition[] {
  return partitions.flatMap(({ topic, partitions }) => {
    return partitions.map((partition) => ({ topic, partition }))
  })
}

function grouped(partitions: readonly TopicPartition[]): readonly TopicPartitions[] {
  const byTopic = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const known = byTopic.get(topic)
    if (known === undefined) byTopic.set(topic, [partition])
    else known.push(partition)
  }
  return [...byTopic].map(([topic, partitions]) => ({ topic, partitions }))
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
