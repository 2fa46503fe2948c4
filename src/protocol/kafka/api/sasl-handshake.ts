// SaslHandshake: chooses the SASL mechanism; never flexible. After version 0, tokens follow without
// Kafka headers; after version 1, as SaslAuthenticate requests.

import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { int16, listOf, string } from '../types.ts'

export const saslHandshake = new KafkaApi({
  key: 17,
  name: 'SaslHandshake',
  versions: [0, 1],
  request: {
    mechanism: string,
  },
  response: {
    errorCode: int16,
    mechanisms: listOf(string),
  },
})

export type SaslHandshakeRequest = RequestOf<typeof saslHandshake>
export type SaslHandshakeResponse = ResponseOf<typeof saslHandshake>
