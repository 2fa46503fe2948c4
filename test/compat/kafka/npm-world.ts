// Helpers for tests of npm clients in a world of brokers.

import { findCoordinator } from '../../../src/protocol/kafka/api/find-coordinator.ts'
import { metadata } from '../../../src/protocol/kafka/api/metadata.ts'
import type { BrokerWorld } from '../../broker/broker-world.ts'
import { kafkaClient } from '../../broker/kafka/kafka-client.ts'

/** `host:port` of each broker. */
export function serversOf(world: BrokerWorld): string[] {
  return world.addresses.map(({ host, port }) => `${host}:${port}`)
}

export async function stopLeader(world: BrokerWorld, topic: string): Promise<void> {
  const client = kafkaClient(world)
  const { topics } = await client.send(metadata, 5, { topics: [{ name: topic }] })
  client.close()
  await world.broker(topics[0]?.partitions[0]?.leaderId ?? 0).stop()
}

export async function stopCoordinator(world: BrokerWorld, group: string): Promise<void> {
  const client = kafkaClient(world)
  const { nodeId } = await client.send(findCoordinator, 2, { key: group, keyType: 0 })
  client.close()
  await world.broker(nodeId).stop()
}
