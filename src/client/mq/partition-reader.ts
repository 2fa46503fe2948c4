// One partition of a consumer: where it reads, the decoded batches that wait to be handed out, and
// the position, which moves when a record is handed out. Pure; fetcher.ts fetches for it.
//
// Next on the path: hand-out.ts.

import { ProtocolError } from '../../protocol/error-codes.ts'
import { type CodecName, codecName, type Decompress } from '../../protocol/mq/compression.ts'
import {
  codecOf,
  decodeBatchAs,
  forEachBatch,
  isAppendTime,
  isBatchIntact,
  isControlBatch,
  type Offset,
  type ProducerId,
  readBatchHeader,
  type StoredRecord,
} from '../../protocol/mq/record-batch.ts'

/** The stored batch that a record came in. */
export interface BatchInfo {
  readonly baseOffset: number
  readonly lastOffset: number
  /** fewer than offsets where the log was compacted */
  readonly recordCount: number
  /** as it is stored */
  readonly sizeBytes: number
  readonly codec: CodecName
  readonly leaderEpoch: number
  /** -1: its producer had none */
  readonly producerId: number
  /** the leader's clock gave the timestamp, instead of the producer's */
  readonly isAppendTime: boolean
}

export interface ConsumedRecord extends StoredRecord {
  readonly topic: string
  readonly partition: number
  readonly batch: BatchInfo
}

/** A stored batch, without the records before the position. */
export interface ConsumedBatch {
  readonly topic: string
  readonly partition: number
  readonly info: BatchInfo
  readonly records: readonly ConsumedRecord[]
  /** end of the readable records when it was fetched */
  readonly highWatermark: number
}

interface ReaderStart {
  readonly topic: string
  readonly partition: number
  /** offset of the first record to hand out */
  readonly start: number
}

interface WaitingBatch extends ConsumedBatch {
  /** once decompressed */
  readonly bytes: number
}

export class PartitionReader {
  readonly topic: string
  readonly partition: number
  /** decoded and not handed out; the first one from `#next` on */
  #batches: WaitingBatch[] = []
  #next = 0
  #waitingCount = 0
  #waitingBytes = 0
  /** of the next record to fetch */
  #fetchOffset: Offset
  #position: Offset
  #highWatermark: Offset | undefined
  #logStart: Offset | undefined
  /** raised by a seek: what was asked before concerns it no longer */
  #generation = 0
  /** `giveBack` will say whether it was used */
  #borrowed: ConsumedBatch | undefined
  isPaused = false
  /** Nothing is fetched: it failed for good, or is over. */
  isStopped = false
  /** A fetch for it is on its way, or is repeated after a pause. */
  isFetching = false

  constructor({ topic, partition, start }: ReaderStart) {
    this.topic = topic
    this.partition = partition
    this.#fetchOffset = this.#position = start
  }

  get position(): Offset {
    return this.#position
  }

  /** End of the readable records; undefined before the first answer. */
  get highWatermark(): Offset | undefined {
    return this.#highWatermark
  }

  /** Offset of the first record; undefined before the first answer. */
  get logStart(): Offset | undefined {
    return this.#logStart
  }

  get fetchOffset(): Offset {
    return this.#fetchOffset
  }

  get generation(): number {
    return this.#generation
  }

  get waitingCount(): number {
    return this.#waitingCount
  }

  /** Of decoded records that were not handed out. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  bounds(logStart: Offset, highWatermark: Offset): void {
    this.#logStart = logStart
    this.#highWatermark = highWatermark
  }

  /** Continues there; what waits is dropped. */
  seek(offset: Offset): void {
    this.#generation++
    this.#clear()
    this.#fetchOffset = this.#position = offset
    this.#borrowed = undefined
    this.isFetching = false
    this.isStopped = false
  }

  /** Drops what waits, for good. */
  stop(): void {
    this.#generation++
    this.isStopped = true
    this.#clear()
  }

