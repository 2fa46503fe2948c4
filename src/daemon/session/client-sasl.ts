// SASL of clients, by ZooKeeper's request `sasl`: one exchange per connection, whose result is the
// identity `sasl:USER`. Next on the path: protocol/sasl/digest-md5-server.ts.

import type { Id } from '../../protocol/records.ts'
import { DigestMd5Server } from '../../protocol/sasl/digest-md5-server.ts'
import type { SaslOptions } from '../../protocol/sasl/sasl-options.ts'
import { SaslRefusal } from '../../protocol/sasl/sasl-refusal.ts'
import { superUser } from './authentication.ts'

/** As ZooKeeper's server names itself, and as its clients expect. */
const realm = 'zk-sasl-md5'
const digestUri = `zookeeper/${realm}`

export type SaslStep =
  | { readonly type: 'challenge'; readonly token: Buffer }
  | {
      readonly type: 'authenticated'
      readonly token: Buffer
      readonly user: string
      readonly identities: readonly Id[]
    }
  | { readonly type: 'refused'; readonly reason: string }

export class ClientSasl {
  readonly #options: SaslOptions
  readonly #newNonce: () => string
  readonly #exchanges = new WeakMap<object, DigestMd5Server>()

  constructor(options: SaslOptions, newNonce: () => string) {
    this.#options = options
    this.#newNonce = newNonce
  }

  /** The next message of `client`, in its only exchange. */
  step(client: object, message: Uint8Array): SaslStep {
    try {
      const step = this.#exchangeOf(client).step(message)
      if (step.type === 'challenge') return step
      const { user, token } = step
      const identities: Id[] = [{ scheme: 'sasl', id: user }]
      if (user === this.#options.superUser) identities.unshift(superUser)
      return { type: 'authenticated', token, user, identities }
    } catch (error) {
      if (!(error instanceof SaslRefusal)) throw error
      return { type: 'refused', reason: error.message }
    }
  }

  #exchangeOf(client: object): DigestMd5Server {
    const known = this.#exchanges.get(client)
    if (known !== undefined) return known
    const { users } = this.#options
    const nonce = this.#newNonce()
    const passwordOf = (user: string): string | undefined => users.get(user)
    const begun = new DigestMd5Server({ nonce, realm, digestUri, passwordOf })
    this.#exchanges.set(client, begun)
    return begun
  }
}
