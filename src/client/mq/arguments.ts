// The arguments of Producer, Consumer and MqAdmin: one table per method, in the order of its
// parameters, and one for the options of each class. The classes document the meaning.

import type { Address } from '../../address.ts'
import { asBuffer } from '../../as-buffer.ts'
import { limits } from '../../limits.ts'
import type { Logger } from '../../logger.ts'
import { codecNames } from '../../protocol/mq/compression.ts'
import { BrokerError, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { type RequiredAcks, requiredAcks } from '../../protocol/mq/produce.ts'
import {
  always,
  bytesOrNull,
  callback,
  flag,
  having,
  type Kind,
  listOf,
  type Method,
  Misfit,
  method,
  milliseconds,
  misfit,
  nonEmptyText,
  oneOf,
  optional,
  type Rows,
  type RowsOf,
  record,
  type Taken,
  tagged,
  text,
  wholeNumber,
} from '../arguments.ts'
import { serverList } from '../server-list.ts'
import { clientWorld } from '../world-argument.ts'
import type { ZkClient } from '../zk/zk-client.ts'
import { assignorNames, isCooperative } from './group/assignor-names.ts'
import type {
  CallOptions,
  ConsumerOptions,
  EachBatchOptions,
  GroupConsumerOptions,
  GroupListener,
  LeaderChoice,
  MqAdminOptions,
  MqClientOptions,
  NewRecord,
  NewTopic,
  OffsetReset,
  OffsetTarget,
  PlannedOffset,
  ProducerOptions,
  RecordsBefore,
  SeekOptions,
  SeekTarget,
  TopicConfigChange,
} from './options.ts'
import type { ConsumedBatch } from './partition-reader.ts'

/** The default port of a broker, Kafka's. */
const defaultBrokerPort = 9092

// --- kinds -----------------------------------------------------------------------------------------

/** Topic and group names become names of znodes and metrics: Kafka's rule. */
const kafkaName: Kind<string> = (value, name) => {
  const most = limits.topicNameLengthMax
  const isName =
    typeof value === 'string' && /^[\w.-]+$/.test(value) && value !== '.' && value !== '..'
  if (isName && value.length <= most) return value
  throw misfit(value, name, `letters, digits, dot, underscore and dash, at most ${most}`)
}

const int32Max = 2 ** 31 - 1
const partition = wholeNumber(0, int32Max)
/**
 * The range of an encoded offset. The broker refuses an offset outside the log, with the bounds.
 */
const offset = wholeNumber(-(2 ** 53), 2 ** 53)

/**
 * Two timestamps of one batch may differ by at most the range of a varint: until the year 144683.
 */
const timestampMsMax = 2 ** 52 - 1
const timestampMs = wholeNumber(0, timestampMsMax)
const newHeaders = optional(listOf(record({ key: text, value: bytesOrNull })), [])

const newRecord = record({
  topic: kafkaName,
  partition: optional(partition),
  key: optional(bytesOrNull, null),
  value: bytesOrNull,
  timestampMs: optional(timestampMs),
  headers: newHeaders,
} satisfies RowsOf<NewRecord>)

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
} satisfies RowsOf<TopicConfigChange>)

const leaderChoice = record({
  topic: kafkaName,
  partition,
  leader: wholeNumber(0, int32Max),
  version: wholeNumber(0, int32Max),
} satisfies RowsOf<LeaderChoice>)

/** By partition. */
const offsets: Kind<ReadonlyMap<number, number>> = (value, name) => {
  if (!(value instanceof Map)) throw misfit(value, name, 'a Map of partitions to offsets')
  const taken = new Map<number, number>()
  for (const [key, one] of value) {
    taken.set(partition(key, `a partition in ${name}`), offset(one, `${name}.get(${key})`))
  }
  return taken
}

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

// --- methods ---------------------------------------------------------------------------------------

const abortSignal = optional(
  having<AbortSignal>('an AbortSignal', 'addEventListener', 'throwIfAborted'),
)
const callOptions = optional(record({ signal: abortSignal } satisfies RowsOf<CallOptions>), {
  signal: undefined,
})

const producerMethods = {
  send: method('send', { record: newRecord }),
  sendBatch: method('sendBatch', { records: listOf(newRecord) }),
  sendOptions: method('send', { options: callOptions }),
  connect: method('connect', { options: callOptions }),
  flush: method('flush', { options: callOptions }),
}

