// A program's own key and certificates, and those that it trusts: read from files at start, and, where
// that is configured, again whenever one of them has changed. New connections use the new ones;
// open ones go on as they are. A changed file that cannot be used is a warning, and the old contents
// stay.
//
// Changes are found by comparing each file's status, not by file-system events: those are lost on
// network file systems and on the renamed links by which Kubernetes replaces a secret.

import type { X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { Logger } from '../../logger.ts'
import { RefusedStartError } from '../../refused-start.ts'
import type { StoreSettings, TlsSettings } from './settings.ts'
import { nameOf, readKeyStore, readTrustStore, StoreError } from './stores.ts'

export interface CredentialsParts {
  readonly settings: TlsSettings
  /** undefined: whether certificates have expired is left to the other side */
  readonly wallMs?: () => number
  readonly logger: Logger
}

interface Loaded {
  readonly options: SecureContextOptions
  readonly context: SecureContext
  /** the program's own certificate, if it has one */
  readonly own: X509Certificate | undefined
}

export class Credentials {
  readonly #parts: CredentialsParts
  readonly #listeners = new Set<() => void>()
  #loaded: Loaded
  /** the status of all files when they were last looked at */
  #seen: string

  /** @throws RefusedStartError that names the option and the file */
  constructor(parts: CredentialsParts) {
    this.#parts = parts
    this.#seen = statusOf(parts.settings)
    this.#loaded = load(parts)
  }

  /** For `tls.connect`. */
  get context(): SecureContext {
    return this.#loaded.context
  }

  /** For `tls.Server`. */
  get options(): SecureContextOptions {
    return this.#loaded.options
  }

  /** Until when its own certificate is valid, in ms since 1970; undefined if it has none. */
  get validUntilMs(): number | undefined {
    const { own } = this.#loaded
    return own === undefined ? undefined : Date.parse(own.validTo)
  }

  /** Calls `listener` after each change. @returns a function that stops that */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Reads the files again if one has changed. */
  maybeReload(): void {
    const { settings, logger } = this.#parts
    if (!settings.isReloaded) return
    const now = statusOf(settings)
    if (now === this.#seen) return
    this.#seen = now
    try {
      this.#loaded = load(this.#parts)
    } catch (error) {
      const reason = (error as Error).message
      logger.warn({ reason }, 'Keeping the TLS certificates: the changed files cannot be used')
      return
    }
    const { own } = this.#loaded
    const facts = own === undefined ? {} : { subject: nameOf(own), validTo: own.validTo }
    logger.info(facts, 'Read the changed TLS certificates')
    for (const listener of this.#listeners) listener()
  }
}

/** Changes whenever a file is written or replaced. */
function statusOf({ keyStore, trustStore }: TlsSettings): string {
  const files = [keyStore, trustStore].flatMap((store) =>
    store === undefined
      ? []
      : [...store.files, ...(store.passwordFile ? [store.passwordFile] : [])],
  )
  return files.map(fileStatus).join('\n')
}

function fileStatus(file: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(file)
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`
  } catch {
    // Reading it gives the reason.
    return 'missing'
  }
}

/** @throws RefusedStartError that names the option of the store */
function load({ settings, wallMs }: CredentialsParts): Loaded {
  const { keyStore, trustStore, minProtocol, maxProtocol, ciphers } = settings
  const options: SecureContextOptions = { minVersion: minProtocol, maxVersion: maxProtocol }
  if (ciphers !== undefined) options.ciphers = ciphers
  let own: X509Certificate | undefined
  if (keyStore !== undefined) {
    const { key, certificates } = read(keyStore, readKeyStore)
    own = certificates[0]
    if (wallMs !== undefined) refuse(keyStore, own && timeProblem(own, wallMs()))
    options.key = key
    options.cert = pemOf(certificates)
    refuse(keyStore, openSslProblem(options))
  }
  if (trustStore !== undefined) {
    const trusted = read(trustStore, readTrustStore)
    const nowMs = wallMs?.()
    if (nowMs !== undefined) {
      const problems = trusted.map((certificate) => timeProblem(certificate, nowMs))
      if (!problems.includes(undefined)) refuse(trustStore, problems[0])
    }
    options.ca = pemOf(trusted)
    refuse(trustStore, openSslProblem(options))
  }
  return { options, context: createSecureContext(options), own }
}

function read<T>(
  { files, type, password, passwordFile, quoted }: StoreSettings,
  parse: (store: Parameters<typeof readKeyStore>[0]) => T,
): T {
  try {
    const secret = passwordFile === undefined ? password : passwordIn(passwordFile)
    const bytes = files.length === 1 ? readFileSync(files[0] ?? '') : joined(files)
    return parse({ bytes, file: files[0] ?? '', type, password: secret })
  } catch (cause) {
    throw unusable(quoted, cause as Error)
  }
}

/** PEM files, one after the other. */
function joined(files: readonly string[]): Buffer {
  return Buffer.concat(files.flatMap((file) => [readFileSync(file), Buffer.from('\n')]))
}

function passwordIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch (cause) {
    throw new StoreError(`the file of its password: ${reasonOf(cause as Error)}`, { cause })
  }
}

function refuse({ quoted }: StoreSettings, problem: string | undefined): void {
  if (problem !== undefined) throw unusable(quoted, new StoreError(problem))
}

function unusable(quoted: string, cause: Error): RefusedStartError {
  return new RefusedStartError(`Cannot use ${quoted}: ${reasonOf(cause)}`, { cause })
}

function reasonOf(error: Error): string {
  const { code, path } = error as NodeJS.ErrnoException
  switch (code) {
    case 'ENOENT':
      return `there is no file ${path}`
    case 'EACCES':
      return `this user may not read ${path}`
    case 'EISDIR':
      return 'it is a directory'
  }
  return error.message
}

function timeProblem(certificate: X509Certificate, nowMs: number): string | undefined {
  const { validFrom, validTo } = certificate
  const what = `its certificate (${nameOf(certificate)})`
  if (Date.parse(validTo) <= nowMs) return `${what} expired on ${validTo}`
  if (Date.parse(validFrom) > nowMs) return `${what} is not valid before ${validFrom}`
  return undefined
}

/** What OpenSSL refuses: weak keys and signatures, for example. */
function openSslProblem(options: SecureContextOptions): string | undefined {
  try {
    createSecureContext(options)
    return undefined
  } catch (error) {
    return `OpenSSL refuses it: ${(error as Error).message}`
  }
}

function pemOf(certificates: readonly X509Certificate[]): string {
  return certificates.map((certificate) => certificate.toString()).join('')
}
