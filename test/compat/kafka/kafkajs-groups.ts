// kafkajs as configured for the tests: it retries soon and logs nothing.

import { Kafka, type KafkaConfig, logLevel } from 'kafkajs'
import { type GroupClient, partitionCount } from './group-client.ts'

export function kafkajs(brokers: readonly string[], more: Partial<KafkaConfig> = {}): Kafka {
  return new Kafka({
    clientId: 'kafkajs',
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 30, maxRetryTime: 300, retries: 50 },
    ...more,
  })
}

export const kafkajsGroups: GroupClient = {
  name: 'kafkajs',
  survivesCoordinators: true,

  async startMember({ servers, topic, group }, news) {
    const consumer = kafkajs(servers).consumer({
      groupId: group,
      sessionTimeout: 2000,
      heartbeatInterval: 200,
      maxWaitTimeInMs: 50,
      metadataMaxAge: 1000,
    })
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      news.assigned(payload.memberAssignment[topic]?.length ?? 0)
    })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch, isStale, isRunning }) => {
        if (isStale() || !isRunning()) return
        const numbers = batch.messages.map(({ value }) => Number(value))
        news.read(numbers)
        const offset = String(Number(batch.lastOffset()) + 1)
        await consumer.commitOffsets([{ topic, partition: batch.partition, offset }])
        news.committed(numbers)
      },
    })
    return { close: () => consumer.disconnect() }
  },

  async produce({ servers, topic }, numbers) {
    const producer = kafkajs(servers).producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const messages = numbers.map((number) => {
      return { partition: number % partitionCount, value: String(number) }
    })
    await producer.send({ topic, messages })
    await producer.disconnect()
  },
}
