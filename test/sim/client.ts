// A client in the simulator: the session of the real client, its bytes on the simulated network, and a
// note of everything it asked, was answered and was told. history.ts judges the notes.

import type { SessionEffect, SessionInput, SessionState } from '../../src/client/zk-session.ts'
import { type Call, ZkSession } from '../../src/client/zk-session.ts'
import { limits } from '../../src/limits.ts'
import { type ErrorCode, errorCodes, ProtocolError } from '../../src/protocol/error-codes.ts'
import { MsgpackReader } from '../../src/protocol/msgpack.ts'
import type { SessionId } from '../../src/protocol/records.ts'
import type { Link } from '../../src/protocol/transport/transport.ts'
import type { ReplyBody, Request, WatchEvent } from '../../src/protocol/zk/messages.ts'
import {
  decodeReplyBody,
  decodeServerMessage,
  decodeWelcome,
  encodeHello,
  encodeRequest,
} from '../../src/protocol/zk/native.ts'
import { formatZxid, type Zxid, zxidZero } from '../../src/protocol/zxid.ts'
import type { Random } from '../../src/random.ts'
import type { EventQueue } from './event-queue.ts'
import { type Network, SimTransport } from './network.ts'
import { SimProcess } from './process.ts'
import { clientPort } from './server.ts'

/** One request and what became of it. */
export interface Operation {
  readonly client: string
  /** 0 while the client had none */
  session: SessionId
  /** of all requests of the client, and of all that it was answered or told */
  readonly issued: number
  readonly request: Request
  readonly askedMs: number
  /** which of the client's connections it was sent over last; 0: none */
  connection: number
  /** whether a sync was sent right before it on the same session */
  readonly synced: Operation | undefined
  outcome: Outcome
  /** its watch, if it set one */
  watch: Watch | undefined
}

export type Outcome =
  | { readonly type: 'pending' }
  | {
      readonly type: 'answered'
      readonly body: ReplyBody
      readonly zxid: Zxid
      readonly atMs: number
      readonly step: number
      /** which of the client's connections it came over */
      readonly connection: number
    }
  /** nobody knows whether it happened, unless `code` says that it cannot have */
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly atMs: number }

export interface Watch {
  readonly operation: Operation
  readonly events: Heard[]
}

/** An event, when it came, and over which connection. */
export interface Heard {
  readonly event: WatchEvent
  readonly step: number
  readonly connection: number
}

interface SimCall extends Call {
  readonly operation: Operation
}

const linkOptions = {
  frameBytesMax: limits.clientReplyBytesMax,
  queueBytesMax: Number.POSITIVE_INFINITY,
  handshakeMs: limits.handshakeMs,
  pauseWhenCongested: false,
}

export class SimClient {
  readonly name: string
  readonly process: SimProcess
  readonly operations: Operation[] = []
  readonly #queue: EventQueue
  readonly #random: Random
  readonly #transport: SimTransport
  readonly #servers: readonly { readonly host: string; readonly port: number }[]
  readonly #timeoutMs: number
  readonly #reader = new MsgpackReader()
  readonly #trace: ((line: string) => void) | undefined
  #session: ZkSession<SimCall>
  readonly #operationOf = new WeakMap<Request, Operation>()
  #link: Link | undefined
  #connection = 0
  #timer: { readonly atMs: number; readonly cancel: () => void } | undefined
  #step = 0
  #answerZxid: Zxid = zxidZero
  /** dialled last */
  server = ''
  /** sessions that this client closed or saw expire */
  readonly ended = new Set<SessionId>()
  /** of its sessions, each with the first step after which it saw so much */
  readonly progress: {
    readonly session: SessionId
    readonly step: number
    readonly zxid: Zxid
    readonly connection: number
  }[] = []

