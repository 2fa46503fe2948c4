import t from 'tap'
import { brokerLines } from '../../src/cli/cluster-poll.ts'
import { endOf } from '../../src/cli/cluster-ready.ts'
import { parseSrvr } from '../../src/cli/four-letter-word.ts'
import { isAlarming, MemberLog, reasonIn } from '../../src/cli/member-log.ts'
import type { BrokerId, ClusterInfo } from '../../src/protocol/mq/messages.ts'

const srvr = (mode: string) =>
  `Zookeeper version: 3.9.5-zooweeper-0.1.0\nZxid: 0x10000002a\nMode: ${mode}\nNode count: 4\n`
const answers = [
  { name: 'a leader', answer: srvr('leader'), want: { role: 'leader', zxid: '0x10000002a' } },
  { name: 'a follower', answer: srvr('follower'), want: { role: 'follower', zxid: '0x10000002a' } },
  { name: 'one alone', answer: srvr('standalone'), want: { role: 'standalone' } },
  {
    name: 'without a leader',
    answer: 'This ZooKeeper instance is not currently serving requests\n',
    want: { role: 'looking', zxid: undefined },
  },
  { name: 'closed at once', answer: '', want: { role: 'lost', zxid: undefined } },
  { name: 'no answer', answer: undefined, want: { role: 'lost', zxid: undefined } },
] as const
for (const { name, answer, want } of answers) {
  t.test(`what srvr says: ${name}`, async (t) => {
    t.match(parseSrvr(answer), want)
  })
}

const id = (number: number) => number as BrokerId
const partition = (number: number, leader: number, replicas: number[]) => ({
  partition: number,
  leader: id(leader),
  leaderEpoch: 1,
  replicas: replicas.map(id),
  isr: [id(leader)],
  problems: [],
})
const cluster: ClusterInfo = {
  clusterId: 'c',
  controller: id(2),
  brokers: [1, 2].map((number) => ({ id: id(number), host: 'h', port: 9000 + number })),
  topics: [
    {
      topic: 'goals',
      topicId: 'g',
      problem: undefined,
      partitions: [partition(0, 1, [1, 3]), partition(1, 1, [1, 2])],
    },
    { topic: 'other', topicId: 'o', problem: undefined, partitions: [partition(0, 2, [2, 7])] },
  ],
}
const addresses = new Map([
  [2, 'h:9002'],
  [1, 'h:9001'],
])

t.test('brokers: the living by metadata, the dead by the replicas they have', async (t) => {
  t.same(brokerLines(cluster, 'goals', addresses), [
    { id: 1, address: 'h:9001', alive: true, controller: false, leads: 2 },
    { id: 2, address: 'h:9002', alive: true, controller: true, leads: 0 },
    { id: 3, address: '', alive: false, controller: false, leads: 0 },
  ])
})

t.test('brokers: when nobody answers, those that were seen are lost', async (t) => {
  const lines = brokerLines(undefined, 'goals', addresses)
  t.same(
    lines.map((line) => [line.id, line.alive]),
    [
      [1, false],
      [2, false],
    ],
  )
})

const member = {
  name: 'server-1',
  kind: 'server',
  id: 1,
  address: { host: '127.0.0.1', port: 1 },
} as const

t.test('a line of a log is made readable, and has the name of its process', async (t) => {
  const line = JSON.stringify({
    level: 30,
    time: 0,
    pid: 7,
    server: 1,
    zxid: '0x1',
    msg: 'Leading',
  })
  const text = new MemberLog({ colorize: false }).lines(member, line)
  t.match(text, /^server-1 +\| \[\d\d:\d\d:\d\d\.000\] INFO: Leading \{"zxid":"0x1"\}\n$/)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a colour begins with one
  t.match(new MemberLog({ colorize: true }).lines(member, line), /\x1b\[33mserver-1/)
})

t.test('what is no JSON is passed on, harmless', async (t) => {
  const text = new MemberLog({ colorize: false }).lines(member, 'Error: \x1b[2Jboom')
  t.equal(text, 'server-1  | Error: \\x1b[2Jboom\n')
})

const alarming = [
  { line: '{"level":30,"msg":"Leading"}', want: false },
  { line: '{"level":40,"msg":"Closed a peer link"}', want: true },
  { line: '{"level":50,"msg":"Could not start"}', want: true },
  { line: '{"msg":"no level"}', want: true },
  { line: 'TypeError: x is not a function', want: true },
]
for (const { line, want } of alarming) {
  t.test(`${line} is ${want ? '' : 'not '}shown without --logs`, async (t) => {
    t.equal(isAlarming(line), want)
  })
}

const reasons = [
  { line: undefined, want: 'it said nothing' },
  { line: 'zooweeperd: Cannot use x', want: 'zooweeperd: Cannot use x' },
  { line: '{"msg":"Could not start","err":{"message":"Cannot listen"}}', want: 'Cannot listen' },
  { line: '{"msg":"Ending"}', want: 'Ending' },
  { line: '{broken', want: '{broken' },
]
for (const { line, want } of reasons) {
  t.test(`why a member ended: ${want}`, async (t) => {
    t.equal(reasonIn(line), want)
  })
}

t.test('how a member ended', async (t) => {
  t.equal(endOf({ code: 2, signal: null, wanted: false }), 'ended with code 2')
  t.equal(endOf({ code: null, signal: 'SIGKILL', wanted: false }), 'was ended by SIGKILL')
})
