// The segmented, append-only log under Zab's history and under the broker's partitions.
//
//   append ─▶ tail in memory ─ flush ─▶ one write ─▶ fdatasync ─▶ onDurable(position)
//                                          │   group commit: one fdatasync in flight; whatever
//                                          │   is appended meanwhile forms the next batch
//   segments:  [full, synced] [full, synced] [active ......0000000]  [prepared 00000000000000]
//
// The steps on the disk are one sequence, `#advance`: the first unsettled segment is placed under
// its name, written and synced before its successor is touched. A failed write or fsync ends that
// for good: after one, a later success proves nothing.
// Next on the path: segment.ts. Opening: recovery.ts.

import { asBuffer } from '../as-buffer.ts'
import { invariant } from '../invariant.ts'
import { LogFailedError } from './log-errors.ts'
import { Preparation, preparedName } from './preparation.ts'
import type { Position, RecordFormat } from './record-format.ts'
import { type GoodRecord, recover, type TornTail } from './recovery.ts'
import { Replacement } from './replacement.ts'
import { type LogVisitor, Segment, type SegmentMemory } from './segment.ts'
import { attempt, type Done, type LogDirectory } from './segment-file.ts'
import { noTimestamp } from './segment-index.ts'
import { type LogSync, SyncPace } from './sync-pace.ts'
import { removeSegment, truncateOnDisk } from './truncation.ts'

const segmentBytesDefault = 64 * 1024 * 1024

export interface LogOptions {
  readonly directory: LogDirectory
  readonly format: RecordFormat

  /** A segment takes no record beyond this size; a larger record gets its own segment. */
  readonly segmentBytes?: number
  /**
   * Whether segments are filled with zeros in advance: as a whole, before they are needed, at the pace
   * of the log (one that is needed earlier grows in steps), or only in small steps, for programs with
   * many logs. Those never sync on the main thread: while one of their logs
   * is idle, others are not, and would wait.
   */
  readonly preallocate?: boolean | 'in steps'

  /**
   * `os`: durable means handed to the operating system, so records must not vouch for durability. A
   * full segment is synced anyway.
   */
  readonly sync?: 'group' | 'os'
  /** Whether an idle log may sync on the main thread. */
  readonly mainThreadSync?: boolean
  readonly nowMs?: () => number

  readonly memory?: SegmentMemory | undefined

  /** See recovery.ts. */
  readonly knownDurable?: Position | undefined
  readonly keepsTail?: boolean | undefined
  readonly readsAll?: boolean | undefined
  readonly gapsBelow?: Position | undefined
  readonly onGood?: GoodRecord | undefined

  /**
   * Everything up to `position` is durable. May be called during `flush`, never during `append`.
   */
  readonly onDurable: (position: Position) => void
  /** Called once: the log is unusable, and the process must end. */
  readonly onFailure: (error: LogFailedError) => void
  /** Called after each fdatasync of records. */
  readonly onSync?: (sync: LogSync) => void
  /** The next segment could not be prepared, probably for lack of space; the log still works. */
  readonly onShortage?: (error: Error) => void
}

/** @throws LogDamagedError, LogVersionError, or what the file system throws */
export function openLog(options: LogOptions): {
  readonly log: Log
  readonly torn: TornTail | null
} {
  const { segments, torn } = recover(options)
  return { log: new Log(options, segments), torn }
}

/** What the owner of a log sees of a segment. */
export type LogSegment = Pick<
  Segment,
  'firstPosition' | 'lastPosition' | 'endBytes' | 'firstTimestampMs' | 'maxTimestampMs'
>

export class Log {
  readonly #options: LogOptions
  readonly #directory: LogDirectory
  readonly #format: RecordFormat
  #segmentBytes: number
  readonly #isGroup: boolean
  readonly #pace: SyncPace
  readonly #segments: Segment[] // ascending; none is empty; all but the last few are settled
  #isChecked = false
  #checking: Segment | undefined // is being read for damage
  #isRollDue = false // the next record begins a segment
  #preparation: Preparation | null = null
  #durable: Position | undefined
  #reported: Position | undefined
  #failure: LogFailedError | null = null

  #isBusy = false // one step of `#advance` is under way
  #truncation: { readonly removed: readonly Segment[]; readonly done: () => void } | null = null
  readonly #dropped: Segment[] = [] // their files are still to be removed
  #isDropping = false
  #isReplacing = false // no segment is dropped, and nothing is truncated, meanwhile
  #onClosed: (() => void) | null = null

