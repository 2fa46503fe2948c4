// Access control lists in zkCli's text form. Pure.
//
//   world:anyone:cdrwa,digest:ann:aGFzaA==:r,ip:10.0.0.0/8:cdrw       scheme:id:permissions, …

import { oneLine } from '../../printable.ts'
import { type Acl, perms } from '../../protocol/records.ts'
import { UsageError } from './parse-line.ts'

/** In print order. */
const letters: readonly (readonly [letter: string, bit: number])[] = [
  ['c', perms.create],
  ['d', perms.delete],
  ['r', perms.read],
  ['w', perms.write],
  ['a', perms.admin],
]

/**
 * The id is the text between the first and the last colon: it may contain colons.
 *
 * @throws UsageError where zkCli would skip an entry with a warning: a shorter list grants less, or
 * more
 */
export function parseAcl(text: string): Acl[] {
  return entriesIn(text).map(parseEntry)
}

/** Split at commas, except those in the name of a certificate: x509:CN=ann,O=Example:cdrwa */
function entriesIn(text: string): readonly string[] {
  const entries: string[] = []
  for (const piece of text.split(',')) {
    const last = entries.at(-1)
    if (last !== undefined && /^x509:[^:]*$/.test(last)) entries.push(`${entries.pop()},${piece}`)
    else entries.push(piece)
  }
  return entries
}

function parseEntry(text: string): Acl {
  const first = text.indexOf(':')
  const last = text.lastIndexOf(':')
  if (first === last)
    throw new UsageError(`Cannot use ACL '${text}': it must have the form scheme:id:perm`)
  const id = text.slice(first + 1, last)
  return { perms: parsePerms(text.slice(last + 1)), scheme: text.slice(0, first), id }
}

function parsePerms(text: string): number {
  let bits = 0
  for (const letter of text) {
    const bit = letters.find(([known]) => known === letter)?.[1]
    if (bit === undefined) throw new UsageError(`Unknown perm type: ${letter}; use c, d, r, w or a`)
    bits |= bit
  }
  return bits
}

export function formatPerms(bits: number): string {
  return letters.map(([letter, bit]) => ((bits & bit) === 0 ? '' : letter)).join('')
}

/** Two lines per entry, as ZooKeeper's Id prints itself. */
export function formatAcl(acl: readonly Acl[]): string {
  return acl
    .map(({ scheme, id, perms }) => `${oneLine(`'${scheme},'${id}`)}\n: ${formatPerms(perms)}`)
    .join('\n')
}
