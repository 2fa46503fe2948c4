// The simulator's disk: files in a memory directory, trees in memory, and what a power cut
// leaves of both. Each operation is its own step and takes time; a sync may fail, the disk may be
// full for a while, and a stored bit may flip.

import type { ServerDisk } from '../../src/daemon/storage/disk.ts'
import { invariant } from '../../src/invariant.ts'
import type { Random } from '../../src/random.ts'
import { MemoryDirectory } from '../log/memory-directory.ts'
import { fieldsOf, LogActs, MetaActs, type MetaFields } from './acts.ts'
import type { EventQueue } from './event-queue.ts'
import { GuardedDirectory } from './guarded-directory.ts'
import type { SimProcess } from './process.ts'
import type { Range } from './range.ts'
import { SimTree } from './sim-tree.ts'

/** The error of a failing disk: the process that gets it must end. */
export class DiskFault extends Error {
  override readonly name = 'DiskFault'
  readonly code: 'EIO' | 'ENOSPC'

  constructor(code: 'EIO' | 'ENOSPC', found: string) {
    super(`${code}: ${found}`)
    this.code = code
  }
}

export class SimDisk {
  readonly #queue: EventQueue
  readonly #random: Random
  /** [least, most] ms of an operation in the background */
  delayMs: Range = [0.1, 2]
  /** the additional time of a write to a tree, which may be busy with compaction */
  treeExtraMs = 0
  #stalledUntilMs = 0
  #faultsIn = Number.POSITIVE_INFINITY
  #fullUntilMs = 0
  /** full only for what is prepared in advance */
  #isShort = false
  /** the last process that used it */
  #holder: SimProcess | undefined
  #files: MemoryDirectory
  #logs = new Map<string, MemoryDirectory>()
  #trees = new Map<string, SimTree>()
  /** what a power cut may bring back */
  #removed: { readonly name: string; readonly tree?: SimTree; readonly log?: MemoryDirectory }[] =
    []

  constructor(queue: EventQueue, random: Random) {
    this.#queue = queue
    this.#random = random
    this.#files = new MemoryDirectory({ path: 'data', ...this.#options() })
  }

  /** Operations take at least this long. */
  stall(durationMs: number): void {
    this.#stalledUntilMs = this.#queue.nowMs + durationMs
  }

  /** Makes one of the next syncs fail. */
  failAfter(syncs: number): void {
    this.#faultsIn = syncs
  }

  /** The disk is full for a while; if `short`, only for what is prepared in advance. */
  fill(durationMs: number, { short }: { readonly short: boolean }): void {
    this.#fullUntilMs = this.#queue.nowMs + durationMs
    this.#isShort = short
  }

  /** The disk works again, and has room. */
  heal(): void {
    this.#faultsIn = Number.POSITIVE_INFINITY
    this.#fullUntilMs = 0
    this.#stalledUntilMs = 0
  }

