// The bytes of requests and responses in our own dialect: the fields of messages.ts, in this order.
// Whoever adds a field adds it here, twice, and in docs/broker-protocol.md.

import { ProtocolError } from '../error-codes.ts'
import type { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import { mqErrorCodeOf, mqErrorCodes } from './error-codes.ts'
import {
  type ApiName,
  apis,
  type BrokerId,
  type BrokerInfo,
  type ClusterInfo,
  type DirectoryId,
  type FetchedRecords,
  type MqRequest,
  type MqResponse,
  type PartitionInfo,
  type PartitionProblem,
  type RecoveryChoice,
  type ReplicaFetched,
  type ReplicaFetchPartition,
  type RequiredAcks,
  requiredAcks,
  type TopicInfo,
} from './messages.ts'
import type { ProducerId } from './record-batch.ts'

const apiNames = new Map(
  Object.entries(apis).map(([name, number]) => [number as number, name as ApiName]),
)
const acksNames = new Map(
  Object.entries(requiredAcks).map(([name, number]) => [number as number, name as RequiredAcks]),
)
const noBytes = Buffer.alloc(0)

// --- requests ------------------------------------------------------------------------------------

const requestFieldCounts: Readonly<Record<ApiName, number>> = {
  produce: 6,
  fetch: 6,
  replicaFetch: 5,
  listOffsets: 3,
  leaderEpochEnd: 3,
  metadata: 1,
  createTopic: 4,
  initProducerId: 0,
  commitOffset: 6,
  committedOffset: 3,
  recoveryChoices: 2,
  recover: 4,
}

export function encodeMqRequest(
  out: MsgpackWriter,
  correlationId: number,
  request: MqRequest,
): void {
  out.arrayHeader(2 + requestFieldCounts[request.type])
  out.int(correlationId)
  out.int(apis[request.type])
  switch (request.type) {
    case 'produce':
      out.string(request.topic)
      out.int(request.partition)
      out.int(requiredAcks[request.acks])
      out.int(request.timeoutMs)
      out.boolean(request.passedOn)
      out.bytes(request.batch)
      return
    case 'fetch':
      out.string(request.topic)
      out.int(request.partition)
      out.int(request.offset)
      out.int(request.maxWaitMs)
      out.int(request.bytesMax)
      out.boolean(request.passedOn)
      return
    case 'replicaFetch':
      out.string(request.life.directory)
      out.int(request.life.brokerEpoch)
      out.int(request.maxWaitMs)
      out.int(request.bytesMax)
      list(out, request.partitions, encodeReplicaFetchPartition)
      return
    case 'listOffsets':
      out.string(request.topic)
      out.int(request.partition)
      out.boolean(request.passedOn)
      return
    case 'leaderEpochEnd':
      out.string(request.topic)
      out.int(request.partition)
      out.int(request.epoch)
      return
    case 'metadata':
      if (request.topics === undefined) out.nil()
      else out.strings(request.topics)
      return
    case 'createTopic':
      out.string(request.topic)
      out.int(request.partitionCount)
      out.int(request.replicationFactor)
      out.int(request.timeoutMs)
      return
    case 'initProducerId':
      return
    case 'commitOffset':
      out.string(request.group)
      out.string(request.topic)
      out.int(request.partition)
      out.int(request.offset)
      out.int(request.version)
      out.int(request.timeoutMs)
      return
    case 'committedOffset':
      out.string(request.group)
      out.string(request.topic)
      out.int(request.partition)
      return
    case 'recoveryChoices':
      out.string(request.topic)
      out.int(request.partition)
      return
    case 'recover':
      out.string(request.topic)
      out.int(request.partition)
      out.int(request.leader)
      out.int(request.version)
      return
  }
}

/** `request` undefined: the api is none of ours; it is answered UNSUPPORTED_VERSION. */
export interface DecodedMqRequest {
  readonly correlationId: number
  readonly request: MqRequest | undefined
}

/** Bytes in the request are views of the frame. */
export function decodeMqRequest(reader: MsgpackReader): DecodedMqRequest {
  const count = reader.arrayHeader()
  const correlationId = reader.natural('the correlation id')
  const api = apiNames.get(reader.int())
  if (api === undefined) return { correlationId, request: undefined }
  if (count !== 2 + requestFieldCounts[api]) {
    throw new ProtocolError(`Cannot decode a ${api} request: it has ${count - 2} fields`)
  }
  const request = decodeRequestFields(reader, api)
  reader.expectEnd()
  return { correlationId, request }
}

function decodeRequestFields(reader: MsgpackReader, api: ApiName): MqRequest {
  switch (api) {
    case 'produce': {
      const { topic, partition } = topicPartition(reader)
      const number = reader.int()
      const acks = acksNames.get(number)
      if (acks === undefined) throw new ProtocolError(`Cannot decode a produce: acks is ${number}`)
      const timeoutMs = reader.natural('the time-out')
      const passedOn = reader.boolean()
      const batch = reader.bytes() ?? noBytes
      return { type: api, topic, partition, acks, timeoutMs, passedOn, batch }
    }
    case 'fetch': {
      const { topic, partition } = topicPartition(reader)
      const offset = reader.number()
      const maxWaitMs = reader.natural('the time to wait')
      const bytesMax = reader.natural('the byte limit')
      const passedOn = reader.boolean()
      return { type: api, topic, partition, offset, maxWaitMs, bytesMax, passedOn }
    }
    case 'replicaFetch': {
      const directory = reader.string() as DirectoryId
      const life = { directory, brokerEpoch: reader.natural('the broker epoch') }
      const maxWaitMs = reader.natural('the time to wait')
      const bytesMax = reader.natural('the byte limit')
      const partitions = listed(reader, replicaFetchPartition)
      return { type: api, life, maxWaitMs, bytesMax, partitions }
    }
    case 'listOffsets': {
      const { topic, partition } = topicPartition(reader)
      return { type: api, topic, partition, passedOn: reader.boolean() }
    }
    case 'leaderEpochEnd': {
      const { topic, partition } = topicPartition(reader)
      return { type: api, topic, partition, epoch: reader.int() }
    }
    case 'metadata':
      return { type: api, topics: reader.nilOr(() => reader.strings()) }
    case 'createTopic': {
      const topic = reader.string()
      const partitionCount = reader.int()
      const replicationFactor = reader.int()
      const timeoutMs = reader.natural('the time-out')
      return { type: api, topic, partitionCount, replicationFactor, timeoutMs }
    }
    case 'initProducerId':
      return { type: api }
    case 'commitOffset': {
      const group = reader.string()
      const { topic, partition } = topicPartition(reader)
      const offset = reader.number()
      const version = reader.int()
      const timeoutMs = reader.natural('the time-out')
      return { type: api, group, topic, partition, offset, version, timeoutMs }
    }
    case 'committedOffset': {
      const group = reader.string()
      const { topic, partition } = topicPartition(reader)
      return { type: api, group, topic, partition }
    }
    case 'recoveryChoices': {
      const { topic, partition } = topicPartition(reader)
      return { type: api, topic, partition }
    }
    case 'recover': {
      const { topic, partition } = topicPartition(reader)
      const leader = reader.int() as BrokerId
      return { type: api, topic, partition, leader, version: reader.int() }
    }
  }
}

/** Offsets and partitions of clients may be any number: one that cannot be gets an answer. */
function topicPartition(reader: MsgpackReader): { topic: string; partition: number } {
  return { topic: reader.string(), partition: reader.number() }
}

function encodeReplicaFetchPartition(out: MsgpackWriter, asked: ReplicaFetchPartition): void {
  out.arrayHeader(6)
  out.string(asked.topic)
  out.int(asked.partition)
  out.int(asked.leaderEpoch)
  out.int(asked.offset)
  out.int(asked.lastEpoch)
  out.int(asked.highWatermark)
}

function replicaFetchPartition(reader: MsgpackReader): ReplicaFetchPartition {
  reader.arrayHeader()
  const { topic, partition } = topicPartition(reader)
  return {
    topic,
    partition,
    leaderEpoch: reader.int(),
    offset: reader.natural('the offset'),
    lastEpoch: reader.int(),
    highWatermark: reader.natural('the high watermark'),
  }
}

// --- responses -----------------------------------------------------------------------------------

const responseFieldCounts: Readonly<Record<ApiName, number>> = {
  produce: 1,
  fetch: 3,
  replicaFetch: 1,
  listOffsets: 2,
  leaderEpochEnd: 2,
  metadata: 4,
  createTopic: 1,
  initProducerId: 2,
  commitOffset: 1,
  committedOffset: 2,
  recoveryChoices: 4,
  recover: 1,
}

export function encodeMqResponse(
  out: MsgpackWriter,
  correlationId: number,
  response: MqResponse,
): void {
  out.arrayHeader(2 + responseFieldCounts[response.type])
  out.int(correlationId)
  out.int(mqErrorCodes.NONE)
  switch (response.type) {
    case 'produce':
      out.int(response.baseOffset)
      return
    case 'fetch':
      encodeFetched(out, response)
      return
    case 'replicaFetch':
      list(out, response.partitions, encodeReplicaFetched)
      return
    case 'listOffsets':
      out.int(response.earliest)
      out.int(response.latest)
      return
    case 'leaderEpochEnd':
      out.int(response.epoch)
      out.int(response.endOffset)
      return
    case 'metadata':
      encodeCluster(out, response.cluster)
      return
    case 'createTopic':
      out.string(response.topicId)
      return
    case 'initProducerId':
      out.int(response.producerId)
      out.int(response.producerEpoch)
      return
    case 'commitOffset':
      out.int(response.version)
      return
    case 'committedOffset':
      if (response.offset === undefined) out.nil()
      else out.int(response.offset)
      out.int(response.version)
      return
    case 'recoveryChoices':
      out.int(response.found.version)
      out.int(response.found.leader)
      out.int(response.found.leaderEpoch)
      list(out, response.found.choices, encodeRecoveryChoice)
      return
    case 'recover':
      out.int(response.leaderEpoch)
      return
  }
}

/** Reads the fields after `decodeResponseHeader`; records are copied out of the frame. */
export function decodeMqResponse(reader: MsgpackReader, type: ApiName): MqResponse {
  const response = decodeResponseFields(reader, type)
  reader.expectEnd()
  return response
}

function decodeResponseFields(reader: MsgpackReader, type: ApiName): MqResponse {
  switch (type) {
    case 'produce':
      return { type, baseOffset: reader.natural('the base offset') }
    case 'fetch': {
      const { highWatermark, logStart, records } = fetched(reader)
      return { type, highWatermark, logStart, records }
    }
    case 'replicaFetch':
      return { type, partitions: listed(reader, replicaFetched) }
    case 'listOffsets': {
      const earliest = reader.natural('the earliest offset')
      return { type, earliest, latest: reader.natural('the latest offset') }
    }
    case 'leaderEpochEnd':
      return { type, epoch: reader.int(), endOffset: reader.int() }
    case 'metadata':
      return { type, cluster: cluster(reader) }
    case 'createTopic':
      return { type, topicId: reader.string() }
    case 'initProducerId': {
      const producerId = reader.natural('the producer id') as ProducerId
      return { type, producerId, producerEpoch: reader.natural('the producer epoch') }
    }
    case 'commitOffset':
      return { type, version: reader.int() }
    case 'committedOffset': {
      const offset = reader.nilOr(() => reader.natural('the offset'))
      return { type, offset, version: reader.int() }
    }
    case 'recoveryChoices': {
      const [version, leader] = [reader.int(), reader.int() as BrokerId]
      const leaderEpoch = reader.int()
      const choices = listed(reader, recoveryChoice)
      return { type, found: { version, leader, leaderEpoch, choices } }
    }
    case 'recover':
      return { type, leaderEpoch: reader.int() }
  }
}

function encodeFetched(out: MsgpackWriter, part: FetchedRecords): void {
  out.int(part.highWatermark)
  out.int(part.logStart)
  out.bytes(part.records)
}

function fetched(reader: MsgpackReader): FetchedRecords {
  return {
    highWatermark: reader.natural('the high watermark'),
    logStart: reader.natural('the log start'),
    records: Buffer.from(reader.bytes() ?? noBytes),
  }
}

function encodeRecoveryChoice(out: MsgpackWriter, choice: RecoveryChoice): void {
  out.arrayHeader(10)
  out.int(choice.broker)
  out.string(choice.condition)
  out.boolean(choice.isInSync)
  out.boolean(choice.isEligible)
  out.boolean(choice.mayLead)
  out.int(choice.lastEpoch)
  intOrNil(out, choice.end)
  intOrNil(out, choice.highWatermark)
  intOrNil(out, choice.losesAtMost)
  out.string(choice.detail)
}

function recoveryChoice(reader: MsgpackReader): RecoveryChoice {
  reader.arrayHeader()
  const intOrNone = () => reader.nilOr(() => reader.natural('a number of records'))
  return {
    broker: reader.int() as BrokerId,
    condition: reader.string(),
    isInSync: reader.boolean(),
    isEligible: reader.boolean(),
    mayLead: reader.boolean(),
    lastEpoch: reader.int(),
    end: intOrNone(),
    highWatermark: intOrNone(),
    losesAtMost: intOrNone(),
    detail: reader.string(),
  }
}

function intOrNil(out: MsgpackWriter, value: number | undefined): void {
  if (value === undefined) out.nil()
  else out.int(value)
}

function encodeReplicaFetched(out: MsgpackWriter, part: ReplicaFetched): void {
  out.arrayHeader(8)
  out.string(part.topic)
  out.int(part.partition)
  out.int(mqErrorCodes[part.code])
  out.int(part.diverging?.epoch ?? -1)
  out.int(part.diverging?.endOffset ?? -1)
  encodeFetched(out, part)
}

function replicaFetched(reader: MsgpackReader): ReplicaFetched {
  reader.arrayHeader()
  const { topic, partition } = topicPartition(reader)
  const code = mqErrorCodeOf(reader.int())
  const epoch = reader.int()
  const endOffset = reader.int()
  const diverging = endOffset === -1 ? undefined : { epoch, endOffset }
  const { highWatermark, logStart, records } = fetched(reader)
  return { topic, partition, code, diverging, highWatermark, logStart, records }
}

function encodeCluster(
  out: MsgpackWriter,
  { clusterId, controller, brokers, topics }: ClusterInfo,
) {
  out.string(clusterId)
  out.int(controller)
  list(out, brokers, encodeBroker)
  list(out, topics, encodeTopic)
}

function cluster(reader: MsgpackReader): ClusterInfo {
  const clusterId = reader.string()
  const controller = reader.int() as BrokerId
  const brokers = listed(reader, broker)
  return { clusterId, controller, brokers, topics: listed(reader, topic) }
}

function encodeBroker(out: MsgpackWriter, info: BrokerInfo): void {
  out.arrayHeader(3)
  out.int(info.id)
  out.string(info.host)
  out.int(info.port)
}

function broker(reader: MsgpackReader): BrokerInfo {
  reader.arrayHeader()
  const id = reader.natural('the broker id') as BrokerId
  return { id, host: reader.string(), port: reader.natural('the port') }
}

function encodeTopic(out: MsgpackWriter, info: TopicInfo): void {
  out.arrayHeader(4)
  out.string(info.topic)
  out.string(info.topicId)
  if (info.problem === undefined) out.nil()
  else out.string(info.problem)
  list(out, info.partitions, encodePartition)
}

function topic(reader: MsgpackReader): TopicInfo {
  reader.arrayHeader()
  const name = reader.string()
  const topicId = reader.string()
  const problem = reader.nilOr(() => reader.string())
  return { topic: name, topicId, problem, partitions: listed(reader, partition) }
}

function encodePartition(out: MsgpackWriter, info: PartitionInfo): void {
  out.arrayHeader(6)
  out.int(info.partition)
  out.int(info.leader)
  out.int(info.leaderEpoch)
  list(out, info.replicas, encodeId)
  list(out, info.isr, encodeId)
  list(out, info.problems, encodeProblem)
}

function partition(reader: MsgpackReader): PartitionInfo {
  reader.arrayHeader()
  const number = reader.natural('the partition')
  const leader = reader.int() as BrokerId
  const leaderEpoch = reader.int()
  const replicas = listed(reader, id)
  const isr = listed(reader, id)
  return {
    partition: number,
    leader,
    leaderEpoch,
    replicas,
    isr,
    problems: listed(reader, problem),
  }
}

function encodeProblem(out: MsgpackWriter, { broker, reason }: PartitionProblem): void {
  out.arrayHeader(2)
  out.int(broker)
  out.string(reason)
}

function problem(reader: MsgpackReader): PartitionProblem {
  reader.arrayHeader()
  return { broker: reader.int() as BrokerId, reason: reader.string() }
}

function encodeId(out: MsgpackWriter, brokerId: BrokerId): void {
  out.int(brokerId)
}

function id(reader: MsgpackReader): BrokerId {
  return reader.natural('the broker id') as BrokerId
}

function list<T>(
  out: MsgpackWriter,
  items: readonly T[],
  encode: (out: MsgpackWriter, item: T) => void,
): void {
  out.arrayHeader(items.length)
  for (const item of items) encode(out, item)
}

function listed<T>(reader: MsgpackReader, decode: (reader: MsgpackReader) => T): T[] {
  const count = reader.arrayHeader()
  const items: T[] = []
  for (let i = 0; i < count; i++) items.push(decode(reader))
  return items
}
