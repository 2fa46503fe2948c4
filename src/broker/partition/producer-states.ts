// What a partition knows about each idempotent producer: its epoch and its last batches, which is
// enough to recognise a retry and to see a gap. All of it follows from the headers of the batches
// that were ever in the log, so every replica has it and a new leader continues where the old one
// stopped. Retention removes batches, so the log's snapshot (log-snapshot.ts) has it up to an
// offset, and a replica that begins anew receives it from its leader.
//
// An unknown producer starts at sequence 0. Sequences count records and wrap at 2^31. Kafka accepts
// any first sequence and remembers 5 batches; our producer may have 64 batches in flight, through
// different brokers, so the first to arrive need not be the first that was sent.

import { limits } from '../../limits.ts'
import {
  type BatchHeader,
  noProducer,
  type Offset,
  type ProducerId,
} from '../../protocol/mq/record-batch.ts'

/** 2147483647 is followed by 0. */
const sequenceCount = 2 ** 31

/**
 * The recognised batches, and as many older ones for the time after a truncation. A truncation removes
 * uncommitted batches, and a producer that waits for all acks has at most `rememberedBatchesMax` of them.
 */
const keptBatchesMax = 2 * limits.rememberedBatchesMax

export type SequenceVerdict =
  | { readonly type: 'next' }
  /** The log has the batch already. */
  | { readonly type: 'duplicate'; readonly baseOffset: Offset; readonly lastOffset: Offset }
  /** Earlier batches of this producer have not arrived. */
  | { readonly type: 'early' }
  | {
      readonly type: 'refused'
      readonly code: 'INVALID_PRODUCER_EPOCH' | 'OUT_OF_ORDER_SEQUENCE_NUMBER'
    }

export interface RememberedBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly baseOffset: Offset
  readonly lastOffset: Offset
}

interface ProducerState extends Omit<ProducerEntry, 'producerId' | 'batches'> {
  /** of this epoch, ascending, at most `keptBatchesMax`; the last `rememberedBatchesMax` are recognised */
  readonly batches: RememberedBatch[]
}

/** What is known of one producer up to some offset of the log. */
export interface ProducerEntry {
  readonly producerId: ProducerId
  readonly epoch: number
  /** the last of this epoch, ascending, at most `rememberedBatchesMax` */
  readonly batches: readonly RememberedBatch[]
  /** whether earlier batches of this epoch were forgotten */
  readonly forgotMore: boolean
  /** whether there were batches of earlier epochs */
  readonly forgotEpochs: boolean
}

type Sequenced = Pick<
  BatchHeader,
  'producerId' | 'producerEpoch' | 'baseSequence' | 'lastOffsetDelta'
>

function lastSequenceOf({ baseSequence, lastOffsetDelta }: Sequenced): number {
  return (baseSequence + lastOffsetDelta) % sequenceCount
}

export class ProducerStates {
  /** In the order of their last batches, the latest last. */
  readonly #states = new Map<ProducerId, ProducerState>()

  get producerCount(): number {
    return this.#states.size
  }

  /** Whether this batch may be appended now. */
  judge(batch: Sequenced): SequenceVerdict {
    if (batch.producerId === noProducer) return { type: 'next' }
    const state = this.#states.get(batch.producerId)
    if (state !== undefined && batch.producerEpoch < state.epoch) {
      return { type: 'refused', code: 'INVALID_PRODUCER_EPOCH' }
    }
    if (state?.epoch === batch.producerEpoch) {
      const last = lastSequenceOf(batch)
      const oldest = state.batches.length - limits.rememberedBatchesMax
      const known = state.batches.find(
        (each, i) =>
          i >= oldest && each.firstSequence === batch.baseSequence && each.lastSequence === last,
      )
      if (known !== undefined) {
        const { baseOffset, lastOffset } = known
        return { type: 'duplicate', baseOffset, lastOffset }
      }
    }
    const expected = this.expectedSequence(batch.producerId, batch.producerEpoch)
    if (batch.baseSequence === expected) return { type: 'next' }
    const ahead = (batch.baseSequence - expected + sequenceCount) % sequenceCount
    if (ahead < sequenceCount / 2) return { type: 'early' }
    return { type: 'refused', code: 'OUT_OF_ORDER_SEQUENCE_NUMBER' }
  }

