// fetch: committed records, for consumers.
//
// Next on the path: broker/api/fetch.ts.

import { boolean, buffer, int, listOf, natural, number, record, type ValuesOf } from '../fields.ts'
import type { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import {
  beginRecord,
  readBytes,
  readError,
  readIntOrNone,
  readList,
  writeError,
  writeList,
} from './by-hand.ts'
import { error, intOrNone, type Message, partition, topic } from './messages.ts'

const fetchPartition = {
  topic,
  partition,
  /** any number: if it is not a readable offset, the answer's error holds the bounds */
  offset: number(),
  bytesMax: natural(),
  /** the partition's leader epoch as the client knows it, or `anyEpoch` */
  leaderEpoch: int(),
}
export type FetchPartition = ValuesOf<typeof fetchPartition>

export const fetchRequest = {
  /** how long to wait until all partitions together have `bytesMin` */
  maxWaitMs: natural(),
  bytesMin: natural(),
  /**
   * for all partitions together; the first batch of an answer is sent whole even if it is larger
   */
  bytesMax: natural(),
  passedOn: boolean(),
  /** served in this order while `bytesMax` lasts */
  partitions: listOf(record(fetchPartition)),
}
export type FetchRequest = Message<'fetch', typeof fetchRequest>

/** Whole batches back to back, from the one that holds the requested offset; may be empty. */
export const records = buffer({ copied: true })
export const noRecords = Buffer.alloc(0)

const fetched = {
  topic,
  partition,
  error,
  highWatermark: intOrNone,
  logStart: intOrNone,
  records,
}
export type Fetched = ValuesOf<typeof fetched>

export const fetchResponse = { partitions: listOf(record(fetched)) }
/** A read of a log, for a consumer or a follower. */
export type FetchedRecords = Pick<Fetched, 'highWatermark' | 'logStart' | 'records'>

export type FetchResponse = Message<'fetch', typeof fetchResponse>

// --- by hand -------------------------------------------------------------------------------------

export function writeFetchRequest(out: MsgpackWriter, request: FetchRequest): void {
  out.int(request.maxWaitMs)
  out.int(request.bytesMin)
  out.int(request.bytesMax)
  out.boolean(request.passedOn)
  writeList(out, request.partitions, writeFetchPartition)
}

function writeFetchPartition(out: MsgpackWriter, asked: FetchPartition): void {
  out.arrayHeader(5)
  out.string(asked.topic)
  out.number(asked.partition)
  out.number(asked.offset)
  out.int(asked.bytesMax)
  out.int(asked.leaderEpoch)
}

export function readFetchRequest(reader: MsgpackReader): FetchRequest {
  const maxWaitMs = reader.natural('the time to wait')
  const bytesMin = reader.natural('the least bytes')
  const bytesMax = reader.natural('the most bytes')
  const passedOn = reader.boolean()
  const partitions = readList(reader, readFetchPartition)
  return { type: 'fetch', maxWaitMs, bytesMin, bytesMax, passedOn, partitions }
}

function readFetchPartition(reader: MsgpackReader): FetchPartition {
  beginRecord(reader, 'fetch request', 5)
  const topic = reader.string()
  const partition = reader.number()
  const offset = reader.number()
  const bytesMax = reader.natural('the most bytes')
  return { topic, partition, offset, bytesMax, leaderEpoch: reader.int() }
}

/** The records must not change until they have been sent. */
export function writeFetchResponse(out: MsgpackWriter, { partitions }: FetchResponse): void {
  writeList(out, partitions, writeFetched)
}

function writeFetched(out: MsgpackWriter, answer: Fetched): void {
  out.arrayHeader(6)
  out.string(answer.topic)
  out.number(answer.partition)
  writeError(out, answer.error)
  writeBounds(out, answer)
  out.bytesInPlace(answer.records)
}

/** Records are copied out of the frame. */
export function readFetchResponse(reader: MsgpackReader): FetchResponse {
  return { type: 'fetch', partitions: readList(reader, readFetched) }
}

function readFetched(reader: MsgpackReader): Fetched {
  beginRecord(reader, 'fetch response', 6)
  const topic = reader.string()
  const partition = reader.number()
  const error = readError(reader)
  const { highWatermark, logStart, records } = readRecords(reader)
  return { topic, partition, error, highWatermark, logStart, records: Buffer.from(records) }
}

export function writeBounds(out: MsgpackWriter, fetched: FetchedRecords): void {
  out.int(fetched.highWatermark)
  out.int(fetched.logStart)
}

/** The records are a view of the frame. */
export function readRecords(reader: MsgpackReader): FetchedRecords {
  const highWatermark = readIntOrNone(reader, 'the high watermark')
  const logStart = readIntOrNone(reader, 'the log start')
  return { highWatermark, logStart, records: readBytes(reader, 'records') }
}
