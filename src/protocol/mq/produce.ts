// produce: stores batches of records, one for each named partition.
//
// Next on the path: broker/api/produce.ts.

import {
  boolean,
  buffer,
  inverse,
  listOf,
  natural,
  oneOf,
  record,
  UnknownCodeError,
  type ValuesOf,
} from '../fields.ts'
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

/** 0: no response; 1: it is on the leader's disk; all: it is on the disks of the whole ISR. */
export const requiredAcks = { none: 0, leader: 1, all: -1 } as const
export type RequiredAcks = keyof typeof requiredAcks

const producePartition = {
  topic,
  partition,
  /** one RecordBatch v2 */
  batch: buffer(),
}
export type ProducePartition = ValuesOf<typeof producePartition>

export const produceRequest = {
  acks: oneOf(requiredAcks),
  /** how long the leaders may wait for their acks */
  timeoutMs: natural(),
  /** a broker passed it on for a client; it is not passed on again */
  passedOn: boolean(),
  partitions: listOf(record(producePartition)),
}
export type ProduceRequest = Message<'produce', typeof produceRequest>

const produced = {
  topic,
  partition,
  error,
  /** offset of the first record; -1 on failure */
  baseOffset: intOrNone,
  logStart: intOrNone,
}
export type Produced = ValuesOf<typeof produced>

/** Sent once every partition has its outcome; never with acks 0. */
export const produceResponse = { partitions: listOf(record(produced)) }
export type ProduceResponse = Message<'produce', typeof produceResponse>

// --- by hand -------------------------------------------------------------------------------------

/** By number. */
export const acksNames = inverse(requiredAcks)

export function writeProduceRequest(out: MsgpackWriter, request: ProduceRequest): void {
  out.int(requiredAcks[request.acks])
  out.int(request.timeoutMs)
  out.boolean(request.passedOn)
  writeList(out, request.partitions, writeProducePartition)
}

function writeProducePartition(out: MsgpackWriter, asked: ProducePartition): void {
  out.arrayHeader(3)
  out.string(asked.topic)
  out.number(asked.partition)
  out.bytes(asked.batch)
}

/** Batches are views of the frame. */
export function readProduceRequest(reader: MsgpackReader): ProduceRequest {
  const number = reader.number()
  const acks = acksNames.get(number)
  if (acks === undefined) throw new UnknownCodeError(`Cannot read acks: ${number} is unknown`)
  const timeoutMs = reader.natural('timeoutMs')
  const passedOn = reader.boolean()
  const partitions = readList(reader, readProducePartition)
  return { type: 'produce', acks, timeoutMs, passedOn, partitions }
}

function readProducePartition(reader: MsgpackReader): ProducePartition {
  beginRecord(reader, 'produce request', 3)
  const topic = reader.string()
  const partition = reader.number()
  return { topic, partition, batch: readBytes(reader, 'a batch') }
}

export function writeProduceResponse(out: MsgpackWriter, { partitions }: ProduceResponse): void {
  writeList(out, partitions, writeProduced)
}

function writeProduced(out: MsgpackWriter, answer: Produced): void {
  out.arrayHeader(5)
  out.string(answer.topic)
  out.number(answer.partition)
  writeError(out, answer.error)
  out.int(answer.baseOffset)
  out.int(answer.logStart)
}

export function readProduceResponse(reader: MsgpackReader): ProduceResponse {
  return { type: 'produce', partitions: readList(reader, readProduced) }
}

function readProduced(reader: MsgpackReader): Produced {
  beginRecord(reader, 'produce response', 5)
  const topic = reader.string()
  const partition = reader.number()
  const error = readError(reader)
  const baseOffset = readIntOrNone(reader, 'the base offset')
  return { topic, partition, error, baseOffset, logStart: readIntOrNone(reader, 'the log start') }
}
