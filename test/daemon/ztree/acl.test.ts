import t from 'tap'
import {
  aclText,
  isAllowed,
  maskedAcl,
  normalizeAcl,
  parseAclText,
  readOnlyAcl,
} from '../../../src/daemon/ztree/acl.ts'
import { type Acl, type Id, openAcl, perms } from '../../../src/protocol/records.ts'

const { read, write, create, admin, all } = perms

/** `digest:ann:h=1` is scheme digest, id ann:h, perms 1. */
function acl(...entries: readonly string[]): readonly Acl[] {
  return entries.map((text) => {
    const found = /^(?<scheme>[^:]*):(?<id>.*)=(?<perms>-?\d+)$/s.exec(text)?.groups
    return {
      scheme: found?.['scheme'] ?? '',
      id: found?.['id'] ?? '',
      perms: Number(found?.['perms']),
    }
  })
}

function ids(...texts: readonly string[]): readonly Id[] {
  return acl(...texts.map((text) => `${text}=0`)).map(({ scheme, id }) => ({ scheme, id }))
}

const local = 'ip:127.0.0.1'
const v6 = 'ip:2001:db8::17'

const checks: readonly {
  name: string
  acl: readonly Acl[]
  needed?: number
  who: readonly Id[]
  want: boolean
}[] = [
  { name: 'an open list lets all in', acl: openAcl, needed: admin, who: [], want: true },
  { name: 'so does a copy of it', acl: acl('world:anyone=31'), needed: admin, who: [], want: true },
  { name: 'an empty list lets all in', acl: [], who: [], want: true },
  { name: 'the world may read only', acl: readOnlyAcl, needed: write, who: [], want: false },
  { name: 'the world may read', acl: readOnlyAcl, needed: read, who: [], want: true },
  {
    name: 'a world of one matches no client',
    acl: acl('world:me=31'),
    who: ids('world:me'),
    want: false,
  },
  { name: 'perms 0 allow no client', acl: acl('world:anyone=0'), who: ids(local), want: false },
  {
    name: 'either bit will do',
    acl: acl('world:anyone=16'),
    needed: read | admin,
    who: [],
    want: true,
  },
  {
    name: 'bits beyond the five count for nothing here',
    acl: acl('world:anyone=32'),
    needed: all,
    who: [],
    want: false,
  },
  {
    name: 'digest, equal',
    acl: acl('digest:ann:h=1'),
    who: ids(local, 'digest:ann:h'),
    want: true,
  },
  { name: 'digest, other hash', acl: acl('digest:ann:h=1'), who: ids('digest:ann:i'), want: false },
  {
    name: 'same id, other scheme',
    acl: acl('digest:ann:h=1'),
    who: ids('sasl:ann:h'),
    want: false,
  },
  {
    name: 'the entry with the permission has to match',
    acl: acl('digest:ann:h=1', 'digest:bob:h=2'),
    needed: write,
    who: ids('digest:ann:h'),
    want: false,
  },
  {
    name: 'one of several identities',
    acl: acl('digest:ann:h=1', 'digest:bob:h=2'),
    needed: write,
    who: ids('digest:ann:h', 'digest:bob:h'),
    want: true,
  },
  {
    name: 'super may do all',
    acl: acl('digest:ann:h=1'),
    needed: admin,
    who: ids('super:'),
    want: true,
  },
  {
    name: 'super, even if no other client may',
    acl: acl('world:anyone=0'),
    who: ids('super:'),
    want: true,
  },
  { name: 'an address', acl: acl('ip:127.0.0.1=1'), who: ids(local), want: true },
  { name: 'another address', acl: acl('ip:127.0.0.2=1'), who: ids(local), want: false },
  { name: 'a prefix', acl: acl('ip:127.0.0.0/8=1'), who: ids(local), want: true },
  {
    name: 'a prefix with bits behind it',
    acl: acl('ip:127.9.9.9/8=1'),
    who: ids(local),
    want: true,
  },
  { name: 'not in the prefix', acl: acl('ip:127.0.0.128/25=1'), who: ids(local), want: false },
  { name: 'in half a byte', acl: acl('ip:112.0.0.0/4=1'), who: ids(local), want: true },
  { name: 'no bits', acl: acl('ip:9.9.9.9/0=1'), who: ids(local), want: true },
  { name: 'all bits', acl: acl('ip:127.0.0.1/32=1'), who: ids(local), want: true },
  { name: 'no bits of the other family', acl: acl('ip:::/0=1'), who: ids(local), want: false },
  { name: 'nor the other way round', acl: acl('ip:0.0.0.0/0=1'), who: ids(v6), want: false },
  { name: 'IPv6', acl: acl('ip:2001:db8:0:0:0:0:0:17=1'), who: ids(v6), want: true },
  { name: 'an IPv6 prefix', acl: acl('ip:2001:db8::/33=1'), who: ids(v6), want: true },
  { name: 'not in it', acl: acl('ip:2001:db8:8000::/33=1'), who: ids(v6), want: false },
  {
    name: 'IPv4 as an IPv6 socket sees it',
    acl: acl('ip:127.0.0.0/8=1'),
    who: ids('ip:::ffff:127.0.0.1'),
    want: true,
  },
  {
    name: 'an address with a zone',
    acl: acl('ip:fe80::/10=1'),
    who: ids('ip:fe80::1%eth0'),
    want: true,
  },
  {
    name: 'a zone in a list of an earlier version',
    acl: acl('ip:fe80::1%eth0=1'),
    who: ids('ip:fe80::1%eth1'),
    want: true,
  },
  {
    name: 'IPv4 as IPv6 in a list of an earlier version',
    acl: acl('ip:::ffff:127.0.0.0/8=1'),
    who: ids(local),
    want: true,
  },
  { name: 'an invalid address', acl: acl('ip:0.0.0.0/0=1'), who: ids('ip:'), want: false },
]

