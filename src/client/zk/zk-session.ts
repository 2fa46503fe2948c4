// One session from the client's side: the choice of server, the hello, requests and answers in
// order, pings, the watches and identities that are sent again after a reconnect, and its end.
// Pure: links and timers are in session-driver.ts, which performs the effects in the order given.
//
//   connecting ── welcome ──▶ connected ◀── welcome ── suspended
//       │                        │ └──── link lost ────────▲ │
//       └── close ──▶ closed ◀───┴─ close ─── expired ◀──────┘ refused, or timed out by our clock
//
// A refused credential ends the session in any state: `authFailed`.
//
// A write that is unanswered when its link is lost fails with CONNECTIONLOSS, because its outcome
// is unknown, and is never resent. Reads are resent. Requests not sent yet wait for the next link.
// These are the rules of ZooKeeper's ClientCnxn. In addition, a client that hears from no server
// ends its session itself, before the ensemble deletes its ephemerals.
//
// A client that accepts read-only servers is `connectedReadOnly` while connected to one. It asks
// the others in turn whether they have a quorum, moves to the first that has, and keeps its
// watches. Only the read-only server knows a session that it created: the next server is asked for
// a new one.

import type { Address } from '../../address.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { noSession, type SessionId } from '../../protocol/records.ts'
import type { Hello, ReplyBody, Request, WatchEvent, Welcome } from '../../protocol/zk/messages.ts'
import { type Zxid, zxidZero } from '../../protocol/zxid.ts'
import type { Random } from '../../random.ts'
import { type Call, isRepeatable, watchKindOf } from './call.ts'
import { CallQueue } from './call-queue.ts'
import { Identities } from './identities.ts'
import { ServerRotation } from './server-rotation.ts'
import {
  codeWhenOver,
  fail,
  type SessionEffect,
  type SessionInput,
  type SessionState,
} from './session-events.ts'
import { WatchRegistry } from './watch-registry.ts'

/**
 * Time from dialling to the welcome; each server that takes longer doubles it, until one answers.
 */
const firstPatienceMs = 500

/**
 * Reconnecting to a session needs no write, and the last welcome shows how long one takes here: the
 * client need not wait as long for a server that hangs while others serve.
 */
function patienceAfter(welcomeMs: number): number {
  return Math.min(Math.max(150, 4 * welcomeMs), firstPatienceMs)
}

/** How long a close may take before the session is left to time out. */
const closeMs = 2000

/** Time between probes for a server with a quorum; each doubles the next. */
const firstProbeMs = 100
const probeMsMax = 5000

type Link =
  | { readonly phase: 'none'; readonly dialMs: number }
  | { readonly phase: 'dialling'; readonly untilMs: number }
  | { readonly phase: 'greeting'; readonly untilMs: number; readonly greetedMs: number }
  | { readonly phase: 'open' }

export class ZkSession<C extends Call> {
  readonly #rotation: ServerRotation
  readonly #acceptsReadOnly: boolean
  readonly #watches = new WatchRegistry()
  readonly #queue = new CallQueue<C>()
  #state: SessionState = 'connecting'
  #link: Link = { phase: 'none', dialMs: Number.POSITIVE_INFINITY }
  #server: Address | undefined
  #patienceMs = firstPatienceMs
  #dialledMs = 0
  /** how long the last welcome took */
  #welcomeMs = 0

  #sessionId: SessionId = noSession
  #password: Uint8Array = new Uint8Array(0)
  /** Whether the ensemble knows the session, not only one server without a quorum. */
  #isReplicated = false
  #ensembleId: string | undefined
  /** the requested time-out until the first welcome, then the negotiated one */
  #timeoutMs: number
  /** highest zxid of any answer or event */
  #seenZxid: Zxid = zxidZero
  readonly #identities = new Identities()

  /** The zxid since which the servers have been asked for events; see #catchUp. */
  #caughtUpZxid: Zxid = zxidZero
  #setWatchesUnanswered = 0

  #askedMs = 0
  /**
   * When the latest answered request was sent: the ensemble counts our time-out from then at the
   * earliest. An event does not prove that the ensemble hears us.
   */
  #heardMs = 0
  /** at a read-only server, when to look for a better one, and how long to wait after that */
  #probe = { atMs: Number.POSITIVE_INFINITY, delayMs: firstProbeMs }
  /** while closing, when to stop trying */
  #closeByMs: number | undefined

