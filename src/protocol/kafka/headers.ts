// The headers of Kafka's messages, after the size (frame.ts).
//
//   request    apiKey i16, apiVersion i16, correlationId i32, clientId string or null,
//              tagged fields in flexible versions
//   response   correlationId i32, tagged fields in flexible versions
//
// The client id is never compact. An ApiVersions response has no tagged fields in its header: a
// client whose version the broker does not know reads the response as version 0.
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

/** Whether a first frame whose body begins with `byte` is Kafka's: its api keys are below 256. */
export function beginsKafkaRequest(byte: number | undefined): boolean {
  return byte === 0
}

/**
 * Reads up to the tagged fields: whether there are any depends on the api.
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
 * Continues after `readRequestHeader`. Bytes in the request are views.
 *
 * @param version must be one that the api serves
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

/** Identifies the request, and the version to answer in. */
export interface ResponseHeader {
  readonly correlationId: number
  readonly version: number
}

/** Writes a whole response including its size. @throws ProtocolError as `Message.write` does */
export function writeResponse<Request extends Fields, Response extends Fields>(
  to: KafkaWriter,
  api: KafkaApi<Request, Response>,
  { correlationId, version }: ResponseHeader,
  response: StructWritten<Response>,
): void {
  to.beginFrame()
  to.int32(correlationId)
  if (api.hasResponseTags(version)) to.uvarint(0)
  api.response.write(to, version, response)
  to.endFrame()
}
