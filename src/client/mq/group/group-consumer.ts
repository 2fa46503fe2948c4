// Reads topics as a member of a group, which shares the partitions among its members:
//
//   const consumer = new GroupConsumer({ brokers, group: 'fans', topics: ['goals', 'cards'] })
//   for await (const record of consumer) { …; await consumer.commit() }
//
// A partition is read from the group's committed offset, or from `from` if there is none. `commit` covers
// the records handed out; commits are fenced by the generation, so that of a member that was expelled is
// refused. A partition that moves to another member is announced by `revoked`, the last time to commit;
// one that has moved already, by `lost`.
//
// Next on the path: group-membership.ts and fetcher.ts.

import { EventEmitter } from 'node:events'
import type { BrokerError } from '../../../protocol/mq/error-codes.ts'
import type { BrokerInfo } from '../../../protocol/mq/metadata.ts'
import { uuidOf } from '../../../uuid.ts'
import { takeGroupConsumerOptions } from '../arguments.ts'
import { Fetcher } from '../fetcher.ts'
import { GroupCommits } from '../group-commits.ts'
import { MqCluster } from '../mq-cluster.ts'
import type { GroupConsumerOptions, GroupListener, TopicPartition } from '../options.ts'
import { type ConsumedRecord, PartitionReader } from '../partition-reader.ts'
import { boundsOf } from '../read-offsets.ts'
import { GroupMembership, type MembershipClaim } from './group-membership.ts'

export { BrokerError } from '../../../protocol/mq/error-codes.ts'
export type { GroupConsumerOptions, GroupListener, TopicPartition } from '../options.ts'
export type { ConsumedRecord } from '../partition-reader.ts'

export interface GroupConsumerEvents {
  assigned: [partitions: readonly TopicPartition[]]
  revoked: [partitions: readonly TopicPartition[]]
  lost: [partitions: readonly TopicPartition[]]
  /** The offset to read does not exist: continues at `offset`. */
  reset: [place: TopicPartition, offset: number, from: number]
  /** A partition cannot be read for now; the consumer retries. */
  unavailable: [place: TopicPartition, reason: BrokerError]
}

/** How long a call that needs the cluster is retried. */
const patienceMs = 30_000

interface Owned {
  readonly reader: PartitionReader
  readonly commits: GroupCommits
}

/** All failures are BrokerErrors; an invalid argument is named. */
export class GroupConsumer extends EventEmitter<GroupConsumerEvents> {
  readonly #options: ReturnType<typeof takeGroupConsumerOptions>
  readonly #cluster: MqCluster
  readonly #fetcher: Fetcher
  readonly #membership: GroupMembership
  readonly #listener: GroupListener
  /** by name of the partition */
  readonly #owned = new Map<string, Owned>()
  #broker: BrokerInfo | undefined
  #failure: BrokerError | undefined
  #isClosed = false
  #sleepers: (() => void)[] = []
  #turn = 0

