// The client's side of Kafka's protocol: encodes what a broker decodes, and the reverse.

import type { Fields, StructRead, StructWritten } from '../../../src/protocol/kafka/fields.ts'
import type { KafkaApi } from '../../../src/protocol/kafka/message.ts'
import type { KafkaReader } from '../../../src/protocol/kafka/reader.ts'
import { nullable, string } from '../../../src/protocol/kafka/types.ts'
import type { KafkaWriter } from '../../../src/protocol/kafka/writer.ts'

export interface RequestOptions {
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
}

const plain = { version: 0, isFlexible: false }

/** Header and body, without their size. */
export function writeRequest<Request extends Fields, Response extends Fields>(
  to: KafkaWriter,
  api: KafkaApi<Request, Response>,
  { version, correlationId, clientId }: RequestOptions,
  request: StructWritten<Request>,
): void {
  to.int16(api.key)
  to.int16(version)
  to.int32(correlationId)
  nullable(string).codec(plain).write(to, clientId)
  if (api.isFlexible(version)) to.uvarint(0)
  api.request.write(to, version, request)
}

/** Decodes a response after its correlation id. */
export function readResponse<Request extends Fields, Response extends Fields>(
  from: KafkaReader,
  api: KafkaApi<Request, Response>,
  version: number,
): StructRead<Response> {
  if (api.hasResponseTags(version)) from.skipTags()
  return api.response.read(from, version)
}
