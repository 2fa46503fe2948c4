// Chooses the client whose request goes to the leader next when requests arrive faster than they
// commit: in turns, one request each, in the order in which they started to wait, within a bound on
// the bytes in flight.
//
//            ┌ short ── line of clients ─┐  each lane has its own bound:
//   frames ──┤                           ├──▶ commit.ts
//            └ long ─── line of clients ─┘  short frames never wait for long ones
//
// A client in line is not read, and its further frames are held; connection.ts handles that. Pure.
// Next on the path: commit.ts.

import { invariant } from '../../invariant.ts'
import { limits } from '../../limits.ts'

/** The part of a client needed here. */
export interface TurnTaker {
  readonly queue: { readonly length: number }
  /** Called when it is this client's turn: it calls `mayTake` again, for the same frame. */
  proceed(): void
}

/** The frames of one kind, long or short. */
class Lane<C extends TurnTaker> {
  readonly #bytesMax: number
  /** of writes taken and not answered */
  #bytes = 0
  /** The waiting clients, longest first, each with the size of its frame. */
  readonly #line = new Map<C, number>()
  /** The client just called up from the line. */
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

  /** Calls up the clients in order, as far as there is room. */
  callUp(): void {
    for (let next = this.#first; next !== undefined; next = this.#first) {
      this.#line.delete(next)
      this.#called = next
      next.proceed()
      this.#called = undefined
    }
  }

  /** The first client in line, if there is room for its frame. */
  get #first(): C | undefined {
    for (const [client, bytes] of this.#line) return this.#hasRoom(bytes) ? client : undefined
    return undefined
  }

  /** A single request always fits, whatever its size. */
  #hasRoom(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#bytesMax
  }
}

export class Turns<C extends TurnTaker> {
  readonly #short = new Lane<C>(limits.shortBytesInFlightMax)
  readonly #long = new Lane<C>(limits.longBytesInFlightMax)

  /**
   * Whether a client's next frame may be processed now. If not, the client is in line, and
   * `proceed` is called when its turn comes.
   */
  mayTake(client: C, bytes: number): boolean {
    // A client without pending requests is cheap: all of them together are few bytes per client.
    if (isShort(bytes) && client.queue.length === 0) return true
    return this.#lane(bytes).mayTake(client, bytes)
  }

  /** A frame became a request to the leader. */
  taken(bytes: number): void {
    this.#lane(bytes).taken(bytes)
  }

  /** That request was answered, or its answer is no longer needed; `callUp` should follow. */
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
