// The znodes that the ensemble deletes by itself, by deadline: containers whose last child is gone,
// and znodes whose time to live has passed without a write. Znodes with children are not in here,
// so every due one may be deleted immediately. Kept by the tree, on every server; the leader
// queries it (request-processor/reaper.ts). Rules as in ZooKeeper's ContainerManager.

import { lifetimes } from './uncommon.ts'

/** The fields that the rules use. */
interface Mortal {
  readonly lifetime: number
  readonly childCount: number
  readonly createCount: number
  readonly mtime: number
}

/** The time of the query. */
export interface DueAt {
  readonly wallMs: number
  /** Time after which containers that never had a child are deleted; 0: never. */
  readonly neverUsedMs: number
}

export class Expiry {
  /** Containers without children that once had some. */
  readonly #emptied = new Set<string>()
  /** Containers that never had children, by their mtime. */
  readonly #unused = new Deadlines()
  readonly #written = new Deadlines()

  /** The znode was created or changed, or gained or lost a child. */
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

/** Paths in one-second buckets, rounded up: a deadline is slightly late, never early. */
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

  /** Paths whose deadline has passed at that time, earliest first. */
  before(timeMs: number): string[] {
    const passed = [...this.#buckets.keys()].filter((bucket) => bucket * bucketMs <= timeMs)
    return passed.sort((a, b) => a - b).flatMap((bucket) => [...(this.#buckets.get(bucket) ?? [])])
  }
}