/** Of `SeekTarget`. */
const seekTarget: Kind<SeekTarget> = (value, name) => {
  if (typeof value === 'number') return wholeNumber(0, Number.MAX_SAFE_INTEGER)(value, name)
  if (typeof value !== 'object' || value === null) return seekWords(value, name)
  return 'timestampMs' in value ? sinceTime(value, name) : lastRecords(value, name)
}
const seekWords = oneOf(['beginning', 'end'] as const)
const lastRecords = record({ last: wholeNumber(0, Number.MAX_SAFE_INTEGER) })
const sinceTime = record({ timestampMs })

const startTarget: Kind<SeekTarget | 'committed'> = (value, name) => {
  return value !== null && ['number', 'object'].includes(typeof value)
    ? seekTarget(value, name)
    : oneOf(['beginning', 'end', 'committed'] as const)(value, name)
}

const somePartitions = optional(listOf(partition, 1))

const consumerMethods = {
  commit: method('commit', { offsets: optional(offsets) }),
  start: method('start', { options: callOptions }),
  take: method('take', { options: callOptions }),
  records: method('records', { options: callOptions }),
  batches: method('batches', { options: callOptions }),
  eachBatch: method('eachBatch', {
    handle: callback<(batch: ConsumedBatch) => unknown>(),
    options: optional(
      record({
        signal: abortSignal,
        concurrency: optional(wholeNumber(1, limits.partitionsPerTopicMax), 1),
        commits: optional(flag, false),
      } satisfies RowsOf<EachBatchOptions>),
      { signal: undefined, concurrency: 1, commits: false },
    ),
  }),
  seek: method('seek', {
    to: seekTarget,
    options: optional(
      record({ signal: abortSignal, partitions: somePartitions } satisfies RowsOf<SeekOptions>),
      { signal: undefined, partitions: undefined },
    ),
  }),
  offsetsAt: method('offsetsAt', { to: seekTarget }),
  pause: method('pause', { partitions: somePartitions }),
  resume: method('resume', { partitions: somePartitions }),
  position: method('position', { partition }),
  refreshLag: method('refreshLag', { options: callOptions }),
}

const adminMethods = {
  topic: method('topic', { name: kafkaName }),
  createTopic: method('createTopic', { topic: newTopic }),
  deleteTopics: method('deleteTopics', { topics: listOf(kafkaName) }),
  createPartitions: method('createPartitions', {
    topic: kafkaName,
    count: wholeNumber(1, limits.partitionsPerTopicMax),
  }),
  topicConfig: method('topicConfig', { topic: kafkaName }),
  alterTopicConfig: method('alterTopicConfig', { topic: kafkaName, change: configChange }),
  offsets: method('offsets', { topic: kafkaName }),
  deleteRecords: method('deleteRecords', { partitions: recordsBefore }),
  logDirs: method('logDirs', { topics: optional(listOf(kafkaName)) }),
  groupOffsets: method('groupOffsets', { group: kafkaName, topic: kafkaName }),
  group: method('group', { group: nonEmptyText }),
  deleteGroup: method('deleteGroup', { group: nonEmptyText }),
  planOffsets: method('planOffsets', { group: nonEmptyText, reset: offsetReset }),
  applyOffsets: method('applyOffsets', { group: nonEmptyText, planned: listOf(plannedOffset) }),
  recoveryChoices: method('recoveryChoices', { topic: kafkaName, partition }),
  recover: method('recover', { choice: leaderChoice }),
}

export const mqMethods = { ...producerMethods, ...consumerMethods, ...adminMethods } as const

/** Arguments for which Kafka has a specific code; the others are INVALID_REQUEST. */
const codes: ReadonlyMap<string, MqErrorCode> = new Map([
  ['record.topic', 'INVALID_TOPIC_EXCEPTION'],
  ['topic.topic', 'INVALID_TOPIC_EXCEPTION'],
  ['options.topic', 'INVALID_TOPIC_EXCEPTION'],
  ['topic', 'INVALID_TOPIC_EXCEPTION'],
  ['name', 'INVALID_TOPIC_EXCEPTION'],
  ['options.group', 'INVALID_GROUP_ID'],
  ['group', 'INVALID_GROUP_ID'],
  ['topic.partitions', 'INVALID_PARTITIONS'],
  ['topic.replicas', 'INVALID_REPLICATION_FACTOR'],
])

