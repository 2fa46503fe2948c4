// What happens to a server, one input at a time. An input that arises while another is taken (a disk
// that is done at once, a link that closes while something is sent) waits until all effects of that
// one are performed: effects of two inputs never mix.
//
// On a write's path: each batch, ack and fdatasync passes here on its way to zab/zab.ts.

import { Fifo } from '../../fifo.ts'

export class Inbox<Input> {
  readonly #take: (input: Input) => void
  readonly #emptied: () => void
  readonly #waiting = new Fifo<Input>()
  #isTaking = false

  /** @param emptied called when no input waits any more; may put the next one */
  constructor(take: (input: Input) => void, emptied: () => void) {
    this.#take = take
    this.#emptied = emptied
  }

  put(input: Input): void {
    this.#waiting.push(input)
    if (this.#isTaking) return
    this.#isTaking = true
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.#take(next)
    }
    this.#isTaking = false
    this.#emptied()
  }
}
