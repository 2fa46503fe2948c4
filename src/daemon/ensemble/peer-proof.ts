// Proof that both ends of a peer link know the ensemble's secret, before either judges the other's
// hello. Without a secret, a hello is taken as it comes.
//
//   dialling server               dialled server
//     hello with a challenge ────▶
//                           ◀──── challenge, and the proof that answers ours
//     proof ─────────────────────▶
//                           ◀──── hello, or the reason of a refusal
//
// link-opener.ts and knocker.ts carry the steps out. Next on the path: greeting.ts.

import { ProtocolError } from '../../protocol/error-codes.ts'
import { challengeBytes, LinkKey, type ProofFacts } from '../../protocol/link-proof.ts'
import type {
  Greeting,
  PeerChallenge,
  PeerHello,
  PeerProofFrame,
} from '../../protocol/peer/hello.ts'
import type { ServerId } from '../../protocol/records.ts'

export interface PeerSecret {
  readonly key: LinkKey
  /** Whether a server without the secret is refused; if not, it is taken on its word. */
  readonly isRequired: boolean
  readonly randomBytes: (count: number) => Uint8Array
}

/** This server, in its current life. */
export interface ProofParts {
  readonly self: ServerId
  readonly instance: number
  /** undefined: there is none, and every hello is taken on its word */
  readonly secret: PeerSecret | undefined
}

export type ProofStep =
  | { readonly type: 'send'; readonly greeting: Greeting }
  | { readonly type: 'refuse'; readonly peer: ServerId; readonly reason: string }
  /** The hello may be judged. */
  | { readonly type: 'done'; readonly hello: PeerHello }

/** One end of a link that is being opened. */
export interface LinkProof {
  /** @throws ProtocolError for a hello out of turn */
  hello(theirs: PeerHello): ProofStep
  /** @throws ProtocolError for a frame out of turn */
  answer(frame: PeerChallenge | PeerProofFrame): ProofStep
}

export function peerKeyOf(secret: Uint8Array): LinkKey {
  return new LinkKey(secret, 'zooweeper peer link')
}

/** The end that dialled. Its own hello carries `challenge`. */
export class DiallerProof implements LinkProof {
  readonly #parts: ProofParts
  readonly challenge: Buffer | undefined
  /** the server that has proved itself */
  #proved: ServerId | undefined

  constructor(parts: ProofParts) {
    this.#parts = parts
    this.challenge = parts.secret && Buffer.from(parts.secret.randomBytes(challengeBytes))
  }

  answer(frame: PeerChallenge | PeerProofFrame): ProofStep {
    const { self, instance, secret } = this.#parts
    if (frame.type !== 'challenge' || secret === undefined || this.challenge === undefined) {
      throw outOfTurn(frame.type)
    }
    const { serverId: peer, challenge: acceptorChallenge, proof } = frame
    const names = [self, instance, peer, frame.instance]
    const facts = { names, diallerChallenge: this.challenge, acceptorChallenge }
    if (!secret.key.accepts(proof, 'acceptor', facts)) return otherSecret(self, peer)
    this.#proved = peer
    return { type: 'send', greeting: { type: 'proof', proof: secret.key.proof('dialler', facts) } }
  }

  hello(theirs: PeerHello): ProofStep {
    const { self, secret } = this.#parts
    const { serverId: peer } = theirs
    if (secret?.isRequired === true && this.#proved !== peer) return noSecret(self, peer)
    return { type: 'done', hello: theirs }
  }
}

/** The end that was dialled. */
export class AcceptorProof implements LinkProof {
  readonly #parts: ProofParts
  /** a hello that waits for its proof */
  #challenged: { readonly hello: PeerHello; readonly facts: ProofFacts } | undefined

  constructor(parts: ProofParts) {
    this.#parts = parts
  }

  hello(theirs: PeerHello): ProofStep {
    const { self, instance, secret } = this.#parts
    const { serverId: peer, challenge: diallerChallenge } = theirs
    if (this.#challenged !== undefined) throw outOfTurn('hello')
    if (secret === undefined) return { type: 'done', hello: theirs }
    if (diallerChallenge === undefined) {
      return secret.isRequired ? noSecret(self, peer) : { type: 'done', hello: theirs }
    }
    const challenge = Buffer.from(secret.randomBytes(challengeBytes))
    const names = [peer, theirs.instance, self, instance]
    const facts = { names, diallerChallenge, acceptorChallenge: challenge }
    this.#challenged = { hello: theirs, facts }
    const proof = secret.key.proof('acceptor', facts)
    return {
      type: 'send',
      greeting: { type: 'challenge', serverId: self, instance, challenge, proof },
    }
  }

  answer(frame: PeerChallenge | PeerProofFrame): ProofStep {
    const { self, secret } = this.#parts
    const challenged = this.#challenged
    if (frame.type !== 'proof' || secret === undefined || challenged === undefined) {
      throw outOfTurn(frame.type)
    }
    const { hello, facts } = challenged
    const isRight = secret.key.accepts(frame.proof, 'dialler', facts)
    return isRight ? { type: 'done', hello } : otherSecret(self, hello.serverId)
  }
}

function noSecret(self: ServerId, peer: ServerId): ProofStep {
  const found = `server ${peer} does not prove itself, and server ${self} has a peerSecretFile`
  return { type: 'refuse', peer, reason: `${found}: give every server the same one` }
}

function otherSecret(self: ServerId, peer: ServerId): ProofStep {
  const found = `server ${peer} and server ${self} have different secrets in their peerSecretFile`
  return { type: 'refuse', peer, reason: found }
}

function outOfTurn(type: string): ProtocolError {
  return new ProtocolError(`Cannot take a ${type} at this point of opening a link`)
}
