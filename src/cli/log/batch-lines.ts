// What `zw log dump` prints of a batch, a record, and the end of a segment: as text, or as lines of
// JSON. Pure.

import { printable, printableBytes } from '../../printable.ts'
import { codecName } from '../../protocol/mq/compression.ts'
import {
  type BatchHeader,
  codecOf,
  isAppendTime,
  type StoredRecord,
} from '../../protocol/mq/record-batch.ts'
import { textOf } from '../record-text.ts'
import { flagsOf, type SegmentEntry } from './segment-scan.ts'

/** `120-129 at 8192: 10 records, 812 bytes, zstd, …` */
export function entryLine(entry: SegmentEntry): string {
  switch (entry.type) {
    case 'batch':
      return batchLine(entry.at, entry.header, entry.problems)
    case 'damage':
      return `at ${entry.at}: DAMAGED: ${entry.found}`
    case 'end':
      return `at ${entry.at}: the end${entry.zeroBytes === 0 ? '' : `, before ${entry.zeroBytes} bytes of zeros`}`
  }
}

function batchLine(at: number, header: BatchHeader, problems: readonly string[]): string {
  const { baseOffset, lastOffsetDelta, recordCount, sizeBytes, leaderEpoch } = header
  const facts = [
    `${recordCount} record${recordCount === 1 ? '' : 's'}`,
    `${sizeBytes} bytes`,
    codecText(header),
    timeText(header),
    `leader epoch ${leaderEpoch}`,
    producerText(header),
    ...flagsOf(header),
    ...problems.map((problem) => `DAMAGED: ${problem}`),
  ]
  return `${baseOffset}-${baseOffset + lastOffsetDelta} at ${at}: ${facts.join(', ')}`
}

function codecText(header: BatchHeader): string {
  const codec = codecOf(header)
  const name = codecName(codec)
  return name === undefined ? `codec ${codec}` : name === 'none' ? 'not compressed' : name
}

function timeText(header: BatchHeader): string {
  const { baseTimestampMs, maxTimestampMs } = header
  const [first, last] = [isoTime(baseTimestampMs), isoTime(maxTimestampMs)]
  const span = baseTimestampMs === maxTimestampMs ? last : `${first} to ${last}`
  return isAppendTime(header) ? `appended ${span}` : span
}

/** The range of a Date is smaller than that of a timestamp. */
function isoTime(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString()
}

function producerText(header: BatchHeader): string {
  const { producerId, producerEpoch, baseSequence, lastOffsetDelta } = header
  if (producerId < 0) return 'no producer id'
  // 2147483647 is followed by 0.
  const lastSequence = (baseSequence + lastOffsetDelta) % 2 ** 31
  return `producer ${producerId} epoch ${producerEpoch} sequence ${baseSequence}-${lastSequence}`
}

export function entryJson(file: string, entry: SegmentEntry): string {
  if (entry.type !== 'batch') return JSON.stringify({ file, ...entry })
  const { at, header, problems } = entry
  const { baseOffset, lastOffsetDelta, sizeBytes, attributes: _, ...facts } = header
  return JSON.stringify({
    file,
    type: 'batch',
    at,
    baseOffset,
    lastOffset: baseOffset + lastOffsetDelta,
    sizeBytes,
    codec: codecName(codecOf(header)) ?? codecOf(header),
    isAppendTime: isAppendTime(header),
    flags: flagsOf(header),
    ...facts,
    problems,
  })
}

/** Indented below its batch. */
export function recordLine({ offset, timestampMs, key, value, headers }: StoredRecord): string {
  const shown = (bytes: Uint8Array | null) => (bytes === null ? 'null' : printableBytes(bytes))
  const named = headers.map((header) => `${printable(header.key)}=${shown(header.value)}`)
  const more = named.length === 0 ? '' : ` [${named.join(', ')}]`
  return `    ${offset} ${isoTime(timestampMs)} ${shown(key)}: ${shown(value)}${more}`
}

export function recordJsonLine(file: string, record: StoredRecord): string {
  const { offset, timestampMs, key, value, headers } = record
  return JSON.stringify({
    file,
    type: 'record',
    offset,
    timestampMs,
    key: textOf(key),
    value: textOf(value),
    headers: headers.map((header) => [header.key, textOf(header.value)]),
  })
}