  /** @throws BrokerError INVALID_REQUEST, INVALID_TOPIC_EXCEPTION, INVALID_GROUP_ID */
  constructor(given: GroupConsumerOptions) {
    super()
    const options = takeGroupConsumerOptions(given)
    this.#options = options
    this.#listener = options.listener ?? {}
    this.#cluster = new MqCluster(options)
    const cluster = this.#cluster
    const { group, topics, assignors, instanceId, name = 'consumer' } = options
    const { sessionTimeoutMs, rebalanceTimeoutMs, heartbeatMs } = options
    this.#membership = new GroupMembership({
      cluster,
      group,
      topics,
      assignors,
      instanceId,
      clientId: name,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      heartbeatMs,
      makeMemberId: () =>
        `${instanceId ?? name}-${uuidOf(cluster.randomBytes(16)).toString('base64url')}`,
      listener: {
        assigned: (partitions) => this.#assigned(partitions),
        revoked: (partitions) => this.#gone('revoked', partitions),
        lost: (partitions) => this.#gone('lost', partitions),
      },
      onFailure: (error) => this.#fail(error),
    })
    this.#fetcher = new Fetcher({
      cluster,
      maxWaitMs: options.maxWaitMs,
      bytesMax: options.bytesMax,
      bufferBytesMax: options.bufferBytesMax,
      source: (reader) => this.#source(reader),
      onLost: (broker) => {
        if (this.#broker?.id === broker.id) this.#broker = undefined
      },
      onRecords: () => this.#wake(),
      onOutOfRange: (reader, error) => this.#outOfRange(reader, error),
      onUnavailable: ({ topic, partition }, error) => {
        cluster.log.warn({ topic, partition, err: error.message }, 'Cannot read for now')
        this.emit('unavailable', { topic, partition }, error)
      },
      onUnreadable: (_, error) => this.#fail(error),
    })
  }

  /** What it has now. */
  get partitions(): readonly TopicPartition[] {
    return [...this.#owned.values()].map(({ reader }) => placeOf(reader))
  }

  /** Of its membership; generation -1 while it has to join again. */
  get membership(): MembershipClaim {
    return this.#membership.claim
  }

  /** Offset of the next record to be taken; undefined if the partition is another member's. */
  position(place: TopicPartition): number | undefined {
    return this.#owned.get(nameOf(place))?.reader.position
  }

  /** Joins the group; taking records does it if needed. */
  start(): void {
    if (!this.#isClosed) this.#membership.start()
  }

  /**
   * The available records, waiting for the first; empty once closed.
   *
   * @throws BrokerError OFFSET_OUT_OF_RANGE, and what ends a membership
   */
  async take(): Promise<readonly ConsumedRecord[]> {
    const found = await this.#next(() => {
      const taken = [...this.#owned.values()].flatMap(({ reader }) => reader.take())
      return taken.length === 0 ? undefined : taken.flatMap(({ records }) => records)
    })
    return found ?? []
  }

  /** Each record once; ends when the consumer is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ConsumedRecord> {
    for (;;) {
      const record = await this.#next(() => this.#takeOne())
      if (record === undefined) return
      yield record
    }
  }

  async #next<T>(find: () => T | undefined): Promise<T | undefined> {
    this.start()
    while (!this.#isClosed) {
      const found = find()
      if (found !== undefined) {
        this.#fetcher.wake()
        return found
      }
      if (this.#failure !== undefined) throw this.#failure
      await new Promise<void>((resolve) => this.#sleepers.push(resolve))
    }
    return undefined
  }

  #takeOne(): ConsumedRecord | undefined {
    const owned = [...this.#owned.values()]
    for (let i = 0; i < owned.length; i++) {
      const at = (this.#turn + i) % owned.length
      const record = owned[at]?.reader.takeOne()
      if (record === undefined) continue
      this.#turn = at + 1
      return record
    }
    return undefined
  }

  #wake(): void {
    for (const wake of this.#sleepers.splice(0)) wake()
  }

  /**
   * Stores the positions, after all records handed out, of all partitions or the given ones.
   *
   * @throws BrokerError ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID if the group went on without this member
   */
  async commit(partitions: readonly TopicPartition[] = this.partitions): Promise<void> {
    const commits = partitions.flatMap((place) => this.#owned.get(nameOf(place)) ?? [])
    await Promise.all(
      commits.map(({ reader, commits }) => {
        return commits.commit(reader.partition, reader.position, patienceMs)
      }),
    )
  }

  /** Gives up its partitions and leaves the group. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#wake()
    await this.#membership.close()
    this.#fetcher.close()
    this.#cluster.close()
  }

  // --- partitions --------------------------------------------------------------------------------

  async #assigned(partitions: readonly TopicPartition[]): Promise<void> {
    const { group } = this.#options
    const cluster = this.#cluster
    const begun = partitions.map(async ({ topic, partition }) => {
      const claim = () => this.#membership.claim
      const commits = new GroupCommits({ cluster, group, topic, claim })
      const start = await this.#startOffset(commits, { topic, partition })
      return { reader: new PartitionReader({ topic, partition, start }), commits }
    })
    for (const one of await Promise.all(begun)) {
      this.#owned.set(nameOf(one.reader), one)
      this.#fetcher.add(one.reader)
    }
    if (partitions.length === 0) return
    await this.#listener.assigned?.(partitions)
    this.emit('assigned', partitions)
  }

  async #startOffset(commits: GroupCommits, { topic, partition }: TopicPartition): Promise<number> {
    const committed = await commits.read(partition, patienceMs)
    if (committed !== undefined) return committed
    const bounds = await boundsOf(this.#cluster, topic, [partition])
    const { earliest = 0, latest = 0 } = bounds.get(partition) ?? {}
    return this.#options.from === 'end' ? latest : earliest
  }

  async #gone(how: 'revoked' | 'lost', partitions: readonly TopicPartition[]): Promise<void> {
    const taken = partitions.flatMap((place) => this.#owned.get(nameOf(place)) ?? [])
    for (const { reader } of taken) reader.isPaused = true
    try {
      await this.#listener[how]?.(partitions)
    } finally {
      for (const { reader } of taken) {
        reader.stop()
        this.#fetcher.remove(reader)
        this.#owned.delete(nameOf(reader))
      }
    }
    this.emit(how, partitions)
  }

  async #outOfRange(reader: PartitionReader, error: BrokerError): Promise<number | undefined> {
    const { topic, partition, fetchOffset: from } = reader
    const bounds = await boundsOf(this.#cluster, topic, [partition])
    const { earliest = 0, latest = 0 } = bounds.get(partition) ?? {}
    if (from >= earliest && from <= latest) return from
    const { outOfRange } = this.#options
    if (outOfRange === 'stop') {
      this.#fail(error)
      return undefined
    }
    const to = outOfRange === 'earliest' ? earliest : latest
    const facts = { topic, partition, from, to, err: error.message }
    this.#cluster.log.warn(facts, 'The offset to read does not exist: continuing at another')
    this.emit('reset', { topic, partition }, to, from)
    return to
  }

  #fail(error: BrokerError): void {
    this.#failure ??= error
    this.#wake()
  }

  /** One broker for all partitions of which it has replicas; for the others their leaders. */
  #source({ topic, partition }: PartitionReader): BrokerInfo | undefined {
    const { metadata, random } = this.#cluster
    this.#broker ??= metadata.pick(random)
    const broker = this.#broker
    const found = metadata.topic(topic)?.partitions[partition]
    if (found === undefined || broker === undefined || found.replicas.includes(broker.id)) {
      return broker
    }
    return metadata.broker(found.leader) ?? broker
  }
}

function placeOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
