// Permissions: access control lists, as in ZooKeeper's checkACL, fixupACL and authentication
// providers.
//
// An entry grants permissions to the clients it names: `world:anyone` to every client, any other to
// clients with a matching identity of the same scheme. Pure; session/authentication.ts supplies a
// connection's identities. Writes are checked in prep.ts, reads in final.ts.

import { isIPv4, isIPv6 } from 'node:net'
import { limits } from '../../limits.ts'
import { type Acl, type Id, openAcl } from '../../protocol/records.ts'
import { isDistinguishedName } from '../../protocol/tls/distinguished-name.ts'

/** Readable by every client, writable by none. */
export const readOnlyAcl: readonly Acl[] = [{ perms: 1, scheme: 'world', id: 'anyone' }]

/** @param needed bits of `perms`; any one of them is enough */
export function isAllowed(acl: readonly Acl[], needed: number, identities: readonly Id[]): boolean {
  // Most znodes have exactly this list, and most lists are not empty.
  if (acl === openAcl || acl.length === 0) return true
  for (const entry of acl) {
    if ((entry.perms & needed) !== 0 && names(entry, identities)) return true
  }
  return isSuper(identities)
}

function names(entry: Acl, identities: readonly Id[]): boolean {
  if (entry.scheme === 'world') return entry.id === 'anyone'
  return identities.some((identity) => {
    if (identity.scheme !== entry.scheme) return false
    // As in ZooKeeper's SASLAuthenticationProvider: this user passes for every other.
    if (entry.scheme === 'sasl' && identity.id === 'super') return true
    return entry.scheme === 'ip' ? isWithin(identity.id, entry.id) : identity.id === entry.id
  })
}

function isSuper(identities: readonly Id[]): boolean {
  return identities.some(({ scheme }) => scheme === 'super')
}

/**
 * The stored form of a list: without duplicates, and with one entry per proven identity of the
 * client in place of `auth`. The list that grants everything to every client is always the object
 * `openAcl`.
 *
 * @param hasSasl whether clients can authenticate by SASL, and so be named by it
 * @returns undefined for an invalid list: INVALIDACL
 */
export function normalizeAcl(
  acl: readonly Acl[] | null,
  identities: readonly Id[],
  { hasSasl = false } = {},
): readonly Acl[] | undefined {
  if (acl === openAcl) return acl
  if (acl === null || acl.length === 0) return undefined
  const proved = identities.filter(({ scheme }) => provedSchemes.has(scheme))
  const kept: Acl[] = []
  let length = 0
  for (const entry of withoutDuplicates(acl)) {
    const { perms } = entry
    if (entry.scheme === 'sasl' && !hasSasl) return undefined
    if (entry.scheme !== 'auth' && !isValid(entry)) return undefined
    const named = entry.scheme === 'auth' ? proved : [entry]
    if (named.length === 0) return undefined
    for (const { scheme, id } of named) {
      kept.push({ perms, scheme, id })
      length += scheme.length + id.length
    }
    // Many permissions for many identities: the product may exceed any single request.
    if (length > limits.clientFrameBytesMax) return undefined
  }
  return sameAcl(kept, openAcl) ? openAcl : kept
}

/** Identities that an entry of scheme `auth` stands for. */
const provedSchemes: ReadonlySet<string> = new Set(['digest', 'x509', 'sasl'])

/** `name`, `name/host` or `name/host@REALM`: as in ZooKeeper's KerberosName. */
function isPrincipal(id: string): boolean {
  return !id.includes('@') || /^[^/@]*(\/[^/@]*)?@[^/@]*$/.test(id)
}

function withoutDuplicates(acl: readonly Acl[]): readonly Acl[] {
  if (acl.length === 1) return acl
  const distinct = new Map(acl.map((entry) => [aclText([entry]), entry]))
  return [...distinct.values()]
}

function isValid({ scheme, id }: Acl): boolean {
  switch (scheme) {
    case 'world':
      return id === 'anyone'
    case 'digest':
      // As in Java's split: empty parts at the end do not count.
      return id.replace(/:+$/, '').split(':').length === 2
    case 'ip':
      return isPlainPrefix(id)
    case 'x509':
      return isDistinguishedName(id)
    case 'sasl':
      return isPrincipal(id)
  }
  return false
}

