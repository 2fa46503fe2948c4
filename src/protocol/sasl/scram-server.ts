// The server's side of one SCRAM exchange: two messages of the client, and an answer to each. Pure.
//
//   client first    n,,n=user,r=nonce
//   server first    r=nonce + ours,s=salt,i=iterations
//   client final    c=biws,r=both nonces,p=proof
//   server final    v=signature                     by which the client knows the server
//
// Source: RFC 5802. There is no channel binding, and a client that demands it is refused.

import { createHash, timingSafeEqual } from 'node:crypto'
import { SaslRefusal } from './sasl-refusal.ts'
import {
  hmac,
  type ScramCredential,
  type ScramMechanism,
  scramMechanisms,
} from './scram-credential.ts'

const firstMessage =
  /^(?<binding>[ny],(?:a=(?<authzid>[^,]*))?,)(?<bare>n=(?<name>[^,]+),r=(?<nonce>[\x21-\x2b\x2d-\x7e]+)(?<extensions>(?:,.*)?))$/s
const finalMessage =
  /^(?<unproved>c=(?<binding>[^,]+),r=(?<nonce>[^,]+)(?:,.*)?),p=(?<proof>[^,]+)$/s

interface Begun {
  readonly user: string
  readonly binding: string
  readonly bare: string
  readonly clientNonce: string
  /** the client's and ours */
  readonly nonce: string
}

interface Challenged extends Begun {
  readonly credential: ScramCredential
  readonly serverFirst: string
}

export class ScramServer {
  readonly #mechanism: ScramMechanism
  readonly #nonce: string
  #begun: Begun | undefined
  #challenged: Challenged | undefined

  /** @param nonce printable, without a comma, and never used before */
  constructor(mechanism: ScramMechanism, nonce: string) {
    this.#mechanism = mechanism
    this.#nonce = nonce
  }

  /** Takes the client's first message. @returns the user. @throws SaslRefusal */
  begin(message: Uint8Array): string {
    const groups = firstMessage.exec(textOf(message))?.groups
    const { binding, authzid, bare, name, nonce, extensions = '' } = groups ?? {}
    if (binding === undefined || bare === undefined || name === undefined || nonce === undefined) {
      throw SaslRefusal.ofMessage(this.#mechanism, 'the first message is malformed')
    }
    if (/,tokenauth=true/.test(extensions)) {
      throw SaslRefusal.ofMessage(this.#mechanism, 'there are no delegation tokens')
    }
    const user = this.#saslName(name)
    if (authzid !== undefined && authzid !== '' && this.#saslName(authzid) !== user) {
      throw SaslRefusal.ofMessage(this.#mechanism, 'a user cannot act as another one')
    }
    this.#begun = { user, binding, bare, clientNonce: nonce, nonce: `${nonce}${this.#nonce}` }
    return user
  }

  /** @param credential of the user that has begun. @returns the server's first message */
  challenge(credential: ScramCredential): Buffer {
    const begun = this.#begun
    if (begun === undefined) throw new Error('Cannot challenge a client: it has not begun')
    const { user, binding, bare, clientNonce, nonce } = begun
    const { salt, iterations } = credential
    const serverFirst = `r=${nonce},s=${salt.toString('base64')},i=${iterations}`
    this.#challenged = { user, binding, bare, clientNonce, nonce, credential, serverFirst }
    return Buffer.from(serverFirst)
  }

  /** Takes the client's final message. @returns the server's. @throws SaslRefusal */
  finish(message: Uint8Array): Buffer {
    const groups = finalMessage.exec(textOf(message))?.groups
    const challenged = this.#challenged
    if (groups === undefined || challenged === undefined) {
      throw SaslRefusal.ofMessage(this.#mechanism, 'the final message is malformed')
    }
    const { unproved = '', binding = '', nonce, proof = '' } = groups
    const { credential, bare, serverFirst } = challenged
    if (nonce !== challenged.nonce && nonce !== this.#doubledNonce(challenged)) {
      throw SaslRefusal.ofMessage(this.#mechanism, 'the nonce is not that of this exchange')
    }
    if (Buffer.from(binding, 'base64').toString() !== challenged.binding) {
      throw SaslRefusal.ofMessage(this.#mechanism, 'the channel binding has changed')
    }
    const exchanged = `${bare},${serverFirst},${unproved}`
    if (!this.#isProof(credential, exchanged, Buffer.from(proof, 'base64'))) {
      throw SaslRefusal.ofCredentials(this.#mechanism)
    }
    const signature = hmac(this.#mechanism, credential.serverKey, exchanged)
    return Buffer.from(`v=${signature.toString('base64')}`)
  }

  /**
   * librdkafka before 2.6.1 puts its nonce in front of the whole one. This is as safe: ours is in it, and
   * the proof covers it.
   */
  #doubledNonce({ clientNonce, nonce }: Begun): string {
    return `${clientNonce}${nonce}`
  }

  /** The proof is the client's key, hidden by a signature that the stored key makes. */
  #isProof({ storedKey }: ScramCredential, exchanged: string, proof: Buffer): boolean {
    const { hash, keyBytes } = scramMechanisms[this.#mechanism]
    if (proof.length !== keyBytes) return false
    const signature = hmac(this.#mechanism, storedKey, exchanged)
    const clientKey = proof.map((byte, i) => byte ^ (signature[i] ?? 0))
    return timingSafeEqual(createHash(hash).update(clientKey).digest(), storedKey)
  }

  #saslName(text: string): string {
    if (/=(?!2C|3D)/.test(text)) {
      throw SaslRefusal.ofMessage(this.#mechanism, 'the name is malformed')
    }
    return text.replaceAll('=2C', ',').replaceAll('=3D', '=')
  }
}

function textOf(message: Uint8Array): string {
  return Buffer.from(message.buffer, message.byteOffset, message.byteLength).toString()
}
