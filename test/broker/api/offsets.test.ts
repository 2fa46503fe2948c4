import t from 'tap'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'
import { noCommit } from '../../../src/protocol/mq/offset-commit.ts'
import { ApiWorld, batchOf } from './api-world.ts'

const group = 'fans'
const noMember = { generation: -1, memberId: '', instanceId: undefined, passedOn: false } as const
const place = (partition: number) => ({ topic: 'goals', partition })
const commit = (partition: number, offset: number, version = noCommit) => {
  return { ...place(partition), offset, version }
}

/** Partitions 0 and 1 are on this broker, with three records each. */
function makeWorld(): ApiWorld {
  const world = new ApiWorld()
  world.topic('goals', [1, 1, 2])
  world.coordinate()
  for (const partition of [0, 1]) world.replica('goals', partition).commit(batchOf(3))
  return world
}

t.test('the commits of one request succeed and fail independently', async (t) => {
  const world = makeWorld()
  const first = { type: 'offsetCommit', ...noMember, group, timeoutMs: 1000 } as const
  await world.answer({ ...first, partitions: [commit(1, 2)] })
  const partitions = [commit(0, 3), commit(1, 3), commit(0 + 9, 1)]
  const answer = await world.answer({
    type: 'offsetCommit',
    ...noMember,
    group,
    timeoutMs: 1000,
    partitions,
  })
  t.match(answer.partitions, [
    { partition: 0, error: undefined, version: 1 },
    { partition: 1, error: { code: 'INVALID_UPDATE_VERSION' }, version: noCommit },
    { partition: 9, error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' } },
  ])
  t.equal(world.parts.groups.committed(group, place(0))?.offset, 3)
  t.equal(world.parts.groups.committed(group, place(1))?.offset, 2)
})

t.test('a number that is not an offset of the log is refused with its bounds', async (t) => {
  const world = makeWorld()
  for (const offset of [4, -1, 2 ** 53, Number.NaN]) {
    const request = { type: 'offsetCommit', ...noMember, group, timeoutMs: 1000 } as const
    const answer = await world.answer({ ...request, partitions: [commit(0, offset), commit(1, 3)] })
    const bounds = { start: 0, end: 3 }
    t.match(answer.partitions[0], { error: { code: 'OFFSET_OUT_OF_RANGE', bounds } }, `${offset}`)
  }
})

t.test('a partition that is named twice is not committed', async (t) => {
  const world = makeWorld()
  const partitions = [commit(0, 1), commit(1, 1), commit(0, 2)]
  const answer = await world.answer({
    type: 'offsetCommit',
    ...noMember,
    group,
    timeoutMs: 1000,
    partitions,
  })
  t.match(answer.partitions, [
    { error: { code: 'INVALID_REQUEST' } },
    { error: undefined },
    { error: { code: 'INVALID_REQUEST' } },
  ])
  t.equal(world.parts.groups.committed(group, place(0)), undefined)
})

t.test('nothing is written after the deadline', async (t) => {
  const world = makeWorld()
  const late = {
    type: 'offsetCommit',
    ...noMember,
    group,
    timeoutMs: 0,
    partitions: [commit(0, 1)],
  } as const
  t.match(await world.answer(late), { partitions: [{ error: { code: 'REQUEST_TIMED_OUT' } }] })
  t.equal(world.groupLog.logEnd, 0)
})

t.test('committed offsets are read for each partition independently, or all', async (t) => {
  const world = makeWorld()
  const made = { type: 'offsetCommit', ...noMember, group, timeoutMs: 1000 } as const
  await world.answer({ ...made, partitions: [commit(1, 3), commit(0, 2)] })
  const fetch = { type: 'offsetFetch', passedOn: false, group } as const
  const answer = await world.answer({ ...fetch, partitions: [0, 2, 9].map(place) })
  t.match(answer.partitions, [
    { partition: 0, error: undefined, offset: 2, version: 1 },
    { partition: 2, error: undefined, offset: undefined, version: noCommit },
    { error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' } },
  ])
  const all = await world.answer({ ...fetch, partitions: undefined })
  t.match(all.partitions, [
    { ...place(0), offset: 2 },
    { ...place(1), offset: 3 },
  ])
})

t.test('while a commit is under way, what was committed before is not answered', async (t) => {
  const world = makeWorld()
  world.groupLog.isHolding = true
  const made = { type: 'offsetCommit', ...noMember, group, timeoutMs: 1000 } as const
  world.ask({ ...made, partitions: [commit(0, 2)] })
  await world.clock.advance(0)
  const fetch = { type: 'offsetFetch', passedOn: false, group, partitions: [place(0)] } as const
  t.match(await world.answer(fetch), {
    partitions: [{ error: { code: 'UNSTABLE_OFFSET_COMMIT' } }],
  })
  world.groupLog.release()
  t.match(await world.answer(fetch), { partitions: [{ offset: 2 }] })
})

t.test('another broker’s group is passed on to it, once', async (t) => {
  const world = makeWorld()
  world.coordinate(2)
  const fetch = { type: 'offsetFetch', group, partitions: [place(0)] } as const
  const { answers } = world.ask({ ...fetch, passedOn: false })
  await world.clock.advance(0)
  const passed = world.takePassedOn(2)
  t.match(passed.request, { ...fetch, passedOn: true })
  passed.answer({ type: 'offsetFetch', partitions: [] })
  await world.clock.advance(0)
  t.match(answers, [{ type: 'offsetFetch' }])
  const again = world.ask({ ...fetch, passedOn: true })
  await world.clock.advance(0)
  t.match(again.answers, [{ code: 'NOT_COORDINATOR' }])
  world.image.removeBroker(2 as BrokerId)
  const none = world.ask({ ...fetch, passedOn: false })
  await world.clock.advance(0)
  t.match(none.answers, [{ code: 'COORDINATOR_NOT_AVAILABLE' }])
})

t.test('a group without a name fails, and an empty list does not', async (t) => {
  const world = makeWorld()
  const request = { type: 'offsetFetch', passedOn: false } as const
  const unnamed = world.ask({ ...request, group: '', partitions: [place(0)] })
  await world.clock.advance(0)
  t.match(unnamed.answers, [{ code: 'INVALID_GROUP_ID' }])
  t.same(await world.answer({ ...request, group, partitions: [] }), {
    type: 'offsetFetch',
    partitions: [],
  })
})
