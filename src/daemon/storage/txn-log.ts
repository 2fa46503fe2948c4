// The transaction log: Zab's history on src/log. One record per transaction, big-endian:
//
//    0        4        8               12      20             28
//   +--------+--------+----------------+------+--------------+---------------------+---------+
//   | 'ZWT1' | crc32c | payload length | zxid | durable zxid | payload             | zeros   |
//   | u32    | u32    | u32            | u64  | u64          | opaque to this file | to 8    |
//   +--------+--------+----------------+------+--------------+---------------------+---------+
//                     └── the checksum covers all from here to the end of the record ────────┘
//
// `durable zxid` is the highest zxid that this server knew to be fsynced in this log when it wrote
// the record, 0 for none; recovery.ts explains its use. It differs between servers, so each server
// frames the payloads itself. The last byte of the magic is the format version.
// Next on the path: log/log.ts.

import { asBuffer } from '../../as-buffer.ts'
import { invariant } from '../../invariant.ts'
import { type Log, type LogOptions, openLog } from '../../log/log.ts'
import { LogDamagedError } from '../../log/log-errors.ts'
import { notARecord, otherVersion, type RecordFormat } from '../../log/record-format.ts'
import type { GoodRecord, TornTail } from '../../log/recovery.ts'
import { crc32c } from '../../protocol/crc32c.ts'
import {
  type Entries,
  entryEnd,
  entryHeaderBytes,
  writeEntry,
} from '../../protocol/peer/entries.ts'
import {
  counterOf,
  epochOf,
  follows,
  formatZxid,
  readZxid,
  writeZxid,
  type Zxid,
  zxidZero,
} from '../../protocol/zxid.ts'
import type { EpochRange } from '../zab/history.ts'

const magic = 0x5a575431 // 'ZWT1'
const headerBytes = 28
const at = { magic: 0, crc: 4, payloadLength: 8, zxid: 12, durable: 20, payload: headerBytes }

/** The framing buffer is kept up to this size; a larger batch was a burst. */
const keptBytes = 256 * 1024

export const txnFormat: RecordFormat = {
  headerBytes,
  alignmentBytes: 8,
  wholeLength(bytes, start) {
    const found = bytes.readUInt32BE(start + at.magic)
    if (found === magic) return wholeLength(bytes.readUInt32BE(start + at.payloadLength))
    if (found === 0) return 0
    return found >>> 8 === magic >>> 8 ? otherVersion : notARecord
  },
  firstPosition: (bytes, start) => readZxid(bytes, start + at.zxid),
  lastPosition: (bytes, start) => readZxid(bytes, start + at.zxid),
  isIntact: (bytes, start, length) =>
    bytes.readUInt32BE(start + at.crc) === crc32c(bytes, start + at.payloadLength, start + length),
  durablePosition(bytes, start) {
    const durable = readZxid(bytes, start + at.durable)
    return durable === zxidZero ? undefined : durable
  },
}

function wholeLength(payloadBytes: number): number {
  return Math.ceil((headerBytes + payloadBytes) / 8) * 8
}

export interface TxnLogOptions
  extends Pick<
    LogOptions,
    | 'directory'
    | 'segmentBytes'
    | 'preallocate'
    | 'mainThreadSync'
    | 'nowMs'
    | 'onFailure'
    | 'onShortage'
    | 'onSync'
  > {
  /** From `meta`: transactions up to it are in the tree, and may be missing from the log. */
  readonly baseZxid: Zxid
  /** The last zxid applied to the tree: known to have been durable here. */
  readonly lastApplied: Zxid
  /** See `LogOptions.onDurable`. */
  readonly onDurable: (zxid: Zxid) => void
}

/**
 * @returns `epochs`: the contents of the log by epoch, ascending; there are no gaps within an epoch
 * @throws LogDamagedError also if zxids have a gap, or begin after `baseZxid` or the tree
 */
