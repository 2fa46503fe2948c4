// The simulator's disk: files on src/log's memory directory, trees in memory, and what a power cut
// leaves of both. Each operation is a step of its own and takes its time; a sync may fail.

import type { StorageDisk, TreeDatabase } from '../../src/daemon/storage/disk.ts'
import { MemoryDirectory } from '../../src/log/memory-directory.ts'
import type { Done, LogDirectory, SegmentFile } from '../../src/log/segment-file.ts'
import type { Random } from '../../src/random.ts'
import type { EventQueue } from './event-queue.ts'
import type { SimProcess } from './process.ts'

/** What a disk answers when it breaks: the process that gets it must end. */
export class DiskFault extends Error {
  override readonly name = 'DiskFault'
}

export class SimDisk {
  readonly #queue: EventQueue
  readonly #random: Random
  /** [least, most] ms of an operation in the background */
  delayMs: readonly [number, number] = [0.1, 2]
  #stalledUntilMs = 0
  #faultsIn = Number.POSITIVE_INFINITY
  #files: MemoryDirectory
  #logs = new Map<string, MemoryDirectory>()
  #trees = new Map<string, SimTree>()

  constructor(queue: EventQueue, random: Random) {
    this.#queue = queue
    this.#random = random
    this.#files = new MemoryDirectory({ path: 'data', ...this.#options() })
  }

  /** What is asked for takes at least this long. */
  stall(durationMs: number): void {
    this.#stalledUntilMs = this.#queue.nowMs + durationMs
  }

  /** One of the next syncs fails. */
  failAfter(syncs: number): void {
    this.#faultsIn = syncs
  }

  /** Everything on it is gone. */
  wipe(): void {
    this.#files = new MemoryDirectory({ path: 'data', ...this.#options() })
    this.#logs.clear()
    this.#trees.clear()
  }

