import t from 'tap'
import type { PartitionState } from '../../../src/broker/partition/partition-state.ts'
import { noBroker } from '../../../src/protocol/mq/messages.ts'
import { ids } from '../partition/members.ts'
import { image, reporting, topicId, unavailable } from './sample-image.ts'

t.test(
  'an image never takes an older state, and forgets a topic that was created again',
  async (t) => {
    const known = image([1, 2, 3], {})
    const state = known.state('goals', 0) as PartitionState
    known.setState('goals', 0, { ...state, version: 8, leaderEpoch: 1 })
    t.equal(known.state('goals', 0)?.version, 9)
    known.setTopic('goals', { topicId: 'y', replicas: [ids(1)] })
    t.equal(known.state('goals', 0), undefined)
    t.equal(known.leader('goals', 0), undefined)
  },
)

t.test('a topic is found by its id while it has that one', async (t) => {
  const known = image([1], {})
  t.equal(known.topicOf(topicId), 'goals')
  known.setTopic('goals', { topicId, replicas: [ids(1)] })
  t.equal(known.topicOf(topicId), 'goals', 'read again')
  known.setTopic('goals', { topicId: 'y', replicas: [ids(1)] })
  t.equal(known.topicOf(topicId), undefined, 'made anew')
  t.equal(known.topicOf('y'), 'goals')
  known.removeTopic('goals')
  t.equal(known.topicOf('y'), undefined)
  known.setTopic('goals', { topicId, replicas: [ids(1)] })
  known.setBadTopic('goals')
  t.equal(known.topicOf(topicId), undefined)
})

t.test('metadata report a replica that would have to drop committed records', async (t) => {
  const known = reporting(image([1, 2, 3], {}), { 3: { type: 'ahead' } })
  t.match(known.info('c', undefined).topics[0]?.partitions, [
    { leader: 2, problems: [{ broker: 3, reason: /zw topics recover/ }] },
  ])
})

t.test('metadata report what cannot be used, and why', async (t) => {
  const known = unavailable(image([1, 2, 3], {}), [2])
  t.equal(known.leader('goals', 0), undefined, 'a broker that cannot lead does not')
  t.match(known.problemOf('goals', 0), /broker 2 .* EMFILE/)
  const [topic] = known.info('c', undefined).topics
  t.match(topic?.partitions, [
    { leader: noBroker, isr: [1, 2, 3], problems: [{ broker: 2, reason: 'EMFILE' }] },
  ])
  t.ok(known.setBadState('goals', 0))
  t.notOk(known.setBadState('goals', 0), 'the same problem is new only once')
  t.match(known.problemOf('goals', 0), /state/)
  t.match(known.info('c', undefined).topics[0]?.partitions[0]?.problems, [
    { broker: noBroker },
    { broker: 2 },
  ])
  t.ok(known.setBadTopic('goals'))
  t.match(known.info('c', undefined).topics, [{ topic: 'goals', problem: /goals/, partitions: [] }])
  t.match(known.info('c', ['goals', 'none']).topics, [{ topic: 'goals' }])
  known.setTopic('goals', { topicId, replicas: [ids(1)] })
  t.equal(known.problemOf('goals', 0), undefined, 'after a new write it is a topic again')
})
