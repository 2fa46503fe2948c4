// The first frame on a link between two servers. The server that dials speaks first; the other one
// answers with its own hello, or with the reason why it refuses.
//
//   hello    [version, "peer", ...fields]
//   refusal  [version, "refused", reason]
//
// A server that dials names its ensemble. A server that is dialled names it only to a peer that has
// named the same one, so strangers cannot read it from the port. This guards against mistakes and
// strangers; it is not a proof, since clients learn the id too.
// Next on the path: daemon/ensemble/greeting.ts, which judges a hello.

import { ProtocolError } from '../error-codes.ts'
import {
  boolean,
  listOf,
  named,
  natural,
  noted,
  optional,
  packFields,
  record,
  refined,
  text,
  unpackFields,
  type ValuesOf,
} from '../fields.ts'
import type { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import { readPlains, writePlains } from '../plain.ts'
import { serverIdField } from '../records.ts'

/**
 * Since 3, a NOTIFICATION's vote and a PROPOSAL's entries are arrays, and REQUEST begins with seq.
 */
export const peerProtocolVersion = 3

const helloRole = 'peer'
const refusalRole = 'refused'

const listedServerFields = {
  id: serverIdField,
  /** host:port of its peer port */
  address: text(),
}

/** A server in a configuration's list. */
export type ListedServer = ValuesOf<typeof listedServerFields>

function doAscend(servers: readonly ListedServer[]): boolean {
  return servers.every(({ id }, i) => id > (servers[i - 1]?.id ?? -1))
}

export const peerHelloFields = {
  serverId: noted('`N` of `server.N`', serverIdField),
  instance: noted(
    'drawn at random when the process starts: distinguishes two processes with one server id',
    natural(),
  ),
  members: noted(
    "every server that the sender's configuration lists",
    named('members', refined(listOf(record(listedServerFields)), 'by ascending id', doAscend)),
  ),
  ensembleId: noted(
    'nil before the first epoch. The dialled server names it only to a peer that named the same one',
    optional(text()),
  ),
  holdsHistory: noted(
    'whether the sender holds transactions of that ensemble, and therefore belongs to it',
    boolean(),
  ),
}

const refusalFields = {
  /** a sentence for the log of the server that is refused */
  reason: text(),
}

export type PeerHello = { readonly type: 'hello' } & ValuesOf<typeof peerHelloFields>
export type PeerRefusal = { readonly type: 'refusal' } & ValuesOf<typeof refusalFields>
export type Greeting = PeerHello | PeerRefusal

export function encodeGreeting(out: MsgpackWriter, greeting: Greeting): void {
  const isHello = greeting.type === 'hello'
  const fields = isHello
    ? packFields(peerHelloFields, greeting)
    : packFields(refusalFields, greeting)
  out.arrayHeader(2 + fields.length)
  out.int(peerProtocolVersion)
  out.string(isHello ? helloRole : refusalRole)
  writePlains(out, fields)
}

/** @throws ProtocolError also for another version or another role */
export function decodeGreeting(reader: MsgpackReader): Greeting {
  const count = reader.arrayHeader() - 2
  const version = reader.natural('the protocol version')
  if (version !== peerProtocolVersion) {
    const found = `this server speaks ${peerProtocolVersion}`
    throw new ProtocolError(`Cannot talk peer protocol version ${version}: ${found}`)
  }
  const role = reader.string()
  if (role === refusalRole) {
    const { reason } = unpackFields('refusal', refusalFields, readPlains(reader, count))
    return { type: 'refusal', reason }
  }
  if (role !== helloRole) {
    throw new ProtocolError(`Cannot serve the role '${role}' on the peer port`)
  }
  const hello = unpackFields('hello', peerHelloFields, readPlains(reader, count))
  return Object.assign(hello, { type: 'hello' } as const)
}
