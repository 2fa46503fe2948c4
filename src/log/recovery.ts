// Opens a log: finds the end of its good records, and decides whether the rest may be cut.
//
// A batch that was never fsynced may reach the disk in part and out of order, so anything may
// follow the last good record, at position z: a torn tail, which was never acknowledged as durable.
// It is cut. But if there is proof that a position above z was durable, acknowledged data is
// missing, and a cut would turn one damaged disk into lost history everywhere. Then the log is
// refused by file and offset, and nothing on the disk is changed. Proof is:
//
//   - a later segment: a segment is fsynced before its successor gets its name;
//   - a later intact record whose durablePosition is above z (formats that have one);
//   - the caller's knowledge, such as the last position applied to the tree.
//
// What an index file tells of (index-file.ts) is durable, and is not read here but when it is needed:
// damage to it is found then, or by `Log.checkSome`.
//
// Nothing is repaired silently: docs/correctness.md, P3 and P11.

import { indexName, isIndexName } from './index-file.ts'
import { LogDamagedError, LogVersionError } from './log-errors.ts'
import { preparedName } from './preparation.ts'
import type { Position, RecordFormat } from './record-format.ts'
import { replacementName } from './replacement.ts'
import {
  type LogVisitor,
  positionOfName,
  Segment,
  type SegmentMemory,
  segmentName,
} from './segment.ts'
import type { LogDirectory, SegmentFile } from './segment-file.ts'
import { Succession } from './succession.ts'
import { truncationName } from './truncation.ts'
import { type RecordVisitor, walkRecords } from './walk.ts'
import { chunksNotZero, overwriteWithZeros } from './zero.ts'

/** For copying a kept tail. */
const keptChunkBytes = 1024 * 1024

export interface RecoveryOptions {
  readonly directory: LogDirectory
  readonly format: RecordFormat
  /** A position known to be durable; the log must reach it. */
  readonly knownDurable?: Position | undefined
  /**
   * Keeps the cut bytes in a file beside the segments, until the operator or the owner removes it.
   */
  readonly keepsTail?: boolean | undefined
  readonly memory?: SegmentMemory | undefined
  /** Reads everything, also what index files tell of. */
  readonly readsAll?: boolean | undefined
  /**
   * In a gapless format, records were removed from between others: up to this position, a record need
   * not directly follow the one before it.
   */
  readonly gapsBelow?: Position | undefined
  /**
   * Receives each good record that is read, in order, before anything is changed. What it throws ends
   * the recovery.
   */
  readonly onGood?: GoodRecord | undefined
}

/** Receives what a `LogVisitor` receives. */
export type GoodRecord = (...record: Parameters<LogVisitor>) => void

/** The bytes after the last good record, cut and zeroed after a crash: worth a line in the log. */
export interface TornTail {
  readonly file: string
  readonly byteOffset: number
  readonly bytes: number
  /** the file beside the segments that now holds the bytes, without trailing zeros */
  readonly keptAs: string | undefined
}

/** Prefix of the names of files that hold a cut tail. */
export const keptTailPrefix = 'cut-'

/**
 * The segments of a log, each with at least one record, all of it durable.
 *
 * @throws LogDamagedError, LogVersionError: nothing was changed. No file stays open.
 */
export function recover(options: RecoveryOptions): {
  readonly segments: Segment[]
  readonly torn: TornTail | null
} {
  const opened = new Set<SegmentFile>()
  try {
    return openSegments(options, opened)
  } catch (error) {
    for (const file of opened) file.close()
    throw error
  }
}

