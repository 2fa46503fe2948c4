import t from 'tap'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import { failureOf } from '../../../src/protocol/mq/messages.ts'
import type {
  ProduceRequest,
  ProduceResponse,
  RequiredAcks,
} from '../../../src/protocol/mq/produce.ts'
import { ApiWorld, batchOf, onlyAnswer } from './api-world.ts'

const batch = batchOf(2)

function produceTo(
  places: readonly (readonly [string, number])[],
  changed: Partial<ProduceRequest> = {},
): ProduceRequest {
  return {
    type: 'produce',
    acks: 'all',
    timeoutMs: 1000,
    passedOn: false,
    partitions: places.map(([topic, partition]) => ({ topic, partition, batch })),
    ...changed,
  }
}

function refusal(code: BrokerError['code']): BrokerError {
  return new BrokerError(code, `Cannot do it: ${code}`)
}

t.test('the answer is sent when the last partition is answered, in request order', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1, 1])
  const [first, second] = [world.replica('goals', 0), world.replica('goals', 1)]
  second.earliestOffset = 4
  const { answers } = world.ask(
    produceTo([
      ['goals', 0],
      ['goals', 1],
    ]),
  )
  second.calls[0]?.done(9)
  t.same(answers, [], 'one of two is not enough')
  first.calls[0]?.done(5)
  t.same(answers, [
    {
      type: 'produce',
      partitions: [
        { topic: 'goals', partition: 0, error: undefined, baseOffset: 5, logStart: 0 },
        { topic: 'goals', partition: 1, error: undefined, baseOffset: 9, logStart: 4 },
      ],
    },
  ])
})

t.test('each partition fails alone, with its own error', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1, 1, 0, 1])
  world.replica('goals', 0)
  const late = world.replica('goals', 1)
  const request = produceTo([
    ['goals', 0],
    ['goals', 1],
    ['goals', 2],
    ['goals', 3],
    ['goals', 4],
    ['none', 0],
  ])
  const broken = request.partitions.map((asked, i) =>
    i === 0 ? { ...asked, batch: Buffer.from('no batch') } : asked,
  )
  const { answers } = world.ask({ ...request, partitions: broken })
  t.same(answers, [])
  late.calls[0]?.done(refusal('REQUEST_TIMED_OUT'))
  const { partitions } = onlyAnswer<ProduceResponse>(answers)
  t.match(partitions, [
    { error: { code: 'INVALID_RECORD' }, baseOffset: -1, logStart: -1 },
    { error: failureOf(refusal('REQUEST_TIMED_OUT')), baseOffset: -1 },
    { error: { code: 'LEADER_NOT_AVAILABLE' } },
    { error: { code: 'LEADER_NOT_AVAILABLE', message: /just been elected/ } },
    { error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' } },
    { topic: 'none', partition: 0, error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' } },
  ])
})

t.test('all partitions have one deadline, and none is later than the limit', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1, 1])
  const replicas = [world.replica('goals', 0), world.replica('goals', 1)]
  await world.clock.advance(500)
  const places = [
    ['goals', 0],
    ['goals', 1],
  ] as const
  world.ask(produceTo(places))
  world.ask(produceTo(places, { timeoutMs: 10 ** 9 }))
  for (const { calls } of replicas) {
    t.same(
      calls.map(({ deadlineMs }) => deadlineMs),
      [1500, 120_500],
    )
  }
})

