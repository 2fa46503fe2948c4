import t from 'tap'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import type {
  ListOffsetsRequest,
  ListOffsetsResponse,
} from '../../../src/protocol/mq/list-offsets.ts'
import { anyEpoch } from '../../../src/protocol/mq/messages.ts'
import { ApiWorld, batchOf, onlyAnswer } from './api-world.ts'

function listOf(
  places: readonly (readonly [number, number?])[],
  passedOn = false,
): ListOffsetsRequest {
  const partitions = places.map(([partition, leaderEpoch = anyEpoch]) => {
    return { topic: 'goals', partition, leaderEpoch }
  })
  return { type: 'listOffsets', passedOn, partitions }
}

t.test('each leader answers for its partitions, and each partition fails alone', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1, 1, 2, 3, 1])
  const known = world.replica('goals', 0)
  known.commit(batchOf(3))
  known.earliestOffset = 1
  world.replica('goals', 1).latestOffset = undefined
  world.replica('goals', 4)
  const { answers } = world.ask(listOf([[0], [1], [2], [3], [9], [4, 2]]))
  const [two, three] = [world.takePassedOn(2), world.takePassedOn(3)]
  t.match(two.request, { type: 'listOffsets', passedOn: true, partitions: [{ partition: 2 }] })
  const listed = { topic: 'goals', partition: 2, error: undefined, earliest: 5, latest: 6 }
  two.answer({ type: 'listOffsets', partitions: [{ ...listed, leaderEpoch: 8 }] })
  t.same(answers, [])
  three.fail(new BrokerError('REQUEST_TIMED_OUT', 'no answer within 3000 ms'))
  await world.clock.advance(0)
  t.match(onlyAnswer<ListOffsetsResponse>(answers).partitions, [
    { partition: 0, error: undefined, earliest: 1, latest: 3, leaderEpoch: 3 },
    { partition: 1, error: { code: 'OFFSET_NOT_AVAILABLE' }, earliest: -1, latest: -1 },
    { ...listed, leaderEpoch: 8 },
    { partition: 3, error: { code: 'REQUEST_TIMED_OUT' } },
    { partition: 9, error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' } },
    { partition: 4, error: { code: 'FENCED_LEADER_EPOCH' } },
  ])
})

t.test('a partition that is named twice is refused both times, as in Kafka', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1, 1])
  world.replica('goals', 0)
  world.replica('goals', 1)
  const { partitions } = await world.answer(listOf([[0], [1], [0]]))
  t.match(partitions, [
    { error: { code: 'INVALID_REQUEST' } },
    { error: undefined, latest: 0 },
    { error: { code: 'INVALID_REQUEST' } },
  ])
})

t.test(
  'a passed-on request is not passed on again; an empty list is answered at once',
  async (t) => {
    const world = new ApiWorld()
    world.topic('goals', [2])
    const { partitions } = await world.answer(listOf([[0]], true))
    t.match(partitions, [{ error: { code: 'NOT_LEADER_OR_FOLLOWER' } }])
    t.same(world.ask(listOf([])).answers, [{ type: 'listOffsets', partitions: [] }])
  },
)

t.test(
  'the first record at a time is found by the leader, or the one with the latest',
  async (t) => {
    const world = new ApiWorld()
    world.topic('goals', [1])
    world.replica('goals', 0).commit(batchOf(5))
    const found = async (timestampMs?: number) => {
      const at = { topic: 'goals', partition: 0, leaderEpoch: anyEpoch }
      const asked = timestampMs === undefined ? at : { ...at, timestampMs }
      const request = { type: 'listOffsets', passedOn: false, partitions: [asked] } as const
      return (await world.answer(request)).partitions[0]
    }
    t.match(await found(3), { earliest: 0, latest: 5, found: { offset: 3, timestampMs: 3 } })
    t.match(await found(-3), { found: { offset: 4 } })
    t.equal((await found(9))?.found, undefined)
    t.equal((await found())?.found, undefined, 'it was not asked for')
  },
)