  /** Flips one stored bit. @returns where; undefined if the disk is empty */
  flipBit(): string | undefined {
    const random = this.#random
    const dice = random.next()
    if (dice < 0.1) return flipIn(this.#files, random)
    const [trees, logs] = [[...this.#trees], [...this.#logs]]
    if (dice < 0.3 && trees.length > 0) {
      const [name, tree] = random.pick(trees)
      const key = tree.flipBit(random)
      return key && `${name} ${key}`
    }
    return logs.length === 0 ? undefined : flipIn(random.pick(logs)[1], random)
  }

  /** A copy of what a power cut would leave now, to be put back later. */
  copy(): DiskCopy {
    const logs = [...this.#logs].map(([name, log]) => [name, log.crash()] as const)
    return { files: this.#files.crash(), logs: new Map(logs) }
  }

  /** Puts a copy back; trees are not copied. */
  putBack({ files, logs }: DiskCopy): void {
    this.#files = files.crash()
    this.#logs = new Map([...logs].map(([name, log]) => [name, log.crash()]))
    this.#removed = []
  }

  /** Its log directories by name, for faults while no process uses the disk. */
  get logs(): ReadonlyMap<string, MemoryDirectory> {
    return this.#logs
  }

  /** The directory of its small files, for the same use. */
  get files(): MemoryDirectory {
    return this.#files
  }

  /** Removes a log directory. */
  loseLog(name: string): void {
    this.#logs.delete(name)
  }

  /** Wipes the disk. */
  wipe(): void {
    this.#files = new MemoryDirectory({ path: 'data', ...this.#options() })
    this.#logs.clear()
    this.#trees.clear()
    this.#removed = []
  }

  /** The process is gone; the system still has what it wrote but did not sync. */
  processEnded(): void {
    this.#faultsIn = Number.POSITIVE_INFINITY
    for (const tree of this.#trees.values()) tree.processEnded(this.#random)
  }

  /** Loses all that was not synced, or parts of it. */
  powerCut(): void {
    this.processEnded()
    const chance = this.#random.chance(0.8) ? this.#random : undefined
    this.#files = this.#files.crash(chance)
    this.#logs = new Map([...this.#logs].map(([name, log]) => [name, log.crash(chance)]))
    for (const tree of this.#trees.values()) tree.powerCut(this.#random)
    for (const { name, tree, log } of this.#removed) {
      if (chance === undefined || chance.chance(0.5)) continue
      if (tree !== undefined && !this.#trees.has(name)) this.#trees.set(name, tree)
      if (log !== undefined && !this.#logs.has(name)) this.#logs.set(name, log)
    }
    this.#removed = []
  }

  /** `meta` in the system's memory, perhaps newer than what a power cut would leave. */
  get meta(): MetaFields {
    return fieldsOf(contentOf(this.#files, 'meta'))
  }

  /**
   * The disk as one process sees it.
   *
   * @param onMetaSaved called when a new `meta` survives a power cut
   */
  diskFor(process: SimProcess, onMetaSaved: (meta: MetaFields) => void): ServerDisk {
    const trees = this.#trees
    const logs = this.#logs
    return {
      path: 'data',
      lock: () => {
        invariant(this.#holder?.alive !== true, 'one process at a time uses a disk')
        this.#holder = process
        return () => undefined
      },
      openFiles: () => {
        const names = new MetaActs(contentOf(this.#files, 'meta'), onMetaSaved)
        const hasRoom = (act: string): Error | null => this.#noRoom(act)
        return new GuardedDirectory(this.#files, process, { names, hasRoom })
      },
      reserve: () => ({ hold: () => undefined, release: () => undefined }),
      sizeBytes: () => 0,
      list: () => [...trees.keys(), ...logs.keys()],
      openTree: async (name) => {
        const tree = trees.get(name) ?? new SimTree()
        trees.set(name, tree)
        return tree.openFor(process, {
          later: (run) => this.#later(run, this.#random.next() * this.treeExtraMs),
          fault: () => this.#fault('tree sync') ?? this.#noRoom('tree write'),
        })
      },
      syncTree: (name) => {
        process.act('SNAP sync')
        const error = this.#fault('tree sync')
        if (error !== null) throw error
        trees.get(name)?.sync()
      },
      openLog: (name) => {
        let log = logs.get(name)
        if (log === undefined) {
          log = new MemoryDirectory({ path: name, ...this.#options() })
          logs.set(name, log)
        }
        const names = new LogActs()
        queueMicrotask(() => names.recovered())
        return new GuardedDirectory(log, process, { names, hasRoom: (act) => this.#noRoom(act) })
      },
      removeLog: (name) => this.#removeLog(name, process),
      makeLog: (name) => {
        process.act('SNAP make a log')
        logs.set(name, new MemoryDirectory({ path: name, ...this.#options() }))
        this.#removed = []
      },
      remove: (name) => {
        const [tree, log] = [trees.get(name), logs.get(name)]
        if (tree === undefined && log === undefined) return
        // The old tree of an exchange, not one that arrived in vain or was left over.
        const isOld = numberOf(name) < Math.max(...[...trees.keys()].map(numberOf))
        process.act(isOld ? 'SNAP remove the old' : 'SNAP remove')
        trees.delete(name)
        logs.delete(name)
        this.#removed.push({ name, ...(tree && { tree }), ...(log && { log }) })
      },
    }
  }

  /** A power cut may bring it back until its removal is synced, which resolves the promise. */
  #removeLog(name: string, process: SimProcess): Promise<void> {
    process.act('remove a log')
    const log = this.#logs.get(name)
    this.#logs.delete(name)
    const removed = { name, ...(log && { log }) }
    this.#removed.push(removed)
    return new Promise((resolve, reject) => {
      this.#later(() => {
        if (!this.#removed.includes(removed) || !process.alive) return
        const error = this.#fault('sync')
        // Also of an earlier removal whose sync failed.
        if (error === null) this.#removed = this.#removed.filter((each) => each.name !== name)
        process.enter(() => (error === null ? resolve() : reject(error)))
      })
    })
  }

  #options() {
    return {
      schedule: (complete: () => void) => this.#later(complete),
      fault: (operation: string) => this.#fault(operation),
    }
  }

  #fault(operation: string): DiskFault | null {
    const fails = operation.toLowerCase().endsWith('sync') && --this.#faultsIn < 0
    return fails ? new DiskFault('EIO', 'the disk failed') : null
  }

  #noRoom(act: string): DiskFault | null {
    if (this.#queue.nowMs >= this.#fullUntilMs) return null
    if (this.#isShort && !act.startsWith('prepare ')) return null
    return new DiskFault('ENOSPC', 'no space left on the disk')
  }

  #later(run: () => void, extraMs = 0): void {
    const [least, most] = this.delayMs
    const atMs = this.#queue.nowMs + least + this.#random.next() * (most - least) + extraMs
    this.#queue.at(Math.max(atMs, this.#stalledUntilMs), run)
  }
}

export interface DiskCopy {
  readonly files: MemoryDirectory
  readonly logs: ReadonlyMap<string, MemoryDirectory>
}

export function contentOf(directory: MemoryDirectory, name: string): Buffer | undefined {
  if (!directory.list().includes(name)) return undefined
  const file = directory.open(name)
  const bytes = Buffer.alloc(file.sizeBytes())
  file.read(bytes, 0)
  return bytes
}

function flipIn(directory: MemoryDirectory, random: Random): string | undefined {
  const names = directory.list().filter((name) => contentOf(directory, name)?.some(Boolean))
  if (names.length === 0) return undefined
  const name = random.pick(names)
  const bytes = contentOf(directory, name) ?? Buffer.alloc(0)
  // Only used bytes count, not preallocated zeros.
  const end = bytes.findLastIndex(Boolean) + 1
  const at = random.below(end)
  const file = directory.open(name)
  file.write(Buffer.of((bytes[at] ?? 0) ^ (1 << random.below(8))), at)
  file.syncNow()
  return `${directory.path}/${name} at ${at} of ${end}`
}

function numberOf(name: string): number {
  return Number(name.split('-')[1] ?? 0)
}
