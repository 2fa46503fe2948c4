// Sends one partition's batches, in order and each exactly once. A batch has its (producer id,
// sequence) from the first try on and keeps it: whatever becomes of a try, it is sent again until an
// answer is known or its time is up, and the partition's leader recognises what it has.
//
// Several batches are in flight; sent through random brokers they may arrive in any order, and the
// leader puts them right. When one fails for good, those after it can never be stored: they fail with
// it, and what comes later starts over with another producer id.

import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { onlyOne } from '../../protocol/mq/messages.ts'
import type { BrokerInfo } from '../../protocol/mq/metadata.ts'
import type { RequiredAcks } from '../../protocol/mq/produce.ts'
import { encodeBatch, noProducer, type ProducerId } from '../../protocol/mq/record-batch.ts'
import type { MqRecord } from '../../protocol/mq/records.ts'
import { makesStale } from './metadata-cache.ts'
import type { MqCluster } from './mq-cluster.ts'
import { type Gathered, RecordAccumulator } from './record-accumulator.ts'

interface SenderOptions {
  readonly topic: string
  readonly partition: number
  readonly cluster: MqCluster
  readonly acks: RequiredAcks
  readonly batchBytes: number
  readonly lingerMs: number
  readonly inFlightMax: number
  readonly requestTimeoutMs: number
  readonly deliveryTimeoutMs: number
  /** to brokers picked at random, which pass it on, instead of to the leader */
  readonly viaRandomBrokers: boolean
}

interface RecordWaiter {
  resolve(offset: number): void
  reject(error: BrokerError): void
}

interface Batch extends Gathered<RecordWaiter> {
  readonly encoded: Buffer
  readonly deadlineMs: number
}

/** One producer id with its sequences. */
interface Lane {
  readonly producerId: ProducerId
  nextSequence: number
  /** ascending by sequence */
  readonly inFlight: Batch[]
  /** a batch of it failed: nothing more can follow */
  isBroken: boolean
}

/** After this long without an answer it is asked whether the broker still lives. */
const suspectMs = 1000
/** How much longer than the leader may wait for its acks an answer may take. */
const slackMs = 500
const sequenceCount = 2 ** 31

export class PartitionSender {
  readonly #options: SenderOptions
  readonly #waiting: RecordAccumulator<RecordWaiter>
  #lane: Lane | undefined
  #beginning: Promise<void> | undefined
  #cancelLinger: (() => void) | undefined
  readonly #sealBatches = () => this.#send()
  #isFlushing = false
  #whenIdle: (() => void)[] = []

  constructor(options: SenderOptions) {
    this.#options = options
    this.#waiting = new RecordAccumulator(options)
  }

  /** @returns the bytes that it counts for until it is settled */
  add(record: MqRecord, waiter: RecordWaiter): void {
    this.#waiting.add(record, waiter, this.#options.cluster.clock.nowMs())
    this.#sendSoon()
  }

