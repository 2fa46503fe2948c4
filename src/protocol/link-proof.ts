// Proof that both ends of a link know one secret: each end answers the random challenge of the other,
// for one link and one end only. Pure. It proves who opened the link, and encrypts nothing.

import { createHmac, timingSafeEqual } from 'node:crypto'

/** Bytes of a challenge, and of the proof that answers it. */
export const challengeBytes = 32

/** The end that proves itself; the two proofs differ, so neither can be replayed as the other. */
export type LinkEnd = 'dialler' | 'acceptor'

/** What both ends of a link know about it once each has challenged the other. */
export interface ProofFacts {
  /** who they are, and in which life, in an order that both know */
  readonly names: readonly (string | number)[]
  readonly diallerChallenge: Uint8Array
  readonly acceptorChallenge: Uint8Array
}

/** The secret, for one use: the secret itself never leaves the process. */
export class LinkKey {
  readonly #key: Buffer

  constructor(secret: Uint8Array, use: string) {
    this.#key = createHmac('sha256', secret).update(use).digest()
  }

  /** 32 bytes: HMAC-SHA256 over everything that both ends know about the link. */
  proof(end: LinkEnd, { names, diallerChallenge, acceptorChallenge }: ProofFacts): Buffer {
    const hmac = createHmac('sha256', this.#key).update(JSON.stringify([end, ...names]))
    return hmac.update(diallerChallenge).update(acceptorChallenge).digest()
  }

  /** Compares in constant time, so that timing reveals nothing about the right proof. */
  accepts(proof: Uint8Array, end: LinkEnd, facts: ProofFacts): boolean {
    return proof.length === challengeBytes && timingSafeEqual(proof, this.proof(end, facts))
  }
}
