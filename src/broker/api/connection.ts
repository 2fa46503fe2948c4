// One connection in the native protocol: hello, then requests, each answered as soon as it can be.
//
// Next on the path: dispatch.ts.

import { limits } from '../../limits.ts'
import type { Logger } from '../../logger.ts'
import type { MqRequest, MqResponse } from '../../protocol/mq/apis.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { mqProtocolVersion } from '../../protocol/mq/hello.ts'
import { decodeMqRequest, encodeMqError, encodeMqResponse } from '../../protocol/mq/native.ts'
import { MsgpackReader } from '../../protocol/msgpack.ts'
import type { Link } from '../../protocol/transport/transport.ts'
import type { Requester } from './answer.ts'
import type { BrokerParts } from './broker-parts.ts'
import { dispatch } from './dispatch.ts'
import { Greeting } from './greeting.ts'

export class ApiConnection {
  readonly #parts: BrokerParts
  readonly #link: Link
  readonly #log: Logger
  readonly #reader = new MsgpackReader()
  readonly #greeting: Greeting
  #requester: Requester | undefined
  #outstandingCount = 0
  #isPaused = false
  #isClosed = false

  constructor(parts: BrokerParts, link: Link, log: Logger) {
    this.#parts = parts
    this.#link = link
    this.#log = log
    this.#greeting = new Greeting(parts, link)
  }

  /** @throws ProtocolError, which closes the link */
  frame(buffer: Buffer, start: number, end: number): void {
    const reader = this.#reader.reset(buffer, start, end)
    if (this.#requester !== undefined) {
      this.#request(reader, this.#requester)
      return
    }
    const hello = this.#greeting.frame(reader)
    if (hello === undefined) return
    const { role, brokerId, brokerEpoch } = hello
    const { remoteAddress: host, tls } = this.#link
    const subject = tls?.certificate?.subject
    const principal = subject === undefined ? undefined : `User:${subject}`
    this.#requester = { role, brokerId, brokerEpoch, host, principal }
    this.#log.debug({ role: hello.role, name: hello.name }, 'A connection began')
  }

  closed(): void {
    this.#isClosed = true
  }

  #request(reader: MsgpackReader, requester: Requester): void {
    const { correlationId, request } = decodeMqRequest(reader)
    if (request === undefined) {
      const found = `this broker speaks protocol version ${mqProtocolVersion}`
      const error = new BrokerError('UNSUPPORTED_VERSION', `Cannot serve an unknown api: ${found}`)
      this.#send(correlationId, error)
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
