import t from 'tap'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import type {
  Fetched,
  FetchPartition,
  FetchRequest,
  FetchResponse,
} from '../../../src/protocol/mq/fetch.ts'
import { anyEpoch, failureOf } from '../../../src/protocol/mq/messages.ts'
import { ApiWorld, batchOf, client, onlyAnswer } from './api-world.ts'

const wholeLimit = 1_000_000

function at(partition: number, offset: number, changed: Partial<FetchPartition> = {}) {
  const asked = { topic: 'goals', partition, offset, bytesMax: wholeLimit, leaderEpoch: anyEpoch }
  return { ...asked, ...changed }
}

function fetchOf(
  partitions: readonly FetchPartition[],
  changed: Partial<FetchRequest> = {},
): FetchRequest {
  const limits = { maxWaitMs: 1000, bytesMin: 1, bytesMax: wholeLimit, passedOn: false }
  return { type: 'fetch', ...limits, partitions, ...changed }
}

function fetched(partition: number, records: Buffer, changed: Partial<Fetched> = {}): Fetched {
  const place = { topic: 'goals', partition, error: undefined }
  return { ...place, highWatermark: 4, logStart: 0, records, ...changed }
}

const sizes = ({ partitions }: FetchResponse) => partitions.map(({ records }) => records.length)

t.test('records of all partitions that have some are answered at once', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1, 2, 1])
  const [leader, follower] = [world.replica('goals', 0), world.replica('goals', 1)]
  follower.role = { type: 'following', leader: world.parts.self }
  world.replica('goals', 2)
  leader.commit(batchOf(2))
  follower.commit(batchOf(3))
  const answer = await world.answer(fetchOf([at(0, 1), at(1, 0), at(2, 0)]))
  t.match(answer.partitions, [
    { partition: 0, error: undefined, highWatermark: 2, logStart: 0 },
    { partition: 1, error: undefined, highWatermark: 3 },
    { partition: 2, error: undefined, highWatermark: 0 },
  ])
  t.same(sizes(answer), [batchOf(2).length, batchOf(3).length, 0])
})

const batch = batchOf(1, 100)
const budgets = [
  { name: 'the first batch comes whole, and nothing after it', bytesMax: 1, want: [1, 0, 0] },
  { name: 'what one partition leaves over is for the next', bytesMax: 3, want: [2, 1, 0] },
  { name: 'a batch that is too large for the rest is left out', bytesMax: 2.5, want: [2, 0, 0] },
  { name: 'all of it', bytesMax: 9, want: [2, 2, 2] },
  {
    name: 'each partition has its own limit',
    bytesMax: 9,
    partitionMax: 1,
    want: [1, 1, 1],
  },
  {
    name: 'a first batch above its partition’s limit is sent whole, a later one is not',
    bytesMax: 9,
    partitionMax: 0.5,
    want: [1, 0, 0],
  },
]
for (const { name, bytesMax, partitionMax = 9, want } of budgets) {
  t.test(`bytes are shared in the order asked: ${name}`, async (t) => {
    const world = new ApiWorld()
    world.topic('goals', [1, 1, 1])
    for (const partition of [0, 1, 2]) {
      const replica = world.replica('goals', partition)
      replica.commit(batch)
      replica.commit(batch)
    }
    const limit = { bytesMax: Math.floor(partitionMax * batch.length) }
    const partitions = [at(0, 0, limit), at(1, 0, limit), at(2, 0, limit)]
    const request = fetchOf(partitions, { bytesMax: Math.floor(bytesMax * batch.length) })
    t.same(
      sizes(await world.answer(request)),
      want.map((batches) => batches * batch.length),
    )
  })
}

t.test('a partition whose batch did not fit gets it when it is named first', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1, 1])
  for (const partition of [0, 1]) world.replica('goals', partition).commit(batch)
  const small = { bytesMax: 1 }
  t.same(sizes(await world.answer(fetchOf([at(0, 0), at(1, 0)], small))), [batch.length, 0])
  t.same(sizes(await world.answer(fetchOf([at(1, 0), at(0, 0)], small))), [batch.length, 0])
})

