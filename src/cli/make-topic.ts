// Creates the topic for goals or lines, if it is missing.

import type { MqAdmin } from '../client/mq/mq-admin.ts'
import { BrokerError } from '../protocol/mq/error-codes.ts'

/** @returns a sentence about the created topic; undefined if it existed */
export async function makeTopic(
  admin: MqAdmin,
  options: {
    readonly topic: string
    readonly partitions?: number | undefined
    readonly replicas?: number | undefined
  },
): Promise<string | undefined> {
  const { topic, partitions, replicas } = options
  if ((await admin.topic(topic)) !== undefined) return undefined
  try {
    await admin.createTopic({
      topic,
      ...(partitions === undefined ? {} : { partitions }),
      ...(replicas === undefined ? {} : { replicas }),
    })
  } catch (error) {
    // Another client created it first.
    if (error instanceof BrokerError && error.code === 'TOPIC_ALREADY_EXISTS') return undefined
    throw error
  }
  const made = (await admin.topic(topic))?.partitions ?? []
  const copies = made[0]?.replicas.length ?? 0
  return `created topic ${topic}: ${counted(made.length, 'partition')}, ${counted(copies, 'replica')}`
}

/** '1 goal', '2 goals' */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