export function openTxnLog(options: TxnLogOptions): {
  readonly log: TxnLog
  readonly torn: TornTail | null
  readonly epochs: readonly EpochRange[]
} {
  // biome-ignore lint/plugin/noObjectSpread: once per start
  const { baseZxid, lastApplied, onDurable, ...rest } = options
  if (lastApplied < baseZxid) {
    const found = `it begins after ${formatZxid(baseZxid)}, the tree ends at`
    throw new LogDamagedError(options.directory.path, 0, `${found} ${formatZxid(lastApplied)}`)
  }
  const epochs: ReadEpoch[] = []
  const { log, torn } = openLog({
    // biome-ignore lint/plugin/noObjectSpread: once per start
    ...rest,
    format: txnFormat,
    knownDurable: lastApplied > baseZxid ? lastApplied : undefined,
    onGood: epochsReader(epochs, baseZxid),
    onDurable: (position) => onDurable(position as Zxid),
  })
  // A crash may leave segments that a purge was about to drop, but never only those.
  if (log.lastPosition !== undefined && log.lastPosition < baseZxid) {
    const found = `it ends at ${formatZxid(log.lastPosition as Zxid)}`
    throw new LogDamagedError(
      options.directory.path,
      0,
      `${found}, before its base ${formatZxid(baseZxid)}`,
    )
  }
  return { log: new TxnLog(log, baseZxid), torn, epochs }
}

/**
 * How much of the log is kept although the tree on the disk covers it: learners then get a DIFF.
 */
export interface LogKept {
  /** full segments, in addition to the current one */
  readonly segments: number
  /** bytes of records, in as many segments as needed */
  readonly bytes: number
}

/** The result of a purge: everything after `base`. */
export interface PurgePoint {
  readonly base: Zxid
  /** of the first record after `base` */
  readonly first: Zxid
}

export class TxnLog {
  readonly #log: Log
  #baseZxid: Zxid
  #frames = Buffer.alloc(0) // where `append` frames a batch

  constructor(log: Log, baseZxid: Zxid) {
    this.#log = log
    this.#baseZxid = baseZxid
  }

  /** The zxid that it follows; its end if it is empty. */
  get baseZxid(): Zxid {
    return this.#baseZxid
  }

  /** Undefined if it is empty. */
  get firstZxid(): Zxid | undefined {
    return this.#log.firstPosition as Zxid | undefined
  }

