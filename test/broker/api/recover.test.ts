import t from 'tap'
import { encodeState, zkPaths } from '../../../src/broker/cluster/zk-paths.ts'
import { type BrokerId, noBroker } from '../../../src/protocol/mq/messages.ts'
import { initial, version } from '../controller/standings.ts'
import { ids } from '../partition/members.ts'
import { ApiWorld } from './api-world.ts'

const place = { topic: 'goals', partition: 0 }
const path = zkPaths.state('goals', 0)

/** A partition that no replica may lead: broker 1 has a whole log, the others have not reported. */
function makeWorld(): ApiWorld {
  const world = new ApiWorld()
  const topicId = 'id-of-goals'
  world.image.setTopic('goals', { topicId, replicas: [ids(1, 2, 3)] })
  world.image.setState('goals', 0, initial)
  const life = { directory: 'd1', brokerEpoch: 10 } as NonNullable<
    ReturnType<ApiWorld['image']['standing']>['life']
  >
  const log = { lastEpoch: 4, end: 10, highWatermark: 7 }
  world.image.setReport(reportName(topicId), {
    session: 101,
    status: { type: 'whole', life, stateVersion: version, ...log },
  })
  for (const parent of ['/goals', '/goals/partitions', '/goals/partitions/0']) {
    world.tree.put(`${zkPaths.topics}${parent}`, '')
  }
  for (let i = 0; i <= version; i++) world.tree.put(path, encodeState(initial))
  return world
}

function reportName(topicId: string): string {
  return `${topicId}-0-1`
}

t.test('the choices cover all replicas, with the state version that they hold for', async (t) => {
  const { found } = await makeWorld().answer({ type: 'recoveryChoices', ...place })
  t.match(found, { version, leader: noBroker, leaderEpoch: initial.leaderEpoch })
  t.match(found.choices, [
    { broker: 1, condition: 'whole', mayLead: true, end: 10, highWatermark: 7 },
    { broker: 2, condition: 'no report', mayLead: false, end: undefined },
    { broker: 3, mayLead: false },
  ])
})

t.test('a choice is written, conditional on the state that the operator saw', async (t) => {
  const world = makeWorld()
  const choice = { type: 'recover', ...place, leader: 1 as BrokerId, version } as const
  const stale = { code: 'INVALID_UPDATE_VERSION' }
  await t.rejects(world.answer({ ...choice, version: version - 1 }), stale, 'an older state')
  const impossible = world.answer({ ...choice, leader: 2 as BrokerId })
  await t.rejects(impossible, { code: 'INVALID_REQUEST' }, 'a replica that cannot lead')
  t.match(await world.answer(choice), { leaderEpoch: initial.leaderEpoch + 1 })
  t.match(world.tree.text(path), /"leader":1/)
  await t.rejects(world.answer(choice), stale, 'the state has changed, but our image has not')
})

t.test(
  'a partition that does not exist, never had a leader, or cannot be read is refused',
  async (t) => {
    const world = makeWorld()
    world.topic('new', [0])
    const show = { type: 'recoveryChoices' } as const
    const unknown = world.answer({ ...show, topic: 'none', partition: 0 })
    await t.rejects(unknown, { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
    const fresh = world.answer({ ...show, topic: 'new', partition: 0 })
    await t.rejects(fresh, { code: 'INVALID_REQUEST', message: /never had a leader/ })
    world.hasSession = false
    await t.rejects(world.answer({ ...show, ...place }), { code: 'BROKER_NOT_AVAILABLE' })
  },
)
