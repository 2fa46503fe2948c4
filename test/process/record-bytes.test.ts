// The bytes of a line from `zw produce` through a topic to `zw consume`.

import t, { type Test } from 'tap'
import { MqAdmin } from '../../src/client/mq/mq-admin.ts'
import { startWorld, until, Zw } from './world.ts'

t.test('lines as records', async (t) => {
  const { cluster } = await startWorld(t, { servers: 1, brokers: 1 })
  const server = `127.0.0.1:${cluster.member('server', 1).address.port}`
  const run = async (t: Test, words: string, input = '') => {
    const zw = new Zw(t, [...words.split(' '), '-s', server], { input })
    return { code: await zw.closed(), lines: zw.lines, errors: zw.errors }
  }

  t.test('a record has the exact bytes of its line, including a carriage return', async (t) => {
    const input = Buffer.from([...Buffer.from('a\r\nb\rc\n\u2028\n'), 0xff, 0x00, 0x1b, 0x0a, 0x0a])
    const produced = new Zw(t, ['produce', 'bytes', '--create', '-s', server], { input })
    t.equal(await produced.closed(), 0)
    t.match(produced.errors, '5 records stored in bytes')
    const consumed = new Zw(t, ['consume', 'bytes', '--from-beginning', '-e', '-s', server])
    t.equal(await consumed.closed(), 0)
    t.same(consumed.output, input)
  })

  t.test('the error for a long line names its number, its size and the limit', async (t) => {
    const lines = ['one', 'two', 'x'.repeat(2_000_000), 'four']
    const { code, errors } = await run(t, 'produce long --create', lines.join('\n'))
    t.equal(code, 1)
    const [, bytesMax = ''] =
      /Cannot send line 3 of standard input: it has 2000000 bytes, and a record holds at most (\d+); the lines after it were not sent/.exec(
        errors,
      ) ?? []
    t.match(errors, '2 records stored in long')
    t.same((await run(t, 'consume long --from-beginning -e')).lines, ['one', 'two'])

    const just = await run(t, 'produce just --create', `${'x'.repeat(Number(bytesMax))}\n`)
    t.equal(just.code, 0, 'a line of exactly the limit is accepted')
    t.match((await run(t, 'produce just', 'x'.repeat(Number(bytesMax) + 1))).errors, 'line 1 of')
  })

  t.test('the error for a record that a broker refuses names its line', async (t) => {
    const { code, errors } = await run(t, 'produce lines --create -p 7', 'x\n')
    t.equal(code, 1)
    t.match(errors, /line 1 of standard input: Cannot send to partition 7/)
  })

  t.test('null is distinguished from an empty value', async (t) => {
    await run(t, 'produce nulls --create -Z -K :', 'a:\nb\n')
    await run(t, 'produce nulls -K :', 'a:\n')
    const { lines } = await run(t, 'consume nulls --from-beginning -e -Z NULL -f %k|%s|%K|%S\\n')
    t.same(lines, ['a|NULL|1|-1', 'NULL|b|-1|1', 'a||1|0'])
  })

  t.test('when stopped early, it reports the number of stored records and fails', async (t) => {
    await run(t, 'produce stopped --create', '')
    const zw = new Zw(t, ['produce', 'stopped', '-s', server], { input: 'x\ny\n', open: true })
    const admin = new MqAdmin({ brokers: cluster.brokerAddresses })
    t.teardown(() => admin.close())
    await until('both lines are stored', async () => {
      const [offsets] = await admin.offsets('stopped')
      return offsets?.latest === 2 ? true : undefined
    })
    t.equal(await zw.end('SIGTERM'), 143)
    t.match(zw.errors, '2 records stored in stopped')
  })
})
