// Shared parts of the messages that are encoded and decoded by hand, where `npm run bench -- micro`
// shows that it pays: produce.ts, fetch.ts, replica-fetch.ts. The bytes are those of the tables;
// test/protocol/mq/native.test.ts compares them.

import { ProtocolError } from '../error-codes.ts'
import type { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import { writePlain } from '../plain.ts'
import { type MqErrorCode, mqErrorCodeOf } from './error-codes.ts'
import { error, type Failure } from './messages.ts'

export function writeList<T>(
  out: MsgpackWriter,
  items: readonly T[],
  write: (out: MsgpackWriter, item: T) => void,
): void {
  out.arrayHeader(items.length)
  for (const item of items) write(out, item)
}

export function readList<T>(reader: MsgpackReader, read: (reader: MsgpackReader) => T): T[] {
  const count = reader.arrayHeader()
  const items: T[] = []
  for (let i = 0; i < count; i++) items.push(read(reader))
  return items
}

/** @throws ProtocolError if the record has another number of fields */
export function beginRecord(reader: MsgpackReader, what: string, fieldCount: number): void {
  const found = reader.arrayHeader()
  if (found === fieldCount) return
  throw new ProtocolError(`Cannot decode a ${what}: it has ${found} fields, not ${fieldCount}`)
}

/** @returns a view of the frame */
export function readBytes(reader: MsgpackReader, what: string): Buffer {
  const bytes = reader.bytes()
  if (bytes === null) throw new ProtocolError(`Cannot read ${what}: wanted bytes, found nil`)
  return bytes
}

/** An integer of at least -1, which stands for none. */
export function readIntOrNone(reader: MsgpackReader, what: string): number {
  const value = reader.int()
  if (value < -1) throw new ProtocolError(`Cannot read ${what}: ${value} is below -1`)
  return value
}

export function writeError(out: MsgpackWriter, failure: Failure | undefined): void {
  if (failure === undefined) out.nil()
  else writePlain(out, error.pack(failure))
}

export function readError(reader: MsgpackReader): Failure | undefined {
  return reader.nilOr(() => {
    beginRecord(reader, 'failure', 3)
    const code = readErrorCode(reader)
    return { code, message: reader.string(), bounds: reader.nilOr(() => readBounds(reader)) }
  })
}

export function readErrorCode(reader: MsgpackReader): MqErrorCode {
  return mqErrorCodeOf(reader.number())
}

function readBounds(reader: MsgpackReader): Failure['bounds'] {
  beginRecord(reader, "failure's bounds", 2)
  const start = reader.natural('where the log begins')
  return { start, end: reader.natural('where the log ends') }
}
