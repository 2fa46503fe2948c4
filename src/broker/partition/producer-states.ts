// What a partition knows about each idempotent producer: its epoch and its last batches, which is
// enough to recognise a retry and to see a gap. All of it follows from the headers of the batches
// in the log, so every replica has it and a new leader continues where the old one stopped.
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

interface Remembered {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly baseOffset: Offset
  readonly lastOffset: Offset
}

interface ProducerState {
  readonly epoch: number
  /** ascending, at most `rememberedBatchesMax` */
  readonly batches: Remembered[]
  /** whether earlier batches were forgotten */
  forgotMore: boolean
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
      const known = state.batches.find(
        (each) => each.firstSequence === batch.baseSequence && each.lastSequence === last,
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
    let forgotMore = before?.forgotMore ?? false
    if (!isSameEpoch && before !== undefined) forgotMore = true
    if (batches.length > limits.rememberedBatchesMax) {
      batches.shift()
      forgotMore = true
    }
    this.#states.delete(producerId)
    this.#states.set(producerId, { epoch: producerEpoch, batches, forgotMore })
    if (this.#states.size > limits.producersPerPartitionMax) this.#forgetOldest()
  }

  /**
   * The log no longer holds anything from `endOffset` on.
   *
   * @returns whether the states are still complete. If not, older batches of some producer had been
   *   forgotten, and the states must be read from the log again.
   */
  truncated(endOffset: Offset): boolean {
    let complete = true
    for (const [producerId, state] of this.#states) {
      while ((state.batches.at(-1)?.lastOffset ?? -1) >= endOffset) state.batches.pop()
      if (state.batches.length > 0) continue
      if (state.forgotMore) complete = false
      this.#states.delete(producerId)
    }
    return complete
  }

  clear(): void {
    this.#states.clear()
  }

  #forgetOldest(): void {
    for (const producerId of this.#states.keys()) {
      this.#states.delete(producerId)
      return
    }
  }
}
