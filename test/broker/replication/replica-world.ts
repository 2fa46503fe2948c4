// One replica for tests, with the broker around it in the test’s hands.

import { ClusterConfigs } from '../../../src/broker/cluster/cluster-configs.ts'
import type { TopicConfig } from '../../../src/broker/cluster/topic-config.ts'
import { noCheckpoint } from '../../../src/broker/partition/checkpoint.ts'
import type { PartitionState } from '../../../src/broker/partition/partition-state.ts'
import { Purgatory } from '../../../src/broker/replication/purgatory.ts'
import {
  Replica,
  type ReplicaHost,
  type ReplicaOptions,
} from '../../../src/broker/replication/replica.ts'
import { Codecs } from '../../../src/client/mq/compression/codecs.ts'
import type { LogDamagedError, LogVersionError } from '../../../src/log/log-errors.ts'
import { IndexMemory } from '../../../src/log/segment-index.ts'
import { TailMemory } from '../../../src/log/tail.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'
import type { RequiredAcks } from '../../../src/protocol/mq/produce.ts'
import {
  encodeBatch,
  noProducer,
  type Offset,
  placeBatch,
  readBatchHeader,
} from '../../../src/protocol/mq/record-batch.ts'
import type { ReplicaFetchPartition } from '../../../src/protocol/mq/replica-fetch.ts'
import { Turn } from '../../../src/turn.ts'
import { MemoryDirectory } from '../../log/memory-directory.ts'
import { RecordingLogger } from '../../recording-logger.ts'
import { settled, VirtualClock } from '../../virtual-clock.ts'
import { ids, life, members } from '../partition/members.ts'

export const ours = life(1)
export const lagTimeMsMax = 100

/** Broker 1 leads, in the life that registered at 10. */
export const leads: PartitionState = {
  leader: 1 as BrokerId,
  leaderEpoch: 5,
  controllerEpoch: 1,
  isr: members(1, 2),
  eligible: [],
  committed: 0,
  uncleanEpoch: -1,
  version: 9,
}
export const follows: PartitionState = { ...leads, leader: 2 as BrokerId }

export function batch(count: number, at: { offset?: Offset; epoch?: number } = {}): Buffer {
  const records = Array.from({ length: count }, (_, i) => ({
    key: null,
    value: Buffer.from(`record ${i}`),
    timestampMs: 1,
    headers: [],
  }))
  const made = encodeBatch({ producerId: noProducer, producerEpoch: -1, baseSequence: -1, records })
  if (at.offset !== undefined) placeBatch(made, at.offset, at.epoch ?? 5)
  return made
}

/** The broker around one replica, which the test controls. */
export class Host implements ReplicaHost {
  readonly clock = new VirtualClock()
  readonly turn = new Turn(setImmediate)
  readonly log = new RecordingLogger()
  readonly purgatory = new Purgatory()
  readonly decompression = new Codecs()
  /** unanswered writes of the state */
  readonly writes: {
    readonly state: PartitionState
    readonly answer: (inForce: PartitionState | undefined) => Promise<void>
  }[] = []
  readonly failures: Error[] = []
  readonly truncations: Offset[] = []
  readonly damages: (LogDamagedError | LogVersionError)[] = []
  reportCount = 0
  roleChangeCount = 0
  /** replicas that wait for the next tick */
  readonly eager = new Set<Replica>()
  /** the end of `willTruncate`; undefined: it ends at once */
  truncating: (() => void)[] | undefined
  truncateError: Error | undefined

  writeState(_: Replica, state: PartitionState): Promise<PartitionState | undefined> {
    return new Promise((resolve) => {
      const answer = (inForce: PartitionState | undefined) => {
        resolve(inForce)
        return settled()
      }
      this.writes.push({ state, answer })
    })
  }

  async willTruncate(_: Replica, end: Offset): Promise<void> {
    this.truncations.push(end)
    if (this.truncateError !== undefined) throw this.truncateError
    const { truncating } = this
    if (truncating !== undefined) await new Promise<void>((resolve) => truncating.push(resolve))
  }

