// One session as its client sees it: which server next, hello, requests and their answers in order,
// pings, watches sent again after a reconnect, and the end of it. Pure: links and timers are in
// zk-client.ts, which performs the effects in the order given.
//
//   connecting ── welcome ──▶ connected ◀── welcome ── suspended
//       │                        │ └──── link lost ────────▲ │
//       └── close ──▶ closed ◀───┴─ close ─── expired ◀──────┘ refused, or timed out by our own clock
//
// A write that was sent and not answered when its link is lost fails with CONNECTIONLOSS, because
// nobody here knows whether it happened, and is never sent again. Reads are sent again. What was
// never sent waits for the next link. Rules as in ZooKeeper's ClientCnxn; beyond it, a client that
// hears from nobody ends its session itself, before the ensemble gives its ephemerals away.

import { limits } from '../limits.ts'
import { type ErrorCode, errorCodes } from '../protocol/error-codes.ts'
import { noSession, type SessionId } from '../protocol/records.ts'
import type {
  Hello,
  MultiOp,
  ReplyBody,
  Request,
  WatchEvent,
  Welcome,
} from '../protocol/zk/messages.ts'
import { protocolVersion } from '../protocol/zk/native.ts'
import { type Zxid, zxidZero } from '../protocol/zxid.ts'
import type { Random } from '../random.ts'
import { type ServerAddress, ServerRotation } from './servers.ts'
import { type Watcher, type WatchKind, WatchRegistry } from './watch-registry.ts'

export type SessionState = 'connecting' | 'connected' | 'suspended' | 'expired' | 'closed'

/** A request on its way; the shell knows who waits for it. */
export interface Call {
  readonly request: Request
  /** joins the registry once the server has armed it; for removeWatches, the one to leave it */
  readonly watcher?: Watcher | undefined
}

/** All but `start` and `close` concern the link dialled last; older links are heard no more. */
export type SessionInput<C extends Call> =
  | { readonly type: 'start' }
  | { readonly type: 'opened' }
  | { readonly type: 'lost' }
  | { readonly type: 'welcomed'; readonly welcome: Welcome }
  | {
      readonly type: 'replied'
      readonly xid: number
      readonly zxid: Zxid
      readonly body: ReplyBody
    }
  | { readonly type: 'notified'; readonly event: WatchEvent }
  | { readonly type: 'called'; readonly call: C }
  | { readonly type: 'tick' }
  | { readonly type: 'close' }

export type SessionEffect<C extends Call> =
  | { readonly type: 'dial'; readonly server: ServerAddress }
  | { readonly type: 'hangUp'; readonly reason: string }
  | { readonly type: 'greet'; readonly hello: Hello }
  | { readonly type: 'send'; readonly xid: number; readonly request: Request }
  | { readonly type: 'answer'; readonly call: C; readonly body: ReplyBody }
  | { readonly type: 'fail'; readonly call: C; readonly code: ErrorCode }
  | { readonly type: 'notify'; readonly watchers: Watcher[]; readonly event: WatchEvent }
  | { readonly type: 'became'; readonly state: SessionState }

/** Pings have an xid of their own, as in ZooKeeper: their answer counts wherever it comes. */
export const pingXid = -2
const xidMax = 0x7fff_ffff

/** From dialling to welcome; doubled by each server that takes longer, until one answers. */
const firstPatienceMs = 500

/**
 * A session that goes on is welcomed without a write, and knows how long a welcome takes where it is:
 * it need not wait so long at a server that hangs, while others serve.
 */
function patienceAfter(welcomeMs: number): number {
  return Math.min(Math.max(150, 4 * welcomeMs), firstPatienceMs)
}

/** How long a close may take before it is left to the session's time-out. */
const closeMs = 2000
/** What an unanswered call costs beside its frame. */
const callBytes = 1024

interface Sent<C> {
  /** undefined for the requests of our own: setWatches and closeSession */
  readonly call: C | undefined
  readonly request: Request
}

type Link =
  | { readonly phase: 'none'; readonly dialMs: number }
  | { readonly phase: 'dialling' | 'greeting'; readonly untilMs: number }
  | { readonly phase: 'open' }

