// One link to one broker: hello, requests matched to their responses by correlation id, time-outs.
// When the link is lost, everything in flight fails with NETWORK_EXCEPTION, outcome unknown; the
// owner opens another. Used by clients, and between brokers.
//
// Next on the path: protocol/transport, then broker/connection.ts at the other end.

import { type Address, formatAddress } from '../../address.ts'
import type { Clock } from '../../clock.ts'
import { limits } from '../../limits.ts'
import { ProtocolError } from '../../protocol/error-codes.ts'
import type { ApiName, MqRequest, MqResponse, ResponseOf } from '../../protocol/mq/apis.ts'
import type { ClusterSecret, LinkFacts } from '../../protocol/mq/cluster-secret.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import {
  decodeMqChallenge,
  decodeMqWelcome,
  encodeMqHello,
  encodeMqProof,
  type MqHello,
  type MqWelcome,
  mqProtocolVersion,
} from '../../protocol/mq/hello.ts'
import { type BrokerId, brokerErrorOf } from '../../protocol/mq/messages.ts'
import {
  decodeMqResponse,
  decodeResponseHeader,
  encodeMqRequest,
} from '../../protocol/mq/native.ts'
import { MsgpackReader, MsgpackWriter } from '../../protocol/msgpack.ts'
import type { Link, Transport } from '../../protocol/transport/transport.ts'
import { closedBecause, isRefusal } from '../attempts.ts'
import type { SendToken } from './login.ts'

export type Introduction = Omit<MqHello, 'version' | 'challenge'>

export interface LinkProver {
  readonly secret: ClusterSecret
  /** random */
  readonly challenge: Buffer
  /** who should be at the other end */
  readonly acceptor: BrokerId
}

interface MqConnectionOptions {
  readonly transport: Transport
  readonly address: Address
  readonly hello: Introduction
  /** of a broker: proves that this is one, and wants the other end to prove it too */
  readonly prover?: LinkProver
  /** of a client with a user: proves its name, before any request */
  readonly logIn?: (send: SendToken) => Promise<void>
  readonly clock: Clock
  /** Called once, after all requests in flight were rejected. */
  readonly onClosed?: (connection: MqConnection) => void
}

/** Time limit for connecting and the hello: a live broker answers immediately. */
const connectMs = 3000

/** Takes the outcome of a request: one of them is called, once. */
export interface Outcome<Response> {
  readonly answered: (response: Response) => void
  /** with the broker's error, NETWORK_EXCEPTION or REQUEST_TIMED_OUT */
  readonly failed: (error: BrokerError) => void
}

interface Pending {
  readonly type: ApiName
  readonly outcome: Outcome<MqResponse>
  readonly cancelTimer: () => void
}

export class MqConnection {
  readonly address: Address
  readonly #options: MqConnectionOptions
  readonly #link: Link
  readonly #reader = new MsgpackReader()
  readonly #pending = new Map<number, Pending>()
  #nextCorrelationId = 1
  /** requests that wait until both ends, or our user, have proved themselves; undefined: none has to */
  #held: Buffer[] | undefined
  #hasProved = false
  #broker: { readonly id: BrokerId; readonly clusterId: string } | undefined
  #isConnected = false
  #isRefused = false
  #isClosed = false
  /** the broker refused our user */
  #refusal: BrokerError | undefined
  /** once closed, the reason for error messages */
  #endedBy: string | undefined

