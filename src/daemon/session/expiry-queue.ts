// Deadlines in buckets: a deadline is rounded up to the next multiple of the interval, so moving
// one is cheap and usually a no-op. As ZooKeeper's ExpiryQueue.

import { invariant } from '../../invariant.ts'

export class ExpiryQueue<T> {
  readonly #intervalMs: number
  /** item → its bucket's time */
  readonly #deadlines = new Map<T, number>()
  readonly #buckets = new Map<number, Set<T>>()
  /** No bucket is earlier than this. */
  #earliestMs = Number.NEGATIVE_INFINITY

  constructor(intervalMs: number) {
    invariant(intervalMs > 0, 'an expiry interval is positive')
    this.#intervalMs = intervalMs
  }

  get size(): number {
    return this.#deadlines.size
  }

  /** Sets or moves an item's deadline; it never falls due before `deadlineMs`. */
  update(item: T, deadlineMs: number): void {
    const bucketMs = (Math.floor(deadlineMs / this.#intervalMs) + 1) * this.#intervalMs
    const before = this.#deadlines.get(item)
    if (before === bucketMs) return
    if (before !== undefined) this.#take(item, before)
    this.#deadlines.set(item, bucketMs)
    const bucket = this.#buckets.get(bucketMs)
    if (bucket === undefined) this.#buckets.set(bucketMs, new Set([item]))
    else bucket.add(item)
    if (this.#buckets.size === 1 || bucketMs < this.#earliestMs) this.#earliestMs = bucketMs
  }

  remove(item: T): void {
    const bucketMs = this.#deadlines.get(item)
    if (bucketMs === undefined) return
    this.#deadlines.delete(item)
    this.#take(item, bucketMs)
  }

  /** Removes and returns the items of the earliest due bucket; empty if none is due. */
  poll(nowMs: number): T[] {
    if (this.#buckets.size === 0) return []
    for (; this.#earliestMs <= nowMs; this.#earliestMs += this.#intervalMs) {
      const bucket = this.#buckets.get(this.#earliestMs)
      if (bucket === undefined) continue
      this.#buckets.delete(this.#earliestMs)
      for (const item of bucket) this.#deadlines.delete(item)
      return [...bucket]
    }
    return []
  }

  /** All deadlines, ascending, each with its items; for reports. */
  get sets(): { readonly deadlineMs: number; readonly items: readonly T[] }[] {
    const sets = [...this.#buckets].map(([deadlineMs, items]) => ({
      deadlineMs,
      items: [...items],
    }))
    return sets.sort((a, b) => a.deadlineMs - b.deadlineMs)
  }

  clear(): void {
    this.#deadlines.clear()
    this.#buckets.clear()
  }

  #take(item: T, bucketMs: number): void {
    const bucket = this.#buckets.get(bucketMs)
    bucket?.delete(item)
    if (bucket?.size === 0) this.#buckets.delete(bucketMs)
  }
}
