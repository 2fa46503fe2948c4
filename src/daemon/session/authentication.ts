// A client's identities: its address, and those it proves by `auth` requests. Per connection, not
// per session: a client authenticates again after a reconnect. Pure.
//
//   scheme    credential        identity
//   ip        none              the address that the connection comes from; each has it
//   digest    `user:password`   `user:` and the base64 of the SHA-1 of `user:password`; never refused
//   x509      none              the name in the certificate that the client has shown by TLS
//   sasl      `sasl` requests   the user; client-sasl.ts
//   super     none              added to the digest identity that equals the configured superDigest,
//                               and to the x509 identity that equals the configured super user
//
// ztree/acl.ts decides what an identity may do. Schemes as in ZooKeeper's IPAuthenticationProvider
// and DigestAuthenticationProvider.

import { timingSafeEqual } from 'node:crypto'
import { limits } from '../../limits.ts'
import { digestOf } from '../../protocol/digest.ts'
import type { Id } from '../../protocol/records.ts'
import type { SaslOptions } from '../../protocol/sasl/sasl-options.ts'

export interface AuthenticationOptions {
  /** Every client is a super user. */
  readonly skipAcl: boolean
  /** `super:` and a digest: no ACL restricts a client with this identity. */
  readonly superDigest: string | undefined
  /**
   * Without an identity of one of these schemes only `auth` and `sasl` are answered; undefined: no requirement.
   */
  readonly requiredSchemes: readonly string[] | undefined
  /** undefined: clients cannot authenticate by SASL */
  readonly sasl?: SaslOptions | undefined
}

/** May do everything, whatever the ACLs. */
export const superUser: Id = { scheme: 'super', id: '' }

/** The identity of every connection: its address, as text. IPv4-mapped IPv6 counts as IPv4. */
export function addressIdentity(remoteAddress: string): Id {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(remoteAddress)?.[1]
  return { scheme: 'ip', id: mapped ?? remoteAddress }
}

/** The identities of a client before any `auth` request. */
export function identitiesOf(
  remoteAddress: string,
  {
    subject,
    superUser: x509SuperUser,
  }: { readonly subject?: string | undefined; readonly superUser?: string | undefined },
): readonly Id[] {
  const identities: Id[] = [addressIdentity(remoteAddress)]
  if (subject === undefined) return identities
  if (subject === x509SuperUser) identities.push({ scheme: 'super', id: subject })
  identities.push({ scheme: 'x509', id: subject })
  return identities
}

/**
 * The identities of a client after an `auth` request.
 *
 * @param identities those before; the first is its address
 * @returns undefined if the scheme is unknown: the client is refused
 */
export function authenticate(
  identities: readonly Id[],
  { scheme, credential }: { readonly scheme: string; readonly credential: Uint8Array },
  { superDigest }: Pick<AuthenticationOptions, 'superDigest'>,
): readonly Id[] | undefined {
  if (scheme === 'ip') return identities
  // The certificate was judged when the connection began.
  if (scheme === 'x509') {
    return identities.some(({ scheme }) => scheme === 'x509') ? identities : undefined
  }
  if (scheme !== 'digest') return undefined
  const id = digestOf(credential)
  const proven: Id[] = [{ scheme: 'digest', id }]
  if (id === superDigest) proven.unshift(superUser)
  return withIdentities(identities, proven)
}

/** Those of `proven` that are new come last. */
export function withIdentities(identities: readonly Id[], proven: readonly Id[]): readonly Id[] {
  const added = proven.filter((one) => !identities.some((known) => sameId(known, one)))
  return [...identities, ...added]
}

/** Whether a client with these identities may send other requests than `auth`. */
export function mayAsk(
  identities: readonly Id[],
  { requiredSchemes }: Pick<AuthenticationOptions, 'requiredSchemes'>,
): boolean {
  if (requiredSchemes === undefined) return true
  return identities.some(({ scheme }) => requiredSchemes.includes(scheme))
}

/** Whether the identities exceed the limit of a connection. */
export function tooMany(identities: readonly Id[]): boolean {
  const length = identities.reduce((sum, { scheme, id }) => sum + scheme.length + id.length, 0)
  return length > limits.identitiesLengthMax
}

/** The displayed form, also for the client itself: the user, not the digest. */
export function withoutProof({ scheme, id }: Id): Id {
  return { scheme, id: scheme === 'digest' ? (id.split(':', 1)[0] ?? '') : id }
}

/** For session passwords. The time does not depend on where they differ. */
export function samePassword(known: Uint8Array, given: Uint8Array): boolean {
  return known.length === given.length && timingSafeEqual(known, given)
}

function sameId(a: Id, b: Id): boolean {
  return a.scheme === b.scheme && a.id === b.id
}
