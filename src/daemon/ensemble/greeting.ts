// Decides from two hellos whether their servers talk to each other. Servers whose lists of voters
// differ must not: their majorities may not overlap, so each could lead an ensemble of its own. Lists
// that differ by one voter may meet, while servers are restarted with a longer or a shorter list one
// after the other: any majority of the one has a voter in common with any majority of the other. Only
// the ids are compared, because a server may have different addresses from different places. Lists of
// observers may differ, since observers are in no majority.
//
// A listed server that does not name our ensemble may be new, may have lost its disk, or may be a
// stranger. It may follow and be synchronized, but it is no *member*: its votes, epochs and zxids
// do not count until it has named the ensemble, whose id it learns from NEWLEADER.
//
// Next on the path: peer-links.ts, which has the link from then on.

import type { Address } from '../../address.ts'
import type { ListedServer, PeerHello } from '../../protocol/peer/hello.ts'
import type { ServerId } from '../../protocol/records.ts'
import type { ProvenCertificate } from '../../protocol/transport/transport.ts'
import { formatAddresses } from './peer-addresses.ts'

export type Verdict =
  | { readonly type: 'accept'; readonly isMember: boolean }
  /** A server with a smaller id dials only to learn why it is not dialled. */
  | { readonly type: 'knock' }
  /** Both sides log `reason`. */
  | { readonly type: 'refuse'; readonly reason: string }

/**
 * @param expected the server that we dialled; undefined if the peer dialled us
 * @param isOpen the ensemble changes while it runs: lists differ, and a server may be about to join
 */
export function judgeHello(
  ours: PeerHello,
  theirs: PeerHello,
  expected: ServerId | undefined,
  { isOpen = false }: { readonly isOpen?: boolean } = {},
): Verdict {
  const peer = theirs.serverId
  if (expected !== undefined && peer !== expected) {
    return refuse(`server ${peer} answers where server ${expected} is listed`)
  }
  if (peer === ours.serverId) {
    const found = theirs.instance === ours.instance ? 'the same process' : 'two processes'
    return refuse(`server ${peer} is on both ends, as ${found}`)
  }
  if (!isOpen && !mayMeet(ours.members, theirs.members)) {
    const [here, there] = [describeMembers(ours.members), describeMembers(theirs.members)]
    return refuse(
      `the lists of servers differ: server ${ours.serverId} has ${here}; server ${peer} has ${there}`,
    )
  }
  if (!isOpen && !(ours.groups === theirs.groups && mayDivide(ours, theirs))) {
    const [here, there] = [describeGroups(ours), describeGroups(theirs)]
    return refuse(
      `the groups of voters differ: server ${ours.serverId} has ${here}; server ${peer} has ${there}`,
    )
  }
  const isListed = ours.members.some(({ id }) => id === peer)
  if (!isOpen && !isListed && !votersIn(theirs.members).includes(peer)) {
    return refuse(`no server.${peer} line names server ${peer}`)
  }
  const isNamed = ours.ensembleId !== undefined && theirs.ensembleId === ours.ensembleId
  if (ours.holdsHistory && theirs.holdsHistory && theirs.ensembleId !== undefined && !isNamed) {
    return refuse(`server ${ours.serverId} and server ${peer} hold data of different ensembles`)
  }
  if (expected === undefined && peer < ours.serverId) return { type: 'knock' }
  return { type: 'accept', isMember: isNamed || !ours.holdsHistory }
}

/**
 * Two lists that may not meet must not meet through a third one, such as ours.
 *
 * @param linked the servers that this one has links to
 * @returns why `theirs` has to be refused, if it has to
 */
export function thirdList(
  linked: Iterable<{ readonly id: ServerId; readonly members: readonly ListedServer[] }>,
  theirs: PeerHello,
): string | undefined {
  const { serverId, members } = theirs
  for (const peer of linked) {
    if (peer.id === serverId || mayMeet(peer.members, members)) continue
    const [there, here] = [describeMembers(peer.members), describeMembers(members)]
    return `the lists of servers differ by more than one voter: server ${peer.id}, which is linked \
to this one, has ${there}; server ${serverId} has ${here}. Give all servers one list before the next`
  }
  return undefined
}

/**
 * A server that dialled us by TLS is known by the host of its certificate, not by its hello.
 *
 * @param hosts those that the configuration lists for it, if it lists the server
 * @returns why `theirs` has to be refused, if it has to
 */
export function otherHost(
  certificate: ProvenCertificate | undefined,
  hosts: readonly string[],
  { serverId }: PeerHello,
): string | undefined {
  if (certificate === undefined || hosts.length === 0) return undefined
  if (hosts.some((host) => certificate.names(host))) return undefined
  const shown = `its certificate (${certificate.subject})`
  return `${shown} does not name ${hosts.join(' or ')}, the host of server ${serverId}`
}

/** The hello of a server that was dialled: it names its ensemble only to a peer that named it. */
export function answerTo(theirs: PeerHello, ours: PeerHello): PeerHello {
  const ensembleId = theirs.ensembleId === ours.ensembleId ? ours.ensembleId : undefined
  return Object.assign({}, ours, { ensembleId, challenge: undefined })
}

/** Ascending by id. */
export function membersOf(
  servers: ReadonlyMap<ServerId, readonly Address[]>,
  observers: ReadonlySet<ServerId>,
): readonly ListedServer[] {
  return [...servers]
    .sort(([a], [b]) => a - b)
    .map(([id, addresses]) => ({
      id,
      address: formatAddresses(addresses),
      observes: observers.has(id),
    }))
}

/** Whether two lists have the same voters, or one has one voter more. */
function mayMeet(ours: readonly ListedServer[], theirs: readonly ListedServer[]): boolean {
  const [a, b] = [votersIn(ours), votersIn(theirs)]
  const [shorter, longer] = a.length < b.length ? [a, b] : [b, a]
  return longer.length - shorter.length <= 1 && shorter.every((id) => longer.includes(id))
}

/** Quorums of divided voters meet only if the voters are the same. */
function mayDivide(ours: PeerHello, theirs: PeerHello): boolean {
  if (ours.groups === undefined) return true
  return votersIn(ours.members).length === votersIn(theirs.members).length
}

export function votersIn(members: readonly ListedServer[]): readonly ServerId[] {
  return members.filter(({ observes }) => !observes).map(({ id }) => id)
}

function describeGroups({ groups }: PeerHello): string {
  return groups === undefined ? 'no groups' : `{${groups.replaceAll('\n', ', ')}}`
}

export function describeMembers(members: readonly ListedServer[]): string {
  return `{${members.map(describeMember).join(', ')}}`
}

function describeMember({ id, address, observes }: ListedServer): string {
  return `${id}=${address}${observes ? ' (observer)' : ''}`
}

function refuse(reason: string): Verdict {
  return { type: 'refuse', reason }
}
