// The options of SASL, by which clients prove a name with DIGEST-MD5: ZooKeeper's keys, and the file
// of users that its operators have.

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ReadOptions } from '../options.ts'
import type { SaslOptions } from '../protocol/sasl/sasl-options.ts'
import { isOpenToOthers } from '../secret-file.ts'
import type { daemonProgram } from './config-rows.ts'
import { JaasError, readJaasUsers } from './jaas.ts'

type Read = ReadOptions<(typeof daemonProgram)['rows']>

const fileKey = 'java.security.auth.login.config'
const superPasswordKey = 'SASLAuthenticationProvider.superPassword'

/** @returns undefined where clients cannot authenticate by SASL */
export function saslOptions(read: Read, warnings: string[]): SaslOptions | undefined {
  const { values } = read
  const path = values[fileKey]
  if (path === undefined) {
    for (const key of ['superUser', superPasswordKey, 'allowSaslFailedClients'] as const) {
      if (read.given(key)) warnings.push(`${read.quote(key)} has no effect without ${fileKey}`)
    }
    return undefined
  }
  const users = usersIn(read, resolve(path), warnings)
  if (users === undefined) return undefined
  const superPassword = values[superPasswordKey]
  return {
    users: superPassword === undefined ? users : new Map([...users, ['super', superPassword]]),
    superUser: values.superUser,
    allowsFailed: values.allowSaslFailedClients,
  }
}

function usersIn(
  read: Read,
  path: string,
  warnings: string[],
): ReadonlyMap<string, string> | undefined {
  const section = read.values['sasl.serverconfig']
  try {
    const users = readJaasUsers(readFileSync(path, 'utf8'), section)
    if (users === undefined) {
      warnings.push(`${read.quote(fileKey)} has no section ${section}: there is no SASL`)
      return undefined
    }
    if (users.size === 0) warnings.push(`${read.quote(fileKey)} has no user_NAME in ${section}`)
    if (isOpenToOthers(path)) {
      warnings.push(`${read.quote(fileKey)} holds passwords, and is open to other users`)
    }
    return users
  } catch (error) {
    const found = error instanceof JaasError ? error.message : `it cannot be read: ${String(error)}`
    return read.refuse(fileKey, found)
  }
}

/** Whether a client without a SASL identity is refused everything else. */
export function requiresSasl(read: Read, sasl: SaslOptions | undefined): boolean {
  const { requireClientAuthScheme: scheme, sessionRequireClientSASLAuth } = read.values
  if (scheme !== undefined && scheme !== 'sasl') {
    read.refuse('requireClientAuthScheme', 'it must be sasl; enforce.auth.schemes has others')
  }
  const key = scheme === undefined ? 'sessionRequireClientSASLAuth' : 'requireClientAuthScheme'
  if (scheme === undefined && !sessionRequireClientSASLAuth) return false
  return sasl === undefined ? read.refuse(key, `it needs ${fileKey}`) : true
}
