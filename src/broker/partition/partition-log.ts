// A partition's record batches in a src/log: a batch is a record there, its offsets are the
// positions.
//
// Next on the path: log/log.ts.

import type { Log } from '../../log/log.ts'
import { openLog as openRecords } from '../../log/log.ts'
import type { LogFailedError } from '../../log/log-errors.ts'
import { notARecord, otherVersion, type RecordFormat } from '../../log/record-format.ts'
import type { TornTail } from '../../log/recovery.ts'
import type { LogDirectory } from '../../log/segment-file.ts'
import type { TailMemory } from '../../log/tail.ts'
import {
  type BatchHeader,
  baseOffsetOf,
  batchBytes,
  batchHeaderBytes,
  batchMagic,
  isBatchIntact,
  knownMagic,
  lastOffsetOf,
  leaderEpochOf,
  type Offset,
  readBatchHeader,
} from '../../protocol/mq/record-batch.ts'

export const recordBatchFormat: RecordFormat = {
  headerBytes: batchHeaderBytes,
  alignmentBytes: 1,
  wholeLength(bytes, at) {
    const length = batchBytes(bytes, at)
    const magic = batchMagic(bytes, at)
    if (length === batchBytes(zeros, 0) && magic === 0) return 0
    if (length < batchHeaderBytes) return notARecord
    return magic > knownMagic ? otherVersion : magic < knownMagic ? notARecord : length
  },
  firstPosition: baseOffsetOf,
  lastPosition: lastOffsetOf,
  isIntact: isBatchIntact,
  // A batch's checksum covers neither its offset nor its epoch.
  isGapless: true,
  epoch: leaderEpochOf,
}

const zeros = Buffer.alloc(batchHeaderBytes)

export interface PartitionLogOptions {
  readonly directory: LogDirectory
  readonly segmentBytes: number
  /** `os`: a batch counts as durable once the operating system has it, as in Kafka */
  readonly flush: 'group' | 'os'
  /** everything before it was durable when the broker last ran: a bad batch below it is damage */
  readonly durableBefore?: Offset
  /** shared by the logs of a broker */
  readonly tailMemory?: TailMemory
  readonly nowMs: () => number
  /** Everything before `end` is durable. */
  readonly onDurable: (end: Offset) => void
  readonly onFailure: (error: LogFailedError) => void
}

export class PartitionLog {
  readonly #log: Log
  /** What a crash left after the last good batch, if anything; it has been cut off. */
  readonly torn: TornTail | null

  /**
   * Owns the directory from here on, and closes it when it throws.
   *
   * @throws LogDamagedError, LogVersionError, or what the file system throws
   */
  constructor(options: PartitionLogOptions) {
    const { directory, segmentBytes, flush, durableBefore = 0, nowMs } = options
    const { tailMemory, onDurable, onFailure } = options
    try {
      const { log, torn } = openRecords({
        directory,
        format: recordBatchFormat,
        segmentBytes,
        sync: flush,
        // A broker has many partitions, most of them small.
        preallocate: 'in steps',
        knownDurable: durableBefore > 0 ? durableBefore - 1 : undefined,
        keepsTail: true,
        tailMemory,
        nowMs,
        onDurable: (position) => onDurable(position + 1),
        onFailure,
      })
      this.#log = log
      this.torn = torn
    } catch (error) {
      directory.close()
      throw error
    }
  }

  get start(): Offset {
    return this.#log.firstPosition ?? 0
  }

  get end(): Offset {
    return (this.#log.lastPosition ?? -1) + 1
  }

  get durableEnd(): Offset {
    return (this.#log.durablePosition ?? -1) + 1
  }

  /** Copies whole batches; the next `flush` writes them to the disk. */
  append(batches: Uint8Array): void {
    this.#log.append(batches)
  }

  flush(): void {
    this.#log.flush()
  }

  /**
   * Whole batches, from the one that holds `from`, all before `end`; at least one if there is any.
   */
  read({ from, end, bytesMax }: { from: Offset; end: Offset; bytesMax: number }): Buffer {
    return this.#log.read({ from, upTo: end - 1, bytesMax })
  }

  /** Visits the header of every batch, from the start of the log. */
  forEachHeader(visit: (header: BatchHeader) => void): void {
    this.#log.scan(0, (bytes, at) => {
      visit(readBatchHeader(bytes, at))
      return true
    })
  }

  /** Removes everything from `end` on; nothing may be appended until the promise resolves. */
  truncate(end: Offset): Promise<void> {
    return new Promise((resolve) => this.#log.truncateAfter(end - 1, resolve))
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#log.close(resolve))
  }
}
