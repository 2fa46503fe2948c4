// One server of the ensemble as `server.N` lines name it, in ZooKeeper's format:
//
//   host:2888:3888:participant;0.0.0.0:2181
//   host:2888:3888|other:2889:3889:observer       a server that is reached at several addresses

import { type Address, formatAddress, type ListenAddress } from '../../address.ts'
import type { ServerId } from '../records.ts'

/** Where other servers reach it. */
export interface PeerAddress {
  readonly host: string
  readonly peerPort: number
  /** not used, but displayed */
  readonly electionPort: number
}

/** One `server.N` line; the name is ZooKeeper's. */
export interface QuorumServer {
  readonly id: ServerId
  /** at least one */
  readonly addresses: readonly PeerAddress[]
  /** an observer does not vote */
  readonly role: 'participant' | 'observer'
  /** the part after the semicolon */
  readonly client: ListenAddress | undefined
}

export function isObserver({ role }: QuorumServer): boolean {
  return role === 'observer'
}

export function peerAddresses({ addresses }: QuorumServer): readonly Address[] {
  return addresses.map(({ host, peerPort }) => ({ host, port: peerPort }))
}

const serverForm =
  'it must be host:peerPort:electionPort[:participant or :observer][;[address:]clientPort], \
with | between several addresses'

/** A host is a name, an IPv4 address, or an IPv6 address in brackets. */
const host = String.raw`\[[0-9a-fA-F:.%]+\]|[^\s:;|[\]]+`
const peerPattern = new RegExp(String.raw`^(${host}):(\d+):(\d+)(?::(\w+))?$`)
const clientPattern = new RegExp(String.raw`^(?:(${host}):)?(\d+)$`)

/** @returns what is wrong with the text, as a sentence, if it is none */
export function parseQuorumServer(id: ServerId, text: string): QuorumServer | string {
  const [peers = '', clientText, excess] = text.replaceAll(/\s/g, '').split(';')
  const addresses: PeerAddress[] = []
  const words = new Set<string>()
  for (const peer of peers.split('|')) {
    const [, host, peerPort, electionPort, word] = peerPattern.exec(peer) ?? []
    if (host === undefined || excess !== undefined) return serverForm
    const ports = [Number(peerPort), Number(electionPort)]
    if (!ports.every((port) => isPort(port, 1))) return 'a port is a number from 1 to 65535'
    if (word !== undefined) words.add(word.toLowerCase())
    addresses.push({
      host: withoutBrackets(host),
      peerPort: Number(peerPort),
      electionPort: Number(electionPort),
    })
  }
  if (words.size > 1) return 'its addresses name different roles'
  const [word = 'participant'] = words
  const role = peerRole(word)
  const client = clientText === undefined ? undefined : parseClient(clientText)
  if (role === undefined || client === 'no client') return serverForm
  if (client !== undefined && !isPort(client.port, 0)) return 'a port is a number from 0 to 65535'
  return { id, addresses, role, client }
}

function parseClient(text: string): ListenAddress | 'no client' {
  const [, host, port] = clientPattern.exec(text) ?? []
  if (port === undefined) return 'no client'
  return { host: host && withoutBrackets(host), port: Number(port) }
}

/** In any case, as in ZooKeeper. */
export function peerRole(word: string): QuorumServer['role'] | undefined {
  const role = word.toLowerCase()
  return role === 'participant' || role === 'observer' ? role : undefined
}

function isPort(number: number, least: number): boolean {
  return number >= least && number <= 65_535
}

function withoutBrackets(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host
}

/** As ZooKeeper prints it, which sorts the addresses. */
export function serverLine({ id, addresses, role, client }: QuorumServer): string {
  const peers = addresses
    .map(({ host, peerPort, electionPort }) => {
      return `${formatAddress({ host, port: peerPort })}:${electionPort}`
    })
    .sort()
  const line = `server.${id}=${peers.join('|')}:${role}`
  if (client === undefined) return line
  return `${line};${formatAddress({ host: client.host ?? '0.0.0.0', port: client.port })}`
}

/** Whether one peer port would belong to both. */
export function samePeer(a: QuorumServer, b: QuorumServer): boolean {
  const others = peerAddresses(b).map(endpoint)
  return peerAddresses(a).some((address) => others.includes(endpoint(address)))
}

/** Whether they share any port: of peers, of elections, or of clients. */
export function sharesEndpoint(a: QuorumServer, b: QuorumServer): boolean {
  const others = endpointsOf(b)
  return endpointsOf(a).some((each) => others.includes(each))
}

/** Without wildcards, which say nothing of the machine. */
function endpointsOf({ addresses, client }: QuorumServer): readonly string[] {
  const all = addresses.flatMap(({ host, peerPort, electionPort }) => [
    { host, port: peerPort },
    { host, port: electionPort },
  ])
  if (client?.host !== undefined) all.push({ host: client.host, port: client.port })
  return all.filter(({ host }) => !isWildcard(host)).map(endpoint)
}

/** All addresses of a machine; so is a line without a host read, which is printed with one. */
export function isWildcard(host: string | undefined): boolean {
  return host === undefined || /^(0\.0\.0\.0|::)$/.test(host)
}

/** Names of hosts have no case, and the name of this machine is an address of it. */
function endpoint({ host, port }: Address): string {
  const name = host.toLowerCase()
  return formatAddress({ host: name === 'localhost' ? '127.0.0.1' : name, port })
}