t.test('the wait is for bytes of all partitions together', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1, 1])
  const [first, second] = [world.replica('goals', 0), world.replica('goals', 1)]
  first.commit(batch)
  const bytesMin = 3 * batch.length
  const { answers } = world.ask(fetchOf([at(0, 0), at(1, 0)], { bytesMin }))
  second.commit(batch)
  t.same(answers, [], 'two of three batches')
  first.commit(batch)
  t.same(sizes(onlyAnswer(answers)), [2 * batch.length, batch.length])
  t.same([first.waitCount, second.waitCount], [0, 0])
})

t.test('at the deadline the answer has the records that exist', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1, 1])
  const replica = world.replica('goals', 0)
  world.replica('goals', 1)
  replica.commit(batch)
  const { answers } = world.ask(fetchOf([at(0, 0), at(1, 0)], { bytesMin: 10_000 }))
  await world.clock.advance(980)
  t.same(answers, [])
  await world.clock.advance(40)
  t.same(sizes(onlyAnswer(answers)), [batch.length, 0])
  t.equal(replica.waitCount, 0)
})

t.test('a fetch does not wait for more than its partitions’ limits allow', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1])
  const replica = world.replica('goals', 0)
  for (let i = 0; i < 5; i++) replica.commit(batch)
  const asked = at(0, 0, { bytesMax: batch.length })
  const { answers } = world.ask(fetchOf([asked], { bytesMin: 3 * batch.length }))
  replica.commit(batch)
  await world.clock.advance(1020)
  t.same(sizes(onlyAnswer(answers)), [batch.length])
  const few = await world.answer(fetchOf([at(0, 0)], { bytesMin: 10_000, bytesMax: 1 }))
  t.same(sizes(few), [batch.length], 'bytesMin is not above bytesMax')
})

const immediate = [
  { name: 'without a time to wait', changed: { maxWaitMs: 0 } },
  { name: 'without bytes to wait for', changed: { bytesMin: 0 } },
  { name: 'without partitions', changed: { partitions: [] } },
]
for (const { name, changed } of immediate) {
  t.test(`answered at once: ${name}`, async (t) => {
    const world = new ApiWorld()
    world.topic('goals', [1])
    world.replica('goals', 0)
    const request = fetchOf([at(0, 0)], changed)
    t.same(sizes(await world.answer(request)), 'partitions' in changed ? [] : [0])
  })
}

const failures: readonly (readonly [string, FetchPartition, object])[] = [
  [
    'a topic that does not exist',
    at(0, 0, { topic: 'none' }),
    { code: 'UNKNOWN_TOPIC_OR_PARTITION' },
  ],
  ['a partition that does not exist', at(9, 0), { code: 'UNKNOWN_TOPIC_OR_PARTITION' }],
  ['one without a leader', at(2, 0), { code: 'LEADER_NOT_AVAILABLE' }],
  [
    'an offset beyond the end',
    at(1, 5),
    { code: 'OFFSET_OUT_OF_RANGE', bounds: { start: 0, end: 1 } },
  ],
  ['no offset', at(1, -1), { code: 'OFFSET_OUT_OF_RANGE', bounds: { start: 0, end: 1 } }],
  ['an old leader epoch', at(1, 0, { leaderEpoch: 2 }), { code: 'FENCED_LEADER_EPOCH' }],
  ['a leader epoch to come', at(1, 0, { leaderEpoch: 4 }), { code: 'UNKNOWN_LEADER_EPOCH' }],
]
for (const [name, asked, error] of failures) {
  t.test(`ends the wait for all, and fails alone: ${name}`, async (t) => {
    const world = new ApiWorld()
    world.topic('goals', [1, 1, 0])
    world.replica('goals', 0)
    world.replica('goals', 1).commit(batch)
    const { partitions } = await world.answer(fetchOf([at(0, 0), asked]))
    t.match(partitions, [
      { partition: 0, error: undefined, records: Buffer.alloc(0) },
      { error, highWatermark: -1, logStart: -1, records: Buffer.alloc(0) },
    ])
  })
}