export class ZkSession<C extends Call> {
  readonly #rotation: ServerRotation
  readonly #watches = new WatchRegistry()
  #state: SessionState = 'connecting'
  #link: Link = { phase: 'none', dialMs: Number.POSITIVE_INFINITY }
  #server: ServerAddress | undefined
  #patienceMs = firstPatienceMs
  #dialledMs = 0
  /** how long the last welcome took */
  #welcomeMs = 0

  #sessionId: SessionId = noSession
  #password: Uint8Array = new Uint8Array(0)
  #ensembleId: string | undefined
  /** as asked for until the first welcome, then as negotiated */
  #timeoutMs: number
  /** highest zxid that any answer or event showed */
  #seenZxid: Zxid = zxidZero

  #lastXid = 0
  /** the xid that the next answer must have: answers come in the order of the requests */
  #awaitedXid = 1
  /** sent on this link and not answered, oldest first */
  #sent = new Map<number, Sent<C>>()
  /** to be sent once a link is open, oldest first */
  #waiting: C[] = []
  #bytes = 0

  /** The servers have been asked for the events since this one; see #catchUp. */
  #caughtUpZxid: Zxid = zxidZero
  #setWatchesUnanswered = 0

  /** when we last asked, and when we were last answered: events tell that we hear, not that we are heard */
  #askedMs = 0
  #answeredMs = 0
  #pingUnanswered = false
  /** while closing, when to stop trying */
  #closeByMs: number | undefined

  constructor(options: {
    readonly servers: readonly ServerAddress[]
    readonly timeoutMs: number
    readonly random: Random
  }) {
    this.#rotation = new ServerRotation(options.servers, options.random)
    this.#timeoutMs = options.timeoutMs
  }

  get state(): SessionState {
    return this.#state
  }

  get sessionId(): SessionId {
    return this.#sessionId
  }

  get timeoutMs(): number {
    return this.#timeoutMs
  }

  get seenZxid(): Zxid {
    return this.#seenZxid
  }

  /** The server that serves us now. */
  get server(): ServerAddress | undefined {
    return this.#link.phase === 'open' ? this.#server : undefined
  }

  /** What the answer with this xid answers, so that its fields can be decoded. */
  awaited(xid: number): Request['type'] | undefined {
    return xid === pingXid ? 'ping' : this.#sent.get(xid)?.request.type
  }

