// Where a server has to listen once a configuration gives it other ports or addresses. Pure.
//
// Off a write's path: changing-ensemble.ts compares, server.ts listens.

import { type Address, formatAddress, type ListenAddress } from '../../address.ts'
import { isWildcard, peerAddresses, type QuorumServer } from '../../protocol/zk/quorum-server.ts'

export interface Moves {
  /** undefined: as before */
  readonly client: ListenAddress | undefined
  /** undefined: as before */
  readonly peers: readonly Address[] | undefined
}

/**
 * What differs between two lines of one server. A line that names no client port leaves it where it is.
 *
 * @param options `portsOnly`: one of the lines is of a file: hosts differ there, since each server may
 *   name the others as it reaches them
 */
export function movesBetween(
  before: QuorumServer,
  after: QuorumServer,
  { portsOnly }: { readonly portsOnly: boolean },
): Moves {
  const textOf = ({ host, port }: ListenAddress): string =>
    portsOnly ? `${port}` : formatAddress({ host: host ?? '0.0.0.0', port })
  const { client } = after
  const staysForClients =
    client === undefined ||
    (before.client !== undefined && textOf(before.client) === textOf(client))
  const [peers, peersBefore] = [peerAddresses(after), peerAddresses(before)]
  const listOf = (addresses: readonly Address[]): string => addresses.map(textOf).sort().join()
  return {
    client: staysForClients ? undefined : client,
    peers: listOf(peers) === listOf(peersBefore) ? undefined : peers,
  }
}

/**
 * Where to listen for a line's client address, as after a restart with that line.
 *
 * @param files what this server was started with: the client address of its line, and where it
 *   listened by that and `clientPortAddress`
 */
export function clientListenOf(
  client: ListenAddress,
  files: { readonly line: ListenAddress | undefined; readonly listen: ListenAddress | undefined },
): ListenAddress {
  const { host, port } = client
  if (!isWildcard(host)) return client
  // ZooKeeper prints a line without an address with that of all addresses: `clientPortAddress` counts.
  return { host: isWildcard(files.line?.host) ? files.listen?.host : undefined, port }
}

/** Where to listen for the peer addresses of a line: on each, or on all addresses, once for each port. */
export function peerListens(
  addresses: readonly Address[],
  { onAllAddresses }: { readonly onAllAddresses: boolean },
): readonly ListenAddress[] {
  if (!onAllAddresses) return addresses
  return [...new Set(addresses.map(({ port }) => port))].map((port) => ({ host: undefined, port }))
}
