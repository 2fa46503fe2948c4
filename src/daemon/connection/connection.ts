// The life of one client connection: a state machine driven by its link and the request processors:
//
//   greeting ── four-letter word: answered ─▶ closed
//      │ a frame that begins as a dialect's hello does
//      ▼
//   hello ──▶ joining ── welcome ─▶ open ── closeSession, unknown op, moved, expired ─▶ closed
//               └──────── refused, or closed without a reply ────────────────────────────▶ closed
//   open ── `finish`: no more is read, and all is answered ── closed
//
// While it is joining, while the client does not read its replies, and while the server may not
// answer, frames are held in order; at the limit its socket is paused. No clock, no socket: the
// link is passed in. Next on the path: request-processor/chain.ts.

import { Fifo } from '../../fifo.ts'
import { invariant } from '../../invariant.ts'
import { limits } from '../../limits.ts'
import type { Dialect, ServerCodec } from '../../protocol/dialect.ts'
import { errorCodes, ProtocolError } from '../../protocol/error-codes.ts'
import { type Id, noSession, type ServerId, type SessionId } from '../../protocol/records.ts'
import type { FirstBytes, Link } from '../../protocol/transport/transport.ts'
import type { Hello, Request, ServedReply, WatchEvent } from '../../protocol/zk/messages.ts'
import { type Zxid, zxidZero } from '../../protocol/zxid.ts'
import type { Metrics } from '../metrics.ts'
import { addressIdentity, identitiesOf } from '../session/authentication.ts'
import { ConnectionStats } from '../session/connection-stats.ts'
import type { Client, PendingRequest, WritableClient } from '../session/request.ts'

/** The part of the server that a connection needs. */
export interface ConnectionServer {
  readonly serverId: ServerId
  /** undefined while the server is not serving */
  readonly ensembleId: string | undefined
  /** Whether it serves without a quorum: reads, for clients that allow it. */
  readonly readOnly: boolean
  /** When it becomes true again, connections are notified by `proceed`. */
  readonly mayAnswer: boolean
  /** the name in the certificate of the super user */
  readonly x509SuperUser?: string | undefined
  readonly metrics: Metrics
  /** wall clock */
  wallMs(): number
  /** the dialects that its clients may speak */
  readonly dialects: readonly Dialect[]
  /** largest accepted frame body */
  readonly frameBytesMax: number
  /** @returns undefined if it is not a four-letter word */
  answerWord(word: string): string | undefined
  open(client: Client, hello: Hello): void
  /**
   * Whether a client's next frame, of this size, may be processed; if not, `proceed` follows later.
   */
  mayTake(client: Client, bytes: number): boolean
  /** `bytes` is the size of its frame. */
  submit(client: Client, xid: number, request: Request, bytes: number): void
  advance(client: Client): void
  closed(client: Client): void
}

const noPassword = new Uint8Array(16)

export class Connection implements WritableClient {
  readonly #link: Link
  readonly #server: ConnectionServer
  /** the codec of the client's dialect, once its first bytes have identified it */
  #spoken: ServerCodec | undefined
  #state: 'greeting' | 'hello' | 'joining' | 'open' | 'closed' = 'greeting'
  /** Frames held for the state or for the client's reading; copies. */
  #held: Buffer[] = []
  #heldBytes = 0
  /** The xid of a request with an unknown op: answered in order, as the last one. */
  #unknownXid: number | undefined
  /** Whether its next frame waits for its turn. */
  #inLine = false
  #throttled = false
  #paused = false
  /** Nothing more is read from it: it is closed once all it asked for is answered. */
  #finishing = false
  #touched = false
  session: SessionId = noSession
  attached = false
  timeoutMs = 0
  identities: readonly Id[]
  readonly queue = new Fifo<PendingRequest>()
  readonly stats: ConnectionStats

  constructor(link: Link, server: ConnectionServer) {
    this.#link = link
    this.#server = server
    this.stats = new ConnectionStats(server.wallMs())
    this.identities = [addressIdentity(link.remoteAddress)]
  }

  get state(): 'greeting' | 'hello' | 'joining' | 'open' | 'closed' {
    return this.#state
  }

  get congested(): boolean {
    return this.#link.congested
  }

  // --- for reports
  // ----------------------------------------------------------------------------------

  get remoteAddress(): string {
    return this.#link.remoteAddress
  }

  get remotePort(): number {
    return this.#link.remotePort
  }

  get queuedCount(): number {
    return this.queue.length + this.#held.length
  }

  get reading(): boolean {
    return !this.#paused
  }

  // --- from the link ------------------------------------------------------------------------------