/** @param opened receives the open files */
function openSegments(options: RecoveryOptions, opened: Set<SegmentFile>) {
  const { directory, format, knownDurable, keepsTail = false, memory } = options
  const { readsAll = false, gapsBelow = 0, onGood } = options
  finishTruncation(directory, format)
  const firsts = segmentPositions(directory)
  const segments: Segment[] = []
  let torn: TornTail | null = null
  for (const [i, first] of firsts.entries()) {
    const segment = new Segment(directory, format, first, memory)
    const successor = firsts[i + 1]
    const file = directory.open(segment.name)
    opened.add(file)
    // At once: recovery may have to rebuild the index from the records.
    segment.place(file)
    const opening = { segment, file, format, readsAll, gapsBelow, onGood }
    if (successor === undefined) {
      const tail = { directory, previous: segments.at(-1), knownDurable, keepsTail }
      torn = recoverTail(opening, tail)
      if (segment.isEmpty) {
        opened.delete(file)
        file.close()
        directory.remove(segment.name)
        break
      }
    } else recoverFull(opening, successor)
    segments.push(segment)
  }
  if (firsts.length === 0 && knownDurable !== undefined) {
    throw new LogDamagedError(directory.path, 0, `no segments, but ${knownDurable} was durable`)
  }
  for (const name of [preparedName, replacementName]) {
    if (directory.list().includes(name)) directory.remove(name)
  }
  // The last segment will grow.
  const active = segments.at(-1)
  if (active?.isIndexed === true && active.isIndexFull) {
    active.forgetIndexFile()
    active.removeIndex()
  }
  removeUnusedIndexes(directory, segments)
  // After a kill, the names read above may still be in memory only. A new log has none: a broker opens
  // thousands of them at once.
  if (firsts.length > 0) directory.syncNow()
  for (const segment of segments.slice(0, -1)) {
    if (!segment.isIndexFull) segment.saveIndex({ isFull: true })
  }
  return { segments, torn }
}

/** They are of segments that are gone, or tell of records that were not known to be durable. */
function removeUnusedIndexes(directory: LogDirectory, segments: readonly Segment[]): void {
  const used = new Set(segments.filter((each) => each.isIndexed).map(({ name }) => indexName(name)))
  for (const name of directory.list()) {
    if (isIndexName(name) && !used.has(name)) directory.remove(name)
  }
}

/** A segment that is being opened, and how. */
interface Opening {
  readonly segment: Segment
  readonly file: SegmentFile
  readonly format: RecordFormat
  readonly readsAll: boolean
  readonly gapsBelow: Position
  readonly onGood: GoodRecord | undefined
}

/** A segment with a successor was fsynced completely: any error in it is damage. */
function recoverFull(opening: Opening, successor: Position): void {
  const { segment, gapsBelow, readsAll, format } = opening
  const durableTo = readsAll ? -1 : successor - 1
  const offset = readOn(opening, durableTo)
  const mayHaveGap = !format.isGapless || successor <= gapsBelow
  const isWrong = mayHaveGap
    ? segment.lastPosition >= successor
    : segment.lastPosition !== successor - 1
  if (segment.isEmpty || isWrong) {
    const found = segment.isEmpty ? 'no records' : `position ${segment.lastPosition}`
    throw new LogDamagedError(segment.path, offset, `${found} before a segment from ${successor}`)
  }
}

/** @returns where the records end */
function readOn(opening: Opening, durableTo: Position): number {
  const { segment, file } = opening
  const place = segment.takeIndexed(file, { durableTo, gapsBelow: opening.gapsBelow })
  if (segment.isIndexed && segment.isIndexFull) return segment.endBytes
  const { offset } = adoptRecords(opening, place)
  if (chunksNotZero(file, offset).next().done === true) return offset
  throw new LogDamagedError(segment.path, offset, 'no good record, and later segments follow')
}

