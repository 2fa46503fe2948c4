// The requests of one session between the caller and the answer: those that wait for a link, and
// those sent on this link without an answer yet. Pure.
//
// Answers come in the order of the requests. Three kinds have their own xid, as in ZooKeeper, and
// are answered in order only among themselves: pings, authentication, and rearmed watches.

import { Fifo } from '../../fifo.ts'
import { limits } from '../../limits.ts'
import type { Request } from '../../protocol/zk/messages.ts'
import { bytesOf, type Call, frameBytesOf } from './call.ts'

const xidMax = 0x7fff_ffff

/** Reserved xids, below zero; the others are counted. */
export const pingXid = -2
const authXid = -4
const setWatchesXid = -8

const typesOfXid: ReadonlyMap<number, Request['type']> = new Map([
  [pingXid, 'ping'],
  [authXid, 'auth'],
  [setWatchesXid, 'setWatches'],
])

const ownXids: Partial<Record<Request['type'], number>> = {
  ping: pingXid,
  auth: authXid,
  setWatches: setWatchesXid,
}

interface Sent<C> {
  readonly xid: number
  /** undefined for the session's own requests */
  readonly call: C | undefined
  readonly request: Request
  /** of its frame */
  readonly bytes: number
  readonly atMs: number
}

export class CallQueue<C extends Call> {
  /** to be sent once a link is open and has room, oldest first */
  readonly #waiting = new Fifo<C>()
  /** by counted xid, oldest first */
  readonly #sent = new Map<number, Sent<C>>()
  /** with a reserved xid, oldest first; rarely more than two */
  #apart: Sent<C>[] = []
  #bytes = 0
  /** of the sent requests */
  #sentBytes = 0
  #lastXid = 0
  /** the counted xid of the next answer */
  #awaitedXid = 1

  /** Accounts for a call, unless too much waits for answers already. */
  maybeTake(call: C): boolean {
    const bytes = bytesOf(call)
    if (this.#bytes + bytes > limits.clientCallBytesMax) return false
    this.#bytes += bytes
    return true
  }

  wait(call: C): void {
    this.#waiting.push(call)
  }

  /**
   * Whether `call` may be sent immediately: no call waits before it, and there is room in flight.
   */
  maySend(call: C): boolean {
    return this.#waiting.length === 0 && this.#hasRoom(call)
  }

  /** Removes and returns the oldest waiting call, if it may be sent now. */
  takeNext(): C | undefined {
    const call = this.#waiting.head
    return call !== undefined && this.#hasRoom(call) ? this.#waiting.shift() : undefined
  }

  /** Removes and returns all waiting calls, in order. */
  takeWaiting(): C[] {
    return this.#waiting.takeAll()
  }

  /** A single request always fits, whatever its size. */
  #hasRoom({ request }: C): boolean {
    if (this.#sentBytes === 0) return true
    return this.#sentBytes + frameBytesOf(request) <= limits.clientSentBytesMax
  }

  /** @returns the xid to send it with */
  sent(request: Request, call: C | undefined, atMs: number): number {
    const bytes = frameBytesOf(request)
    this.#sentBytes += bytes
    const own = ownXids[request.type]
    if (own !== undefined) {
      this.#apart.push({ xid: own, call, request, bytes, atMs })
      return own
    }
    this.#lastXid = this.#lastXid === xidMax ? 1 : this.#lastXid + 1
    const xid = this.#lastXid
    this.#sent.set(xid, { xid, call, request, bytes, atMs })
    return xid
  }

  /** The type of the request that this xid answers, so that the fields can be decoded. */
  awaited(xid: number): Request['type'] | undefined {
    return typesOfXid.get(xid) ?? this.#sent.get(xid)?.request.type
  }

  get isPinging(): boolean {
    return this.#apart.some(({ xid }) => xid === pingXid)
  }

  /** Whether a caller waits to be authenticated on this link. */
  get isAuthenticating(): boolean {
    return this.#apart.some(({ xid, call }) => xid === authXid && call !== undefined)
  }

  /** @returns the request that `xid` answers; undefined if it is not due */
  answered(xid: number): Sent<C> | undefined {
    const sent = xid < 0 ? this.#answeredApart(xid) : this.#answeredInTurn(xid)
    if (sent === undefined) return undefined
    this.#sentBytes -= sent.bytes
    if (sent.call !== undefined) this.settled(sent.call)
    return sent
  }

  #answeredApart(xid: number): Sent<C> | undefined {
    const sent = this.#apart.find((one) => one.xid === xid)
    this.#apart = this.#apart.filter((one) => one !== sent)
    return sent
  }

  #answeredInTurn(xid: number): Sent<C> | undefined {
    if (xid !== this.#awaitedXid) return undefined
    const sent = this.#sent.get(xid)
    if (sent === undefined) return undefined
    this.#sent.delete(xid)
    this.#awaitedXid = xid === xidMax ? 1 : xid + 1
    return sent
  }

  /**
   * The link is gone, and with it the answers. Repeatable calls wait again, before those that were
   * never sent.
   *
   * @param mayRepeat whether a request may be sent again
   * @returns the others, in order: their outcome is unknown
   */
  linkLost(mayRepeat: (request: Request) => boolean): C[] {
    const calls = this.#unanswered()
    const again = calls.filter((call) => mayRepeat(call.request))
    for (const call of again.concat(this.takeWaiting())) this.#waiting.push(call)
    const lost = calls.filter((call) => !mayRepeat(call.request))
    for (const call of lost) this.settled(call)
    return lost
  }

  /** Removes all calls, sent ones first. */
  drain(): { readonly sent: C[]; readonly waiting: C[] } {
    const sent = this.#unanswered()
    const waiting = this.takeWaiting()
    this.#bytes = 0
    return { sent, waiting }
  }

  /** A call that this queue returned no longer counts. */
  settled(call: C): void {
    this.#bytes -= bytesOf(call)
  }

  /** The sent calls, in order; resets the xids for the next link. */
  #unanswered(): C[] {
    const all = [...this.#apart, ...this.#sent.values()]
    this.#apart = []
    this.#sent.clear()
    this.#sentBytes = 0
    this.#lastXid = 0
    this.#awaitedXid = 1
    return all.flatMap(({ call }) => (call === undefined ? [] : [call]))
  }
}
