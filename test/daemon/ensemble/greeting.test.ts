import t from 'tap'
import {
  answerTo,
  judgeHello,
  membersOf,
  otherHost,
  thirdList,
} from '../../../src/daemon/ensemble/greeting.ts'
import type { PeerHello } from '../../../src/protocol/peer/hello.ts'
import type { ServerId } from '../../../src/protocol/records.ts'

const id = (number: number): ServerId => number as ServerId
const listed = (...ids: number[]) =>
  ids.map((each) => ({ id: id(each), address: `s${each}:2888`, observes: false }))
const observing = (...ids: number[]) => listed(...ids).map((each) => ({ ...each, observes: true }))

function hello(serverId: number, change: Partial<PeerHello> = {}): PeerHello {
  return {
    ...{ type: 'hello', serverId: id(serverId), instance: serverId, members: listed(1, 2, 3) },
    ...{ groups: undefined, ensembleId: 'e', holdsHistory: true, challenge: undefined },
    ...change,
  }
}
const isNew = { ensembleId: undefined, holdsHistory: false } as const
const idle = { ensembleId: 'e', holdsHistory: false } as const
const groups = { groups: 'group.1=1:2\ngroup.2=3' }
const foreign = { ensembleId: 'f', holdsHistory: true } as const
const neverCame = { ensembleId: 'f', holdsHistory: false } as const

const cases: {
  name: string
  ours: PeerHello
  theirs: PeerHello
  expected?: number
  want: object
}[] = [
  {
    name: 'a peer that names our ensemble is a member',
    ours: hello(1),
    theirs: hello(2),
    want: { isMember: true },
  },
  {
    name: 'so is one that was dialled',
    ...{ ours: hello(2), theirs: hello(1), expected: 1, want: { type: 'accept', isMember: true } },
  },
  {
    name: 'a server without data may follow, but is no member',
    ...{ ours: hello(1), theirs: hello(2, isNew), want: { type: 'accept', isMember: false } },
  },
  {
    name: 'nor is one of an ensemble that may never have been established',
    ...{ ours: hello(1), theirs: hello(2, neverCame), want: { type: 'accept', isMember: false } },
  },
  {
    name: 'a member without history yet names the ensemble too',
    ...{ ours: hello(1), theirs: hello(2, idle), want: { type: 'accept', isMember: true } },
  },
  {
    name: 'a server without history takes every peer as a member',
    ...{ ours: hello(1, isNew), theirs: hello(2, isNew), want: { type: 'accept', isMember: true } },
  },
  {
    name: 'even one that holds the history of another ensemble',
    ...{
      ours: hello(1, idle),
      theirs: hello(2, foreign),
      want: { type: 'accept', isMember: true },
    },
  },
  {
    name: 'data of different ensembles do not meet',
    ...{ ours: hello(1), theirs: hello(2, foreign), want: { reason: /different ensembles/ } },
  },
  {
    name: 'different lists are refused, and the reason has both',
    ours: hello(1),
    theirs: hello(2, { members: listed(1, 2, 4) }),
    want: {
      type: 'refuse',
      reason:
        'the lists of servers differ: server 1 has {1=s1:2888, 2=s2:2888, 3=s3:2888}; server 2 has {1=s1:2888, 2=s2:2888, 4=s4:2888}',
    },
  },
  {
    name: 'an observer is accepted, and what is known of other observers does not matter',
    ours: hello(1, { members: [...listed(1, 2, 3), ...observing(4)] }),
    theirs: hello(4, { members: [...listed(1, 2, 3), ...observing(4, 5)] }),
    want: { type: 'accept', isMember: true },
  },
  {
    name: 'an observer that is not listed is refused',
    ours: hello(1, { members: [...listed(1, 2, 3), ...observing(4)] }),
    theirs: hello(5, { members: [...listed(1, 2, 3), ...observing(4, 5)] }),
    want: { reason: /no server.5 line/ },
  },
  {
    name: 'voters here and observers there: the lists of voters differ',
    ours: hello(1),
    theirs: hello(3, { members: [...listed(1), ...observing(2, 3)] }),
    want: { reason: /3=s3:2888}; server 3 has .*3=s3:2888 \(observer\)}/ },
  },
  {
    name: 'a list with one voter more works with ours',
    ...{ ours: hello(1), theirs: hello(4, { members: listed(1, 2, 3, 4) }) },
    want: { type: 'accept', isMember: true },
  },
  {
    name: 'so does one with a voter less, even if that is this server',
    ...{ ours: hello(3), theirs: hello(1, { members: listed(1, 2) }), expected: 1 },
    want: { type: 'accept' },
  },
  {
    name: 'so does one without the observer that votes here',
    ...{ ours: hello(1), theirs: hello(3, { members: [...listed(1, 2), ...observing(3)] }) },
    want: { type: 'accept' },
  },
  {
    name: 'two voters more are too many: the majorities may have no voter in common',
    ...{ ours: hello(1), theirs: hello(4, { members: listed(1, 2, 3, 4, 5) }) },
    want: {
      reason:
        'the lists of servers differ: server 1 has {1=s1:2888, 2=s2:2888, 3=s3:2888}; server 4 has {1=s1:2888, 2=s2:2888, 3=s3:2888, 4=s4:2888, 5=s5:2888}',
    },
  },
  {
    name: 'the same groups work together',
    ...{ ours: hello(1, groups), theirs: hello(2, groups), want: { type: 'accept' } },
  },
  {
    name: 'other groups are refused, and the reason has both',
    ...{ ours: hello(1, groups), theirs: hello(2) },
    want: {
      reason:
        'the groups of voters differ: server 1 has {group.1=1:2, group.2=3}; server 2 has no groups',
    },
  },
  {
    name: 'with groups, lists that differ by a voter are refused',
    ours: hello(1, groups),
    theirs: hello(2, { ...groups, members: listed(1, 2) }),
    want: { reason: /groups of voters differ/ },
  },
  {
    name: 'a server that its own list does not name is refused',
    ...{ ours: hello(1), theirs: hello(4), want: { reason: /no server\.4 line/ } },
  },
  {
    name: 'addresses may differ, as they may from different places',
    ours: hello(1),
    theirs: hello(2, { members: listed(1, 2, 3).map((each) => ({ ...each, address: 'x:1' })) }),
    want: { type: 'accept' },
  },
  {
    name: "another server at a listed server's address is refused",
    ...{
      ours: hello(3),
      theirs: hello(2),
      expected: 1,
      want: { reason: /server 2 answers where/ },
    },
  },
  {
    name: 'another process with our own id is refused',
    ...{ ours: hello(3), theirs: hello(3, { instance: 9 }), want: { reason: /as two processes/ } },
  },
  {
    name: 'so is our own process, if an address leads back to it',
    ...{ ours: hello(3), theirs: hello(3), want: { reason: /as the same process/ } },
  },
  { name: 'a smaller id knocks', ours: hello(2), theirs: hello(1), want: { type: 'knock' } },
]
for (const { name, ours, theirs, expected, want } of cases) {
  t.test(`judgeHello: ${name}`, async (t) => {
    t.match(judgeHello(ours, theirs, expected === undefined ? undefined : id(expected)), want)
  })
}