  /** Recognises the dialect of the client. @throws ProtocolError if there is none */
  firstBytes(bytes: Buffer): FirstBytes {
    if (bytes.length < 4) return 'more'
    const answer = this.#server.answerWord(bytes.toString('latin1', 0, 4))
    if (answer !== undefined) {
      this.#link.out.raw(Buffer.from(answer, 'utf8'))
      this.close()
      return 'other'
    }
    const length = bytes.readUInt32BE(0)
    if (length === 0 || length > this.#server.frameBytesMax) {
      throw new ProtocolError(`Cannot accept a first frame of ${length} bytes`)
    }
    // Without a leader, the connection is closed without a reply, so that the client tries another
    // server.
    if (this.#server.ensembleId === undefined) {
      this.close()
      return 'other'
    }
    const first = bytes[4]
    if (first === undefined) return 'more'
    const dialect = this.#server.dialects.find((dialect) => dialect.begins(first))
    if (dialect === undefined) {
      throw new ProtocolError(`Cannot recognise a dialect by the byte ${first}`)
    }
    const superUser = this.#server.x509SuperUser
    const subject = this.#link.tls?.certificate?.subject
    if (subject !== undefined) {
      this.identities = identitiesOf(this.#link.remoteAddress, { subject, superUser })
    }
    this.#spoken = dialect.serverCodec()
    this.#state = 'hello'
    return 'frames'
  }

  frame(buffer: Buffer, start: number, end: number): void {
    this.#touched = true
    const { metrics } = this.#server
    metrics.packetsReceived++
    metrics.bytesReceived += end - start
    this.stats.received++
    if (this.#held.length > 0 || !this.#mayProcess(end - start)) {
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
    this.#link.established()
    this.#sendWelcome(session, timeoutMs, password)
    this.#processHeld()
    this.#maybeFinish()
  }

  refuse(): void {
    if (this.#state !== 'joining') return
    this.#sendWelcome(noSession, 0, noPassword)
    this.close()
  }

  reply(xid: number, zxid: Zxid, body: ServedReply): void {
    if (this.#state === 'closed') return
    const out = this.#link.beginFrame()
    const start = out.totalBytes
    this.#codec.encodeReply(out, xid, zxid, body)
    this.#server.metrics.replied(out.totalBytes - start)
    this.stats.replied(xid, zxid)
    this.#link.endFrame()
    if (this.#paused) this.#maybeResume()
    if (this.#unknownXid !== undefined) this.#maybeEnd(this.#unknownXid)
    this.#maybeFinish()
  }

  notify(event: WatchEvent): void {
    if (this.#state === 'closed') return
    const out = this.#link.beginFrame()
    const start = out.length
    this.#codec.encodeEvent(out, event)
    this.#server.metrics.notified(out.length - start)
    this.stats.sent++
    this.#link.endFrame()
  }

  close(): void {
    if (this.#state === 'closed') return
    this.closed()
    this.#link.close()
  }

  proceed(): void {
    this.#processHeld()
  }

  /** Takes nothing more from the client, answers what it has asked for, then closes. */
  finish(): void {
    if (this.#state === 'closed' || this.#finishing) return
    // Without a hello there is nothing to wait for.
    if (this.#state === 'greeting' || this.#state === 'hello') return this.close()
    this.#finishing = true
    this.#paused = true
    this.#link.pause()
    this.#maybeFinish()
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
    // While a frame waits for its turn, or the client is throttled, the server is not listening to
    // it.
    const touched = this.#touched || this.#inLine || this.#throttled
    this.#touched = false
    return touched
  }

  // --- own ----------------------------------------------------------------------------------------

  get #codec(): ServerCodec {
    invariant(this.#spoken !== undefined, 'a client has spoken before it is spoken to')
    return this.#spoken
  }

  /** Whether the next frame may be processed now; if not, it is held until a change. */
  #mayProcess(bytes: number): boolean {
    this.#inLine = false
    if (this.#state === 'hello') return true
    if (this.#state !== 'open' || this.#unknownXid !== undefined) return false
    if (this.#link.congested || !this.#server.mayAnswer) return false
    this.#inLine = !this.#server.mayTake(this, bytes)
    return !this.#inLine
  }

  #process(buffer: Buffer, start: number, end: number): void {
    if (this.#state === 'hello') {
      this.#state = 'joining'
      this.#server.metrics.connectionRequests++
      this.#server.open(this, this.#codec.decodeHello(buffer, start, end))
      return
    }
    const request = this.#codec.decodeRequest(buffer, start, end)
    const { xid } = this.#codec
    if (request === undefined || request.type === 'createSession') {
      this.#unknownXid = xid
      this.#maybeEnd(xid)
      return
    }
    this.#server.submit(this, xid, request, end - start)
    this.#maybePause()
  }

  /** Answers the unknown op once everything before it is answered, then closes. */
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
      for (let frame = held[0]; frame !== undefined; frame = held[++next]) {
        if (!this.#mayProcess(frame.length)) break
        this.#heldBytes -= frame.length
        this.#process(frame, 0, frame.length)
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#link.destroy(error)
    }
    if (this.state !== 'closed') this.#held = held.slice(next)
    this.#maybeResume()
    this.#maybeFinish()
  }

  #maybeFinish(): void {
    if (!this.#finishing || this.#state !== 'open') return
    if (this.queue.length === 0 && this.#held.length === 0) this.close()
  }

  /** 1 is the maximum load of one connection, in waiting requests or held bytes. */
  get #load(): number {
    const requests = this.queue.length + this.#held.length
    return Math.max(
      requests / limits.connectionOutstandingMax,
      this.#heldBytes / limits.connectionHeldBytesMax,
    )
  }

  #maybePause(): void {
    if (this.#paused || this.#state === 'closed') return
    if (!this.#throttled && !this.#inLine && this.#load < 1) return
    this.#paused = true
    this.#server.metrics.requestThrottleWaits++
    this.#link.pause()
  }

  /**
   * Resumes at half the limit, so that a connection at the limit does not pause at every request.
   */
  #maybeResume(): void {
    if (!this.#paused || this.#throttled || this.#inLine || this.#finishing) return
    if (this.#state === 'closed' || this.#load > 1 / 2) return
    this.#paused = false
    this.#link.resume()
  }

  #sendWelcome(sessionId: SessionId, timeoutMs: number, password: Uint8Array): void {
    const { serverId, ensembleId = '', readOnly } = this.#server
    this.#codec.encodeWelcome(this.#link.beginFrame(), {
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

const unimplemented: ServedReply = { type: 'error', code: errorCodes.UNIMPLEMENTED }
