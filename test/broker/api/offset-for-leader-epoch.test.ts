import t from 'tap'
import { anyEpoch } from '../../../src/protocol/mq/messages.ts'
import { ApiWorld, batchOf } from './api-world.ts'

t.test('leaders answer where epochs end; each other partition fails alone', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1, 1, 2, 1])
  world.replica('goals', 0).commit(batchOf(2))
  world.replica('goals', 1).role = { type: 'following', leader: world.parts.self }
  world.replica('goals', 3)
  const at = (partition: number, epoch: number, leaderEpoch = anyEpoch) => {
    return { topic: 'goals', partition, epoch, leaderEpoch }
  }
  const partitions = [at(0, 3), at(0, -1), at(1, 3), at(2, 3), at(9, 3), at(3, 3, 4), at(3, 3, 3)]
  const answer = await world.answer({ type: 'offsetForLeaderEpoch', partitions })
  t.match(answer.partitions, [
    { error: undefined, epoch: 3, endOffset: 2 },
    { error: undefined, epoch: -1, endOffset: -1 },
    { error: { code: 'NOT_LEADER_OR_FOLLOWER' }, epoch: -1, endOffset: -1 },
    { error: { code: 'NOT_LEADER_OR_FOLLOWER' } },
    { error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' } },
    { error: { code: 'UNKNOWN_LEADER_EPOCH' } },
    { error: undefined, epoch: 3, endOffset: 0 },
  ])
  t.same(world.passedOn, [], 'nothing is passed on')
})
