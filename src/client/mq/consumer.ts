// Reads topics of Mimic Queue:
//
//   const consumer = new Consumer({ brokers, topic: 'goals', from: 'beginning' })
//   for await (const record of consumer) console.log(record.offset, String(record.value))
//
// Without a group it reads all partitions, or the given ones, alone. With a group it is a member, and the
// group shares the partitions of its topics among the members: `assigned`, `revoked` and `lost` tell of
// them. With a group and given partitions it reads these alone, and commits for the group.
//
// The position of a partition moves past a record when that record is handed out, not earlier: `commit`
// in the middle of a loop covers the current record and those before it. After leaving a loop, another
// loop continues with the next record. `eachBatch` hands out whole batches, and moves past one when its
// handler is done. Within a partition records come in order, each once. Nothing is committed unless
// `commit` is called. An offset that does not exist ends the consumer, unless `outOfRange` says where to
// continue; the event `reset` then has both offsets.
//
// Its parts: manual-assignment.ts or group/group-membership.ts (which partitions), start-offsets.ts (where
// to begin), reading-from.ts (at which broker), readings.ts, fetcher.ts, and hand-out.ts (which takes the
// records out).
//
// Next on the path: fetcher.ts.

import { EventEmitter } from 'node:events'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import { uuidOf } from '../../uuid.ts'
import { abortable } from '../abort.ts'
import { Callbacks } from '../callbacks.ts'
import { take } from './argument-kinds.ts'
import { consumerMethods, type MemberClaim, takeConsumerOptions } from './consumer-arguments.ts'
import { Fetcher } from './fetcher.ts'
import { GroupMembership, type MembershipClaim } from './group/group-membership.ts'
import { HandOut } from './hand-out.ts'
import { existingTopics, ManualAssignment } from './manual-assignment.ts'
import { type BrokerAttempt, MqCluster } from './mq-cluster.ts'
import type {
  CallOptions,
  ConsumerOptions,
  EachBatchOptions,
  GroupListener,
  PartitionRef,
  SeekOptions,
  SeekTarget,
  TopicPartition,
  TopicPartitionOffset,
} from './options.ts'
import type { ConsumedBatch, ConsumedRecord } from './partition-reader.ts'
import { ReadingFrom } from './reading-from.ts'
import { type PartitionProgress, Readings } from './readings.ts'
import { StartOffsets } from './start-offsets.ts'

export { BrokerError } from '../../protocol/mq/error-codes.ts'
export type { MembershipClaim } from './group/group-membership.ts'
export type { BrokerAttempt } from './mq-cluster.ts'
export type {
  CallOptions,
  ConsumerOptions,
  EachBatchOptions,
  GroupListener,
  PartitionRef,
  SeekOptions,
  SeekTarget,
  TopicPartition,
  TopicPartitionOffset,
} from './options.ts'
export type { BatchInfo, ConsumedBatch, ConsumedRecord } from './partition-reader.ts'
export type { PartitionProgress } from './readings.ts'

export interface ConsumerEvents {
  /** These partitions are read now: from the start on, or since the topic or the group gave them. */
  assigned: [partitions: readonly TopicPartition[]]
  /** The group gives them to other members. */
  revoked: [partitions: readonly TopicPartition[]]
  /** The group went on without this member. */
  lost: [partitions: readonly TopicPartition[]]
  /** The consumer now reads from this broker. */
  broker: [id: BrokerId]
  /**
   * `from` does not exist (undefined: the committed value is not an offset): continues at `offset`.
   */
  reset: [place: TopicPartition, offset: number, from: number | undefined]
  /** A partition cannot be read for now; the consumer retries. */
  unavailable: [place: TopicPartition, reason: BrokerError]
}

/** How long a call that needs the cluster is retried. */
const patienceMs = 30_000

/** All failures are BrokerErrors, except that an aborted call rejects with its signal's reason. */
export class Consumer extends EventEmitter<ConsumerEvents> {
  readonly #options: ReturnType<typeof takeConsumerOptions>
  readonly #cluster: MqCluster
  readonly #callbacks: Callbacks
  readonly #fetcher: Fetcher
  readonly #handOut: HandOut
  readonly #readingFrom: ReadingFrom
  readonly #readings: Readings
  /** undefined: it reads alone */
  readonly #membership: GroupMembership | undefined
  /** whence it has its partitions */
  readonly #assignment: Pick<ManualAssignment | GroupMembership, 'start' | 'close'>
  #starting: Promise<void> | undefined
  #isClosed = false
  #closing: Promise<void> | undefined

