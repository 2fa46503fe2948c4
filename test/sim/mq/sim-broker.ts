// One broker in a life: the whole program (src/broker/broker.ts) on a simulated disk, network and
// clock. `look` shows the judge how its replicas have changed since the last call.

import { assembleBroker, type Broker } from '../../../src/broker/broker.ts'
import { readConfig } from '../../../src/broker/config.ts'
import { offsetsTopic } from '../../../src/broker/group/offsets-topic.ts'
import type { Replica } from '../../../src/broker/replication/replica.ts'
import type { ReplicaManager } from '../../../src/broker/replication/replica-manager.ts'
import { invariant } from '../../../src/invariant.ts'
import { isUnreadable } from '../../../src/log/log-errors.ts'
import { decodeGroupRecord } from '../../../src/protocol/kafka/group-records.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import {
  decodeBatch,
  forEachBatch,
  lastOffsetOf,
  readBatchHeader,
} from '../../../src/protocol/mq/record-batch.ts'
import { readSecret } from '../../broker/test-secret.ts'
import type { SimDisk } from '../disk.ts'
import { isAdministered } from './administrator.ts'
import type { MqEvent } from './checker.ts'
import { Host, type HostParts } from './host.ts'
import type { LastBatches } from './last-batches.ts'
import { textOf, topic } from './load.ts'
import { isByDisk } from './sim-server.ts'
import type { TopicRecord } from './topic-checker.ts'

export const brokerPort = 9092

/** So slow that most damage is met by fetches first. */
const checkedBytesPerSecond = 20_000

export interface SimBrokerOptions {
  readonly zooweeper: string
  readonly sessionTimeoutMs: number
  readonly lagTimeMsMax: number
  readonly segmentBytes: number
  /** undefined: the default, which is longer than a life */
  readonly offsetsRetentionMs: number | undefined
  readonly show: (event: MqEvent) => void
  readonly batches: LastBatches
  /** A record of an administrator's topic is committed. */
  readonly committed: (record: TopicRecord) => void
  /** A life of it begins. */
  readonly started: (broker: SimBroker) => void
}

/** One replica as last seen. */
interface Seen {
  highWatermark: number
  logStart: number
  gapsBelow: number
  leads: string
  logEnd: number
  lastEpoch: number
  durableEnd: number
}

const unseen: Seen = {
  highWatermark: 0,
  logStart: 0,
  gapsBelow: 0,
  leads: '',
  logEnd: 0,
  lastEpoch: -1,
  durableEnd: -1,
}

export class SimBroker extends Host {
  readonly id: number
  readonly #options: SimBrokerOptions
  #broker: Broker | undefined
  #replicas: ReplicaManager | undefined
  readonly #seen = new Map<Replica, Seen>()
  /** up to where the records of other topics than the load's were shown */
  readonly #shownTo = new WeakMap<Replica, number>()
  /** by partition, also while it is down: up to where its log is on its disk */
  readonly #durableEnds = new Map<number, number>()
  /** the same of disks that were lost: what they had counted when it was acknowledged */
  readonly #lostEnds = new Map<number, number>()

  constructor(id: number, parts: HostParts, options: SimBrokerOptions) {
    super(`b${id}`, parts)
    this.id = id
    this.#options = options
  }

  get life(): string {
    return `${this.name}.${this.lifeCount}`
  }

  get isController(): boolean {
    return this.process !== undefined && this.#broker?.isController === true
  }

  get brokerEpoch(): number | undefined {
    return this.process === undefined ? undefined : this.#broker?.brokerEpoch
  }

  /** Of the topic of the load. */
  get replicas(): readonly Replica[] {
    return this.replicasOf(topic)
  }

  /** Of the topic in which groups are stored. */
  get groupReplicas(): readonly Replica[] {
    return this.replicasOf(offsetsTopic)
  }

  replicasOf(of: string): readonly Replica[] {
    return this.#all.filter((replica) => replica.topic === of)
  }

  /** Of the topics that an administrator creates and deletes. */
  get administered(): readonly Replica[] {
    return this.#all.filter((replica) => isAdministered(replica.topic))
  }

