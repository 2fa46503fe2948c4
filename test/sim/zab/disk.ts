// The disk of one simulated server: two epochs, a tree and a log, as a process would find them
// after a crash. It keeps only what was synced, in the order of the requests; `DiskQueue` holds the
// requests of one process.

import type { Epochs, ZabInput } from '../../../src/daemon/zab/types.ts'
import type { Entries } from '../../../src/protocol/peer/entries.ts'
import { lastOf } from '../../../src/protocol/peer/entries.ts'
import { type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'
import type { Random } from '../../../src/random.ts'
import type { EventQueue } from '../event-queue.ts'
import type { ZabChecker } from './checker.ts'
import type { CrashPoint } from './crash-points.ts'
import { type LogRecord, lastZxidOf, recordsOf } from './records.ts'

const newEpochs: Epochs = {
  acceptedEpoch: 0,
  currentEpoch: 0,
  initialised: false,
  ensembleId: undefined,
}

export class ZabDisk {
  readonly #checker: ZabChecker
  #epochs = newEpochs
  #log: LogRecord[] = []
  #base = zxidZero
  #applied = zxidZero
  #lostEpoch = 0
  #stalledUntilMs = { log: 0, epochs: 0 }

  constructor(checker: ZabChecker) {
    this.#checker = checker
  }

  get epochs(): Epochs {
    return this.#epochs
  }

  /** What tree and log hold together: up to `base` only the tree has it. */
  get log(): readonly LogRecord[] {
    return this.#log
  }

  get base(): Zxid {
    return this.#base
  }

  /** The tree's write-behind store: some prefix of what was delivered. */
  get applied(): Zxid {
    return this.#applied
  }

  get last(): Zxid {
    return lastZxidOf(this.#log)
  }

  /** The newest current epoch of this disk, and of its lost predecessors. */
  get currentEpochEver(): number {
    return Math.max(this.#epochs.currentEpoch, this.#lostEpoch)
  }

  /** Writes of the log, or of the epochs, do not end before this time. */
  stall(what: 'log' | 'epochs', untilMs: number): void {
    this.#stalledUntilMs[what] = untilMs
  }

  stalledUntilMs(what: 'log' | 'epochs'): number {
    return this.#stalledUntilMs[what]
  }

  save(epochs: Epochs): void {
    this.#checker.epochsSaved(this.#epochs, epochs)
    this.#epochs = epochs
  }

  write(records: readonly LogRecord[]): void {
    this.#log.push(...records)
    this.#checker.written(this.#epochs, this.last)
  }

  cut(to: Zxid): void {
    this.#checker.truncated(this.#log.filter((record) => record.zxid > to))
    this.#log = this.#log.filter((record) => record.zxid <= to)
  }

  /** Brings the tree up to `zxid`, unless it is further. */
  apply(upTo: Zxid): void {
    if (upTo > this.#applied) this.#applied = upTo
  }

  /** The log begins after `base`; the tree has what comes before. */
  purge(base: Zxid): void {
    this.apply(base)
    this.#base = base
  }

  /** Replaces `meta` in one step: another tree, followed by an empty log. */
  switchTree(records: readonly LogRecord[]): void {
    this.#log = [...records]
    this.#base = this.#applied = this.last
    this.#checker.installed(this.#log)
  }

  wipe(): void {
    this.#lostEpoch = this.#epochs.currentEpoch
    this.#epochs = newEpochs
    this.#log = []
    this.#base = this.#applied = zxidZero
  }
}

type LogOperation =
  | { readonly type: 'append'; readonly entries: Entries }
  | { readonly type: 'truncate'; readonly to: Zxid }

export interface DiskQueueParts {
  readonly events: EventQueue
  readonly random: Random
  /** the duration of an operation that begins now */
  readonly delayMs: () => number
  /** Whether the requesting process is still alive. */
  readonly isAlive: () => boolean
  /** Delivers completions to the process when it runs, unless it crashes at `point` first. */
  readonly completed: (point: CrashPoint, goOn: () => void) => void
  readonly step: (input: ZabInput) => void
}

/** The disk requests of one process: the log and the epochs each write one after the other. */
export class DiskQueue {
  readonly #disk: ZabDisk
  readonly #parts: DiskQueueParts
  readonly #log: LogOperation[] = []
  readonly #epochs: Epochs[] = []
  #isWriting = false

  constructor(disk: ZabDisk, parts: DiskQueueParts) {
    this.#disk = disk
    this.#parts = parts
  }

  write(operation: LogOperation): void {
    this.#log.push(operation)
    this.#writeLater()
  }

  save(epochs: Epochs): void {
    this.#epochs.push(epochs)
    if (this.#epochs.length === 1) this.#saveLater()
  }

  /** Another log replaces this one: its pending writes are dropped. */
  forgetLog(): void {
    this.#log.length = 0
  }

  /**
   * The process is gone. A write in flight may have reached the disk, whole or in part; one queued
   * after it has not.
   */
  tear(): void {
    const { random } = this.#parts
    if (this.#isWriting) this.#tearLog()
    const [epochs] = this.#epochs
    if (epochs !== undefined && random.chance(0.5)) this.#disk.save(epochs)
  }

  /** After a power cut some of the records in flight are whole on the disk; the rest is cut. */
  #tearLog(): void {
    const { random } = this.#parts
    const [operation] = this.#log
    if (operation?.type === 'append') {
      const records = recordsOf(operation.entries)
      this.#disk.write(records.slice(0, random.below(records.length + 1)))
    } else if (operation?.type === 'truncate' && random.chance(0.5)) this.#disk.cut(operation.to)
  }

  #writeLater(): void {
    if (this.#isWriting || this.#log.length === 0) return
    this.#isWriting = true
    this.#later('log', () => {
      this.#isWriting = false
      const operation = this.#log.shift()
      if (operation === undefined) return this.#writeLater() // it was replaced
      perform(operation, this.#disk)
      const input: ZabInput =
        operation.type === 'append'
          ? { type: 'logged', zxid: lastOf(operation.entries) }
          : { type: 'truncated' }
      this.#parts.completed(`after ${operation.type}`, () => {
        this.#parts.step(input)
        this.#writeLater()
      })
    })
  }

  #saveLater(): void {
    this.#later('epochs', () => {
      const [epochs] = this.#epochs
      if (epochs === undefined) return
      this.#disk.save(epochs)
      this.#parts.completed('after saveEpochs', () => {
        this.#epochs.shift()
        if (this.#epochs.length > 0) this.#saveLater()
        this.#parts.step({ type: 'epochsSaved', epochs })
      })
    })
  }

  #later(what: 'log' | 'epochs', done: () => void): void {
    const { events, delayMs, isAlive } = this.#parts
    const doneMs = events.nowMs + delayMs()
    events.at(Math.max(doneMs, this.#disk.stalledUntilMs(what)), () => {
      if (isAlive()) done()
    })
  }
}

function perform(operation: LogOperation, disk: ZabDisk): void {
  switch (operation.type) {
    case 'append':
      return disk.write(recordsOf(operation.entries))
    case 'truncate':
      return disk.cut(operation.to)
  }
}
