// Opening a log: where do its good records end, and may what follows be cut?
//
// A batch that was never fsynced may reach the disk in part and out of order, so behind the last
// good record, at position z, may lie anything: a torn tail, which nobody was told is safe. It is
// cut. But when something vouches that a position above z was once durable, acknowledged data is
// gone, and cutting would turn one damaged disk into lost history everywhere. Then the log is
// refused by file and offset, and nothing on the disk is changed. What vouches:
//
//   - a later segment: a segment is fsynced before its successor gets its name;
//   - a later intact record whose durablePosition is above z (formats that have one);
//   - what the caller knows to be durable, such as the last position the tree has applied.
//
// Source: Zab as DESIGN has it ("The log is the truth").

import { LogDamagedError, LogVersionError } from './log-errors.ts'
import { preparedName } from './preparation.ts'
import type { Position, RecordFormat } from './record-format.ts'
import { positionOfName, Segment, segmentName } from './segment.ts'
import type { LogDirectory, SegmentFile } from './segment-file.ts'
import { type RecordVisitor, walkRecords } from './walk.ts'
import { chunksNotZero, overwriteWithZeros } from './zero.ts'

/** Of a tail that is kept, one copy. */
const keptChunkBytes = 1024 * 1024

export interface RecoveryOptions {
  readonly directory: LogDirectory
  readonly format: RecordFormat
  /** A position the caller knows to have been durable; the log must reach it. */
  readonly knownDurable?: Position | undefined
  /** Keeps what is cut in a file beside the segments; until a person or the owner takes it away. */
  readonly keepsTail?: boolean | undefined
  /** Segments that end before this are opened unread: their records are checked when read. */
  readonly verifyFrom?: Position | undefined
}

/** What a crash left behind the last good record, cut and zeroed now: worth a line in the log. */
export interface TornTail {
  readonly file: string
  readonly byteOffset: number
  readonly bytes: number
  /** the file that holds the bytes now, beside the segments; trailing zeros are left out */
  readonly keptAs: string | undefined
}

/** What the names of files begin with that hold a tail which was cut. */
export const keptTailPrefix = 'cut-'

/** The name of an empty file that says: records holding this position or a higher one must go. */
export function truncationName(from: Position): string {
  return `truncate-from-${from.toString(16).padStart(16, '0')}`
}

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

/** @param opened gets the files that are open */
function openSegments(options: RecoveryOptions, opened: Set<SegmentFile>) {
  const { directory, format, knownDurable, keepsTail = false, verifyFrom = 0 } = options
  finishTruncation(directory, format)
  const firsts = segmentPositions(directory)
  const segments: Segment[] = []
  let torn: TornTail | null = null
  for (const [i, first] of firsts.entries()) {
    const segment = new Segment(directory, format, first)
    const successor = firsts[i + 1]
    const file = directory.open(segment.name)
    opened.add(file)
    if (successor === undefined) {
      const previous = segments.at(-1)
      torn = recoverTail({ directory, segment, file, format, previous, knownDurable, keepsTail })
      if (segment.isEmpty) {
        opened.delete(file)
        file.close()
        directory.remove(segment.name)
        break
      }
      segment.place(file)
    } else if (successor <= verifyFrom) {
      segment.placeUnread(file)
    } else {
      recoverFull({ segment, file, format, successor })
      segment.place(file)
    }
    segments.push(segment)
  }
  if (firsts.length === 0 && knownDurable !== undefined) {
    throw new LogDamagedError(directory.path, 0, `no segments, but ${knownDurable} was durable`)
  }
  if (directory.list().includes(preparedName)) directory.remove(preparedName)
  // After a kill, names that were read may still be in memory only.
  directory.syncNow()
  return { segments, torn }
}

/** A segment that has a successor was fsynced whole: whatever is wrong in it is damage. */
function recoverFull(opening: {
  readonly segment: Segment
  readonly file: SegmentFile
  readonly format: RecordFormat
  readonly successor: Position
}): void {
  const { segment, file, format, successor } = opening
  const { offset } = adoptRecords(segment, file, format)
  const rest = chunksNotZero(file, offset).next()
  if (rest.done !== true) {
    throw new LogDamagedError(segment.path, offset, 'no good record, and later segments follow')
  }
  const isWrong = format.isGapless
    ? segment.lastPosition !== successor - 1
    : segment.lastPosition >= successor
  if (segment.isEmpty || isWrong) {
    const found = segment.isEmpty ? 'no records' : `position ${segment.lastPosition}`
    throw new LogDamagedError(segment.path, offset, `${found} before a segment from ${successor}`)
  }
}

