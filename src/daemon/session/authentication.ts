// Who a client is: its address, and what it proves by `auth` requests. Per connection, not per session:
// a client that comes again proves it again. Pure.
//
//   scheme    credential        identity
//   ip        none              the address that the connection comes from; each has it
//   digest    `user:password`   `user:` and the base64 of the SHA-1 of `user:password`; never refused
//   super     none of its own   added to the digest identity that is the configured superDigest
//
// What an identity may do, ztree/acl.ts decides. Schemes as in ZooKeeper's IPAuthenticationProvider and
// DigestAuthenticationProvider.

import { timingSafeEqual } from 'node:crypto'
import { limits } from '../../limits.ts'
import { digestOf } from '../../protocol/digest.ts'
import type { Id } from '../../protocol/records.ts'

export interface AuthenticationOptions {
  /** Everybody is a super user. */
  readonly skipAcl: boolean
  /** `super:` and a digest: whoever proves to be that identity is bound by no ACL. */
  readonly superDigest: string | undefined
  /** Without an identity of one of these schemes nothing else is answered; undefined: with any. */
  readonly requiredSchemes: readonly string[] | undefined
}

/** Who may do everything, whatever the ACLs say. */
export const superUser: Id = { scheme: 'super', id: '' }

/** What every connection is: its address, as text. One of IPv4 over IPv6 counts as IPv4. */
export function addressIdentity(remoteAddress: string): Id {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(remoteAddress)?.[1]
  return { scheme: 'ip', id: mapped ?? remoteAddress }
}

/**
 * What a client is after an `auth` request.
 *
 * @param identities what it was before; the first is its address
 * @returns undefined if the scheme is unknown: the client has no business here
 */
export function authenticate(
  identities: readonly Id[],
  { scheme, credential }: { readonly scheme: string; readonly credential: Uint8Array },
  { superDigest }: Pick<AuthenticationOptions, 'superDigest'>,
): readonly Id[] | undefined {
  if (scheme === 'ip') return identities
  if (scheme !== 'digest') return undefined
  const id = digestOf(credential)
  const proven: Id[] = [{ scheme: 'digest', id }]
  if (id === superDigest) proven.unshift(superUser)
  const added = proven.filter((one) => !identities.some((known) => sameId(known, one)))
  return [...identities, ...added]
}

/** Whether a client with these identities may ask for anything but `auth`. */
export function mayAsk(
  identities: readonly Id[],
  { requiredSchemes }: Pick<AuthenticationOptions, 'requiredSchemes'>,
): boolean {
  if (requiredSchemes === undefined) return true
  return identities.some(({ scheme }) => requiredSchemes.includes(scheme))
}

/** Whether the identities are more than a connection may have. */
export function tooMany(identities: readonly Id[]): boolean {
  const length = identities.reduce((sum, { scheme, id }) => sum + scheme.length + id.length, 0)
  return length > limits.identitiesLengthMax
}

/** As it is shown to the client itself and to others: the user, not the digest. */
export function withoutProof({ scheme, id }: Id): Id {
  return { scheme, id: scheme === 'digest' ? (id.split(':', 1)[0] ?? '') : id }
}

/** Of a session. In a time that says nothing about where they differ. */
export function samePassword(known: Uint8Array, given: Uint8Array): boolean {
  return known.length === given.length && timingSafeEqual(known, given)
}

function sameId(a: Id, b: Id): boolean {
  return a.scheme === b.scheme && a.id === b.id
}
