import t from 'tap'
import { zkPaths } from '../../../src/broker/cluster/zk-paths.ts'
import { noCommit } from '../../../src/protocol/mq/offset-commit.ts'
import { ApiWorld, batchOf } from './api-world.ts'

const group = 'fans'
const place = (partition: number) => ({ topic: 'goals', partition })
const commit = (partition: number, offset: number, version = noCommit) => {
  return { ...place(partition), offset, version }
}

function putOffset(world: ApiWorld, partition: number, data: string): void {
  const path = zkPaths.groupOffset(group, 'goals', partition)
  const names = path.split('/').slice(1)
  for (let i = 1; i < names.length; i++) world.tree.put(`/${names.slice(0, i).join('/')}`, '')
  world.tree.put(path, data)
}

/** Partitions 0 and 1 are on this broker, with three records each. */
function makeWorld(): ApiWorld {
  const world = new ApiWorld()
  world.topic('goals', [1, 1, 2])
  for (const partition of [0, 1]) world.replica('goals', partition).commit(batchOf(3))
  return world
}

t.test('the commits of one request succeed and fail independently', async (t) => {
  const world = makeWorld()
  putOffset(world, 1, '2')
  const partitions = [commit(0, 3), commit(1, 3), commit(0 + 9, 1)]
  const answer = await world.answer({ type: 'offsetCommit', group, timeoutMs: 1000, partitions })
  t.match(answer.partitions, [
    { partition: 0, error: undefined, version: 0 },
    { partition: 1, error: { code: 'INVALID_UPDATE_VERSION' }, version: noCommit },
    { partition: 9, error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' } },
  ])
  t.equal(world.tree.text(zkPaths.groupOffset(group, 'goals', 0)), '3')
  t.equal(world.tree.text(zkPaths.groupOffset(group, 'goals', 1)), '2')
})

t.test('a number that is not an offset of the log is refused with its bounds', async (t) => {
  const world = makeWorld()
  for (const offset of [4, -1, 2 ** 53, Number.NaN]) {
    const request = { type: 'offsetCommit', group, timeoutMs: 1000 } as const
    const answer = await world.answer({ ...request, partitions: [commit(0, offset), commit(1, 3)] })
    const bounds = { start: 0, end: 3 }
    t.match(answer.partitions[0], { error: { code: 'OFFSET_OUT_OF_RANGE', bounds } }, `${offset}`)
  }
})

t.test('a partition that is named twice is not committed', async (t) => {
  const world = makeWorld()
  const partitions = [commit(0, 1), commit(1, 1), commit(0, 2)]
  const answer = await world.answer({ type: 'offsetCommit', group, timeoutMs: 1000, partitions })
  t.match(answer.partitions, [
    { error: { code: 'INVALID_REQUEST' } },
    { error: undefined },
    { error: { code: 'INVALID_REQUEST' } },
  ])
  t.equal(world.tree.text(zkPaths.groupOffset(group, 'goals', 0)), undefined)
})

t.test('nothing is written after the deadline, or without a session', async (t) => {
  const world = makeWorld()
  const late = { type: 'offsetCommit', group, timeoutMs: 0, partitions: [commit(0, 1)] } as const
  t.match(await world.answer(late), { partitions: [{ error: { code: 'REQUEST_TIMED_OUT' } }] })
  world.hasSession = false
  const answer = await world.answer({ ...late, timeoutMs: 1000 })
  t.match(answer, { partitions: [{ error: { code: 'BROKER_NOT_AVAILABLE' } }] })
  t.equal(world.tree.text(zkPaths.groupOffset(group, 'goals', 0)), undefined)
})

t.test('committed offsets are read for each partition independently', async (t) => {
  const world = makeWorld()
  putOffset(world, 0, '2')
  putOffset(world, 1, 'garbage')
  const partitions = [0, 1, 2, 9].map(place)
  const answer = await world.answer({ type: 'offsetFetch', group, partitions })
  t.match(answer.partitions, [
    { partition: 0, error: undefined, offset: 2, version: 0 },
    { error: { code: 'OFFSET_OUT_OF_RANGE', bounds: { start: 0, end: 3 } }, offset: undefined },
    { partition: 2, error: undefined, offset: undefined, version: noCommit },
    { error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' } },
  ])
})

t.test('an invalid group name fails, and an empty list does not', async (t) => {
  const world = makeWorld()
  const request = { type: 'offsetFetch', group: 'a/b' } as const
  const { partitions } = await world.answer({ ...request, partitions: [place(0)] })
  t.match(partitions, [{ error: { code: 'INVALID_GROUP_ID' } }])
  t.same(await world.answer({ ...request, partitions: [] }), {
    type: 'offsetFetch',
    partitions: [],
  })
})
