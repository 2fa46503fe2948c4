// The certificates of a cluster on this machine whose ports all speak TLS (`zw up --tls`): an authority
// of its own, and what it signs. Everything is this user's alone.
//
//   DIR/ca.key ca.pem    the authority
//   DIR/server.pem       key and certificate of the servers, for their clients and each other
//   DIR/broker.pem       of the brokers, for their clients, each other and the servers
//   DIR/client.pem       of clients: what zw gets as --tls-cert
//
// Node.js makes keys but no certificates; openssl signs them, which almost every machine has, and whose
// commands docs/security.md shows for clusters of several machines. Files that are there are used until
// they are about to expire, so an operator may put certificates of another authority there.

import { execFile } from 'node:child_process'
import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeDirectory } from '../../make-directory.ts'

export interface CertificateFiles {
  /** certificate of the authority */
  readonly ca: string
  readonly server: string
  readonly broker: string
  readonly client: string
}

const holders = ['server', 'broker', 'client'] as const
type Holder = (typeof holders)[number]

/** What members and clients dial. */
const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1'
/** The longest that all programs accept. */
const holderDays = 825
const authorityDays = 3650
/** A certificate is replaced at a start if it has less time left. */
const leftMsMin = 30 * 24 * 3_600_000

/** Certificates could not be made; the message says what to do. */
export class CertificatesError extends Error {
  override readonly name = 'CertificatesError'
}

/**
 * Makes what is missing.
 *
 * @throws CertificatesError; what the file system throws
 */
export async function makeCertificates(
  directory: string,
  nowMs: number,
  openssl = 'openssl',
): Promise<CertificateFiles> {
  makeDirectory(directory)
  chmodSync(directory, 0o700)
  const files: CertificateFiles = {
    ca: join(directory, 'ca.pem'),
    server: join(directory, 'server.pem'),
    broker: join(directory, 'broker.pem'),
    client: join(directory, 'client.pem'),
  }
  const authority = new Authority({ directory, openssl, certificate: files.ca })
  if (!existsSync(files.ca)) await authority.make()
  for (const holder of holders) {
    if (!isUsable(files[holder], files.ca, nowMs)) await authority.sign(holder, files[holder])
  }
  return files
}

function isUsable(file: string, ca: string, nowMs: number): boolean {
  if (!existsSync(file)) return false
  const certificate = new X509Certificate(readFileSync(file))
  const isSigned = certificate.verify(new X509Certificate(readFileSync(ca)).publicKey)
  return isSigned && Date.parse(certificate.validTo) - nowMs >= leftMsMin
}

class Authority {
  readonly #directory: string
  readonly #openssl: string
  readonly #certificate: string

  constructor(options: {
    readonly directory: string
    readonly openssl: string
    readonly certificate: string
  }) {
    this.#directory = options.directory
    this.#openssl = options.openssl
    this.#certificate = options.certificate
  }

  get #key(): string {
    return join(this.#directory, 'ca.key')
  }

  async make(): Promise<void> {
    writeOwn(this.#key, newKey())
    const aside = `${this.#certificate}.new`
    const subject = ['-subj', '/O=ZooWeeper/CN=authority of zw up', '-days', String(authorityDays)]
    await this.#run(['req', '-x509', '-new', '-key', this.#key, '-out', aside, ...subject])
    chmodSync(aside, 0o600)
    renameSync(aside, this.#certificate)
  }

  /** @param file gets the key and the certificate */
  async sign(holder: Holder, file: string): Promise<void> {
    if (!existsSync(this.#key)) {
      const found = `the authority's key ${this.#key} is missing`
      const todo = `put it back, or remove ${this.#directory} for new certificates`
      throw new CertificatesError(`Cannot make ${file}: ${found}; ${todo}`)
    }
    const at = (extension: string) => join(this.#directory, `${holder}.${extension}`)
    const [key, request, extensions, certificate] = [at('key'), at('csr'), at('ext'), at('crt')]
    try {
      const privateKey = newKey()
      writeOwn(key, privateKey)
      writeOwn(extensions, `${names}\n`)
      const subject = ['-subj', `/O=ZooWeeper/CN=${holder}`]
      await this.#run(['req', '-new', '-key', key, '-out', request, ...subject])
      await this.#run([
        ...['x509', '-req', '-in', request, '-out', certificate, '-days', String(holderDays)],
        ...['-CA', this.#certificate, '-CAkey', this.#key, '-set_serial', newSerial()],
        ...['-extfile', extensions],
      ])
      writeOwn(`${file}.new`, `${privateKey}${readFileSync(certificate, 'utf8')}`)
      renameSync(`${file}.new`, file)
    } finally {
      for (const left of [key, request, extensions, certificate]) rmSync(left, { force: true })
    }
  }

  async #run(args: readonly string[]): Promise<void> {
    try {
      await promisify(execFile)(this.#openssl, args)
    } catch (error) {
      throw explained(error as NodeJS.ErrnoException & { readonly stderr?: string })
    }
  }
}

/** Positive, and unique without a file that counts. */
function newSerial(): string {
  return `0x01${randomBytes(15).toString('hex')}`
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function writeOwn(file: string, text: string): void {
  writeFileSync(file, text, { mode: 0o600 })
}

interface RunError {
  readonly code?: string | undefined
  readonly stderr?: string
  readonly message: string
}

function explained({ code, stderr = '', message }: RunError): CertificatesError {
  if (code === 'ENOENT') {
    const todo = 'install it (apt-get install openssl, brew install openssl)'
    return new CertificatesError(`Cannot make certificates: openssl is not installed; ${todo}`)
  }
  const found = stderr.trim().split('\n').at(-1) ?? ''
  return new CertificatesError(`Cannot make certificates: openssl says ${found || message}`)
}