  /** When `tick` has something to do, if nothing else comes first. */
  wakeMs(): number {
    if (this.#state === 'expired' || this.#state === 'closed') return Number.POSITIVE_INFINITY
    const endMs = Math.min(this.#expiryMs, this.#closeByMs ?? Number.POSITIVE_INFINITY)
    switch (this.#link.phase) {
      case 'none':
        return Math.min(endMs, this.#link.dialMs)
      case 'dialling':
      case 'greeting':
        return Math.min(endMs, this.#link.untilMs)
      case 'open':
        return Math.min(endMs, this.#pingDueMs, this.#silentTooLongMs)
    }
  }

  get #expiryMs(): number {
    const met = this.#sessionId !== noSession
    return met ? this.#answeredMs + this.#timeoutMs : Number.POSITIVE_INFINITY
  }

  get #pingDueMs(): number {
    const dueMs = this.#askedMs + this.#timeoutMs / 3
    return this.#pingUnanswered ? Number.POSITIVE_INFINITY : dueMs
  }

  get #silentTooLongMs(): number {
    return this.#answeredMs + (this.#timeoutMs * 2) / 3
  }

  step(input: SessionInput<C>, nowMs: number): SessionEffect<C>[] {
    if (this.#state === 'expired' || this.#state === 'closed') {
      return input.type === 'called' ? [fail(input.call, 'SESSIONEXPIRED')] : []
    }
    switch (input.type) {
      case 'start':
        return this.#dial(nowMs)
      case 'opened':
        return this.#greet()
      case 'lost':
        return this.#loseLink(nowMs)
      case 'welcomed':
        return this.#welcomed(input.welcome, nowMs)
      case 'replied':
        return this.#replied(input, nowMs)
      case 'notified':
        return this.#notified(input.event)
      case 'called':
        return this.#called(input.call, nowMs)
      case 'tick':
        return this.#tick(nowMs)
      case 'close':
        return this.#close(nowMs)
    }
  }

  // --- links -------------------------------------------------------------------------------------

  #dial(nowMs: number): SessionEffect<C>[] {
    const patienceMs = Math.min(this.#patienceMs, this.#timeoutMs / 3)
    this.#dialledMs = nowMs
    this.#link = { phase: 'dialling', untilMs: nowMs + patienceMs }
    this.#server = this.#rotation.next()
    return [{ type: 'dial', server: this.#server }]
  }

  #greet(): SessionEffect<C>[] {
    if (this.#link.phase !== 'dialling') return []
    this.#link = { phase: 'greeting', untilMs: this.#link.untilMs }
    const hello: Hello = {
      version: protocolVersion,
      ensembleId: this.#ensembleId,
      lastZxidSeen: this.#seenZxid,
      timeoutMs: this.#timeoutMs,
      sessionId: this.#sessionId,
      password: this.#password,
    }
    return [{ type: 'greet', hello }]
  }

  #welcomed(welcome: Welcome, nowMs: number): SessionEffect<C>[] {
    if (this.#link.phase !== 'greeting') {
      return this.#breakLink('The server sent a welcome that was not asked for', nowMs)
    }
    if (welcome.timeoutMs === 0 && this.#sessionId === noSession) {
      return this.#breakLink('The server refused to begin a session', nowMs)
    }
    if (welcome.timeoutMs === 0) return this.#end('expired', 'The session has expired')
    if (this.#ensembleId !== undefined && welcome.ensembleId !== this.#ensembleId) {
      return this.#breakLink('The server belongs to another ensemble', nowMs)
    }
    this.#ensembleId = welcome.ensembleId
    this.#sessionId = welcome.sessionId
    this.#password = welcome.password
    this.#timeoutMs = welcome.timeoutMs
    this.#welcomeMs = nowMs - this.#dialledMs
    this.#askedMs = nowMs
    this.#answeredMs = nowMs
    this.#pingUnanswered = false
    this.#lastXid = 0
    this.#awaitedXid = 1
    this.#link = { phase: 'open' }
    const effects = this.#become('connected')
    for (const request of this.#catchUp()) effects.push(this.#send(request, undefined, nowMs))
    const waiting = this.#waiting
    this.#waiting = []
    for (const call of waiting) effects.push(this.#send(call.request, call, nowMs))
    if (this.#closeByMs !== undefined) effects.push(this.#sendClose(nowMs))
    return effects
  }

  /**
   * Asks the new server to arm our watches and for the events we missed. If the last link was lost
   * before it had answered all of these, answers to the first have moved #seenZxid on while watches
   * of the later ones were armed nowhere: those must still be asked for from where that link began.
   */
  #catchUp(): Request[] {
    if (this.#setWatchesUnanswered === 0) this.#caughtUpZxid = this.#seenZxid
    const requests = this.#watches.rearm(this.#caughtUpZxid)
    this.#setWatchesUnanswered = requests.length
    return requests
  }

  #breakLink(reason: string, nowMs: number): SessionEffect<C>[] {
    return [{ type: 'hangUp', reason }, ...this.#loseLink(nowMs)]
  }

  #loseLink(nowMs: number): SessionEffect<C>[] {
    if (this.#link.phase === 'none') return []
    const wasOpen = this.#link.phase === 'open'
    const delayMs = this.#rotation.failed()
    this.#link = { phase: 'none', dialMs: nowMs + delayMs }
    const effects = wasOpen ? this.#become('suspended') : []
    const again: C[] = []
    for (const { call } of this.#sent.values()) {
      if (call === undefined) continue
      if (isRepeatable(call.request)) {
        again.push(call)
      } else {
        this.#bytes -= bytesOf(call)
        effects.push(fail(call, 'CONNECTIONLOSS'))
      }
    }
    this.#sent.clear()
    this.#waiting = [...again, ...this.#waiting]
    if (delayMs === 0) effects.push(...this.#dial(nowMs))
    return effects
  }

  // --- requests and answers ----------------------------------------------------------------------

  #called(call: C, nowMs: number): SessionEffect<C>[] {
    if (this.#closeByMs !== undefined) return [fail(call, 'SESSIONEXPIRED')]
    if (call.request.type === 'removeWatches') {
      const { path, watcherType } = call.request
      if (!this.#watches.has(path, watcherType, call.watcher)) return [fail(call, 'NOWATCHER')]
      if (call.watcher !== undefined && this.#watches.isShared(path, watcherType, call.watcher)) {
        this.#watches.remove(path, watcherType, call.watcher)
        return [{ type: 'answer', call, body: { type: 'removeWatches' } }]
      }
    }
    const bytes = bytesOf(call)
    if (this.#bytes + bytes > limits.clientCallBytesMax) return [fail(call, 'THROTTLEDOP')]
    this.#bytes += bytes
    if (this.#link.phase === 'open') return [this.#send(call.request, call, nowMs)]
    this.#waiting.push(call)
    return []
  }

  #send(request: Request, call: C | undefined, nowMs: number): SessionEffect<C> {
    this.#lastXid = this.#lastXid === xidMax ? 1 : this.#lastXid + 1
    const xid = this.#lastXid
    this.#sent.set(xid, { call, request })
    this.#askedMs = nowMs
    return { type: 'send', xid, request }
  }

  #replied(
    { xid, zxid, body }: { xid: number; zxid: Zxid; body: ReplyBody },
    nowMs: number,
  ): SessionEffect<C>[] {
    if (this.#link.phase !== 'open') return []
    this.#answeredMs = nowMs
    this.#rotation.succeeded()
    this.#patienceMs = patienceAfter(this.#welcomeMs)
    if (zxid > this.#seenZxid) this.#seenZxid = zxid
    if (xid === pingXid) {
      this.#pingUnanswered = false
      return []
    }
    const sent = this.#sent.get(xid)
    if (sent === undefined || xid !== this.#awaitedXid) {
      const wanted = `wanted an answer to request ${this.#awaitedXid}`
      return this.#breakLink(`The server answered request ${xid}: ${wanted}`, nowMs)
    }
    this.#sent.delete(xid)
    this.#awaitedXid = xid === xidMax ? 1 : xid + 1
    if (sent.call === undefined) return this.#ownAnswered(sent.request, body, nowMs)
    this.#bytes -= bytesOf(sent.call)
    this.#register(sent.call, body)
    const answer: SessionEffect<C> = { type: 'answer', call: sent.call, body }
    if (body.type === 'error' && body.code === errorCodes.SESSIONEXPIRED) {
      return [answer, ...this.#end('expired', 'The session has expired')]
    }
    return [answer]
  }

  #ownAnswered(request: Request, body: ReplyBody, nowMs: number): SessionEffect<C>[] {
    if (request.type === 'closeSession') return this.#end('closed', 'The session is closed')
    if (body.type === 'error') {
      if (body.code === errorCodes.SESSIONEXPIRED) {
        return this.#end('expired', 'The session has expired')
      }
      return this.#breakLink('The server refused to take over our watches', nowMs)
    }
    this.#setWatchesUnanswered--
    return []
  }

  #register({ request, watcher }: C, body: ReplyBody): void {
    const { type } = request
    if (type === 'removeWatches') {
      if (body.type !== 'error') this.#watches.remove(request.path, request.watcherType, watcher)
      return
    }
    const kind = watcher === undefined ? undefined : watchKindOf(request, body)
    if (kind === undefined || watcher === undefined || !('path' in request)) return
    this.#watches.add(kind, request.path, watcher)
  }

  #notified(event: WatchEvent): SessionEffect<C>[] {
    if (this.#link.phase !== 'open') return []
    if (event.zxid > this.#seenZxid) this.#seenZxid = event.zxid
    const watchers = this.#watches.take(event)
    return watchers.length === 0 ? [] : [{ type: 'notify', watchers, event }]
  }

  // --- time and the end --------------------------------------------------------------------------

  #tick(nowMs: number): SessionEffect<C>[] {
    if (nowMs >= this.#expiryMs) return this.#end('expired', 'No server answered in time')
    if (this.#closeByMs !== undefined && nowMs >= this.#closeByMs) {
      return this.#end('closed', 'No server could be asked to close the session')
    }
    switch (this.#link.phase) {
      case 'none':
        return nowMs >= this.#link.dialMs ? this.#dial(nowMs) : []
      case 'dialling':
      case 'greeting':
        if (nowMs < this.#link.untilMs) return []
        this.#patienceMs *= 2
        return this.#breakLink('The server did not welcome us in time', nowMs)
      case 'open':
        if (nowMs >= this.#silentTooLongMs) return this.#breakLink('The server is silent', nowMs)
        if (nowMs < this.#pingDueMs) return []
        this.#pingUnanswered = true
        this.#askedMs = nowMs
        return [{ type: 'send', xid: pingXid, request: { type: 'ping' } }]
    }
  }

  /** What was sent is still answered, what waits for a link fails, then the session is closed. */
  #close(nowMs: number): SessionEffect<C>[] {
    if (this.#closeByMs !== undefined) return []
    if (this.#sessionId === noSession) return this.#end('closed', 'Closed before it began')
    this.#closeByMs = nowMs + closeMs
    if (this.#link.phase === 'open') return [this.#sendClose(nowMs)]
    return this.#failWaiting()
  }

  #sendClose(nowMs: number): SessionEffect<C> {
    return this.#send({ type: 'closeSession' }, undefined, nowMs)
  }

  #end(state: 'expired' | 'closed', reason: string): SessionEffect<C>[] {
    const linked = this.#link.phase !== 'none'
    const effects: SessionEffect<C>[] = linked ? [{ type: 'hangUp', reason }] : []
    this.#link = { phase: 'none', dialMs: Number.POSITIVE_INFINITY }
    // Whoever closes does not mind that the session had expired before.
    effects.push(...this.#become(this.#closeByMs === undefined ? state : 'closed'))
    for (const { call } of this.#sent.values()) {
      if (call === undefined) continue
      const code = isRepeatable(call.request) ? 'SESSIONEXPIRED' : 'CONNECTIONLOSS'
      effects.push(fail(call, code))
    }
    this.#sent.clear()
    effects.push(...this.#failWaiting())
    return effects
  }

  #failWaiting(): SessionEffect<C>[] {
    const waiting = this.#waiting
    this.#waiting = []
    return waiting.map((call) => fail(call, 'SESSIONEXPIRED'))
  }

  #become(state: SessionState): SessionEffect<C>[] {
    if (this.#state === state) return []
    this.#state = state
    return [{ type: 'became', state }]
  }
}

function fail<C extends Call>(call: C, code: ErrorCode): SessionEffect<C> {
  return { type: 'fail', call, code }
}

/** Whether asking twice does no more than asking once. */
function isRepeatable(request: Request): boolean {
  switch (request.type) {
    case 'exists':
    case 'getData':
    case 'getChildren':
    case 'addWatch':
    case 'removeWatches':
    case 'sync':
    case 'ping':
    case 'setWatches':
      return true
    case 'create':
    case 'delete':
    case 'setData':
    case 'multi':
    case 'createSession':
    case 'closeSession':
      return false
  }
}

/** What the server armed by answering `request` so. */
function watchKindOf(request: Request, body: ReplyBody): WatchKind | undefined {
  if (body.type === 'error') {
    const absent = request.type === 'exists' && body.code === errorCodes.NONODE
    return absent ? 'exist' : undefined
  }
  switch (request.type) {
    case 'exists':
    case 'getData':
      return 'data'
    case 'getChildren':
      return 'child'
    case 'addWatch':
      return request.mode
    default:
      return undefined
  }
}

/** At most this many bytes is the frame of `request`, and hardly fewer. */
export function frameBytesOf(request: Request | MultiOp): number {
  switch (request.type) {
    case 'multi':
      return request.ops.reduce((bytes, op) => bytes + frameBytesOf(op), fieldBytes)
    case 'create':
    case 'setData':
      return fieldBytes + Buffer.byteLength(request.path) + (request.data?.length ?? 0)
    default:
      return fieldBytes + ('path' in request ? Buffer.byteLength(request.path) : 0)
  }
}

/** xid, op, flags, version and all headers: 32 bytes at most, taken generously. */
const fieldBytes = 48

function bytesOf({ request }: Call): number {
  return callBytes + frameBytesOf(request)
}
