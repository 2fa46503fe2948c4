import t from 'tap'
import { checkCollision, checkNewTopic, replicasFor } from '../../../src/broker/api/new-topic.ts'
import type { NewTopic } from '../../../src/protocol/mq/create-topics.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'

const brokers = [1, 2, 3] as BrokerId[]
const topic = (wanted: Partial<NewTopic>): NewTopic => {
  return { topic: 'goals', partitionCount: 1, replicationFactor: 1, ...wanted }
}

const allowed: Partial<NewTopic>[] = [
  { topic: 'x'.repeat(249) },
  { topic: 'a.B_c-9' },
  { topic: '...' },
  { topic: '-' },
  { partitionCount: -1, replicationFactor: -1 },
  { partitionCount: 1000 },
]
for (const wanted of allowed) {
  t.test(`a new topic may be ${JSON.stringify(wanted).slice(0, 60)}`, async (t) => {
    t.doesNotThrow(() => checkNewTopic(topic(wanted)))
  })
}

const refused: [Partial<NewTopic>, string][] = [
  [{ topic: '' }, 'INVALID_TOPIC_EXCEPTION'],
  [{ topic: '.' }, 'INVALID_TOPIC_EXCEPTION'],
  [{ topic: '..' }, 'INVALID_TOPIC_EXCEPTION'],
  [{ topic: 'x'.repeat(250) }, 'INVALID_TOPIC_EXCEPTION'],
  [{ topic: 'a/b' }, 'INVALID_TOPIC_EXCEPTION'],
  [{ topic: 'a b' }, 'INVALID_TOPIC_EXCEPTION'],
  [{ topic: 'goals\n' }, 'INVALID_TOPIC_EXCEPTION'],
  [{ topic: 'tore–ü' }, 'INVALID_TOPIC_EXCEPTION'],
  [{ topic: 'a\0' }, 'INVALID_TOPIC_EXCEPTION'],
  [{ partitionCount: 0 }, 'INVALID_PARTITIONS'],
  [{ partitionCount: -2 }, 'INVALID_PARTITIONS'],
  [{ partitionCount: 1001 }, 'INVALID_PARTITIONS'],
  [{ replicationFactor: 0 }, 'INVALID_REPLICATION_FACTOR'],
  [{ replicationFactor: -2 }, 'INVALID_REPLICATION_FACTOR'],
]
for (const [wanted, code] of refused) {
  t.test(`a new topic is refused: ${JSON.stringify(wanted).slice(0, 60)}`, async (t) => {
    t.throws(() => checkNewTopic(topic(wanted)), { code })
  })
}

const collisions = [
  { topic: 'a.b', existing: ['a_b'], code: 'INVALID_TOPIC_EXCEPTION' },
  { topic: 'a_b_c', existing: ['x', 'a.b_c'], code: 'INVALID_TOPIC_EXCEPTION' },
  { topic: 'a.b', existing: ['a_b', 'a.b'], code: 'TOPIC_ALREADY_EXISTS' },
  { topic: 'ab', existing: ['a.b', 'a_b', 'a-b'], code: undefined },
]
for (const { topic, existing, code } of collisions) {
  t.test(`${topic} beside ${existing.join()}: ${code ?? 'allowed'}`, async (t) => {
    if (code === undefined) t.doesNotThrow(() => checkCollision(topic, existing))
    else t.throws(() => checkCollision(topic, existing), { code })
  })
}

t.test('replicas: as many as requested, or the default, at most the live brokers', async (t) => {
  const defaults = { partitionCount: 4, replicationFactor: 5 }
  const counts = (wanted: Partial<NewTopic>) =>
    replicasFor(
      topic(wanted),
      brokers.map((id) => ({ id })),
      { defaults, start: 0 },
    ).map(({ length }) => length)
  t.same(counts({}), [1])
  t.same(counts({ partitionCount: -1, replicationFactor: -1 }), [3, 3, 3, 3])
  const code = 'INVALID_REPLICATION_FACTOR'
  t.throws(() => counts({ replicationFactor: 4 }), { code })
  const withoutBrokers = () =>
    replicasFor(topic({ replicationFactor: -1 }), [], { defaults, start: 0 })
  t.throws(withoutBrokers, { code })
})
