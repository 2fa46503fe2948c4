// authenticate: one message of SASL, and the broker's answer to it. A client proves the name of a user
// with it before anything else; other requests wait, or are refused where users are required.
//
// Next on the path: broker/api/sasl-exchange.ts.

import { boolean, buffer, text } from '../fields.ts'
import type { Message } from './messages.ts'

export const authenticateRequest = {
  /** PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; the same in each message of one exchange */
  mechanism: text(),
  /** the client's message, as the mechanism has it */
  token: buffer({ copied: true }),
}
export type AuthenticateRequest = Message<'authenticate', typeof authenticateRequest>

export const authenticateResponse = {
  /** the broker's message; empty where the mechanism has none */
  token: buffer({ copied: true }),
  /** the user is authenticated; otherwise the broker waits for the next message */
  isDone: boolean(),
}
export type AuthenticateResponse = Message<'authenticate', typeof authenticateResponse>
