import t from 'tap'
import { UnavailableReplicas } from '../../../src/broker/replication/unavailable-replicas.ts'
import { LogDamagedError } from '../../../src/log/log-errors.ts'

const name = { topic: 'goals', topicId: 'x', partition: 0 }
const withCode = (code: string) => Object.assign(new Error(`${code}: no`), { code })

t.test('a fault that may go away by itself is retried, at growing intervals', async (t) => {
  const unavailable = new UnavailableReplicas()
  t.ok(unavailable.mayOpen('x-0', 0), 'at first')
  const delays: number[] = []
  let nowMs = 1000
  for (let i = 0; i < 9; i++) {
    const isNews = unavailable.failed('x-0', name, withCode('EMFILE'), nowMs)
    t.equal(isNews, i === 0, 'the same reason is new only once')
    t.notOk(unavailable.mayOpen('x-0', nowMs))
    const failedMs = nowMs
    while (!unavailable.isDue(nowMs)) nowMs += 100
    t.ok(unavailable.mayOpen('x-0', nowMs))
    delays.push(nowMs - failedMs)
  }
  t.same(delays, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  t.ok(unavailable.failed('x-0', name, withCode('EACCES'), nowMs), 'another reason is new')
  t.ok(unavailable.remove('x-0'))
  t.notOk(unavailable.remove('x-0'))
  t.equal(unavailable.all.size, 0)
})

const lasting: [string, Error][] = [
  ['a damaged log', new LogDamagedError('f', 7, 'no good record')],
  ['a failed fsync', withCode('EIO')],
  ['an error without a code', new Error('odd')],
]
for (const [what, error] of lasting) {
  t.test(`${what} is not tried again in this life`, async (t) => {
    const unavailable = new UnavailableReplicas()
    unavailable.failed('x-0', name, error, 0)
    t.notOk(unavailable.isDue(1e9))
    t.notOk(unavailable.mayOpen('x-0', 1e9))
    t.same(unavailable.all.get('x-0')?.reason, error.message)
  })
}

t.test('a reason fits a znode, however long the error is', async (t) => {
  const unavailable = new UnavailableReplicas()
  unavailable.failed('x-0', name, new Error('x'.repeat(1_000_000)), 0)
  t.equal(unavailable.all.get('x-0')?.reason.length, 500)
})