/** @throws BrokerError with the argument's name */
export function take<R extends Rows>(table: Method<R>, given: readonly unknown[]): Taken<R> {
  try {
    return table.take(given)
  } catch (error) {
    if (!(error instanceof Misfit)) throw error
    const code = codes.get(error.argument) ?? 'INVALID_REQUEST'
    throw new BrokerError(code, `Cannot ${table.name}: ${error.message}`)
  }
}

// --- records -------------------------------------------------------------------------------------

export type TakenRecord = Taken<{ readonly record: typeof newRecord }>['record']

/**
 * Takes new records as the table does, but those of the usual shape without it: a producer takes
 * each of its records here.
 */
export class RecordTaker {
  /** valid, of the last record */
  #topic: string | undefined

  /** @throws BrokerError */
  take(given: unknown): TakenRecord {
    return this.#maybeTake(given) ?? take(mqMethods.send, [given]).record
  }

  /** @throws BrokerError with the index of the record */
  takeAll(given: unknown): readonly TakenRecord[] {
    if (!Array.isArray(given)) return take(mqMethods.sendBatch, [given]).records
    const records: TakenRecord[] = []
    for (const each of given) {
      const record = this.#maybeTake(each)
      if (record === undefined) return take(mqMethods.sendBatch, [given]).records
      records.push(record)
    }
    return records
  }

  /** @returns undefined for the table to take it, or to say what is wrong with it */
  #maybeTake(given: unknown): TakenRecord | undefined {
    if (typeof given !== 'object' || given === null) return undefined
    try {
      for (const name in given) if (!recordNames.has(name)) return undefined
      const { topic, partition, key, value, timestampMs, headers } = given as Partial<NewRecord>
      const [keyBytes, valueBytes] = [usualBytes(key ?? null), usualBytes(value)]
      const isUsual =
        keyBytes !== undefined &&
        valueBytes !== undefined &&
        (partition === undefined || isNatural(partition, int32Max)) &&
        (timestampMs === undefined || isNatural(timestampMs, timestampMsMax))
      if (!isUsual) return undefined
      if (topic !== this.#topic) this.#topic = kafkaName(topic, 'record.topic')
      return {
        topic: this.#topic ?? '',
        partition,
        key: keyBytes,
        value: valueBytes,
        timestampMs,
        headers: headers === undefined ? noHeaders : newHeaders(headers, 'record.headers'),
      }
    } catch {
      return undefined
    }
  }
}

const recordNames: ReadonlySet<string> = new Set<keyof NewRecord>([
  'topic',
  'partition',
  'key',
  'value',
  'timestampMs',
  'headers',
])
const noHeaders: TakenRecord['headers'] = Object.freeze([])

/** Except -0, which would be encoded as -0. */
function isNatural(value: unknown, most: number): boolean {
  const isIn = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most
  return isIn && !Object.is(value, -0)
}

function usualBytes(value: unknown): Buffer | null | undefined {
  if (value === null) return null
  if (typeof value === 'string') return Buffer.from(value, 'utf8')
  return value instanceof Uint8Array ? asBuffer(value) : undefined
}

// --- options ---------------------------------------------------------------------------------------

const brokerList: Kind<readonly Address[]> = (value, name) => {
  const { servers, chroot } = serverList(defaultBrokerPort)(value, name)
  if (chroot !== '') throw new Misfit(name, `names '${chroot}'; brokers have no chroot`)
  return servers
}

const clientRows = {
  brokers: optional(brokerList),
  zk: optional(having<ZkClient>('a ZkClient', 'getChildren', 'getData')),
  name: optional(nonEmptyText),
  logger: optional(having<Logger>('a logger', 'child', 'debug', 'info', 'warn', 'error')),
  world: optional(clientWorld),
} satisfies RowsOf<MqClientOptions>

/** The options common to all classes here, after the check. */
export type MqClientParts = Taken<typeof clientRows>

const producerOptions = method('create a Producer', {
  options: record({
    ...clientRows,
    acks: optional(oneOf(Object.keys(requiredAcks) as RequiredAcks[]), 'all'),
    lingerMs: optional(wholeNumber(0, int32Max), 0),
    batchBytes: optional(wholeNumber(1, limits.recordBatchBytesMax), 64 * 1024),
    compression: optional(oneOf(codecNames), 'none'),
    // A leader could not tell more batches from batches that never arrive.
    inFlightMax: optional(wholeNumber(1, limits.heldBatchesMax), 5),
    requestTimeoutMs: optional(wholeNumber(1, limits.produceTimeoutMsMax), 5000),
    deliveryTimeoutMs: optional(milliseconds, 30_000),
    bufferBytesMax: optional(wholeNumber(1, Number.MAX_SAFE_INTEGER), 32 * 1024 * 1024),
    sendTo: optional(oneOf(['leader', 'random'] as const), 'leader'),
  } satisfies RowsOf<ProducerOptions>),
})