  /** Resolves when everything added is settled; nothing waits for company until then. */
  flush(): Promise<void> {
    if (this.#isIdle) return Promise.resolve()
    this.#isFlushing = true
    this.#sendSoon()
    return new Promise((resolve) => this.#whenIdle.push(resolve))
  }

  /** Fails everything that is not settled. */
  abort(error: BrokerError): void {
    this.#cancelLinger?.()
    const lane = this.#lane
    if (lane !== undefined) this.#failFrom(lane, 0, error)
    for (const gathered of this.#waiting.takeAll()) reject(gathered, error)
    this.#maybeIdle()
  }

  get #isIdle(): boolean {
    return this.#waiting.isEmpty && (this.#lane?.inFlight.length ?? 0) === 0
  }

  /** What one turn adds goes into one batch as far as it fits. */
  #sendSoon(): void {
    const { clock, turn } = this.#options.cluster
    this.#cancelLinger?.()
    this.#cancelLinger = undefined
    const waitMs = this.#isFlushing ? 0 : this.#waiting.readyMs() - clock.nowMs()
    if (waitMs > 0) this.#cancelLinger = clock.after(Math.ceil(waitMs), () => this.#send())
    else turn.seal(this.#sealBatches)
  }

  #send(): void {
    this.#cancelLinger = undefined
    const { cluster, inFlightMax } = this.#options
    // Before another lane begins, what is still on its way in a broken one is settled.
    if (this.#lane?.isBroken === true && this.#lane.inFlight.length === 0) this.#lane = undefined
    if (this.#lane?.isBroken === true) return
    if (this.#lane === undefined) {
      if (this.#waiting.isEmpty) this.#maybeIdle()
      else this.#begin()
      return
    }
    while (this.#lane.inFlight.length < inFlightMax) {
      const nowMs = cluster.clock.nowMs()
      const gathered = this.#waiting.take(nowMs, this.#isFlushing)
      if (gathered === undefined) break
      if (nowMs >= this.#deadlineOf(gathered)) this.#expire(gathered)
      else void this.#deliver(this.#lane, this.#encode(this.#lane, gathered))
    }
    const isFull = this.#lane.inFlight.length >= inFlightMax
    if (!this.#waiting.isEmpty && !isFull) this.#sendSoon()
    this.#maybeIdle()
  }

  /** Without acks nobody would know of a gap: then there are no sequences. */
  #begin(): void {
    const { acks, cluster, deliveryTimeoutMs } = this.#options
    if (acks === 'none') {
      this.#lane = { producerId: noProducer, nextSequence: -1, inFlight: [], isBroken: false }
      this.#send()
      return
    }
    this.#beginning ??= cluster
      .call({ type: 'initProducerId' }, deliveryTimeoutMs)
      .then(({ producerId }) => {
        this.#lane = { producerId, nextSequence: 0, inFlight: [], isBroken: false }
      })
      .catch((error: BrokerError) => {
        for (const gathered of this.#waiting.takeAll()) reject(gathered, error)
      })
      .finally(() => {
        this.#beginning = undefined
        if (this.#waiting.isEmpty) this.#maybeIdle()
        else this.#send()
      })
  }

  #encode(lane: Lane, gathered: Gathered<RecordWaiter>): Batch {
    const { records } = gathered
    const { producerId, nextSequence: baseSequence } = lane
    const producerEpoch = producerId === noProducer ? -1 : 0
    const encoded = encodeBatch({ producerId, producerEpoch, baseSequence, records })
    if (producerId !== noProducer) {
      lane.nextSequence = (baseSequence + records.length) % sequenceCount
    }
    const deadlineMs = this.#deadlineOf(gathered)
    const { waiters, sinceMs, bytes } = gathered
    const batch: Batch = { records, waiters, sinceMs, bytes, encoded, deadlineMs }
    lane.inFlight.push(batch)
    return batch
  }

  /** Of its oldest record, however long that waited for its turn. */
  #deadlineOf({ sinceMs }: Gathered<RecordWaiter>): number {
    return sinceMs + this.#options.deliveryTimeoutMs
  }

  /** It was never sent: no sequence is missing without it. */
  #expire(gathered: Gathered<RecordWaiter>): void {
    const { topic, partition, deliveryTimeoutMs } = this.#options
    const found = `those before it took ${deliveryTimeoutMs} ms`
    const message = `Cannot produce to ${topic}/${partition} in time: ${found}`
    reject(gathered, new BrokerError('REQUEST_TIMED_OUT', message))
  }

  async #deliver(lane: Lane, batch: Batch): Promise<void> {
    const { cluster } = this.#options
    for (let lastTried: BrokerInfo | undefined; ; ) {
      const broker = this.#target(lastTried)
      try {
        const offset = await this.#try(batch, broker)
        this.#stored(lane, batch, offset)
        return
      } catch (error) {
        // Something else than a BrokerError is our own mistake; it must not leave callers waiting.
        const failed =
          error instanceof BrokerError
            ? error
            : new BrokerError('UNKNOWN_SERVER_ERROR', 'Cannot send a batch', { cause: error })
        const at = lane.inFlight.indexOf(batch)
        if (at === -1) return // given up meanwhile
        const isLate = cluster.clock.nowMs() >= batch.deadlineMs
        if (isLate || !this.#mayRetry(failed, at)) {
          this.#failFrom(lane, at, failed)
          return
        }
        lastTried = broker
        cluster.log.debug({ code: failed.code, broker: broker?.id }, 'Sending a batch again')
        if (makesStale(failed.code)) await cluster.refresh().catch(() => undefined)
        await cluster.pause()
        if (!lane.inFlight.includes(batch)) return
      }
    }
  }

  async #try(batch: Batch, broker: BrokerInfo | undefined): Promise<number> {
    const { cluster, topic, partition, acks, requestTimeoutMs } = this.#options
    if (broker === undefined) {
      const message = `Cannot produce to ${topic}/${partition}: no broker for it is known`
      throw new BrokerError('LEADER_NOT_AVAILABLE', message)
    }
    const leftMs = batch.deadlineMs - cluster.clock.nowMs()
    const timeoutMs = Math.max(1, Math.floor(Math.min(requestTimeoutMs, leftMs)))
    const partitions = [{ topic, partition, batch: batch.encoded }]
    const request = { type: 'produce', acks, timeoutMs, passedOn: false, partitions } as const
    const connection = cluster.connectionTo(broker)
    if (acks === 'none') {
      connection.post(request)
      return -1
    }
    const suspect = () => void cluster.refresh().catch(() => undefined)
    const cancel = cluster.clock.after(suspectMs, suspect)
    try {
      const produced = await connection.call(request, timeoutMs + slackMs)
      return onlyOne(produced.partitions).baseOffset
    } finally {
      cancel()
    }
  }

  #target(lastTried: BrokerInfo | undefined): BrokerInfo | undefined {
    const { cluster, topic, partition, viaRandomBrokers } = this.#options
    const { metadata, random } = cluster
    if (viaRandomBrokers) return metadata.pick(random, lastTried?.id)
    // Without a leader any broker is asked: it knows of one by now, or why there is none.
    return metadata.leader(topic, partition) ?? metadata.pick(random, lastTried?.id)
  }

  /** Out of order means that those before it are still on their way, unless it is the first. */
  #mayRetry(error: BrokerError, at: number): boolean {
    if (error.code === 'OUT_OF_ORDER_SEQUENCE_NUMBER') return at > 0
    return error.retriable && error.code !== 'CORRUPT_MESSAGE'
  }

