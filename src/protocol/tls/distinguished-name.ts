// The name of a certificate's owner, as text: the identity of a client that shows one. ACLs quote it,
// so it is letter for letter what Java's X500Principal.getName() returns, which ZooKeeper compares.
//
//   CN=alice,OU=Staff\, Berlin,O=Example,C=DE
//
// Source: RFC 2253 (most specific part first), and AVA.toRFC2253String in Java: types without a
// short name there are `1.2.840.113549.1.9.1=#1603…`, the DER of the value.

import type { X509Certificate } from 'node:crypto'
import { childrenOf, type Der, expectDer, oidOf, readDer, sequenceOf, tags, textOf } from './der.ts'

const shortNames: ReadonlyMap<string, string> = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.6', 'C'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.9', 'STREET'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['0.9.2342.19200300.100.1.1', 'UID'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
])

/** The certificate's subject. @throws DerError if it cannot be read */
export function subjectOf({ raw }: Pick<X509Certificate, 'raw'>): string {
  const [tbsCertificate] = sequenceOf(readDer(raw))
  const fields = sequenceOf(tbsCertificate)
  // [0] version, serial number, signature algorithm, issuer, validity, subject; version 1 has no [0].
  return nameText(fields[fields[0]?.tag === tags.context0 ? 5 : 4])
}

/** A Name: a sequence of sets of a type and a value. */
function nameText(name: Der | undefined): string {
  return sequenceOf(name)
    .map((part) =>
      childrenOf(expectDer(part, tags.set))
        .map((pair) => pairText(sequenceOf(pair)))
        .join('+'),
    )
    .reverse()
    .join(',')
}

function pairText([type, value]: readonly Der[]): string {
  const oid = oidOf(type)
  const shortName = shortNames.get(oid)
  const text = value && textOf(value)
  if (shortName !== undefined && text !== undefined) return `${shortName}=${escaped(text)}`
  return `${shortName ?? oid}=#${value?.whole.toString('hex') ?? ''}`
}

/** With a backslash before what separates, and before blanks at the ends. */
function escaped(text: string): string {
  return text
    .replaceAll(/[,=+<>#;"\\]/g, '\\$&')
    .replaceAll('\0', '\\00')
    .replace(/^ +| +$/g, (blanks) => blanks.replaceAll(' ', '\\ '))
}

/** Whether an ACL may name it: pairs of a type and a value, separated by commas or plus signs. */
export function isDistinguishedName(text: string): boolean {
  const pair = String.raw`\s*(?:[A-Za-z][\w-]*|\d+(?:\.\d+)*)\s*=(?:[^,+;"\\]|\\.|"(?:[^"\\]|\\.)*")*`
  return new RegExp(`^${pair}(?:[,+;]${pair})*$`, 'su').test(text)
}
