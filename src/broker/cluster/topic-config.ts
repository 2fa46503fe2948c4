// The configuration of topics: one row per key with its type, default and bounds, under the names
// of Kafka 3.9. A topic's own values are in /config/topics/T; others come from the broker, under the
// name in `broker` (cluster-configs.ts). Keys of brokers alone are in broker-config.ts. Pure.
//
// A key of Kafka with only one valid value here is a row as well: tools that set it to this value
// succeed, and any other value is refused with the reason.

import { limits } from '../../limits.ts'

interface RowBase {
  /** one sentence, for describe */
  readonly about: string
}

export type ConfigRow =
  | (RowBase & {
      /** int: 32 bits; long: 64 bits, of which 53 count */
      readonly type: 'int' | 'long'
      /** undefined: it depends on the topic */
      readonly default: number | undefined
      readonly min: number
      readonly max?: number
    })
  | (RowBase & { readonly type: 'double'; readonly default: number })
  | (RowBase & { readonly type: 'string'; readonly default: string; readonly choices: Choices })
  | (RowBase & {
      readonly type: 'list'
      readonly default: Choices
      /** the elements that it may have; at least one */
      readonly choices: Choices
    })
  /** `partition:broker,…`, or `*` for all */
  | (RowBase & { readonly type: 'replicas'; readonly default: '' })
  | (RowBase & {
      readonly type: 'fixed'
      readonly shownAs: 'boolean' | 'string' | 'long'
      readonly default: string
      /** why it has no other value */
      readonly why: string
    })

type Choices = readonly string[]

type TopicRow = ConfigRow & {
  /**
   * the broker's option, and dynamic configuration, that supplies the default; undefined: a broker has
   * no such key
   */
  readonly broker: string | undefined
}

const dayMs = 24 * 60 * 60 * 1000

/** By name, in alphabetical order. */
export const topicConfigRows = {
  'cleanup.policy': {
    type: 'list',
    default: ['delete'],
    choices: ['delete', 'compact'],
    broker: 'log.cleanup.policy',
    about:
      'delete: old segments go by time and size. compact: the last record of each key is kept.',
  },
  'compression.type': {
    type: 'fixed',
    shownAs: 'string',
    default: 'producer',
    why: 'batches are stored as the producer compressed them',
    broker: 'compression.type',
    about: 'The compression of stored batches: as the producer sent them.',
  },
  'delete.retention.ms': {
    type: 'long',
    default: dayMs,
    min: 0,
    broker: 'log.cleaner.delete.retention.ms',
    about: 'Milliseconds for which a compacted log keeps a tombstone.',
  },
  'follower.replication.throttled.replicas': {
    type: 'replicas',
    default: '',
    broker: undefined,
    about:
      'Replicas whose catching up counts towards follower.replication.throttled.rate of their broker: partition:broker,… or *.',
  },
  'leader.replication.throttled.replicas': {
    type: 'replicas',
    default: '',
    broker: undefined,
    about:
      'Leaders from which catching up counts towards leader.replication.throttled.rate of their broker: partition:broker,… or *.',
  },
  'max.message.bytes': {
    type: 'int',
    default: limits.recordBatchBytesMax,
    min: 0,
    max: limits.recordBatchBytesCeiling,
    broker: 'message.max.bytes',
    about: 'Largest record batch, in bytes, that a producer may send.',
  },
  'message.timestamp.after.max.ms': {
    type: 'long',
    default: Number.MAX_SAFE_INTEGER,
    min: 0,
    broker: 'log.message.timestamp.after.max.ms',
    about:
      'Most milliseconds by which the timestamp that a producer gives a record may be ahead of the broker’s clock.',
  },
  'message.timestamp.before.max.ms': {
    type: 'long',
    default: Number.MAX_SAFE_INTEGER,
    min: 0,
    broker: 'log.message.timestamp.before.max.ms',
    about:
      'Most milliseconds by which the timestamp that a producer gives a record may be behind the broker’s clock.',
  },
  'message.timestamp.difference.max.ms': {
    type: 'long',
    default: Number.MAX_SAFE_INTEGER,
    min: 0,
    broker: 'log.message.timestamp.difference.max.ms',
    about:
      'Deprecated in Kafka: stands for message.timestamp.before.max.ms and message.timestamp.after.max.ms where these set no bound.',
  },
  'message.timestamp.type': {
    type: 'string',
    default: 'CreateTime',
    choices: ['CreateTime', 'LogAppendTime'],
    broker: 'log.message.timestamp.type',
    about: 'Whether a record has the timestamp of its producer or that of its append.',
  },
  'min.cleanable.dirty.ratio': {
    type: 'double',
    default: 0.5,
    broker: 'log.cleaner.min.cleanable.ratio',
    about: 'Share of a compacted log that must be new since its last compaction for another one.',
  },
  'min.compaction.lag.ms': {
    type: 'long',
    default: 0,
    min: 0,
    broker: 'log.cleaner.min.compaction.lag.ms',
    about: 'Milliseconds for which compaction leaves a record alone.',
  },
  'min.insync.replicas': {
    type: 'int',
    default: undefined,
    min: 1,
    broker: 'min.insync.replicas',
    about:
      'Fewest replicas in sync; with fewer, acks=all is refused and nothing more is committed.',
  },
  'retention.bytes': {
    type: 'long',
    default: -1,
    min: -1,
    broker: 'log.retention.bytes',
    about: 'Bytes of a partition above which its oldest segments are deleted; -1: any number.',
  },
  'retention.ms': {
    type: 'long',
    default: 7 * dayMs,
    min: -1,
    broker: 'log.retention.ms',
    about: 'Milliseconds after which a segment is deleted; -1: never.',
  },
  'segment.bytes': {
    type: 'int',
    default: 256 * 1024 * 1024,
    min: 14,
    broker: 'log.segment.bytes',
    about: 'Size, in bytes, at which a partition’s log begins a new segment.',
  },
  'segment.ms': {
    type: 'long',
    default: 7 * dayMs,
    min: 1,
    broker: 'log.roll.ms',
    about: 'Age, in milliseconds, at which a partition’s log begins a new segment.',
  },
  'unclean.leader.election.enable': {
    type: 'fixed',
    shownAs: 'boolean',
    default: 'false',
    why: 'only an operator chooses a leader that lacks committed records: zw topics recover',
    broker: 'unclean.leader.election.enable',
    about: 'Whether a replica that lacks committed records may be elected: never.',
  },
} as const satisfies Readonly<Record<string, TopicRow>>

