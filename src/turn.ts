// The end of a turn of the event loop, the same for every program: what the turn gathered is sealed
// into batches, then the sockets send, then the disks sync.
//
//   seal    proposals become one batch, a changed image is taken up, records become batches
//   send    one write per link: the cost of a small message is its system call
//   sync    one write and one fdatasync per log; it may hold the loop, so all messages have left
//
// A turn that gathers nothing has no end to wait for: nothing is scheduled.

type Task = () => void

export class Turn {
  readonly #schedule: (end: Task) => void
  readonly #end = () => this.#ends()
  readonly #seals = new Set<Task>()
  readonly #sends = new Set<Task>()
  readonly #syncs = new Set<Task>()
  /** its end is scheduled, or under way */
  #isEnding = false

  /** @param schedule calls back when what is ready now has been handled, as `setImmediate` does */
  constructor(schedule: (end: Task) => void) {
    this.#schedule = schedule
  }

  /** Calls `task` once before this turn's messages leave, however often it is asked for. */
  seal(task: Task): void {
    this.#add(this.#seals, task)
  }

  /** Calls `task` once when everything is sealed; what sealing puts into links leaves as well. */
  send(task: Task): void {
    this.#add(this.#sends, task)
  }

  /** Calls `task` once when everything is sent. */
  sync(task: Task): void {
    this.#add(this.#syncs, task)
  }

  /** Resolves after a later turn begins: long work calls it to let others go on. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#schedule(resolve))
  }

  #add(tasks: Set<Task>, task: Task): void {
    tasks.add(task)
    if (this.#isEnding) return
    this.#isEnding = true
    this.#schedule(this.#end)
  }

  #ends(): void {
    try {
      perform(this.#seals)
      perform(this.#sends)
      // What a sync leads to is sent before it is synced: that is for the next turn.
      perform(this.#syncs, this.#syncs.size)
    } finally {
      this.#isEnding = this.#seals.size + this.#sends.size + this.#syncs.size > 0
      if (this.#isEnding) this.#schedule(this.#end)
    }
  }
}

/**
 * A task that throws is done; the others are left.
 *
 * @param count how many at most; default also those added meanwhile
 */
function perform(tasks: Set<Task>, count = Number.POSITIVE_INFINITY): void {
  let left = count
  for (const task of tasks) {
    if (left-- <= 0) return
    tasks.delete(task)
    task()
  }
}
