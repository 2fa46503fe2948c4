// Certificates for tests, made by openssl: an authority, and what it signs. Elliptic curves, since
// their keys take no time.

import { execFileSync } from 'node:child_process'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Signed {
  /** key and certificates, one after the other */
  readonly pem: string
  readonly key: string
  readonly certificate: string
}

export class Authority {
  readonly #directory: string
  readonly #name: string
  /** its own certificate */
  readonly certificate: string

  /** @param directory the files lie there */
  constructor(directory: string, name = 'ca') {
    this.#directory = directory
    this.#name = name
    this.certificate = this.#path(`${name}.pem`)
    openssl([
      ...['req', '-x509', '-nodes', ...ellipticKey, '-keyout', this.#path(`${name}.key`)],
      ...['-out', this.certificate, '-days', '30', '-subj', `/CN=${name}`],
    ])
  }

  /** @param names 'DNS:localhost,IP:127.0.0.1', or none */
  sign(
    file: string,
    { subject = `/CN=${file}`, names }: { readonly subject?: string; readonly names?: string } = {},
  ): Signed {
    const key = this.#path(`${file}.key`)
    const request = this.#path(`${file}.csr`)
    const certificate = this.#path(`${file}.crt`)
    const extensions = this.#path(`${file}.ext`)
    openssl([
      ...['req', '-new', '-nodes', '-utf8', ...ellipticKey, '-keyout', key, '-out', request],
      ...['-subj', subject, '-multivalue-rdn'],
    ])
    writeFileSync(extensions, names === undefined ? '' : `subjectAltName=${names}\n`)
    openssl([
      ...['x509', '-req', '-in', request, '-out', certificate, '-days', '30'],
      ...['-CA', this.certificate, '-CAkey', this.#path(`${this.#name}.key`), '-CAcreateserial'],
      ...['-extfile', extensions],
    ])
    const pem = this.#path(`${file}.pem`)
    writeFileSync(pem, readFileSync(key), { mode: 0o600 })
    appendFileSync(pem, readFileSync(certificate))
    return { pem, key, certificate }
  }

  #path(file: string): string {
    return join(this.#directory, file)
  }
}

const ellipticKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'] as const

/** For everything here that is checked by host. */
export const loopbackNames = 'DNS:localhost,IP:127.0.0.1'

export function openssl(args: readonly string[]): Buffer {
  return execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] })
}
