import t from 'tap'
import { ExpiryQueue } from '../../../src/daemon/session/expiry-queue.ts'
import { Random } from '../../../src/random.ts'

for (const [deadlineMs, dueMs] of [
  [0, 100],
  [99, 100],
  [100, 200],
  [150.5, 200],
] as const) {
  t.test(`a deadline of ${deadlineMs} falls due at ${dueMs}`, async (t) => {
    const queue = new ExpiryQueue<string>(100)
    queue.update('a', deadlineMs)
    t.same(queue.poll(dueMs - 1), [])
    t.same(queue.poll(dueMs), ['a'])
    t.same(queue.poll(dueMs), [], 'once')
    t.equal(queue.size, 0)
  })
}

t.test('due buckets come one at a time, the earliest first', async (t) => {
  const queue = new ExpiryQueue<string>(100)
  queue.update('late', 950)
  queue.update('early', 50)
  queue.update('second', 60)
  t.same(queue.poll(2000), ['early', 'second'])
  t.same(queue.poll(2000), ['late'])
  t.same(queue.poll(2000), [])
})

t.test('an item moved or removed is not where it was', async (t) => {
  const queue = new ExpiryQueue<string>(100)
  queue.update('moved', 50)
  queue.update('removed', 50)
  queue.update('moved', 350)
  queue.remove('removed')
  queue.remove('removed')
  t.same(queue.poll(399), [])
  t.same(queue.poll(400), ['moved'])
})

t.test('a deadline before every other is found, after long quiet too', async (t) => {
  const queue = new ExpiryQueue<string>(100)
  queue.update('a', 1_000_000)
  queue.update('b', 10)
  t.same(queue.poll(100), ['b'])
  t.same(queue.poll(999_999), [])
  t.same(queue.poll(1_000_100), ['a'])
  t.same(queue.poll(9_000_000), [])
  queue.update('c', 20)
  t.same(queue.poll(9_000_000), ['c'])
})

t.test(
  'random deadlines: nothing early, nothing later than an interval, nothing lost',
  async (t) => {
    const seed = 77
    t.comment(`seed ${seed}`)
    const random = new Random(seed)
    const queue = new ExpiryQueue<number>(100)
    const deadlines = new Map<number, number>()
    let nowMs = 0
    let cameCount = 0
    for (let step = 0; step < 20_000; step++) {
      nowMs += random.below(40)
      const item = random.below(50)
      const dice = random.next()
      if (dice < 0.1) {
        queue.remove(item)
        deadlines.delete(item)
      } else if (dice < 0.7) {
        const deadlineMs = nowMs + random.below(3000)
        queue.update(item, deadlineMs)
        deadlines.set(item, deadlineMs)
      }
      for (const due of queue.poll(nowMs)) {
        const deadlineMs = deadlines.get(due)
        deadlines.delete(due)
        if (deadlineMs === undefined || deadlineMs > nowMs) t.fail(`${due} came early at ${step}`)
        else cameCount++
      }
      for (const [late, deadlineMs] of deadlines) {
        if (deadlineMs + 100 + 40 < nowMs) t.fail(`${late} is overdue at ${step}`)
      }
      if (queue.size !== deadlines.size) t.equal(queue.size, deadlines.size)
    }
    t.ok(cameCount > 100, 'many came due')
  },
)