  /** Connects; requests may be sent immediately. */
  constructor(options: MqConnectionOptions) {
    const { transport, address, hello, prover, logIn } = options
    this.#options = options
    this.#held = prover === undefined && logIn === undefined ? undefined : []
    this.address = address
    const linkOptions = {
      frameBytesMax: limits.brokerFrameBytesMax,
      queueBytesMax: limits.connectionQueueBytesMax,
      handshakeMs: connectMs,
      pauseWhenCongested: false,
      reusesBuffers: true,
    }
    this.#link = transport.dial(address, linkOptions, {
      connected: () => {
        this.#isConnected = true
      },
      frame: (buffer, start, end) => this.#received(this.#reader.reset(buffer, start, end)),
      closed: (reason) => this.#closed(reason),
    })
    const [version, challenge] = [mqProtocolVersion, prover?.challenge]
    // biome-ignore lint/plugin/noObjectSpread: once per connection
    encodeMqHello(this.#link.beginFrame(), { version, challenge, ...hello })
    this.#link.endFrame()
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** The broker that answered; undefined before. */
  get brokerId(): BrokerId | undefined {
    return this.#broker?.id
  }

  get clusterId(): string | undefined {
    return this.#broker?.clusterId
  }

  /** Nothing listens there, or the name does not exist: the system's definite answer. */
  get isRefused(): boolean {
    return this.#isRefused
  }

  /** A description of the broker from a failed call. */
  foundBy(error: unknown, timeoutMs: number): string {
    if (this.#endedBy !== undefined) return this.#endedBy
    if (error instanceof BrokerError && error.code === 'REQUEST_TIMED_OUT') {
      return `${this.#isConnected ? 'connected, no answer' : 'no connection'} within ${timeoutMs} ms`
    }
    return error instanceof Error ? error.message : String(error)
  }

  /** @throws BrokerError the broker's error, NETWORK_EXCEPTION or REQUEST_TIMED_OUT */
  call<T extends MqRequest>(request: T, timeoutMs: number): Promise<ResponseOf<T['type']>> {
    return new Promise((resolve, reject) => {
      this.ask(request, timeoutMs, { answered: resolve, failed: reject })
    })
  }

  /** @param outcome called as soon as it is known: with an answer while its frame is valid */
  ask<T extends MqRequest>(
    request: T,
    timeoutMs: number,
    outcome: Outcome<ResponseOf<T['type']>>,
  ): void {
    if (this.#isClosed) {
      const lost = this.#lost(this.#endedBy ?? 'the connection is closed')
      outcome.failed(this.#refusal ?? lost)
      return
    }
    const correlationId = this.#nextCorrelationId++
    const cancelTimer = this.#options.clock.after(timeoutMs, () => {
      this.#pending.delete(correlationId)
      const what = `${request.type} at broker ${formatAddress(this.address)}`
      const found = `no answer within ${timeoutMs} ms (REQUEST_TIMED_OUT)`
      outcome.failed(new BrokerError('REQUEST_TIMED_OUT', `${what}: ${found}`))
    })
    this.#pending.set(correlationId, {
      type: request.type,
      // The response is decoded by its request's type.
      outcome: outcome as unknown as Outcome<MqResponse>,
      cancelTimer,
    })
    this.#send(correlationId, request)
  }

  /** For a request without response. */
  post(request: MqRequest): void {
    if (!this.#isClosed) this.#send(this.#nextCorrelationId++, request)
  }

  close(): void {
    this.#link.destroy()
    this.#closed(undefined)
  }

  #send(correlationId: number, request: MqRequest): void {
    if (this.#held !== undefined && request.type !== 'authenticate') {
      const out = new MsgpackWriter()
      encodeMqRequest(out, correlationId, request)
      this.#held.push(out.view())
      return
    }
    encodeMqRequest(this.#link.beginFrame(), correlationId, request)
    this.#link.endFrame()
  }

  #greeted({ brokerId, clusterId }: MqWelcome): void {
    this.#broker = { id: brokerId, clusterId }
    this.#link.established()
    const { logIn } = this.#options
    if (logIn === undefined) this.#release()
    else void this.#loggedIn(logIn)
  }

  async #loggedIn(logIn: (send: SendToken) => Promise<void>): Promise<void> {
    try {
      await logIn((request) => this.call(request, connectMs))
      this.#release()
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      this.#refusal = error
      this.#link.destroy()
      this.#closed(error)
    }
  }

  #release(): void {
    if (this.#isClosed) return
    const held = this.#held ?? []
    this.#held = undefined
    for (const request of held) {
      this.#link.beginFrame().raw(request)
      this.#link.endFrame()
    }
  }

  /** @throws ProtocolError when the other end does not know the secret */
  #prove(reader: MsgpackReader, { secret, challenge, acceptor }: LinkProver): void {
    const { hello } = this.#options
    const asked = decodeMqChallenge(reader)
    const facts: LinkFacts = {
      clusterId: hello.clusterId ?? '',
      dialler: hello.brokerId,
      diallerEpoch: hello.brokerEpoch,
      acceptor,
      diallerChallenge: challenge,
      acceptorChallenge: asked.challenge,
    }
    if (!secret.accepts(asked.proof, 'acceptor', facts)) {
      const found = `it is not broker ${acceptor} of this cluster, or has another secret`
      throw new ProtocolError(`Cannot trust the broker at ${formatAddress(this.address)}: ${found}`)
    }
    this.#hasProved = true
    encodeMqProof(this.#link.beginFrame(), { proof: secret.proof('dialler', facts) })
    this.#link.endFrame()
  }

  /** @throws ProtocolError, which closes the link */
  #received(reader: MsgpackReader): void {
    if (this.#broker === undefined) {
      const { prover } = this.#options
      if (prover !== undefined && !this.#hasProved) this.#prove(reader, prover)
      else this.#greeted(decodeMqWelcome(reader))
      return
    }
    const { correlationId, error, fieldCount } = decodeResponseHeader(reader)
    const pending = this.#pending.get(correlationId)
    if (pending === undefined) {
      if (correlationId < this.#nextCorrelationId) return // its time was up
      throw new ProtocolError(`Cannot use response ${correlationId}: there is no such request`)
    }
    this.#pending.delete(correlationId)
    pending.cancelTimer()
    if (error !== undefined) {
      pending.outcome.failed(brokerErrorOf(error))
      return
    }
    pending.outcome.answered(this.#decoded(reader, pending, fieldCount))
  }

  #decoded(reader: MsgpackReader, { type, outcome }: Pending, fieldCount: number): MqResponse {
    try {
      return decodeMqResponse(reader, type, fieldCount)
    } catch (error) {
      outcome.failed(this.#lost((error as Error).message))
      throw error
    }
  }

  #closed(reason: Error | undefined): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#isRefused = isRefusal(reason)
    const isGreeted = this.#broker !== undefined
    this.#endedBy = isGreeted
      ? (reason?.message ?? 'the connection was closed')
      : closedBecause(reason, this.#isConnected)
    const error = this.#refusal ?? this.#lost(this.#endedBy)
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const { outcome, cancelTimer } of pending) {
      cancelTimer()
      outcome.failed(error)
    }
    this.#options.onClosed?.(this)
  }

  #lost(found: string): BrokerError {
    const broker = formatAddress(this.address)
    return new BrokerError('NETWORK_EXCEPTION', `Cannot talk to broker ${broker}: ${found}`)
  }
}
