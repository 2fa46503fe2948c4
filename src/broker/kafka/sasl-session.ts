// Whether the client of one connection has authenticated itself, and the exchange by which it does:
//
//   none ─▶ SaslHandshake names a mechanism ─▶ tokens, one or two ─▶ authenticated, or refused
//
// Tokens are requests of SaslAuthenticate or, after version 0 of the handshake, bare frames. Before a
// required authentication only the apis that lead to it are served. Rules are those of Kafka's
// SaslServerAuthenticator (3.9).

import { apiVersions } from '../../protocol/kafka/api/api-versions.ts'
import { saslAuthenticate } from '../../protocol/kafka/api/sasl-authenticate.ts'
import { saslHandshake } from '../../protocol/kafka/api/sasl-handshake.ts'
import type { MqErrorCode } from '../../protocol/mq/error-codes.ts'
import type { SaslMechanism } from '../../protocol/sasl/mechanisms.ts'
import { readPlainMessage } from '../../protocol/sasl/plain-message.ts'
import { SaslRefusal } from '../../protocol/sasl/sasl-refusal.ts'
import { isPassword, type ScramMechanism } from '../../protocol/sasl/scram-credential.ts'
import { ScramServer } from '../../protocol/sasl/scram-server.ts'
import type { SaslParts } from '../api/broker-parts.ts'

type State =
  | { readonly type: 'none' }
  | { readonly type: 'chosen'; readonly mechanism: SaslMechanism }
  | { readonly type: 'challenged'; readonly scram: ScramServer; readonly user: string }
  /** a token is being checked */
  | { readonly type: 'checking' }
  | { readonly type: 'authenticated'; readonly user: string }
  | { readonly type: 'refused' }

const noAnswer = Buffer.alloc(0)

export class SaslSession {
  readonly #parts: SaslParts
  #state: State = { type: 'none' }
  #isBare = false

  constructor(parts: SaslParts) {
    this.#parts = parts
  }

  get mechanisms(): readonly SaslMechanism[] {
    return this.#parts.mechanisms
  }

  /** undefined until a user has authenticated itself */
  get user(): string | undefined {
    return this.#state.type === 'authenticated' ? this.#state.user : undefined
  }

  /** Whether every api is served. */
  get isOpen(): boolean {
    const { type } = this.#state
    return type === 'authenticated' || (type === 'none' && !this.#parts.isRequired)
  }

  /** Whether the next frame is a token without headers. */
  get takesBareToken(): boolean {
    return this.#isBare && this.expectsToken
  }

  get expectsToken(): boolean {
    const { type } = this.#state
    return type === 'chosen' || type === 'challenged'
  }

  /** @returns whether a request of this api may be answered now; if not, the connection is closed */
  mayServe(apiKey: number): boolean {
    switch (this.#state.type) {
      case 'authenticated':
        return true
      case 'none':
        return !this.#parts.isRequired || apiKey === apiVersions.key || apiKey === saslHandshake.key
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
    const { mechanisms } = this.#parts
    if (mechanisms.length === 0 || this.#state.type !== 'none') return 'ILLEGAL_SASL_STATE'
    const mechanism = mechanisms.find((each) => each === name)
    if (mechanism === undefined) {
      this.#state = { type: 'refused' }
      return 'UNSUPPORTED_SASL_MECHANISM'
    }
    this.#isBare = isBare
    this.#state = { type: 'chosen', mechanism }
    return 'NONE'
  }

  /**
   * Takes the next token, when one is expected. Another one may come once this is settled.
   *
   * @returns the answer to it
   * @throws SaslRefusal; what the session with ZooWeeper throws
   */
  async take(token: Buffer): Promise<Buffer> {
    const state = this.#state
    this.#state = { type: 'checking' }
    try {
      const { next, answer } = await this.#step(state, token)
      this.#state = next
      return answer
    } catch (error) {
      this.#state = { type: 'refused' }
      throw error
    }
  }

  async #step(state: State, token: Buffer): Promise<{ next: State; answer: Buffer }> {
    switch (state.type) {
      case 'chosen':
        return state.mechanism === 'PLAIN'
          ? await this.#plain(token)
          : await this.#challenge(state.mechanism, token)
      case 'challenged': {
        const answer = state.scram.finish(token)
        return { next: { type: 'authenticated', user: state.user }, answer }
      }
      case 'none':
      case 'checking':
      case 'authenticated':
      case 'refused':
        throw new Error('Cannot take a token: none is expected')
    }
  }

  /** Kafka has no credentials of its own for PLAIN in ZooKeeper: those for SCRAM know the password. */
  async #plain(token: Buffer): Promise<{ next: State; answer: Buffer }> {
    const { user, password } = readPlainMessage(token)
    const [first] = await this.#parts.credentials(user)
    if (first === undefined || !(await isPassword(first[0], first[1], password))) {
      throw SaslRefusal.ofCredentials('PLAIN')
    }
    return { next: { type: 'authenticated', user }, answer: noAnswer }
  }

  async #challenge(
    mechanism: ScramMechanism,
    token: Buffer,
  ): Promise<{ next: State; answer: Buffer }> {
    const scram = new ScramServer(mechanism, this.#parts.makeNonce())
    const user = scram.begin(token)
    const credential = (await this.#parts.credentials(user)).get(mechanism)
    if (credential === undefined) throw SaslRefusal.ofCredentials(mechanism)
    return { next: { type: 'challenged', scram, user }, answer: scram.challenge(credential) }
  }
}
