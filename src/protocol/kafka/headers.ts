// What lies before a message of Kafka's protocol, behind its size (frame.ts).
//
//   request    apiKey i16, apiVersion i16, correlationId i32, clientId string or null,
//              tagged fields in flexible versions
//   response   correlationId i32, tagged fields in flexible versions
//
// The client id is never compact. The response of ApiVersions has no tagged fields there: a client that
// asked in a version which the broker does not know reads it as version 0.
//
// Next on the path: broker/kafka/connection.ts.

import type { Fields, StructRead, StructWritten } from './fields.ts'
import type { KafkaApi } from './message.ts'
import type { KafkaReader } from './reader.ts'
import type { KafkaWriter } from './writer.ts'

export interface RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
}

/** Whether a first frame whose body begins with `byte` is Kafka's: its apis number less than 256. */
export function beginsKafkaRequest(byte: number | undefined): boolean {
  return byte === 0
}

/**
 * Reads as far as the tagged fields: whether there are any depends on the api.
 *
 * @throws ProtocolError
 */
export function readRequestHeader(from: KafkaReader): RequestHeader {
  const apiKey = from.int16()
  const apiVersion = from.int16()
  const correlationId = from.int32()
  const length = from.stringLength(false)
  const clientId = length === -1 ? null : from.text(length)
  return { apiKey, apiVersion, correlationId, clientId }
}

/**
 * Reads on where `readRequestHeader` ended. Bytes in the request are views.
 *
 * @param version is one that the api serves
 * @throws ProtocolError
 */
export function readRequest<Request extends Fields, Response extends Fields>(
  from: KafkaReader,
  api: KafkaApi<Request, Response>,
  version: number,
): StructRead<Request> {
  if (api.isFlexible(version)) from.skipTags()
  return api.request.read(from, version)
}

/** Which response it is, and in which form its client reads it. */
export interface ResponseHeader {
  readonly correlationId: number
  readonly version: number
}

/** Writes a whole response, its size included. @throws ProtocolError as `Message.write` does */
export function writeResponse<Request extends Fields, Response extends Fields>(
  to: KafkaWriter,
  api: KafkaApi<Request, Response>,
  { correlationId, version }: ResponseHeader,
  response: StructWritten<Response>,
): void {
  to.beginMessage()
  to.int32(correlationId)
  if (api.hasResponseTags(version)) to.uvarint(0)
  api.response.write(to, version, response)
  to.endMessage()
}
