// The secret that only the brokers of one cluster know. It proves to another broker that a link
// comes from a broker, and to ZooWeeper that a session may write the cluster's znodes. Pure.
//
// The secret itself never leaves the process: each use has its own key, derived from the secret.

import { createHmac } from 'node:crypto'
import { digestOf } from '../digest.ts'
import { type LinkEnd, LinkKey, type ProofFacts } from '../link-proof.ts'
import { type Acl, perms } from '../records.ts'
import type { BrokerId } from './messages.ts'

/** What both ends of a link know about it once each has challenged the other. */
export interface LinkFacts {
  readonly clusterId: string
  /** the broker that opened the link, and its current broker epoch */
  readonly dialler: BrokerId
  readonly diallerEpoch: number
  readonly acceptor: BrokerId
  readonly diallerChallenge: Uint8Array
  readonly acceptorChallenge: Uint8Array
}

export class ClusterSecret {
  readonly #linkKey: LinkKey
  readonly #credential: Buffer

  constructor(secret: Uint8Array) {
    const keyFor = (use: string) => createHmac('sha256', secret).update(use).digest()
    this.#linkKey = new LinkKey(secret, 'mimicq link')
    this.#credential = Buffer.from(`mimicq:${keyFor('mimicq znodes').toString('base64url')}`)
  }

  /** `user:password` for ZooWeeper's scheme `digest`. */
  get credential(): Uint8Array {
    return this.#credential
  }

  /** The ACL of every znode of the cluster: any client may read it, only brokers may change it. */
  get acl(): readonly Acl[] {
    return [
      { perms: perms.read, scheme: 'world', id: 'anyone' },
      { perms: perms.all, scheme: 'digest', id: digestOf(this.#credential) },
    ]
  }

  /** 32 bytes: see `LinkKey.proof`. */
  proof(end: LinkEnd, facts: LinkFacts): Buffer {
    return this.#linkKey.proof(end, proofFacts(facts))
  }

  accepts(proof: Uint8Array, end: LinkEnd, facts: LinkFacts): boolean {
    return this.#linkKey.accepts(proof, end, proofFacts(facts))
  }
}

function proofFacts(facts: LinkFacts): ProofFacts {
  const { clusterId, dialler, diallerEpoch, acceptor, diallerChallenge, acceptorChallenge } = facts
  const names = [clusterId, dialler, diallerEpoch, acceptor]
  return { names, diallerChallenge, acceptorChallenge }
}
