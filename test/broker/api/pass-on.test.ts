import t from 'tap'
import { Answers } from '../../../src/broker/api/answer.ts'
import { joinShare, leaderFor, noPartition, Shares } from '../../../src/broker/api/pass-on.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import type { BrokerId, Place } from '../../../src/protocol/mq/messages.ts'
import { ids } from '../partition/members.ts'
import { ApiWorld } from './api-world.ts'

const at = (partition: number): Place => ({ topic: 'goals', partition })
const [one, two, three] = ids(1, 2, 3) as [BrokerId, BrokerId, BrokerId]

t.test('shares keep the order and the places of the request', async (t) => {
  const shares = new Shares<Place>()
  for (const [place, leader] of [two, three, two].entries()) shares.add(leader, at(place), place)
  t.equal(shares.count, 2)
  t.same(
    [...shares],
    [
      { leader: two, partitions: [at(0), at(2)], places: [0, 2] },
      { leader: three, partitions: [at(1)], places: [1] },
    ],
  )
})

t.test('answers are joined by place; a missing one fails, or all do', async (t) => {
  const joined = (answer: Promise<{ readonly partitions: readonly string[] }>) => {
    return new Promise<readonly string[]>((resolve) => {
      const answers = new Answers<string>(3, resolve)
      answers.set(1, 'ours')
      const share = { leader: two, partitions: [at(0), at(2)], places: [0, 2] }
      joinShare(share, answer, answers, ({ partition }, { code }) => `${partition} ${code}`)
    })
  }
  t.same(await joined(Promise.resolve({ partitions: ['a', 'c'] })), ['a', 'ours', 'c'])
  t.same(await joined(Promise.resolve({ partitions: ['a'] })), [
    'a',
    'ours',
    '2 UNKNOWN_SERVER_ERROR',
  ])
  const lost = new BrokerError('NETWORK_EXCEPTION', 'Cannot talk')
  t.same(await joined(Promise.reject(lost)), ['0 NETWORK_EXCEPTION', 'ours', '2 NETWORK_EXCEPTION'])
})

t.test('the leader to pass on to, or why there is none', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [2, 0, 1, 0])
  world.image.setBadState('goals', 3)
  const found = (partition: number, passedOn = false) => {
    const leader = leaderFor(world.parts, 'fetch', at(partition), passedOn)
    return leader instanceof BrokerError ? leader.code : leader
  }
  t.same(found(0), two)
  t.same(found(0, true), 'NOT_LEADER_OR_FOLLOWER', 'passed on only once')
  t.same(found(1), 'LEADER_NOT_AVAILABLE')
  t.same(found(2), 'LEADER_NOT_AVAILABLE', `broker ${one} is to lead, and has not begun to`)
  t.same(found(3), 'KAFKA_STORAGE_ERROR', 'with the reason')
  t.same(found(9), 'UNKNOWN_TOPIC_OR_PARTITION')
  t.same(found(1.5), 'UNKNOWN_TOPIC_OR_PARTITION')
  world.image.removeBroker(two)
  t.same(found(0), 'LEADER_NOT_AVAILABLE', 'it has gone')
})

t.test('a topic whose znode cannot be read fails with that reason', async (t) => {
  const { image } = new ApiWorld()
  image.setBadTopic('goals')
  const error = noPartition(image, 'fetch', at(0))
  t.match(error, { code: 'KAFKA_STORAGE_ERROR', message: /^Cannot fetch goals\/0: znode/ })
})
