// PKCS #12 files: keys and certificates behind one password. Node's TLS takes such a file only as a
// key with its certificate, and never as a store of trusted certificates, which is what keytool
// makes; so the file is taken apart here. The password is checked by the file's MAC.
//
//   PFX ─ MAC over ─▶ SafeContents, each plain or encrypted ─▶ bags: key │ encrypted key │ certificate
//
// Ciphers: PBES2 (OpenSSL 3, Java 9 and later) and triple DES (before). RC2 is refused: OpenSSL 3
// itself has given it up. Source: RFC 7292, and RFC 8018 for PBES2.

import { createDecipheriv, createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto'
import { ProtocolError } from '../error-codes.ts'
import {
  type Der,
  DerError,
  expectDer,
  integerOf,
  oidOf,
  readDer,
  sequenceOf,
  tags,
} from './der.ts'

export interface Pkcs12 {
  /** PKCS #8, DER */
  readonly keys: readonly Buffer[]
  /** DER */
  readonly certificates: readonly Buffer[]
}

/** The password is not that of the file. */
export class WrongPasswordError extends ProtocolError {
  override readonly name = 'WrongPasswordError'
}

const oids = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certificateBag: '1.2.840.113549.1.12.10.1.3',
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  tripleDes: '1.2.840.113549.1.12.1.3',
} as const

interface Digest {
  readonly name: string
  readonly bytes: number
  readonly blockBytes: number
}

const sha1: Digest = { name: 'sha1', bytes: 20, blockBytes: 64 }

const digests: ReadonlyMap<string, Digest> = new Map([
  ['1.3.14.3.2.26', sha1],
  ['2.16.840.1.101.3.4.2.4', { name: 'sha224', bytes: 28, blockBytes: 64 }],
  ['2.16.840.1.101.3.4.2.1', { name: 'sha256', bytes: 32, blockBytes: 64 }],
  ['2.16.840.1.101.3.4.2.2', { name: 'sha384', bytes: 48, blockBytes: 128 }],
  ['2.16.840.1.101.3.4.2.3', { name: 'sha512', bytes: 64, blockBytes: 128 }],
])

/** The pseudo-random functions of PBKDF2. */
const hmacs: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.2.7', 'sha1'],
  ['1.2.840.113549.2.8', 'sha224'],
  ['1.2.840.113549.2.9', 'sha256'],
  ['1.2.840.113549.2.10', 'sha384'],
  ['1.2.840.113549.2.11', 'sha512'],
])

const ciphers: ReadonlyMap<string, { readonly name: string; readonly keyBytes: number }> = new Map([
  ['2.16.840.1.101.3.4.1.2', { name: 'aes-128-cbc', keyBytes: 16 }],
  ['2.16.840.1.101.3.4.1.22', { name: 'aes-192-cbc', keyBytes: 24 }],
  ['2.16.840.1.101.3.4.1.42', { name: 'aes-256-cbc', keyBytes: 32 }],
  ['1.2.840.113549.3.7', { name: 'des-ede3-cbc', keyBytes: 24 }],
])

/** A file may ask for so many rounds at most: a second of work, not an hour. */
const roundsMax = 5_000_000

/**
 * @throws WrongPasswordError
 * @throws ProtocolError for another file, and for one with an unknown cipher
 */
export function readPkcs12(file: Buffer, password: string): Pkcs12 {
  const [, authSafe, macData] = sequenceOf(readDer(file))
  const [type, content] = sequenceOf(authSafe)
  if (oidOf(type) !== oids.data) {
    throw new ProtocolError(
      'Cannot read the store: it is signed by a certificate, not by a password',
    )
  }
  const safes = octets(content)
  if (macData !== undefined) checkMac(sequenceOf(macData), safes, password)
  const keys: Buffer[] = []
  const certificates: Buffer[] = []
  for (const safe of sequenceOf(readDer(safes))) {
    for (const bag of sequenceOf(readDer(contentsOf(safe, password)))) {
      const [bagType, value] = sequenceOf(bag)
      const inner = readDer(expectDer(value, tags.context0).contents)
      switch (oidOf(bagType)) {
        case oids.keyBag:
          keys.push(inner.whole)
          break
        case oids.shroudedKeyBag: {
          const [algorithm, encrypted] = sequenceOf(inner)
          const bytes = expectDer(encrypted, tags.octetString).contents
          keys.push(decrypt(algorithm, bytes, password))
          break
        }
        case oids.certificateBag:
          certificates.push(octets(sequenceOf(inner)[1]))
          break
      }
    }
  }
  return { keys, certificates }
}

/** The octets in `[0] { OCTET STRING }`. */
function octets(value: Der | undefined): Buffer {
  const inner = readDer(expectDer(value, tags.context0).contents)
  return expectDer(inner, tags.octetString).contents
}

/** The decrypted SafeContents of one ContentInfo. */
function contentsOf(safe: Der, password: string): Buffer {
  const [type, content] = sequenceOf(safe)
  const oid = oidOf(type)
  if (oid === oids.data) return octets(content)
  if (oid !== oids.encryptedData) {
    throw new ProtocolError('Cannot read the store: a part is encrypted for a certificate')
  }
  const [, encryptedContent] = sequenceOf(readDer(expectDer(content, tags.context0).contents))
  const [, algorithm, encrypted] = sequenceOf(encryptedContent)
  return decrypt(algorithm, expectDer(encrypted, tags.context0Primitive).contents, password)
}

