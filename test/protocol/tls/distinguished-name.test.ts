import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { isDistinguishedName, subjectOf } from '../../../src/protocol/tls/distinguished-name.ts'
import { Authority } from '../../certificates.ts'

/** As Java 17 prints X500Principal.getName() of the same certificates. */
const subjects = [
  {
    name: 'the most specific part comes first',
    subject: '/C=DE/ST=Berlin/L=Mitte/O=Example/OU=Staff/CN=alice',
    want: 'CN=alice,OU=Staff,O=Example,L=Mitte,ST=Berlin,C=DE',
  },
  {
    name: 'characters that separate are escaped, blanks at the ends too',
    subject: String.raw`/O=Example, "Inc" <a\+b>;\\ = #1/CN= x y `,
    want: String.raw`CN=\ x y\ ,O=Example\, \"Inc\" \<a\+b\>\;\\ \= \#1`,
  },
  { name: 'other letters stay', subject: '/O=Bücher 本/CN=λ', want: 'CN=λ,O=Bücher 本' },
  {
    name: 'parts with several values',
    subject: '/DC=org/DC=example/UID=7+CN=alice',
    want: 'CN=alice+UID=7,DC=example,DC=org',
  },
  {
    name: 'types without a short name in RFC 2253 are numbers, their values DER',
    subject: '/CN=alice/emailAddress=a@example.org/serialNumber=12/GN=Al',
    want: '2.5.4.42=#0c02416c,2.5.4.5=#13023132,1.2.840.113549.1.9.1=#160d61406578616d706c652e6f7267,CN=alice',
  },
]

t.test('the subject is written as Java writes it', async (t) => {
  const authority = new Authority(t.testdir())
  for (const [i, { name, subject, want }] of subjects.entries()) {
    const { certificate } = authority.sign(`subject${i}`, { subject })
    t.equal(subjectOf(new X509Certificate(readFileSync(certificate))), want, name)
  }
})

const names: readonly (readonly [text: string, isName: boolean])[] = [
  ['CN=alice', true],
  ['CN=alice,O=Example\\, Inc,C=DE', true],
  ['CN=alice, O=Example', true],
  ['1.2.840.113549.1.9.1=#1603612e62,CN=a', true],
  ['UID=7+CN=alice', true],
  ['CN=', true],
  ['', false],
  ['alice', false],
  ['CN=a,', false],
  [',CN=a', false],
  ['CN=a,alice', false],
  ['=a', false],
]
for (const [text, isName] of names) {
  t.test(`${JSON.stringify(text)} is ${isName ? 'a' : 'no'} distinguished name`, async (t) => {
    t.equal(isDistinguishedName(text), isName)
  })
}
