// Key stores and trust stores, from the bytes of their files: PEM and PKCS #12. What a file is, its
// contents tell; a type that was configured, or the ending, has to agree. Java's own formats are
// refused with the command that converts them. Pure.
//
//   PEM       ".pem", the key (perhaps encrypted) and its certificates, in one file or several
//   PKCS #12  ".p12", ".pfx"; also ".jks", as keytool has written it since Java 9
//
// Source: KeyStoreFileType, PEMFileLoader and PKCS12FileLoader in ZooKeeper.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { ProtocolError } from '../error-codes.ts'
import { readPkcs12 } from './pkcs12.ts'
import type { StoreType } from './settings.ts'

export interface KeyStore {
  /** PKCS #8, PEM */
  readonly key: string
  /** of the key, then of its issuers */
  readonly certificates: readonly X509Certificate[]
}

export interface StoreFile {
  readonly bytes: Buffer
  /** for the type, and for messages */
  readonly file: string
  readonly type: StoreType | undefined
  readonly password: string | undefined
}

/** The store cannot be used, and why. */
export class StoreError extends ProtocolError {
  override readonly name = 'StoreError'
}

/** @throws ProtocolError: what is wrong with it */
export function readKeyStore(store: StoreFile): KeyStore {
  const { keys, certificates } = contentsOf(store, { hasKey: true })
  const [key] = keys
  if (key === undefined) throw new StoreError('it holds no private key')
  if (certificates.length === 0) throw new StoreError('it holds no certificate')
  const own = certificates.find((certificate) => certificate.checkPrivateKey(key))
  if (own === undefined) {
    const found = nameOf(certificates[0])
    throw new StoreError(`its private key does not match its certificate (${found})`)
  }
  return {
    key: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    certificates: chainOf(own, certificates),
  }
}

/** @throws ProtocolError: what is wrong with it */
export function readTrustStore(store: StoreFile): readonly X509Certificate[] {
  const { certificates } = contentsOf(store, { hasKey: false })
  if (certificates.length === 0) throw new StoreError('it holds no certificate')
  return certificates
}

/** The certificate, and its issuers as far as they are there. */
function chainOf(
  own: X509Certificate,
  all: readonly X509Certificate[],
): readonly X509Certificate[] {
  const chain = [own]
  for (let last = own; ; ) {
    const issuer = all.find((one) => !chain.includes(one) && last.checkIssued(one))
    if (issuer === undefined) return chain
    chain.push(issuer)
    last = issuer
  }
}

interface Contents {
  readonly keys: readonly KeyObject[]
  readonly certificates: readonly X509Certificate[]
}

function contentsOf(store: StoreFile, { hasKey }: { readonly hasKey: boolean }): Contents {
  const { bytes, password } = store
  switch (kindOf(store)) {
    case 'PEM':
      return readPem(bytes.toString('latin1'), hasKey ? password : undefined)
    case 'PKCS12': {
      const { keys, certificates } = readPkcs12(bytes, password ?? '')
      return {
        keys: keys.map((key) => createPrivateKey({ key, format: 'der', type: 'pkcs8' })),
        certificates: certificates.map(parseCertificate),
      }
    }
  }
}

/** @throws StoreError for a file of another kind than its type or ending says */
function kindOf({ bytes, file, type }: StoreFile): 'PEM' | 'PKCS12' {
  if (bytes.length === 0) throw new StoreError('it is empty')
  const found = foundKind(bytes)
  const said = type ?? kindOfEnding(file)
  if (found === 'JKS') {
    const to = `${file.replace(/\.[^./]*$/, '')}.p12`
    throw new StoreError(
      `it is in Java's own format (${said ?? 'JKS'}), which is not read here; convert it: keytool ` +
        `-importkeystore -srckeystore ${file} -destkeystore ${to} -deststoretype PKCS12`,
    )
  }
  if (said === 'BCFKS') {
    throw new StoreError(
      'BCFKS is not read here: convert it to PKCS12 with keytool -importkeystore',
    )
  }
  if (found === undefined) {
    throw new StoreError('it is neither PEM (-----BEGIN …) nor PKCS #12')
  }
  // Since Java 9, keytool writes PKCS #12 whatever the ending, and Java's JKS reads it.
  if (said === undefined || said === found || (said === 'JKS' && found === 'PKCS12')) return found
  throw new StoreError(`it holds ${found}, and its type or ending says ${said}`)
}

function foundKind(bytes: Buffer): 'PEM' | 'PKCS12' | 'JKS' | undefined {
  const magic = bytes.length < 4 ? 0 : bytes.readUInt32BE(0)
  // JKS and JCEKS
  if (magic === 0xfeed_feed || magic === 0xcece_cece) return 'JKS'
  if (bytes.includes('-----BEGIN ')) return 'PEM'
  return bytes[0] === 0x30 ? 'PKCS12' : undefined
}

function kindOfEnding(file: string): StoreType | undefined {
  switch (/\.([^./]+)$/.exec(file)?.[1]?.toLowerCase()) {
    case 'pem':
      return 'PEM'
    case 'p12':
    case 'pfx':
      return 'PKCS12'
    case 'jks':
      return 'JKS'
    case 'bcfks':
      return 'BCFKS'
  }
  return undefined
}

const blockPattern = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g

function readPem(text: string, password: string | undefined): Contents {
  const keys: KeyObject[] = []
  const certificates: X509Certificate[] = []
  for (const [block, label = ''] of text.matchAll(blockPattern)) {
    if (label.endsWith('PRIVATE KEY')) keys.push(parseKey(block, password))
    else if (/^(X509 |TRUSTED )?CERTIFICATE$/.test(label)) {
      certificates.push(parseCertificate(block))
    }
  }
  return { keys, certificates }
}

function parseKey(block: string, password: string | undefined): KeyObject {
  const isEncrypted = /ENCRYPTED/.test(block)
  if (isEncrypted && password === undefined) {
    throw new StoreError('its private key is encrypted, and there is no password for it')
  }
  try {
    return createPrivateKey(
      password === undefined ? { key: block } : { key: block, passphrase: password },
    )
  } catch (cause) {
    const why = isEncrypted ? 'the password is wrong, or it is damaged' : 'it is damaged'
    throw new StoreError(`its private key cannot be read: ${why}`, { cause })
  }
}

function parseCertificate(bytes: Buffer | string): X509Certificate {
  try {
    return new X509Certificate(bytes)
  } catch (cause) {
    throw new StoreError('one of its certificates cannot be read: it is damaged', { cause })
  }
}

/** A certificate in messages. */
export function nameOf(certificate: X509Certificate | undefined): string {
  return (certificate?.subject ?? '').replaceAll('\n', ', ')
}
