// SaslAuthenticate: one token of a SASL exchange, and the server's token in response.

import { defaulted, since } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { bytes, int16, int64, nullable, string } from '../types.ts'

export const saslAuthenticate = new KafkaApi({
  key: 36,
  name: 'SaslAuthenticate',
  versions: [0, 2],
  flexibleFrom: 2,
  request: {
    authBytes: bytes,
  },
  response: {
    errorCode: int16,
    errorMessage: defaulted(nullable(string), null),
    authBytes: bytes,
    sessionLifetimeMs: since(1, int64, 0),
  },
})

export type SaslAuthenticateRequest = RequestOf<typeof saslAuthenticate>
export type SaslAuthenticateResponse = ResponseOf<typeof saslAuthenticate>
