// The broker's options that supply defaults for topics: cluster/topic-config.ts has the keys that
// they stand for. A topic, or a dynamic configuration of brokers, overrides them.

import { limits } from '../limits.ts'
import type { OptionRows } from '../option-rows.ts'
import { topicConfigRows } from './cluster/topic-config.ts'

const rows = topicConfigRows
const longMax = Number.MAX_SAFE_INTEGER

/** Those of producers' timestamps. */
function timestampBound(row: { readonly default: number; readonly about: string }) {
  return {
    type: 'integer',
    default: row.default,
    min: 0,
    max: longMax,
    clamped: 'above',
    defaultText: 'no bound',
    about: row.about,
  } as const
}

export const topicOptions = {
  'min.insync.replicas': {
    type: 'integer',
    default: undefined,
    defaultText: '2 with three or more replicas, else 1',
    min: 1,
    max: 100,
    about: rows['min.insync.replicas'].about,
  },
  'log.segment.bytes': {
    type: 'integer',
    default: rows['segment.bytes'].default,
    min: 1024 * 1024,
    max: 2 ** 31 - 1,
    about: 'Size at which a partition’s log begins a new file.',
  },
  'log.roll.ms': {
    type: 'integer',
    default: rows['segment.ms'].default,
    min: 1,
    max: longMax,
    about: 'Age, in milliseconds, at which a partition’s log begins a new file.',
  },
  'log.retention.ms': {
    type: 'integer',
    default: rows['retention.ms'].default,
    min: -1,
    max: longMax,
    about: rows['retention.ms'].about,
  },
  'log.retention.bytes': {
    type: 'integer',
    default: rows['retention.bytes'].default,
    min: -1,
    max: longMax,
    about: rows['retention.bytes'].about,
  },
  'log.cleanup.policy': {
    type: 'choice',
    default: 'delete',
    choices: ['delete', 'compact', 'compact,delete', 'delete,compact'],
    about: rows['cleanup.policy'].about,
  },
  'log.cleaner.delete.retention.ms': {
    type: 'integer',
    default: rows['delete.retention.ms'].default,
    min: 0,
    max: longMax,
    about: rows['delete.retention.ms'].about,
  },
  'log.cleaner.min.compaction.lag.ms': {
    type: 'integer',
    default: rows['min.compaction.lag.ms'].default,
    min: 0,
    max: longMax,
    about: rows['min.compaction.lag.ms'].about,
  },
  'log.message.timestamp.before.max.ms': timestampBound(rows['message.timestamp.before.max.ms']),
  'log.message.timestamp.after.max.ms': timestampBound(rows['message.timestamp.after.max.ms']),
  'log.message.timestamp.difference.max.ms': timestampBound(
    rows['message.timestamp.difference.max.ms'],
  ),
  'log.message.timestamp.type': {
    type: 'choice',
    default: 'CreateTime',
    choices: rows['message.timestamp.type'].choices,
    about: rows['message.timestamp.type'].about,
  },
  'message.max.bytes': {
    type: 'integer',
    default: rows['max.message.bytes'].default,
    min: 1024,
    max: limits.recordBatchBytesCeiling,
    about: rows['max.message.bytes'].about,
  },
  'compression.type': {
    type: 'refused',
    why: rows['compression.type'].why,
    unless: ['producer'],
  },
  'unclean.leader.election.enable': {
    type: 'refused',
    why: rows['unclean.leader.election.enable'].why,
    unless: ['false'],
  },
} as const satisfies OptionRows
