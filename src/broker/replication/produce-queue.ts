// What becomes of a produce at a partition's leader: appended, held because it came early, answered
// as a duplicate, or refused; and then waiting for its acks.
//
// Next on the path: replica.ts, which gives each partition one of these and appends for it.

import type { BrokerError, MqErrorCode } from '../../protocol/mq/error-codes.ts'
import type { RequiredAcks } from '../../protocol/mq/produce.ts'
import type { BatchHeader, Offset } from '../../protocol/mq/record-batch.ts'
import { HeldBatches } from '../partition/held-batches.ts'
import type { Partition } from '../partition/partition.ts'
import { Operation, type Purgatory, type Watermark } from './purgatory.ts'

export interface ProduceCall {
  readonly header: BatchHeader
  /** whole and checked; offset and epoch are written into it */
  readonly batch: Buffer
  readonly acks: RequiredAcks
  readonly deadlineMs: number
  /** Called once, with the batch's offset or why not. */
  readonly done: (result: Offset | BrokerError) => void
}

interface ProduceQueueOptions {
  readonly core: Partition
  readonly purgatory: Purgatory
  /** what acks=1 and acks=all wait for */
  readonly durable: Watermark
  readonly committed: Watermark
  /** Appends the batch at the log's end. */
  readonly append: (batch: Buffer) => void
  /** What the code means for this partition, in words. */
  readonly error: (code: MqErrorCode) => BrokerError
}

export class ProduceQueue {
  readonly #options: ProduceQueueOptions
  readonly #held = new HeldBatches<ProduceCall>()

  constructor(options: ProduceQueueOptions) {
    this.#options = options
  }

  produce(call: ProduceCall): void {
    if (this.#judge(call) === 'appended') this.#appendHeld(call.header)
  }

  /** Ends those that have waited too long for the gap before them to close. */
  tick(nowMs: number): void {
    for (const { waiter } of this.#held.takeExpired(nowMs)) {
      waiter.done(this.#options.error('OUT_OF_ORDER_SEQUENCE_NUMBER'))
    }
  }

  /** This replica leads no more, or in another epoch. */
  roleEnded(): void {
    for (const { waiter } of this.#held.takeAll()) {
      waiter.done(this.#options.error('NOT_LEADER_OR_FOLLOWER'))
    }
  }

  #judge(call: ProduceCall): 'appended' | 'not appended' {
    const { core, error } = this.#options
    const verdict = core.judgeProduce(call.header, call.acks === 'all')
    switch (verdict.type) {
      case 'refused':
        call.done(error(verdict.code))
        return 'not appended'
      case 'duplicate':
        this.#awaitAcks(call, verdict)
        return 'not appended'
      case 'early':
        this.#hold(call)
        return 'not appended'
      case 'next': {
        const baseOffset = core.logEnd
        this.#options.append(call.batch)
        this.#awaitAcks(call, { baseOffset, lastOffset: core.logEnd - 1 })
        return 'appended'
      }
    }
  }

  /** `batch` is a view of what the socket received, so what is held is copied. */
  #hold(call: ProduceCall): void {
    const { header, acks, deadlineMs, done } = call
    const bytes = Buffer.from(call.batch)
    const waiter: ProduceCall = { header, batch: bytes, acks, deadlineMs, done }
    if (this.#held.hold({ header, bytes, waiter, deadlineMs })) return
    call.done(this.#options.error('OUT_OF_ORDER_SEQUENCE_NUMBER'))
  }

  /** The gap may have closed: every batch that is next by now is appended in its turn. */
  #appendHeld({ producerId }: BatchHeader): void {
    const { core } = this.#options
    const isDue = (header: BatchHeader) => core.judgeProduce(header, false).type !== 'early'
    for (;;) {
      const due = this.#held.take(producerId, isDue)
      if (due.length === 0) return
      for (const { waiter } of due) this.#judge(waiter)
    }
  }

  #awaitAcks(
    { acks, deadlineMs, done }: ProduceCall,
    { baseOffset, lastOffset }: { readonly baseOffset: Offset; readonly lastOffset: Offset },
  ): void {
    if (acks === 'none') {
      done(baseOffset)
      return
    }
    const { durable, committed, purgatory, error } = this.#options
    const operation = new Operation((ending) => {
      if (ending === 'reached') done(baseOffset)
      else done(error(ending === 'expired' ? 'REQUEST_TIMED_OUT' : 'NOT_LEADER_OR_FOLLOWER'))
    })
    operation.waitFor(acks === 'all' ? committed : durable, lastOffset + 1)
    purgatory.expireAt(operation, deadlineMs)
  }
}