/** The last segment may end in a torn tail. It becomes empty if no record in it was good. */
function recoverTail(
  opening: Opening,
  tail: {
    readonly directory: LogDirectory
    readonly previous: Segment | undefined
    readonly knownDurable: Position | undefined
    readonly keepsTail: boolean
  },
): TornTail | null {
  const { segment, file, format, readsAll, gapsBelow } = opening
  const { directory, previous, knownDurable, keepsTail } = tail
  const durableTo = readsAll ? -1 : (knownDurable ?? -1)
  const place = segment.takeIndexed(file, { durableTo, gapsBelow })
  const { offset, vouched } = adoptRecords(opening, place)
  const good = segment.isEmpty ? (previous?.lastPosition ?? -1) : segment.lastPosition
  if (knownDurable !== undefined && knownDurable > good) {
    const found = `the good records end at ${good}, but ${knownDurable} was durable`
    throw new LogDamagedError(segment.path, offset, found)
  }
  const witness = findVouching(file, format, { from: offset, above: good })
  if (witness !== undefined) {
    const { durable, offset: at } = witness
    const found = `the good records end at ${good}, but the one at byte ${at} knew ${durable} durable`
    throw new LogDamagedError(segment.path, offset, found)
  }
  const end = endOfBytes(file, offset)
  const isTorn = end > offset
  let keptAs: string | undefined
  if (isTorn) {
    if (keepsTail) keptAs = keep(file, { offset, end, good }, directory)
    cutMarked(directory, good + 1, () => {
      zeroWhereNotZero(file, offset)
      file.syncNow()
    })
  }
  // A killed process's writes are read from memory, and after a failed fsync they may be there as
  // clean pages without being on the disk. They count as durable only after they have been written
  // again; if nothing tells how much was durable before, that is the whole segment.
  segment.rewrite({ file, from: knownDurable ?? vouched ?? -1 })
  file.syncNow()
  return isTorn ? { file: segment.path, byteOffset: offset, bytes: end - offset, keptAs } : null
}

/**
 * Durable on return, so that a crash after it cannot make the log look whole. @returns the file's
 * name
 */
function keep(
  file: SegmentFile,
  { offset, end, good }: { readonly offset: number; readonly end: number; readonly good: Position },
  directory: LogDirectory,
): string {
  const first = `${keptTailPrefix}${(good + 1).toString(16).padStart(16, '0')}`
  const names = directory.list()
  let name = first
  for (let i = 2; names.includes(name); i++) name = `${first}-${i}`
  const kept = directory.create(name)
  try {
    for (let at = offset; at < end; at += keptChunkBytes) {
      const bytes = Buffer.allocUnsafe(Math.min(keptChunkBytes, end - at))
      file.read(bytes, at)
      kept.write(bytes, at - offset)
    }
    kept.syncNow()
  } finally {
    kept.close()
  }
  directory.syncNow()
  return name
}

/**
 * Adopts the good records from the end of those that the segment has on.
 *
 * @param place see `Segment.takeIndexed`
 * @returns their end, and the highest position that one of them knew to be durable
 */
function adoptRecords(
  opening: Opening,
  place: { readonly next: Position; readonly isExact: boolean },
) {
  const { segment, file, format, gapsBelow, onGood } = opening
  let vouched = format.durablePosition === undefined ? undefined : -1
  const { next, isExact } = place
  const checks = new Succession(format, { next, isExact, gapsBelow })
  const visit: RecordVisitor = (bytes, at, length, offset) => {
    const verdict = checks.judge(bytes, at, length)
    if (verdict === 'bad') return false
    if (verdict === 'misplaced') {
      const first = format.firstPosition(bytes, at)
      throw new LogDamagedError(segment.path, offset, `position ${first} does not belong here`)
    }
    onGood?.(bytes, at, length, { file: segment.path, offset })
    segment.adopt(bytes, at, offset, length)
    const durable = format.durablePosition?.(bytes, at)
    if (durable !== undefined && durable > (vouched ?? -1)) vouched = durable
    return true
  }
  const { offset, ended } = walkFile(file, format, visit, segment.endBytes)
  if (ended === 'other version') throw new LogVersionError(segment.path, offset)
  return { offset, vouched }
}

/** Checks every place after `from` where an intact record could begin. */
function findVouching(
  file: SegmentFile,
  format: RecordFormat,
  { from, above }: { readonly from: number; readonly above: Position },
): { readonly offset: number; readonly durable: Position } | undefined {
  if (format.durablePosition === undefined) return undefined
  const { headerBytes, alignmentBytes } = format
  const size = file.sizeBytes()
  for (const chunk of chunksNotZero(file, from)) {
    // A header that begins in this chunk may end in the next.
    const bytes = Buffer.alloc(chunk.bytes.length + headerBytes)
    file.read(bytes, chunk.offset)
    const start = Math.ceil(chunk.offset / alignmentBytes) * alignmentBytes
    for (let at = start - chunk.offset; at < chunk.bytes.length; at += alignmentBytes) {
      const length = format.wholeLength(bytes, at)
      const offset = chunk.offset + at
      if (length <= 0 || offset + length > size) continue
      const record = Buffer.allocUnsafe(length)
      file.read(record, offset)
      if (!format.isIntact(record, 0, length)) continue
      const durable = format.durablePosition(record, 0)
      if (durable !== undefined && durable > above) return { offset, durable }
    }
  }
  return undefined
}

