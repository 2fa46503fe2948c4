// What a client's reconfig leaves of an ensemble, and what of it is refused.

import t from 'tap'
import {
  configurationText,
  decodeState,
  encodeState,
  membersText,
  noMembers,
  parseMembers,
  votersOf,
} from '../../../src/daemon/membership/membership.ts'
import {
  nextMembers,
  type Reconfig,
} from '../../../src/daemon/request-processor/reconfiguration.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'

const line = (id: number, role = 'participant'): string =>
  `server.${id}=h${id}:2888:3888:${role};0.0.0.0:2181`
const current = parseMembers([1, 2, 3].map((id) => line(id)).join('\n')) ?? noMembers

function asked(change: Partial<Reconfig>): Reconfig {
  const nothing = { joining: undefined, leaving: undefined, members: undefined }
  return { type: 'reconfig', ...nothing, version: -1, ...change }
}

const changes: { name: string; ask: Partial<Reconfig>; want: string[] | undefined }[] = [
  { name: 'a server joins', ask: { joining: line(4) }, want: [line(1), line(2), line(3), line(4)] },
  {
    name: 'an observer joins and a server leaves',
    ask: { joining: line(9, 'observer'), leaving: '2' },
    want: [line(1), line(3), line(9, 'observer')],
  },
  {
    name: 'a server that joins again takes the place of the former one',
    ask: { joining: line(2, 'observer') },
    want: [line(1), line(2, 'observer'), line(3)],
  },
  { name: 'one that is not there may leave', ask: { leaving: '7,1' }, want: [line(2), line(3)] },
  {
    name: 'all members, separated by commas',
    ask: { members: `${line(5)},${line(1)}` },
    want: [line(1), line(5)],
  },
  {
    name: 'all members, one a line',
    ask: { members: `${line(5)}\n${line(1)}\n` },
    want: [line(1), line(5)],
  },
  {
    name: 'the file that zkCli reads, with its version',
    ask: { members: `${line(1)}\n${line(2)}\nversion=0` },
    want: [line(1), line(2)],
  },
  {
    name: 'members in groups',
    ask: { members: `${line(1)},${line(2)},${line(3)},group.7=1:3,group.2=2,weight.3=2` },
    want: [
      ...[line(1), line(2), line(3), 'group.2=2', 'group.7=1:3'],
      ...['weight.1=1', 'weight.2=1', 'weight.3=2'],
    ],
  },
  {
    name: 'a member in no group',
    ask: { members: `${line(1)},${line(2)},group.1=1` },
    want: undefined,
  },
  {
    name: 'one of several addresses that another server has',
    ask: { joining: 'server.4=h4:2888:3888|H3:9:2888;2181' },
    want: undefined,
  },
  {
    name: 'an address for clients that another server has for elections',
    ask: { joining: 'server.4=h4:2888:3888;h1:3888' },
    want: undefined,
  },
  { name: 'no line of a server', ask: { joining: 'some thing' }, want: undefined },
  { name: 'no id', ask: { leaving: 'two' }, want: undefined },
  { name: 'one port for two', ask: { joining: 'server.4=h4:2888:2888;2181' }, want: undefined },
  { name: 'no port for clients', ask: { joining: 'server.4=h4:2888:3888' }, want: undefined },
  {
    name: 'an address that another server has',
    ask: { joining: line(3).replace('.3', '.4') },
    want: undefined,
  },
]
for (const { name, ask, want } of changes) {
  t.test(`nextMembers: ${name}`, async (t) => {
    const members = nextMembers(current, asked(ask))
    t.equal(members && membersText(members), want?.join('\n'))
  })
}

t.test('in an ensemble with groups a server cannot join or leave by itself', async (t) => {
  const divided = parseMembers(`${membersText(current)}\ngroup.1=1:2:3`) ?? noMembers
  t.equal(nextMembers(divided, asked({ leaving: '1' })), undefined)
  t.equal(nextMembers(divided, asked({ joining: line(4) })), undefined)
  t.same(nextMembers(divided, asked({ members: membersText(current) })), current)
})

t.test('a configuration is stored with the one before it until it is active', async (t) => {
  const text = membersText(current)
  const before = { version: zxidZero, voters: votersOf(current), text }
  const members = parseMembers([line(1), line(4, 'observer')].join('\n')) ?? noMembers
  const last = {
    version: 0x1_0000_000f as Zxid,
    voters: votersOf(members),
    text: membersText(members),
  }
  t.same(last.voters, [1 as ServerId], 'an observer does not vote')
  t.same(decodeState(encodeState({ last, before })), { last, before })
  t.same(decodeState(encodeState({ last, before: undefined })), { last, before: undefined })
  t.match(configurationText(last), /;0.0.0.0:2181\nversion=10000000f$/)
  for (const bytes of [
    null,
    Buffer.from(''),
    Buffer.from('x\nversion=1'),
    Buffer.from('version=1'),
  ]) {
    t.equal(decodeState(bytes), undefined)
  }
})