  /** The fetch offset does not exist, and reading continues at another. */
  moveTo(offset: Offset): void {
    this.#fetchOffset = offset
    if (this.#waitingCount === 0) this.#position = offset
  }

  // --- what was fetched --------------------------------------------------------------------------

  /**
   * Takes an answer's batches, those before an unreadable one, too.
   *
   * @throws ProtocolError
   */
  push(
    batches: Buffer,
    highWatermark: Offset,
    { decompress, checkCrcs }: { readonly decompress: Decompress; readonly checkCrcs: boolean },
  ): void {
    const asked = this.#fetchOffset
    forEachBatch(batches, (at, length) => {
      if (checkCrcs && !isBatchIntact(batches, at, length)) {
        throw new ProtocolError('Cannot read a record batch: its checksum fails')
      }
      this.#pushBatch(batches, at, highWatermark, decompress)
    })
    if (batches.length > 0 && this.#fetchOffset === asked) {
      throw new ProtocolError('Cannot use an answer: it has no record at or after this offset')
    }
  }

  #pushBatch(bytes: Buffer, at: number, highWatermark: Offset, decompress: Decompress): void {
    const header = readBatchHeader(bytes, at)
    const lastOffset = header.baseOffset + header.lastOffsetDelta
    if (lastOffset < this.#fetchOffset) return
    const info: BatchInfo = {
      baseOffset: header.baseOffset,
      lastOffset,
      recordCount: header.recordCount,
      sizeBytes: header.sizeBytes,
      codec: codecName(codecOf(header)) ?? 'none',
      leaderEpoch: header.leaderEpoch,
      producerId: header.producerId as ProducerId,
      isAppendTime: isAppendTime(header),
    }
    const { topic, partition } = this
    let held = header.sizeBytes
    const open: Decompress = (codec, block) => {
      const opened = decompress(codec, block)
      held += opened.length
      return opened
    }
    const all = isControlBatch(header)
      ? []
      : decodeBatchAs(
          bytes,
          at,
          open,
          (offset, timestampMs, key, value, headers): ConsumedRecord => {
            return { topic, partition, offset, timestampMs, key, value, headers, batch: info }
          },
        )
    // The first batch of an answer may begin before the offset that was asked for.
    const from = this.#fetchOffset
    const records = header.baseOffset >= from ? all : all.filter(({ offset }) => offset >= from)
    this.#fetchOffset = lastOffset + 1
    this.#batches.push({ topic, partition, info, records, highWatermark, bytes: held })
    this.#waitingCount += records.length
    this.#waitingBytes += held
    this.#skipEmpty()
  }

  // --- handing out -------------------------------------------------------------------------------

  /** Whether a record may be handed out now. */
  get hasRecords(): boolean {
    return this.#waitingCount > 0 && !this.isPaused && this.#borrowed === undefined
  }

  /** The first waiting record; the position moves past it. */
  takeOne(): ConsumedRecord | undefined {
    if (!this.hasRecords) return undefined
    const record = this.#batches[0]?.records[this.#next]
    if (record === undefined) return undefined
    this.#next++
    this.#waitingCount--
    this.#position = record.offset + 1
    this.#skipEmpty()
    return record
  }

  /** The first waiting batch, what is left of it; the position moves past it. */
  takeBatch(): ConsumedBatch | undefined {
    if (!this.hasRecords) return undefined
    const batch = this.#batches[0]
    if (batch === undefined) return undefined
    const left = this.#next === 0 ? batch : rest(batch, this.#next)
    this.#waitingCount -= left.records.length
    this.#next = batch.records.length
    this.#skipEmpty()
    return left
  }

  /** All waiting batches; the position moves past them. */
  take(): readonly ConsumedBatch[] {
    const taken: ConsumedBatch[] = []
    for (;;) {
      const batch = this.takeBatch()
      if (batch === undefined) return taken
      taken.push(batch)
    }
  }

  /** The same as `takeBatch`, but the position waits for `giveBack`, and so do further records. */
  borrow(): ConsumedBatch | undefined {
    if (!this.hasRecords) return undefined
    const batch = this.#batches[0]
    this.#borrowed = batch === undefined || this.#next === 0 ? batch : rest(batch, this.#next)
    return this.#borrowed
  }

  /** @param isDone whether the position moves past the batch; else it is handed out again */
  giveBack(batch: ConsumedBatch, isDone: boolean): void {
    if (this.#borrowed !== batch) return // a seek came between
    this.#borrowed = undefined
    if (!isDone) return
    this.#waitingCount -= batch.records.length
    this.#next += batch.records.length
    this.#skipEmpty()
  }

  /** Leaves batches of which nothing is left: offsets without records belong to the one before. */
  #skipEmpty(): void {
    for (;;) {
      const [first] = this.#batches
      if (first === undefined || this.#next < first.records.length) return
      this.#batches.shift()
      this.#next = 0
      this.#waitingBytes -= first.bytes
      this.#position = first.info.lastOffset + 1
    }
  }

  #clear(): void {
    this.#batches = []
    this.#next = 0
    this.#waitingCount = 0
    this.#waitingBytes = 0
  }
}

function rest(
  { topic, partition, info, records, highWatermark }: ConsumedBatch,
  next: number,
): ConsumedBatch {
  return { topic, partition, info, records: records.slice(next), highWatermark }
}
