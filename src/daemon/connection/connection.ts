// The life of one client connection, a state machine over what its link and the request processors
// tell it:
//
//   greeting ── four-letter word: answered ─▶ closed
//      │ a frame that begins with a msgpack array
//      ▼
//   hello ──▶ joining ── welcome ─▶ open ── closeSession, unknown op, moved, expired ─▶ closed
//               └──────── refused, or close without a word ───────────────────────────▶ closed
//
// While it is joining, while a sync is under way, while the client does not read its replies and while
// the server may not answer, frames are held back, in order; too many and its socket is paused. No clock, no socket: the link
// is passed in. Next on the path: request-processor/chain.ts.

import { limits } from '../../limits.ts'
import { errorCodes, ProtocolError } from '../../protocol/error-codes.ts'
import type { MsgpackReader, MsgpackWriter } from '../../protocol/msgpack.ts'
import { type Id, noSession, type ServerId, type SessionId } from '../../protocol/records.ts'
import type { FirstBytes } from '../../protocol/transport/transport.ts'
import type { Hello, ReplyBody, Request, WatchEvent } from '../../protocol/zk/messages.ts'
import {
  decodeHello,
  decodeRequest,
  encodeEvent,
  encodeReply,
  encodeWelcome,
  protocolVersion,
} from '../../protocol/zk/native.ts'
import { type Zxid, zxidZero } from '../../protocol/zxid.ts'
import type { Metrics } from '../admin/metrics.ts'
import { type Client, RequestQueue } from '../request-processor/request.ts'
import { addressIdentity } from './authentication.ts'

/** What a connection needs of its TCP link. */
export interface ConnectionLink {
  readonly remoteAddress: string
  readonly out: MsgpackWriter
  readonly congested: boolean
  beginFrame(): MsgpackWriter
  endFrame(): void
  established(): void
  pause(): void
  resume(): void
  close(): void
  destroy(reason?: Error): void
}

/** What a connection needs of the server behind it. */
export interface ConnectionServer {
  readonly serverId: ServerId
  /** undefined while the server is not serving */
  readonly ensembleId: string | undefined
  /** It serves without a quorum: reads, for clients that allow it. */
  readonly readOnly: boolean
  /** Connections are told by `proceed` when it is true again. */
  readonly mayAnswer: boolean
  readonly metrics: Metrics
  /** for one frame at a time */
  readonly reader: MsgpackReader
  /** @returns undefined if it is no four-letter word */
  answerWord(word: string): string | undefined
  open(client: Client, hello: Hello): void
  /** `bytes` is the size of its frame. */
  submit(client: Client, xid: number, request: Request, bytes: number): void
  advance(client: Client): void
  closed(client: Client): void
}

const noPassword = new Uint8Array(16)

export class Connection implements Client {
  readonly #link: ConnectionLink
  readonly #server: ConnectionServer
  #state: 'greeting' | 'hello' | 'joining' | 'open' | 'closed' = 'greeting'
  /** Frames that wait for the state, a sync or the client's own reading; copies. */
  #held: Buffer[] = []
  #heldBytes = 0
  #syncing = false
  /** Of a request with an unknown op: answered in its turn, as the last one. */
  #unknownXid: number | undefined
  #throttled = false
  #paused = false
  #touched = false
  session: SessionId = noSession
  attached = false
  identities: readonly Id[]
  readonly queue = new RequestQueue()

  constructor(link: ConnectionLink, server: ConnectionServer) {
    this.#link = link
    this.#server = server
    this.identities = [addressIdentity(link.remoteAddress)]
  }

  get state(): 'greeting' | 'hello' | 'joining' | 'open' | 'closed' {
    return this.#state
  }

  get congested(): boolean {
    return this.#link.congested
  }

  // --- from the link ------------------------------------------------------------------------------

  /** Tells the dialects of the client port apart. @throws ProtocolError for none of them */
  firstBytes(bytes: Buffer): FirstBytes {
    if (bytes.length < 4) return 'more'
    const answer = this.#server.answerWord(bytes.toString('latin1', 0, 4))
    if (answer !== undefined) {
      this.#link.out.raw(Buffer.from(answer, 'utf8'))
      this.close()
      return 'other'
    }
    const length = bytes.readUInt32BE(0)
    if (length === 0 || length > limits.clientFrameBytesMax) {
      throw new ProtocolError(`Cannot take a first frame of ${length} bytes`)
    }
    // Clients of a server without a leader are to try another one, without being told anything.
    if (this.#server.ensembleId === undefined) {
      this.close()
      return 'other'
    }
    const first = bytes[4]
    if (first === undefined) return 'more'
    if (!beginsArray(first)) {
      throw new ProtocolError(`Cannot tell a client's dialect from the byte ${first}`)
    }
    this.#state = 'hello'
    return 'frames'
  }

  frame(buffer: Buffer, start: number, end: number): void {
    this.#touched = true
    this.#server.metrics.packetsReceived++
    if (this.#holds || this.#held.length > 0) {
      this.#held.push(Buffer.from(buffer.subarray(start, end)))
      this.#heldBytes += end - start
      this.#maybePause()
    } else this.#process(buffer, start, end)
  }

