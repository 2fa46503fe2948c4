import t from 'tap'
import { ApiWorld, batchOf } from './api-world.ts'

const request = { type: 'deleteRecords', timeoutMs: 1000, passedOn: false } as const
const at = (partition: number, offset: number) => ({ topic: 'goals', partition, offset })

t.test('leaders delete up to the offset, or all that is committed', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1, 1])
  for (const partition of [0, 1]) world.replica('goals', partition).commit(batchOf(5))
  const answer = await world.answer({ ...request, partitions: [at(0, 2), at(1, -1)] })
  t.match(answer.partitions, [
    { error: undefined, lowWatermark: 2 },
    { error: undefined, lowWatermark: 5 },
  ])
})

t.test('an offset that is not committed is out of range', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1, 1])
  for (const partition of [0, 1]) world.replica('goals', partition).commit(batchOf(5))
  const answer = await world.answer({ ...request, partitions: [at(0, 6), at(1, -2)] })
  const error = { code: 'OFFSET_OUT_OF_RANGE', bounds: { start: 0, end: 5 } }
  t.match(answer.partitions, [{ error }, { error }])
})

t.test('a new leader that does not know what is committed deletes nothing', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1])
  world.replica('goals', 0).latestOffset = undefined
  const answer = await world.answer({ ...request, partitions: [at(0, 0)] })
  t.match(answer.partitions, [{ error: { code: 'OFFSET_NOT_AVAILABLE' } }])
})

t.test('a partition that is named twice, or does not exist, fails alone', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1, 1])
  for (const partition of [0, 1]) world.replica('goals', partition).commit(batchOf(1))
  const partitions = [at(0, 1), at(0, 1), at(1, 1), at(7, 1)]
  const answer = await world.answer({ ...request, partitions })
  const codes = answer.partitions.map(({ error }) => error?.code)
  t.same(codes, ['INVALID_REQUEST', 'INVALID_REQUEST', undefined, 'UNKNOWN_TOPIC_OR_PARTITION'])
})
