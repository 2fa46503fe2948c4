// replicaFetch: a follower's fetch from its leader. It acknowledges everything before its offsets.
//
// Next on the path: broker/api/replica-fetch.ts.

import { int, listOf, natural, optional, record, text, type ValuesOf } from '../fields.ts'
import type { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import { beginRecord, readErrorCode, readList, writeList } from './by-hand.ts'
import { mqErrorCodes } from './error-codes.ts'
import { readRecords, records, writeRecords } from './fetch.ts'
import {
  type DirectoryId,
  errorCode,
  intOrNone,
  life,
  type Message,
  offset,
  partition,
  topic,
} from './messages.ts'

const replicaFetchPartition = {
  topic,
  partition,
  /** leader epoch in which the follower follows */
  leaderEpoch: int(),
  /** the follower's log end, durable */
  offset,
  /** epoch of the last batch before `offset`; -1 for an empty log */
  lastEpoch: int(),
  /** as the follower knows it; a higher one at the leader ends the wait, as new records do */
  highWatermark: offset,
  /** the follower's log start, durable */
  logStart: offset,
}
export type ReplicaFetchPartition = ValuesOf<typeof replicaFetchPartition>

export const replicaFetchRequest = {
  /** the follower's life, in which its offsets are durable */
  life,
  maxWaitMs: natural(),
  bytesMax: natural(),
  partitions: listOf(record(replicaFetchPartition)),
}
export type ReplicaFetchRequest = Message<'replicaFetch', typeof replicaFetchRequest>

const replicaFetched = {
  topic,
  partition,
  /** NONE, or why this partition has no records here */
  code: errorCode,
  /** the logs differ: the leader's last epoch at or before the follower's, and that epoch's end */
  diverging: optional(record({ epoch: int(), endOffset: offset })),
  /**
   * the follower must begin anew at `logStart`: the epoch of the record before it, and the producers
   * known there (broker/partition/log-snapshot.ts)
   */
  anew: optional(record({ baseEpoch: int(), producers: text() })),
  /** gaps between batches before it are no loss: compaction removed others */
  gapsBelow: offset,
  highWatermark: intOrNone,
  logStart: intOrNone,
  records,
}
export type ReplicaFetched = ValuesOf<typeof replicaFetched>

export const replicaFetchResponse = { partitions: listOf(record(replicaFetched)) }
export type ReplicaFetchResponse = Message<'replicaFetch', typeof replicaFetchResponse>

// --- by hand -------------------------------------------------------------------------------------

export function writeReplicaFetchRequest(out: MsgpackWriter, request: ReplicaFetchRequest): void {
  out.arrayHeader(2)
  out.string(request.life.directory)
  out.int(request.life.brokerEpoch)
  out.int(request.maxWaitMs)
  out.int(request.bytesMax)
  writeList(out, request.partitions, writeReplicaFetchPartition)
}

function writeReplicaFetchPartition(out: MsgpackWriter, asked: ReplicaFetchPartition): void {
  out.arrayHeader(7)
  out.string(asked.topic)
  out.number(asked.partition)
  out.int(asked.leaderEpoch)
  out.int(asked.offset)
  out.int(asked.lastEpoch)
  out.int(asked.highWatermark)
  out.int(asked.logStart)
}

export function readReplicaFetchRequest(reader: MsgpackReader): ReplicaFetchRequest {
  beginRecord(reader, 'life', 2)
  const directory = reader.string() as DirectoryId
  const life = { directory, brokerEpoch: reader.natural('the broker epoch') }
  const maxWaitMs = reader.natural('the time to wait')
  const bytesMax = reader.natural('the most bytes')
  const partitions = readList(reader, readReplicaFetchPartition)
  return { type: 'replicaFetch', life, maxWaitMs, bytesMax, partitions }
}

function readReplicaFetchPartition(reader: MsgpackReader): ReplicaFetchPartition {
  beginRecord(reader, 'replicaFetch request', 7)
  return {
    topic: reader.string(),
    partition: reader.number(),
    leaderEpoch: reader.int(),
    offset: reader.natural('the offset'),
    lastEpoch: reader.int(),
    highWatermark: reader.natural('the high watermark'),
    logStart: reader.natural('the log start'),
  }
}

export function writeReplicaFetchResponse(
  out: MsgpackWriter,
  { partitions }: ReplicaFetchResponse,
): void {
  writeList(out, partitions, writeReplicaFetched)
}

function writeReplicaFetched(out: MsgpackWriter, answer: ReplicaFetched): void {
  const { diverging, anew } = answer
  out.arrayHeader(9)
  out.string(answer.topic)
  out.number(answer.partition)
  out.int(mqErrorCodes[answer.code])
  if (diverging === undefined) out.nil()
  else {
    out.arrayHeader(2)
    out.int(diverging.epoch)
    out.int(diverging.endOffset)
  }
  if (anew === undefined) out.nil()
  else {
    out.arrayHeader(2)
    out.int(anew.baseEpoch)
    out.string(anew.producers)
  }
  out.int(answer.gapsBelow)
  writeRecords(out, answer)
}

/** Records are copied out of the frame. */
export function readReplicaFetchResponse(reader: MsgpackReader): ReplicaFetchResponse {
  return { type: 'replicaFetch', partitions: readList(reader, readReplicaFetched) }
}

function readReplicaFetched(reader: MsgpackReader): ReplicaFetched {
  beginRecord(reader, 'replicaFetch response', 9)
  const topic = reader.string()
  const partition = reader.number()
  const code = readErrorCode(reader)
  const diverging = reader.nilOr(() => {
    beginRecord(reader, 'diverging epoch', 2)
    return { epoch: reader.int(), endOffset: reader.natural('where an epoch ends') }
  })
  const anew = reader.nilOr(() => {
    beginRecord(reader, 'beginning', 2)
    return { baseEpoch: reader.int(), producers: reader.string() }
  })
  const gapsBelow = reader.natural('where gaps end')
  const { highWatermark, logStart, records } = readRecords(reader)
  return {
    topic,
    partition,
    code,
    diverging,
    anew,
    gapsBelow,
    highWatermark,
    logStart,
    records,
  }
}
