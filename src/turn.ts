// The end of a turn of the event loop, the same for every program: the turn's work is sealed into
// batches, then the sockets send, then the disks sync.
//
//   seal    proposals become one batch, a changed image is adopted, records become batches
//   send    one write per link: the cost of a small message is its system call
//   sync    one write and one fdatasync per log; it may block the loop, so messages leave first
//
// A turn without work schedules nothing.

type Task = () => void

export class Turn {
  readonly #schedule: (end: Task) => void
  readonly #end = () => this.#ends()
  readonly #seals = new Set<Task>()
  readonly #sends = new Set<Task>()
  readonly #syncs = new Set<Task>()
  /** its end is scheduled or running */
  #isEnding = false

  /** @param schedule calls back when all ready events have been handled, as `setImmediate` does */
  constructor(schedule: (end: Task) => void) {
    this.#schedule = schedule
  }

  /** Calls `task` once before this turn's messages leave, however often it is requested. */
  seal(task: Task): void {
    this.#add(this.#seals, task)
  }

  /** Calls `task` once everything is sealed; messages that sealing adds to links leave as well. */
  send(task: Task): void {
    this.#add(this.#sends, task)
  }

  /** Calls `task` once everything is sent. */
  sync(task: Task): void {
    this.#add(this.#syncs, task)
  }

  /** Resolves after a later turn begins: long work awaits it to let other work run. */
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
      // Syncs that these cause must wait until their messages are sent: in the next turn.
      perform(this.#syncs, this.#syncs.size)
    } finally {
      this.#isEnding = this.#seals.size + this.#sends.size + this.#syncs.size > 0
      if (this.#isEnding) this.#schedule(this.#end)
    }
  }
}

/**
 * A task that throws is removed; the others remain.
 *
 * @param count at most this many; by default including those added meanwhile
 */
function perform(tasks: Set<Task>, count = Number.POSITIVE_INFINITY): void {
  let left = count
  for (const task of tasks) {
    if (left-- <= 0) return
    tasks.delete(task)
    task()
  }
}
