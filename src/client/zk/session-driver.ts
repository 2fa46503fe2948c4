// Performs the effects of one session (zk-session.ts) in the order given: its socket, its timer,
// the codec of its dialect, and its pending calls.

import { type Address, formatAddress } from '../../address.ts'
import type { Clock } from '../../clock.ts'
import { limits } from '../../limits.ts'
import type { Logger } from '../../logger.ts'
import type { ClientCodec } from '../../protocol/dialect.ts'
import { type ErrorCode, errorCodes, ProtocolError } from '../../protocol/error-codes.ts'
import type { Link, Transport } from '../../protocol/transport/transport.ts'
import type { ReplyBody, WatchEvent } from '../../protocol/zk/messages.ts'
import { type Attempt, Attempts, closedBecause } from '../attempts.ts'
import { askWord } from './ask-word.ts'
import type { Call } from './call.ts'
import {
  codeWhenOver,
  type SessionEffect,
  type SessionInput,
  type SessionState,
} from './session-events.ts'
import type { Watcher } from './watch-registry.ts'
import type { ZkSession } from './zk-session.ts'

/** A call with its caller; one of the two methods is called, once. */
export interface PendingCall extends Call {
  answered(body: ReplyBody): void
  failed(code: ErrorCode): void
}

interface SessionDriverOptions {
  readonly session: ZkSession<PendingCall>
  readonly codec: ClientCodec
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
  readonly became: (state: SessionState) => void
  readonly notify: (watchers: readonly Watcher[], event: WatchEvent) => void
  /** number of servers */
  readonly serverCount: number
  /**
   * All servers were tried since one last served us, and none does; again when a result changes.
   */
  readonly unreachable: (attempts: readonly Attempt[]) => void
}

export class SessionDriver {
  readonly #options: SessionDriverOptions
  readonly #attempts = new Attempts()
  #link: Link | undefined
  /** the server of the link, and whether it served us */
  #server: Address | undefined
  #wasServed = false
  #timer: { readonly atMs: number; readonly cancel: () => void } | undefined

  constructor(options: SessionDriverOptions) {
    this.#options = options
  }

  /** The latest attempt at each server, since one last served us. */
  get attempts(): readonly Attempt[] {
    return this.#attempts.all
  }

  step(input: SessionInput<PendingCall>): void {
    const { session, clock } = this.#options
    for (const effect of session.step(input, clock.nowMs())) this.#perform(effect)
    this.#maybeSetTimer()
  }

  #perform(effect: SessionEffect<PendingCall>): void {
    const { codec, log } = this.#options
    switch (effect.type) {
      case 'dial':
        this.#dial(effect.server)
        return
      case 'hangUp':
        log.debug({ reason: effect.reason }, 'Leaving a server')
        this.#link?.destroy()
        this.#link = undefined
        this.#failed(effect.reason)
        return
      case 'greet': {
        const out = this.#link?.beginFrame()
        if (out === undefined) return
        codec.encodeHello(out, effect.hello)
        this.#link?.endFrame()
        return
      }
      case 'send': {
        const out = this.#link?.beginFrame()
        if (out === undefined) return
        codec.encodeRequest(out, effect.xid, effect.request)
        this.#link?.endFrame()
        return
      }
      case 'answer':
        effect.call.answered(effect.body)
        return
      case 'fail':
        effect.call.failed(effect.code)
        return
      case 'notify':
        this.#options.notify(effect.watchers, effect.event)
        return
      case 'probe':
        void this.#probe(effect.server)
        return
      case 'became':
        if (this.#options.session.server !== undefined) {
          this.#wasServed = true
          this.#attempts.clear()
        }
        this.#options.became(effect.state)
        return
    }
  }

  #dial(server: Address): void {
    const { transport, codec, log } = this.#options
    let wasConnected = false
    let greeted = false
    this.#server = server
    this.#wasServed = false
    const link: Link = transport.dial(server, linkOptions, {
      connected: () => {
        wasConnected = true
        if (link === this.#link) this.step({ type: 'opened' })
      },
      frame: (buffer, start, end) => {
        if (link !== this.#link) return
        if (greeted) {
          this.step(this.#decode(buffer, start, end))
          return
        }
        greeted = true
        link.established()
        this.step({ type: 'welcomed', welcome: codec.decodeWelcome(buffer, start, end) })
      },
      closed: (reason) => {
        if (link !== this.#link) return
        this.#link = undefined
        log.debug({ server: formatAddress(server), reason: reason?.message }, 'Lost a server')
        this.#failed(closedBecause(reason, wasConnected))
        this.step({ type: 'lost' })
      },
    })
    this.#link = link
  }

  #failed(found: string): void {
    const isOver = codeWhenOver(this.#options.session.state) !== undefined
    if (this.#server === undefined || this.#wasServed || isOver) return
    const attempts = this.#attempts
    const isNews = attempts.failed(this.#server, found)
    if (isNews && attempts.count >= this.#options.serverCount) {
      this.#options.unreachable(attempts.all)
    }
  }

  /** @throws ProtocolError */
  #decode(buffer: Buffer, start: number, end: number): SessionInput<PendingCall> {
    const { session, codec } = this.#options
    const message = codec.decodeMessage(buffer, start, end)
    if (message.type === 'event') return { type: 'notified', event: message.event }
    const { xid, zxid, err } = message
    const type = session.awaited(xid)
    if (type === undefined)
      throw new ProtocolError(`Cannot use answer ${xid}: there is no such request`)
    const body: ReplyBody =
      err === errorCodes.OK ? codec.decodeBody(type) : { type: 'error', code: err }
    return { type: 'replied', xid, zxid, body }
  }

  async #probe(server: Address): Promise<void> {
    const readWrite = (await askWord(this.#options, server, 'isro')) === 'rw'
    this.step({ type: 'probed', server, readWrite })
  }

  /**
   * Lets an early timer fire with nothing to do, which is cheaper than resetting it per request.
   */
  #maybeSetTimer(): void {
    const { session, clock } = this.#options
    const atMs = session.wakeMs()
    if (this.#timer !== undefined && this.#timer.atMs <= atMs && atMs !== Number.POSITIVE_INFINITY)
      return
    this.#timer?.cancel()
    this.#timer = undefined
    if (atMs === Number.POSITIVE_INFINITY) return
    const delayMs = Math.max(0, Math.ceil(atMs - clock.nowMs()))
    const cancel = clock.after(delayMs, () => {
      this.#timer = undefined
      this.step({ type: 'tick' })
    })
    this.#timer = { atMs, cancel }
  }
}

const linkOptions = {
  frameBytesMax: limits.clientReplyBytesMax,
  // The session bounds the bytes it sends, and leaves a silent server.
  queueBytesMax: Number.POSITIVE_INFINITY,
  handshakeMs: limits.handshakeMs,
  pauseWhenCongested: false,
}