  #stored(lane: Lane, batch: Batch, baseOffset: number): void {
    const at = lane.inFlight.indexOf(batch)
    if (at === -1) return
    lane.inFlight.splice(at, 1)
    for (const [i, waiter] of batch.waiters.entries()) {
      waiter.resolve(baseOffset === -1 ? -1 : baseOffset + i)
    }
    this.#send()
  }

  #failFrom(lane: Lane, at: number, error: BrokerError): void {
    const [first, ...later] = lane.inFlight.splice(at)
    if (first !== undefined) reject(first, error)
    const found = `a batch before it failed (${error.message})`
    const code = 'OUT_OF_ORDER_SEQUENCE_NUMBER'
    for (const batch of later) {
      reject(batch, new BrokerError(code, `Cannot store a batch in order: ${found}`))
    }
    lane.isBroken = lane.producerId !== noProducer
    if (!this.#waiting.isEmpty) this.#sendSoon()
    this.#maybeIdle()
  }

  #maybeIdle(): void {
    if (!this.#isIdle) return
    this.#isFlushing = false
    for (const resolve of this.#whenIdle.splice(0)) resolve()
  }
}

function reject({ waiters }: Gathered<RecordWaiter>, error: BrokerError): void {
  for (const waiter of waiters) waiter.reject(error)
}
