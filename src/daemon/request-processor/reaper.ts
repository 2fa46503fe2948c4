// On the leader: chooses the znodes that the ensemble deletes now. At intervals the tree is
// searched for due znodes; they are deleted at a bounded rate, by ordinary transactions, so that
// clients do not wait behind thousands of them. Pure: time is an argument.
//
// Next on the path: prep.ts `deleteDue`. As ZooKeeper's ContainerManager.

import type { DueAt } from '../ztree/expiry.ts'
import type { ZTree } from '../ztree/ztree.ts'

export interface ReaperOptions {
  readonly checkIntervalMs: number
  readonly perMinuteMax: number
  /** Time after which containers that never had a child are deleted; 0: never. */
  readonly neverUsedMs: number
}

const minuteMs = 60_000

export class Reaper {
  readonly #tree: Pick<ZTree, 'expiry'>
  readonly #options: ReaperOptions
  /** Due znodes not taken yet; the last one is next. */
  #found: string[] = []
  #checkMs = 0
  #takenMs = 0
  /** Elapsed time × rate; one minute of it pays for one deletion. */
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

  /** The znodes to delete now, in the order of deadlines; called every tick. */
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