/** The last segment may end in a torn tail. It has no records left if nothing in it was good. */
function recoverTail(opening: {
  readonly directory: LogDirectory
  readonly segment: Segment
  readonly file: SegmentFile
  readonly format: RecordFormat
  readonly previous: Segment | undefined
  readonly knownDurable: Position | undefined
  readonly keepsTail: boolean
}): TornTail | null {
  const { directory, segment, file, format, knownDurable, keepsTail } = opening
  const { offset, vouched } = adoptRecords(segment, file, format)
  const good = segment.isEmpty ? (opening.previous?.lastPosition ?? -1) : segment.lastPosition
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
  // What a killed process wrote is read from memory, and after a failed fsync it may stand there as
  // clean without being on the disk. Written again, it must go there before it counts as durable; where
  // nothing tells how much was durable before, that is the whole segment.
  segment.rewrite({ file, from: knownDurable ?? vouched ?? -1 })
  file.syncNow()
  return isTorn ? { file: segment.path, byteOffset: offset, bytes: end - offset, keptAs } : null
}

/** Durable on return, so that a crash after it cannot make the log look whole. @returns the file's name */
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
 * Takes the good records from the start of the file on.
 *
 * @returns where they end, and the highest position that one of them knew to be durable
 */
function adoptRecords(segment: Segment, file: SegmentFile, format: RecordFormat) {
  let vouched = format.durablePosition === undefined ? undefined : -1
  let epoch = -1
  const visit: RecordVisitor = (bytes, at, length, offset) => {
    if (!format.isIntact(bytes, at, length)) return false
    const first = format.firstPosition(bytes, at)
    const last = format.lastPosition(bytes, at)
    const next = segment.isEmpty ? segment.firstPosition : segment.lastPosition + 1
    if (format.isGapless) {
      const before = epoch
      epoch = format.epoch?.(bytes, at) ?? epoch
      if (first !== next || last < first || epoch < before) return false
    }
    const fits = segment.isEmpty ? first === next : first >= next
    if (!fits || last < first) {
      throw new LogDamagedError(segment.path, offset, `position ${first} does not belong here`)
    }
    segment.adopt({ first, last, offset, length })
    const durable = format.durablePosition?.(bytes, at)
    if (durable !== undefined && durable > (vouched ?? -1)) vouched = durable
    return true
  }
  const { offset, ended } = walkFile(file, format, visit)
  if (ended === 'other version') throw new LogVersionError(segment.path, offset)
  return { offset, vouched }
}

/** Looks at every place behind `from` where an intact record could begin. */
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

/** @returns where the bytes end that are not zero, `from` if there are none */
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
 * Cuts records from position `from` on under the mark of a truncation. The mark outlives a cut whose
 * fsync fails: its zeros may then be in memory only, where the next recovery reads them as if they
 * were on the disk, and a power cut would bring the cut records back.
 */
function cutMarked(directory: LogDirectory, from: Position, cut: () => void): void {
  const name = truncationName(from)
  directory.create(name).close()
  directory.syncNow()
  cut()
  directory.remove(name)
  directory.syncNow()
}

/** A truncation that a crash interrupted is done again; its name says from where. */
function finishTruncation(directory: LogDirectory, format: RecordFormat): void {
  const name = directory.list().find((each) => each.startsWith(truncationName(0).slice(0, -16)))
  if (name === undefined) return
  const from = Number.parseInt(name.slice(-16), 16)
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
  // Truncation begins when what it keeps is durable, so less than that is damage.
  if (last !== from - 1) {
    throw new LogDamagedError(path, offset, `no good record, but ${from - 1} was durable`)
  }
  // Also what reads as zero: an earlier attempt may have ended with a failed fsync.
  overwriteWithZeros(file, offset)
  file.syncNow()
}

function segmentPositions(directory: LogDirectory): Position[] {
  const positions = directory.list().map(positionOfName)
  return positions.filter((each) => each !== undefined).sort((a, b) => a - b)
}

function walkFile(file: SegmentFile, format: RecordFormat, visit: RecordVisitor) {
  const range = { start: 0, end: file.sizeBytes() }
  return walkRecords((into, at) => file.read(into, at), format, range, visit)
}