  reportChanged(): void {
    this.reportCount += 1
  }

  damaged(_: Replica, error: LogDamagedError | LogVersionError): void {
    this.damages.push(error)
  }

  roleChanged(): void {
    this.roleChangeCount += 1
  }

  tickSoon(replica: Replica): void {
    this.eager.add(replica)
  }

  failed(error: Error): void {
    this.failures.push(error)
  }
}

export function open(directory = new MemoryDirectory(), changed: Partial<ReplicaOptions> = {}) {
  const host = new Host()
  const replica = new Replica(
    {
      topic: 'goals',
      topicId: 'x',
      partition: 0,
      self: 1 as BrokerId,
      replicas: ids(1, 2, 3),
      assignmentVersion: 0,
      minInsyncReplicas: 1,
      lagTimeMsMax,
      directory,
      segmentBytes: 1 << 20,
      flush: 'group',
      checkpoint: noCheckpoint,
      isIncomplete: false,
      isSuspect: false,
      memory: { tails: new TailMemory(2 ** 20), indexes: new IndexMemory(2 ** 20) },
      ...changed,
    },
    host,
  )
  const produce = (count: number, acks: RequiredAcks = 'leader') => {
    const outcome: { result: Offset | string | undefined } = { result: undefined }
    const made = batch(count)
    replica.produce({
      header: readBatchHeader(made),
      batch: made,
      acks,
      deadlineMs: host.clock.nowMs() + 1000,
      mayBeEarly: true,
      done: (result) => {
        outcome.result = result instanceof BrokerError ? result.code : result
      },
    })
    return outcome
  }
  /** Broker 2 has everything before `offset`; its last record is of `lastEpoch`. */
  const fetchedBy2 = (offset: Offset, asked: Partial<ReplicaFetchPartition> = {}) =>
    replica.followerFetched(2 as BrokerId, life(2), {
      topic: 'goals',
      topicId: 'x',
      partition: 0,
      leaderEpoch: 5,
      offset,
      lastEpoch: offset === 0 ? -1 : 5,
      highWatermark: 0,
      logStart: 0,
      durableEnd: offset,
      isStart: false,
      ...asked,
    })
  return { host, replica, directory, produce, fetchedBy2 }
}

/** Follows broker 2, with records of these epochs, one each, all durable. */
export async function following(epochs: readonly number[], highWatermark = 0) {
  const one = open()
  const { replica } = one
  replica.become({ ...follows, leaderEpoch: 5 }, ours)
  for (const [offset, epoch] of epochs.entries()) {
    replica.appendFetched(answer(replica, batch(1, { offset, epoch }), highWatermark))
  }
  await settled()
  return one
}

/** Of a leader that has sent everything before the replica's log end. */
export function answer({ logEnd: offset }: Replica, records: Buffer, highWatermark = 0) {
  const common = {
    topic: 'goals',
    partition: 0,
    since: 0,
    offset,
    code: 'NONE',
    logStart: 0,
  } as const
  return { ...common, diverging: undefined, anew: undefined, gapsBelow: 0, highWatermark, records }
}

export function flipped(bytes: Buffer): Buffer {
  const at = bytes.length - 1
  bytes[at] = (bytes[at] ?? 0) ^ 1
  return bytes
}

/** Leads alone, with three committed batches of two records, each in a segment of its own. */
export async function leadingAlone(directory = new MemoryDirectory()) {
  const one = open(directory, { segmentBytes: 100 })
  one.replica.become({ ...leads, isr: members(1) }, ours)
  for (let i = 0; i < 3; i++) one.produce(2)
  await settled()
  return one
}

export const reopened = (directory: MemoryDirectory) =>
  open(directory.crash(), { segmentBytes: 100 })

export function rules(changed: Partial<TopicConfig>): TopicConfig {
  return { ...new ClusterConfigs().topic('goals'), 'segment.bytes': 100, ...changed }
}
