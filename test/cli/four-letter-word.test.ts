import t from 'tap'
import { parseSrvr } from '../../src/cli/four-letter-word.ts'

const srvr = (mode: string) =>
  `Zookeeper version: 3.9.5-zooweeper-0.3.0\nZxid: 0x10000002a\nMode: ${mode}\nNode count: 4\n`
const answers = [
  { name: 'a leader', answer: srvr('leader'), want: { role: 'leader', zxid: '0x10000002a' } },
  { name: 'a follower', answer: srvr('follower'), want: { role: 'follower', zxid: '0x10000002a' } },
  { name: 'an observer', answer: srvr('observer'), want: { role: 'observer' } },
  { name: 'a standalone server', answer: srvr('standalone'), want: { role: 'standalone' } },
  {
    name: 'without a leader',
    answer: 'This ZooKeeper instance is not currently serving requests\n',
    want: { role: 'looking', zxid: undefined },
  },
  { name: 'closed at once', answer: '', want: { role: 'lost', zxid: undefined } },
  { name: 'no answer', answer: undefined, want: { role: 'lost', zxid: undefined } },
] as const
for (const { name, answer, want } of answers) {
  t.test(`parseSrvr: ${name}`, async (t) => {
    t.match(parseSrvr(answer), want)
  })
}
