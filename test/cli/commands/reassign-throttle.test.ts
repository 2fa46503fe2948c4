import t from 'tap'
import { freedBy, movesOf, plannedMoves } from '../../../src/cli/commands/reassign-throttle.ts'
import { noBroker } from '../../../src/protocol/mq/messages.ts'
import type { PartitionInfo } from '../../../src/protocol/mq/metadata.ts'
import { ids } from '../../broker/partition/members.ts'

function info(replicas: number[], adding: number[] = []): PartitionInfo {
  const [leader = noBroker] = ids(...replicas)
  const found = { leader, leaderEpoch: 1, isr: ids(...replicas), problems: [] }
  return {
    ...found,
    partition: 0,
    replicas: ids(...replicas),
    adding: ids(...adding),
    removing: [],
  }
}

const plans = [
  { name: 'one replica moves', now: info([1, 2]), to: [1, 3], want: [[1, 2], [3]] },
  { name: 'only the order changes', now: info([1, 2]), to: [2, 1], want: [[1, 2], []] },
  {
    name: 'one that is still made goes on',
    now: info([3, 1, 2], [3]),
    to: [3, 1],
    want: [[1, 2], [3]],
  },
  {
    name: 'another target replaces it',
    now: info([3, 1, 2], [3]),
    to: [4, 1],
    want: [[1, 2], [4]],
  },
] as const
for (const { name, now, to, want } of plans) {
  t.test(`what is copied when ${name}`, async (t) => {
    const topics = [{ topic: 'goals', topicId: 'x', problem: undefined, partitions: [now] }]
    const moves = plannedMoves([{ topic: 'goals', partition: 0, replicas: to }], topics)
    t.same(
      moves.map(({ sources, destinations }) => [sources, destinations]),
      [want],
    )
  })
}

t.test('a replica that is still being made is no source', async (t) => {
  const lists = { replicas: ids(4, 1, 2), adding: ids(4), removing: ids(2), isr: ids(1, 2) }
  const moves = movesOf([{ topic: 'goals', partition: 1, ...lists, original: ids(1, 2) }])
  t.same(moves, [{ topic: 'goals', partition: 1, sources: [1, 2], destinations: [4] }])
  const other = { topic: 'goals', partition: 3 }
  t.same(freedBy([...moves, other]), [{ topic: 'goals', partitions: new Set([1, 3]) }])
})
