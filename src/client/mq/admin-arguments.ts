// The arguments of MqAdmin.

import { limits } from '../../limits.ts'
import {
  always,
  type Kind,
  listOf,
  Misfit,
  method,
  misfit,
  nonEmptyText,
  optional,
  type RowsOf,
  record,
  tagged,
  text,
  wholeNumber,
} from '../arguments.ts'
import {
  clientRows,
  int32Max,
  kafkaName,
  offset,
  partition,
  takeOptions,
  timestampMs,
} from './argument-kinds.ts'
import type {
  BrokerConfigChange,
  LeaderChoice,
  MqAdminOptions,
  NewTopic,
  OffsetReset,
  OffsetTarget,
  PartitionReplicas,
  PlannedOffset,
  RecordsBefore,
  TopicConfigChange,
  TopicPartition,
} from './options.ts'

/** Values by name. */
const configTexts: Kind<Readonly<Record<string, string>>> = (value, name) => {
  if (typeof value !== 'object' || value === null) throw misfit(value, name, 'an object of texts')
  const texts = Object.entries(value).map(([key, one]) => [key, text(one, `${name}.${key}`)])
  return Object.fromEntries(texts)
}

const newTopic = record({
  topic: kafkaName,
  partitions: optional(wholeNumber(1, limits.partitionsPerTopicMax)),
  replicas: optional(wholeNumber(1, int32Max)),
  configs: optional(configTexts, {}),
} satisfies RowsOf<NewTopic>)

const configChange = record({
  set: optional(configTexts, {}),
  delete: optional(listOf(nonEmptyText), []),
} satisfies RowsOf<TopicConfigChange & BrokerConfigChange>)

const broker = wholeNumber(0, int32Max)

const topicPartition = record({ topic: kafkaName, partition } satisfies RowsOf<TopicPartition>)

const partitionReplicas = record({
  topic: kafkaName,
  partition,
  replicas: listOf(wholeNumber(0, int32Max), 1),
} satisfies RowsOf<PartitionReplicas>)

const leaderChoice = record({
  topic: kafkaName,
  partition,
  leader: wholeNumber(0, int32Max),
  version: wholeNumber(0, int32Max),
} satisfies RowsOf<LeaderChoice>)

const anyNumber = wholeNumber(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
const offsetTarget = tagged({
  start: record({ type: always('start') }),
  end: record({ type: always('end') }),
  offset: record({ type: always('offset'), offset }),
  shift: record({ type: always('shift'), by: anyNumber }),
  time: record({ type: always('time'), timestampMs }),
}) satisfies Kind<OffsetTarget>

const offsetReset = record({
  topic: optional(kafkaName),
  partitions: optional(listOf(partition, 1)),
  to: offsetTarget,
} satisfies RowsOf<OffsetReset>)

const plannedOffset = record({
  topic: kafkaName,
  partition,
  committed: optional(offset),
  earliest: offset,
  latest: offset,
  to: offset,
  version: wholeNumber(-1, Number.MAX_SAFE_INTEGER),
} satisfies RowsOf<PlannedOffset>)

/** Each partition once: a request would be refused. */
const recordsBefore: Kind<readonly RecordsBefore[]> = (value, name) => {
  const taken = deletions(value, name)
  const places = taken.map(({ topic, partition }) => `${topic}/${partition}`)
  const twice = places.find((place, i) => places.indexOf(place) < i)
  if (twice !== undefined) throw new Misfit(name, `has ${twice} twice`)
  return taken
}
const deletions = listOf(
  record({
    topic: kafkaName,
    partition,
    before: (value: unknown, name: string) => (value === 'end' ? value : offset(value, name)),
  } satisfies RowsOf<RecordsBefore>),
  1,
)

export const adminMethods = {
  topic: method('topic', { name: kafkaName }),
  createTopic: method('createTopic', { topic: newTopic }),
  deleteTopics: method('deleteTopics', { topics: listOf(kafkaName) }),
  createPartitions: method('createPartitions', {
    topic: kafkaName,
    count: wholeNumber(1, limits.partitionsPerTopicMax),
  }),
  topicConfig: method('topicConfig', { topic: kafkaName }),
  alterTopicConfig: method('alterTopicConfig', { topic: kafkaName, change: configChange }),
  topicConfigs: method('topicConfigs', {
    topics: listOf(kafkaName),
    names: optional(listOf(nonEmptyText)),
  }),
  brokerConfig: method('brokerConfig', { broker }),
  alterBrokerConfig: method('alterBrokerConfig', {
    broker: (value: unknown, name: string) => (value === 'all' ? value : broker(value, name)),
    change: configChange,
  }),
  offsets: method('offsets', { topic: kafkaName }),
  deleteRecords: method('deleteRecords', { partitions: recordsBefore }),
  logDirs: method('logDirs', { topics: optional(listOf(kafkaName)) }),
  groupOffsets: method('groupOffsets', { group: kafkaName, topic: kafkaName }),
  group: method('group', { group: nonEmptyText }),
  deleteGroup: method('deleteGroup', { group: nonEmptyText }),
  planOffsets: method('planOffsets', { group: nonEmptyText, reset: offsetReset }),
  applyOffsets: method('applyOffsets', { group: nonEmptyText, planned: listOf(plannedOffset) }),
  reassign: method('reassign', { moves: listOf(partitionReplicas) }),
  cancelReassignments: method('cancelReassignments', { partitions: listOf(topicPartition) }),
  electLeaders: method('electLeaders', { topic: optional(kafkaName) }),
  recoveryChoices: method('recoveryChoices', { topic: kafkaName, partition }),
  recover: method('recover', { choice: leaderChoice }),
}

const adminOptions = method('create an MqAdmin', {
  options: record({
    ...clientRows,
    timeoutMs: optional(wholeNumber(1, limits.produceTimeoutMsMax), 10_000),
  } satisfies RowsOf<MqAdminOptions>),
})

/** @throws BrokerError */
export function takeAdminOptions(given: unknown) {
  return takeOptions(adminOptions, given)
}
