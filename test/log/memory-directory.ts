// The log's disk in memory, for tests and the simulator: it tracks what is durable and what is not.
//
// A write is remembered until a sync covers it, and so is a change of a name until the directory is
// synced. A sync that fails forgets the writes it covers, as Linux does: they can still be read, no
// later sync brings them to the disk, and a power cut loses them. `crash` gives the directory as a
// power cut would leave it: without all that, or, given randomness, with any part of it, in any
// order and torn in the middle of a write.

import type { Done, LogDirectory, SegmentFile } from '../../src/log/segment-file.ts'

/** A disk writes this much at once or not at all. */
const sectorBytes = 512

/** The operations that `fault` may fail. */
export type DiskOperation = 'read' | 'write' | 'sync' | 'directorySync' | 'create' | 'remove'

export interface MemoryDirectoryOptions {
  readonly path?: string
  /** Runs a completion later; it decides how long a sync takes and what overtakes it. */
  readonly schedule?: (complete: () => void) => void
  /** Answers an error for an operation that shall fail; `name` is '' for the directory itself. */
  readonly fault?: (operation: DiskOperation, name: string) => Error | null
}

/** As much of a random generator as `crash` needs: uniform in [0, 1). */
export interface Chance {
  next(): number
}

/** A file got, changed or lost its name. */
interface NameChange {
  readonly content: MemoryContent
  readonly from: string | undefined
  readonly to: string | undefined
}

export class MemoryDirectory implements LogDirectory {
  readonly path: string
  readonly #options: Required<Omit<MemoryDirectoryOptions, 'path'>>
  readonly #names: Map<string, MemoryContent>
  readonly #durableNames: Map<string, MemoryContent>
  #unsynced: NameChange[] = []

