// The secret that only the brokers of one cluster know. It proves to another broker that a link
// comes from a broker, and to ZooWeeper that a session may write the cluster's znodes. Pure.
//
// The secret itself never leaves the process: each use has its own key, derived from the secret.

import { createHmac, timingSafeEqual } from 'node:crypto'
import { digestOf } from '../digest.ts'
import { type Acl, perms } from '../records.ts'
import type { BrokerId } from './messages.ts'

/** Bytes of a challenge, and of the proof that answers it. */
export const challengeBytes = 32

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

/** The end that proves itself; the two proofs differ, so neither can be replayed as the other. */
export type LinkEnd = 'dialler' | 'acceptor'

export class ClusterSecret {
  readonly #linkKey: Buffer
  readonly #credential: Buffer

  constructor(secret: Uint8Array) {
    const keyFor = (use: string) => createHmac('sha256', secret).update(use).digest()
    this.#linkKey = keyFor('mimicq link')
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

  /** 32 bytes: HMAC-SHA256 over everything that both ends know about the link. */
  proof(end: LinkEnd, facts: LinkFacts): Buffer {
    const { clusterId, dialler, diallerEpoch, acceptor } = facts
    const hmac = createHmac('sha256', this.#linkKey)
    hmac.update(JSON.stringify([end, clusterId, dialler, diallerEpoch, acceptor]))
    return hmac.update(facts.diallerChallenge).update(facts.acceptorChallenge).digest()
  }

  /** Compares in constant time, so that timing reveals nothing about the right proof. */
  accepts(proof: Uint8Array, end: LinkEnd, facts: LinkFacts): boolean {
    return proof.length === challengeBytes && timingSafeEqual(proof, this.proof(end, facts))
  }
}
