// The client's side of one SCRAM exchange: two messages, and what is made of the server's answers. The
// last one proves that the server knows the user's credential, too. scram-server.ts has the messages.
//
// Source: RFC 5802. There is no channel binding.

import { createHash, timingSafeEqual } from 'node:crypto'
import {
  hmac,
  iterationsMax,
  iterationsMin,
  type ScramMechanism,
  saltedPassword,
  scramMechanisms,
} from './scram-credential.ts'

const serverFirst =
  /^r=(?<nonce>[\x21-\x2b\x2d-\x7e]+),s=(?<salt>[^,]+),i=(?<iterations>\d+)(?:,.*)?$/s

/** No authorization identity, and no channel binding: `n,,` in base64. */
const noBinding = 'c=biws'

/** The server does not keep to the protocol, or does not know the user's credential. */
export class ScramServerError extends Error {
  override readonly name = 'ScramServerError'
}

interface Login {
  readonly user: string
  readonly password: string
  /** printable, without a comma, and never used before */
  readonly nonce: string
}

export class ScramClient {
  readonly #mechanism: ScramMechanism
  readonly #password: string
  readonly #nonce: string
  readonly #bare: string
  /** what the server has to answer in the end */
  #signature: Buffer | undefined

  constructor(mechanism: ScramMechanism, { user, password, nonce }: Login) {
    this.#mechanism = mechanism
    this.#password = password
    this.#nonce = nonce
    const name = user.replaceAll('=', '=3D').replaceAll(',', '=2C')
    this.#bare = `n=${name},r=${nonce}`
  }

  first(): Buffer {
    return Buffer.from(`n,,${this.#bare}`)
  }

  /** Takes the server's first message; takes milliseconds. @throws ScramServerError */
  async final(message: Uint8Array): Promise<Buffer> {
    const text = Buffer.from(message).toString()
    const { nonce = '', salt = '', iterations = '' } = serverFirst.exec(text)?.groups ?? {}
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length) {
      throw this.#error('the nonce in its answer is not ours with its own')
    }
    const count = Number(iterations)
    if (count < iterationsMin || count > iterationsMax) {
      throw this.#error(`it asks for ${iterations} iterations`)
    }
    const mechanism = this.#mechanism
    const { hash } = scramMechanisms[mechanism]
    const from = { salt: Buffer.from(salt, 'base64'), iterations: count }
    const salted = await saltedPassword(mechanism, this.#password, from)
    const clientKey = hmac(mechanism, salted, 'Client Key')
    const storedKey = createHash(hash).update(clientKey).digest()
    const unproved = `${noBinding},r=${nonce}`
    const exchanged = `${this.#bare},${text},${unproved}`
    const signature = hmac(mechanism, storedKey, exchanged)
    const proof = clientKey.map((byte, i) => byte ^ (signature[i] ?? 0))
    this.#signature = hmac(mechanism, hmac(mechanism, salted, 'Server Key'), exchanged)
    return Buffer.from(`${unproved},p=${Buffer.from(proof).toString('base64')}`)
  }

  /** Takes the server's final message. @throws ScramServerError */
  finish(message: Uint8Array): void {
    const text = Buffer.from(message).toString()
    const given = Buffer.from(/^v=([^,]+)/.exec(text)?.[1] ?? '', 'base64')
    const wanted = this.#signature
    if (wanted === undefined || given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
      throw this.#error('it does not know the credential of this user')
    }
  }

  #error(found: string): ScramServerError {
    const what = `Cannot trust a server that authenticates by ${this.#mechanism}`
    return new ScramServerError(`${what}: ${found}`)
  }
}