t.test('a partition that is named twice is answered twice', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1])
  const replica = world.replica('goals', 0)
  replica.commit(batch)
  replica.commit(batch)
  const answer = await world.answer(fetchOf([at(0, 1), at(0, 0)]))
  t.same(sizes(answer), [batch.length, 2 * batch.length])
})

t.test('a topic that is deleted ends the wait', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1])
  const replica = world.replica('goals', 0)
  const { answers } = world.ask(fetchOf([at(0, 0)]))
  world.drop(replica)
  const { partitions } = onlyAnswer<FetchResponse>(answers)
  t.match(partitions, [{ error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' } }])
})

// --- elsewhere -----------------------------------------------------------------------------------

t.test('a request for one leader is passed on unchanged, with its full wait', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [2, 2])
  const request = fetchOf([at(0, 7), at(1, 8)], { bytesMin: 500 })
  const { answers } = world.ask(request)
  const passed = world.takePassedOn(2)
  t.match(passed, { timeoutMs: 2000, request: { ...request, passedOn: true } })
  passed.answer({ type: 'fetch', partitions: [fetched(0, batch), fetched(1, Buffer.alloc(0))] })
  await world.clock.advance(0)
  t.same(sizes(onlyAnswer(answers)), [batch.length, 0])
  t.same(world.passedOn, [], 'it has waited for as long as it should')
})

t.test('records here are not held back by a leader that has none', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1, 2])
  world.replica('goals', 0).commit(batch)
  const { answers } = world.ask(fetchOf([at(0, 0), at(1, 8)]))
  const passed = world.takePassedOn(2)
  t.match(passed.request, { maxWaitMs: 0, bytesMax: wholeLimit / 2, partitions: [at(1, 8)] })
  passed.answer({ type: 'fetch', partitions: [fetched(1, Buffer.alloc(0))] })
  await world.clock.advance(0)
  t.same(sizes(onlyAnswer(answers)), [batch.length, 0])
})

t.test('several leaders are polled in short rounds until there is enough', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1, 2, 3])
  const here = world.replica('goals', 0)
  const { answers } = world.ask(fetchOf([at(0, 0), at(1, 8), at(2, 9)]))
  for (let round = 0; round < 2; round++) {
    const [two, three] = [world.takePassedOn(2), world.takePassedOn(3)]
    t.match(two.request, { maxWaitMs: 50, partitions: [at(1, 8)] })
    await world.clock.advance(50)
    if (round === 1) here.commit(batch)
    two.answer({ type: 'fetch', partitions: [fetched(1, Buffer.alloc(0))] })
    t.same(answers, [], 'the other leader has not answered yet')
    three.answer({ type: 'fetch', partitions: [fetched(2, Buffer.alloc(0))] })
    await world.clock.advance(0)
  }
  t.same(sizes(onlyAnswer(answers)), [batch.length, 0, 0])
})

t.test('leaders are polled until the deadline, and not afterwards', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [2, 3])
  const { answers } = world.ask(fetchOf([at(0, 0), at(1, 0)], { maxWaitMs: 120 }))
  const waits: number[] = []
  while (answers.length === 0) {
    for (const [partition, leader] of [2, 3].entries()) {
      const { request, answer } = world.takePassedOn(leader)
      const { maxWaitMs } = request as FetchRequest
      if (leader === 2) waits.push(maxWaitMs)
      if (leader === 2) await world.clock.advance(maxWaitMs)
      answer({ type: 'fetch', partitions: [fetched(partition, Buffer.alloc(0))] })
    }
    await world.clock.advance(0)
  }
  t.same(waits, [50, 50, 20])
  t.same(sizes(onlyAnswer(answers)), [0, 0])
})

