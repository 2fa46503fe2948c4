// replicaFetch: a follower's fetches from a leader. They form a session, so that a fetch names only
// the partitions of which the follower has something to say, and an answer only those with news:
//
//   start a partition at its log end ─▶ the leader sends what it appends from there on
//   records are durable              ─▶ the next fetch says so, which acknowledges them
//
// Several fetches may be in flight: each is room for one answer, and records follow one another while
// the follower's disk is busy. As in Kafka's fetch sessions (KIP-227), which remember no positions.
//
// Next on the path: broker/api/replica-fetch.ts.

import { boolean, int, listOf, natural, optional, record, text, type ValuesOf } from '../fields.ts'
import type { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import { beginRecord, readErrorCode, readList, writeList } from './by-hand.ts'
import { mqErrorCodes } from './error-codes.ts'
import { readRecords, records, writeBounds } from './fetch.ts'
import {
  type DirectoryId,
  errorCode,
  intOrNone,
  life,
  type Message,
  offset,
  type Place,
  partition,
  place,
  topic,
} from './messages.ts'

const replicaFetchPartition = {
  topic,
  /** a topic that was created again has another: its records are others */
  topicId: text(),
  partition,
  /** leader epoch in which the follower follows */
  leaderEpoch: int(),
  /** the follower's log end */
  offset,
  /** epoch of the last batch before `offset`; -1 for an empty log */
  lastEpoch: int(),
  /** as the follower knows it */
  highWatermark: offset,
  /** the follower's log start, durable */
  logStart: offset,
  /** everything before it is on the follower's disk */
  durableEnd: offset,
  /** the leader sends records from `offset` on; otherwise from where it is */
  isStart: boolean(),
}
export type ReplicaFetchPartition = ValuesOf<typeof replicaFetchPartition>

export const replicaFetchRequest = {
  /** the follower's life, in which its offsets are durable */
  life,
  /** chosen by the follower, each above all earlier ones of its life */
  session: natural(),
  /** of the fetch in its session; 0 begins the session, in which nothing is followed yet */
  sequence: natural(),
  /** how long the leader waits for news */
  maxWaitMs: natural(),
  bytesMax: natural(),
  /** what is new of them since the last fetch of the session */
  partitions: listOf(record(replicaFetchPartition)),
  /** they are followed no longer */
  forgotten: listOf(record(place)),
}
export type ReplicaFetchRequest = Message<'replicaFetch', typeof replicaFetchRequest>

const replicaFetched = {
  topic,
  partition,
  /** `sequence` of the fetch that started the partition */
  since: natural(),
  /** the follower's log end when it has everything that was sent before */
  offset,
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

/** Of partitions with news. */
export const replicaFetchResponse = { partitions: listOf(record(replicaFetched)) }
export type ReplicaFetchResponse = Message<'replicaFetch', typeof replicaFetchResponse>

// --- by hand -------------------------------------------------------------------------------------

export function writeReplicaFetchRequest(out: MsgpackWriter, request: ReplicaFetchRequest): void {
  out.arrayHeader(2)
  out.string(request.life.directory)
  out.int(request.life.brokerEpoch)
  out.int(request.session)
  out.int(request.sequence)
  out.int(request.maxWaitMs)
  out.int(request.bytesMax)
  writeList(out, request.partitions, writeReplicaFetchPartition)
  writeList(out, request.forgotten, writePlace)
}

function writeReplicaFetchPartition(out: MsgpackWriter, asked: ReplicaFetchPartition): void {
  out.arrayHeader(10)
  out.string(asked.topic)
  out.string(asked.topicId)
  out.number(asked.partition)
  out.int(asked.leaderEpoch)
  out.int(asked.offset)
  out.int(asked.lastEpoch)
  out.int(asked.highWatermark)
  out.int(asked.logStart)
  out.int(asked.durableEnd)
  out.boolean(asked.isStart)
}

function writePlace(out: MsgpackWriter, { topic, partition }: Place): void {
  out.arrayHeader(2)
  out.string(topic)
  out.number(partition)
}

export function readReplicaFetchRequest(reader: MsgpackReader): ReplicaFetchRequest {
  beginRecord(reader, 'life', 2)
  const directory = reader.string() as DirectoryId
  const life = { directory, brokerEpoch: reader.natural('the broker epoch') }
  const session = reader.natural('the session')
  const sequence = reader.natural('the sequence')
  const maxWaitMs = reader.natural('the time to wait')
  const bytesMax = reader.natural('the most bytes')
  const partitions = readList(reader, readReplicaFetchPartition)
  const forgotten = readList(reader, readPlace)
  return {
    type: 'replicaFetch',
    life,
    session,
    sequence,
    maxWaitMs,
    bytesMax,
    partitions,
    forgotten,
  }
}

function readReplicaFetchPartition(reader: MsgpackReader): ReplicaFetchPartition {
  beginRecord(reader, 'replicaFetch request', 10)
  return {
    topic: reader.string(),
    topicId: reader.string(),
    partition: reader.number(),
    leaderEpoch: reader.int(),
    offset: reader.natural('the offset'),
    lastEpoch: reader.int(),
    highWatermark: reader.natural('the high watermark'),
    logStart: reader.natural('the log start'),
    durableEnd: reader.natural('the durable end'),
    isStart: reader.boolean(),
  }
}

function readPlace(reader: MsgpackReader): Place {
  beginRecord(reader, 'partition', 2)
  return { topic: reader.string(), partition: reader.number() }
}

export function writeReplicaFetchResponse(
  out: MsgpackWriter,
  { partitions }: ReplicaFetchResponse,
): void {
  writeList(out, partitions, writeReplicaFetched)
}

function writeReplicaFetched(out: MsgpackWriter, answer: ReplicaFetched): void {
  const { diverging, anew } = answer
  out.arrayHeader(11)
  out.string(answer.topic)
  out.number(answer.partition)
  out.int(answer.since)
  out.int(answer.offset)
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
  writeBounds(out, answer)
  out.bytes(answer.records)
}

/** Records are views of the frame: a follower copies them to its log at once. */
export function readReplicaFetchResponse(reader: MsgpackReader): ReplicaFetchResponse {
  return { type: 'replicaFetch', partitions: readList(reader, readReplicaFetched) }
}

function readReplicaFetched(reader: MsgpackReader): ReplicaFetched {
  beginRecord(reader, 'replicaFetch response', 11)
  const topic = reader.string()
  const partition = reader.number()
  const since = reader.natural('the sequence')
  const offset = reader.natural('the offset')
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
    since,
    offset,
    code,
    diverging,
    anew,
    gapsBelow,
    highWatermark,
    logStart,
    records,
  }
}
