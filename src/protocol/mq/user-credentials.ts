// Znodes of users: /config/users/NAME holds the credentials by which a broker recognises a user, with
// Kafka's path and JSON. `zw users` writes them, and brokers read them. Pure.
//
//   {"version":1,"config":{"SCRAM-SHA-256":"salt=…,stored_key=…,server_key=…,iterations=8192"}}

import { asObject, objectOf } from '../../json.ts'
import {
  decodeCredential,
  encodeCredential,
  type ScramCredential,
  type ScramMechanism,
  scramMechanisms,
} from '../sasl/scram-credential.ts'

export const configPath = '/config'
export const usersPath = '/config/users'

/** Bytes of a user's name, escaped. */
const nameBytesMax = 249

export type UserCredentials = ReadonlyMap<ScramMechanism, ScramCredential>

/** @returns undefined for a name that no user can have */
export function userPath(user: string): string | undefined {
  const name = znodeName(user)
  return name === undefined ? undefined : `${usersPath}/${name}`
}

/** Escapes as Kafka's Sanitizer does, and the names that are no names of znodes. */
function znodeName(user: string): string | undefined {
  const name = escaped(user)
    ?.replaceAll(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/^\.{1,2}$/, (dots) => '%2E'.repeat(dots.length))
  return name !== undefined && name !== '' && name.length <= nameBytesMax ? name : undefined
}

/** @returns undefined for half of a surrogate pair */
function escaped(text: string): string | undefined {
  try {
    return encodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** @param name of a child of /config/users. @returns undefined if it names no user */
export function userOf(name: string): string | undefined {
  try {
    const user = decodeURIComponent(name)
    return znodeName(user) === name ? user : undefined
  } catch {
    return undefined
  }
}

/** What cannot be read is left out. */
export function decodeUser(data: Buffer | null): UserCredentials {
  const config = asObject(objectOf(data)['config'])
  const credentials = new Map<ScramMechanism, ScramCredential>()
  for (const mechanism of mechanismNames) {
    const text = config[mechanism]
    const credential = typeof text === 'string' ? decodeCredential(mechanism, text) : undefined
    if (credential !== undefined) credentials.set(mechanism, credential)
  }
  return credentials
}

/** @param data of the znode before; null: there is none. What it says besides is kept */
export function encodeUser(data: Buffer | null, credentials: UserCredentials): string {
  const config = new Map(Object.entries(asObject(objectOf(data)['config'])))
  for (const [mechanism, credential] of credentials) {
    config.set(mechanism, encodeCredential(credential))
  }
  return JSON.stringify({ version: 1, config: Object.fromEntries(config) })
}

export const mechanismNames = Object.keys(scramMechanisms) as readonly ScramMechanism[]
