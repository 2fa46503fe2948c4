// Shared by both sides of ZooKeeper's own client protocol: opcodes as in ZooDefs.OpCode, and the
// records inside messages as in zookeeper.jute.

import type { ByteWriter } from '../byte-writer.ts'
import { ProtocolError } from '../error-codes.ts'
import type { Acl, Id, SessionId, Stat } from '../records.ts'
import { type EventType, eventTypes, type WatcherType, watcherTypes } from '../zk/messages.ts'
import { type Zxid, zxidZero } from '../zxid.ts'
import { type JuteReader, writeString, writeVector } from './jute.ts'

export const opcodes = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getACL: 6,
  setACL: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  reconfig: 16,
  checkWatches: 17,
  removeWatches: 18,
  createContainer: 19,
  createTTL: 21,
  multiRead: 22,
  auth: 100,
  setWatches: 101,
  sasl: 102,
  getEphemerals: 103,
  getAllChildrenNumber: 104,
  setWatches2: 105,
  addWatch: 106,
  whoAmI: 107,
  closeSession: -11,
} as const

/** The xid of a watch event. */
export const eventXid = -1

/** SyncConnected, the only state that a server reports. */
export const connectedState = 3

export const passwordBytes = 16

const eventTypeNames = new Map(
  Object.entries(eventTypes).map(([name, number]) => [number as number, name as EventType]),
)
const watcherTypeNames = new Map(
  Object.entries(watcherTypes).map(([name, number]) => [number as number, name as WatcherType]),
)

export function readEventType(reader: JuteReader): EventType {
  return named(eventTypeNames, reader.int(), 'the event type')
}

export function readWatcherType(reader: JuteReader): WatcherType {
  return named(watcherTypeNames, reader.int(), 'the watcher type')
}

function named<K>(names: ReadonlyMap<number, K>, number: number, what: string): K {
  const name = names.get(number)
  if (name === undefined) throw new ProtocolError(`Cannot decode a message: ${what} is ${number}`)
  return name
}

/** A string that must not be null. */
function readText(reader: JuteReader, what: string): string {
  const text = reader.string()
  if (text === null) throw new ProtocolError(`Cannot decode a message: ${what} is null`)
  return text
}

export function readPath(reader: JuteReader): string {
  return readText(reader, 'the path')
}

export function readPaths(reader: JuteReader): string[] {
  return reader.vector(() => readPath(reader)) ?? []
}

export function writePaths(out: ByteWriter, paths: readonly string[]): void {
  out.int32(paths.length)
  for (const path of paths) writeString(out, path)
}

/** A negative zxid, which no server assigns, is read as zero. */
export function readZxid(reader: JuteReader): Zxid {
  return Math.max(reader.long(), zxidZero) as Zxid
}

function writeAcl(out: ByteWriter, { perms, scheme, id }: Acl): void {
  out.int32(perms)
  writeString(out, scheme)
  writeString(out, id)
}

export function writeAcls(out: ByteWriter, acl: readonly Acl[]): void {
  writeVector(out, acl, writeAcl)
}

/** A client can send null, which is not a valid list. */
export function readAcls(reader: JuteReader): Acl[] | null {
  return reader.vector(() => readAcl(reader)) ?? null
}

function readAcl(reader: JuteReader): Acl {
  const perms = reader.int()
  const { scheme, id } = readId(reader)
  return { perms, scheme, id }
}

/** A null scheme or id is read as empty, which no scheme accepts either. */
export function readId(reader: JuteReader): Id {
  return { scheme: reader.string() ?? '', id: reader.string() ?? '' }
}

export function writeId(out: ByteWriter, { scheme, id }: Id): void {
  writeString(out, scheme)
  writeString(out, id)
}

export function writeStat(out: ByteWriter, stat: Stat): void {
  out.int64(stat.czxid)
  out.int64(stat.mzxid)
  out.int64(stat.ctime)
  out.int64(stat.mtime)
  out.int32(stat.version)
  out.int32(stat.cversion)
  out.int32(stat.aversion)
  out.int64(stat.ephemeralOwner)
  out.int32(stat.dataLength)
  out.int32(stat.numChildren)
  out.int64(stat.pzxid)
}

export function readStat(reader: JuteReader): Stat {
  return {
    czxid: readZxid(reader),
    mzxid: readZxid(reader),
    ctime: reader.long(),
    mtime: reader.long(),
    version: reader.int(),
    cversion: reader.int(),
    aversion: reader.int(),
    ephemeralOwner: reader.unsignedLong() as SessionId,
    dataLength: reader.int(),
    numChildren: reader.int(),
    pzxid: readZxid(reader),
  }
}