/** @returns the end of the nonzero bytes, `from` if there are none */
function endOfBytes(file: SegmentFile, from: number): number {
  let end = from
  for (const { offset, bytes } of chunksNotZero(file, from)) {
    end = offset + bytes.findLastIndex((byte) => byte !== 0) + 1
  }
  return end
}

function zeroWhereNotZero(file: SegmentFile, from: number): void {
  for (const { offset, bytes } of chunksNotZero(file, from)) {
    file.write(Buffer.alloc(bytes.length), offset)
  }
}

/**
 * Cuts records from position `from` on under a truncation marker. The marker outlives a cut whose
 * fsync fails: its zeros may then be in memory only, where the next recovery would read them as if
 * they were on the disk, and a power cut would bring the cut records back.
 */
function cutMarked(directory: LogDirectory, from: Position, cut: () => void): void {
  const name = truncationName(from)
  directory.create(name).close()
  directory.syncNow()
  cut()
  directory.remove(name)
  directory.syncNow()
}

/** Repeats a truncation that a crash interrupted; the marker's name has its position. */
function finishTruncation(directory: LogDirectory, format: RecordFormat): void {
  const name = directory.list().find((each) => each.startsWith(truncationName(0).slice(0, -16)))
  if (name === undefined) return
  const from = Number.parseInt(name.slice(-16), 16)
  // The indexes of what is cut were removed before anything else was: so they are again.
  removeUnusedIndexes(directory, [])
  const firsts = segmentPositions(directory)
  const kept = firsts.filter((first) => first < from).at(-1)
  if (kept !== undefined) finishCut(directory, format, { kept, from })
  for (const first of firsts) if (first >= from) directory.remove(segmentName(first))
  directory.syncNow()
  directory.remove(name)
  directory.syncNow()
}

function finishCut(
  directory: LogDirectory,
  format: RecordFormat,
  { kept, from }: { readonly kept: Position; readonly from: Position },
): void {
  const file = directory.open(segmentName(kept))
  try {
    cutFrom(file, format, { path: `${directory.path}/${segmentName(kept)}`, from })
  } finally {
    file.close()
  }
}

function cutFrom(
  file: SegmentFile,
  format: RecordFormat,
  { path, from }: { readonly path: string; readonly from: Position },
): void {
  let last: Position | undefined
  const { offset } = walkFile(file, format, (bytes, at, length) => {
    const lastPosition = format.lastPosition(bytes, at)
    if (lastPosition >= from || !format.isIntact(bytes, at, length)) return false
    last = lastPosition
    return true
  })
  // A truncation starts only when the kept records are durable, so a shorter log is damage.
  if (last !== from - 1) {
    throw new LogDamagedError(path, offset, `no good record, but ${from - 1} was durable`)
  }
  // Also bytes that read as zero: an earlier attempt may have ended with a failed fsync.
  overwriteWithZeros(file, offset)
  file.syncNow()
}

function segmentPositions(directory: LogDirectory): Position[] {
  const positions = directory.list().map(positionOfName)
  return positions.filter((each) => each !== undefined).sort((a, b) => a - b)
}

/** @param visit keeps none of the bytes: all chunks are read into one buffer */
function walkFile(file: SegmentFile, format: RecordFormat, visit: RecordVisitor, start = 0) {
  const range = { start, end: file.sizeBytes() }
  let chunk = Buffer.alloc(0)
  const read = (offset: number, bytes: number): Buffer => {
    if (bytes > chunk.length) chunk = Buffer.allocUnsafeSlow(bytes)
    return chunk.subarray(0, file.read(chunk.subarray(0, bytes), offset))
  }
  return walkRecords(read, format, range, visit)
}
