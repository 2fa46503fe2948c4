// What consumers tell each other through JoinGroup and SyncGroup: the topics that a member wants, what it
// owns, and what the leader assigned to it. Brokers pass these bytes on; they read subscriptions only to
// know which topics a group still uses.
//
//   subscription   i16 version, topics, userData bytes?, v1: ownedPartitions, v2: generation i32, v3: rack
//   assignment     i16 version, partitions by topic, userData bytes?
//
// A later version only adds fields at the end, so the known part of it can be read.
//
// Source: ConsumerProtocolSubscription and ConsumerProtocolAssignment of Kafka 3.9; KIP-429, KIP-792.

import { ProtocolError } from '../error-codes.ts'
import { type StructRead, since, struct, structs } from './fields.ts'
import { Message } from './message.ts'
import { KafkaReader } from './reader.ts'
import { bytes, int32, listOf, nullable, string } from './types.ts'
import { KafkaWriter } from './writer.ts'

/** The protocol type of groups of consumers; others may use groups for something else. */
export const consumerProtocolType = 'consumer'

const neverFlexible = Number.POSITIVE_INFINITY
const [subscriptionVersion, assignmentVersion] = [3, 3]
const messageBytes = 256

const byTopic = { topic: string, partitions: listOf(int32) }

const subscription = {
  topics: listOf(string),
  userData: nullable(bytes),
  ownedPartitions: since(1, structs(byTopic), []),
  /** in which it owned them; -1: it does not say */
  generation: since(2, int32, -1),
  rack: since(3, nullable(string), null),
}

const assignment = { partitions: structs(byTopic), userData: nullable(bytes) }

const messages = {
  subscription: new Message(struct(subscription), neverFlexible),
  assignment: new Message(struct(assignment), neverFlexible),
} as const

export type Subscription = StructRead<typeof subscription>
export type Assignment = StructRead<typeof assignment>
export type TopicPartitions = Assignment['partitions'][number]

export function encodeSubscription(value: Subscription): Buffer {
  const to = new KafkaWriter(messageBytes)
  to.int16(subscriptionVersion)
  messages.subscription.write(to, subscriptionVersion, value)
  return Buffer.from(to.view())
}

/** @throws ProtocolError */
export function decodeSubscription(value: Uint8Array): Subscription {
  const { from, version } = begin(value, subscriptionVersion)
  return messages.subscription.read(from, version)
}

export function encodeAssignment(value: Assignment): Buffer {
  const to = new KafkaWriter(messageBytes)
  to.int16(assignmentVersion)
  messages.assignment.write(to, assignmentVersion, value)
  return Buffer.from(to.view())
}

/** No bytes at all: nothing is assigned. @throws ProtocolError */
export function decodeAssignment(value: Uint8Array): Assignment {
  if (value.length === 0) return { partitions: [], userData: null }
  const { from, version } = begin(value, assignmentVersion)
  return messages.assignment.read(from, version)
}

function begin(value: Uint8Array, knownVersion: number) {
  const buffer = Buffer.from(value.buffer, value.byteOffset, value.length)
  const from = new KafkaReader().reset(buffer, 0, buffer.length)
  const version = from.int16()
  if (version < 0) throw new ProtocolError(`Cannot read a consumer's message: version ${version}`)
  return { from, version: Math.min(version, knownVersion) }
}