const open: { name: string; ours: PeerHello; theirs: PeerHello; want: object }[] = [
  {
    name: 'lists may differ as they like',
    ...{ ours: hello(1), theirs: hello(5, { members: listed(4, 5) }), want: { type: 'accept' } },
  },
  {
    name: 'so may groups',
    ...{ ours: hello(1, groups), theirs: hello(2), want: { type: 'accept', isMember: true } },
  },
  {
    name: 'a server that no list has may be about to join',
    ...{ ours: hello(1), theirs: hello(9, isNew), want: { type: 'accept', isMember: false } },
  },
  {
    name: 'data of another ensemble is refused as ever',
    ...{ ours: hello(1), theirs: hello(9, foreign), want: { reason: /different ensembles/ } },
  },
  {
    name: 'so is a second process with our id',
    ...{ ours: hello(3), theirs: hello(3, { instance: 9 }), want: { reason: /two processes/ } },
  },
  { name: 'a smaller id knocks', ours: hello(9), theirs: hello(2), want: { type: 'knock' } },
]
for (const { name, ours, theirs, want } of open) {
  t.test(`judgeHello, of an ensemble that changes while it runs: ${name}`, async (t) => {
    t.match(judgeHello(ours, theirs, undefined, { isOpen: true }), want)
  })
}

t.test('a server that was dialled names its ensemble only to a peer that named it', async (t) => {
  t.equal(answerTo(hello(2), hello(1)).ensembleId, 'e')
  for (const stranger of [isNew, foreign, neverCame]) {
    t.equal(answerTo(hello(2, stranger), hello(1)).ensembleId, undefined)
  }
})

t.test('members are listed by id, with their role, an IPv6 address in brackets', async (t) => {
  const servers = new Map([
    [id(2), [{ host: '::1', port: 2888 }]],
    [
      id(1),
      [
        { host: 'db', port: 2889 },
        { host: 'db2', port: 2888 },
      ],
    ],
  ])
  t.same(membersOf(servers, new Set([id(2)])), [
    { id: 1, address: 'db:2889|db2:2888', observes: false },
    { id: 2, address: '[::1]:2888', observes: true },
  ])
})

t.test('two lists that differ by two voters do not meet through a third one', async (t) => {
  const theirs = hello(3, { members: listed(1, 2, 3, 4) })
  const linked = [
    { id: id(4), members: listed(1, 2, 3) },
    { id: id(1), members: listed(1, 2) },
  ]
  t.match(thirdList(linked, theirs), /server 1, which is linked .*{1=.*, 2=.*}; server 3 has {1=/)
  t.equal(thirdList(linked.slice(0, 1), theirs), undefined, 'by one voter they may')
  t.equal(thirdList([{ id: id(3), members: listed(1) }], theirs), undefined, 'its own former list')
})

t.test('a certificate has to name one of the hosts listed for the server', async (t) => {
  const certificate = { subject: 'CN=s2', names: (host: string) => host === 's2' }
  const theirs = hello(3)
  t.match(
    otherHost(certificate, ['s3', 'x3'], theirs),
    /\(CN=s2\) does not name s3 or x3, the host/,
  )
  t.equal(otherHost(certificate, ['x', 's2'], theirs), undefined)
  t.equal(otherHost(certificate, [], theirs), undefined, 'none is listed')
  t.equal(otherHost(undefined, ['s3'], theirs), undefined, 'in plaintext')
})