  get #all(): readonly Replica[] {
    return this.process === undefined ? [] : [...(this.#replicas?.replicas ?? [])]
  }

  /** It has read all of its logs since it started. */
  get isChecked(): boolean {
    return this.process !== undefined && this.#all.every((replica) => replica.isChecked)
  }

  leads(partition: number): boolean {
    return this.replicas.some(
      (replica) => replica.partition === partition && replica.role.type === 'leading',
    )
  }

  /** Up to where the log is, or was when its disk was lost, on a disk of this broker. */
  durableEnd(partition: number): number {
    return Math.max(this.#durableEnds.get(partition) ?? 0, this.#lostEnds.get(partition) ?? 0)
  }

  start(): void {
    if (this.process !== undefined) return
    const { process, world } = this.makeWorld()
    this.#broker = undefined
    this.#replicas = undefined
    this.#seen.clear()
    const failed = (error: unknown): void => {
      if (!process.alive) return
      if (isByDisk(error)) this.parts.cover('broker disk fault')
      // ZooWeeper may be away for longer than a start is tried.
      else if (error instanceof BrokerError) this.parts.cover('start in vain')
      else if ((error as Error).name === 'ZkError') this.parts.cover('start in vain')
      else return this.parts.fail(error as Error)
      this.end({ power: false })
    }
    this.#broker = assembleBroker({
      config: this.#config(),
      world,
      readSecret,
      onFailure: failed,
      witness: {
        opened: (replicas) => {
          this.#replicas = replicas
        },
      },
    })
    this.#broker.start().catch(failed)
    this.#options.started(this)
  }

  /** As SIGTERM does. Other faults may end it before it has stopped. */
  stop(): void {
    const { process } = this
    const broker = this.#broker
    if (process === undefined || broker === undefined) return
    const ended = (): void => {
      if (this.process !== process) return
      this.parts.cover('planned stop')
      this.end({ power: false })
    }
    broker.stop().then(ended, (error: unknown) => {
      if (!process.alive) return
      if (isByDisk(error)) ended()
      else this.parts.fail(error as Error)
    })
  }

  /** What it has told others since it was last looked at, they may show only now. */
  override end(how: { readonly power: boolean }): void {
    try {
      this.look()
    } catch (error) {
      this.parts.fail(error as Error)
    }
    super.end(how)
  }

