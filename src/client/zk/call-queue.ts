// The requests of one session between the caller and the answer: what waits for a link, and what was
// sent on this one and is not answered yet. Pure.
//
// Answers come in the order of the requests. Three kinds have an xid of their own, as in ZooKeeper,
// and are answered in order among themselves only: pings, authentication, watches armed again.

import { Fifo } from '../../fifo.ts'
import { limits } from '../../limits.ts'
import type { Request } from '../../protocol/zk/messages.ts'
import { bytesOf, type Call, frameBytesOf } from './call.ts'

const xidMax = 0x7fff_ffff

/** xids below zero; the others are counted. */
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
  /** undefined for the requests of the session itself */
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
  /** with an xid of their own, oldest first; hardly ever more than two */
  #apart: Sent<C>[] = []
  #bytes = 0
  /** of those that were sent */
  #sentBytes = 0
  #lastXid = 0
  /** the counted xid that the next answer must have */
  #awaitedXid = 1

  /** Takes in a call, unless too much waits for answers already. */
  maybeTake(call: C): boolean {
    const bytes = bytesOf(call)
    if (this.#bytes + bytes > limits.clientCallBytesMax) return false
    this.#bytes += bytes
    return true
  }

  wait(call: C): void {
    this.#waiting.push(call)
  }

  /** Whether `call` may be sent at once: none waits before it, and there is room on the way. */
  maySend(call: C): boolean {
    return this.#waiting.length === 0 && this.#hasRoom(call)
  }

  /** The call that waited longest, which waits no more, if it may be sent now. */
  takeNext(): C | undefined {
    const call = this.#waiting.head
    return call !== undefined && this.#hasRoom(call) ? this.#waiting.shift() : undefined
  }

  /** Those that waited, in order; none does any more. */
  takeWaiting(): C[] {
    return this.#waiting.takeAll()
  }

  /** One request always fits, whatever its size. */
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

  /** What the answer with this xid answers, so that its fields can be decoded. */
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

  /** @returns what is answered by `xid`; undefined when it is not that one's turn */
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
   * The link is gone, and with it the answers. Calls that may be repeated wait again, before those
   * that were never sent.
   *
   * @param mayRepeat of what was asked
   * @returns the others, in order: what became of them is unknown
   */
  linkLost(mayRepeat: (request: Request) => boolean): C[] {
    const calls = this.#unanswered()
    const again = calls.filter((call) => mayRepeat(call.request))
    for (const call of again.concat(this.takeWaiting())) this.#waiting.push(call)
    const lost = calls.filter((call) => !mayRepeat(call.request))
    for (const call of lost) this.settled(call)
    return lost
  }

  /** Everything, sent calls first; the queue is empty afterwards. */
  drain(): { readonly sent: C[]; readonly waiting: C[] } {
    const sent = this.#unanswered()
    const waiting = this.takeWaiting()
    this.#bytes = 0
    return { sent, waiting }
  }

  /** A call that this queue gave back waits for nothing any more. */
  settled(call: C): void {
    this.#bytes -= bytesOf(call)
  }

  /** What was sent, in order; the next link counts anew. */
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