  /** The client has caught up with reading. */
  drained(): void {
    this.#server.advance(this)
    this.#processHeld()
  }

  /** The link is gone. */
  closed(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#held = []
    this.#heldBytes = 0
    this.#server.closed(this)
  }

  // --- from the request processors ----------------------------------------------------------------

  welcome(session: SessionId, timeoutMs: number, password: Uint8Array): void {
    if (this.#state !== 'joining') return
    this.#state = 'open'
    this.session = session
    this.#link.established()
    this.#sendWelcome(session, timeoutMs, password)
    this.#processHeld()
  }

  refuse(): void {
    if (this.#state !== 'joining') return
    this.#sendWelcome(noSession, 0, noPassword)
    this.close()
  }

  reply(xid: number, zxid: Zxid, body: ReplyBody): void {
    if (this.#state === 'closed') return
    this.#server.metrics.packetsSent++
    encodeReply(this.#link.beginFrame(), xid, zxid, body)
    this.#link.endFrame()
    if (this.#paused) this.#maybeResume()
    if (this.#unknownXid !== undefined) this.#maybeEnd(this.#unknownXid)
  }

  notify(event: WatchEvent): void {
    if (this.#state === 'closed') return
    this.#server.metrics.packetsSent++
    encodeEvent(this.#link.beginFrame(), event)
    this.#link.endFrame()
  }

  close(): void {
    if (this.#state === 'closed') return
    this.closed()
    this.#link.close()
  }

  release(): void {
    this.#syncing = false
    this.#processHeld()
  }

  proceed(): void {
    this.#processHeld()
  }

  throttle(): void {
    this.#throttled = true
    this.#maybePause()
  }

  unthrottle(): void {
    this.#throttled = false
    this.#maybeResume()
  }

  takeTouched(): boolean {
    const touched = this.#touched
    this.#touched = false
    return touched
  }

  // --- own ----------------------------------------------------------------------------------------

  /** Whether frames have to wait. */
  get #holds(): boolean {
    if (this.#state === 'hello') return false
    if (this.#state !== 'open' || this.#unknownXid !== undefined) return true
    return this.#syncing || this.#link.congested || !this.#server.mayAnswer
  }

  #process(buffer: Buffer, start: number, end: number): void {
    const reader = this.#server.reader.reset(buffer, start, end)
    if (this.#state === 'hello') {
      this.#state = 'joining'
      this.#server.metrics.connectionRequests++
      this.#server.open(this, decodeHello(reader))
      return
    }
    const { xid, request } = decodeRequest(reader)
    if (request === undefined || request.type === 'createSession') {
      this.#unknownXid = xid
      this.#maybeEnd(xid)
      return
    }
    if (request.type === 'sync') this.#syncing = true
    this.#server.submit(this, xid, request, end - start)
    this.#maybePause()
  }

  /** Answers the unknown op once everything before it is answered; then there is no going on. */
  #maybeEnd(unknownXid: number): void {
    if (this.queue.length > 0) return
    this.#unknownXid = undefined
    this.reply(unknownXid, zxidZero, unimplemented)
    this.close()
  }

  #processHeld(): void {
    if (this.#held.length === 0) return
    const held = this.#held
    this.#held = []
    let next = 0
    try {
      for (; next < held.length && !this.#holds; next++) {
        const frame = held[next] as Buffer
        this.#heldBytes -= frame.length
        this.#process(frame, 0, frame.length)
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#link.destroy(error)
    }
    if (this.state !== 'closed') this.#held = held.slice(next)
    this.#maybeResume()
  }

  /** 1 is as much as a connection may have waiting, in requests or in bytes held back. */
  get #load(): number {
    const requests = this.queue.length + this.#held.length
    return Math.max(
      requests / limits.connectionOutstandingMax,
      this.#heldBytes / limits.connectionHeldBytesMax,
    )
  }

  #maybePause(): void {
    if (this.#paused || this.#state === 'closed') return
    if (!this.#throttled && this.#load < 1) return
    this.#paused = true
    this.#link.pause()
  }

  /** Half of the limit apart, so that a connection at it does not pause at every request. */
  #maybeResume(): void {
    if (!this.#paused || this.#throttled || this.#state === 'closed' || this.#load > 1 / 2) return
    this.#paused = false
    this.#link.resume()
  }

  #sendWelcome(sessionId: SessionId, timeoutMs: number, password: Uint8Array): void {
    const { serverId, ensembleId = '', readOnly } = this.#server
    const version = protocolVersion
    encodeWelcome(this.#link.beginFrame(), {
      version,
      ensembleId,
      timeoutMs,
      sessionId,
      password,
      serverId,
      readOnly,
    })
    this.#link.endFrame()
  }
}

const unimplemented: ReplyBody = { type: 'error', code: errorCodes.UNIMPLEMENTED }

function beginsArray(byte: number): boolean {
  return (byte & 0xf0) === 0x90 || byte === 0xdc || byte === 0xdd
}