export type TopicConfigName = keyof typeof topicConfigRows

type ValueOf<Row extends ConfigRow> = Row extends { type: 'int' | 'long'; default: infer Default }
  ? number | Extract<Default, undefined>
  : Row extends { type: 'double' }
    ? number
    : Row extends { type: 'string'; choices: readonly (infer Choice)[] }
      ? Choice
      : Row extends { type: 'list'; choices: readonly (infer Choice)[] }
        ? readonly Choice[]
        : Row extends { type: 'replicas' }
          ? ReplicaNames
          : string

/** `partition:broker`, each; or `*` */
export type ReplicaNames = ReadonlySet<string>

/** Every value in force for one topic, under Kafka's names. */
export type TopicConfig = {
  readonly [Name in TopicConfigName]: ValueOf<(typeof topicConfigRows)[Name]>
}

export type ConfigValue = TopicConfig[TopicConfigName]

/** A value that was read, or why it cannot be used. */
export type ReadConfigValue =
  | { readonly type: 'value'; readonly value: ConfigValue }
  | { readonly type: 'bad'; readonly reason: string }

export const topicConfigNames = Object.keys(topicConfigRows) as readonly TopicConfigName[]

/** @param name of any text */
export function topicConfigRow(name: string): ConfigRow | undefined {
  return Object.hasOwn(topicConfigRows, name) ? topicConfigRows[name as TopicConfigName] : undefined
}

const int32Max = 2 ** 31 - 1
const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n }

/** Reads a value in Kafka's spelling. Numbers beyond 2^53 are read as the last safe integer. */
export function readConfigValue(row: ConfigRow, given: string): ReadConfigValue {
  const text = given.trim()
  switch (row.type) {
    case 'int':
    case 'long':
      return readInteger(row, text)
    case 'double': {
      const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN
      return value >= 0 && value <= 1 ? good(value) : bad('a number from 0 to 1')
    }
    case 'string':
      return row.choices.includes(text) ? good(text) : bad(`one of ${row.choices.join(', ')}`)
    case 'list': {
      const elements = listElements(text)
      const isRight = elements.length > 0 && elements.every((each) => row.choices.includes(each))
      return isRight ? good(elements) : bad(`a list of ${row.choices.join(', ')}`)
    }
    case 'replicas': {
      const elements = listElements(text)
      const isRight = text === everyReplica || elements.every(isReplicaName)
      return isRight
        ? good(new Set(elements))
        : bad(`${everyReplica}, or a list of replicas partition:broker,…`)
    }
    case 'fixed':
      return text.toLowerCase() === row.default
        ? good(row.default)
        : bad(`${row.default}, as ${row.why}`)
  }
}

function readInteger(
  row: ConfigRow & { readonly type: 'int' | 'long' },
  text: string,
): ReadConfigValue {
  const { min } = row
  const max = row.max ?? (row.type === 'int' ? int32Max : Number.MAX_SAFE_INTEGER)
  const wanted = row.max === undefined ? `a number from ${min}` : `a number from ${min} to ${max}`
  if (!/^[+-]?\d{1,19}$/.test(text)) return bad(wanted)
  const exact = BigInt(text.replace(/^\+/, ''))
  if (exact < int64.min || exact > int64.max) return bad(wanted)
  const value = Number(exact)
  if (row.type === 'long' && value > Number.MAX_SAFE_INTEGER) return good(Number.MAX_SAFE_INTEGER)
  return value >= min && value <= max ? good(value) : bad(wanted)
}

const everyReplica = '*'

function isReplicaName(text: string): boolean {
  return /^\d{1,10}:\d{1,10}$/.test(text) && text.split(':').every((id) => Number(id) <= int32Max)
}

/** Whether the list names the replica of a partition on this broker. */
export function namesReplica(list: ReplicaNames, partition: number, broker: number): boolean {
  return list.size > 0 && (list.has(`${partition}:${broker}`) || list.has(everyReplica))
}

/** Each element once, in order. */
export function listElements(text: string): string[] {
  const elements = text.split(',').map((element) => element.trim())
  return [...new Set(elements.filter((element) => element !== ''))]
}

/** The row's default in Kafka's spelling; undefined if it depends on the topic. */
export function defaultText(row: ConfigRow): string | undefined {
  if (row.type === 'list') return row.default.join(',')
  // As it is read: the last safe integer stands for the last one of 64 bits.
  if (row.default === Number.MAX_SAFE_INTEGER) return String(int64.max)
  return row.default === undefined ? undefined : String(row.default)
}

/** By default 2 with three or more replicas, else 1. */
export function defaultMinInsyncReplicas(replicaCount: number): number {
  return replicaCount >= 3 ? 2 : 1
}

function good(value: string | number | readonly string[] | ReplicaNames): ReadConfigValue {
  // The row that read it gives this type to its key.
  return { type: 'value', value: value as ConfigValue }
}

/** @param wanted what it should have been */
function bad(wanted: string): ReadConfigValue {
  return { type: 'bad', reason: `wanted ${wanted}` }
}
