// The arguments of Producer, and its records, which it takes most often.

import { asBuffer } from '../../as-buffer.ts'
import { limits } from '../../limits.ts'
import { codecNames } from '../../protocol/mq/compression.ts'
import { type RequiredAcks, requiredAcks } from '../../protocol/mq/produce.ts'
import {
  bytesOrNull,
  listOf,
  method,
  milliseconds,
  oneOf,
  optional,
  type RowsOf,
  record,
  type Taken,
  text,
  wholeNumber,
} from '../arguments.ts'
import {
  callOptions,
  clientRows,
  int32Max,
  kafkaName,
  partition,
  take,
  takeOptions,
  timestampMs,
  timestampMsMax,
} from './argument-kinds.ts'
import type { NewRecord, ProducerOptions } from './options.ts'

const newHeaders = optional(listOf(record({ key: text, value: bytesOrNull })), [])

const newRecord = record({
  topic: kafkaName,
  partition: optional(partition),
  key: optional(bytesOrNull, null),
  value: bytesOrNull,
  timestampMs: optional(timestampMs),
  headers: newHeaders,
} satisfies RowsOf<NewRecord>)

export const producerMethods = {
  send: method('send', { record: newRecord }),
  sendBatch: method('sendBatch', { records: listOf(newRecord) }),
  sendOptions: method('send', { options: callOptions }),
  connect: method('connect', { options: callOptions }),
  flush: method('flush', { options: callOptions }),
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
    return this.#maybeTake(given) ?? take(producerMethods.send, [given]).record
  }

  /** @throws BrokerError with the index of the record */
  takeAll(given: unknown): readonly TakenRecord[] {
    if (!Array.isArray(given)) return take(producerMethods.sendBatch, [given]).records
    const records: TakenRecord[] = []
    for (const each of given) {
      const record = this.#maybeTake(each)
      if (record === undefined) return take(producerMethods.sendBatch, [given]).records
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

/** @throws BrokerError */
export function takeProducerOptions(given: unknown) {
  return takeOptions(producerOptions, given)
}