  /** The process is gone; what it wrote, but did not sync, the system still has. */
  processEnded(): void {
    this.#faultsIn = Number.POSITIVE_INFINITY
    for (const tree of this.#trees.values()) tree.processEnded(this.#random)
  }

  /** What was not synced is gone, or parts of it. */
  powerCut(): void {
    this.processEnded()
    const chance = this.#random.chance(0.8) ? this.#random : undefined
    this.#files = this.#files.crash(chance)
    this.#logs = new Map([...this.#logs].map(([name, log]) => [name, log.crash(chance)]))
    for (const tree of this.#trees.values()) tree.powerCut()
  }

  /** As one process sees it. */
  filesFor(process: SimProcess): LogDirectory {
    return new GuardedDirectory(this.#files, process, 'meta')
  }

  storageFor(process: SimProcess): StorageDisk {
    const trees = this.#trees
    const logs = this.#logs
    return {
      path: 'data',
      list: () => [...trees.keys(), ...logs.keys()],
      openTree: async (name) => {
        process.act('open a tree')
        const tree = trees.get(name) ?? new SimTree()
        trees.set(name, tree)
        return tree.openFor(process, (run) => this.#later(run))
      },
      syncTree: (name) => {
        process.act('sync a tree')
        trees.get(name)?.sync()
      },
      openLog: (name) => {
        process.act('open a log')
        let log = logs.get(name)
        if (log === undefined) {
          log = new MemoryDirectory({ path: name, ...this.#options() })
          logs.set(name, log)
        }
        return new GuardedDirectory(log, process, 'log')
      },
      makeLog: (name) => {
        process.act('make a log')
        logs.set(name, new MemoryDirectory({ path: name, ...this.#options() }))
      },
      remove: (name) => {
        process.act('remove a directory')
        trees.delete(name)
        logs.delete(name)
      },
    }
  }

  #options() {
    return {
      schedule: (complete: () => void) => this.#later(complete),
      fault: (operation: string) =>
        operation.toLowerCase().endsWith('sync') && --this.#faultsIn < 0
          ? new DiskFault('EIO: the disk failed')
          : null,
    }
  }

  #later(run: () => void): void {
    const [least, most] = this.delayMs
    const atMs = this.#queue.nowMs + least + this.#random.next() * (most - least)
    this.#queue.at(Math.max(atMs, this.#stalledUntilMs), run)
  }
}

/** A directory in the hands of a process, which may be killed before each operation. */
class GuardedDirectory implements LogDirectory {
  readonly path: string
  readonly #inner: LogDirectory
  readonly #process: SimProcess
  readonly #what: string

  constructor(inner: LogDirectory, process: SimProcess, what: string) {
    this.path = inner.path
    this.#inner = inner
    this.#process = process
    this.#what = what
  }

  list(): string[] {
    return this.#inner.list()
  }

  create(name: string): SegmentFile {
    this.#act('create', name)
    return this.#guarded(this.#inner.create(name), name)
  }

  open(name: string): SegmentFile {
    return this.#guarded(this.#inner.open(name), name)
  }

  rename(from: string, to: string): void {
    this.#act('rename', to)
    this.#inner.rename(from, to)
  }

  remove(name: string): void {
    this.#act('remove', name)
    this.#inner.remove(name)
  }

  sync(done: Done): void {
    this.#act('directory sync', '')
    this.#inner.sync(reportedTo(this.#process, done))
  }

  syncNow(): void {
    this.#act('directory sync', '')
    this.#inner.syncNow()
  }

  close(): void {
    this.#inner.close()
  }

  #guarded(file: SegmentFile, name: string): SegmentFile {
    return new GuardedFile(file, this.#process, (operation) => this.#act(operation, name))
  }

  #act(operation: string, name: string): void {
    this.#process.act(`${this.#what} ${operation}${name.startsWith('truncate') ? ' of a cut' : ''}`)
  }
}

class GuardedFile implements SegmentFile {
  readonly #inner: SegmentFile
  readonly #process: SimProcess
  readonly #act: (operation: string) => void

  constructor(inner: SegmentFile, process: SimProcess, act: (operation: string) => void) {
    this.#inner = inner
    this.#process = process
    this.#act = act
  }

  sizeBytes(): number {
    return this.#inner.sizeBytes()
  }

  read(into: Uint8Array, at: number): number {
    return this.#inner.read(into, at)
  }

  write(bytes: Uint8Array, at: number): void {
    this.#act('write')
    this.#inner.write(bytes, at)
  }

  writeInBackground(bytes: Uint8Array, at: number, done: Done): void {
    this.#act('write')
    this.#inner.writeInBackground(bytes, at, reportedTo(this.#process, done))
  }

  sync(done: Done): void {
    this.#act('sync')
    this.#inner.sync(reportedTo(this.#process, done))
  }

  syncNow(): void {
    this.#act('sync')
    this.#inner.syncNow()
  }

  close(): void {
    this.#inner.close()
  }
}

function reportedTo(process: SimProcess, done: Done): Done {
  return (error) => process.enter(() => done(error))
}

/** A tree's entries, as they would lie in LevelDB. */
class SimTree {
  #written = new Map<string, string>()
  #durable = new Map<string, string>()
  /** batches on their way, oldest first */
  #underWay: (() => void)[] = []

  sync(): void {
    this.#durable = new Map(this.#written)
  }

  processEnded(random: Random): void {
    const underWay = this.#underWay
    this.#underWay = []
    for (const apply of underWay) {
      if (random.chance(0.5)) return
      apply()
    }
  }

  powerCut(): void {
    this.#written = new Map(this.#durable)
  }

  openFor(process: SimProcess, later: (run: () => void) => void): TreeDatabase {
    return {
      batch: () => {
        const changes: [key: string, value: string | undefined][] = []
        return {
          put: (key, value) => changes.push([key, value]),
          del: (key) => changes.push([key, undefined]),
          write: ({ sync }) => {
            process.act(sync ? 'tree write' : 'tree write, not synced')
            return new Promise((resolve) => {
              const apply = (): void => this.#apply(changes, sync)
              this.#underWay.push(apply)
              later(() => {
                const at = this.#underWay.indexOf(apply)
                if (at < 0) return
                this.#underWay.splice(at, 1)
                apply()
                process.enter(() => {
                  process.act('after a tree write')
                  resolve()
                })
              })
            })
          },
        }
      },
      iterator: () => {
        const entries = [...this.#written].sort(([a], [b]) => (a < b ? -1 : 1))
        return {
          nextv: async (size) => entries.splice(0, size),
          close: async () => undefined,
        }
      },
      close: async () => undefined,
    }
  }

  #apply(changes: readonly [string, string | undefined][], sync: boolean): void {
    for (const [key, value] of changes) {
      if (value === undefined) this.#written.delete(key)
      else this.#written.set(key, value)
    }
    if (sync) this.sync()
  }
}
