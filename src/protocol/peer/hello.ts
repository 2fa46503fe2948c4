// The first frame on a link between two servers. The server that dials speaks first; the other one
// answers with a hello of its own, or says why it refuses.
//
//   hello    [version, 'peer', serverId, instance, members, ensembleId | nil, holdsHistory]
//   refusal  [version, 'refused', reason]
//
// A server that dials names its ensemble. A server that is dialled names it only to a peer that has
// named the same one: its port tells it to no stranger. It is a check against mistakes and strangers,
// not a proof: clients are told the id too.
// Next on the path: daemon/ensemble/greeting.ts, which judges a hello.

import { ProtocolError } from '../error-codes.ts'
import type { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import type { ServerId } from '../records.ts'

/** 2: the hello carries instance, members and holdsHistory; NEWEPOCH names the ensemble it founds. */
export const peerProtocolVersion = 2

/** A server as a configuration lists it. */
export interface ListedServer {
  readonly id: ServerId
  /** host:port of its peer port */
  readonly address: string
}

export interface PeerHello {
  readonly type: 'hello'
  readonly serverId: ServerId
  /** Drawn at random when the process starts: it tells two processes with one server id apart. */
  readonly instance: number
  /** Every server in the sender's configuration, by ascending id. */
  readonly members: readonly ListedServer[]
  /** undefined before the first epoch of the ensemble, and where it is not told */
  readonly ensembleId: string | undefined
  /** Whether the sender holds some of that ensemble's history, so that it surely belongs to it. */
  readonly holdsHistory: boolean
}

export interface PeerRefusal {
  readonly type: 'refusal'
  /** a sentence for the log of the server that is refused */
  readonly reason: string
}

export type Greeting = PeerHello | PeerRefusal

export function encodeGreeting(out: MsgpackWriter, greeting: Greeting): void {
  if (greeting.type === 'refusal') {
    out.arrayHeader(3)
    out.int(peerProtocolVersion)
    out.string('refused')
    out.string(greeting.reason)
    return
  }
  out.arrayHeader(7)
  out.int(peerProtocolVersion)
  out.string('peer')
  out.int(greeting.serverId)
  out.int(greeting.instance)
  out.arrayHeader(greeting.members.length)
  for (const { id, address } of greeting.members) {
    out.arrayHeader(2)
    out.int(id)
    out.string(address)
  }
  if (greeting.ensembleId === undefined) out.nil()
  else out.string(greeting.ensembleId)
  out.boolean(greeting.holdsHistory)
}

/** @throws ProtocolError also for another version or another role */
export function decodeGreeting(reader: MsgpackReader): Greeting {
  const count = reader.arrayHeader()
  const version = reader.natural('the protocol version')
  if (version !== peerProtocolVersion) {
    const found = `this server speaks ${peerProtocolVersion}`
    throw new ProtocolError(`Cannot talk peer protocol version ${version}: ${found}`)
  }
  const role = reader.string()
  if (role === 'refused' && count === 3) {
    const reason = reader.string()
    reader.expectEnd()
    return { type: 'refusal', reason }
  }
  if (role !== 'peer' || count !== 7) {
    throw new ProtocolError(`Cannot serve the role '${role}' on the peer port`)
  }
  const serverId = reader.natural('the server id') as ServerId
  const instance = reader.natural('the instance')
  const members = decodeMembers(reader)
  const ensembleId = reader.nilOr(() => reader.string())
  const holdsHistory = reader.boolean()
  reader.expectEnd()
  return { type: 'hello', serverId, instance, members, ensembleId, holdsHistory }
}

function decodeMembers(reader: MsgpackReader): readonly ListedServer[] {
  const members: ListedServer[] = []
  const count = reader.arrayHeader()
  for (let i = 0; i < count; i++) {
    if (reader.arrayHeader() !== 2) throw new ProtocolError('Cannot decode a list of members')
    const id = reader.natural('the server id') as ServerId
    if (id <= (members.at(-1)?.id ?? -1)) {
      throw new ProtocolError('Cannot decode a list of members: its ids do not ascend')
    }
    members.push({ id, address: reader.string() })
  }
  return members
}