  constructor(options: MemoryDirectoryOptions = {}, names = new Map<string, MemoryContent>()) {
    this.path = options.path ?? 'memory'
    this.#options = {
      schedule: options.schedule ?? setImmediate,
      fault: options.fault ?? (() => null),
    }
    this.#names = new Map(names)
    this.#durableNames = new Map(names)
  }

  list(): string[] {
    return [...this.#names.keys()]
  }

  create(name: string): SegmentFile {
    this.#check('create', name)
    this.#change({ content: new MemoryContent(), from: undefined, to: name })
    return this.open(name)
  }

  open(name: string): SegmentFile {
    return new MemoryFile(
      this.#find(name),
      (operation) => this.#check(operation, name),
      (run) => this.#options.schedule(run),
    )
  }

  rename(from: string, to: string): void {
    const content = this.#find(from)
    this.#check('create', to)
    this.#change({ content, from, to })
  }

  remove(name: string): void {
    const content = this.#find(name)
    this.#check('remove', name)
    this.#change({ content, from: name, to: undefined })
  }

  sync(done: Done): void {
    const covered = this.#unsynced.length
    this.#options.schedule(() => complete(done, () => this.#syncFirst(covered)))
  }

  syncNow(): void {
    this.#syncFirst(this.#unsynced.length)
  }

  close(): void {
    // Nothing is held open.
  }

  /**
   * The directory as found after a power cut at this instant; this one lives on, and what still
   * happens to it is without effect on the other.
   */
  crash(chance?: Chance, options: MemoryDirectoryOptions = {}): MemoryDirectory {
    const names = new Map(this.#durableNames)
    if (chance !== undefined) {
      for (const change of this.#unsynced) if (chance.next() < 0.5) applyChange(names, change)
    }
    const survived = new Map([...names].map(([name, content]) => [name, content.crash(chance)]))
    return new MemoryDirectory({ path: this.path, ...this.#options, ...options }, survived)
  }

  #syncFirst(count: number): void {
    this.#check('directorySync', '')
    // A sync that was asked for later may have completed first and covered some of these.
    const covered = this.#unsynced.splice(0, Math.min(count, this.#unsynced.length))
    for (const change of covered) applyChange(this.#durableNames, change)
  }

  #change(change: NameChange): void {
    applyChange(this.#names, change)
    this.#unsynced.push(change)
  }

  #find(name: string): MemoryContent {
    const content = this.#names.get(name)
    if (content === undefined) throw new Error(`ENOENT: no such file: ${this.path}/${name}`)
    return content
  }

  #check(operation: DiskOperation, name: string): void {
    const error = this.#options.fault(operation, name)
    if (error !== null) throw error
  }
}

/** After a crash, changes before this one may be missing: it is about a file, not about a name. */
function applyChange(names: Map<string, MemoryContent>, { content, from, to }: NameChange): void {
  if (from !== undefined && names.get(from) === content) names.delete(from)
  if (to !== undefined) names.set(to, content)
}

interface UnsyncedWrite {
  readonly at: number
  readonly bytes: Uint8Array
}

/** The bytes of one file, as written and as durable. */
class MemoryContent {
  #written: Uint8Array
  #writtenBytes: number
  #durable: Uint8Array
  #unsynced: UnsyncedWrite[] = []
  #syncedCount = 0 // writes that a sync has covered, with success or without

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.#written = new Uint8Array(bytes)
    this.#writtenBytes = bytes.length
    this.#durable = new Uint8Array(bytes)
  }

  get sizeBytes(): number {
    return this.#writtenBytes
  }

  /** How many writes were ever made; a sync covers those made before it. */
  get writeCount(): number {
    return this.#syncedCount + this.#unsynced.length
  }

  read(into: Uint8Array, at: number): number {
    const bytes = this.#written.subarray(at, Math.min(at + into.length, this.#writtenBytes))
    into.set(bytes)
    return bytes.length
  }

  write(bytes: Uint8Array, at: number): void {
    const end = at + bytes.length
    if (end > this.#written.length) this.#written = grown(this.#written, Math.max(end, 2 * at))
    this.#written.set(bytes, at)
    this.#writtenBytes = Math.max(this.#writtenBytes, end)
    this.#unsynced.push({ at, bytes: new Uint8Array(bytes) }) // a copy: slice() of a Buffer is a view
  }

  syncUpTo(writeCount: number): void {
    const covered = this.#unsynced.splice(0, Math.max(0, writeCount - this.#syncedCount))
    this.#syncedCount += covered.length
    for (const write of covered) this.#durable = written(this.#durable, write)
  }

  /** The writes that a failed sync covers are clean in memory from now on, and not on the disk. */
  syncFailed(writeCount: number): void {
    const lost = this.#unsynced.splice(0, Math.max(0, writeCount - this.#syncedCount))
    this.#syncedCount += lost.length
  }

  crash(chance: Chance | undefined): MemoryContent {
    let survived: Uint8Array = new Uint8Array(this.#durable)
    if (chance !== undefined) {
      for (const { at, bytes } of this.#unsynced) {
        const kept = chance.next() // this share of its sectors reaches the disk
        for (let from = at; from < at + bytes.length; ) {
          const to = Math.min(at + bytes.length, from - (from % sectorBytes) + sectorBytes)
          const sector = bytes.subarray(from - at, to - at)
          if (chance.next() < kept) survived = written(survived, { at: from, bytes: sector })
          from = to
        }
      }
    }
    return new MemoryContent(survived)
  }
}

class MemoryFile implements SegmentFile {
  readonly #content: MemoryContent
  readonly #check: (operation: DiskOperation) => void
  readonly #schedule: (complete: () => void) => void

  constructor(
    content: MemoryContent,
    check: (operation: DiskOperation) => void,
    schedule: (complete: () => void) => void,
  ) {
    this.#content = content
    this.#check = check
    this.#schedule = schedule
  }

  sizeBytes(): number {
    return this.#content.sizeBytes
  }

  read(into: Uint8Array, at: number): number {
    this.#check('read')
    return this.#content.read(into, at)
  }

  write(bytes: Uint8Array, at: number): void {
    this.#check('write')
    this.#content.write(bytes, at)
  }

  writeInBackground(bytes: Uint8Array, at: number, done: Done): void {
    this.#schedule(() => complete(done, () => this.write(bytes, at)))
  }

  sync(done: Done): void {
    const covered = this.#content.writeCount
    this.#schedule(() => complete(done, () => this.#syncUpTo(covered)))
  }

  syncNow(): void {
    this.#syncUpTo(this.#content.writeCount)
  }

  #syncUpTo(covered: number): void {
    try {
      this.#check('sync')
    } catch (error) {
      this.#content.syncFailed(covered)
      throw error
    }
    this.#content.syncUpTo(covered)
  }

  close(): void {
    // Nothing is held open.
  }
}

function complete(done: Done, operation: () => void): void {
  let failed: Error | null = null
  try {
    operation()
  } catch (error) {
    failed = error as Error
  }
  done(failed)
}

function written(bytes: Uint8Array, write: UnsyncedWrite): Uint8Array {
  const end = write.at + write.bytes.length
  const into = end > bytes.length ? grown(bytes, end) : bytes
  into.set(write.bytes, write.at)
  return into
}

function grown(bytes: Uint8Array, length: number): Uint8Array {
  const larger = new Uint8Array(length)
  larger.set(bytes)
  return larger
}
