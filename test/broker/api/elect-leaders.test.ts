import t from 'tap'
import { zkPaths } from '../../../src/broker/cluster/zk-paths.ts'
import type { ElectLeadersResponse } from '../../../src/protocol/mq/elect-leaders.ts'
import { noBroker } from '../../../src/protocol/mq/messages.ts'
import { members } from '../partition/members.ts'
import { ApiWorld } from './api-world.ts'

/** Partitions of `goals` prefer broker 1; 0 is led by 2, 1 by 1, and 2 by 2 without 1 in the ISR. */
function withTopic(): ApiWorld {
  const world = new ApiWorld()
  world.tree.put(zkPaths.controllerEpoch, '7')
  world.topic('goals', [2, 1, 2])
  for (const partition of [0, 1, 2]) {
    const known = world.image.state('goals', partition)
    if (known === undefined) throw new Error('there is no state')
    const isr = partition === 2 ? members(2, 3) : members(1, 2, 3)
    world.image.setState('goals', partition, { ...known, isr, version: 0 })
    world.image.topics.get('goals')?.states.set(partition, { ...known, isr, version: 0 })
    world.tree.put(zkPaths.topic('goals'), '')
    world.tree.put(zkPaths.partitions('goals'), '')
    world.tree.put(zkPaths.partition('goals', partition), '')
    world.tree.put(zkPaths.state('goals', partition), '')
  }
  return world
}

async function elect(world: ApiWorld, partitions?: number[]): Promise<ElectLeadersResponse> {
  const places = partitions?.map((partition) => ({ topic: 'goals', partition }))
  return world.answer({ type: 'electLeaders', partitions: places })
}

t.test('a preferred replica that is in sync leads, in the next epoch', async (t) => {
  const world = withTopic()
  const { partitions } = await elect(world, [0, 1, 2, 7])
  t.match(partitions, [
    { partition: 0, error: undefined },
    { partition: 1, error: { code: 'ELECTION_NOT_NEEDED' } },
    { partition: 2, error: { code: 'PREFERRED_LEADER_NOT_AVAILABLE' } },
    { partition: 7, error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' } },
  ])
  t.match(world.tree.text(zkPaths.state('goals', 0)), /"leader":1,"leader_epoch":4/)
  t.equal(world.tree.text(zkPaths.state('goals', 2)), '')
  t.match(world.image.state('goals', 0), { leader: 1, leaderEpoch: 4, version: 1 })
})

t.test('an election is written in the epoch of the controller in force', async (t) => {
  const world = withTopic()
  await elect(world, [0])
  t.match(world.tree.text(zkPaths.state('goals', 0)), /"controller_epoch":7/)
  t.match(world.image.state('goals', 0), { controllerEpoch: 7 })
})

t.test('of all partitions, those that need no election are left out', async (t) => {
  const { partitions } = await elect(withTopic())
  t.same(
    partitions.map(({ partition, error }) => [partition, error?.code]),
    [
      [0, undefined],
      [2, 'PREFERRED_LEADER_NOT_AVAILABLE'],
    ],
  )
})

t.test('of all partitions, only those that need an election are visited', async (t) => {
  const world = withTopic()
  world.topic('quiet', [1, 1, 1])
  const { image } = world
  const standing = image.standing.bind(image)
  const visited = new Set<string>()
  image.standing = (place) => {
    visited.add(`${place.topicId}/${place.partition}`)
    return standing(place)
  }
  await elect(world)
  t.same([...visited], ['id-of-goals/0', 'id-of-goals/2'])
})

t.test('a partition that is named twice is not elected', async (t) => {
  const { partitions } = await elect(withTopic(), [0, 0])
  t.match(partitions, [
    { error: { code: 'INVALID_REQUEST' } },
    { error: { code: 'INVALID_REQUEST' } },
  ])
})

t.test('without a leader, the controller decides', async (t) => {
  const world = withTopic()
  const known = world.image.state('goals', 0)
  if (known !== undefined) world.image.setState('goals', 0, { ...known, leader: noBroker })
  const { partitions } = await elect(world, [0])
  t.match(partitions, [{ error: { code: 'PREFERRED_LEADER_NOT_AVAILABLE' } }])
})
