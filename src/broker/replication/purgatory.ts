// Operations that wait for a partition to progress: a produce for its acks, a fetch for records.
// Each ends exactly once: when a watermark reaches its threshold, when its deadline passes, or when
// it is called off. Pure: the caller moves the watermarks and supplies the time.
//
// Next on the path: the answer, for a consumer's fetch in broker/api/fetch.ts.

import { invariant } from '../../invariant.ts'

export type Ending = 'reached' | 'expired' | 'calledOff'

/** Deadlines are kept in buckets of this length, so an operation may end late by that much. */
const bucketMs = 20

/** Waits on one or more watermarks; the first that reaches its threshold ends the operation. */
export class Operation {
  readonly #end: (ending: Ending) => void
  readonly #waits: Wait[] = []
  /** the bucket of its deadline */
  #bucket: Set<Operation> | undefined
  #isOver = false

  constructor(end: (ending: Ending) => void) {
    this.#end = end
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Ends the operation at once if the watermark has reached the threshold already. */
  waitFor(watermark: Watermark, threshold: number): void {
    if (this.#isOver) return
    if (watermark.value >= threshold) {
      this.finish('reached')
      return
    }
    const wait = { watermark, threshold, operation: this }
    this.#waits.push(wait)
    watermark.add(wait)
  }

  /** Called by the purgatory. An operation that ends leaves its bucket at once. */
  expireWith(bucket: Set<Operation>): void {
    this.#bucket = bucket
    bucket.add(this)
  }

  finish(ending: Ending): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#bucket?.delete(this)
    for (const wait of this.#waits) wait.watermark.remove(wait)
    this.#end(ending)
  }
}

interface Wait {
  readonly watermark: Watermark
  readonly threshold: number
  readonly operation: Operation
}

/** An offset that rises, and the operations that wait for it. */
export class Watermark {
  #value = 0
  /** ascending by threshold, then in order of arrival */
  readonly #waits: Wait[] = []

  get value(): number {
    return this.#value
  }

  get waitCount(): number {
    return this.#waits.length
  }

  /** Only a truncation lowers it, which ends no wait. */
  move(value: number): void {
    this.#value = value
    while ((this.#waits[0]?.threshold ?? Number.POSITIVE_INFINITY) <= value) {
      const wait = this.#waits[0]
      wait?.operation.finish('reached')
      invariant(wait !== this.#waits[0], 'an operation that ended waits no more')
    }
  }

  /** Ends every operation that waits for this watermark. */
  callOff(): void {
    for (const { operation } of [...this.#waits]) operation.finish('calledOff')
  }

  /** For operations. */
  add(wait: Wait): void {
    let at = this.#waits.length
    while (at > 0 && (this.#waits[at - 1]?.threshold ?? 0) > wait.threshold) at -= 1
    this.#waits.splice(at, 0, wait)
  }

  /** For operations. */
  remove(wait: Wait): void {
    const at = this.#waits.indexOf(wait)
    if (at !== -1) this.#waits.splice(at, 1)
  }
}

/** The deadlines of all operations. */
export class Purgatory {
  /** by the end of the bucket */
  readonly #buckets = new Map<number, Set<Operation>>()

  /** Ends the operation as `expired` at its deadline, unless it has ended before. */
  expireAt(operation: Operation, deadlineMs: number): void {
    if (operation.isOver) return
    const end = Math.ceil(deadlineMs / bucketMs) * bucketMs
    const bucket = this.#buckets.get(end) ?? new Set()
    this.#buckets.set(end, bucket)
    operation.expireWith(bucket)
  }

  tick(nowMs: number): void {
    for (const [end, bucket] of this.#buckets) {
      if (end > nowMs) continue
      this.#buckets.delete(end)
      for (const operation of bucket) operation.finish('expired')
    }
  }

  /** Ends every operation that has a deadline. */
  close(): void {
    for (const bucket of this.#buckets.values()) {
      for (const operation of bucket) operation.finish('calledOff')
    }
    this.#buckets.clear()
  }
}