const consumerOptions = method('create a Consumer', {
  options: record({
    ...clientRows,
    topic: kafkaName,
    partitions: optional(listOf(partition, 1)),
    from: optional(startTarget, 'end'),
    group: optional(kafkaName),
    outOfRange: optional(oneOf(['stop', 'earliest', 'latest'] as const), 'stop'),
    broker: optional(wholeNumber(0, int32Max)),
    stayWithBroker: optional(flag, false),
    maxWaitMs: optional(wholeNumber(1, limits.fetchWaitMsMax), 1000),
    bytesMax: optional(wholeNumber(1, limits.fetchBytesMax), 1024 * 1024),
    bufferBytesMax: optional(wholeNumber(1, Number.MAX_SAFE_INTEGER), 32 * 1024 * 1024),
    checkCrcs: optional(flag, true),
  } satisfies RowsOf<ConsumerOptions>),
})

const groupListener = having<GroupListener>('an object of functions')

const groupConsumerOptions = method('create a GroupConsumer', {
  options: record({
    ...clientRows,
    group: nonEmptyText,
    topics: listOf(kafkaName, 1),
    assignors: optional(listOf(oneOf(assignorNames), 1), ['cooperative-sticky']),
    instanceId: optional(nonEmptyText),
    from: optional(oneOf(['beginning', 'end'] as const), 'beginning'),
    outOfRange: optional(oneOf(['stop', 'earliest', 'latest'] as const), 'stop'),
    listener: optional(groupListener),
    sessionTimeoutMs: optional(milliseconds, 10_000),
    rebalanceTimeoutMs: optional(milliseconds, 60_000),
    heartbeatMs: optional(milliseconds, 3000),
    maxWaitMs: optional(wholeNumber(1, limits.fetchWaitMsMax), 1000),
    bytesMax: optional(wholeNumber(1, limits.fetchBytesMax), 1024 * 1024),
    bufferBytesMax: optional(wholeNumber(1, Number.MAX_SAFE_INTEGER), 32 * 1024 * 1024),
  } satisfies RowsOf<GroupConsumerOptions>),
})

const adminOptions = method('create an MqAdmin', {
  options: record({
    ...clientRows,
    timeoutMs: optional(wholeNumber(1, limits.produceTimeoutMsMax), 10_000),
  } satisfies RowsOf<MqAdminOptions>),
})

/** @throws BrokerError */
export function takeProducerOptions(given: unknown) {
  return takeOptions(producerOptions, given)
}

/** @throws BrokerError */
export function takeConsumerOptions(given: unknown) {
  const options = takeOptions(consumerOptions, given)
  const { partitions = [], from, group } = options
  if (new Set(partitions).size < partitions.length) {
    const found = 'options.partitions has duplicates'
    throw new BrokerError('INVALID_REQUEST', `Cannot create a Consumer: ${found}`)
  }
  if (from === 'committed' && group === undefined) {
    const found = `options.group is missing: options.from is 'committed'`
    throw new BrokerError('INVALID_GROUP_ID', `Cannot create a Consumer: ${found}`)
  }
  return options
}

/** @throws BrokerError */
export function takeGroupConsumerOptions(given: unknown) {
  const options = takeOptions(groupConsumerOptions, given)
  const cooperative = options.assignors.filter(isCooperative)
  if (cooperative.length > 0 && cooperative.length < options.assignors.length) {
    const found = 'options.assignors mixes cooperative and other assignors'
    throw new BrokerError('INVALID_REQUEST', `Cannot create a GroupConsumer: ${found}`)
  }
  return options
}

/** @throws BrokerError */
export function takeAdminOptions(given: unknown) {
  return takeOptions(adminOptions, given)
}

function takeOptions<T extends MqClientParts>(
  table: Method<{ readonly options: Kind<T> }>,
  given: unknown,
): T {
  const { options } = take(table, [given])
  if (options.brokers === undefined && options.zk === undefined) {
    const found = 'options.brokers is missing; give brokers, or a ZkClient as options.zk'
    throw new BrokerError('INVALID_REQUEST', `Cannot ${table.name}: ${found}`)
  }
  return options
}
