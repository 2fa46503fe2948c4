// The exchange by which the client of one connection proves the name of a user, in either protocol:
//
//   none ─▶ a mechanism is chosen ─▶ tokens, one or two ─▶ authenticated, or refused
//
// A refusal is told after a while, so that passwords are not guessed quickly. kafka/sasl-session.ts has
// Kafka's rules around it.

import { limits } from '../../limits.ts'
import type { SaslMechanism } from '../../protocol/sasl/mechanisms.ts'
import { readPlainMessage } from '../../protocol/sasl/plain-message.ts'
import { SaslRefusal } from '../../protocol/sasl/sasl-refusal.ts'
import { isPassword, type ScramMechanism } from '../../protocol/sasl/scram-credential.ts'
import { ScramServer } from '../../protocol/sasl/scram-server.ts'
import type { BrokerParts, SaslParts } from './broker-parts.ts'

type State =
  | { readonly type: 'none' }
  | { readonly type: 'chosen'; readonly mechanism: SaslMechanism }
  | { readonly type: 'challenged'; readonly scram: ScramServer; readonly user: string }
  /** a token is being checked */
  | { readonly type: 'checking' }
  | { readonly type: 'authenticated'; readonly user: string }
  | { readonly type: 'refused' }

const noAnswer = Buffer.alloc(0)

export class SaslExchange {
  readonly #parts: SaslParts
  #state: State = { type: 'none' }

  constructor(parts: SaslParts) {
    this.#parts = parts
  }

  get mechanisms(): readonly SaslMechanism[] {
    return this.#parts.mechanisms
  }

  get state(): State['type'] {
    return this.#state.type
  }

  get isRequired(): boolean {
    return this.#parts.isRequired
  }

  /** undefined until a user has authenticated itself */
  get user(): string | undefined {
    return this.#state.type === 'authenticated' ? this.#state.user : undefined
  }

  get expectsToken(): boolean {
    const { type } = this.#state
    return type === 'chosen' || type === 'challenged'
  }

  /** At the beginning, the client names a mechanism. @returns whether it is enabled */
  choose(name: string): boolean {
    const mechanism = this.#parts.mechanisms.find((each) => each === name)
    this.#state = mechanism === undefined ? { type: 'refused' } : { type: 'chosen', mechanism }
    return mechanism !== undefined
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

interface TokenReply {
  accepted(answer: Buffer): void
  refused(why: string): void
  /** The credentials could not be read: the client may try again. */
  failed(reason: string): void
}

interface TokenContext {
  readonly parts: Pick<BrokerParts, 'log' | 'warnings' | 'clock'>
  readonly exchange: Pick<SaslExchange, 'take' | 'user'>
  /** of the client */
  readonly address: string
}

/** Takes the next token, when one is expected. */
export function takeToken(
  { parts, exchange, address }: TokenContext,
  token: Buffer,
  reply: TokenReply,
): void {
  exchange.take(token).then(
    (answer) => {
      const { user } = exchange
      if (user !== undefined) parts.log.debug({ user }, 'A user is authenticated')
      reply.accepted(answer)
    },
    (error: Error) => {
      if (!(error instanceof SaslRefusal)) {
        reply.failed(`Cannot read the credentials of a user: ${error.message}`)
        return
      }
      parts.warnings.warn('sasl', { address, reason: error.message }, 'Refused a user')
      parts.clock.after(limits.saslRefusalDelayMs, () => reply.refused(error.message))
    },
  )
}
