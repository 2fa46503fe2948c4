// Everything that is read of a replica's log. Nothing that is damaged, nor what follows it, leaves this
// broker: once damage is found, nothing of the log is read any more, and the directory is marked, so
// that the next start reads all of it.
//
// replica.ts owns it. Next on the path: partition/partition-log.ts.

import { limits } from '../../limits.ts'
import {
  isUnreadable,
  type LogDamagedError,
  LogFailedError,
  type LogVersionError,
} from '../../log/log-errors.ts'
import type { LogDirectory } from '../../log/segment-file.ts'
import type { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { FetchedRecords } from '../../protocol/mq/fetch.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'
import { type Decompression, type FoundByTime, offsetByTime } from '../partition/offset-by-time.ts'
import type { Partition } from '../partition/partition.ts'
import { markSuspect } from '../partition/partition-directory.ts'
import type { PartitionLog } from '../partition/partition-log.ts'

interface LogReadsOptions {
  readonly directory: LogDirectory
  readonly core: Partition
  readonly log: PartitionLog
  readonly decompression: Decompression
  /** The error for damage, with a message about this partition. */
  readonly error: () => BrokerError
  /** Called once: the replica must not be used any more. */
  readonly onDamage: (error: LogDamagedError | LogVersionError) => void
  readonly onFailure: (error: LogFailedError) => void
}

interface ReadOptions {
  readonly offset: Offset
  readonly end: Offset
  readonly bytesMax: number
  /** See `PartitionLog.read`. */
  readonly isBrief?: boolean
}

export class LogReads {
  readonly #options: LogReadsOptions
  readonly #core: Partition
  readonly #log: PartitionLog
  #isDamaged = false

  constructor(options: LogReadsOptions) {
    this.#options = options
    this.#core = options.core
    this.#log = options.log
  }

  get isDamaged(): boolean {
    return this.#isDamaged
  }

  /** Whole batches, from the one that holds `offset` on. */
  read({ offset, end, bytesMax, isBrief = false }: ReadOptions): FetchedRecords {
    const limit = Math.min(bytesMax, limits.fetchBytesMax)
    const records =
      offset < end ? this.#sound({ from: offset, end, bytesMax: limit, isBrief }) : Buffer.alloc(0)
    const { highWatermark, logStart } = this.#core
    return { highWatermark, logStart, records }
  }

  #sound(range: Parameters<PartitionLog['read']>[0]): Buffer {
    if (this.#isDamaged) return Buffer.alloc(0)
    try {
      return this.#log.read(range)
    } catch (error) {
      if (!isUnreadable(error)) throw error
      this.damaged(error)
      return Buffer.alloc(0)
    }
  }

  /** For observers: the same records briefly, without consequences. @throws LogDamagedError, LogVersionError */
  peek(offset: Offset, end: Offset): Buffer {
    return this.#log.read({ from: offset, end, bytesMax: limits.fetchBytesMax, isBrief: true })
  }

  /**
   * The first committed record with at least this timestamp, or with the latest of all; undefined if
   * there is none.
   */
  offsetByTime(wanted: number | 'latest'): Promise<FoundByTime | undefined> {
    const { decompression, error: damage } = this.#options
    const timestampMs = wanted === 'latest' ? this.#log.maxTimestampMs : wanted
    const { logStart: start, highWatermark: end } = this.#core
    const found = offsetByTime(this.#log, timestampMs, { start, end }, decompression)
    return found.catch((error: Error) => {
      if (!isUnreadable(error)) throw error
      this.damaged(error)
      throw damage()
    })
  }

  /** Whether all records were read since the broker started, or appended since. */
  get isChecked(): boolean {
    return this.#isDamaged || this.#log.isChecked
  }

  /**
   * Reads some of the records that no start has read, for damage.
   *
   * @returns the number of bytes; 0: that was all
   */
  checkSome(bytesMax: number): number {
    if (this.#isDamaged) return 0
    try {
      return this.#log.checkSome(bytesMax)
    } catch (error) {
      if (!isUnreadable(error)) throw error
      this.damaged(error)
      return 0
    }
  }

  /** Damage was found here, or by another reader of the log. */
  damaged(error: LogDamagedError | LogVersionError): void {
    if (this.#isDamaged) return
    this.#isDamaged = true
    const { directory, onDamage, onFailure } = this.#options
    onDamage(error)
    try {
      markSuspect(directory)
    } catch (cause) {
      onFailure(new LogFailedError(directory.path, cause as Error))
    }
  }
}
