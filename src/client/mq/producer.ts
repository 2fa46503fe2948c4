// Sends records to Mimic Queue:
//
//   const producer = new Producer({ brokers: '127.0.0.1:9092' })
//   const { offset } = await producer.send({ topic: 'goals', value: '1:0' })
//   await producer.close()
//
// Records for one partition are stored in the order of the calls, each exactly once, in batches
// that form by size and by linger time. The partition is the given one; else by the key's murmur2,
// like the Java client; else one partition until a batch is full or a short time is over, then
// another.
//
//   argument check ─▶ room in memory ─▶ topic known ─▶ its partition's sender
//
// Each step keeps the order of the calls, and takes no promise while nothing has to be awaited.
//
// Next on the path: partition-sender.ts.

import { limits } from '../../limits.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { noBroker } from '../../protocol/mq/messages.ts'
import { batchHeaderBytes } from '../../protocol/mq/record-batch.ts'
import { type MqRecord, recordBytesMax } from '../../protocol/mq/records.ts'
import { abortable, onAbort } from '../abort.ts'
import { take } from './argument-kinds.ts'
import { MqCluster } from './mq-cluster.ts'
import type { CallOptions, NewRecord, ProducerOptions } from './options.ts'
import { PartitionSender } from './partition-sender.ts'
import { partitionFor } from './partitioner.ts'
import { ProduceRequests } from './produce-requests.ts'
import {
  producerMethods,
  RecordTaker,
  type TakenRecord,
  takeProducerOptions,
} from './producer-arguments.ts'
import {
  BatchOutcome,
  type Outcome,
  RecordOutcome,
  type StoredAt,
  type StoredRange,
} from './send-outcome.ts'
import { SendRoom } from './send-room.ts'

export { BrokerError } from '../../protocol/mq/error-codes.ts'
export type { CallOptions, NewHeader, NewRecord, ProducerOptions } from './options.ts'
export { SendBatchError, type StoredAt, type StoredRange } from './send-outcome.ts'

interface OutRecord {
  readonly topic: string
  readonly partition: number | undefined
  readonly record: MqRecord
  readonly bytes: number
}

/** One call of `send` or `sendBatch`. */
interface Call {
  readonly records: readonly OutRecord[]
  readonly outcome: Outcome
  /** of the first record that has not found room */
  next: number
  /** Its caller no longer waits: records without a sender are dropped. */
  isAborted: boolean
  /** to call when it is over */
  leave: () => void
}

/** Records of a topic that is being looked up, in order. */
interface Lookup {
  readonly waiting: { readonly out: OutRecord; readonly call: Call }[]
  over: Promise<void>
}

/** Where records without a key go. */
interface Sticky {
  readonly partition: number
  readonly untilMs: number
  bytes: number
}

const noOptions: { readonly options: CallOptions } = { options: {} }

/** How long records without a key stay with one partition that does not fill a batch. */
const stickyMs = 20

/** All failures are BrokerErrors, except that an aborted call rejects with its signal's reason. */
export class Producer {
  readonly #options: ReturnType<typeof takeProducerOptions>
  readonly #cluster: MqCluster
  readonly #requests: ProduceRequests
  readonly #room: SendRoom
  readonly #taker = new RecordTaker()
  /** by topic and partition */
  readonly #senders = new Map<string, Map<number, PartitionSender>>()
  readonly #sticky = new Map<string, Sticky>()
  /** by topic */
  readonly #lookups = new Map<string, Lookup>()
  /** that wait for room */
  readonly #waiting = new Set<Call>()
  #connecting: Promise<void> | undefined
  #closing: Promise<void> | undefined
  readonly #settled = (bytes: number) => this.#room.release(bytes)

  /** @throws BrokerError INVALID_REQUEST */
  constructor(given: ProducerOptions) {
    const options = takeProducerOptions(given)
    this.#options = options
    this.#cluster = new MqCluster(options)
    this.#requests = new ProduceRequests({ cluster: this.#cluster, acks: options.acks })
    this.#room = new SendRoom(options.bufferBytesMax)
  }