/** For a client that may read the list but not change it: without password hashes. */
export function maskedAcl(acl: readonly Acl[]): readonly Acl[] {
  if (acl.every(({ scheme }) => scheme !== 'digest')) return acl
  return acl.map((entry) => {
    const { perms, scheme, id } = entry
    return scheme === 'digest' ? { perms, scheme, id: id.replace(/:.*/s, ':x') } : entry
  })
}

/** Equal texts for equal lists: `[[perms, scheme, id], …]`. */
export function aclText(acl: readonly Acl[]): string {
  return JSON.stringify(acl.map(({ perms, scheme, id }) => [perms, scheme, id]))
}

/** The list of an `aclText`. */
export function parseAclText(text: string): readonly Acl[] {
  const entries = JSON.parse(text) as [number, string, string][]
  return entries.map(([perms, scheme, id]) => ({ perms, scheme, id }))
}

function sameAcl(a: readonly Acl[], b: readonly Acl[]): boolean {
  if (a.length !== b.length) return false
  return a.every((entry, i) => {
    const other = b[i]
    if (other === undefined) return false
    return entry.perms === other.perms && entry.scheme === other.scheme && entry.id === other.id
  })
}

// --- addresses -----------------------------------------------------------------------------------

interface Prefix {
  readonly bytes: readonly number[]
  readonly bits: number
}

/** Whether `address` begins with the bits of `prefix`; IPv4 and IPv6 never match each other. */
function isWithin(address: string, prefix: string): boolean {
  const known = parsePrefix(prefix)
  const bytes = parseAddress(address)
  if (known === undefined || bytes?.length !== known.bytes.length) return false
  return bytes.every((byte, i) => {
    const bits = Math.min(Math.max(known.bits - 8 * i, 0), 8)
    const mask = 0xff & (0xff00 >> bits)
    return ((byte ^ (known.bytes[i] ?? 0)) & mask) === 0
  })
}

/**
 * The addresses allowed in an ACL: unambiguous to every program, with bits in plain decimal.
 * ZooKeeper refuses the others as well, where it does not misread them: a zone, which is local to
 * one host; IPv4-mapped IPv6, whose bits could be counted from two positions and which no client's
 * address is compared as; leading zeros, which some programs read as octal; signs and blanks.
 */
function isPlainPrefix(text: string): boolean {
  if (/[^0-9A-Fa-f.:/]/.test(text) || /\/0\d/.test(text)) return false
  return parsePrefix(text) !== undefined && !isMapped(text.split('/', 1)[0] ?? '')
}

/** `address` or `address/bits`. Lenient, because lists from earlier versions are still stored. */
function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/')
  const bytes = parseAddress(slash < 0 ? text : text.slice(0, slash))
  if (bytes === undefined) return undefined
  const bitsMax = 8 * bytes.length
  if (slash < 0) return { bytes, bits: bitsMax }
  const bits = parseNatural(text.slice(slash + 1))
  return bits === undefined || bits > bitsMax ? undefined : { bytes, bits }
}

/** 4 or 16 bytes. An IPv4-mapped IPv6 address is an IPv4 address. */
function parseAddress(text: string): readonly number[] | undefined {
  if (isIPv4(text)) return text.split('.').map(Number)
  if (!isIPv6(text)) return undefined
  const bytes = parseIpv6(text)
  return isMapped(text) ? bytes.slice(12) : bytes
}

/** Whether it is in `::ffff:0:0/96`, in any notation. */
function isMapped(text: string): boolean {
  if (!isIPv6(text)) return false
  return parseIpv6(text)
    .slice(0, 12)
    .every((byte, i) => byte === (i < 10 ? 0 : 0xff))
}

/** Of a valid address. `::` stands for the missing zeros. */
function parseIpv6(text: string): number[] {
  const [address = ''] = text.split('%')
  const [front = [], back = []] = address.split('::').map(parseGroups)
  const zeros = new Array<number>(16 - front.length - back.length).fill(0)
  return [...front, ...zeros, ...back]
}

/** Two bytes each; the last may be an IPv4 address. */
function parseGroups(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number)
    const number = Number.parseInt(group, 16)
    return [number >> 8, number & 0xff]
  })
}

function parseNatural(digits: string): number | undefined {
  return /^\d{1,3}$/.test(digits) ? Number(digits) : undefined
}
