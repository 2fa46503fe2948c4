// Sends one partition's batches, in order and each exactly once. A batch keeps its (producer id,
// sequence) from the first attempt on: after any failure it is sent again until its outcome is
// known or its time is up, and the partition's leader recognises duplicates.
//
// Several batches are in flight; sent through random brokers they may arrive in any order, and the
// leader reorders them. If one fails for good, those after it can never be stored: they fail with
// it, and later records start over with another producer id.
//
// Next on the path: produce-requests.ts.

import { limits } from '../../limits.ts'
import type { CodecName, Compressor } from '../../protocol/mq/compression.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { BrokerInfo } from '../../protocol/mq/metadata.ts'
import type { RequiredAcks } from '../../protocol/mq/produce.ts'
import { noProducer, type ProducerId } from '../../protocol/mq/record-batch.ts'
import type { MqRecord } from '../../protocol/mq/records.ts'
import { makesStale } from './metadata-cache.ts'
import type { MqCluster } from './mq-cluster.ts'
import type { ProduceRequests } from './produce-requests.ts'
import { type Gathered, RecordAccumulator } from './record-accumulator.ts'

interface SenderOptions {
  readonly topic: string
  readonly partition: number
  readonly cluster: MqCluster
  readonly requests: ProduceRequests
  readonly acks: RequiredAcks
  readonly compression: CodecName
  readonly batchBytes: number
  readonly lingerMs: number
  readonly inFlightMax: number
  readonly requestTimeoutMs: number
  readonly deliveryTimeoutMs: number
  /** to randomly picked brokers, which pass it on, instead of to the leader */
  readonly viaRandomBrokers: boolean
  /** Records with these bytes are settled. */
  readonly onSettled: (bytes: number) => void
}

/** A caller that waits for its records, which may be in several batches. */
export interface RecordWaiter {
  /** @param baseOffset of the first of `count` records in a row; -1 with acks none */
  stored(baseOffset: number, count: number, partition: number): void
  failed(error: BrokerError, count: number, partition: number): void
}

interface Batch extends Gathered<RecordWaiter> {
  /** in its lane, from 0 on */
  readonly number: number
  readonly encoded: Buffer
  readonly deadlineMs: number
}

/** One producer id with its sequences. */
interface Lane {
  readonly producerId: ProducerId
  nextSequence: number
  batchCount: number
  /** ascending by sequence */
  readonly inFlight: Batch[]
  /** one of its batches failed: nothing can follow */
  isBroken: boolean
}

const sequenceCount = 2 ** 31

export class PartitionSender {
  readonly #options: SenderOptions
  readonly #waiting: RecordAccumulator<RecordWaiter>
  #lane: Lane | undefined
  #beginning: Promise<void> | undefined
  #compressor: Compressor | undefined
  #cancelLinger: (() => void) | undefined
  readonly #sealBatches = () => this.#send()
  /** at the end of this turn */
  #willSend = false
  #isFlushing = false
  #whenIdle: (() => void)[] = []

  constructor(options: SenderOptions) {
    this.#options = options
    this.#waiting = new RecordAccumulator(options)
  }

