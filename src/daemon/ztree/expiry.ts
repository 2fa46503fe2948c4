// Which znodes the ensemble deletes by itself, and when: containers that their last child has left, and
// znodes with a time to live that passed without a write. In the order of their deadlines; those
// that have children are not in here, so whatever is due may go at once. Kept by the tree, on every
// server; the leader asks (request-processor/reaper.ts). Rules as in ZooKeeper's ContainerManager.

import { lifetimes } from './znode.ts'

/** What the rules look at. */
interface Mortal {
  readonly lifetime: number
  readonly childCount: number
  readonly createCount: number
  readonly mtime: number
}

/** When the question is asked. */
export interface DueAt {
  readonly wallMs: number
  /** Containers that never had a child go after so long; 0: never. */
  readonly neverUsedMs: number
}

export class Expiry {
  /** Containers without children that had some. */
  readonly #emptied = new Set<string>()
  /** Containers that never had any, by their mtime. */
  readonly #unused = new Deadlines()
  readonly #written = new Deadlines()

  /** The znode has come, or changed, or has got or lost a child. */
  update(path: string, { lifetime, childCount, createCount, mtime }: Mortal): void {
    this.remove(path)
    if (lifetime === lifetimes.endless || childCount > 0) return
    if (lifetime !== lifetimes.container) this.#written.set(path, mtime + lifetime)
    else if (createCount === 0) this.#unused.set(path, mtime)
    else this.#emptied.add(path)
  }

  remove(path: string): void {
    this.#emptied.delete(path)
    this.#unused.delete(path)
    this.#written.delete(path)
  }

  due({ wallMs, neverUsedMs }: DueAt): string[] {
    const unused = neverUsedMs > 0 ? this.#unused.before(wallMs - neverUsedMs) : []
    return [...this.#emptied, ...unused, ...this.#written.before(wallMs)]
  }

  isDue(path: string, { wallMs, neverUsedMs }: DueAt): boolean {
    if (this.#emptied.has(path) || this.#written.isBefore(path, wallMs)) return true
    return neverUsedMs > 0 && this.#unused.isBefore(path, wallMs - neverUsedMs)
  }
}

const bucketMs = 1000

/** Paths in buckets of a second, rounded up: a deadline is a little late, never early. */
class Deadlines {
  readonly #buckets = new Map<number, Set<string>>()
  readonly #bucketOf = new Map<string, number>()

  set(path: string, deadlineMs: number): void {
    const bucket = Math.floor(deadlineMs / bucketMs) + 1
    this.#bucketOf.set(path, bucket)
    const paths = this.#buckets.get(bucket)
    if (paths === undefined) this.#buckets.set(bucket, new Set([path]))
    else paths.add(path)
  }

  delete(path: string): void {
    const bucket = this.#bucketOf.get(path)
    if (bucket === undefined) return
    this.#bucketOf.delete(path)
    const paths = this.#buckets.get(bucket)
    paths?.delete(path)
    if (paths?.size === 0) this.#buckets.delete(bucket)
  }

  isBefore(path: string, timeMs: number): boolean {
    const bucket = this.#bucketOf.get(path)
    return bucket !== undefined && bucket * bucketMs <= timeMs
  }

  /** Those whose deadline has passed at that time, the earliest first. */
  before(timeMs: number): string[] {
    const passed = [...this.#buckets.keys()].filter((bucket) => bucket * bucketMs <= timeMs)
    return passed.sort((a, b) => a - b).flatMap((bucket) => [...(this.#buckets.get(bucket) ?? [])])
  }
}
