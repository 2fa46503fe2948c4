import t from 'tap'
import { isAlarming, MemberLog, reasonIn } from '../../../src/cli/cluster/member-log.ts'

const member = {
  name: 'server-1',
  kind: 'server',
  id: 1,
  address: { host: '127.0.0.1', port: 1 },
} as const

t.test('a log line is formatted with the name of its process', async (t) => {
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

t.test('a line that is not JSON is passed on with its control characters escaped', async (t) => {
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
  { line: undefined, want: 'it logged nothing' },
  { line: 'zooweeperd: Cannot use x', want: 'zooweeperd: Cannot use x' },
  { line: '{"msg":"Could not start","err":{"message":"Cannot listen"}}', want: 'Cannot listen' },
  { line: '{"msg":"Ending"}', want: 'Ending' },
  { line: '{broken', want: '{broken' },
]
for (const { line, want } of reasons) {
  t.test(`reason for an exit: ${want}`, async (t) => {
    t.equal(reasonIn(line), want)
  })
}
