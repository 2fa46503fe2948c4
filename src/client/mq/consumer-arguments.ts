// The arguments of Consumer.

import { limits } from '../../limits.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import {
  callback,
  flag,
  having,
  type Kind,
  listOf,
  method,
  milliseconds,
  nonEmptyText,
  oneOf,
  optional,
  type RowsOf,
  record,
  wholeNumber,
} from '../arguments.ts'
import {
  abortSignal,
  callOptions,
  clientRows,
  int32Max,
  kafkaName,
  offset,
  partition,
  takeOptions,
  timestampMs,
} from './argument-kinds.ts'
import { type AssignorName, assignorNames, isCooperative } from './group/assignor-names.ts'
import type {
  ConsumerOptions,
  EachBatchOptions,
  GroupListener,
  PartitionRef,
  SeekOptions,
  SeekTarget,
  TopicPartition,
  TopicPartitionOffset,
} from './options.ts'
import type { ConsumedBatch } from './partition-reader.ts'

// --- methods ---------------------------------------------------------------------------------------

/** Of `SeekTarget`. */
const seekTarget: Kind<SeekTarget> = (value, name) => {
  if (typeof value === 'number') return wholeNumber(0, Number.MAX_SAFE_INTEGER)(value, name)
  if (typeof value !== 'object' || value === null) return seekWords(value, name)
  return 'timestampMs' in value ? sinceTime(value, name) : lastRecords(value, name)
}
const seekWords = oneOf(['beginning', 'end'] as const)
const lastRecords = record({ last: wholeNumber(0, Number.MAX_SAFE_INTEGER) })
const sinceTime = record({ timestampMs })

/** A number is a partition of the only topic. */
const partitionRef: Kind<PartitionRef> = (value, name) => {
  const isPlace = typeof value === 'object' && value !== null
  return isPlace ? place(value, name) : partition(value, name)
}
const place = record({ topic: kafkaName, partition } satisfies RowsOf<TopicPartition>)
const somePartitions = optional(listOf(partitionRef, 1))

const newOffset = record({
  topic: kafkaName,
  partition,
  offset,
} satisfies RowsOf<TopicPartitionOffset>)

export const consumerMethods = {
  commit: method('commit', { offsets: optional(listOf(newOffset)) }),
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
  position: method('position', { partition: partitionRef }),
  refreshLag: method('refreshLag', { options: callOptions }),
}

// --- options ---------------------------------------------------------------------------------------

const groupListener = having<GroupListener>('an object of functions')

/** Of a member of a group, which does not name its partitions itself. */
const memberRows = {
  assignors: optional(listOf(oneOf(assignorNames), 1)),
  instanceId: optional(nonEmptyText),
  listener: optional(groupListener),
  sessionTimeoutMs: optional(milliseconds),
  rebalanceTimeoutMs: optional(milliseconds),
  heartbeatMs: optional(milliseconds),
}
const memberNames = Object.keys(memberRows) as (keyof typeof memberRows)[]

const consumerOptions = method('create a Consumer', {
  options: record({
    ...clientRows,
    ...memberRows,
    topic: optional(kafkaName),
    topics: optional(listOf(kafkaName, 1)),
    partitions: somePartitions,
    from: optional(seekTarget),
    group: optional(nonEmptyText),
    outOfRange: optional(oneOf(['stop', 'earliest', 'latest'] as const), 'stop'),
    broker: optional(wholeNumber(0, int32Max)),
    stayWithBroker: optional(flag, false),
    maxWaitMs: optional(wholeNumber(1, limits.fetchWaitMsMax), 1000),
    bytesMax: optional(wholeNumber(1, limits.fetchBytesMax), 1024 * 1024),
    bufferBytesMax: optional(wholeNumber(1, Number.MAX_SAFE_INTEGER), 32 * 1024 * 1024),
    checkCrcs: optional(flag, true),
  } satisfies RowsOf<ConsumerOptions>),
})

/** How a consumer comes by its partitions. */
export type Claim =
  /** Named by hand; `partitions` undefined: all of its topics. */
  | { readonly type: 'manual'; readonly partitions: readonly TopicPartition[] | undefined }
  | MemberClaim

/** Its group gives them to it. */
export interface MemberClaim {
  readonly type: 'member'
  readonly group: string
  readonly assignors: readonly AssignorName[]
  readonly instanceId: string | undefined
  readonly listener: GroupListener
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly heartbeatMs: number
}

/** @throws BrokerError */
export function takeConsumerOptions(given: unknown) {
  const options = takeOptions(consumerOptions, given)
  const { topic, topics = topic === undefined ? undefined : [topic], group } = options
  if (topics === undefined) throw refusal('options.topic is missing; give it, or options.topics')
  if (topic !== undefined && options.topics !== undefined) {
    throw refusal('options.topic and options.topics exclude each other')
  }
  if (hasDuplicates(topics)) throw refusal('options.topics has duplicates')
  const partitions = options.partitions?.map((ref) => placeOf(ref, topics, 'create a Consumer'))
  if (hasDuplicates(partitions?.map(nameOf) ?? [])) {
    throw refusal('options.partitions has duplicates')
  }
  const isMember = group !== undefined && partitions === undefined
  const stray = memberNames.find((name) => options[name] !== undefined)
  if (!isMember && stray !== undefined) {
    const found = group === undefined ? 'options.group is missing' : 'options.partitions is given'
    throw refusal(`options.${stray} is for members of a group: ${found}`)
  }
  const { from = group === undefined ? 'end' : 'beginning' } = options
  const claim: Claim = isMember ? memberClaim(group, options) : { type: 'manual', partitions }
  return { ...options, topics, from, claim }
}

function memberClaim(
  group: string,
  options: { readonly [N in keyof typeof memberRows]: ReturnType<(typeof memberRows)[N]> },
): MemberClaim {
  const { assignors = ['cooperative-sticky'], instanceId, listener = {} } = options
  const cooperative = assignors.filter(isCooperative)
  if (cooperative.length > 0 && cooperative.length < assignors.length) {
    throw refusal('options.assignors mixes cooperative and other assignors')
  }
  const { sessionTimeoutMs = 10_000, rebalanceTimeoutMs = 60_000, heartbeatMs = 3000 } = options
  return {
    type: 'member',
    group,
    assignors,
    instanceId,
    listener,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    heartbeatMs,
  }
}

function refusal(found: string): BrokerError {
  return new BrokerError('INVALID_REQUEST', `Cannot create a Consumer: ${found}`)
}

function hasDuplicates(names: readonly string[]): boolean {
  return new Set(names).size < names.length
}

/** @throws BrokerError if a number could mean a partition of several topics */
export function placeOf(
  ref: PartitionRef,
  topics: readonly string[],
  what: string,
): TopicPartition {
  if (typeof ref !== 'number') return ref
  const [only] = topics
  if (only !== undefined && topics.length === 1) return { topic: only, partition: ref }
  const found = `the consumer reads ${topics.length} topics`
  throw new BrokerError(
    'INVALID_REQUEST',
    `Cannot ${what}: partition ${ref} has no topic: ${found}, give { topic, partition }`,
  )
}

export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