for (const { name, acl, needed = read, who, want } of checks) {
  t.test(`isAllowed: ${name}`, async (t) => {
    t.equal(isAllowed(acl, needed, who), want)
  })
}

const ann = 'digest:ann:h'
const bob = 'digest:bob:i'

const lists: readonly {
  name: string
  acl: readonly Acl[] | null
  who?: readonly Id[]
  want: readonly Acl[] | undefined
}[] = [
  { name: 'null', acl: null, want: undefined },
  { name: 'empty', acl: [], want: undefined },
  { name: 'the world', acl: acl('world:anyone=1'), want: acl('world:anyone=1') },
  { name: 'another world', acl: acl('world:everyone=1'), want: undefined },
  { name: 'no permission at all', acl: acl('world:anyone=0'), want: acl('world:anyone=0') },
  { name: 'unknown bits', acl: acl('world:anyone=-32'), want: acl('world:anyone=-32') },
  {
    name: 'duplicates',
    acl: acl(`${bob}=1`, `${ann}=1`, `${bob}=1`),
    want: acl(`${bob}=1`, `${ann}=1`),
  },
  {
    name: 'same id, other permissions',
    acl: acl(`${ann}=1`, `${ann}=2`),
    want: acl(`${ann}=1`, `${ann}=2`),
  },
  {
    name: 'auth, proved',
    acl: acl('auth:=5'),
    who: ids(local, ann, bob),
    want: acl(`${ann}=5`, `${bob}=5`),
  },
  { name: 'auth, its id ignored', acl: acl('auth:x=5'), who: ids(ann), want: acl(`${ann}=5`) },
  { name: 'auth, not proved', acl: acl('auth:=5'), who: ids(local), want: undefined },
  {
    name: 'auth, super has a digest',
    acl: acl('auth:=5'),
    who: ids('super:', ann),
    want: acl(`${ann}=5`),
  },
  {
    name: 'auth among others',
    acl: acl('world:anyone=1', 'auth:=31', 'ip:1.2.3.4=2'),
    who: ids(ann),
    want: acl('world:anyone=1', `${ann}=31`, 'ip:1.2.3.4=2'),
  },
  { name: 'one bad entry', acl: acl('world:anyone=1', 'unknown:x=1'), want: undefined },
  { name: 'super is not to be named', acl: acl('super:x=31'), want: undefined },
  { name: 'no scheme', acl: acl(':x=31'), want: undefined },
]

