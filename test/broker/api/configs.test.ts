import t from 'tap'
import { zkPaths } from '../../../src/broker/cluster/zk-paths.ts'
import { offsetsTopic } from '../../../src/broker/group/offsets-topic.ts'
import {
  type AlterConfigsResponse,
  allBrokers,
  type ConfigChange,
  type ConfigEntity,
} from '../../../src/protocol/mq/configs.ts'
import { ApiWorld } from './api-world.ts'

const goals = { type: 'topic', name: 'goals' } as const
const everywhere = { type: 'broker', name: allBrokers } as const
const path = zkPaths.configOf(goals)

function withTopic(): ApiWorld {
  const world = new ApiWorld()
  world.topic('goals', [1])
  world.tree.put(zkPaths.topic('goals'), '')
  return world
}

type Change = readonly [ConfigChange['operation'], string, string?]

function alter(
  world: ApiWorld,
  entity: ConfigEntity,
  changes: readonly Change[],
  options: { readonly validateOnly?: boolean; readonly replaces?: boolean } = {},
): Promise<AlterConfigsResponse> {
  const rows = changes.map(([operation, name, value]) => ({ operation, name, value }))
  const entities = [{ ...entity, changes: rows }]
  return world.answer({ type: 'alterConfigs', entities, ...options })
}

async function shownFor(world: ApiWorld, entity: ConfigEntity, key: string) {
  const entities = [{ ...entity, keys: [key] }]
  const answer = await world.answer({ type: 'describeConfigs', entities })
  const entry = answer.entities[0]?.entries[0]
  return entry === undefined ? undefined : `${entry.value} by ${entry.source}`
}

t.test('values are set, appended to, taken out and deleted', async (t) => {
  const world = withTopic()
  await alter(world, goals, [
    ['set', 'retention.ms', '5'],
    ['append', 'cleanup.policy', 'compact'],
  ])
  t.equal(
    world.tree.text(path),
    '{"version":1,"config":{"retention.ms":"5","cleanup.policy":"delete,compact"}}',
  )
  t.equal(await shownFor(world, goals, 'cleanup.policy'), 'delete,compact by topic')
  await alter(world, goals, [
    ['delete', 'retention.ms'],
    ['subtract', 'cleanup.policy', 'delete'],
  ])
  t.equal(await shownFor(world, goals, 'cleanup.policy'), 'compact by topic')
  t.equal(await shownFor(world, goals, 'retention.ms'), '604800000 by default')
  await alter(world, goals, [['set', 'segment.ms', '9']], { replaces: true })
  t.equal(world.tree.text(path), '{"version":1,"config":{"segment.ms":"9"}}')
})

t.test('a broker’s value holds for topics without one', async (t) => {
  const world = withTopic()
  await alter(world, everywhere, [['set', 'log.retention.ms', '5']])
  t.equal(await shownFor(world, goals, 'retention.ms'), '5 by dynamicDefault')
  t.equal(await shownFor(world, everywhere, 'log.retention.ms'), '5 by dynamicDefault')
  t.equal(await shownFor(world, everywhere, 'log.roll.ms'), undefined)
  t.equal(world.image.topicConfig('goals')['retention.ms'], 5)
})

const refusals: readonly [string, ConfigEntity, readonly Change[], string][] = [
  ['an unknown key', goals, [['set', 'retention', '5']], 'INVALID_CONFIG'],
  ['deleting an unknown key', goals, [['delete', 'retention']], 'INVALID_CONFIG'],
  ['a value out of bounds', goals, [['set', 'retention.ms', '-2']], 'INVALID_CONFIG'],
  ['appending to a number', goals, [['append', 'retention.ms', '5']], 'INVALID_CONFIG'],
  ['a list without elements', goals, [['subtract', 'cleanup.policy', 'delete']], 'INVALID_CONFIG'],
  ['no value', goals, [['set', 'retention.ms']], 'INVALID_REQUEST'],
  [
    'a key twice',
    goals,
    [
      ['set', 'segment.ms', '5'],
      ['delete', 'segment.ms'],
    ],
    'INVALID_REQUEST',
  ],
  ['an option of the file', everywhere, [['set', 'num.partitions', '5']], 'INVALID_CONFIG'],
  ['no such topic', { type: 'topic', name: 'x' }, [], 'UNKNOWN_TOPIC_OR_PARTITION'],
  ['no id of a broker', { type: 'broker', name: '01' }, [], 'INVALID_REQUEST'],
]
for (const [name, entity, changes, code] of refusals) {
  t.test(`refused, and nothing is written: ${name}`, async (t) => {
    const world = withTopic()
    const { entities } = await alter(world, entity, [...changes])
    t.match(entities, [{ name: entity.name, error: { code } }])
    t.equal(world.tree.text(path), undefined)
  })
}

