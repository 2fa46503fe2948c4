// Which servers a server keeps links to: at first those of its files, and once the ensemble has changed,
// those of every configuration that may be in force. Pure.
//
// Off a write's path: link-opener.ts dials them.

import type { Address } from '../../address.ts'
import type { ListedServer } from '../../protocol/peer/hello.ts'
import type { ServerId } from '../../protocol/records.ts'
import type { PeerServer } from './ensemble-options.ts'
import { formatAddresses } from './peer-addresses.ts'

/** The servers of the files that `self` talks to: observers have nothing to say to each other. */
export function peersOf(
  self: ServerId,
  servers: ReadonlyMap<ServerId, readonly Address[]>,
  observers: ReadonlySet<ServerId>,
): ReadonlyMap<ServerId, readonly Address[]> {
  const observes = observers.has(self)
  return new Map([...servers].filter(([id]) => id !== self && !(observes && observers.has(id))))
}

export interface Reachable {
  /** the servers of the last configuration, which this server names in its hello */
  readonly members: readonly ListedServer[]
  readonly addresses: ReadonlyMap<ServerId, readonly Address[]>
}

/**
 * @param configurations the servers of each one that may be in force, the last one first: its
 *   addresses count
 * @param ownFiles addresses that count more: as long as all servers go by files, those of each may
 *   name the others as it can reach them
 */
export function reachableIn(
  self: ServerId,
  configurations: readonly (readonly PeerServer[])[],
  { ownFiles }: { readonly ownFiles?: ReadonlyMap<ServerId, readonly Address[]> | undefined } = {},
): Reachable {
  const [last = [], ...others] = configurations
  const addresses = new Map<ServerId, readonly Address[]>()
  for (const servers of [...others, last]) {
    for (const server of servers) addresses.set(server.id, server.addresses)
  }
  for (const [id, address] of ownFiles ?? []) addresses.set(id, address)
  addresses.delete(self)
  const members = last.map(({ id, addresses: listed, observes }) => ({
    id,
    address: formatAddresses(listed),
    observes,
  }))
  return { members, addresses }
}
