// The members of the ensemble in ZooKeeper's configuration format: the contents of
// /zookeeper/config, from which clients learn of further servers.
//
//   server.1=host:2888:3888:participant;0.0.0.0:2181
//   version=0                                            hex; 0 is the configuration of the files

import type { ListenAddress } from '../address.ts'
import type { ServerId } from '../protocol/records.ts'

/** One `server.N` line. */
export interface ServerAddress {
  readonly id: ServerId
  readonly host: string
  readonly peerPort: number
  /** not used, but displayed */
  readonly electionPort: number
  /** the part after the semicolon */
  readonly client: ListenAddress | undefined
}

export function membershipText(servers: readonly ServerAddress[]): string {
  return [...servers.map(serverLine), 'version=0'].join('\n')
}

function serverLine({ id, host, peerPort, electionPort, client }: ServerAddress): string {
  const line = `server.${id}=${inUrl(host)}:${peerPort}:${electionPort}:participant`
  return client === undefined ? line : `${line};${inUrl(client.host ?? '0.0.0.0')}:${client.port}`
}

function inUrl(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}