for (const { name, acl, who = [], want } of lists) {
  t.test(`normalizeAcl: ${name}`, async (t) => {
    t.same(normalizeAcl(acl, who), want)
  })
}

for (const [scheme, valid, invalid] of [
  ['digest', ['a:b', ':b', 'a:b:', 'a:b::'], ['', ':', 'a', 'a:', 'a:b:c', '::c']],
  [
    'ip',
    [
      '1.2.3.4',
      '0.0.0.0/0',
      '255.255.255.255/32',
      '::',
      '::1',
      '1::',
      '1:2:3:4:5:6:7:8',
      '::/0',
    ].concat(['::1/128', 'fe80::1', '64:ff9b::1.2.3.4', 'ABCD::/16', '::1.2.3.4', '::ffff:0:1:2']),
    ['', '1.2.3', '1.2.3.4.5', '1.2.3.256', '1.2.3.-4', '1.2.3.', '1.2.3.4/', '1.2.3.4/33']
      .concat(['1.2.3.4/-1', '1.2.3.4/8/8', '1.2.3.4/x', 'localhost', ':', ':::', '1::2::3'])
      .concat(['1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7::8', '12345::', 'g::'])
      .concat(['::1/129', '1.2.3.4::', '::1.2.3', '1:2', ' 1.2.3.4', '1.2.3.4 ', '1.2.3.4\n'])
      .concat([
        '1.2.3.4/ 8',
        '1.2.3.4/8 ',
        '1.2.3.4/+8',
        '1.2.3.4/08',
        '1.2.3.4/8.0',
        '1.2.3.4/8e0',
      ])
      .concat([
        '1.2.3.4/0x8',
        '1.2.3.4/256',
        '1.2.3.4/4294967304',
        '01.2.3.4',
        '1.2.3.004',
        '0x1.2.3.4',
      ])
      .concat([
        '1.2.3.+4',
        '1.2.3.4%lo',
        '١.2.3.4',
        '1.2.3',
        '16909060',
        '1.2.772',
        '[::1]',
        '::1%lo',
      ])
      .concat(['fe80::1%lo', 'fe80::1%lo/64', 'fe80::1%1', 'fe80::1%', 'fe80::1/64%lo', '::1/0128'])
      .concat(['::ffff:1.2.3.4', '::FFFF:1.2.3.4/104', '0:0:0:0:0:ffff:102:304', '::ffff:0:0/96'])
      .concat([
        '::ffff:1.2.3.4/8',
        '::01.2.3.4',
        '00001::',
        '::1/',
        '/8',
        '/',
        '1.2.3.4:2181',
        '*',
      ]),
  ],
] as const) {
  for (const id of [...valid, ...invalid]) {
    const holds = (valid as readonly string[]).includes(id)
    t.test(`normalizeAcl: ${scheme} '${id}' is ${holds ? 'valid' : 'not valid'}`, async (t) => {
      t.equal(normalizeAcl([{ perms: all, scheme, id }], []) !== undefined, holds)
    })
  }
}

t.test('what is open to all is always the same list', async (t) => {
  t.equal(normalizeAcl(openAcl, []), openAcl)
  t.equal(normalizeAcl(acl('world:anyone=31'), []), openAcl)
  t.equal(normalizeAcl(acl('world:anyone=31', 'world:anyone=31'), []), openAcl)
  t.not(normalizeAcl(acl('world:anyone=30'), []), openAcl)
})

t.test('a masked list shows the user, never the hash', async (t) => {
  const shown = maskedAcl(acl('world:anyone=1', 'digest:ann:h=31', 'digest:x\ny:\nh=1'))
  t.same(shown, acl('world:anyone=1', 'digest:ann:x=31', 'digest:x\ny:x=1'))
  t.equal(maskedAcl(openAcl), openAcl)
})

t.test('a list comes back from its text', async (t) => {
  for (const list of [openAcl, [], acl('digest:a"\\:\ud800=-1', `ip:::/0=${create}`)]) {
    t.same(parseAclText(aclText(list)), list)
  }
  t.not(aclText(acl('a:b=1')), aclText(acl('a:b=2')))
})
