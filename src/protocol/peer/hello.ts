// The first frame on a link between two servers. The server that dials speaks first; the other one
// answers with its own hello, or with the reason why it refuses.
//
//   hello      [version, "peer", ...fields]
//   challenge  [version, "challenge", ...fields]    where servers prove that they know a secret
//   proof      [version, "proof", proof]
//   refusal    [version, "refused", reason]
//
// A server that dials names its ensemble. A server that is dialled names it only to a peer that has
// named the same one, so strangers cannot read it from the port. This guards against mistakes and
// strangers; it is not a proof, since clients learn the id too: daemon/ensemble/peer-proof.ts has one.
// Next on the path: daemon/ensemble/greeting.ts, which judges a hello.

import { ProtocolError } from '../error-codes.ts'
import {
  boolean,
  buffer,
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
import { challengeBytes } from '../link-proof.ts'
import type { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import { type Plain, readPlains, writePlains } from '../plain.ts'
import { serverIdField } from '../records.ts'

/** Versions of the peer protocol, from one to the other. */
export interface PeerVersions {
  readonly oldest: number
  readonly newest: number
}

/**
 * Release 0.2.0 speaks 6. Since 7, a hello names the release of the sender.
 *
 * The version of a link is that of its first hello (daemon/ensemble/peer-versions.ts). A release speaks
 * that of the one before, too, so that an ensemble is upgraded one server at a time.
 */
export const peerVersions: PeerVersions = { oldest: 6, newest: 7 }

const helloRole = 'peer'
const challengeRole = 'challenge'
const proofRole = 'proof'
const refusalRole = 'refused'

const whole = () =>
  refined(
    buffer({ copied: true }),
    `${challengeBytes} bytes`,
    (given) => given.length === challengeBytes,
  )

const listedServerFields = {
  id: serverIdField,
  /** host:port of its peer port */
  address: text(),
  /** whether it is an observer, and does not vote */
  observes: boolean(),
}

/** A server in a configuration's list. */
export type ListedServer = ValuesOf<typeof listedServerFields>

function doAscend(servers: readonly ListedServer[]): boolean {
  return servers.every(({ id }, i) => id > (servers[i - 1]?.id ?? -1))
}

const helloFieldsOf6 = {
  serverId: noted('`N` of `server.N`', serverIdField),
  instance: noted(
    'drawn at random when the process starts: distinguishes two processes with one server id',
    natural(),
  ),
  members: noted(
    "every server that the sender's configuration lists",
    named('members', refined(listOf(record(listedServerFields)), 'by ascending id', doAscend)),
  ),
  groups: noted(
    'the lines of groups and weights in the configuration; nil if a majority of the voters decides',
    optional(text()),
  ),
  ensembleId: noted(
    'nil before the first epoch. The dialled server names it only to a peer that named the same one',
    optional(text()),
  ),
  holdsHistory: noted(
    'whether the sender holds transactions of that ensemble, and therefore belongs to it',
    boolean(),
  ),
  challenge: noted(
    'random bytes that the dialled server has to answer; nil without a secret, and in an answer',
    optional(whole()),
  ),
}

export const peerHelloFields = Object.assign({}, helloFieldsOf6, {
  release: noted("the sender's, such as `0.3.0`; not before version 7", text()),
})

export const peerChallengeFields = {
  serverId: noted('of the dialled server', serverIdField),
  instance: natural(),
  challenge: noted('random bytes that the dialling server has to answer', whole()),
  proof: noted('answers the challenge in the hello', whole()),
}

export const peerProofFields = {
  proof: noted('answers the challenge of the dialled server', whole()),
}

const refusalFields = {
  /** a sentence for the log of the server that is refused */
  reason: text(),
}

export type PeerHello = {
  readonly type: 'hello'
  /** undefined: one that speaks version 6 */
  readonly release?: string | undefined
} & ValuesOf<typeof helloFieldsOf6>
export type PeerRefusal = { readonly type: 'refusal' } & ValuesOf<typeof refusalFields>
export type PeerChallenge = { readonly type: 'challenge' } & ValuesOf<typeof peerChallengeFields>
export type PeerProofFrame = { readonly type: 'proof' } & ValuesOf<typeof peerProofFields>
export type Greeting = PeerHello | PeerChallenge | PeerProofFrame | PeerRefusal

export function encodeGreeting(out: MsgpackWriter, greeting: Greeting, version: number): void {
  const [role, fields] = packed(greeting, version)
  out.arrayHeader(2 + fields.length)
  out.int(version)
  out.string(role)
  writePlains(out, fields)
}

function packed(greeting: Greeting, version: number): [role: string, fields: readonly Plain[]] {
  switch (greeting.type) {
    case 'hello': {
      if (version === 6) return [helloRole, packFields(helloFieldsOf6, greeting)]
      const { release = '' } = greeting
      return [helloRole, packFields(peerHelloFields, Object.assign({}, greeting, { release }))]
    }
    case 'challenge':
      return [challengeRole, packFields(peerChallengeFields, greeting)]
    case 'proof':
      return [proofRole, packFields(peerProofFields, greeting)]
    case 'refusal':
      return [refusalRole, packFields(refusalFields, greeting)]
  }
}

/** The other server is of a release that speaks other versions of the protocol. */
export class PeerVersionError extends ProtocolError {
  override readonly name = 'PeerVersionError'
}

const peerRoles: ReadonlySet<string> = new Set([helloRole, challengeRole, proofRole, refusalRole])

/** @throws PeerVersionError; ProtocolError also for another role */
export function decodeGreeting(
  reader: MsgpackReader,
  { oldest, newest }: PeerVersions,
): { readonly greeting: Greeting; readonly version: number } {
  const count = reader.arrayHeader() - 2
  const version = reader.natural('the protocol version')
  const role = reader.string()
  // Clients begin alike: a peer of another release is one that says so.
  if ((version < oldest || version > newest) && peerRoles.has(role)) {
    const found = `this server speaks ${oldest === newest ? newest : `${oldest} to ${newest}`}`
    throw new PeerVersionError(`Cannot talk peer protocol version ${version}: ${found}`)
  }
  return { greeting: unpacked(role, version, reader, count), version }
}

function unpacked(role: string, version: number, reader: MsgpackReader, count: number): Greeting {
  switch (role) {
    case helloRole: {
      const fields = version === 6 ? helloFieldsOf6 : peerHelloFields
      const hello = unpackFields('hello', fields, readPlains(reader, count))
      return Object.assign(hello, { type: 'hello' } as const)
    }
    case challengeRole: {
      const fields = unpackFields('challenge', peerChallengeFields, readPlains(reader, count))
      return Object.assign(fields, { type: 'challenge' } as const)
    }
    case proofRole: {
      const { proof } = unpackFields('proof', peerProofFields, readPlains(reader, count))
      return { type: 'proof', proof }
    }
    case refusalRole: {
      const { reason } = unpackFields('refusal', refusalFields, readPlains(reader, count))
      return { type: 'refusal', reason }
    }
    default:
      throw new ProtocolError(`Cannot serve the role '${role}' on the peer port`)
  }
}