  /**
   * The record is encoded now: its bytes are free to change afterwards.
   *
   * @param bytes `recordBytesMax(record)`
   */
  add(record: MqRecord, bytes: number, waiter: RecordWaiter, nowMs: number): void {
    this.#waiting.add(record, bytes, waiter, nowMs)
    if (this.#willSend) return
    // A batch that lingers needs no other timer for each further record.
    if (this.#cancelLinger === undefined || this.#waiting.readyMs() <= nowMs) this.#sendSoon()
  }

  /** Resolves when everything added is settled; batches do not linger until then. */
  flush(): Promise<void> {
    if (this.#isIdle) return Promise.resolve()
    this.#isFlushing = true
    this.#sendSoon()
    return new Promise((resolve) => this.#whenIdle.push(resolve))
  }

  /** Fails everything unsettled. */
  abort(error: BrokerError): void {
    this.#cancelLinger?.()
    const lane = this.#lane
    if (lane !== undefined) this.#failFrom(lane, 0, error)
    for (const gathered of this.#waiting.takeAll()) this.#reject(gathered, error)
    this.#maybeIdle()
  }

  get #isIdle(): boolean {
    return this.#waiting.isEmpty && (this.#lane?.inFlight.length ?? 0) === 0
  }

  /** Records added in one turn form one batch, as far as they fit. */
  #sendSoon(): void {
    const { clock, turn } = this.#options.cluster
    this.#cancelLinger?.()
    this.#cancelLinger = undefined
    const waitMs = this.#isFlushing ? 0 : this.#waiting.readyMs() - clock.nowMs()
    if (waitMs > 0) this.#cancelLinger = clock.after(Math.ceil(waitMs), () => this.#send())
    else {
      this.#willSend = true
      turn.seal(this.#sealBatches)
    }
  }

  #send(): void {
    this.#willSend = false
    this.#cancelLinger = undefined
    const { cluster } = this.#options
    // Before another lane starts, the batches in flight of a broken one are settled.
    if (this.#lane?.isBroken === true && this.#lane.inFlight.length === 0) this.#lane = undefined
    if (this.#lane?.isBroken === true) return
    if (this.#lane === undefined) {
      if (this.#waiting.isEmpty) this.#maybeIdle()
      else this.#begin()
      return
    }
    while (this.#hasRoom(this.#lane)) {
      const nowMs = cluster.clock.nowMs()
      const gathered = this.#waiting.take(nowMs, this.#isFlushing)
      if (gathered === undefined) break
      if (nowMs >= this.#deadlineOf(gathered)) this.#expire(gathered)
      else void this.#deliver(this.#lane, this.#encode(this.#lane, gathered))
    }
    if (!this.#waiting.isEmpty && this.#hasRoom(this.#lane)) this.#sendSoon()
    this.#maybeIdle()
  }

  /**
   * Later batches wait for a late answer, too: the leader recognises a batch that is sent again only
   * while few have followed it.
   */
  #hasRoom({ inFlight, batchCount }: Lane): boolean {
    const [oldest] = inFlight
    if (oldest === undefined) return true
    if (inFlight.length >= this.#options.inFlightMax) return false
    return batchCount - oldest.number < limits.rememberedBatchesMax
  }

  #begin(): void {
    const { acks, compression, deliveryTimeoutMs } = this.#options
    const needsCodec = compression !== 'none' && this.#compressor === undefined
    // Without acks a gap would go unnoticed: then there are no sequences.
    if (acks === 'none' && !needsCodec) {
      this.#lane = newLane(noProducer)
      this.#send()
      return
    }
    const prepare = async () => {
      const { cluster } = this.#options
      if (compression !== 'none') this.#compressor = await cluster.codecs.load(compression)
      if (acks === 'none') return noProducer
      return (await cluster.call({ type: 'initProducerId' }, deliveryTimeoutMs)).producerId
    }
    this.#beginning ??= prepare()
      .then((producerId) => {
        this.#lane = newLane(producerId)
      })
      .catch((error: BrokerError) => {
        for (const gathered of this.#waiting.takeAll()) this.#reject(gathered, error)
      })
      .finally(() => {
        this.#beginning = undefined
        if (this.#waiting.isEmpty) this.#maybeIdle()
        else this.#send()
      })
  }

  #encode(lane: Lane, gathered: Gathered<RecordWaiter>): Batch {
    const { builder, waiters, counts, sinceMs, bytes } = gathered
    const { producerId, nextSequence: baseSequence } = lane
    const producerEpoch = producerId === noProducer ? -1 : 0
    const made = { producerId, producerEpoch, baseSequence }
    const encoded = builder.seal(made, this.#compressor)
    if (producerId !== noProducer) {
      lane.nextSequence = (baseSequence + builder.count) % sequenceCount
    }
    const deadlineMs = this.#deadlineOf(gathered)
    const number = lane.batchCount++
    const batch: Batch = { builder, waiters, counts, sinceMs, bytes, encoded, deadlineMs, number }
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
    this.#reject(gathered, new BrokerError('REQUEST_TIMED_OUT', message))
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
        // An error other than a BrokerError is a bug; callers must not wait for ever.
        const failed =
          error instanceof BrokerError
            ? error
            : new BrokerError('UNKNOWN_SERVER_ERROR', 'Cannot send a batch', { cause: error })
        const at = lane.inFlight.indexOf(batch)
        if (at === -1) return // abandoned meanwhile
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

  #try(batch: Batch, broker: BrokerInfo | undefined): Promise<number> {
    const { cluster, requests, topic, partition, requestTimeoutMs } = this.#options
    if (broker === undefined) {
      const message = `Cannot produce to ${topic}/${partition}: no broker for it is known`
      return Promise.reject(new BrokerError('LEADER_NOT_AVAILABLE', message))
    }
    const leftMs = batch.deadlineMs - cluster.clock.nowMs()
    const timeoutMs = Math.max(1, Math.floor(Math.min(requestTimeoutMs, leftMs)))
    return requests.send(broker, { topic, partition, batch: batch.encoded }, timeoutMs)
  }

  #target(lastTried: BrokerInfo | undefined): BrokerInfo | undefined {
    const { cluster, topic, partition, viaRandomBrokers } = this.#options
    const { metadata, random } = cluster
    if (viaRandomBrokers) return metadata.pick(random, lastTried?.id)
    // Without a leader any broker is asked: it may know a leader by now, or why there is none.
    return metadata.leader(topic, partition) ?? metadata.pick(random, lastTried?.id)
  }

  /** Out of order means that earlier batches are still in flight, unless it is the first. */
  #mayRetry(error: BrokerError, at: number): boolean {
    if (error.code === 'OUT_OF_ORDER_SEQUENCE_NUMBER') return at > 0
    return error.retriable && error.code !== 'CORRUPT_MESSAGE'
  }

  #stored(lane: Lane, batch: Batch, baseOffset: number): void {
    const at = lane.inFlight.indexOf(batch)
    if (at === -1) return
    lane.inFlight.splice(at, 1)
    const { partition, onSettled } = this.#options
    onSettled(batch.bytes)
    let offset = baseOffset
    for (const [i, waiter] of batch.waiters.entries()) {
      const count = batch.counts[i] ?? 0
      waiter.stored(offset, count, partition)
      if (baseOffset !== -1) offset += count
    }
    this.#send()
  }

  #failFrom(lane: Lane, at: number, error: BrokerError): void {
    const [first, ...later] = lane.inFlight.splice(at)
    if (first !== undefined) this.#reject(first, error)
    const found = `an earlier batch failed (${error.message})`
    const code = 'OUT_OF_ORDER_SEQUENCE_NUMBER'
    for (const batch of later) {
      this.#reject(batch, new BrokerError(code, `Cannot store a batch in order: ${found}`))
    }
    lane.isBroken = lane.producerId !== noProducer
    if (!this.#waiting.isEmpty) this.#sendSoon()
    this.#maybeIdle()
  }

  #reject({ waiters, counts, bytes }: Gathered<RecordWaiter>, error: BrokerError): void {
    const { partition, onSettled } = this.#options
    onSettled(bytes)
    for (const [i, waiter] of waiters.entries()) waiter.failed(error, counts[i] ?? 0, partition)
  }

  #maybeIdle(): void {
    if (!this.#isIdle) return
    this.#isFlushing = false
    for (const resolve of this.#whenIdle.splice(0)) resolve()
  }
}

function newLane(producerId: ProducerId): Lane {
  const nextSequence = producerId === noProducer ? -1 : 0
  return { producerId, nextSequence, batchCount: 0, inFlight: [], isBroken: false }
}
