// Whose request goes to the leader next, when clients ask for more than is committed: in turns, one
// request each, in the order in which they came to wait, within a bound on the bytes in flight.
//
//            ┌ short ── line of clients ─┐  each lane with a bound of its own: what is short
//   frames ──┤                           ├──▶ commit.ts
//            └ long ─── line of clients ─┘  never waits for what is long
//
// A client in line is not read from, and holds the rest of its frames back; connection.ts sees to that.
// Pure. Next on the path: commit.ts.

import { invariant } from '../../invariant.ts'
import { limits } from '../../limits.ts'

/** What is needed of a client here. */
export interface TurnTaker {
  readonly queue: { readonly length: number }
  /** It is this client's turn: it asks `mayTake` again, for the same frame. */
  proceed(): void
}

/** The frames of one kind, long or short. */
class Lane<C extends TurnTaker> {
  readonly #bytesMax: number
  /** of writes that were taken and are not answered */
  #bytes = 0
  /** Who waits, longest first, and the size of the frame that each waits with. */
  readonly #line = new Map<C, number>()
  /** Who has just been called up from the line. */
  #called: C | undefined

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  mayTake(client: C, bytes: number): boolean {
    if (this.#called === client || (this.#line.size === 0 && this.#hasRoom(bytes))) {
      this.#called = undefined
      return true
    }
    this.#line.set(client, bytes)
    return false
  }

  taken(bytes: number): void {
    this.#bytes += bytes
  }

  released(bytes: number): void {
    this.#bytes -= bytes
    invariant(this.#bytes >= 0, 'only what was taken is released')
  }

  leave(client: C): void {
    this.#line.delete(client)
  }

  /** Calls up whoever there is room for, in order. */
  callUp(): void {
    for (let next = this.#first; next !== undefined; next = this.#first) {
      this.#line.delete(next)
      this.#called = next
      next.proceed()
      this.#called = undefined
    }
  }

  /** The first in line, if there is room for what it waits with. */
  get #first(): C | undefined {
    for (const [client, bytes] of this.#line) return this.#hasRoom(bytes) ? client : undefined
    return undefined
  }

  /** One request always fits, whatever its size. */
  #hasRoom(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#bytesMax
  }
}

export class Turns<C extends TurnTaker> {
  readonly #short = new Lane<C>(limits.shortBytesInFlightMax)
  readonly #long = new Lane<C>(limits.longBytesInFlightMax)

  /**
   * Whether a client's next frame may be processed now. If not, the client is in line: it is told to
   * `proceed` when its turn has come.
   */
  mayTake(client: C, bytes: number): boolean {
    // One that waits for nothing asks for little: all of those together are few bytes a client.
    if (isShort(bytes) && client.queue.length === 0) return true
    return this.#lane(bytes).mayTake(client, bytes)
  }

  /** A frame became a request to the leader. */
  taken(bytes: number): void {
    this.#lane(bytes).taken(bytes)
  }

  /** That one was answered, or nobody waits for the answer any more; `callUp` should follow. */
  released(bytes: number): void {
    this.#lane(bytes).released(bytes)
  }

  /** The client is gone. */
  leave(client: C): void {
    this.#short.leave(client)
    this.#long.leave(client)
  }

  callUp(): void {
    this.#short.callUp()
    this.#long.callUp()
  }

  #lane(bytes: number): Lane<C> {
    return isShort(bytes) ? this.#short : this.#long
  }
}

function isShort(bytes: number): boolean {
  return bytes <= limits.shortRequestBytesMax
}
