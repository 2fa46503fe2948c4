// The members that a client's reconfig asks for, from those of now. Pure; prep.ts decides whether the
// change is allowed and possible. As ZooKeeper's PrepRequestProcessor, whose lists are separated by
// commas, and by line ends where all members are given.

import type { ServerId } from '../../protocol/records.ts'
import type { WriteRequest } from '../../protocol/zk/messages.ts'
import { type QuorumServer, sharesEndpoint } from '../../protocol/zk/quorum-server.ts'
import { type Members, parseMembers } from '../membership/membership.ts'

export type Reconfig = Extract<WriteRequest, { type: 'reconfig' }>

/** @returns undefined for a request that cannot be read, or names an address twice */
export function nextMembers(
  current: Members,
  { joining, leaving, members }: Reconfig,
): Members | undefined {
  if (members !== undefined) return withoutDuplicates(parseMembers(withoutVersion(listed(members))))
  // A server that joins or leaves by itself would leave open which group it is in.
  if (current.groups !== undefined) return undefined
  const leavers = idsIn(leaving ?? '')
  const joiners = parseMembers(listed(joining ?? ''))?.servers
  if (leavers === undefined || joiners === undefined) return undefined
  // A server without an address for clients cannot be offered to them.
  if (joiners.some(({ client }) => client === undefined)) return undefined
  // Java's clients cannot read a configuration that has such a server.
  if (joiners.some(hasOnePort)) return undefined
  const gone = new Set([...leavers, ...joiners.map(({ id }) => id)])
  const staying = current.servers.filter(({ id }) => !gone.has(id))
  const servers = [...staying, ...joiners].sort((a, b) => a.id - b.id)
  return withoutDuplicates({ servers, groups: undefined })
}

function hasOnePort({ addresses }: QuorumServer): boolean {
  return addresses.some(({ peerPort, electionPort }) => peerPort === electionPort)
}

function listed(text: string): string {
  return text.replaceAll(',', '\n')
}

function idsIn(text: string): readonly ServerId[] | undefined {
  const words = text.split(',').flatMap((word) => word.trim() || [])
  return words.every((word) => /^\d+$/.test(word))
    ? words.map((word) => Number(word) as ServerId)
    : undefined
}

/** zkCli reads the members from a file, and adds a version that means nothing. */
function withoutVersion(lines: string): string {
  return lines.replace(/^\s*version\s*=.*$/m, '')
}

function withoutDuplicates(members: Members | undefined): Members | undefined {
  const isTwice = members?.servers.some((one, i) =>
    members.servers.slice(0, i).some((other) => sharesEndpoint(one, other)),
  )
  return isTwice === true ? undefined : members
}