  /** @throws BrokerError INVALID_REQUEST, INVALID_TOPIC_EXCEPTION, INVALID_GROUP_ID */
  constructor(given: ConsumerOptions) {
    super()
    const options = takeConsumerOptions(given)
    this.#options = options
    this.#callbacks = new Callbacks(options.logger)
    const cluster = new MqCluster(options)
    this.#cluster = cluster
    const { claim, topics, group, broker, stayWithBroker, from, outOfRange } = options
    this.#handOut = new HandOut({
      start: () => this.#started(),
      onTaken: () => this.#fetcher.wake(),
    })
    this.#readingFrom = new ReadingFrom({
      cluster,
      broker,
      stayWithBroker,
      onMoved: (id) => this.#tell('broker', id),
    })
    const starts = new StartOffsets({
      cluster,
      from,
      outOfRange,
      onReset: (...reset) => this.#tell('reset', ...reset),
    })
    this.#fetcher = new Fetcher({
      cluster,
      maxWaitMs: options.maxWaitMs,
      bytesMax: options.bytesMax,
      bufferBytesMax: options.bufferBytesMax,
      checkCrcs: options.checkCrcs,
      source: (reader) => this.#readingFrom.source(reader),
      onLost: (lost) => this.#readingFrom.lost(lost),
      onRecords: () => this.#handOut.wake(),
      onOutOfRange: async (reader, error) => {
        const offset = await starts.after(reader, error)
        if (offset === undefined) this.#fail(error)
        return offset
      },
      onUnavailable: ({ topic, partition }, error) => {
        cluster.log.warn({ topic, partition, err: error.message }, 'Cannot read for now')
        this.#tell('unavailable', { topic, partition }, error)
      },
      onUnreadable: (_, error) => this.#fail(error),
    })
    this.#readings = new Readings({
      cluster,
      topics,
      group,
      claim: () => this.#membership?.claim,
      starts,
      fetcher: this.#fetcher,
      handOut: this.#handOut,
    })
    this.#membership = claim.type === 'member' ? this.#membershipOf(claim) : undefined
    this.#assignment =
      this.#membership ??
      new ManualAssignment({
        cluster,
        topics,
        partitions: claim.type === 'manual' ? claim.partitions : undefined,
        onAssigned: (partitions, isNew) => this.#assigned(partitions, isNew),
      })
  }

  get topics(): readonly string[] {
    return this.#options.topics
  }

  /** What it reads now; empty before the start. */
  get partitions(): readonly TopicPartition[] {
    return this.#readings.readers.map(({ topic, partition }) => ({ topic, partition }))
  }

  /** The broker that is being read. */
  get broker(): BrokerId | undefined {
    return this.#readingFrom.broker
  }

  /** Generation -1 while it has to join again; undefined without a group, or with partitions named by hand. */
  get membership(): MembershipClaim | undefined {
    return this.#membership?.claim
  }

  /** Paused as a whole. */
  get isPaused(): boolean {
    return this.#handOut.isPaused
  }

  /** Of the partitions that are read; empty before the start. */
  get progress(): readonly PartitionProgress[] {
    return this.#readings.progress
  }

  /** Over all its partitions; undefined until each has answered. */
  get lag(): number | undefined {
    let sum = 0
    for (const { lag } of this.progress) {
      if (lag === undefined) return undefined
      sum += lag
    }
    return sum
  }

  /**
   * Offset of the next record to be taken.
   *
   * @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION if the partition is not read here
   */
  position(given: PartitionRef): number {
    const { partition } = take(consumerMethods.position, [given])
    const [reader] = this.#readings.readersOf([partition], 'tell the position')
    return reader?.position ?? 0
  }

  /**
   * Asks the brokers where the partitions begin and end, for `progress` and `lag`: fetches tell it
   * too, but not while a partition is paused.
   */
  async refreshLag(given?: CallOptions): Promise<readonly PartitionProgress[]> {
    const { options } = take(consumerMethods.refreshLag, [given])
    this.#checkOpen('refresh the lag')
    const refresh = async () => {
      await this.#started()
      await this.#readings.refreshBounds()
    }
    await abortable(refresh(), options.signal)
    return this.progress
  }

  /**
   * Gives up the waits for brokers that are down or silent, and tries all of them now. The consumer
   * reconnects by itself: this only shortens waits, when it is known that a broker is back.
   *
   * @throws BrokerError
   */
  async reconnect(): Promise<readonly BrokerAttempt[]> {
    this.#checkOpen('reconnect')
    const attempts = await this.#cluster.reconnect()
    this.#fetcher.wake()
    return attempts
  }

  /**
   * Finds the topics and the start offsets, or joins the group; taking records calls it if needed.
   * Resolves when the first partitions are assigned.
   *
   * @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION, BROKER_NOT_AVAILABLE …
   */
  async start(given?: CallOptions): Promise<void> {
    const { options } = take(consumerMethods.start, [given])
    this.#checkOpen('start')
    await abortable(this.#started(), options.signal)
  }

  #started(): Promise<void> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined
      throw error
    })
    return this.#starting
  }

  async #start(): Promise<void> {
    // A group would wait for a topic that does not exist, without a word.
    if (this.#membership !== undefined) await existingTopics(this.#cluster, this.topics)
    if (this.#isClosed) return
    await this.#assignment.start()
  }

  // --- taking records ----------------------------------------------------------------------------

  /**
   * The available records, waiting for the first; empty once closed. Each record is handed out
   * once, even with several waiting callers.
   *
   * @throws BrokerError OFFSET_OUT_OF_RANGE, those of `start`, and what ends a membership
   */
  async take(given?: CallOptions): Promise<readonly ConsumedRecord[]> {
    const { options } = take(consumerMethods.take, [given])
    return this.#handOut.take(options.signal)
  }

  /** Each record once, even with several loops; ends when the consumer is closed. */
  [Symbol.asyncIterator](): AsyncIterableIterator<ConsumedRecord> {
    return this.records()
  }

  /** As a loop over the consumer; an aborted signal ends the loop with its reason. */
  records(given?: CallOptions): AsyncIterableIterator<ConsumedRecord> {
    const { options } = take(consumerMethods.records, [given])
    return this.#handOut.records(options.signal)
  }

  /** Batch by batch as they are stored; the position moves past a batch when it is handed out. */
  batches(given?: CallOptions): AsyncIterableIterator<ConsumedBatch> {
    const { options } = take(consumerMethods.batches, [given])
    return this.#handOut.batches(options.signal)
  }

  /**
   * Handles batch after batch until the consumer is closed: those of one partition one after
   * another, in order. The position moves past a batch when the handler is done. If it throws, this
   * rejects with its error, and the batch is handed out again later. A group takes a partition away
   * only when the handler of its batch is done, or half the session time-out is over.
   *
   * @throws BrokerError those of `take` and `commit`
   */
  async eachBatch(
    given: (batch: ConsumedBatch) => unknown,
    givenOptions?: EachBatchOptions,
  ): Promise<void> {
    const { handle, options } = take(consumerMethods.eachBatch, [given, givenOptions])
    const { commits, concurrency, signal } = options
    if (commits) this.#checkGroup()
    const handleOne = async (batch: ConsumedBatch) => {
      await handle(batch)
      if (!commits) return
      const { topic, partition, info } = batch
      await this.#commit([{ topic, partition, offset: info.lastOffset + 1 }])
    }
    await this.#handOut.eachBatch(handleOne, { concurrency, signal })
  }

  // --- pause and seek ----------------------------------------------------------------------------

  /**
   * Takes and fetches nothing of these partitions, by default of all, until they are resumed. A
   * pause of all includes partitions that are added later. A member stays one meanwhile.
   *
   * @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION if one is not read here
   */
  pause(given?: readonly PartitionRef[]): void {
    const { partitions } = take(consumerMethods.pause, [given])
    const readers = this.#readings.readersOf(partitions, 'pause')
    if (partitions === undefined) this.#handOut.isPaused = true
    for (const reader of readers) reader.isPaused = true
  }

  /** @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION if one is not read here */
  resume(given?: readonly PartitionRef[]): void {
    const { partitions } = take(consumerMethods.resume, [given])
    for (const reader of this.#readings.readersOf(partitions, 'resume')) reader.isPaused = false
    this.#fetcher.wake()
    this.#handOut.isPaused = false
  }

  /**
   * Continues there, in all partitions or the given ones; records fetched before are dropped. After
   * a failure that an offset does not exist, it makes the consumer go on.
   *
   * @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION if one is not read here, …
   */
  async seek(givenTo: SeekTarget, givenOptions?: SeekOptions): Promise<void> {
    const { to, options } = take(consumerMethods.seek, [givenTo, givenOptions])
    this.#checkOpen('seek')
    const seek = async () => {
      await this.#started()
      const readers = this.#readings.readersOf(options.partitions, 'seek')
      const found = await this.#readings.offsetsOf(readers, to)
      if (this.#isClosed || options.signal?.aborted) return
      for (const [reader, offset] of found) reader.seek(offset)
      if (this.#handOut.failure?.code === 'OFFSET_OUT_OF_RANGE') {
        this.#handOut.failure = undefined
        for (const reader of this.#readings.readers) reader.isStopped = false
      }
      this.#fetcher.wake()
    }
    await abortable(seek(), options.signal)
  }

  /**
   * The offsets that a target stands for now, in each partition; the positions stay.
   *
   * @throws BrokerError
   */
  async offsetsAt(given: SeekTarget): Promise<readonly TopicPartitionOffset[]> {
    const { to } = take(consumerMethods.offsetsAt, [given])
    this.#checkOpen('find offsets')
    await this.#started()
    const found = await this.#readings.offsetsOf(this.#readings.readers, to)
    return [...found].map(([{ topic, partition }, offset]) => ({ topic, partition, offset }))
  }

  // --- commits -----------------------------------------------------------------------------------

  /**
   * Stores offsets: who continues for this group does not read records before them again. Default:
   * the positions, after all records handed out.
   *
   * @throws BrokerError OFFSET_OUT_OF_RANGE for an offset beyond the end of the log; ILLEGAL_GENERATION,
   *   UNKNOWN_MEMBER_ID if the group went on without this member; …
   */
  async commit(given?: readonly TopicPartitionOffset[]): Promise<void> {
    const { offsets } = take(consumerMethods.commit, [given])
    await this.#commit(offsets ?? this.progress.map(nextOf))
  }

  async #commit(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    // A member that closes commits what it gives up.
    if (this.#isClosed && this.#closing === undefined) this.#checkOpen('commit')
    this.#checkGroup()
    const commits = offsets.map(({ topic, partition, offset }) => {
      const commits = this.#readings.commitsOf({ topic, partition })
      return commits?.commit(partition, offset, patienceMs)
    })
    await Promise.all(commits)
  }

  #checkGroup(): void {
    if (this.#options.group !== undefined) return
    throw new BrokerError('INVALID_GROUP_ID', 'Cannot commit: this consumer has no group')
  }

  #checkOpen(what: string): void {
    if (!this.#isClosed) return
    throw new BrokerError('INVALID_REQUEST', `Cannot ${what}: the consumer is closed`)
  }

  /**
   * Loops end, and waiting callers get nothing; records not handed out are dropped. A member gives up
   * its partitions and leaves its group.
   */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true
      this.#closing = this.#close().finally(() => {
        this.#closing = undefined
      })
    }
    await this.#closing
  }

  async #close(): Promise<void> {
    this.#handOut.close()
    await this.#assignment.close()
    this.#fetcher.close()
    this.#cluster.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // --- partitions --------------------------------------------------------------------------------

  #membershipOf(claim: MemberClaim): GroupMembership {
    const cluster = this.#cluster
    const { topics, name = 'consumer' } = this.#options
    const { group, assignors, instanceId, sessionTimeoutMs, rebalanceTimeoutMs, heartbeatMs } =
      claim
    return new GroupMembership({
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
        assigned: (partitions) => this.#assigned(partitions, false, claim.listener),
        revoked: (partitions) => this.#gone('revoked', partitions, claim),
        lost: (partitions) => this.#gone('lost', partitions, claim),
      },
      onFailure: (error) => this.#fail(error),
    })
  }

  async #assigned(
    partitions: readonly TopicPartition[],
    isNew: boolean,
    listener: GroupListener = {},
  ): Promise<void> {
    // A member that closes gives up what it gets meanwhile.
    const isOver = () => this.#isClosed && this.#closing === undefined
    await this.#readings.add(partitions, { isNew, isOver })
    if (partitions.length === 0) return
    await this.#callbacks.settled('The listener of a group', () => listener.assigned?.(partitions))
    this.#tell('assigned', partitions)
  }

  /** Nothing more of them is handed out; then the listener commits what was. */
  async #gone(
    how: 'revoked' | 'lost',
    partitions: readonly TopicPartition[],
    { listener, sessionTimeoutMs }: MemberClaim,
  ): Promise<void> {
    const handled = this.#readings.retire(partitions)
    // Heartbeats rest meanwhile.
    if (how === 'revoked') await this.#cluster.within(sessionTimeoutMs / 2, handled)
    await this.#callbacks.settled('The listener of a group', () => listener[how]?.(partitions))
    this.#readings.remove(partitions)
    this.#tell(how, partitions)
  }

  /** Fetching stops, and taking records fails once none are left. */
  #fail(error: BrokerError): void {
    for (const reader of this.#readings.readers) reader.isStopped = true
    this.#handOut.failure ??= error
  }

  #tell<Name extends keyof ConsumerEvents>(name: Name, ...given: ConsumerEvents[Name]): void {
    this.#callbacks.emit(this, name, ...given)
  }
}

function nextOf({ topic, partition, position }: PartitionProgress): TopicPartitionOffset {
  return { topic, partition, offset: position }
}
