// One partition of the offsets topic at its leader: the groups that belong to it. It begins by reading the
// partition, once all of it is committed, and ends with the leader epoch in which it began; until it has
// read, requests are answered COORDINATOR_LOAD_IN_PROGRESS. A record of a broker that was deposed without
// knowing it is never committed, so what it appends is never acknowledged.
//
// Next on the path: replication/replica.ts. Source: GroupMetadataManager of Kafka 3.9.

import type { Clock } from '../../clock.ts'
import { limits } from '../../limits.ts'
import type { Logger } from '../../logger.ts'
import { ProtocolError } from '../../protocol/error-codes.ts'
import {
  decodeGroupRecord,
  encodeGroupRecord,
  type GroupRecord,
  type GroupValue,
} from '../../protocol/kafka/group-records.ts'
import { BrokerError, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import {
  decodeBatch,
  encodeBatch,
  forEachBatch,
  lastOffsetOf,
  noProducer,
  type Offset,
  readBatchHeader,
} from '../../protocol/mq/record-batch.ts'
import { Operation } from '../replication/purgatory.ts'
import type { Replica } from '../replication/replica.ts'
import type { GroupRules } from './group.ts'
import { GroupOffsets } from './group-offsets.ts'
import { type Appended, LedGroup } from './led-group.ts'

/** Read between two turns of the event loop. */
const loadBytes = 256 * 1024
const never = Number.POSITIVE_INFINITY

/** The part of a replica that a coordinator uses. */
export type StoringReplica = Pick<
  Replica,
  | 'partition'
  | 'role'
  | 'leaderEpoch'
  | 'logEnd'
  | 'earliestOffset'
  | 'produce'
  | 'readCommitted'
  | 'waitForRecords'
  | 'waitForRoleEnd'
>

interface ShardOptions {
  readonly replica: StoringReplica
  readonly rules: GroupRules
  readonly commitTimeoutMs: number
  readonly retentionMs: number
  readonly clock: Clock
  readonly log: Logger
  readonly isTopic: (topic: string) => boolean
  /** The leader epoch ended, or the partition cannot be read. */
  readonly onOver: () => void
}

/** A group as it is read. */
interface Loading {
  stored: GroupValue | undefined
  readonly offsets: GroupOffsets
}

export class CoordinatorShard {
  readonly leaderEpoch: number
  readonly #options: ShardOptions
  readonly #groups = new Map<string, LedGroup>()
  #phase: 'loading' | 'active' | 'over' = 'loading'
  #cancelLoad: () => void = () => undefined
  /** called off when the role of the replica ends */
  readonly #role: Operation

  /** @param options.replica leads */
  constructor(options: ShardOptions) {
    this.#options = options
    const { replica } = options
    this.leaderEpoch = replica.leaderEpoch
    this.#role = new Operation(() => this.end())
    replica.waitForRoleEnd(this.#role)
    const { logEnd } = replica
    const caughtUp = new Operation((ending) => {
      if (ending === 'reached') this.#load(new Map(), replica.earliestOffset, logEnd)
    })
    this.#cancelLoad = () => caughtUp.finish('calledOff')
    replica.waitForRecords(caughtUp, logEnd - 1)
  }

  get partition(): number {
    return this.#options.replica.partition
  }

  get isLoading(): boolean {
    return this.#phase === 'loading'
  }

  get isOver(): boolean {
    return this.#phase === 'over'
  }

  get groupCount(): number {
    return this.#groups.size
  }

  get groups(): Iterable<readonly [string, LedGroup]> {
    return this.#groups
  }

  get(group: string): LedGroup | undefined {
    return this.#groups.get(group)
  }

  /** The group, which begins now if there is none. */
  getOrMake(group: string): LedGroup {
    return this.#groups.get(group) ?? this.#make(group, undefined, undefined)
  }

  /** Deletes offsets, and groups, that are too old. */
  expire(): void {
    for (const led of [...this.#groups.values()]) led.expire(this.#options.retentionMs)
  }

  /** With a committed offset of some group. */
  get topics(): ReadonlySet<string> {
    const topics = new Set<string>()
    for (const led of this.#groups.values()) for (const topic of led.topics) topics.add(topic)
    return topics
  }

  /** These topics are deleted, and what was committed for them means nothing. */
  topicsGone(topics: ReadonlySet<string>): void {
    for (const led of this.#groups.values()) led.topicsGone(topics)
  }

  /** Waiting clients look for the coordinator. */
  end(): void {
    if (this.#phase === 'over') return
    this.#phase = 'over'
    this.#cancelLoad()
    this.#role.finish('calledOff')
    for (const led of [...this.#groups.values()]) led.end()
    this.#groups.clear()
    this.#options.onOver()
  }

  #make(
    group: string,
    stored: GroupValue | undefined,
    offsets: GroupOffsets | undefined,
  ): LedGroup {
    const { rules, clock, commitTimeoutMs } = this.#options
    const led: LedGroup = new LedGroup(
      {
        group,
        rules,
        clock,
        commitTimeoutMs,
        append: (records, done) => this.#append(records, done),
        onDeleted: () => {
          if (this.#groups.get(group) === led) this.#groups.delete(group)
        },
      },
      stored,
      offsets,
    )
    this.#groups.set(group, led)
    return led
  }

  // --- writing ------------------------------------------------------------------------------------

  /** See `LedGroup`. */
  #append(records: readonly GroupRecord[], done: Appended): Offset | undefined {
    const { replica, clock } = this.#options
    if (!this.#isLeading) {
      done('NOT_COORDINATOR')
      return undefined
    }
    const timestampMs = clock.wallMs()
    const batch = encodeBatch({
      producerId: noProducer,
      producerEpoch: -1,
      baseSequence: -1,
      records: records.map((one) => {
        const { key, value } = encodeGroupRecord(one)
        return { key, value, timestampMs, headers: [] }
      }),
    })
    if (batch.length > limits.recordBatchBytesMax) {
      done('INVALID_COMMIT_OFFSET_SIZE')
      return undefined
    }
    const at = replica.logEnd
    let isRefused = false
    replica.produce({
      header: readBatchHeader(batch),
      batch,
      acks: 'all',
      deadlineMs: never,
      mayBeEarly: false,
      done: (result) => {
        isRefused = result instanceof BrokerError
        done(result instanceof BrokerError ? codeFor(result.code) : undefined)
      },
    })
    return isRefused ? undefined : at
  }

  get #isLeading(): boolean {
    const { replica } = this.#options
    if (this.#phase !== 'active' || replica.role.type !== 'leading') return false
    return replica.leaderEpoch === this.leaderEpoch
  }

  // --- loading ------------------------------------------------------------------------------------

  /** Reads what was committed before this leader epoch, in steps. */
  #load(found: Map<string, Loading>, from: Offset, end: Offset): void {
    const { clock, log } = this.#options
    let next = from
    try {
      if (from < end) next = this.#read(found, from)
    } catch (error) {
      const facts = { partition: this.partition, err: error as Error }
      log.error(facts, 'Cannot coordinate groups: their partition cannot be read')
      this.end()
      return
    }
    if (next >= end || next === from) this.#loaded(found)
    else this.#cancelLoad = clock.after(0, () => this.#load(found, next, end))
  }

  /** @returns the next offset; `from` at the end of what is committed */
  #read(found: Map<string, Loading>, from: Offset): Offset {
    let next = from
    const { records } = this.#options.replica.readCommitted(from, loadBytes)
    forEachBatch(records, (at) => {
      for (const record of decodeBatch(records, at)) {
        if (record.offset >= from) this.#replay(found, record)
      }
      next = lastOffsetOf(records, at) + 1
    })
    return next
  }

  #replay(
    found: Map<string, Loading>,
    {
      key,
      value,
      offset,
    }: {
      readonly key: Uint8Array | null
      readonly value: Uint8Array | null
      readonly offset: Offset
    },
  ): void {
    let record: GroupRecord | undefined
    try {
      record = decodeGroupRecord({ key, value })
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      const facts = { partition: this.partition, offset, err: error.message }
      this.#options.log.error(
        facts,
        'A record of the offsets topic cannot be read, and is left out',
      )
    }
    if (record === undefined) return
    const { group } = record
    const known = found.get(group) ?? { stored: undefined, offsets: new GroupOffsets() }
    found.set(group, known)
    if (record.type === 'offset') known.offsets.committed(record.place, offset, record.value)
    else known.stored = record.value ?? undefined
  }

  #loaded(found: Map<string, Loading>): void {
    const { log, isTopic } = this.#options
    this.#phase = 'active'
    this.#cancelLoad = () => undefined
    for (const [group, { stored, offsets }] of found) {
      if (stored !== undefined || !offsets.isEmpty) this.#make(group, stored, offsets)
    }
    const { partition, leaderEpoch } = this
    log.info({ partition, leaderEpoch, groups: this.#groups.size }, 'Coordinates consumer groups')
    // Topics that were deleted while there was no coordinator.
    const gone = [...this.topics].filter((topic) => !isTopic(topic))
    if (gone.length > 0) this.topicsGone(new Set(gone))
  }
}

/** Clients retry after either; with the second they look for another coordinator. */
function codeFor(code: MqErrorCode): MqErrorCode {
  return code === 'NOT_LEADER_OR_FOLLOWER' ? 'NOT_COORDINATOR' : 'COORDINATOR_NOT_AVAILABLE'
}
