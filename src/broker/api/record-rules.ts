// What a topic demands of each record of a batch: a key if it is compacted, and a timestamp within
// its bounds if the producer gives it. One bad record refuses its whole batch. Pure.
//
// As LogValidator of Kafka 3.9. Compressed records are checked as far as the broker can open them
// (open-block.ts); of the others, the times in the batch's header have to be within the bounds.

import { limits } from '../../limits.ts'
import { codecs, type OpenBlock } from '../../protocol/mq/compression.ts'
import type { MqErrorCode } from '../../protocol/mq/error-codes.ts'
import {
  batchCodecAt,
  batchHeaderBytes,
  decodeBatchAs,
  isAppendTime,
  readBatchHeader,
} from '../../protocol/mq/record-batch.ts'
import type { TopicConfig } from '../cluster/topic-config.ts'

export interface RecordRules {
  readonly needsKeys: boolean
  /** the append gives all records its own time */
  readonly isStamped: boolean
  /** -Infinity and Infinity without bounds */
  readonly earliestMs: number
  readonly latestMs: number
}

/** A record that is at fault, by its place in the batch. */
export interface BadRecord {
  readonly batchIndex: number
  readonly found: string
}

export interface RefusedRecords {
  readonly code: MqErrorCode
  readonly found: string
  /** of many, the first ones */
  readonly records: readonly BadRecord[]
}

/** Of a producer that has no time for a record. */
const noTimestamp = -1

/** @returns undefined if every record that can be decoded will do */
export function recordRules(config: TopicConfig, wallMs: number): RecordRules | undefined {
  const needsKeys = config['cleanup.policy'].includes('compact')
  if (config['message.timestamp.type'] === 'LogAppendTime') {
    return { needsKeys, isStamped: true, earliestMs: -Infinity, latestMs: Infinity }
  }
  const both = config['message.timestamp.difference.max.ms']
  const beforeMs = boundMs(config['message.timestamp.before.max.ms'], both)
  const afterMs = boundMs(config['message.timestamp.after.max.ms'], both)
  if (!needsKeys && beforeMs === Infinity && afterMs === Infinity) return undefined
  const [earliestMs, latestMs] = [wallMs - beforeMs, wallMs + afterMs]
  return { needsKeys, isStamped: false, earliestMs, latestMs }
}

/** The last safe integer stands for the last one of 64 bits, Kafka’s value for unlimited. */
function boundMs(ownMs: number, bothMs: number): number {
  const ms = ownMs === Number.MAX_SAFE_INTEGER ? bothMs : ownMs
  return ms === Number.MAX_SAFE_INTEGER ? Infinity : ms
}

/** @param batch one that `batchProblem` let pass */
export function refusedRecords(
  batch: Buffer,
  rules: RecordRules,
  openBlock: OpenBlock | undefined,
): RefusedRecords | undefined {
  const header = readBatchHeader(batch)
  if (rules.isStamped && isAppendTime(header)) {
    const found = 'its producer set the type of its timestamps to LogAppendTime'
    return { code: 'INVALID_TIMESTAMP', found, records: [] }
  }
  if (rules.isStamped && !rules.needsKeys) return undefined
  const codec = batchCodecAt(batch, 0)
  const opened =
    codec === codecs.none ? undefined : openBlock?.(codec, batch.subarray(batchHeaderBytes))
  if (codec !== codecs.none && opened === undefined) {
    const { baseTimestampMs, maxTimestampMs } = header
    const found = wrongTime(baseTimestampMs, rules) ?? wrongTime(maxTimestampMs, rules)
    return found === undefined ? undefined : { code: 'INVALID_TIMESTAMP', found, records: [] }
  }
  const records: BadRecord[] = []
  let badCount = 0
  let code: MqErrorCode = 'INVALID_RECORD'
  decodeBatchAs(batch, 0, opened && (() => opened), (offset, timestampMs, key) => {
    const isKeyMissing = rules.needsKeys && key === null
    const found = isKeyMissing ? keyMissing : wrongTime(timestampMs, rules)
    if (found === undefined) return
    badCount += 1
    if (!isKeyMissing) code = 'INVALID_TIMESTAMP'
    // Offsets of a new batch begin at 0.
    if (records.length < limits.badRecordsMax) records.push({ batchIndex: offset, found })
  })
  const [first] = records
  if (first === undefined) return undefined
  const bad = `${badCount} of ${header.recordCount} records cannot be stored`
  return { code, found: `${bad}; record ${first.batchIndex}: ${first.found}`, records }
}

const keyMissing = 'it has no key, and the topic is compacted'

/** The times at the bounds themselves are good. */
function wrongTime(timestampMs: number, { earliestMs, latestMs }: RecordRules): string | undefined {
  if (timestampMs === noTimestamp) return undefined
  if (timestampMs < earliestMs) {
    return `its timestamp ${timestampMs} is before ${earliestMs} (message.timestamp.before.max.ms)`
  }
  if (timestampMs > latestMs) {
    return `its timestamp ${timestampMs} is after ${latestMs} (message.timestamp.after.max.ms)`
  }
  return undefined
}
