// Serves a request of Kafka's protocol: decodes it, calls the api's handler, and encodes the
// response in the order of the requests (connection.ts).

import type { Fields, StructRead, StructWritten } from '../../protocol/kafka/fields.ts'
import { readRequest, writeResponse } from '../../protocol/kafka/headers.ts'
import type { KafkaApi } from '../../protocol/kafka/message.ts'
import type { KafkaReader } from '../../protocol/kafka/reader.ts'
import type { KafkaWriter } from '../../protocol/kafka/writer.ts'
import type { MqRequest, ResponseOf } from '../../protocol/mq/apis.ts'
import { type BrokerError, type MqErrorCode, mqErrorCodes } from '../../protocol/mq/error-codes.ts'
import type { Outcome } from '../../protocol/mq/messages.ts'
import type { Access } from '../api/access.ts'
import type { BrokerParts } from '../api/broker-parts.ts'
import { dispatch } from '../api/dispatch.ts'
import type { FetchRequester, FetchSessions } from './fetch-sessions.ts'
import type { SaslSession } from './sasl-session.ts'

/** Requests of a broker to itself do not depend on its broker epoch. */
const noEpoch = 0

/** The circumstances of a request. */
export interface KafkaContext {
  readonly parts: BrokerParts
  readonly version: number
  /** from the request header; empty if the client sends none */
  readonly clientId: string
  readonly clientHost: string
  /** of the connection */
  readonly sasl: SaslSession
  /** of the connection's client */
  readonly access: Access
  /** of all connections of the broker */
  readonly fetchSessions: FetchSessions
  /** of the connection */
  readonly grantedFetchSession: FetchRequester['granted']
}

/** A handler answers with exactly one of these calls, at once or later. */
export interface KafkaReply<Response> {
  send(response: Response): void
  /** The same, and the connection is closed behind it. */
  last(response: Response): void
  /** The client expects no response. */
  none(): void
  /** No response could report the error: the connection is closed. */
  close(reason: string): void
}

/** Writes a whole response including its size, once it is the next one to send. */
export type WriteResponse = (to: KafkaWriter) => void

/** The view that a connection has of an api. */
export interface ServedApi {
  readonly key: number
  readonly name: string
  readonly offeredFrom: number
  readonly lastVersion: number
  serves(version: number): boolean
  /** Whether requests begin before earlier requests of the connection are answered. */
  readonly overlaps: boolean
  /**
   * Decodes a request whose header has been read, and begins to answer it.
   *
   * @throws ProtocolError
   */
  begin(
    from: KafkaReader,
    context: KafkaContext,
    correlationId: number,
    reply: KafkaReply<WriteResponse>,
  ): void
}

export type KafkaHandler<Request, Response> = (
  context: KafkaContext,
  request: Request,
  reply: KafkaReply<Response>,
) => void

/** @param handler may use the bytes of its request only during the call */
export function serve<Request extends Fields, Response extends Fields>(
  api: KafkaApi<Request, Response>,
  handler: KafkaHandler<StructRead<Request>, StructWritten<Response>>,
  { overlaps = false }: { readonly overlaps?: boolean } = {},
): ServedApi {
  return {
    key: api.key,
    name: api.name,
    offeredFrom: api.offeredFrom,
    lastVersion: api.lastVersion,
    serves: (version) => api.serves(version),
    overlaps,
    begin(from, context, correlationId, reply) {
      const { version } = context
      const written = (response: StructWritten<Response>): WriteResponse => {
        return (to) => writeResponse(to, api, { correlationId, version }, response)
      }
      handler(context, readRequest(from, api, version), {
        send: (response) => reply.send(written(response)),
        last: (response) => reply.last(written(response)),
        none: () => reply.none(),
        close: (reason) => reply.close(reason),
      })
    },
  }
}

/**
 * Sends the equivalent request of the native protocol to this broker, so that each request is
 * implemented once. The requester is a broker, since only a broker may say `passedOn`.
 */
export function ask<R extends MqRequest>(
  { parts }: KafkaContext,
  request: R,
  respond: (answer: ResponseOf<R['type']> | BrokerError) => void,
): void {
  const requester = { role: 'broker', brokerId: parts.self, brokerEpoch: noEpoch } as const
  dispatch(parts, requester, request, (answer) => {
    // A request is answered with a response of its own type.
    respond(answer as ResponseOf<R['type']> | BrokerError)
  })
}

/** Time for a request of a client that does not wait. */
const noTimeoutMs = 5000

/**
 * The time for a change of topics or of their records. A client that does not want to wait names 0:
 * Kafka makes the change nevertheless, and answers REQUEST_TIMED_OUT at once. The answer here comes
 * when the outcome is known.
 */
export function adminTimeoutMs(timeoutMs: number): number {
  return timeoutMs > 0 ? timeoutMs : noTimeoutMs
}

export function numberOf(code: MqErrorCode): number {
  return mqErrorCodes[code]
}

/** The error of one part of a request. */
export function errorOf({ error }: Outcome): number {
  return error === undefined ? mqErrorCodes.NONE : mqErrorCodes[error.code]
}
