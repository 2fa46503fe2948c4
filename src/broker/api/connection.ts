// One link accepted by a broker: hello, then requests, each answered when its answer is ready. Bad
// input ends this link with a reason in the log and nothing else.
//
// Next on the path: dispatch.ts.

import { limits } from '../../limits.ts'
import type { Logger } from '../../logger.ts'
import { ProtocolError } from '../../protocol/error-codes.ts'
import type { MqRequest, MqResponse } from '../../protocol/mq/apis.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { mqProtocolVersion } from '../../protocol/mq/hello.ts'
import { decodeMqRequest, encodeMqError, encodeMqResponse } from '../../protocol/mq/native.ts'
import { wordAnswer } from '../../protocol/mq/word-answer.ts'
import { MsgpackReader } from '../../protocol/msgpack.ts'
import { kindOf } from '../../protocol/strangers.ts'
import type { FirstBytes, Link, LinkListener } from '../../protocol/transport/transport.ts'
import type { Requester } from './answer.ts'
import type { BrokerParts } from './broker-parts.ts'
import { dispatch } from './dispatch.ts'
import { Greeting } from './greeting.ts'

export class ApiConnection implements LinkListener {
  readonly #parts: BrokerParts
  readonly #link: Link
  readonly #log: Logger
  readonly #reader = new MsgpackReader()
  readonly #greeting: Greeting
  readonly #onClosed: (connection: ApiConnection) => void
  #requester: Requester | undefined
  #outstandingCount = 0
  #isPaused = false
  #isClosed = false

  constructor(parts: BrokerParts, link: Link, onClosed: (connection: ApiConnection) => void) {
    this.#parts = parts
    this.#link = link
    this.#onClosed = onClosed
    this.#greeting = new Greeting(parts, link)
    const from = `${link.remoteAddress}:${link.remotePort}`
    this.#log = parts.log.child({ part: 'api', from })
  }

  /**
   * A four-letter word, for a server of ZooWeeper, gets an answer in plain text that says what this
   * is: as the length of a frame it would be far too much.
   */
  firstBytes(bytes: Buffer): FirstBytes {
    if (!/^[a-z]{1,4}$/.test(bytes.toString('latin1', 0, 4))) return 'frames'
    if (bytes.length < 4) return 'more'
    this.#link.out.raw(Buffer.from(wordAnswer(this.#parts.self)))
    this.#link.close()
    return 'other'
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
    this.#requester = hello
    this.#log.debug({ role: hello.role, name: hello.name }, 'A connection began')
  }

  closed(reason: Error | undefined): void {
    this.#isClosed = true
    if (reason instanceof ProtocolError) {
      const { remoteAddress: address, remotePort: port } = this.#link
      const facts = { address, port, reason: reason.message }
      const message = 'Closed a connection that broke the protocol'
      this.#parts.warnings.warn(kindOf(reason), facts, message)
    } else this.#log.debug({ reason: reason?.message }, 'A connection ended')
    this.#onClosed(this)
  }

  close(): void {
    this.#link.close()
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