  /** Bytes of records that are neither stored nor failed, an upper bound. */
  get bufferedBytes(): number {
    return this.#room.usedBytes
  }

  /** Whether `send` waits until other records are settled. */
  get isFull(): boolean {
    return this.#room.isFull
  }

  /**
   * Finds the cluster; `send` calls it if needed.
   *
   * @throws BrokerError BROKER_NOT_AVAILABLE with the result for each broker
   */
  async connect(given?: CallOptions): Promise<void> {
    const { options } = take(producerMethods.connect, [given])
    this.#checkOpen('connect')
    await abortable(this.#connect(), options.signal)
  }

  #connect(): Promise<void> {
    this.#connecting ??= this.#cluster.refresh().catch((error: unknown) => {
      this.#connecting = undefined
      throw error
    })
    return this.#connecting
  }

  /**
   * Waits while `bufferBytesMax` is reached; the order of the calls is kept. If the signal is
   * aborted, the record is not sent if it still waits for room or for its topic; else its outcome
   * is unknown.
   *
   * @returns where the record is stored, once it is
   * @throws BrokerError why it is not stored, or that its outcome is unknown
   */
  send(given: NewRecord, options?: CallOptions): Promise<StoredAt> {
    return this.#begin(options, (resolve, reject) => {
      const record = this.#outRecord(this.#taker.take(given), this.#cluster.clock.wallMs())
      const outcome = new RecordOutcome(record.topic, resolve, reject)
      return { records: [record], outcome }
    })
  }

  /**
   * Sends many records with one promise, for a part of the work of as many calls of `send`. All are
   * checked before the first is sent, and wait like those of `send`. If the signal is aborted,
   * records that still wait are not sent.
   *
   * @returns where they are stored, once all are: a range for each batch that has some of them
   * @throws SendBatchError what is stored; after a failure, records that still wait are not sent
   */
  sendBatch(given: readonly NewRecord[], options?: CallOptions): Promise<readonly StoredRange[]> {
    return this.#begin(options, (resolve, reject) => {
      const wallMs = this.#cluster.clock.wallMs()
      const records = this.#taker.takeAll(given).map((taken) => this.#outRecord(taken, wallMs))
      return { records, outcome: new BatchOutcome(records.length, resolve, reject) }
    })
  }

  /** Resolves when everything sent so far is settled; batches do not linger until then. */
  async flush(given?: CallOptions): Promise<void> {
    const { options } = take(producerMethods.flush, [given])
    await abortable(this.#flush(), options.signal)
  }

  async #flush(): Promise<void> {
    const waiting = [...this.#waiting]
    for (let isOver = false; !isOver; ) {
      // What waits for room enters while this settles what is in its way.
      isOver = waiting.every((call) => !this.#waiting.has(call))
      await Promise.all([...this.#lookups.values()].map(({ over }) => over))
      const senders = [...this.#senders.values()].flatMap((each) => [...each.values()])
      await Promise.all(senders.map((sender) => sender.flush()))
    }
  }

  /** Sends waiting records, then disconnects; later calls are refused. */
  close(): Promise<void> {
    this.#closing ??= this.#flush().finally(() => this.#cluster.close())
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Disconnects immediately; unsettled records fail, outcome unknown. */
  abort(): void {
    const message = 'Cannot finish sending: the producer was aborted'
    const error = new BrokerError('NETWORK_EXCEPTION', message)
    this.#cluster.close()
    this.#room.refuseAll(error)
    for (const senders of this.#senders.values()) {
      for (const sender of senders.values()) sender.abort(error)
    }
  }

  #checkOpen(what: string): void {
    if (this.#closing === undefined && !this.#cluster.isClosed) return
    throw new BrokerError('INVALID_REQUEST', `Cannot ${what}: the producer is closed`)
  }

  // --- argument check ----------------------------------------------------------------------------

  #outRecord(taken: TakenRecord, wallMs: number): OutRecord {
    const { topic, partition, key, value, headers } = taken
    const record = { key, value, timestampMs: taken.timestampMs ?? Math.floor(wallMs), headers }
    const bytes = recordBytesMax(record)
    const most = limits.recordBatchBytesMax - batchHeaderBytes
    if (bytes > most) {
      const found = `it takes up to ${bytes} bytes, at most ${most} are allowed`
      throw new BrokerError('MESSAGE_TOO_LARGE', `Cannot send a record: ${found}`)
    }
    return { topic, partition, record, bytes }
  }

  // --- room in memory ----------------------------------------------------------------------------

  /** @param make checks the arguments, before anything of the call is sent */
  #begin<T>(
    given: CallOptions | undefined,
    make: (
      resolve: (value: T) => void,
      reject: (reason: unknown) => void,
    ) => Pick<Call, 'records' | 'outcome'>,
  ): Promise<T> {
    const listening: { stop?: () => void } = {}
    const promise = new Promise<T>((resolve, reject) => {
      const { records, outcome } = make(resolve, reject)
      const { options } =
        given === undefined ? noOptions : take(producerMethods.sendOptions, [given])
      const { signal } = options
      this.#checkOpen('send a record')
      signal?.throwIfAborted()
      const call: Call = { records, outcome, next: 0, isAborted: false, leave: () => undefined }
      if (signal !== undefined) {
        listening.stop = onAbort(signal, (reason) => this.#abort(call, reason))
      }
      this.#enter(call)
    })
    const { stop } = listening
    if (stop !== undefined) promise.then(stop, stop)
    return promise
  }

  /** Its records enter in parts, so that a large batch needs no more room than there is. */
  #enter(call: Call): void {
    this.#waiting.delete(call)
    const { records } = call
    while (call.next < records.length && !call.isAborted) {
      if (call.outcome.hasFailed) {
        call.outcome.fail(unsentError(), records.length - call.next)
        return
      }
      const { end, bytes } = partOf(records, call.next, this.#options.bufferBytesMax / 4)
      if (!this.#room.maybeTake(bytes)) {
        this.#waitForRoom(call, end, bytes)
        return
      }
      this.#entered(call, end)
    }
  }

  #waitForRoom(call: Call, end: number, bytes: number): void {
    const { deliveryTimeoutMs } = this.#options
    let cancel: () => void = () => undefined
    const fail = (error: BrokerError) => {
      call.leave()
      call.outcome.fail(error, call.records.length - call.next)
    }
    const enter = () => {
      call.leave = () => undefined
      cancel()
      this.#entered(call, end)
      this.#enter(call)
    }
    try {
      const leave = this.#room.wait(bytes, enter, fail)
      const found = `no room for it within ${deliveryTimeoutMs} ms`
      const late = new BrokerError('REQUEST_TIMED_OUT', `Cannot send a record in time: ${found}`)
      cancel = this.#cluster.clock.after(deliveryTimeoutMs, () => fail(late))
      this.#waiting.add(call)
      call.leave = () => {
        cancel()
        leave()
        this.#waiting.delete(call)
      }
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      fail(error)
    }
  }

  #entered(call: Call, end: number): void {
    const { records } = call
    for (; call.next < end; call.next++) {
      const out = records[call.next]
      if (out !== undefined) this.#find(out, call)
    }
  }

  #abort(call: Call, reason: unknown): void {
    call.isAborted = true
    call.leave()
    call.outcome.abort(reason)
  }

  // --- topic and partition -----------------------------------------------------------------------

  #find(out: OutRecord, call: Call): void {
    const { topic } = out
    const lookup = this.#lookups.get(topic)
    const known = lookup === undefined ? this.#cluster.metadata.topic(topic) : undefined
    if (known !== undefined && known.problem === undefined) this.#place(out, call)
    else (lookup ?? this.#lookUp(topic)).waiting.push({ out, call })
  }

  #lookUp(topic: string): Lookup {
    const waiting: Lookup['waiting'] = []
    const found = this.#existing(topic).then(
      () => undefined,
      (error: BrokerError) => error,
    )
    const over = found.then((error) => {
      this.#lookups.delete(topic)
      for (const { out, call } of waiting) {
        if (error === undefined) this.#place(out, call)
        else this.#drop(out, call, error)
      }
    })
    const lookup = { waiting, over }
    this.#lookups.set(topic, lookup)
    return lookup
  }

  /** It may be new, so it is looked up twice. @throws BrokerError */
  async #existing(topic: string): Promise<void> {
    const { metadata } = this.#cluster
    await this.#connect()
    const isKnown = metadata.topic(topic)?.problem === undefined && metadata.topic(topic)
    if (!isKnown) await this.#cluster.refresh()
    const found = metadata.topic(topic)
    if (found?.problem !== undefined) {
      const message = `Cannot send to topic '${topic}': ${found.problem}`
      throw new BrokerError('KAFKA_STORAGE_ERROR', message)
    }
    if (found !== undefined) return
    throw await this.#cluster.whyMissing(topic, `send to topic '${topic}'`)
  }

  #drop({ bytes }: OutRecord, { outcome }: Call, error: BrokerError): void {
    this.#room.release(bytes)
    outcome.fail(error, 1)
  }

  /** Hands the record to its partition's sender. */
  #place(out: OutRecord, call: Call): void {
    const { topic, partition: wanted, record, bytes } = out
    if (call.isAborted) {
      this.#room.release(bytes)
      return
    }
    const partitionCount = this.#cluster.metadata.topic(topic)?.partitions.length ?? 0
    if (wanted !== undefined && wanted >= partitionCount) {
      const message = `Cannot send to partition ${wanted} of topic '${topic}'`
      const found = `it has ${partitionCount}`
      const error = new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `${message}: ${found}`)
      this.#drop(out, call, error)
      return
    }
    const nowMs = this.#cluster.clock.nowMs()
    const partition =
      wanted ??
      (record.key === null
        ? this.#stickyPartition(topic, bytes, nowMs)
        : partitionFor(record.key, partitionCount))
    this.#sender(topic, partition).add(record, bytes, call.outcome.waiter(topic), nowMs)
  }

  #stickyPartition(topic: string, bytes: number, nowMs: number): number {
    const sticky = this.#sticky.get(topic)
    if (sticky !== undefined && sticky.bytes < this.#options.batchBytes && nowMs < sticky.untilMs) {
      sticky.bytes += bytes
      return sticky.partition
    }
    const { metadata, random } = this.#cluster
    const partitions = metadata.topic(topic)?.partitions ?? []
    const led = partitions.filter(({ leader }) => leader !== noBroker)
    const { partition } = random.pick(led.length === 0 ? partitions : led)
    this.#sticky.set(topic, { partition, untilMs: nowMs + stickyMs, bytes })
    return partition
  }

  #sender(topic: string, partition: number): PartitionSender {
    const senders = this.#senders.get(topic) ?? new Map<number, PartitionSender>()
    const known = senders.get(partition)
    if (known !== undefined) return known
    const options = this.#options
    const sender = new PartitionSender({
      topic,
      partition,
      cluster: this.#cluster,
      requests: this.#requests,
      acks: options.acks,
      compression: options.compression,
      batchBytes: options.batchBytes,
      lingerMs: options.lingerMs,
      inFlightMax: options.inFlightMax,
      requestTimeoutMs: options.requestTimeoutMs,
      deliveryTimeoutMs: options.deliveryTimeoutMs,
      viaRandomBrokers: options.sendTo === 'random',
      onSettled: this.#settled,
    })
    senders.set(partition, sender)
    this.#senders.set(topic, senders)
    return sender
  }
}

function unsentError(): BrokerError {
  return new BrokerError('OPERATION_NOT_ATTEMPTED', 'An earlier record of the batch failed')
}

/** The records from `start` on that together take at most `bytesMax`, at least one. */
function partOf(
  records: readonly OutRecord[],
  start: number,
  bytesMax: number,
): { readonly end: number; readonly bytes: number } {
  let bytes = 0
  let end = start
  for (; end < records.length; end++) {
    const next = records[end]?.bytes ?? 0
    if (end > start && bytes + next > bytesMax) break
    bytes += next
  }
  return { end, bytes }
}
