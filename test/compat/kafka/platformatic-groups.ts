// @platformatic/kafka as configured for the tests: it retries soon.

import {
  Consumer,
  GenericError,
  MessagesStreamModes,
  MultipleErrors,
  Producer,
  stringDeserializers,
  stringSerializers,
} from '@platformatic/kafka'
import {
  type GroupClient,
  type MemberNews,
  type MemberPlace,
  partitionCount,
} from './group-client.ts'

/**
 * Options of every client of the library. It retries only at the same broker, so the tests retry
 * too.
 */
export function soon(bootstrapBrokers: readonly string[]) {
  return {
    clientId: 'platformatic',
    bootstrapBrokers: [...bootstrapBrokers],
    retries: 3,
    retryDelay: 50,
    metadataMaxAge: 100,
  }
}

/** Retries until the records are sent; the producer is idempotent. */
export async function sendSurely(
  producer: Producer<string, string, string, string>,
  messages: { topic: string; partition?: number; value: string }[],
): Promise<void> {
  for (;;) {
    try {
      await producer.send({ messages })
      return
    } catch (error) {
      // For instance the leader failed: the next attempt looks up the new one.
      if (!isOfClient(error)) throw error
      producer.clearMetadata()
    }
  }
}

export const platformaticGroups: GroupClient = {
  name: 'platformatic',
  survivesCoordinators: false,

  async startMember(place, news) {
    let [consumer, isClosed] = [consumerOf(place, news), false]
    const reading = readOn()
    async function readOn(): Promise<void> {
      while (!isClosed) {
        try {
          await read(consumer, place, news)
        } catch (error) {
          // A stream ends when one of its brokers fails, and an application starts another.
          if (!isOfClient(error)) throw error
        }
        await closeSurely(consumer)
        if (!isClosed) consumer = consumerOf(place, news)
      }
    }
    return {
      async close() {
        isClosed = true
        await closeSurely(consumer)
        await reading
      },
    }
  },

  async produce({ servers, topic }, numbers) {
    const producer = new Producer({
      ...soon(servers),
      serializers: stringSerializers,
      idempotent: true,
    })
    const messages = numbers.map((number) => {
      return { topic, partition: number % partitionCount, value: String(number) }
    })
    await sendSurely(producer, messages)
    await producer.close()
  },
}

function isOfClient(error: unknown): boolean {
  return error instanceof GenericError || error instanceof MultipleErrors
}

async function closeSurely(consumer: StringConsumer): Promise<void> {
  try {
    await consumer.close(true)
  } catch (error) {
    if (!isOfClient(error)) throw error
  }
}

type StringConsumer = Consumer<string, string, string, string>

function consumerOf({ servers, topic, group }: MemberPlace, news: MemberNews): StringConsumer {
  const consumer = new Consumer({
    ...soon(servers),
    groupId: group,
    deserializers: stringDeserializers,
    sessionTimeout: 2000,
    heartbeatInterval: 200,
    maxWaitTime: 50,
    autocommit: false,
  })
  consumer.on('consumer:group:join', ({ assignments = [] }) => {
    const ours = assignments.find((each) => each.topic === topic)
    news.assigned(ours?.partitions.length ?? 0)
  })
  return consumer
}

async function read(
  consumer: StringConsumer,
  { topic }: MemberPlace,
  news: MemberNews,
): Promise<void> {
  const mode = MessagesStreamModes.COMMITTED
  const stream = await consumer.consume({ topics: [topic], mode, fallbackMode: 'earliest' })
  for await (const message of stream) {
    // A fetch in flight during a rebalance brings records of partitions that another member has now.
    const ours = consumer.assignments?.find((each) => each.topic === topic)
    if (ours?.partitions.includes(message.partition) !== true) continue
    const numbers = [Number(message.value)]
    news.read(numbers)
    await message.commit()
    news.committed(numbers)
  }
}
