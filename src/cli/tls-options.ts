// The options by which every command that connects speaks TLS.

import type { Argv } from 'yargs'
import type { TlsOptions } from '../client/tls.ts'
import { readOptionFile } from './password.ts'

export interface TlsWords {
  readonly tls: boolean
  readonly tlsCa?: string | undefined
  readonly tlsCert?: string | undefined
  readonly tlsKey?: string | undefined
  readonly tlsPasswordFile?: string | undefined
  readonly tlsVerifyHost: boolean
}

export function tlsOptions<T>(cli: Argv<T>) {
  const file = { type: 'string', requiresArg: true, group: tlsGroup } as const
  return cli
    .option('tls', {
      type: 'boolean',
      default: false,
      group: tlsGroup,
      describe: 'connect by TLS; any option below says so too',
    })
    .option('tls-ca', { ...file, describe: 'file of the authorities to trust, PEM or PKCS #12' })
    .option('tls-cert', { ...file, describe: 'file of our certificate, PEM or PKCS #12' })
    .option('tls-key', { ...file, describe: 'file of its private key, if that is not in the same' })
    .option('tls-password-file', { ...file, describe: 'holds the password of these files' })
    .option('tls-verify-host', {
      type: 'boolean',
      default: true,
      group: tlsGroup,
      describe: 'whether certificates have to name the host that is dialled',
    })
}

const tlsGroup = 'TLS:'

/** Options of `zw` that take a value: the shell's command follows them. */
export const tlsValued = /^--tls-(ca|cert|key|password-file)$/

/** @returns undefined for plaintext */
export function tlsOf(words: TlsWords): TlsOptions | undefined {
  const { tls, tlsCa: ca, tlsCert: cert, tlsKey: key, tlsPasswordFile, tlsVerifyHost } = words
  const isAsked = tls || !tlsVerifyHost || [ca, cert, key, tlsPasswordFile].some(isGiven)
  if (!isAsked) return undefined
  const password =
    tlsPasswordFile === undefined
      ? undefined
      : readOptionFile(tlsPasswordFile, '--tls-password-file')
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(password === undefined ? {} : { password, caPassword: password }),
    verifyHost: tlsVerifyHost,
  }
}

function isGiven(value: string | undefined): boolean {
  return value !== undefined
}
