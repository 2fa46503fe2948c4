// On the leader: which of the znodes that the ensemble deletes by itself go now. Every so often the tree
// is asked what is due; what it names goes at a bounded rate, by transactions like any other, so that
// clients do not have to wait behind thousands of them. Pure: time is an argument.
//
// Next on the path: prep.ts `deleteDue`. As ZooKeeper's ContainerManager.

import type { DueAt } from '../ztree/expiry.ts'
import type { ZTree } from '../ztree/ztree.ts'

export interface ReaperOptions {
  readonly checkIntervalMs: number
  readonly perMinuteMax: number
  /** Containers that never had a child go after so long; 0: never. */
  readonly neverUsedMs: number
}

const minuteMs = 60_000

export class Reaper {
  readonly #tree: Pick<ZTree, 'expiry'>
  readonly #options: ReaperOptions
  /** Found due, and not taken yet; the last one is next. */
  #found: string[] = []
  #checkMs = 0
  #takenMs = 0
  /** A minute's worth is one deletion: so much is saved up. */
  #creditMs = 0

  constructor(tree: Pick<ZTree, 'expiry'>, options: ReaperOptions) {
    this.#tree = tree
    this.#options = options
  }

  /** At the start of a leadership. */
  reset(nowMs: number): void {
    this.#found = []
    this.#checkMs = nowMs + this.#options.checkIntervalMs
    this.#takenMs = nowMs
    this.#creditMs = 0
  }

  /** What to delete now, in the order of deadlines; to be called every tick. */
  take({ nowMs, wallMs }: { nowMs: number; wallMs: number }): string[] {
    const { perMinuteMax, checkIntervalMs } = this.#options
    const elapsedMs = Math.min(nowMs - this.#takenMs, minuteMs)
    this.#takenMs = nowMs
    const moreMs = perMinuteMax * elapsedMs
    this.#creditMs = Math.min(this.#creditMs + moreMs, Math.max(moreMs, minuteMs))
    if (this.#found.length === 0 && nowMs >= this.#checkMs) {
      this.#checkMs = nowMs + checkIntervalMs
      this.#found = this.#tree.expiry.due(this.dueAt(wallMs)).reverse()
    }
    const count = Math.min(Math.floor(this.#creditMs / minuteMs), this.#found.length)
    this.#creditMs -= count * minuteMs
    return this.#found.splice(this.#found.length - count).reverse()
  }

  dueAt(wallMs: number): DueAt {
    return { wallMs, neverUsedMs: this.#options.neverUsedMs }
  }
}
