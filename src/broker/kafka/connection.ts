// One connection of a client that speaks Kafka's protocol. Responses are sent in the order of the
// requests, as Kafka clients require.
//
// A request begins when all earlier ones are answered, so at most one answer waits for its turn.
// Only produce requests begin at once, because their answers are small and producers do not wait
// for them. A request that has to wait is held, and the connection is not read meanwhile.
//
// Where clients have to authenticate themselves, only the requests that lead to it are served before
// (sasl-session.ts).
//
// Next on the path: handlers.ts.

import { Fifo } from '../../fifo.ts'
import { limits } from '../../limits.ts'
import { ProtocolError } from '../../protocol/error-codes.ts'
import { apiVersions } from '../../protocol/kafka/api/api-versions.ts'
import { readRequestHeader } from '../../protocol/kafka/headers.ts'
import { KafkaReader } from '../../protocol/kafka/reader.ts'
import { KafkaWriter } from '../../protocol/kafka/writer.ts'
import type { Link } from '../../protocol/transport/transport.ts'
import { Access } from '../api/access.ts'
import type { BrokerParts } from '../api/broker-parts.ts'
import { takeToken } from '../api/sasl-exchange.ts'
import { FetchSessions } from './fetch-sessions.ts'
import { handlers, unknownVersion } from './handlers.ts'
import { SaslSession } from './sasl-session.ts'
import type { WriteResponse } from './serving.ts'

/** The shared parts of all connections of a broker. */
export class KafkaDialect {
  readonly parts: BrokerParts
  readonly reader = new KafkaReader()
  readonly writer = new KafkaWriter()
  readonly fetchSessions: FetchSessions

  constructor(parts: BrokerParts) {
    this.parts = parts
    this.fetchSessions = new FetchSessions({
      sessionsMax: limits.fetchSessionsMax,
      partitionsMax: limits.fetchSessionPartitionsMax,
      randomId: () => Buffer.from(parts.randomBytes(4)).readInt32BE() & 0x7fffffff,
    })
  }
}

/** A request that has begun. */
interface Pending {
  /** undefined until answered; null if answered without a response */
  answer: WriteResponse | null | undefined
  /** The connection is closed behind the answer. */
  isLast: boolean
}

export class KafkaConnection {
  readonly #dialect: KafkaDialect
  readonly #link: Link
  readonly #sasl: SaslSession
  readonly #access: Access
  readonly #grantedFetchSession = { sessionId: 0 }
  readonly #pending = new Fifo<Pending>()
  /** frames of requests that may not begin yet */
  readonly #held = new Fifo<Buffer>()
  #isPaused = false
  #isAdvancing = false
  #isClosed = false

  constructor(dialect: KafkaDialect, link: Link) {
    this.#dialect = dialect
    this.#link = link
    this.#sasl = new SaslSession(dialect.parts.sasl)
    const { remoteAddress: host } = link
    // As in Kafka, a password says more than the certificate of the machine.
    const user = (): string | undefined => this.#sasl.user ?? link.tls?.certificate?.subject
    this.#access = new Access(dialect.parts.acls, { user, host })
  }

  /** @throws ProtocolError, which closes the link */
  frame(buffer: Buffer, start: number, end: number): void {
    if (!this.#sasl.isOpen && end - start > limits.saslRequestBytesMax) {
      const most = `at most ${limits.saslRequestBytesMax} are allowed before authentication`
      throw new ProtocolError(`Cannot read a request of ${end - start} bytes: ${most}`)
    }
    if (this.#held.length === 0 && this.#mayBegin(buffer, start, end)) {
      this.#begin(buffer, start, end)
    } else this.#held.push(Buffer.from(buffer.subarray(start, end)))
    this.#advance()
  }

  closed(): void {
    this.#isClosed = true
    this.#held.clear()
  }