  constructor(options: {
    readonly servers: readonly Address[]
    readonly timeoutMs: number
    readonly random: Random
    readonly readOnly?: boolean | undefined
  }) {
    this.#rotation = new ServerRotation(options.servers, options.random)
    this.#timeoutMs = options.timeoutMs
    this.#acceptsReadOnly = options.readOnly ?? false
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

  /** The server that serves this client now. */
  get server(): Address | undefined {
    return this.#link.phase === 'open' ? this.#server : undefined
  }

  /** The type of the request that this xid answers, so that the fields can be decoded. */
  awaited(xid: number): Request['type'] | undefined {
    return this.#queue.awaited(xid)
  }

  /** When `tick` is due, if no other input comes first. */
  wakeMs(): number {
    if (codeWhenOver(this.#state) !== undefined) return Number.POSITIVE_INFINITY
    const endMs = Math.min(this.#expiryMs, this.#closeByMs ?? Number.POSITIVE_INFINITY)
    switch (this.#link.phase) {
      case 'none':
        return Math.min(endMs, this.#link.dialMs)
      case 'dialling':
      case 'greeting':
        return Math.min(endMs, this.#link.untilMs)
      case 'open':
        return Math.min(endMs, this.#pingDueMs, this.#silentTooLongMs, this.#probe.atMs)
    }
  }

  get #expiryMs(): number {
    return this.#isReplicated ? this.#heardMs + this.#timeoutMs : Number.POSITIVE_INFINITY
  }

  get #pingDueMs(): number {
    return this.#queue.isPinging ? Number.POSITIVE_INFINITY : this.#askedMs + this.#timeoutMs / 3
  }

  get #silentTooLongMs(): number {
    return this.#heardMs + (this.#timeoutMs * 2) / 3
  }

  step(input: SessionInput<C>, nowMs: number): SessionEffect<C>[] {
    const overCode = codeWhenOver(this.#state)
    if (overCode !== undefined) return input.type === 'called' ? [fail(input.call, overCode)] : []
    switch (input.type) {
      case 'start':
        return this.#dial(nowMs)
      case 'opened':
        return this.#greet(nowMs)
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
      case 'probed':
        return this.#probed(input.server, input.readWrite, nowMs)
      case 'tick':
        return this.#tick(nowMs)
      case 'close':
        return this.#close(nowMs)
    }
  }

  // --- links -------------------------------------------------------------------------------------

  #dial(nowMs: number, server = this.#rotation.next()): SessionEffect<C>[] {
    const patienceMs = Math.min(this.#patienceMs, this.#timeoutMs / 3)
    this.#dialledMs = nowMs
    this.#link = { phase: 'dialling', untilMs: nowMs + patienceMs }
    this.#server = server
    return [{ type: 'dial', server }]
  }

  #greet(nowMs: number): SessionEffect<C>[] {
    if (this.#link.phase !== 'dialling') return []
    this.#link = { phase: 'greeting', untilMs: this.#link.untilMs, greetedMs: nowMs }
    const hello: Hello = {
      ensembleId: this.#ensembleId,
      lastZxidSeen: this.#seenZxid,
      timeoutMs: this.#timeoutMs,
      sessionId: this.#isReplicated ? this.#sessionId : noSession,
      password: this.#isReplicated ? this.#password : new Uint8Array(0),
      readOnly: this.#acceptsReadOnly,
    }
    return [{ type: 'greet', hello }]
  }

  #welcomed(welcome: Welcome, nowMs: number): SessionEffect<C>[] {
    if (this.#link.phase !== 'greeting') {
      return this.#breakLink('it sent a welcome that was not asked for', nowMs)
    }
    if (welcome.timeoutMs === 0 && !this.#isReplicated) {
      return this.#breakLink('it refused to begin a session', nowMs)
    }
    if (welcome.timeoutMs === 0) return this.#end('expired', 'the session has expired')
    if (this.#ensembleId !== undefined && welcome.ensembleId !== this.#ensembleId) {
      return this.#breakLink('it belongs to another ensemble', nowMs)
    }
    if (welcome.readOnly && !this.#acceptsReadOnly) {
      return this.#breakLink('it has no quorum', nowMs)
    }
    this.#ensembleId = welcome.ensembleId
    this.#sessionId = welcome.sessionId
    this.#password = welcome.password
    this.#timeoutMs = welcome.timeoutMs
    if (!welcome.readOnly) this.#isReplicated = true
    this.#welcomeMs = nowMs - this.#dialledMs
    this.#askedMs = nowMs
    this.#heardMs = this.#link.greetedMs
    this.#link = { phase: 'open' }
    const probeMs = welcome.readOnly ? nowMs + firstProbeMs : Number.POSITIVE_INFINITY
    this.#probe = { atMs: probeMs, delayMs: firstProbeMs }
    const effects = this.#become(welcome.readOnly ? 'connectedReadOnly' : 'connected')
    // Identities go first: the watches depend on the permissions that they give.
    for (const request of [...this.#identities.proved, ...this.#catchUp()]) {
      effects.push(this.#send(request, undefined, nowMs))
    }
    if (this.#closeByMs === undefined) this.#sendNext(effects, nowMs)
    else this.#sendClose(effects, nowMs)
    return effects
  }

  /** Sends waiting calls, as many as have room in flight. */
  #sendNext(effects: SessionEffect<C>[], nowMs: number): void {
    for (let call = this.#queue.takeNext(); call !== undefined; call = this.#queue.takeNext()) {
      effects.push(this.#send(call.request, call, nowMs))
    }
  }

  /**
   * Asks the new server to arm our watches and for the events that we missed. If the last link was
   * lost before it answered all of these requests, the first answers raised #seenZxid while the
   * watches of the later requests were not armed: those need the events since that link began.
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

  /** @param next the server to move to, if this one is left for a better one */
  #loseLink(nowMs: number, next?: Address): SessionEffect<C>[] {
    if (this.#link.phase === 'none') return []
    const wasOpen = this.#link.phase === 'open'
    const delayMs = next === undefined ? this.#rotation.failed() : 0
    this.#link = { phase: 'none', dialMs: nowMs + delayMs }
    const effects = wasOpen ? this.#become('suspended') : []
    const isHopeless = this.#queue.isAuthenticating && this.#identities.linkLost()
    const lost = this.#queue.linkLost(
      (request) => isRepeatable(request) && !(request.type === 'auth' && isHopeless),
    )
    for (const call of lost) effects.push(fail(call, 'CONNECTIONLOSS'))
    if (delayMs === 0) effects.push(...this.#dial(nowMs, next))
    return effects
  }

  #probed(server: Address, readWrite: boolean, nowMs: number): SessionEffect<C>[] {
    if (this.#state !== 'connectedReadOnly') return []
    if (readWrite) {
      const reason = 'another server has a quorum'
      return [{ type: 'hangUp', reason }, ...this.#loseLink(nowMs, server)]
    }
    const { delayMs } = this.#probe
    this.#probe = { atMs: nowMs + delayMs, delayMs: Math.min(2 * delayMs, probeMsMax) }
    return []
  }

  // --- requests and answers ----------------------------------------------------------------------

  #called(call: C, nowMs: number): SessionEffect<C>[] {
    if (this.#closeByMs !== undefined) return [fail(call, 'SESSIONEXPIRED')]
    const isOpen = this.#link.phase === 'open'
    if (call.request.type === 'removeWatches') {
      const { path, watcherType } = call.request
      const { watcher } = call
      if (!this.#watches.has(path, watcherType, watcher)) return [fail(call, 'NOWATCHER')]
      // Without a link no server holds a watch of ours.
      const isShared = watcher !== undefined && this.#watches.isShared(path, watcherType, watcher)
      if (!isOpen || isShared) {
        this.#watches.remove(path, watcherType, watcher)
        return [{ type: 'answer', call, body: { type: 'removeWatches' } }]
      }
    }
    if (!this.#queue.maybeTake(call)) return [fail(call, 'THROTTLEDOP')]
    if (isOpen && this.#queue.maySend(call)) return [this.#send(call.request, call, nowMs)]
    this.#queue.wait(call)
    return []
  }

  #send(request: Request, call: C | undefined, nowMs: number): SessionEffect<C> {
    this.#askedMs = nowMs
    return { type: 'send', xid: this.#queue.sent(request, call, nowMs), request }
  }

  #replied(
    { xid, zxid, body }: { xid: number; zxid: Zxid; body: ReplyBody },
    nowMs: number,
  ): SessionEffect<C>[] {
    if (this.#link.phase !== 'open') return []
    const sent = this.#queue.answered(xid)
    if (sent === undefined) return this.#breakLink(`it answered ${xid} unasked`, nowMs)
    this.#heardMs = Math.max(this.#heardMs, sent.atMs)
    if (zxid > this.#seenZxid) this.#seenZxid = zxid
    if (sent.call === undefined) return this.#ownAnswered(sent.request, body, nowMs)
    this.#served()
    if (sent.request.type === 'auth') this.#identities.judged()
    this.#register(sent.call, body)
    const answer: SessionEffect<C> = { type: 'answer', call: sent.call, body }
    if (isAuthFailed(sent.request, body)) return [answer, ...this.#failAuth()]
    if (body.type === 'error' && body.code === errorCodes.SESSIONEXPIRED) {
      return [answer, ...this.#end('expired', 'the session has expired')]
    }
    const effects = [answer]
    this.#sendNext(effects, nowMs)
    return effects
  }

  /** The server answered: later attempts start with short delays again. */
  #served(): void {
    this.#rotation.succeeded()
    this.#patienceMs = patienceAfter(this.#welcomeMs)
  }

  #ownAnswered(request: Request, body: ReplyBody, nowMs: number): SessionEffect<C>[] {
    if (request.type === 'closeSession') return this.#end('closed', 'the session is closed')
    if (body.type === 'error' && body.code === errorCodes.SESSIONEXPIRED) {
      return this.#end('expired', 'the session has expired')
    }
    if (isAuthFailed(request, body)) return this.#failAuth()
    if (body.type === 'error' && request.type === 'auth') {
      // The server cannot accept it now. Requests that need it fail with NOAUTH.
      this.#identities.forget(request)
      return this.#breakLink('it refused our authentication', nowMs)
    }
    if (body.type === 'error') {
      return this.#breakLink('it refused to take over our watches', nowMs)
    }
    this.#served()
    if (request.type === 'setWatches') this.#setWatchesUnanswered--
    const effects: SessionEffect<C>[] = []
    this.#sendNext(effects, nowMs)
    return effects
  }

  #register({ request, watcher }: C, body: ReplyBody): void {
    if (request.type === 'removeWatches') {
      if (body.type !== 'error') this.#watches.remove(request.path, request.watcherType, watcher)
      return
    }
    if (request.type === 'auth') {
      if (body.type !== 'error') this.#identities.remember(request)
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
    if (nowMs >= this.#expiryMs) return this.#end('expired', 'no server answered in time')
    if (this.#closeByMs !== undefined && nowMs >= this.#closeByMs) {
      return this.#end('closed', 'no server could be asked to close the session')
    }
    switch (this.#link.phase) {
      case 'none':
        return nowMs >= this.#link.dialMs ? this.#dial(nowMs) : []
      case 'dialling':
      case 'greeting': {
        const { phase, untilMs } = this.#link
        if (nowMs < untilMs) return []
        this.#patienceMs *= 2
        const found = phase === 'dialling' ? 'no connection' : 'connected, no answer'
        const patienceMs = Math.round(untilMs - this.#dialledMs)
        return this.#breakLink(`${found} within ${patienceMs} ms`, nowMs)
      }
      case 'open': {
        if (nowMs >= this.#silentTooLongMs) return this.#breakLink('it is silent', nowMs)
        const effects: SessionEffect<C>[] = []
        if (nowMs >= this.#probe.atMs) {
          this.#probe.atMs = Number.POSITIVE_INFINITY
          effects.push({ type: 'probe', server: this.#rotation.next() })
        }
        if (nowMs >= this.#pingDueMs) effects.push(this.#send({ type: 'ping' }, undefined, nowMs))
        return effects
      }
    }
  }

  /** Calls on a link are still answered, calls that wait for one fail; then the session ends. */
  #close(nowMs: number): SessionEffect<C>[] {
    if (this.#closeByMs !== undefined) return []
    const isOpen = this.#link.phase === 'open'
    if (!isOpen && !this.#isReplicated) return this.#end('closed', 'no server knows the session')
    this.#closeByMs = nowMs + closeMs
    if (isOpen) {
      const effects: SessionEffect<C>[] = []
      this.#sendClose(effects, nowMs)
      return effects
    }
    return this.#queue.takeWaiting().map((call) => {
      this.#queue.settled(call)
      return fail(call, 'SESSIONEXPIRED')
    })
  }

  /** Sends every waiting call regardless of the room in flight, then the close. */
  #sendClose(effects: SessionEffect<C>[], nowMs: number): void {
    for (const call of this.#queue.takeWaiting()) {
      effects.push(this.#send(call.request, call, nowMs))
    }
    effects.push(this.#send({ type: 'closeSession' }, undefined, nowMs))
  }

  /** Ends the session, as ZooKeeper's clients do: later requests would lack the identity. */
  #failAuth(): SessionEffect<C>[] {
    return this.#end('authFailed', 'it refused our authentication')
  }

  #end(state: 'expired' | 'closed' | 'authFailed', reason: string): SessionEffect<C>[] {
    const code = state === 'authFailed' ? 'AUTHFAILED' : 'SESSIONEXPIRED'
    const linked = this.#link.phase !== 'none'
    const effects: SessionEffect<C>[] = linked ? [{ type: 'hangUp', reason }] : []
    this.#link = { phase: 'none', dialMs: Number.POSITIVE_INFINITY }
    // While closing, any end of the session counts as closed.
    effects.push(...this.#become(this.#closeByMs === undefined ? state : 'closed'))
    const { sent, waiting } = this.#queue.drain()
    for (const call of sent) {
      effects.push(fail(call, isRepeatable(call.request) ? code : 'CONNECTIONLOSS'))
    }
    for (const call of waiting) effects.push(fail(call, code))
    return effects
  }

  #become(state: SessionState): SessionEffect<C>[] {
    if (this.#state === state) return []
    this.#state = state
    return [{ type: 'became', state }]
  }
}

function isAuthFailed(request: Request, body: ReplyBody): boolean {
  if (request.type !== 'auth' || body.type !== 'error') return false
  return body.code === errorCodes.AUTHFAILED
}
