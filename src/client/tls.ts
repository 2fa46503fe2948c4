// The option `tls` of every client: its connections are encrypted, the certificates of servers and
// brokers are checked, and the client shows its own if it has one.

import { resolve } from 'node:path'
import { silentLogger } from '../logger.ts'
import { Credentials } from '../protocol/tls/credentials.ts'
import type { StoreSettings } from '../protocol/tls/settings.ts'
import { withTls } from '../protocol/transport/with-tls.ts'
import { RefusedStartError } from '../refused-start.ts'
import type { ClientWorld } from '../world.ts'
import {
  flag,
  type Kind,
  Misfit,
  nonEmptyText,
  optional,
  type RowsOf,
  record,
  text,
} from './arguments.ts'

export interface TlsOptions {
  /** file of the authorities that are trusted, PEM or PKCS #12. Default: those that Node knows */
  readonly ca?: string
  /** file of this client's certificate, PEM or PKCS #12, with its private key unless `key` has it */
  readonly cert?: string
  /** PEM file of the private key */
  readonly key?: string
  /** of the private key, or of the PKCS #12 file */
  readonly password?: string
  /** of a PKCS #12 file of authorities */
  readonly caPassword?: string
  /** Whether certificates have to name the host that is dialled. Default true */
  readonly verifyHost?: boolean
}

/** Reads the files: an unusable one is a wrong argument. */
export const tlsOption: Kind<TlsClient> = (value, name) => {
  const options = tlsRecord(value, name)
  const { ca, cert, key, password, caPassword, verifyHost } = options
  if (cert === undefined && key !== undefined) {
    throw new Misfit(`${name}.key`, 'needs a certificate, as cert')
  }
  const settings = {
    keyStore: cert === undefined ? undefined : store(`${name}.cert`, [cert, key], password),
    trustStore: ca === undefined ? undefined : store(`${name}.ca`, [ca], caPassword),
    minProtocol: 'TLSv1.2',
    maxProtocol: 'TLSv1.3',
    ciphers: undefined,
    isReloaded: false,
  } as const
  try {
    const credentials = new Credentials({
      settings,
      logger: silentLogger,
    })
    return { credentials, verifiesHost: verifyHost }
  } catch (error) {
    if (!(error instanceof RefusedStartError)) throw error
    throw new Misfit(name, `cannot be used: ${error.message}`, { cause: error })
  }
}

/** What `tls` is taken as. */
export interface TlsClient {
  readonly credentials: Credentials
  readonly verifiesHost: boolean
}

/** @throws Misfit */
export function tlsClient(options: TlsOptions | undefined): TlsClient | undefined {
  return options === undefined ? undefined : tlsOption(options, 'tls')
}

/** The world, with all connections encrypted. */
export function securedBy(tls: TlsClient | undefined, world: ClientWorld): ClientWorld {
  if (tls === undefined) return world
  const { turn, clock, randomBytes } = world
  const transport = withTls(world.transport, { dial: tls })
  return { transport, turn, clock, randomBytes: (count) => randomBytes(count) }
}

const tlsRecord = record({
  ca: optional(nonEmptyText),
  cert: optional(nonEmptyText),
  key: optional(nonEmptyText),
  password: optional(text),
  caPassword: optional(text),
  verifyHost: optional(flag, true),
} satisfies RowsOf<TlsOptions>)

function store(
  quoted: string,
  files: readonly (string | undefined)[],
  password: string | undefined,
): StoreSettings {
  const given = files.filter((file) => file !== undefined)
  const where = `${quoted} (${given.join(', ')})`
  return {
    files: given.map((file) => resolve(file)),
    type: undefined,
    password,
    passwordFile: undefined,
    quoted: where,
  }
}