t.test('validateOnly writes nothing', async (t) => {
  const world = withTopic()
  const changes = [['set', 'retention.ms', '5']] as const
  t.match(await alter(world, goals, changes, { validateOnly: true }), {
    entities: [{ error: undefined }],
  })
  t.equal(world.tree.text(path), undefined)
})

t.test('of two changes at once neither is lost', async (t) => {
  const world = withTopic()
  world.tree.put(path, '{"version":1,"config":{}}')
  const both = [
    alter(world, goals, [['set', 'retention.ms', '5']]),
    alter(world, goals, [['set', 'segment.ms', '6']]),
  ]
  t.match(await Promise.all(both), [{}, {}])
  t.match(world.tree.text(path), /"retention.ms":"5"/)
  t.match(world.tree.text(path), /"segment.ms":"6"/)
})

t.test('values written by hand that are not named stay', async (t) => {
  const world = withTopic()
  world.tree.put(path, '{"version":1,"config":{"no.such":"1","gone":"2"}}')
  await alter(world, goals, [
    ['set', 'retention.ms', '5'],
    ['delete', 'gone'],
  ])
  t.equal(world.tree.text(path), '{"version":1,"config":{"no.such":"1","retention.ms":"5"}}')
})

t.test('a topic’s default of min.insync.replicas is that of its size', async (t) => {
  const world = withTopic()
  t.equal(await shownFor(world, goals, 'min.insync.replicas'), '2 by default')
})

t.test('a topic, or another broker, that cannot be described has its own error', async (t) => {
  const world = withTopic()
  const entities = [
    { type: 'topic', name: 'x' },
    { type: 'broker', name: '2' },
    goals,
    { type: 'topic', name: 'y' },
    { type: 'topic', name: 'y' },
  ] as const
  const answer = await world.answer({ type: 'describeConfigs', entities })
  t.match(answer.entities, [
    { name: 'x', error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' }, entries: [] },
    { name: '2', error: { code: 'INVALID_REQUEST' } },
    { name: 'goals', error: undefined },
    { name: 'y', error: { code: 'INVALID_REQUEST' } },
    { name: 'y', error: { code: 'INVALID_REQUEST' } },
  ])
})

t.test('groups keep their topic: what would lose their offsets is refused', async (t) => {
  const world = new ApiWorld()
  const entity = { type: 'topic', name: offsetsTopic } as const
  const offsetsPath = zkPaths.configOf(entity)
  world.coordinate()
  world.tree.put(zkPaths.topic(offsetsTopic), '')
  world.tree.put(offsetsPath, '{"version":1,"config":{"cleanup.policy":"compact"}}')
  const before = world.tree.text(offsetsPath)
  const refused: readonly [string, readonly Change[], { replaces?: boolean }][] = [
    ['another policy', [['set', 'cleanup.policy', 'delete']], {}],
    ['one more policy', [['append', 'cleanup.policy', 'delete']], {}],
    ['the default policy', [['delete', 'cleanup.policy']], {}],
    ['the default policy, by leaving it out', [['set', 'segment.ms', '9']], { replaces: true }],
    ['more in sync than there are replicas', [['set', 'min.insync.replicas', '4']], {}],
  ]
  for (const [name, changes, options] of refused) {
    const { entities } = await alter(world, entity, [...changes], options)
    t.match(entities, [{ error: { code: 'INVALID_CONFIG' } }], name)
    t.equal(world.tree.text(offsetsPath), before)
  }
  const { entities } = await alter(world, entity, [
    ['set', 'min.insync.replicas', '3'],
    ['set', 'segment.bytes', '1000000'],
  ])
  t.match(entities, [{ error: undefined }], 'other values are the operator’s')
  const topics = [{ topic: offsetsTopic, partitionCount: 1, replicationFactor: 1, configs: [] }]
  world.image.removeTopic(offsetsTopic)
  const made = await world.answer({ type: 'createTopics', timeoutMs: 10, topics })
  t.match(made.topics, [{ error: { code: 'INVALID_CONFIG' } }], 'also when a client creates it')
})
