// One connection in the native protocol: hello, then requests, each answered as soon as it can be. Where
// users are required, a client authenticates one first (sasl-exchange.ts).
//
// Next on the path: dispatch.ts.

import { limits } from '../../limits.ts'
import type { Logger } from '../../logger.ts'
import { ProtocolError } from '../../protocol/error-codes.ts'
import type { MqRequest, MqResponse } from '../../protocol/mq/apis.ts'
import type { AuthenticateRequest } from '../../protocol/mq/authenticate.ts'
import { BrokerError, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { mqProtocolVersion } from '../../protocol/mq/hello.ts'
import { decodeMqRequest, encodeMqError, encodeMqResponse } from '../../protocol/mq/native.ts'
import { MsgpackReader } from '../../protocol/msgpack.ts'
import type { Link } from '../../protocol/transport/transport.ts'
import { Access } from './access.ts'
import type { Requester } from './answer.ts'
import type { BrokerParts } from './broker-parts.ts'
import { dispatch } from './dispatch.ts'
import { Greeting } from './greeting.ts'
import { SaslExchange, takeToken } from './sasl-exchange.ts'

export class ApiConnection {
  readonly #parts: BrokerParts
  readonly #link: Link
  readonly #log: Logger
  readonly #reader = new MsgpackReader()
  readonly #greeting: Greeting
  readonly #exchange: SaslExchange
  #requester: Requester | undefined
  /** it is served: a broker, or a client that has a user where one is required */
  #isOpen = false
  #outstandingCount = 0
  #isPaused = false
  #isClosed = false

  constructor(parts: BrokerParts, link: Link, log: Logger) {
    this.#parts = parts
    this.#link = link
    this.#log = log
    this.#greeting = new Greeting(parts, link)
    this.#exchange = new SaslExchange(parts.sasl)
  }

  /** @throws ProtocolError, which closes the link */
  frame(buffer: Buffer, start: number, end: number): void {
    const reader = this.#reader.reset(buffer, start, end)
    if (this.#requester !== undefined) {
      if (!this.#isOpen && end - start > limits.saslRequestBytesMax) {
        const most = `at most ${limits.saslRequestBytesMax} are allowed before authentication`
        throw new ProtocolError(`Cannot take a request of ${end - start} bytes: ${most}`)
      }
      this.#request(reader, this.#requester)
      return
    }
    const hello = this.#greeting.frame(reader)
    if (hello === undefined) return
    const { role, brokerId, brokerEpoch } = hello
    // biome-ignore lint/plugin/noObjectSpread: once per connection
    this.#requester = { role, brokerId, brokerEpoch, ...(role === 'client' && this.#client()) }
    this.#maybeEstablish()
    this.#log.debug({ role: hello.role, name: hello.name }, 'A connection began')
  }

  closed(): void {
    this.#isClosed = true
  }

  #client(): Pick<Requester, 'host' | 'exchange' | 'access'> {
    const { acls } = this.#parts
    const { remoteAddress: host, tls } = this.#link
    const exchange = this.#exchange
    const user = () => exchange.user ?? tls?.certificate?.subject
    const access = acls === undefined ? undefined : new Access(acls, { user, host })
    return { host, exchange, access }
  }

  /** Until then, time and the size of a request are limited. */
  #maybeEstablish(): void {
    const { isRequired, user } = this.#exchange
    this.#isOpen = this.#requester?.role === 'broker' || !isRequired || user !== undefined
    if (this.#isOpen) this.#link.established()
  }

  #request(reader: MsgpackReader, requester: Requester): void {
    const { correlationId, request } = decodeMqRequest(reader)
    if (request === undefined) {
      const found = `this broker speaks protocol version ${mqProtocolVersion}`
      const error = new BrokerError('UNSUPPORTED_VERSION', `Cannot serve an unknown api: ${found}`)
      this.#send(correlationId, error)
      return
    }
    if (request.type === 'authenticate' && requester.role === 'client') {
      this.#authenticate(correlationId, request)
      return
    }
    this.#outstandingCount += 1
    if (this.#outstandingCount >= limits.connectionOutstandingMax && !this.#isPaused) {
      this.#isPaused = true
      this.#link.pause()
    }
    const isAnswered = !isSilent(request)
    dispatch(this.#parts, requester, request, (answer) => {
      this.#outstandingCount -= 1
      if (isAnswered) this.#send(correlationId, answer)
      if (this.#isPaused && this.#outstandingCount < limits.connectionOutstandingMax / 2) {
        this.#isPaused = false
        if (!this.#isClosed) this.#link.resume()
      }
    })
  }

  #authenticate(correlationId: number, { mechanism, token }: AuthenticateRequest): void {
    const exchange = this.#exchange
    const refuse = (code: MqErrorCode, found: string) => {
      this.#send(correlationId, new BrokerError(code, `Cannot authenticate: ${found}`))
    }
    if (exchange.state === 'none' && !exchange.choose(mechanism)) {
      const { mechanisms } = exchange
      const has = mechanisms.length === 0 ? 'no users' : `${mechanisms.join(', ')} alone`
      refuse('UNSUPPORTED_SASL_MECHANISM', `this broker has ${has}, not ${mechanism}`)
      return
    }
    if (!exchange.expectsToken) {
      refuse('ILLEGAL_SASL_STATE', 'another exchange has begun, or ended, on this connection')
      return
    }
    takeToken({ parts: this.#parts, exchange, address: this.#link.remoteAddress }, token, {
      accepted: (answer) => {
        const isDone = exchange.user !== undefined
        this.#maybeEstablish()
        this.#send(correlationId, { type: 'authenticate', token: answer, isDone })
      },
      refused: (why) => {
        this.#send(correlationId, new BrokerError('SASL_AUTHENTICATION_FAILED', why))
        if (!this.#isClosed) this.#link.close()
      },
      failed: (reason) => {
        this.#send(correlationId, new BrokerError('BROKER_NOT_AVAILABLE', reason))
        if (!this.#isClosed) this.#link.close()
      },
    })
  }

  #send(correlationId: number, answer: MqResponse | BrokerError): void {
    if (this.#isClosed) return
    const out = this.#link.beginFrame()
    if (answer instanceof BrokerError) encodeMqError(out, correlationId, answer)
    else encodeMqResponse(out, correlationId, answer)
    this.#link.endFrame()
  }
}

/** A produce with acks 0 has no response, not even an error. */
function isSilent(request: MqRequest): boolean {
  return request.type === 'produce' && request.acks === 'none'
}
