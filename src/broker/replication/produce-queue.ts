// A produce request at a partition's leader: its batch is appended, held because it is early,
// answered as a duplicate, or refused; then the request waits for its acks.
//
// leading.ts owns one per partition, and appends for it. Next on the path: partition/partition.ts.

import type { BrokerError, MqErrorCode } from '../../protocol/mq/error-codes.ts'
import type { RequiredAcks } from '../../protocol/mq/produce.ts'
import type { BatchHeader, Offset } from '../../protocol/mq/record-batch.ts'
import { HeldBatches } from '../partition/held-batches.ts'
import type { Partition } from '../partition/partition.ts'
import { Operation, type Purgatory, type Watermark } from './purgatory.ts'

export interface ProduceCall {
  readonly header: BatchHeader
  /** whole, its checksum verified; the leader writes offset and epoch into it */
  readonly batch: Buffer
  readonly acks: RequiredAcks
  readonly deadlineMs: number
  /** Whether it is held when earlier batches of its producer have not arrived; else it is refused. */
  readonly mayBeEarly: boolean
  /** Called once, with the batch's offset or the error. */
  readonly done: (result: Offset | BrokerError) => void
}

interface ProduceQueueOptions {
  readonly core: Partition
  readonly purgatory: Purgatory
  /** acks=1 waits for `durable`, acks=all for `committed` */
  readonly durable: Watermark
  readonly committed: Watermark
  /** Appends the batch at the log's end. */
  readonly append: (batch: Buffer) => void
  /** The error for a code, with a message about this partition. */
  readonly error: (code: MqErrorCode) => BrokerError
}

export class ProduceQueue {
  readonly #options: ProduceQueueOptions
  readonly #held = new HeldBatches<ProduceCall>()

  constructor(options: ProduceQueueOptions) {
    this.#options = options
  }

  /** Whether batches wait for earlier ones, each until its deadline. */
  get isHolding(): boolean {
    return this.#held.bytes > 0
  }

  produce(call: ProduceCall): void {
    if (this.#judge(call) === 'appended') this.#appendHeld(call.header)
  }

  /** Refuses the held batches whose deadline passed before the gap closed. */
  tick(nowMs: number): void {
    for (const { waiter } of this.#held.takeExpired(nowMs)) {
      waiter.done(this.#options.error('OUT_OF_ORDER_SEQUENCE_NUMBER'))
    }
  }

  /** This replica no longer leads, or leads in another epoch. */
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
        if (call.mayBeEarly) this.#hold(call)
        else call.done(error('OUT_OF_ORDER_SEQUENCE_NUMBER'))
        return 'not appended'
      case 'next': {
        const baseOffset = core.logEnd
        this.#options.append(call.batch)
        this.#awaitAcks(call, { baseOffset, lastOffset: core.logEnd - 1 })
        return 'appended'
      }
    }
  }

  /** `call.batch` is a view of the socket's receive buffer, so a held batch is a copy. */
  #hold(call: ProduceCall): void {
    const { header, acks, deadlineMs, mayBeEarly, done } = call
    const bytes = Buffer.from(call.batch)
    const waiter: ProduceCall = { header, batch: bytes, acks, deadlineMs, mayBeEarly, done }
    if (this.#held.hold({ header, bytes, waiter, deadlineMs })) return
    call.done(this.#options.error('OUT_OF_ORDER_SEQUENCE_NUMBER'))
  }

  /** The gap may have closed: appends, in order, every held batch that is next by now. */
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
