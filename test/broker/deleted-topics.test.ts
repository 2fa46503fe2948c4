// Topics that are deleted, with whole brokers: their records leave every disk, and a topic of the same
// name begins empty.

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { zkPaths } from '../../src/broker/cluster/zk-paths.ts'
import { createPartitions } from '../../src/protocol/kafka/api/create-partitions.ts'
import { deleteTopics } from '../../src/protocol/kafka/api/delete-topics.ts'
import { fetch } from '../../src/protocol/kafka/api/fetch.ts'
import { metadata } from '../../src/protocol/kafka/api/metadata.ts'
import { produce } from '../../src/protocol/kafka/api/produce.ts'
import { mqErrorCodes } from '../../src/protocol/mq/error-codes.ts'
import { type BrokerWorld, until, worldTest } from './broker-world.ts'
import { batchOf, fetchOf, newTopic, produceTo } from './kafka/exchanges.ts'
import { type KafkaClient, kafkaClient } from './kafka/kafka-client.ts'

function directories(world: BrokerWorld, id: number, topicId: string): string[] {
  return readdirSync(join(world.dataDir, `broker-${id}`)).filter((name) => name.startsWith(topicId))
}

async function deleted(client: KafkaClient, name: string): Promise<number | undefined> {
  const answer = await client.send(deleteTopics, 5, { topicNames: [name], timeoutMs: 30_000 })
  return answer.responses[0]?.errorCode
}

worldTest(
  t,
  'a broker that was down removes its replica when it returns',
  { brokers: 3 },
  async (t, world) => {
    const client = kafkaClient(world)
    const topicId = await newTopic(client, 'goals', { partitions: 2, replicas: 3 })
    const sent = await client.send(produce, 9, produceTo('goals', batchOf(3)))
    t.equal(sent.responses[0]?.partitionResponses[0]?.errorCode, 0)
    for (const id of [1, 2, 3]) t.same(directories(world, id, topicId).length, 2)
    await world.broker(3).stop()
    t.equal(await deleted(client, 'goals'), 0)
    t.equal(await deleted(client, 'goals'), mqErrorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    const again = await newTopic(client, 'goals', { partitions: 1, replicas: 2 })
    t.not(again, topicId)
    await until(() => [1, 2].every((id) => directories(world, id, topicId).length === 0))
    t.equal(directories(world, 3, topicId).length, 2)
    const zk = await world.zk()
    await until(async () => {
      const found = await zk.exists(zkPaths.deletedTopic(topicId))
      return (
        found !== undefined &&
        /"brokers":\[3\]/.test(String((await zk.getData(zkPaths.deletedTopic(topicId))).data))
      )
    })
    await world.startBroker(3)
    await until(async () => (await zk.exists(zkPaths.deletedTopic(topicId))) === undefined)
    t.same(directories(world, 3, topicId), [])
    const { responses } = await client.send(fetch, 11, fetchOf('goals'))
    t.match(responses[0]?.partitions, [{ errorCode: 0, highWatermark: 0 }])
    t.ok(existsSync(join(world.dataDir, 'broker-3')))
  },
)

worldTest(
  t,
  'DeleteTopics and CreatePartitions over Kafka’s protocol',
  { brokers: 1 },
  async (t, world) => {
    const client = kafkaClient(world)
    const topicId = await newTopic(client, 'goals')
    for (const [version, count] of [0, 1, 2, 3].map((each) => [each, each + 2] as const)) {
      const topics = [
        { name: 'goals', count, assignments: version === 1 ? [{ brokerIds: [1] }] : null },
        { name: 'none', count: 2, assignments: null },
      ]
      const asked = { topics, timeoutMs: 30_000, validateOnly: false }
      const { results } = await client.send(createPartitions, version, asked)
      t.match(results, [
        { name: 'goals', errorCode: 0 },
        { name: 'none', errorCode: mqErrorCodes.UNKNOWN_TOPIC_OR_PARTITION },
      ])
      const found = await client.send(metadata, 12, { topics: [{ name: 'goals' }] })
      t.equal(found.topics[0]?.partitions.length, count)
    }
    const byId = { topics: [{ name: null, topicId }], timeoutMs: 30_000 }
    const first = await client.send(deleteTopics, 6, byId)
    t.match(first.responses, [{ name: 'goals', topicId, errorCode: 0 }])
    const second = await client.send(deleteTopics, 6, byId)
    t.match(second.responses, [{ name: null, topicId, errorCode: mqErrorCodes.UNKNOWN_TOPIC_ID }])
    const sent = await client.send(produce, 9, produceTo('goals', batchOf(1)))
    t.equal(
      sent.responses[0]?.partitionResponses[0]?.errorCode,
      mqErrorCodes.UNKNOWN_TOPIC_OR_PARTITION,
    )
    for (const version of [0, 1, 2, 3, 4]) {
      await newTopic(client, `v${version}`)
      const asked = { topicNames: [`v${version}`, 'none'], timeoutMs: 30_000 }
      const { responses } = await client.send(deleteTopics, version, asked)
      t.match(responses, [{ errorCode: 0 }, { errorCode: mqErrorCodes.UNKNOWN_TOPIC_OR_PARTITION }])
    }
  },
)
