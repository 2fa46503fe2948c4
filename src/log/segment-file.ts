// The disk as the log sees it: files that are written in place, and the directory that names them.
// Two implementations run test/suites/segment-file.ts: this one, and test/log/memory-directory.ts.
//
// A write reaches the operating system, only `sync` reaches the disk; a created, renamed or removed
// name is on the disk after the directory's `sync`. Synchronous calls throw their errors.

import {
  close,
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsync,
  open,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  write,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { Fifo } from '../fifo.ts'
import { makeDirectory, syncPath } from '../make-directory.ts'

/** Called exactly once, never before the call that received it has returned. */
export type Done = (error: Error | null) => void

export interface SegmentFile {
  sizeBytes(): number
  /**
   * Fills `into` from byte `at` on. @returns bytes read, fewer than requested at the end of the
   * file
   */
  read(into: Uint8Array, at: number): number
  /** Writes all of `bytes` at byte `at`; the caller keeps them. */
  write(bytes: Uint8Array, at: number): void
  /** The same off the main thread; `bytes` must not change until done. */
  writeInBackground(bytes: Uint8Array, at: number, done: Done): void
  /** Makes everything written before this call durable. */
  sync(done: Done): void
  /** The same on the main thread: faster on an idle machine, but blocks the event loop. */
  syncNow(): void
  close(): void
}

export interface LogDirectory {
  readonly path: string
  list(): string[]
  /** An empty file, replacing one of the same name. */
  create(name: string): SegmentFile
  open(name: string): SegmentFile
  rename(from: string, to: string): void
  remove(name: string): void
  /** Makes the names created, renamed and removed before this call durable. */
  sync(done: Done): void
  syncNow(): void
  close(): void
}

/** Runs a step, which may throw instead of calling back. */
export function attempt(step: (done: Done) => void, done: Done): void {
  try {
    step(done)
  } catch (error) {
    done(error as Error)
  }
}

/**
 * A directory on the disk, created if missing. It holds no descriptor between syncs: a broker has
 * thousands of them.
 */
export function openDiskDirectory(path: string): LogDirectory {
  makeDirectory(path)
  return {
    path,
    list: () => readdirSync(path),
    create: (name) => new DiskFile(openSync(join(path, name), 'w+')),
    open: (name) => new DiskFile(openSync(join(path, name), 'r+')),
    rename: (from, to) => renameSync(join(path, from), join(path, to)),
    remove: (name) => rmSync(join(path, name)),
    sync: (done) => syncLater(path, done),
    syncNow: () => syncPath(path),
    close: () => undefined,
  }
}

/** As many as Node's threads: more at once would only take more descriptors. */
const directorySyncsMax = 4
const waitingSyncs = new Fifo<() => void>()
let directorySyncCount = 0

function syncLater(path: string, done: Done): void {
  if (directorySyncCount === directorySyncsMax) {
    waitingSyncs.push(() => syncLater(path, done))
    return
  }
  directorySyncCount += 1
  const synced: Done = (error) => {
    directorySyncCount -= 1
    waitingSyncs.shift()?.()
    done(error)
  }
  open(path, 'r', (failedToOpen, descriptor) => {
    if (failedToOpen !== null) return synced(failedToOpen)
    fsync(descriptor, (failedToSync) => {
      close(descriptor, (failedToClose) => synced(failedToSync ?? failedToClose))
    })
  })
}

class DiskFile implements SegmentFile {
  readonly #descriptor: number

  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  sizeBytes(): number {
    return fstatSync(this.#descriptor).size
  }

  read(into: Uint8Array, at: number): number {
    let filled = 0
    while (filled < into.length) {
      const count = readSync(this.#descriptor, into, filled, into.length - filled, at + filled)
      if (count === 0) break
      filled += count
    }
    return filled
  }

  write(bytes: Uint8Array, at: number): void {
    let written = 0
    while (written < bytes.length) {
      const rest = bytes.length - written
      written += writeSync(this.#descriptor, bytes, written, rest, at + written)
    }
  }

  writeInBackground(bytes: Uint8Array, at: number, done: Done): void {
    write(this.#descriptor, bytes, 0, bytes.length, at, (error, written) => {
      if (error !== null || written === bytes.length) done(error)
      else this.writeInBackground(bytes.subarray(written), at + written, done)
    })
  }

  sync(done: Done): void {
    fdatasync(this.#descriptor, done)
  }

  syncNow(): void {
    fdatasyncSync(this.#descriptor)
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}