  constructor(options: LogOptions, segments: Segment[]) {
    this.#options = options
    this.#directory = options.directory
    this.#format = options.format
    this.#segmentBytes = options.segmentBytes ?? segmentBytesDefault
    this.#isGroup = options.sync !== 'os'
    const { nowMs, preallocate, mainThreadSync = true } = options
    this.#pace = new SyncPace({
      nowMs,
      mainThreadSync: mainThreadSync && preallocate !== 'in steps',
    })
    this.#segments = segments
    this.#durable = this.#reported = this.lastPosition
    this.#maybePrepare()
  }

  get isEmpty(): boolean {
    return this.#segments.length === 0
  }

  get firstPosition(): Position | undefined {
    return this.#segments[0]?.firstPosition
  }

  /** Of the appended records, durable or not. */
  get lastPosition(): Position | undefined {
    return this.#segments.at(-1)?.lastPosition
  }

  /** Oldest first; for deciding what to drop. */
  get segments(): readonly LogSegment[] {
    return this.#segments
  }

  /** From now on. */
  set segmentBytes(bytes: number) {
    this.#segmentBytes = bytes
  }

  /** The next record begins a segment. */
  roll(): void {
    this.#isRollDue = this.#segments.length > 0
  }

  get durablePosition(): Position | undefined {
    return this.#durable
  }

  /**
   * Copies one or more whole records, back to back, positions ascending. They can be read
   * immediately and are written with the next `flush`.
   */
  append(records: Uint8Array): void {
    this.#assertUsable()
    invariant(this.#truncation === null, 'nothing is appended while the log is truncated')
    const bytes = asBuffer(records)
    const format = this.#format
    let segment = this.#segments.at(-1)
    let runStart = 0 // records from here on are not copied yet; they go to `segment`
    let runLast = segment?.lastPosition ?? -1
    for (let at = 0; at < bytes.length; ) {
      const length = format.wholeLength(bytes, at)
      invariant(length > 0 && at + length <= bytes.length, 'only whole records are appended')
      const first = format.firstPosition(bytes, at)
      invariant(first > runLast, 'positions in a log ascend')
      const end = (segment?.endBytes ?? 0) + at - runStart
      if (segment === undefined || end + length > this.#segmentBytes || this.#isRollDue) {
        if (at > runStart) segment?.append(bytes.subarray(runStart, at), runLast)
        runStart = at
        this.#isRollDue = false
        segment = new Segment(this.#directory, format, first, this.#options.memory)
        this.#segments.push(segment)
      }
      const timestampMs = format.timestampMs?.(bytes, at) ?? noTimestamp
      segment.note(first, segment.endBytes + at - runStart, timestampMs)
      runLast = format.lastPosition(bytes, at)
      invariant(runLast >= first, 'a record ends where it begins, or later')
      this.#pace.appended()
      at += length
    }
    if (runStart < bytes.length) segment?.append(bytes.subarray(runStart), runLast)
    this.#maybePrepare()
  }

  /** Starts writing the appended records. The owner calls it once per turn of the event loop. */
  flush(): void {
    this.#assertUsable()
    this.#advance({ mayBlock: this.#pace.mayBlock })
  }

  /**
   * Whole records in one piece, from the one that holds or follows `from` on; durable or not. Empty
   * if there is none up to `upTo`. Otherwise at least one, even if larger than `bytesMax`; perhaps
   * fewer than would fit, since a piece is from one segment. With `isBrief` it is valid until anything
   * is appended to any log that shares the memory.
   *
   * @throws LogDamagedError; with `verify` also for a wrong checksum
   */
  read(range: {
    readonly from: Position
    readonly upTo?: Position
    readonly bytesMax: number
    readonly verify?: boolean
    readonly isBrief?: boolean
  }): Buffer {
    const {
      from,
      upTo = Number.MAX_SAFE_INTEGER,
      bytesMax,
      verify = false,
      isBrief = false,
    } = range
    for (let i = this.#segmentOf(from); i < this.#segments.length; i++) {
      const bytes = this.#segments[i]?.read({ from, upTo, bytesMax, verify, isBrief })
      if (bytes !== undefined && bytes.length > 0) return bytes
    }
    return Buffer.alloc(0)
  }

  /**
   * Visits whole records, from the one that holds or follows `from` on, until the visitor stops it.
   */
  scan(from: Position, visit: LogVisitor): void {
    for (let i = this.#segmentOf(from); i < this.#segments.length; i++) {
      if (this.#segments[i]?.scan(from, visit) === false) return
    }
  }

  /**
   * Visits whole records from where those of `timestampMs` or later begin, until the visitor stops it;
   * segments without such a record are passed over.
   */
  scanFromTime(timestampMs: number, visit: LogVisitor): void {
    for (const segment of this.#segments) {
      if (!segment.scanFromTime(timestampMs, visit)) return
    }
  }

  /** Whether all records were read since the log was opened, or written since. */
  get isChecked(): boolean {
    this.#isChecked ||= this.#segments.every((segment) => segment.isChecked)
    return this.#isChecked
  }

  /**
   * Reads some of what was not read at start, oldest first.
   *
   * @returns the number of bytes; 0: that was all
   * @throws LogDamagedError
   */
  checkSome(bytesMax: number): number {
    if (this.#checking?.isPlaced !== true || this.#checking.isChecked) {
      this.#checking = this.#segments.find((segment) => !segment.isChecked)
    }
    return this.#checking?.checkSome(bytesMax) ?? 0
  }

  /**
   * Removes every record that holds a position above `position`: from memory immediately, from the
   * disk before `done`, when everything left is durable. -1 empties the log. Nothing may be
   * appended until `done`.
   */
  truncateAfter(position: Position, done: () => void): void {
    this.#assertUsable()
    invariant(this.#truncation === null, 'a log is truncated once at a time')
    const removed: Segment[] = []
    for (let last = this.#segments.at(-1); last !== undefined; last = this.#segments.at(-1)) {
      if (last.firstPosition <= position) last.cutAfter(position)
      if (last.firstPosition <= position && !last.isEmpty) break
      removed.push(last)
      this.#segments.pop()
    }
    this.#durable = this.#reported = lower(this.#durable, this.lastPosition)
    this.#truncation = { removed, done }
    this.#advance({ mayBlock: false })
  }

  /**
   * Removes whole segments, oldest first, that hold only positions below `position`.
   *
   * @param mayEmpty the owner remembers where an empty log continues: the last segment may go, too,
   *   once all of it is durable
   */
  dropBefore(position: Position, { mayEmpty = false }: { readonly mayEmpty?: boolean } = {}): void {
    this.#assertUsable()
    for (;;) {
      const [oldest, next] = this.#segments
      if (oldest === undefined || this.#isReplacing) break // the owner asks again
      if (next === undefined) {
        const isOver = mayEmpty && oldest.lastPosition < position
        if (!isOver || this.#isBusy || !oldest.isSynced || !this.#isSettled(oldest)) break
      } else {
        if (next.firstPosition > position) break
        if (!next.hasSynced) break // or a crash could leave a log without an end
      }
      this.#dropped.push(oldest)
      this.#segments.shift()
    }
    this.#drop()
  }

  /**
   * Begins to replace the segment that begins at `first` by some of its records, the first among them.
   * Nothing changes until `replace`.
   *
   * @throws what the file system throws
   */
  prepareReplacement(first: Position): Replacement | undefined {
    this.#assertUsable()
    const old = this.#replaceable(first)
    return old && new Replacement(this.#directory, this.#format, old, this.#options.memory)
  }

  /**
   * Puts the replacement in the place of its segment.
   *
   * @param done called when that is durable, or with false: the segment is gone, or about to be
   */
  replace(replacement: Replacement, done: (isReplaced: boolean) => void): void {
    this.#assertUsable()
    const { segment } = replacement
    if (this.#replaceable(segment.firstPosition) === undefined) {
      replacement.abandon()
      done(false)
      return
    }
    this.#isReplacing = true
    replacement.finish((error) => {
      this.#isReplacing = false
      if (error !== null) return this.#fail(segment.path, error)
      const at = this.#segments.findIndex((each) => each.firstPosition === segment.firstPosition)
      // Otherwise a truncation has begun that removes it, and waits.
      if (at === -1) segment.close()
      else {
        this.#segments.splice(at, 1, segment).at(0)?.close()
        segment.saveIndex({ isFull: true })
      }
      done(at !== -1)
      this.#drop()
      this.#advance({ mayBlock: false })
    })
  }

  /**
   * Removes one segment whose records are all superseded.
   *
   * @param done called when that is durable, or with false, as for `replace`
   */
  remove(first: Position, done: (isRemoved: boolean) => void): void {
    this.#assertUsable()
    const old = this.#replaceable(first)
    if (old === undefined) {
      done(false)
      return
    }
    this.#isReplacing = true
    this.#segments.splice(this.#segments.indexOf(old), 1)
    const removed: Done = (error) => {
      this.#isReplacing = false
      if (error !== null) return this.#fail(old.path, error)
      done(true)
      this.#drop()
      this.#advance({ mayBlock: false })
    }
    attempt((next) => {
      removeSegment(this.#directory, old)
      this.#directory.sync(next)
    }, removed)
  }

  /** A full segment that nothing else is about to change. */
  #replaceable(first: Position): Segment | undefined {
    if (this.#isReplacing || this.#truncation !== null) return undefined
    const segment = this.#segments.slice(0, -1).find((each) => each.firstPosition === first)
    return segment?.isPlaced === true && segment.isSynced ? segment : undefined
  }

  /** Makes all appended records durable, always by fsync, and closes the files. */
  close(done: () => void): void {
    this.#onClosed = done
    if (this.#failure === null) this.#advance({ mayBlock: false })
    else done()
  }

  /** The next step on the disk, if none is running. */
  #advance({ mayBlock }: { readonly mayBlock: boolean }): void {
    if (this.#isBusy || this.#failure !== null) return
    const segment = this.#firstUnsettled()
    if (segment === undefined) this.#whenSettled()
    else if (!segment.isPlaced) this.#place(segment)
    else this.#write(segment, mayBlock)
  }

  #write(segment: Segment, mayBlock: boolean): void {
    if (!this.#try(segment.path, () => segment.write())) return
    if (!this.#isGroup) this.#nowDurable(segment.lastPosition)
    if (this.#isSettled(segment)) this.#advance({ mayBlock })
    else this.#sync(segment, mayBlock)
    this.#report()
  }

  #sync(segment: Segment, mayBlock: boolean): void {
    const covered = segment.lastPosition
    const sync = this.#pace.begin()
    const synced = () => {
      const took = this.#pace.ended(sync)
      this.#options.onSync?.(took)
      this.#nowDurable(covered)
      if (this.#truncation === null) segment.maybeSaveIndex()
      // The disk first: it writes the next batch while the owner handles this one.
      this.#advance({ mayBlock: false })
      this.#report()
    }
    if (mayBlock) {
      if (this.#try(segment.path, () => segment.syncNow())) synced()
      return
    }
    const takesSteps = this.#options.preallocate !== false
    const syncLater = (done: Done) => {
      if (takesSteps) segment.takeStep(() => attempt((next) => segment.sync(next), done))
      else segment.sync(done)
    }
    this.#step(segment.path, syncLater, synced)
  }

  /** Gives a new segment its file. Its records wait in memory until its name is on the disk. */
  #place(segment: Segment): void {
    const directory = this.#directory
    const full = this.#segments[this.#segments.indexOf(segment) - 1]
    if (full?.isIndexFull === false) full.saveIndex({ isFull: true })
    const preparation = this.#preparation ?? this.#prepare(0)
    this.#preparation = null
    this.#isBusy = true
    preparation.take((error, file) => {
      if (error !== null) {
        this.#fail(segment.path, error)
        return
      }
      const rename = (done: Done) => {
        directory.rename(preparedName, segment.name)
        directory.sync(done)
      }
      this.#step(segment.path, rename, () => {
        segment.place(file)
        this.#maybePrepare()
        this.#advance({ mayBlock: false })
      })
    })
  }

  /** Everything left is durable: the moment for steps that must not overlap with writing. */
  #whenSettled(): void {
    this.#drop()
    if (this.#isDropping || this.#isReplacing) return
    if (this.#truncation !== null) this.#truncate(this.#truncation)
    else if (this.#onClosed !== null) this.#close(this.#onClosed)
  }

  #truncate({ removed, done }: { removed: readonly Segment[]; done: () => void }): void {
    const directory = this.#directory
    const cut = { directory, kept: this.#segments.at(-1), removed }
    this.#step(
      directory.path,
      (finished) => truncateOnDisk(cut, finished),
      () => {
        this.#truncation = null
        this.#durable = this.#reported = this.lastPosition
        this.#maybePrepare()
        this.#drop()
        done()
        this.#advance({ mayBlock: false })
      },
    )
  }

  /** Oldest first, each durably before the next: a crash must not leave a hole. */
  #drop(): void {
    if (this.#isDropping || this.#isReplacing || this.#failure !== null) return
    // Not while a truncation may be running; `#whenSettled` calls again.
    if (this.#truncation !== null && this.#isBusy) return
    const segment = this.#dropped.shift()
    if (segment === undefined) return
    this.#isDropping = true
    const dropped: Done = (error) => {
      this.#isDropping = false
      if (error !== null) return this.#fail(segment.path, error)
      this.#drop()
      this.#advance({ mayBlock: false })
    }
    attempt((done) => {
      removeSegment(this.#directory, segment)
      this.#directory.sync(done)
    }, dropped)
  }

  #close(done: () => void): void {
    const close = () => {
      const active = this.#segments.at(-1)
      if (active?.isIndexFull === false) active.saveIndex({ isFull: false })
      for (const segment of this.#segments) segment.close()
      this.#segments.length = 0
      this.#directory.close()
      done()
    }
    const preparation = this.#preparation
    this.#preparation = null
    this.#isBusy = true // for good
    if (preparation === null) close()
    else {
      preparation.take((_, file) => {
        file?.close()
        close()
      })
    }
  }

  #maybePrepare(): void {
    const { preallocate = true } = this.#options
    if (preallocate !== true) return
    const active = this.#segments.at(-1)
    // Until the active segment is placed, its file occupies the name of the next one.
    if (active !== undefined && !active.isPlaced) return
    const usedBytes = active?.endBytes ?? 0
    this.#preparation ??= this.#prepare(usedBytes)
    this.#preparation.keepUp(usedBytes)
  }

  #prepare(usedBytes: number): Preparation {
    const bytes = this.#segmentBytes
    const { onShortage } = this.#options
    return new Preparation(this.#directory, { bytes, usedBytes }, (error) => onShortage?.(error))
  }

  #firstUnsettled(): Segment | undefined {
    let unsettled: Segment | undefined
    for (let i = this.#segments.length - 1; i >= 0; i--) {
      const segment = this.#segments[i]
      if (segment === undefined || this.#isSettled(segment)) break
      unsettled = segment
    }
    return unsettled
  }

  #isSettled(segment: Segment): boolean {
    if (!segment.isPlaced || !segment.isWritten) return false
    if (segment.isSynced) return true
    // Under `os` the last segment is synced only before it is cut or closed.
    if (this.#truncation !== null || this.#onClosed !== null) return false
    return !this.#isGroup && segment === this.#segments.at(-1)
  }

  /** Index of the last segment that begins at or before `from`; 0 if none does. */
  #segmentOf(from: Position): number {
    let i = this.#segments.length - 1
    while (i > 0 && (this.#segments[i]?.firstPosition ?? 0) > from) i -= 1
    return Math.max(i, 0)
  }

  #nowDurable(position: Position): void {
    // During a truncation, `position` may be gone; at its end everything left is durable.
    if (this.#truncation !== null) return
    if (this.#durable === undefined || position > this.#durable) this.#durable = position
  }

  #report(): void {
    if (this.#durable === undefined || this.#durable === this.#reported) return
    if (this.#failure !== null) return
    this.#reported = this.#durable
    this.#options.onDurable(this.#durable)
  }

  /** Runs one step on the disk, then `then` unless it failed; `#advance` waits meanwhile. */
  #step(path: string, start: (done: Done) => void, then: () => void): void {
    this.#isBusy = true
    attempt(start, (error) => {
      this.#isBusy = false
      if (error !== null) this.#fail(path, error)
      else if (this.#failure === null) then()
    })
  }

  /** @returns whether the operation succeeded; if not, the log has failed */
  #try(path: string, operation: () => void): boolean {
    try {
      operation()
      return true
    } catch (error) {
      this.#fail(path, error)
      return false
    }
  }

  #fail(path: string, error: unknown): void {
    if (this.#failure !== null) return
    this.#failure = new LogFailedError(path, error as Error)
    this.#options.onFailure(this.#failure)
  }

  #assertUsable(): void {
    if (this.#failure !== null) throw this.#failure
    invariant(this.#onClosed === null, 'a log is used until it is closed')
  }
}

function lower(a: Position | undefined, b: Position | undefined): Position | undefined {
  return a === undefined || b === undefined ? undefined : Math.min(a, b)
}