  constructor(
    name: string,
    parts: {
      readonly queue: EventQueue
      readonly network: Network
      readonly random: Random
      readonly serverCount: number
      readonly timeoutMs: number
      readonly trace: ((line: string) => void) | undefined
    },
  ) {
    this.name = name
    this.#queue = parts.queue
    this.#random = parts.random
    this.#trace = parts.trace
    this.#timeoutMs = parts.timeoutMs
    this.process = new SimProcess(parts.queue)
    this.#transport = new SimTransport({ ...parts, process: this.process, host: name })
    this.#servers = Array.from({ length: parts.serverCount }, (_, i) => ({
      host: `s${i + 1}`,
      port: clientPort,
    }))
    this.#session = this.#newSession()
  }

  get state(): SessionState {
    return this.#session.state
  }

  get session(): SessionId {
    return this.#session.sessionId
  }

  /** Requests that are neither answered nor failed. */
  get pendingCount(): number {
    return this.operations.reduce(
      (count, { outcome }) => count + (outcome.type === 'pending' ? 1 : 0),
      0,
    )
  }

  start(): void {
    this.process.enter(() => this.#take({ type: 'start' }))
  }

  /** Ends the session; the client begins another one. */
  close(): void {
    this.process.enter(() => this.#take({ type: 'close' }))
  }

  /** It is never heard of again, and its session expires. */
  vanish(network: Network): void {
    this.process.end()
    network.processEnded(this.process, { silent: false })
  }

  ask(request: Request, options: { watch?: boolean; synced?: Operation } = {}): Operation {
    const operation: Operation = {
      client: this.name,
      session: this.#session.sessionId,
      issued: this.operations.length,
      request,
      askedMs: this.#queue.nowMs,
      connection: 0,
      synced: options.synced,
      outcome: { type: 'pending' },
      watch: undefined,
    }
    this.operations.push(operation)
    const path = 'path' in request ? request.path : ''
    this.#trace?.(`${this.name}#${operation.issued} asks ${request.type} ${path}`)
    this.#operationOf.set(request, operation)
    const watch: Watch = { operation, events: [] }
    if (options.watch === true) operation.watch = watch
    const watcher = (event: WatchEvent): void => {
      this.#trace?.(
        `${this.name}#${operation.issued} hears ${event.type} ${event.path} at ${formatZxid(event.zxid)}`,
      )
      watch.events.push({ event, step: ++this.#step, connection: this.#connection })
    }
    const call: SimCall = {
      request,
      operation,
      watcher: options.watch === true ? watcher : undefined,
    }
    this.process.enter(() => this.#take({ type: 'called', call }))
    return operation
  }

  #newSession(): ZkSession<SimCall> {
    return new ZkSession<SimCall>({
      servers: this.#servers,
      timeoutMs: this.#timeoutMs,
      random: this.#random,
    })
  }

  #take(input: SessionInput<SimCall>): void {
    for (const effect of this.#session.step(input, this.process.nowMs())) this.#perform(effect)
    this.#maybeSetTimer()
  }

  #perform(effect: SessionEffect<SimCall>): void {
    switch (effect.type) {
      case 'dial':
        return this.#dial(effect.server)
      case 'hangUp':
        // Neither slow nor silent, but wrong.
        if (/answered request|refused|not asked for|another ensemble/.test(effect.reason)) {
          this.#transport.network.onViolation(new ProtocolError(effect.reason))
        }
        this.#link?.destroy()
        this.#link = undefined
        return
      case 'greet': {
        const out = this.#link?.beginFrame()
        if (out !== undefined) encodeHello(out, effect.hello)
        return this.#link?.endFrame()
      }
      case 'send': {
        const out = this.#link?.beginFrame()
        if (out !== undefined) encodeRequest(out, effect.xid, effect.request)
        const operation = this.#operationOf.get(effect.request)
        if (operation !== undefined) {
          operation.session = this.#session.sessionId
          operation.connection = this.#connection
        }
        return this.#link?.endFrame()
      }
      case 'answer':
        return this.#answered(effect.call.operation, effect.body)
      case 'fail': {
        const { operation } = effect.call
        this.#trace?.(`${this.name}#${operation.issued} fails: ${effect.code}`)
        operation.outcome = { type: 'failed', code: effect.code, atMs: this.#queue.nowMs }
        return
      }
      case 'notify':
        for (const watcher of effect.watchers) watcher(effect.event)
        return
      case 'became':
        this.#trace?.(`${this.name} ${effect.state}, session ${this.session.toString(16)}`)
        if (effect.state === 'expired' || effect.state === 'closed') this.#again()
        return
    }
  }

  #answered(operation: Operation, body: ReplyBody): void {
    const step = ++this.#step
    const zxid = this.#answerZxid
    this.#trace?.(
      `${this.name}#${operation.issued} ${operation.request.type} is answered: ${body.type} at ${formatZxid(zxid)}`,
    )
    operation.outcome = {
      type: 'answered',
      body: kept(body),
      zxid,
      atMs: this.#queue.nowMs,
      step,
      connection: this.#connection,
    }
    this.progress.push({
      session: this.#session.sessionId,
      step,
      zxid,
      connection: this.#connection,
    })
  }

  /** A session has ended: another one begins a little later. */
  #again(): void {
    const over = this.#session
    this.ended.add(over.sessionId)
    this.process.after(this.#random.next() * 200, () => {
      if (this.#session !== over) return
      this.#session = this.#newSession()
      this.#take({ type: 'start' })
    })
  }

  #dial(server: { readonly host: string; readonly port: number }): void {
    let greeted = false
    this.#connection++
    this.server = server.host
    const link: Link = this.#transport.dial(server, linkOptions, {
      connected: () => {
        if (link === this.#link) this.#take({ type: 'opened' })
      },
      frame: (buffer, start, end) => {
        if (link !== this.#link) return
        const reader = this.#reader.reset(buffer, start, end)
        if (greeted) return this.#take(this.#decode(reader))
        greeted = true
        link.established()
        this.#take({ type: 'welcomed', welcome: decodeWelcome(reader) })
      },
      closed: () => {
        if (link !== this.#link) return
        this.#link = undefined
        this.#take({ type: 'lost' })
      },
    })
    this.#link = link
  }

  #decode(reader: MsgpackReader): SessionInput<SimCall> {
    const message = decodeServerMessage(reader)
    if (message.type === 'event') return { type: 'notified', event: message.event }
    const { xid, zxid, err } = message
    this.#answerZxid = zxid
    const type = this.#session.awaited(xid)
    if (type === undefined) throw new ProtocolError(`Cannot take answer ${xid}: nothing was asked`)
    const body: ReplyBody =
      err === errorCodes.OK ? decodeReplyBody(message.body, type) : { type: 'error', code: err }
    return { type: 'replied', xid, zxid, body }
  }

  #maybeSetTimer(): void {
    const atMs = this.#session.wakeMs()
    if (this.#timer !== undefined && this.#timer.atMs <= atMs) return
    this.#timer?.cancel()
    this.#timer = undefined
    if (atMs === Number.POSITIVE_INFINITY) return
    const delayMs = Math.max(0, Math.ceil(atMs - this.process.nowMs()))
    const cancel = this.process.after(delayMs, () => {
      this.#timer = undefined
      this.#take({ type: 'tick' })
    })
    this.#timer = { atMs, cancel }
  }
}

/** Bytes of an answer are views of a buffer that will be used again. */
function kept(body: ReplyBody): ReplyBody {
  if (body.type !== 'getData' || body.data === null) return body
  return { ...body, data: Uint8Array.from(body.data) }
}