function checkMac([info, salt, rounds]: readonly Der[], bytes: Buffer, password: string): void {
  const [algorithm, expected] = sequenceOf(info)
  const digest = digests.get(oidOf(sequenceOf(algorithm)[0]))
  if (digest === undefined) {
    throw new ProtocolError(
      'Cannot read the store: its integrity is protected by an unknown method',
    )
  }
  const known = expectDer(expected, tags.octetString).contents
  // Programs do not agree whether no password is an empty one.
  const passwords = password === '' ? [bmp(''), Buffer.alloc(0)] : [bmp(password)]
  const isRight = passwords.some((password) => {
    const key = deriveKey({
      use: 3,
      digest,
      password,
      salt: expectDer(salt, tags.octetString).contents,
      rounds: rounds === undefined ? 1 : roundsOf(rounds),
      bytes: digest.bytes,
    })
    const mac = createHmac(digest.name, key).update(bytes).digest()
    return mac.length === known.length && timingSafeEqual(mac, known)
  })
  if (!isRight) throw new WrongPasswordError('Cannot read the store: the password is wrong')
}

function decrypt(algorithm: Der | undefined, encrypted: Buffer, password: string): Buffer {
  const [type, parameters] = sequenceOf(algorithm)
  const oid = oidOf(type)
  const { cipher, key, iv } =
    oid === oids.pbes2
      ? pbes2Key(sequenceOf(parameters), password)
      : tripleDesKey(oid, parameters, password)
  try {
    const decipher = createDecipheriv(cipher, key, iv)
    return Buffer.concat([decipher.update(encrypted), decipher.final()])
  } catch (cause) {
    const why = 'the password is wrong, or it is damaged'
    throw new WrongPasswordError(`Cannot decrypt the store: ${why}`, { cause })
  }
}

interface CipherKey {
  readonly cipher: string
  readonly key: Buffer
  readonly iv: Buffer
}

function pbes2Key([derivation, scheme]: readonly Der[], password: string): CipherKey {
  const [derivationType, derivationParameters] = sequenceOf(derivation)
  const [cipherType, iv] = sequenceOf(scheme)
  const cipher = ciphers.get(oidOf(cipherType))
  if (oidOf(derivationType) !== oids.pbkdf2 || cipher === undefined) throw unknownCipher()
  const [salt, rounds, ...rest] = sequenceOf(derivationParameters)
  const prf = rest.find(({ tag }) => tag === tags.sequence)
  const hmac = prf === undefined ? 'sha1' : hmacs.get(oidOf(sequenceOf(prf)[0]))
  if (hmac === undefined) throw unknownCipher()
  const saltBytes = expectDer(salt, tags.octetString).contents
  const key = pbkdf2Sync(password, saltBytes, roundsOf(rounds), cipher.keyBytes, hmac)
  return { cipher: cipher.name, key, iv: expectDer(iv, tags.octetString).contents }
}

function tripleDesKey(oid: string, parameters: Der | undefined, password: string): CipherKey {
  if (oid !== oids.tripleDes) throw unknownCipher()
  const [salt, rounds] = sequenceOf(parameters)
  const derive = (use: number, bytes: number) =>
    deriveKey({
      use,
      digest: sha1,
      password: bmp(password),
      salt: expectDer(salt, tags.octetString).contents,
      rounds: roundsOf(rounds),
      bytes,
    })
  return { cipher: 'des-ede3-cbc', key: derive(1, 24), iv: derive(2, 8) }
}

function unknownCipher(): ProtocolError {
  const how = 'convert it with openssl pkcs12 -legacy -nodes, and -export the result'
  return new ProtocolError(`Cannot decrypt the store: its cipher is too old or unknown; ${how}`)
}

function roundsOf(value: Der | undefined): number {
  const rounds = integerOf(value)
  if (rounds >= 1 && rounds <= roundsMax) return rounds
  throw new DerError(`Cannot derive a key in ${rounds} rounds: the most is ${roundsMax}`)
}

/** The password as PKCS #12 hashes it: UTF-16, big-endian, with a terminating zero. */
function bmp(password: string): Buffer {
  return Buffer.from(`${password}\0`, 'utf16le').swap16()
}

interface Derivation {
  /** what the key is for: 1 is a cipher's key, 2 its initialization vector, 3 a MAC's key */
  readonly use: number
  readonly digest: Digest
  readonly password: Buffer
  readonly salt: Buffer
  readonly rounds: number
  readonly bytes: number
}

/** Source: RFC 7292, appendix B.2. */
function deriveKey({ use, digest, password, salt, rounds, bytes }: Derivation): Buffer {
  const { name, blockBytes } = digest
  const diversifier = Buffer.alloc(blockBytes, use)
  const input = Buffer.concat([filled(salt, blockBytes), filled(password, blockBytes)])
  const pieces: Buffer[] = []
  for (let made = 0; made < bytes; made += digest.bytes) {
    let hash = createHash(name).update(diversifier).update(input).digest()
    for (let i = 1; i < rounds; i++) hash = createHash(name).update(hash).digest()
    pieces.push(hash)
    const added = filled(hash, blockBytes).subarray(0, blockBytes)
    for (let at = 0; at < input.length; at += blockBytes) {
      addOneAnd(input.subarray(at, at + blockBytes), added)
    }
  }
  return Buffer.concat(pieces).subarray(0, bytes)
}

/** Repeated up to a whole number of blocks. */
function filled(bytes: Buffer, blockBytes: number): Buffer {
  return Buffer.alloc(blockBytes * Math.ceil(bytes.length / blockBytes), bytes)
}

/** Big-endian addition in place, modulo the length. */
function addOneAnd(number: Buffer, added: Buffer): void {
  let carry = 1
  for (let i = number.length - 1; i >= 0; i--) {
    const sum = (number[i] ?? 0) + (added[i] ?? 0) + carry
    number[i] = sum & 0xff
    carry = sum >> 8
  }
}
