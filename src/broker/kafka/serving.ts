// What a broker does with a request of Kafka's: reads it, lets the api's handler answer, and writes the
// response when its turn has come (connection.ts).

import type { Fields, StructRead, StructWritten } from '../../protocol/kafka/fields.ts'
import { readRequest, writeResponse } from '../../protocol/kafka/headers.ts'
import type { KafkaApi } from '../../protocol/kafka/message.ts'
import type { KafkaReader } from '../../protocol/kafka/reader.ts'
import type { KafkaWriter } from '../../protocol/kafka/writer.ts'
import type { MqRequest, ResponseOf } from '../../protocol/mq/apis.ts'
import { type BrokerError, type MqErrorCode, mqErrorCodes } from '../../protocol/mq/error-codes.ts'
import type { Outcome } from '../../protocol/mq/messages.ts'
import type { BrokerParts } from '../api/broker-parts.ts'
import { dispatch } from '../api/dispatch.ts'

/** It asks for nothing that depends on which of its lives it is in. */
const noEpoch = 0

/** Where a request came from. */
export interface KafkaContext {
  readonly parts: BrokerParts
  readonly version: number
}

/** How a handler answers: by one of these, once, at once or later. */
export interface KafkaReply<Response> {
  send(response: Response): void
  /** The client expects no response. */
  none(): void
  /** No response could say what is wrong: the connection ends. */
  close(reason: string): void
}

/** A whole response, its size included, when it is its turn to be written. */
export type WriteResponse = (to: KafkaWriter) => void

/** An api as a connection sees it. */
export interface ServedApi {
  readonly key: number
  readonly name: string
  readonly offeredFrom: number
  readonly lastVersion: number
  serves(version: number): boolean
  /** Its requests begin although earlier ones of the connection are not answered yet. */
  readonly overlaps: boolean
  /**
   * Reads a request, whose header was read, and begins to answer it.
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

/** @param handler may use bytes of its request during the call only */
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
      handler(context, readRequest(from, api, version), {
        send: (response) => {
          reply.send((to) => writeResponse(to, api, { correlationId, version }, response))
        },
        none: () => reply.none(),
        close: (reason) => reply.close(reason),
      })
    },
  }
}

/**
 * Asks what the native protocol would ask: what requests mean is said there, once. The broker asks
 * itself, as one: only brokers may say that a request is not to be passed on.
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

export function numberOf(code: MqErrorCode): number {
  return mqErrorCodes[code]
}

/** The error of one part of a request. */
export function errorOf({ error }: Outcome): number {
  return error === undefined ? mqErrorCodes.NONE : mqErrorCodes[error.code]
}
