import t from 'tap'
import { coordinatorOf } from '../../../src/broker/group/coordinator-of.ts'

const groups = Array.from({ length: 3000 }, (_, i) => `group ${i}`)

t.test('groups spread over the brokers, whatever the order of the brokers', async (t) => {
  const counts = new Map<number | undefined, number>()
  for (const group of groups) {
    const chosen = coordinatorOf(group, [1, 2, 3])
    counts.set(chosen, (counts.get(chosen) ?? 0) + 1)
    if (coordinatorOf(group, [3, 1, 2]) !== chosen) t.fail(`${group} depends on the order`)
  }
  for (const id of [1, 2, 3]) t.ok((counts.get(id) ?? 0) > 850, `broker ${id}: ${counts.get(id)}`)
})

t.test('when a broker leaves, only its groups move', async (t) => {
  for (const group of groups) {
    const before = coordinatorOf(group, [1, 2, 3])
    const after = coordinatorOf(group, [1, 3])
    if (before !== 2 && after !== before) t.fail(`${group} moved from ${before} to ${after}`)
  }
  t.equal(coordinatorOf('any', []), undefined)
})