  /** Sequence that the next batch of this producer must begin with. */
  expectedSequence(producerId: ProducerId, producerEpoch: number): number {
    const state = this.#states.get(producerId)
    if (state?.epoch !== producerEpoch) return 0
    const last = state.batches.at(-1)
    return last === undefined ? 0 : (last.lastSequence + 1) % sequenceCount
  }

  /** Whether this is the offset of the producer's last record. */
  isLast(producerId: ProducerId, lastOffset: Offset): boolean {
    return this.#states.get(producerId)?.batches.at(-1)?.lastOffset === lastOffset
  }

  /** A batch was added at the end of the log. */
  appended(batch: Sequenced & { readonly baseOffset: Offset }): void {
    const { producerId, producerEpoch, baseSequence, lastOffsetDelta, baseOffset } = batch
    if (producerId === noProducer) return
    const before = this.#states.get(producerId)
    const isSameEpoch = before?.epoch === producerEpoch
    const batches = isSameEpoch ? before.batches : []
    batches.push({
      firstSequence: baseSequence,
      lastSequence: lastSequenceOf(batch),
      baseOffset,
      lastOffset: baseOffset + lastOffsetDelta,
    })
    let forgotMore = isSameEpoch && before.forgotMore
    if (batches.length > keptBatchesMax) {
      batches.shift()
      forgotMore = true
    }
    const forgotEpochs = before !== undefined && (!isSameEpoch || before.forgotEpochs)
    this.#states.delete(producerId)
    this.#states.set(producerId, { epoch: producerEpoch, batches, forgotMore, forgotEpochs })
    if (this.#states.size > limits.producersPerPartitionMax) this.#forgetOldest()
  }

  /**
   * The log no longer holds anything from `endOffset` on.
   *
   * @returns whether the states are still complete. If not, batches that are now among the last of
   *   their producer had been forgotten, and the states must be read from the log again.
   */
  truncated(endOffset: Offset): boolean {
    let complete = true
    for (const [producerId, { batches, forgotMore, forgotEpochs }] of this.#states) {
      while ((batches.at(-1)?.lastOffset ?? -1) >= endOffset) batches.pop()
      if (forgotMore && batches.length < limits.rememberedBatchesMax) complete = false
      if (batches.length > 0) continue
      if (forgotEpochs) complete = false
      this.#states.delete(producerId)
    }
    return complete
  }

  /**
   * The states as they were when the log ended at `end`.
   *
   * @returns also whether they are exact. If not, a producer has so many batches from `end` on that
   *   earlier ones, which would be among its last, are forgotten.
   */
  before(end: Offset): { readonly entries: readonly ProducerEntry[]; readonly isExact: boolean } {
    const entries: ProducerEntry[] = []
    let isExact = true
    for (const [producerId, state] of this.#states) {
      const { epoch, forgotEpochs } = state
      const all = state.batches.filter(({ lastOffset }) => lastOffset < end)
      const batches = all.slice(-limits.rememberedBatchesMax)
      if (state.forgotMore && batches.length < limits.rememberedBatchesMax) isExact = false
      if (batches.length === 0 && forgotEpochs) isExact = false
      if (batches.length === 0) continue
      const forgotMore = state.forgotMore || batches.length < all.length
      entries.push({ producerId, epoch, batches, forgotMore, forgotEpochs })
    }
    return { entries, isExact }
  }

  /** Replaces the states by these, in this order. */
  restore(entries: readonly ProducerEntry[]): void {
    this.#states.clear()
    for (const { producerId, epoch, batches, forgotMore, forgotEpochs } of entries) {
      this.#states.set(producerId, { epoch, batches: [...batches], forgotMore, forgotEpochs })
    }
  }

  #forgetOldest(): void {
    for (const producerId of this.#states.keys()) {
      this.#states.delete(producerId)
      return
    }
  }
}
