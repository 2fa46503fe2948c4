// Whether the client of one connection of Kafka's protocol has authenticated itself, and what it may ask
// until then:
//
//   none ─▶ SaslHandshake names a mechanism ─▶ tokens, one or two ─▶ authenticated, or refused
//
// Tokens are requests of SaslAuthenticate or, after version 0 of the handshake, bare frames. Before a
// required authentication only the apis that lead to it are served. Rules are those of Kafka's
// SaslServerAuthenticator (3.9).
//
// Next on the path: api/sasl-exchange.ts.

import { apiVersions } from '../../protocol/kafka/api/api-versions.ts'
import { saslAuthenticate } from '../../protocol/kafka/api/sasl-authenticate.ts'
import { saslHandshake } from '../../protocol/kafka/api/sasl-handshake.ts'
import type { MqErrorCode } from '../../protocol/mq/error-codes.ts'
import type { SaslMechanism } from '../../protocol/sasl/mechanisms.ts'
import type { SaslParts } from '../api/broker-parts.ts'
import { SaslExchange } from '../api/sasl-exchange.ts'

export class SaslSession {
  readonly exchange: SaslExchange
  #isBare = false

  constructor(parts: SaslParts) {
    this.exchange = new SaslExchange(parts)
  }

  get mechanisms(): readonly SaslMechanism[] {
    return this.exchange.mechanisms
  }

  /** undefined until a user has authenticated itself */
  get user(): string | undefined {
    return this.exchange.user
  }

  /** Whether every api is served. */
  get isOpen(): boolean {
    const { state, isRequired } = this.exchange
    return state === 'authenticated' || (state === 'none' && !isRequired)
  }

  /** Whether the next frame is a token without headers. */
  get takesBareToken(): boolean {
    return this.#isBare && this.expectsToken
  }

  get expectsToken(): boolean {
    return this.exchange.expectsToken
  }

  /** @returns whether a request of this api may be answered now; if not, the connection is closed */
  mayServe(apiKey: number): boolean {
    switch (this.exchange.state) {
      case 'authenticated':
        return true
      case 'none':
        if (!this.exchange.isRequired) return true
        return apiKey === apiVersions.key || apiKey === saslHandshake.key
      case 'chosen':
      case 'challenged':
        return apiKey === saslAuthenticate.key
      case 'checking':
      case 'refused':
        return false
    }
  }

  /** The client names a mechanism. @param isBare its tokens come without headers */
  choose(name: string, { isBare }: { readonly isBare: boolean }): MqErrorCode {
    const { mechanisms, state } = this.exchange
    if (mechanisms.length === 0 || state !== 'none') return 'ILLEGAL_SASL_STATE'
    if (!this.exchange.choose(name)) return 'UNSUPPORTED_SASL_MECHANISM'
    this.#isBare = isBare
    return 'NONE'
  }
}