t.test('a leader that fails fails its own partitions', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1, 2, 3, 2])
  world.replica('goals', 0)
  const { answers } = world.ask(fetchOf([at(0, 0), at(1, 0), at(2, 0), at(3, 0)]))
  world.takePassedOn(2).fail(new BrokerError('NETWORK_EXCEPTION', 'Cannot talk'))
  world.takePassedOn(3).answer({ type: 'fetch', partitions: [fetched(2, batch)] })
  await world.clock.advance(0)
  t.match(onlyAnswer<FetchResponse>(answers).partitions, [
    { error: undefined },
    { partition: 1, error: { code: 'NETWORK_EXCEPTION' } },
    { partition: 2, error: undefined, records: batch },
    { partition: 3, error: { code: 'NETWORK_EXCEPTION' } },
  ])
})

t.test('bytes from other brokers count like local ones', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [2, 1, 3])
  world.replica('goals', 1).commit(batch)
  const request = fetchOf([at(0, 0), at(1, 0), at(2, 0)], { bytesMax: 2 * batch.length })
  const { answers } = world.ask(request)
  world.takePassedOn(2).answer({ type: 'fetch', partitions: [fetched(0, batch)] })
  world.takePassedOn(3).answer({ type: 'fetch', partitions: [fetched(2, batch)] })
  await world.clock.advance(0)
  t.same(sizes(onlyAnswer(answers)), [batch.length, batch.length, 0])
})

// --- followers that are behind -------------------------------------------------------------------

t.test('a follower that lacks an offset asks the leaders of all such partitions', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [2, 2, 2, 2])
  for (const partition of [0, 1, 2, 3]) {
    const replica = world.replica('goals', partition)
    replica.role = { type: 'following', leader: world.parts.self }
    replica.commit(batch)
  }
  const { answers } = world.ask(
    fetchOf([at(0, 5), at(1, 5), at(2, 5), at(3, -7)], { maxWaitMs: 0 }),
  )
  const { request, answer } = world.takePassedOn(2)
  t.match(request, { type: 'listOffsets', passedOn: true, partitions: [{}, {}, {}, {}] })
  const listed = (partition: number, latest: number) => {
    const place = { topic: 'goals', partition, error: undefined }
    return { ...place, earliest: 0, latest, leaderEpoch: 3 }
  }
  const notYet = failureOf(new BrokerError('OFFSET_NOT_AVAILABLE', 'Cannot tell'))
  answer({
    type: 'listOffsets',
    partitions: [listed(0, 9), listed(1, 4), { ...listed(2, -1), error: notYet }, listed(3, 9)],
  })
  await world.clock.advance(0)
  t.match(onlyAnswer<FetchResponse>(answers).partitions, [
    { error: undefined, highWatermark: 1, records: Buffer.alloc(0) },
    { error: { code: 'OFFSET_OUT_OF_RANGE', bounds: { start: 0, end: 4 } } },
    { error: undefined, highWatermark: 1, records: Buffer.alloc(0) },
    { error: { code: 'OFFSET_OUT_OF_RANGE', bounds: { start: 0, end: 9 } } },
  ])
})

t.test(
  'a request passed on to a broker that does not lead gets an error, not a guess',
  async (t) => {
    const world = new ApiWorld()
    world.topic('goals', [2])
    const replica = world.replica('goals', 0)
    replica.role = { type: 'following', leader: world.parts.self }
    const { answers } = world.ask(fetchOf([at(0, 5)], { maxWaitMs: 0, passedOn: true }))
    t.match(onlyAnswer<FetchResponse>(answers).partitions, [
      { error: { code: 'NOT_LEADER_OR_FOLLOWER' } },
    ])
  },
)

t.test('what only a follower has removed is fetched from its leader', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [2])
  const replica = world.replica('goals', 0)
  replica.commit(batchOf(5))
  replica.role = { type: 'following', leader: client.brokerId }
  replica.earliestOffset = 3
  world.ask(fetchOf([at(0, 3)]))
  t.equal(world.passedOn.length, 0)
  world.ask(fetchOf([at(0, 2)]))
  t.match(world.passedOn, [{ request: { type: 'fetch', passedOn: true } }])
})
