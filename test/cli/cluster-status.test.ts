import t from 'tap'
import { endOf } from '../../src/cli/cluster-ready.ts'
import { parseSrvr } from '../../src/cli/four-letter-word.ts'
import { isAlarming, MemberLog, reasonIn } from '../../src/cli/member-log.ts'

const srvr = (mode: string) =>
  `Zookeeper version: 3.9.5-zooweeper-0.1.0\nZxid: 0x10000002a\nMode: ${mode}\nNode count: 4\n`
const answers = [
  { name: 'a leader', answer: srvr('leader'), want: { role: 'leader', zxid: '0x10000002a' } },
  { name: 'a follower', answer: srvr('follower'), want: { role: 'follower', zxid: '0x10000002a' } },
  { name: 'an observer', answer: srvr('observer'), want: { role: 'observer' } },
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
