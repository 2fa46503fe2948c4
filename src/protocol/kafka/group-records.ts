// The records of the topic __consumer_offsets: what a group committed, and its members. Keys and values
// are Kafka's, so that Kafka's tools read them. A null value is a tombstone: the offset, or the group, is
// gone.
//
//   key    i16 version 0 or 1, then group, topic, partition     value  of a committed offset
//   key    i16 version 2, then group                            value  of a group and its members
//
// A value begins with a version, too. Offsets are written in version 3 (1 has a time of expiry in the
// place of the leader epoch), groups in version 3.
//
// Source: OffsetCommitKey, OffsetCommitValue, GroupMetadataKey, GroupMetadataValue of Kafka 3.9.

import { ProtocolError } from '../error-codes.ts'
import { between, type Fields, type StructRead, since, struct, structs } from './fields.ts'
import { Message } from './message.ts'
import { KafkaReader } from './reader.ts'
import { bytes, int32, int64, nullable, string } from './types.ts'
import { KafkaWriter } from './writer.ts'

/** None of the versions below is flexible; later ones are refused. */
const neverFlexible = Number.POSITIVE_INFINITY

const [offsetKeyLast, groupKeyVersion] = [1, 2]
const [offsetVersion, groupVersion] = [3, 3]
const keyBytes = 64

const offsetKey = { group: string, topic: string, partition: int32 }
const groupKey = { group: string }

const offsetValue = {
  offset: int64,
  leaderEpoch: since(3, int32, -1),
  metadata: string,
  commitTimestampMs: int64,
  /** of an older client that asked for one; -1: by the rule of the broker */
  expireTimestampMs: between(1, 1, int64, -1),
}

const groupValue = {
  protocolType: string,
  generation: int32,
  protocol: nullable(string),
  leader: nullable(string),
  stateTimestampMs: since(2, int64, -1),
  members: structs({
    memberId: string,
    instanceId: since(3, nullable(string), null),
    clientId: string,
    clientHost: string,
    rebalanceTimeoutMs: since(1, int32, -1),
    sessionTimeoutMs: int32,
    metadata: bytes,
    assignment: bytes,
  }),
}

const messages = {
  offsetKey: new Message(struct(offsetKey), neverFlexible),
  groupKey: new Message(struct(groupKey), neverFlexible),
  offsetValue: new Message(struct(offsetValue), neverFlexible),
  groupValue: new Message(struct(groupValue), neverFlexible),
} as const

/** An offset as it is stored. */
export type OffsetValue = StructRead<typeof offsetValue>

/** A group as it is stored: its last generation, with the members that were assigned partitions. */
export type GroupValue = StructRead<typeof groupValue>
export type MemberValue = GroupValue['members'][number]

export interface OffsetPlace {
  readonly topic: string
  readonly partition: number
}

export type GroupRecord =
  | {
      readonly type: 'offset'
      readonly group: string
      readonly place: OffsetPlace
      /** null: it is deleted */
      readonly value: OffsetValue | null
    }
  /** `value` null: the group is deleted; its offsets have tombstones of their own */
  | { readonly type: 'group'; readonly group: string; readonly value: GroupValue | null }

interface KeyValue {
  readonly key: Buffer
  readonly value: Buffer | null
}

export function encodeGroupRecord(record: GroupRecord): KeyValue {
  const { group } = record
  switch (record.type) {
    case 'offset': {
      const { topic, partition } = record.place
      const key = written(messages.offsetKey, offsetKeyLast, { group, topic, partition })
      const { value } = record
      return { key, value: value && written(messages.offsetValue, offsetVersionOf(value), value) }
    }
    case 'group': {
      const key = written(messages.groupKey, groupKeyVersion, { group })
      const { value } = record
      return { key, value: value && written(messages.groupValue, groupVersion, value) }
    }
  }
}

/** Only version 1 has room for a time of expiry. */
function offsetVersionOf({ expireTimestampMs }: OffsetValue): number {
  return expireTimestampMs === -1 ? offsetVersion : 1
}

/**
 * @returns undefined for a record of another kind, as a later version of Kafka may write it
 * @throws ProtocolError when it is malformed
 */
export function decodeGroupRecord({
  key,
  value,
}: {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
}): GroupRecord | undefined {
  if (key === null) return undefined
  const from = readerOf(key)
  const version = from.int16()
  if (version >= 0 && version <= offsetKeyLast) {
    const { group, topic, partition } = messages.offsetKey.read(from, version)
    const place = { topic, partition }
    const read = value && readValue(messages.offsetValue, offsetVersion, value)
    return { type: 'offset', group, place, value: read }
  }
  if (version !== groupKeyVersion) return undefined
  const { group } = messages.groupKey.read(from, version)
  return {
    type: 'group',
    group,
    value: value && readValue(messages.groupValue, groupVersion, value),
  }
}

function written<F extends Fields>(
  message: Message<F>,
  version: number,
  value: Parameters<Message<F>['write']>[2],
): Buffer {
  const to = new KafkaWriter(keyBytes)
  to.int16(version)
  message.write(to, version, value)
  return Buffer.from(to.view())
}

/** @throws ProtocolError for a version that is not known */
function readValue<F extends Fields>(
  message: Message<F>,
  lastVersion: number,
  value: Uint8Array,
): StructRead<F> {
  const from = readerOf(value)
  const version = from.int16()
  if (version >= 0 && version <= lastVersion) return message.read(from, version)
  throw new ProtocolError(`Cannot read a record of a group: its version is ${version}`)
}

function readerOf(bytes: Uint8Array): KafkaReader {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return new KafkaReader().reset(buffer, 0, buffer.length)
}
