// The members of the ensemble in ZooKeeper's configuration format: the contents of
// /zookeeper/config, from which clients learn of further servers.
//
//   server.1=host:2888:3888:participant;0.0.0.0:2181
//   server.2=host:2888:3888:observer
//   version=0                                            hex; 0 is the configuration of the files

import { formatAddress, type ListenAddress } from '../address.ts'
import type { ServerId } from '../protocol/records.ts'

/** One `server.N` line; the name is ZooKeeper's. */
export interface QuorumServer {
  readonly id: ServerId
  readonly host: string
  readonly peerPort: number
  /** not used, but displayed */
  readonly electionPort: number
  /** an observer does not vote */
  readonly role: 'participant' | 'observer'
  /** the part after the semicolon */
  readonly client: ListenAddress | undefined
}

export function isObserver({ role }: QuorumServer): boolean {
  return role === 'observer'
}

export function membershipText(servers: readonly QuorumServer[]): string {
  return [...servers.map(serverLine), 'version=0'].join('\n')
}

function serverLine({ id, host, peerPort, electionPort, role, client }: QuorumServer): string {
  const peer = formatAddress({ host, port: peerPort })
  const line = `server.${id}=${peer}:${electionPort}:${role}`
  if (client === undefined) return line
  return `${line};${formatAddress({ host: client.host ?? '0.0.0.0', port: client.port })}`
}
