// The start of each link that a broker accepts: the hello of the other end and, if that claims to
// be a broker, its proof. protocol/mq/hello.ts has the frames.

import { ProtocolError } from '../../protocol/error-codes.ts'
import { challengeBytes } from '../../protocol/link-proof.ts'
import type { ClusterSecret, LinkFacts } from '../../protocol/mq/cluster-secret.ts'
import {
  decodeMqHello,
  decodeMqProof,
  encodeMqChallenge,
  encodeMqWelcome,
  type MqHello,
  mqProtocolVersion,
} from '../../protocol/mq/hello.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import type { MsgpackReader } from '../../protocol/msgpack.ts'
import type { Link } from '../../protocol/transport/transport.ts'

export interface GreetingParts {
  readonly self: BrokerId
  readonly clusterId: string
  readonly secret: ClusterSecret
  randomBytes(count: number): Uint8Array
}

export class Greeting {
  readonly #parts: GreetingParts
  readonly #link: Link
  /** set once the other end, as a broker, has been challenged */
  #challenged: { readonly hello: MqHello; readonly facts: LinkFacts } | undefined

  constructor(parts: GreetingParts, link: Link) {
    this.#parts = parts
    this.#link = link
  }

  /**
   * Takes one frame.
   *
   * @returns the other end's hello, once it is a client's, or a broker has proved itself
   * @throws ProtocolError for another cluster, or a broker without the cluster's secret
   */
  frame(reader: MsgpackReader): MqHello | undefined {
    if (this.#challenged === undefined) return this.#hello(decodeMqHello(reader))
    const { hello, facts } = this.#challenged
    const { proof } = decodeMqProof(reader)
    if (this.#parts.secret.accepts(proof, 'dialler', facts)) return this.#welcome(hello)
    const found = 'it does not know the secret of this cluster'
    throw new ProtocolError(`Cannot take ${hello.name} for broker ${hello.brokerId}: ${found}`)
  }

  #hello(hello: MqHello): MqHello | undefined {
    const { clusterId } = this.#parts
    if (hello.clusterId !== undefined && hello.clusterId !== clusterId) {
      throw new ProtocolError(`Cannot serve cluster '${hello.clusterId}': this is '${clusterId}'`)
    }
    if (hello.role === 'client') return this.#welcome(hello)
    this.#challenge(hello)
    return undefined
  }

  #challenge(hello: MqHello): void {
    if (hello.challenge === undefined) {
      throw new ProtocolError(`Cannot take ${hello.name} for a broker: its hello has no challenge`)
    }
    const { self, clusterId, secret } = this.#parts
    const challenge = Buffer.from(this.#parts.randomBytes(challengeBytes))
    const facts: LinkFacts = {
      clusterId,
      dialler: hello.brokerId,
      diallerEpoch: hello.brokerEpoch,
      acceptor: self,
      diallerChallenge: hello.challenge,
      acceptorChallenge: challenge,
    }
    this.#challenged = { hello, facts }
    const proof = secret.proof('acceptor', facts)
    encodeMqChallenge(this.#link.beginFrame(), { challenge, proof })
    this.#link.endFrame()
  }

  #welcome(hello: MqHello): MqHello {
    const { self, clusterId } = this.#parts
    const welcome = { version: mqProtocolVersion, clusterId, brokerId: self }
    encodeMqWelcome(this.#link.beginFrame(), welcome)
    this.#link.endFrame()
    return hello
  }
}
