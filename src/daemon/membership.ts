// The configuration of the ensemble in ZooKeeper's format: what /zookeeper/config shows, from which
// clients learn of further servers, and what the znode stores once a transaction has changed it.
//
//   server.1=host:2888:3888:participant;0.0.0.0:2181
//   server.2=host:2888:3888:observer
//   version=100000000                                    hex; 0 as long as each server goes by its files
//
// As long as a new configuration is not active (zab/configuration.ts), the znode stores the one
// before it, too, after a NUL, which clients do not see.

import { formatAddress, type ListenAddress } from '../address.ts'
import type { ServerId } from '../protocol/records.ts'
import { type Zxid, zxidZero } from '../protocol/zxid.ts'
import type { Configuration, ConfigurationState } from './zab/configuration.ts'

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

export function votersOf(servers: readonly QuorumServer[]): readonly ServerId[] {
  return servers.filter((server) => !isObserver(server)).map(({ id }) => id)
}

// --- lines ---------------------------------------------------------------------------------------

const serverForm =
  'it must be host:peerPort:electionPort[:participant or :observer][;[address:]clientPort]'

/** A host is a name, an IPv4 address, or an IPv6 address in brackets. */
const host = String.raw`\[[0-9a-fA-F:.%]+\]|[^\s:;|[\]]+`
const serverPattern = new RegExp(
  String.raw`^(${host}):(\d+):(\d+)(?::(\w+))?(?:;(?:(${host}):)?(\d+))?$`,
)

/** @returns what is wrong with the text, as a sentence, if it is none */
export function parseQuorumServer(id: ServerId, text: string): QuorumServer | string {
  if (text.includes('|')) return 'a server has one address'
  const [, host, peerPort, electionPort, word = 'participant', clientHost, clientPort] =
    serverPattern.exec(text.replaceAll(/\s/g, '')) ?? []
  const role = peerRole(word)
  if (host === undefined || role === undefined) return serverForm
  const ports = [Number(peerPort), Number(electionPort)]
  if (!ports.every((port) => isPort(port, 1))) return 'a port is a number from 1 to 65535'
  if (clientPort !== undefined && !isPort(Number(clientPort), 0)) {
    return 'a port is a number from 0 to 65535'
  }
  return {
    id,
    host: withoutBrackets(host),
    peerPort: Number(peerPort),
    electionPort: Number(electionPort),
    role,
    client:
      clientPort === undefined
        ? undefined
        : { host: clientHost && withoutBrackets(clientHost), port: Number(clientPort) },
  }
}

/** In any case, as in ZooKeeper. */
export function peerRole(word: string): QuorumServer['role'] | undefined {
  const role = word.toLowerCase()
  return role === 'participant' || role === 'observer' ? role : undefined
}

export function samePeer(a: QuorumServer, b: QuorumServer): boolean {
  return a.host.toLowerCase() === b.host.toLowerCase() && a.peerPort === b.peerPort
}

function isPort(number: number, least: number): boolean {
  return number >= least && number <= 65_535
}

function withoutBrackets(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host
}

export function serversText(servers: readonly QuorumServer[]): string {
  return servers.map(serverLine).join('\n')
}

function serverLine({ id, host, peerPort, electionPort, role, client }: QuorumServer): string {
  const peer = formatAddress({ host, port: peerPort })
  const line = `server.${id}=${peer}:${electionPort}:${role}`
  if (client === undefined) return line
  return `${line};${formatAddress({ host: client.host ?? '0.0.0.0', port: client.port })}`
}

/** @returns undefined unless every line is one of a server, and no two are of the same */
export function parseServers(text: string): readonly QuorumServer[] | undefined {
  const servers: QuorumServer[] = []
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '') continue
    const [, id, spec] = /^server\.(\d+)\s*=\s*(.*)$/.exec(line) ?? []
    const server = parseQuorumServer(Number(id) as ServerId, spec ?? '')
    if (typeof server === 'string' || !Number.isSafeInteger(server.id)) return undefined
    if (servers.some((other) => other.id === server.id)) return undefined
    servers.push(server)
  }
  return servers.sort((a, b) => a.id - b.id)
}

// --- configurations ------------------------------------------------------------------------------

/** What clients read of the configuration in the servers' files. */
export function membershipText(servers: readonly QuorumServer[]): string {
  return configurationText({ version: zxidZero, text: serversText(servers) })
}

export function configurationText({
  version,
  text,
}: Pick<Configuration, 'version' | 'text'>): string {
  return `${text}\nversion=${version.toString(16)}`
}

export function encodeState({ last, before }: ConfigurationState): Buffer {
  const parts = before === undefined ? [last] : [last, before]
  return Buffer.from(parts.map(configurationText).join('\0'))
}

/** @returns undefined for bytes that `encodeState` did not write */
export function decodeState(bytes: Uint8Array | null): ConfigurationState | undefined {
  if (bytes === null) return undefined
  const parts = Buffer.from(bytes).toString().split('\0').map(parseConfiguration)
  const [last, before] = parts
  return last === undefined || parts.length > 2 || (parts.length === 2 && before === undefined)
    ? undefined
    : { last, before }
}

function parseConfiguration(whole: string): Configuration | undefined {
  const [, text, hex] = /^(.*)\nversion=([0-9a-f]+)$/s.exec(whole) ?? []
  const servers = text === undefined ? undefined : parseServers(text)
  if (text === undefined || servers === undefined || servers.length === 0) return undefined
  return { version: Number.parseInt(hex ?? '', 16) as Zxid, voters: votersOf(servers), text }
}
