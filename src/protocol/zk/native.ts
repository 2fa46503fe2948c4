// Our own dialect of the client protocol: each message is one msgpack array in a frame.
//
//   hello    [version, "client", ensembleId | nil, lastZxidSeen, timeoutMs, sessionId, password,
//             readOnly]
//   welcome  [version, ensembleId, timeoutMs, sessionId, password, serverId, readOnly]
//                                                                             timeoutMs 0: expired
//   request  [xid, op, ...fields]
//   reply    [xid, zxid, err, ...fields]           no fields when err is not 0, but for a multi
//   event    [-1, zxid, type, path]
//
// This file has hello and welcome; requests are in native-requests.ts, replies and events in
// native-replies.ts. docs/protocol.md spells out the fields.
// Next on the path: daemon/connection/connection.ts.

import { ProtocolError } from '../error-codes.ts'
import type { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import type { ServerId, SessionId } from '../records.ts'
import type { Hello, Welcome } from './messages.ts'
import { copied, readZxid } from './native-records.ts'

export const protocolVersion = 1

export function encodeHello(out: MsgpackWriter, hello: Hello): void {
  out.arrayHeader(8)
  out.int(hello.version)
  out.string('client')
  if (hello.ensembleId === undefined) out.nil()
  else out.string(hello.ensembleId)
  out.int(hello.lastZxidSeen)
  out.int(hello.timeoutMs)
  out.int(hello.sessionId)
  out.bytes(hello.password)
  out.boolean(hello.readOnly)
}

/** @throws ProtocolError also for a version from the future or another role */
export function decodeHello(reader: MsgpackReader): Hello {
  const count = reader.arrayHeader()
  const version = reader.natural('the protocol version')
  if (version !== protocolVersion) {
    const found = `this server speaks ${protocolVersion}`
    throw new ProtocolError(`Cannot talk protocol version ${version}: ${found}`)
  }
  const role = reader.string()
  if (role !== 'client') {
    throw new ProtocolError(`Cannot serve the role '${role}' on the client port`)
  }
  if (count !== 8) throw new ProtocolError(`Cannot decode a hello of ${count} fields: wanted 8`)
  const ensembleId = reader.nilOr(() => reader.string())
  const lastZxidSeen = readZxid(reader)
  const timeoutMs = reader.int()
  const sessionId = reader.natural('the session id') as SessionId
  const password = copied(reader.bytes()) ?? new Uint8Array(0)
  const readOnly = reader.boolean()
  reader.expectEnd()
  return { version, ensembleId, lastZxidSeen, timeoutMs, sessionId, password, readOnly }
}

export function encodeWelcome(out: MsgpackWriter, welcome: Welcome): void {
  out.arrayHeader(7)
  out.int(welcome.version)
  out.string(welcome.ensembleId)
  out.int(welcome.timeoutMs)
  out.int(welcome.sessionId)
  out.bytes(welcome.password)
  out.int(welcome.serverId)
  out.boolean(welcome.readOnly)
}

export function decodeWelcome(reader: MsgpackReader): Welcome {
  const count = reader.arrayHeader()
  if (count !== 7) throw new ProtocolError(`Cannot decode a welcome of ${count} fields: wanted 7`)
  const welcome = {
    version: reader.natural('the protocol version'),
    ensembleId: reader.string(),
    timeoutMs: reader.natural('the session time-out'),
    sessionId: reader.natural('the session id') as SessionId,
    password: copied(reader.bytes()) ?? new Uint8Array(0),
    serverId: reader.natural('the server id') as ServerId,
    readOnly: reader.boolean(),
  }
  reader.expectEnd()
  return welcome
}