t.test('partitions of other leaders are passed on, one request for each leader', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [2, 1, 3, 2])
  const own = world.replica('goals', 1)
  const { answers } = world.ask(
    produceTo([
      ['goals', 0],
      ['goals', 1],
      ['goals', 2],
      ['goals', 3],
    ]),
  )
  const [toTwo, toThree] = [world.takePassedOn(2), world.takePassedOn(3)]
  t.equal(world.passedOn.length, 0)
  t.match(toTwo, {
    timeoutMs: 2000,
    request: { type: 'produce', acks: 'all', timeoutMs: 1000, passedOn: true },
  })
  const placesOf = ({ request }: typeof toTwo) =>
    request.type === 'produce' ? request.partitions.map(({ partition }) => partition) : []
  t.same([placesOf(toTwo), placesOf(toThree)], [[0, 3], [2]])
  const stored = (partition: number, baseOffset: number) => {
    return { topic: 'goals', partition, error: undefined, baseOffset, logStart: 0 }
  }
  const failure = failureOf(refusal('NOT_ENOUGH_REPLICAS'))
  const third = { topic: 'goals', partition: 3, error: failure, baseOffset: -1, logStart: -1 }
  toTwo.answer({ type: 'produce', partitions: [stored(0, 100), third] })
  toThree.fail(refusal('NETWORK_EXCEPTION'))
  await world.clock.advance(0)
  t.same(answers, [], 'our own partition is not stored yet')
  own.calls[0]?.done(11)
  t.match(onlyAnswer(answers), {
    partitions: [
      stored(0, 100),
      stored(1, 11),
      { topic: 'goals', partition: 2, error: { code: 'NETWORK_EXCEPTION' }, baseOffset: -1 },
      third,
    ],
  })
})

t.test('a request that was passed on to us is not passed on again', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [2, 1])
  const own = world.replica('goals', 1)
  const { answers } = world.ask(
    produceTo(
      [
        ['goals', 0],
        ['goals', 1],
      ],
      { passedOn: true },
    ),
  )
  own.calls[0]?.done(3)
  t.match(onlyAnswer(answers), {
    partitions: [{ error: { code: 'NOT_LEADER_OR_FOLLOWER' } }, { error: undefined }],
  })
  t.same(world.passedOn, [])
})

t.test('partitions missing from a leader’s answer fail', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [2, 2])
  const { answers } = world.ask(
    produceTo([
      ['goals', 0],
      ['goals', 1],
    ]),
  )
  const stored = { topic: 'goals', partition: 0, error: undefined, baseOffset: 1, logStart: 0 }
  world.takePassedOn(2).answer({ type: 'produce', partitions: [stored] })
  await world.clock.advance(0)
  t.match(onlyAnswer(answers), {
    partitions: [stored, { partition: 1, error: { code: 'UNKNOWN_SERVER_ERROR' } }],
  })
})

t.test('a partition that is named twice gets both batches, in this order', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1])
  const replica = world.replica('goals', 0)
  const [one, other] = [batchOf(1), batchOf(3)]
  const asked = { topic: 'goals', partition: 0 }
  const { answers } = world.ask(
    produceTo([], { partitions: [one, other].map((each) => ({ ...asked, batch: each })) }),
  )
  t.same(
    replica.calls.map(({ header }) => header.recordCount),
    [1, 3],
  )
  for (const [i, call] of replica.calls.entries()) call.done(i)
  t.match(onlyAnswer(answers), { partitions: [{ baseOffset: 0 }, { baseOffset: 1 }] })
})

t.test('an empty list is answered at once', async (t) => {
  t.same(new ApiWorld().ask(produceTo([])).answers, [{ type: 'produce', partitions: [] }])
})

t.test('acks 0 waits for no other broker', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [2, 1, 0])
  const own = world.replica('goals', 1)
  const acks: RequiredAcks = 'none'
  const places = [
    ['goals', 0],
    ['goals', 1],
    ['goals', 2],
  ] as const
  const { answers } = world.ask(produceTo(places, { acks }))
  t.match(world.posted, [{ to: 2, request: { acks, passedOn: true, partitions: [{}] } }])
  own.calls[0]?.done(4)
  t.match(onlyAnswer(answers), {
    partitions: [
      { error: undefined, baseOffset: -1 },
      { error: undefined, baseOffset: 4 },
      { error: { code: 'LEADER_NOT_AVAILABLE' } },
    ],
  })
})
