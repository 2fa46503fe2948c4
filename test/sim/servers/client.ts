// A client in the simulator: the real client's session, its bytes on the simulated network, and
// notes of its requests, answers and events. history.ts judges the notes.

import { type PendingCall, SessionDriver } from '../../../src/client/zk/session-driver.ts'
import {
  codeWhenOver,
  type SessionEffect,
  type SessionInput,
  type SessionState,
} from '../../../src/client/zk/session-events.ts'
import { ZkSession } from '../../../src/client/zk/zk-session.ts'
import { silentLogger } from '../../../src/logger.ts'
import { ZooKeeperDialect } from '../../../src/protocol/compat/zookeeper.ts'
import type { ClientCodec, Dialect } from '../../../src/protocol/dialect.ts'
import { ProtocolError } from '../../../src/protocol/error-codes.ts'
import type { SessionId } from '../../../src/protocol/records.ts'
import type { ReplyBody, Request, WatchEvent } from '../../../src/protocol/zk/messages.ts'
import { NativeDialect } from '../../../src/protocol/zk/native-dialect.ts'
import { formatZxid, type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'
import type { Random } from '../../../src/random.ts'
import type { ClientWorld } from '../../../src/world.ts'
import type { EventQueue } from '../event-queue.ts'
import type { Network } from '../network.ts'
import { SimProcess } from '../process.ts'
import { simWorld } from '../sim-world.ts'
import { clientPort } from './ensemble-judge.ts'
import type { Operation, Watch } from './operation.ts'

export class SimClient {
  readonly name: string
  readonly process: SimProcess
  readonly operations: Operation[] = []
  readonly #queue: EventQueue
  readonly #random: Random
  readonly #network: Network
  readonly #world: ClientWorld
  readonly #servers: readonly { readonly host: string; readonly port: number }[]
  readonly #timeoutMs: number
  readonly #dialect: Dialect
  readonly #trace: ((line: string) => void) | undefined
  #session: ZkSession<PendingCall>
  #driver: SessionDriver
  readonly #operationOf = new WeakMap<Request, Operation>()
  #connection = 0
  #step = 0
  #answerZxid: Zxid = zxidZero
  /** sessions that this client closed or saw expire */
  readonly ended = new Set<SessionId>()
  /** its sessions, each with the first step at which it saw that much */
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
    this.#network = parts.network
    this.#world = simWorld({ ...parts, process: this.process, host: name })
    this.#servers = Array.from({ length: parts.serverCount }, (_, i) => ({
      host: `s${i + 1}`,
      port: clientPort,
    }))
    this.#dialect = parts.random.chance(0.5) ? new NativeDialect() : new ZooKeeperDialect()
    ;[this.#session, this.#driver] = this.#newSession()
  }

  get state(): SessionState {
    return this.#session.state
  }

  /** dialled last */
  get server(): string {
    return this.#session.server?.host ?? ''
  }

  get session(): SessionId {
    return this.#session.sessionId
  }

  /** How many connections it has opened. */
  get connectionCount(): number {
    return this.#connection
  }

  /** Requests that have neither been answered nor failed. */
  get pendingCount(): number {
    return this.operations.reduce(
      (count, { outcome }) => count + (outcome.type === 'pending' ? 1 : 0),
      0,
    )
  }

  start(): void {
    this.process.enter(() => this.#driver.step({ type: 'start' }))
  }

  /** Ends the session; the client begins another one. */
  close(): void {
    this.process.enter(() => this.#driver.step({ type: 'close' }))
  }

  /** The client falls silent, and its session expires. */
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
    const call: PendingCall = {
      request,
      watcher: options.watch === true ? watcher : undefined,
      answered: (body) => this.#answered(operation, body),
      failed: (code) => {
        this.#trace?.(`${this.name}#${operation.issued} fails: ${code}`)
        operation.outcome = { type: 'failed', code, atMs: this.#queue.nowMs }
      },
    }
    this.process.enter(() => this.#driver.step({ type: 'called', call }))
    return operation
  }

  #newSession(): [ZkSession<PendingCall>, SessionDriver] {
    const session = new JudgingSession(
      { servers: this.#servers, timeoutMs: this.#timeoutMs, random: this.#random },
      (reason) => this.#network.onViolation(new ProtocolError(reason)),
    )
    const driver = new SessionDriver({
      session,
      codec: this.#noting(this.#dialect.clientCodec()),
      transport: this.#world.transport,
      clock: this.#world.clock,
      log: silentLogger,
      became: (state) => {
        this.#trace?.(`${this.name} ${state}, session ${this.session.toString(16)}`)
        if (state === 'expired' || state === 'closed') this.#again()
      },
      notify: (watchers, event) => {
        for (const watcher of watchers) watcher(event)
      },
      serverCount: this.#servers.length,
      unreachable: () => undefined,
    })
    return [session, driver]
  }

  /** Notes the connection of a request, and the zxid at which its answer holds. */
  #noting(codec: ClientCodec): ClientCodec {
    return {
      encodeHello: (out, hello) => {
        this.#connection++
        codec.encodeHello(out, hello)
      },
      decodeWelcome: (buffer, start, end) => codec.decodeWelcome(buffer, start, end),
      encodeRequest: (out, xid, request) => {
        codec.encodeRequest(out, xid, request)
        const operation = this.#operationOf.get(request)
        if (operation === undefined) return
        operation.session = this.#session.sessionId
        operation.connection = this.#connection
      },
      decodeMessage: (buffer, start, end) => {
        const message = codec.decodeMessage(buffer, start, end)
        if (message.type === 'reply') this.#answerZxid = message.zxid
        return message
      },
      decodeBody: (type) => codec.decodeBody(type),
    }
  }

  #answered(operation: Operation, body: ReplyBody): void {
    const step = ++this.#step
    const zxid = this.#answerZxid
    this.#trace?.(
      `${this.name}#${operation.issued} ${operation.request.type} is answered: ${body.type}${'code' in body ? ` ${body.code}` : ''} at ${formatZxid(zxid)}`,
    )
    operation.outcome = {
      type: 'answered',
      body,
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

  /** A session has ended: the next begins a little later. */
  #again(): void {
    const over = this.#session
    this.ended.add(over.sessionId)
    this.process.after(this.#random.next() * 200, () => {
      if (this.#session !== over) return
      ;[this.#session, this.#driver] = this.#newSession()
      this.#driver.step({ type: 'start' })
    })
  }
}

/** A server may be slow or silent, but it must never send what makes its client leave it. */
class JudgingSession extends ZkSession<PendingCall> {
  readonly #left: (reason: string) => void

  constructor(
    options: ConstructorParameters<typeof ZkSession<PendingCall>>[0],
    left: (reason: string) => void,
  ) {
    super(options)
    this.#left = left
  }

  override step(input: SessionInput<PendingCall>, nowMs: number): SessionEffect<PendingCall>[] {
    const effects = super.step(input, nowMs)
    const isAnswer = input.type === 'welcomed' || input.type === 'replied'
    // The end of a session is an answer like others.
    if (!isAnswer || codeWhenOver(this.state) !== undefined) return effects
    for (const effect of effects) if (effect.type === 'hangUp') this.#left(effect.reason)
    return effects
  }
}
