// A partition of the offsets topic in memory, as its leader sees it. A test holds its replicas back, so
// that nothing is committed, deposes the leader, and elects another one on what was committed.

import type { StoringReplica } from '../../../src/broker/group/coordinator-shard.ts'
import type { Role } from '../../../src/broker/partition/partition.ts'
import type { ProduceCall } from '../../../src/broker/replication/produce-queue.ts'
import { type Operation, Watermark } from '../../../src/broker/replication/purgatory.ts'
import { decodeGroupRecord, type GroupRecord } from '../../../src/protocol/kafka/group-records.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import {
  decodeBatch,
  type Offset,
  placeBatch,
  readBatchHeader,
} from '../../../src/protocol/mq/record-batch.ts'

export class StoredLog implements StoringReplica {
  readonly partition = 0
  readonly earliestOffset = 0
  role: Role = { type: 'leading' }
  leaderEpoch = 1
  logEnd: Offset = 0
  /** Replicas are behind: nothing is committed until `release`. */
  isHolding = false
  /** Too few replicas are in sync: appends are refused. */
  isRefusing = false
  #batches: Buffer[] = []
  #calls: ProduceCall[] = []
  readonly #committed = new Watermark()
  readonly #ofRole = new Watermark()

  get highWatermark(): Offset {
    return this.#committed.value
  }

  get waitingCount(): number {
    return this.#calls.length
  }

  /** Everything that is committed, in order. */
  get records(): readonly (GroupRecord | undefined)[] {
    return this.#batches.flatMap((batch) => decodeBatch(batch)).map(decodeGroupRecord)
  }

  produce(call: ProduceCall): void {
    if (this.isRefusing) {
      call.done(new BrokerError('NOT_ENOUGH_REPLICAS', 'too few'))
      return
    }
    const batch = Buffer.from(call.batch)
    placeBatch(batch, this.logEnd, this.leaderEpoch)
    this.#batches.push(batch)
    this.logEnd += readBatchHeader(batch).recordCount
    this.#calls.push(call)
    if (!this.isHolding) this.release()
  }

  release(): void {
    this.isHolding = false
    this.#committed.move(this.logEnd)
    for (const { batch, done } of this.#calls.splice(0)) done(readBatchHeader(batch).baseOffset)
  }

  /** Another broker leads, which this one learns now; what was not committed is gone. */
  depose(): void {
    this.role = { type: 'idle' }
    this.#ofRole.callOff()
    const gone = new BrokerError('NOT_LEADER_OR_FOLLOWER', 'deposed')
    for (const { done } of this.#calls.splice(0)) done(gone)
    this.#batches = this.#batches.filter((batch) => {
      return readBatchHeader(batch).baseOffset < this.highWatermark
    })
    this.logEnd = this.highWatermark
  }

  /** @param mustCatchUp whether what the log has is committed only after `release` */
  elect({ mustCatchUp = false } = {}): void {
    this.leaderEpoch += 1
    this.role = { type: 'leading' }
    this.isHolding = mustCatchUp
    if (mustCatchUp) this.#committed.move(0)
  }

  waitForRoleEnd(operation: Operation): void {
    operation.waitFor(this.#ofRole, 1)
  }

  waitForRecords(operation: Operation, offset: Offset): void {
    operation.waitFor(this.#committed, offset + 1)
  }

  /** Two batches at a time. */
  readCommitted(offset: Offset) {
    const from = this.#batches.findIndex((batch) => {
      const { baseOffset, lastOffsetDelta } = readBatchHeader(batch)
      return baseOffset + lastOffsetDelta >= offset
    })
    const records = from === -1 ? [] : this.#batches.slice(from, from + 2)
    return { highWatermark: this.highWatermark, logStart: 0, records: Buffer.concat(records) }
  }
}
