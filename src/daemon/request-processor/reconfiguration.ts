// The members that a client's reconfig asks for, from those of now. Pure; prep.ts decides whether the
// change is allowed and possible. As ZooKeeper's PrepRequestProcessor, whose lists are separated by
// commas, and by line ends where all members are given.

import type { ServerId } from '../../protocol/records.ts'
import type { WriteRequest } from '../../protocol/zk/messages.ts'
import { parseServers, type QuorumServer, samePeer } from '../membership.ts'

export type Reconfig = Extract<WriteRequest, { type: 'reconfig' }>

/** @returns by ascending id; undefined for a request that cannot be read, or names an address twice */
export function nextServers(
  current: readonly QuorumServer[],
  { joining, leaving, members }: Reconfig,
): readonly QuorumServer[] | undefined {
  if (members !== undefined) return withoutDuplicates(parseServers(listed(members)))
  const leavers = idsIn(leaving ?? '')
  const joiners = parseServers(listed(joining ?? ''))
  if (leavers === undefined || joiners === undefined) return undefined
  // A server without an address for clients cannot be offered to them.
  if (joiners.some(({ client }) => client === undefined)) return undefined
  const gone = new Set([...leavers, ...joiners.map(({ id }) => id)])
  const staying = current.filter(({ id }) => !gone.has(id))
  return withoutDuplicates([...staying, ...joiners].sort((a, b) => a.id - b.id))
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

function withoutDuplicates(
  servers: readonly QuorumServer[] | undefined,
): readonly QuorumServer[] | undefined {
  const isTwice = servers?.some((one, i) =>
    servers.slice(0, i).some((other) => samePeer(one, other)),
  )
  return isTwice === true ? undefined : servers
}
