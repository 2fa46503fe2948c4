// A user's credential for SCRAM, as Kafka keeps it in /config/users/NAME: from it the password can be
// checked, and cannot be read. Pure, but for the derivation, which takes milliseconds on purpose and
// runs beside the event loop.
//
//   "SCRAM-SHA-256": "salt=…,stored_key=…,server_key=…,iterations=8192"       bytes in base64
//
// Source: RFC 5802 section 3, RFC 7677; Kafka's ScramCredentialUtils.

import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

/** By the name of the mechanism: the hash, and how many bytes its keys have. */
export const scramMechanisms = {
  'SCRAM-SHA-256': { hash: 'sha256', keyBytes: 32 },
  'SCRAM-SHA-512': { hash: 'sha512', keyBytes: 64 },
} as const

export type ScramMechanism = keyof typeof scramMechanisms

/** As in Kafka: fewer make a guess too cheap, and more keep a broker busy. */
export const iterationsMin = 4096
export const iterationsMax = 16_384

export interface ScramCredential {
  readonly salt: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
  readonly iterations: number
}

const derive = promisify(pbkdf2)

interface Derivation {
  readonly salt: Buffer
  readonly iterations: number
}

/** The keys of both ends are made from it. */
export function saltedPassword(
  mechanism: ScramMechanism,
  password: string,
  { salt, iterations }: Derivation,
): Promise<Buffer> {
  const { hash, keyBytes } = scramMechanisms[mechanism]
  return derive(password, salt, iterations, keyBytes, hash)
}

/** @param from.salt random bytes, for this credential only */
export async function makeCredential(
  mechanism: ScramMechanism,
  password: string,
  from: Derivation,
): Promise<ScramCredential> {
  const { hash } = scramMechanisms[mechanism]
  const { salt, iterations } = from
  const salted = await saltedPassword(mechanism, password, from)
  const storedKey = createHash(hash)
    .update(hmac(mechanism, salted, 'Client Key'))
    .digest()
  return { salt, storedKey, serverKey: hmac(mechanism, salted, 'Server Key'), iterations }
}

/** Whether this is the password that the credential was made from. */
export async function isPassword(
  mechanism: ScramMechanism,
  credential: ScramCredential,
  password: string,
): Promise<boolean> {
  const { storedKey } = await makeCredential(mechanism, password, credential)
  return timingSafeEqual(storedKey, credential.storedKey)
}

export function hmac(
  mechanism: ScramMechanism,
  key: Uint8Array,
  message: string | Uint8Array,
): Buffer {
  return createHmac(scramMechanisms[mechanism].hash, key).update(message).digest()
}

export function encodeCredential(credential: ScramCredential): string {
  const { salt, storedKey, serverKey, iterations } = credential
  const fields = {
    salt: salt.toString('base64'),
    stored_key: storedKey.toString('base64'),
    server_key: serverKey.toString('base64'),
    iterations: String(iterations),
  }
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')
}

/** @returns undefined for text in any other form */
export function decodeCredential(
  mechanism: ScramMechanism,
  text: string,
): ScramCredential | undefined {
  const fields = new Map(
    text.split(',').map((field) => {
      const at = field.indexOf('=')
      return [field.slice(0, at), field.slice(at + 1)]
    }),
  )
  const bytes = (name: string) => Buffer.from(fields.get(name) ?? '', 'base64')
  const [salt, storedKey, serverKey] = [bytes('salt'), bytes('stored_key'), bytes('server_key')]
  const iterations = Number(fields.get('iterations'))
  const { keyBytes } = scramMechanisms[mechanism]
  if (salt.length === 0 || storedKey.length !== keyBytes || serverKey.length !== keyBytes) {
    return undefined
  }
  if (!Number.isInteger(iterations) || iterations < iterationsMin || iterations > iterationsMax) {
    return undefined
  }
  return { salt, storedKey, serverKey, iterations }
}