  #mayBegin(buffer: Buffer, start: number, end: number): boolean {
    if (this.#pending.length === 0) return true
    if (this.#pending.length >= limits.connectionOutstandingMax || !this.#sasl.isOpen) return false
    return end - start >= 2 && handlers.get(buffer.readInt16BE(start))?.overlaps === true
  }

  /** @throws ProtocolError */
  #begin(buffer: Buffer, start: number, end: number): void {
    if (this.#sasl.takesBareToken) {
      this.#takeBareToken(Buffer.from(buffer.subarray(start, end)))
      return
    }
    const { parts, reader } = this.#dialect
    const { apiKey, apiVersion, correlationId, clientId } = readRequestHeader(
      reader.reset(buffer, start, end),
    )
    const api = handlers.get(apiKey)
    const isServed = api?.serves(apiVersion) === true
    if (api === undefined || (!isServed && apiKey !== apiVersions.key)) {
      throw new ProtocolError(`Cannot serve api ${apiKey} of Kafka in version ${apiVersion}`)
    }
    if (!this.#sasl.mayServe(apiKey)) {
      throw new ProtocolError(
        `Cannot serve ${api.name}: the client has to authenticate itself first`,
      )
    }
    if (this.#sasl.isOpen) this.#link.established()
    const answered = this.#pend()
    if (!isServed) {
      answered(unknownVersion(correlationId))
      return
    }
    const context = {
      parts,
      version: apiVersion,
      clientId: clientId ?? '',
      clientHost: this.#link.remoteAddress,
      sasl: this.#sasl,
      access: this.#access,
      fetchSessions: this.#dialect.fetchSessions,
      grantedFetchSession: this.#grantedFetchSession,
    }
    api.begin(reader, context, correlationId, {
      send: answered,
      last: (answer) => answered(answer, { isLast: true }),
      none: () => answered(null),
      close: (reason) => this.#close(api.name, reason),
    })
  }

  /** A token after version 0 of the handshake; its answer has no header either. */
  #takeBareToken(token: Buffer): void {
    const { parts } = this.#dialect
    const { remoteAddress: address } = this.#link
    const answered = this.#pend()
    takeToken({ parts, exchange: this.#sasl.exchange, address }, token, {
      accepted: (answer) => {
        answered((to) => {
          to.beginFrame()
          to.raw(answer)
          to.endFrame()
        })
      },
      refused: (why) => this.#close('a token', why),
      failed: (reason) => this.#close('a token', reason),
    })
  }

  /** Takes the next place in the order of answers. @returns to be called once, with its answer */
  #pend(): (answer: WriteResponse | null, options?: { readonly isLast: boolean }) => void {
    const pending: Pending = { answer: undefined, isLast: false }
    this.#pending.push(pending)
    return (answer, { isLast } = { isLast: false }) => {
      pending.answer = answer
      pending.isLast = isLast
      this.#advance()
    }
  }

  #close(what: string, reason: string): void {
    this.#dialect.parts.log.debug({ what, reason }, 'Closed a connection of Kafka’s protocol')
    this.#link.close()
  }

  /** Sends the answers whose turn has come, and begins the requests that may begin. */
  #advance(): void {
    if (this.#isAdvancing || this.#isClosed) return
    this.#isAdvancing = true
    try {
      for (;;) {
        for (let next = this.#pending.head; next?.answer !== undefined; next = this.#pending.head) {
          this.#pending.shift()
          if (next.answer !== null) this.#send(next.answer)
          if (next.isLast) {
            this.#link.close()
            return
          }
        }
        const frame = this.#held.head
        if (frame === undefined || !this.#mayBegin(frame, 0, frame.length)) break
        this.#held.shift()
        this.#begin(frame, 0, frame.length)
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#link.destroy(error)
    } finally {
      this.#isAdvancing = false
    }
    this.#pauseOrResume()
  }

  #send(write: WriteResponse): void {
    const { writer } = this.#dialect
    writer.clear()
    write(writer)
    const link = this.#link
    writer.forEachPiece((piece, isInserted) => {
      if (isInserted) link.insert(piece)
      else link.out.raw(piece)
    })
  }

  #pauseOrResume(): void {
    if (this.#isClosed) return
    const mustWait = this.#held.length > 0
    if (mustWait === this.#isPaused) return
    this.#isPaused = mustWait
    if (mustWait) this.#link.pause()
    else this.#link.resume()
  }
}
