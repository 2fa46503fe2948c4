// Helpers for tests of npm clients in a world of brokers.

import { findCoordinator } from '../../../src/protocol/kafka/api/find-coordinator.ts'
import { metadata } from '../../../src/protocol/kafka/api/metadata.ts'
import { type BrokerWorld, until } from '../../broker/broker-world.ts'
import { kafkaClient } from '../../broker/kafka/kafka-client.ts'

/** `host:port` of each broker. */
export function serversOf(world: BrokerWorld): string[] {
  return world.addresses.map(({ host, port }) => `${host}:${port}`)
}

/** Groups can be used afterwards: their topic is created while all of its replicas can be. */
export async function stopLeader(world: BrokerWorld, topic: string): Promise<void> {
  const client = kafkaClient(world)
  await until(async () => {
    const { errorCode } = await client.send(findCoordinator, 2, { key: 'any', keyType: 0 })
    return errorCode === 0
  })
  let leader = -1
  await until(async () => {
    const { topics } = await client.send(metadata, 5, { topics: [{ name: topic }] })
    leader = topics[0]?.partitions[0]?.leaderId ?? -1
    return leader !== -1
  })
  client.close()
  await world.broker(leader).stop()
}

export async function stopCoordinator(world: BrokerWorld, group: string): Promise<void> {
  const client = kafkaClient(world)
  const { nodeId } = await client.send(findCoordinator, 2, { key: group, keyType: 0 })
  client.close()
  await world.broker(nodeId).stop()
}