  #config() {
    const { zooweeper, sessionTimeoutMs, lagTimeMsMax, segmentBytes } = this.#options
    const read = readConfig(
      [
        ...[`--id=${this.id}`, `--host=${this.name}`, `--port=${brokerPort}`],
        ...[`--advertised-host=${this.name}`, '--data-dir=/data', `--zooweeper=${zooweeper}`],
        ...['--offsets.topic.num.partitions=1', '--group.min.session.timeout.ms=100'],
        ...['--group.initial.rebalance.delay.ms=50'],
        ...[`--session-timeout=${sessionTimeoutMs}`, `--replica.lag.time.max.ms=${lagTimeMsMax}`],
      ],
      {},
    )
    invariant(read.type === 'config', 'these flags are a configuration')
    // Smaller than can be configured, so that a short life sees many segments.
    const { configs } = read.config
    const file = new Map([['log.segment.bytes', String(segmentBytes)]])
    const config = {
      ...read.config,
      configs: { ...configs, file },
      retentionCheckMs: 300,
      checkedBytesPerSecond,
    }
    const { offsetsRetentionMs: retentionMs } = this.#options
    if (retentionMs === undefined) return config
    return { ...config, offsets: { ...config.offsets, retentionMs, retentionCheckMs: 500 } }
  }

  /** A fault of its disk while it is down. */
  loseDisk(lose: (disk: SimDisk) => void): void {
    this.end({ power: true })
    this.disk.heal()
    lose(this.disk)
    for (const partition of this.#durableEnds.keys()) {
      this.#lostEnds.set(partition, this.durableEnd(partition))
    }
    this.#durableEnds.clear()
    this.#options.show({ type: 'diskLost', broker: this.name })
  }

  look(): void {
    if (this.process === undefined || this.#replicas === undefined) return
    for (const replica of this.replicas) this.#lookAt(replica)
    for (const replica of this.groupReplicas) this.#lookAtGroups(replica)
    for (const replica of this.administered) this.#lookAtTopic(replica)
  }

  #lookAtTopic(replica: Replica): void {
    const { topicId, partition, highWatermark, logStart } = replica
    const from = Math.max(this.#shownTo.get(replica) ?? 0, logStart)
    for (let offset = from; offset < highWatermark; ) {
      const records = this.#peek(replica, offset)
      if (records === undefined) return
      const place = `${this.life} ${topicId} ${partition}/${offset}`
      invariant(records.length > 0, `what is committed can be read: ${place}`)
      forEachBatch(records, (at) => {
        for (const record of decodeBatch(records, at)) {
          if (record.offset < offset) continue
          const value = Buffer.from(record.value ?? []).toString()
          this.#options.committed({ topicId, partition, offset: record.offset, value })
        }
        offset = Math.max(offset, lastOffsetOf(records, at) + 1)
      })
      this.#shownTo.set(replica, offset)
    }
  }

  /** All that a replica has of its log below the high watermark; undefined: it is damaged. */
  recordsOf(replica: Replica): ReadonlyMap<number, string> | undefined {
    const found = new Map<number, string>()
    for (let offset = replica.logStart; offset < replica.highWatermark; ) {
      const records = this.#peek(replica, offset)
      if (records === undefined) return undefined
      if (records.length === 0) return found
      forEachBatch(records, (at) => {
        for (const each of decodeBatch(records, at)) found.set(each.offset, textOf(each))
        offset = lastOffsetOf(records, at) + 1
      })
    }
    return found
  }

  #lookAtGroups(replica: Replica): void {
    const { highWatermark } = replica
    for (let offset = this.#shownTo.get(replica) ?? 0; offset < highWatermark; ) {
      const records = this.#peek(replica, offset)
      if (records === undefined) return
      const from = offset
      forEachBatch(records, (at) => {
        for (const record of decodeBatch(records, at)) {
          const decoded = decodeGroupRecord(record)
          if (decoded === undefined || record.offset < from) continue
          const { offset: at, timestampMs } = record
          this.#options.show({ type: 'groupRecord', at, record: decoded, timestampMs })
        }
        offset = lastOffsetOf(records, at) + 1
      })
      // Compaction may have removed what was there.
      if (offset === from) offset = highWatermark
      this.#shownTo.set(replica, offset)
    }
  }

  #lookAt(replica: Replica): void {
    const { partition, durableEnd, highWatermark, logStart, logEnd, lastEpoch } = replica
    const known = this.#seen.get(replica)
    const seen = known ?? { ...unseen }
    if (known === undefined) this.#seen.set(replica, seen)
    if (seen.durableEnd !== durableEnd) {
      seen.durableEnd = durableEnd
      this.#durableEnds.set(partition, durableEnd)
    }
    if (logStart > seen.logEnd && known !== undefined) this.parts.cover('log begins anew')
    if (known === undefined || logStart !== seen.logStart) {
      seen.logStart = logStart
      if (logStart > 0) this.parts.cover('log start moved')
      this.#options.show({ type: 'logStart', life: this.life, partition, offset: logStart })
    }
    if (replica.gapsBelow > seen.gapsBelow) {
      seen.gapsBelow = replica.gapsBelow
      if (known !== undefined) this.parts.cover('compaction')
    }
    if (logEnd < seen.logEnd) this.parts.cover('truncation')
    if (lastEpoch < seen.lastEpoch) this.parts.cover('truncation of whole epochs')
    seen.logEnd = logEnd
    seen.lastEpoch = lastEpoch
    if (seen.highWatermark !== highWatermark) {
      const { show } = this.#options
      show({ type: 'highWatermark', life: this.life, partition, offset: highWatermark })
      this.#readCommitted(replica, seen.highWatermark)
      seen.highWatermark = highWatermark
    }
    this.#lookAtRole(replica, seen)
  }

  #lookAtRole(replica: Replica, seen: Seen): void {
    const { partition, role, leaderEpoch, logStart, logEnd } = replica
    const { brokerEpoch } = this
    const leads = role.type === 'leading' ? `${leaderEpoch} ${brokerEpoch}` : ''
    if (seen.leads === leads) return
    seen.leads = leads
    if (leads === '') return
    this.parts.cover('election')
    const { life } = this
    const ends = { logStart, logEnd }
    this.#options.show({
      type: 'leads',
      life,
      partition,
      epoch: leaderEpoch,
      brokerEpoch,
      ...ends,
    })
  }

  #readCommitted(replica: Replica, from: number): void {
    const { partition, highWatermark } = replica
    for (let offset = Math.max(from, replica.logStart); offset < highWatermark; ) {
      const records = this.#peek(replica, offset)
      if (records === undefined) return
      // Only compaction leaves nothing up to the high watermark.
      if (records.length === 0 && this.#options.batches.isCompacted) return
      invariant(
        records.length > 0,
        `what is committed can be read: ${this.life} ${partition}/${offset}`,
      )
      offset = this.#showRecords(partition, records, offset)
    }
  }

  /**
   * Committed records, as they are on the disk; looking at them must not show the broker what it has not
   * noticed. @returns undefined: they are damaged
   */
  #peek(replica: Replica, offset: number): Buffer | undefined {
    try {
      return replica.peek(offset, replica.highWatermark)
    } catch (error) {
      if (!isUnreadable(error)) throw error
      this.parts.cover('damage that is not noticed yet')
      return undefined
    }
  }

  #showRecords(partition: number, records: Buffer, from: number): number {
    let offset = from
    forEachBatch(records, (at, length) => {
      this.#options.batches.keep(partition, records.subarray(at, at + length))
      const epoch = readBatchHeader(records, at).leaderEpoch
      for (const record of decodeBatch(records, at)) {
        if (record.offset < offset) continue
        const value = textOf(record)
        const { life } = this
        this.#options.show({
          type: 'committed',
          life,
          partition,
          offset: record.offset,
          value,
          epoch,
        })
        offset = record.offset + 1
      }
      offset = Math.max(offset, lastOffsetOf(records, at) + 1)
    })
    return offset
  }
}