  /** Of the appended transactions, durable or not. */
  get lastZxid(): Zxid {
    return (this.#log.lastPosition ?? this.#baseZxid) as Zxid
  }

  get durableZxid(): Zxid {
    return (this.#log.durablePosition ?? this.#baseZxid) as Zxid
  }

  /** Copies `entries`, which must follow `lastZxid`; `flush` then writes them to the disk. */
  append(entries: Entries): void {
    invariant(entries.count > 0, 'a batch holds transactions')
    invariant(follows(this.lastZxid, entries.first), 'the log has no gaps')
    // Each payload grows by at most its header and padding, minus its length prefix.
    const bytesMax = entries.bytes.length + entries.count * (headerBytes + 8)
    const frames = this.#framesFor(bytesMax)
    const source = asBuffer(entries.bytes)
    const durable = (this.#log.durablePosition ?? zxidZero) as Zxid
    let read = 0
    let end = 0
    for (let i = 0; i < entries.count; i++) {
      const payload = read + entryHeaderBytes
      read = entryEnd(source, read)
      invariant(read <= source.length, 'a batch holds its payloads whole')
      const payloadBytes = read - payload
      const start = end
      end += wholeLength(payloadBytes)
      frames.writeUInt32BE(magic, start + at.magic)
      frames.writeUInt32BE(payloadBytes, start + at.payloadLength)
      writeZxid(frames, (entries.first + i) as Zxid, start + at.zxid)
      writeZxid(frames, durable, start + at.durable)
      source.copy(frames, start + at.payload, payload, read)
      frames.fill(0, start + at.payload + payloadBytes, end)
      frames.writeUInt32BE(crc32c(frames, start + at.payloadLength, end), start + at.crc)
    }
    invariant(read === source.length, 'a batch ends with its last payload')
    this.#log.append(frames.subarray(0, end))
  }

  /** See `Log.flush`. */
  flush(): void {
    this.#log.flush()
  }

  /**
   * The first of the transactions in (after, upTo]: at least one, then at most `bytesMax`, and all
   * of one epoch. Both bounds are in the log; `after` may be the zxid that the log follows.
   *
   * @throws LogDamagedError for a wrong checksum
   */
  readEntries(range: {
    readonly after: Zxid
    readonly upTo: Zxid
    readonly bytesMax: number
  }): Entries {
    const { after, upTo, bytesMax } = range
    const records = this.#log.read({ from: after + 1, upTo, bytesMax, verify: true })
    invariant(records.length > 0, 'transactions that are read lie in the log')
    const first = readZxid(records, at.zxid)
    invariant(follows(after, first), 'what is read follows without a gap')
    const bytes = Buffer.allocUnsafe(records.length) // a header is longer than a length prefix
    let end = 0
    let count = 0
    for (let start = 0; start < records.length; ) {
      const zxid = readZxid(records, start + at.zxid)
      if (epochOf(zxid) !== epochOf(first)) break
      invariant(zxid === first + count, 'the log has no gaps')
      const payloadBytes = records.readUInt32BE(start + at.payloadLength)
      const payload = start + at.payload
      end = writeEntry(bytes, end, records.subarray(payload, payload + payloadBytes))
      count += 1
      start += wholeLength(payloadBytes)
    }
    return { first, count, bytes: bytes.subarray(0, end) }
  }

  /** See `Log.truncateAfter`. `zxid` is not below `baseZxid`. */
  truncateAfter(zxid: Zxid, done: () => void): void {
    invariant(zxid >= this.#baseZxid, 'what the tree begins with is never cut')
    this.#log.truncateAfter(zxid, done)
  }

  /**
   * The point to which the log may be purged, if the tree on the disk, synced, covers everything up
   * to `covered`; undefined if there is nothing to drop.
   */
  purgePoint(covered: Zxid, kept: LogKept): PurgePoint | undefined {
    const { segments } = this.#log
    let point: PurgePoint | undefined
    let bytes = segments.reduce((sum, segment) => sum + segment.endBytes, 0)
    for (let i = 1; i < segments.length - kept.segments; i++) {
      const [dropped, first] = [segments[i - 1], segments[i]]
      if (dropped === undefined || first === undefined || dropped.lastPosition > covered) break
      bytes -= dropped.endBytes
      if (bytes < kept.bytes) break
      const base = dropped.lastPosition as Zxid
      if (base > this.#baseZxid) point = { base, first: first.firstPosition as Zxid }
    }
    return point
  }

  /** Drops the segments before a point whose `base` `meta` already has. */
  purge({ base, first }: PurgePoint): void {
    invariant(base >= this.#baseZxid && base <= this.durableZxid, 'a log is purged at its start')
    this.#baseZxid = base
    this.#log.dropBefore(first)
  }

  close(done: () => void): void {
    this.#log.close(done)
  }

  #framesFor(bytes: number): Buffer {
    if (bytes > keptBytes) return Buffer.allocUnsafe(bytes)
    if (bytes > this.#frames.length) {
      this.#frames = Buffer.allocUnsafeSlow(Math.min(keptBytes, 2 * bytes))
    }
    return this.#frames
  }
}

type ReadEpoch = { -readonly [Field in keyof EpochRange]: EpochRange[Field] }

/** @param epochs receives those of the records */
function epochsReader(epochs: ReadEpoch[], baseZxid: Zxid): GoodRecord {
  let previous: Zxid | undefined
  let last: ReadEpoch | undefined
  return (bytes, start, _, { file, offset }) => {
    const zxid = readZxid(bytes, start + at.zxid)
    const fits =
      previous === undefined ? zxid <= baseZxid || follows(baseZxid, zxid) : follows(previous, zxid)
    if (!fits) {
      const before = formatZxid(previous ?? baseZxid)
      throw new LogDamagedError(file, offset, `${formatZxid(zxid)} does not follow on ${before}`)
    }
    const epoch = epochOf(zxid)
    const counter = counterOf(zxid)
    if (last?.epoch === epoch) last.lastCounter = counter
    else {
      last = { epoch, firstCounter: counter, lastCounter: counter }
      epochs.push(last)
    }
    previous = zxid
  }
}
