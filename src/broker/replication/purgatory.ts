// What waits for a partition to move on: a produce for its acks, a fetch for records. Each operation
// ends exactly once: when a watermark reaches what it waits for, when its time is up, or when it is
// called off. Pure: whoever moves a watermark or looks at the clock calls.

import { invariant } from '../../invariant.ts'

export type Ending = 'reached' | 'expired' | 'calledOff'

/** Deadlines are kept in buckets of this length, so an operation may end that much late. */
const bucketMs = 20

/** One thing that waits, on one watermark or more; the first that is reached ends it. */
export class Operation {
  readonly #end: (ending: Ending) => void
  readonly #waits: Wait[] = []
  /** in which its deadline is kept */
  #bucket: Set<Operation> | undefined
  #isOver = false

  constructor(end: (ending: Ending) => void) {
    this.#end = end
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Ends it at once if the watermark is there already. */
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

  /** For the purgatory: nothing keeps an operation that is over until its deadline. */
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

/** An offset that rises, and what waits for it. */
export class Watermark {
  #value = 0
  /** ascending by threshold; those with the same one in the order in which they came */
  readonly #waits: Wait[] = []

  get value(): number {
    return this.#value
  }

  get waitCount(): number {
    return this.#waits.length
  }

  /** Only truncation takes it back; what waits goes on waiting. */
  move(value: number): void {
    this.#value = value
    while ((this.#waits[0]?.threshold ?? Number.POSITIVE_INFINITY) <= value) {
      const wait = this.#waits[0]
      wait?.operation.finish('reached')
      invariant(wait !== this.#waits[0], 'an operation that ended waits no more')
    }
  }

  /** Ends everything that waits. */
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

/** The deadlines of all that waits. */
export class Purgatory {
  /** by the end of the bucket, ascending, as later deadlines mostly come later */
  readonly #buckets = new Map<number, Set<Operation>>()

  /** An operation that is over by then is not ended again. */
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

  /** Ends everything that waits for a deadline. */
  close(): void {
    for (const bucket of this.#buckets.values()) {
      for (const operation of bucket) operation.finish('calledOff')
    }
    this.#buckets.clear()
  }
}
