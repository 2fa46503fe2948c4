import t from 'tap'
import { BadUsage, numberAbove0, serverList, wholeNumber } from '../../src/cli/cli-command.ts'

const count = wholeNumber('--servers', { min: 1, max: 9 })
const rate = numberAbove0('--rate')
const servers = serverList('--server')

t.test('yargs may pass a number as a number or as text', async (t) => {
  t.same([count(3), count('3'), count(' 9 ')], [3, 3, 9])
  t.same([rate(0.5), rate('2e3')], [0.5, 2000])
})

const bounds = 'it must be a whole number from 1 to 9'
const refused = [
  { take: count, given: 'x', says: `Cannot use --servers x: ${bounds}` },
  { take: count, given: 'h:2181', says: `Cannot use --servers h:2181: ${bounds}` },
  { take: count, given: 0, says: `Cannot use --servers 0: ${bounds}` },
  { take: count, given: '10', says: `Cannot use --servers 10: ${bounds}` },
  { take: count, given: 2.5, says: `Cannot use --servers 2.5: ${bounds}` },
  { take: count, given: '', says: `Cannot use --servers without a value: ${bounds}` },
  { take: count, given: true, says: `Cannot use --servers without a value: ${bounds}` },
  { take: count, given: [1, 2], says: 'Cannot use --servers more than once' },
  { take: rate, given: 'fast', says: 'Cannot use --rate fast: it must be a number above 0' },
  { take: rate, given: 0, says: 'Cannot use --rate 0: it must be a number above 0' },
  {
    take: rate,
    given: 'Infinity',
    says: 'Cannot use --rate Infinity: it must be a number above 0',
  },
  {
    take: servers,
    given: '::1:2181',
    says: "Cannot read servers '::1:2181': '::1:2181' is not host:port, write [::1]:2181 (in --server)",
  },
]
for (const { take, given, says } of refused) {
  t.test(says, async (t) => {
    const error = t.throws(() => take(given)) as unknown as Error
    t.ok(error instanceof BadUsage)
    t.equal(error.message, says)
  })
}

t.test('servers keep their original text', async (t) => {
  t.same(servers('[::1]:9,b/app'), {
    text: '[::1]:9,b/app',
    servers: [
      { host: '::1', port: 9 },
      { host: 'b', port: 2181 },
    ],
    chroot: '/app',
  })
})
