// The configuration of the ensemble in ZooKeeper's format: what /zookeeper/config shows, from which
// clients learn of further servers, and what the znode stores once a transaction has changed it.
//
//   server.1=host:2888:3888:participant;0.0.0.0:2181     protocol/zk/quorum-server.ts
//   server.2=host:2888:3888:observer
//   group.1=1                                            voter-groups.ts
//   version=100000000                                    hex; 0 as long as each server goes by its files
//
// As long as a new configuration is not active (zab/configuration.ts), the znode stores the one
// before it, too, after a NUL, which clients do not see.

import type { ServerId } from '../../protocol/records.ts'
import {
  isObserver,
  parseQuorumServer,
  type QuorumServer,
  serverLine,
} from '../../protocol/zk/quorum-server.ts'
import { type Zxid, zxidZero } from '../../protocol/zxid.ts'
import type { Configuration, ConfigurationState } from '../zab/configuration.ts'
import type { Electorate } from '../zab/quorum.ts'
import { electorateOf, groupsText, readGroups, type VoterGroups } from './voter-groups.ts'

/** The servers of an ensemble, and how those that vote decide. */
export interface Members {
  /** by ascending id */
  readonly servers: readonly QuorumServer[]
  /** undefined: a majority of the participants */
  readonly groups: VoterGroups | undefined
}

export const noMembers: Members = { servers: [], groups: undefined }

/** The participants that have a weight. */
export function votersOf({ servers, groups }: Members): readonly ServerId[] {
  return servers
    .filter((server) => !isObserver(server) && groups?.weights.get(server.id) !== 0)
    .map(({ id }) => id)
}

/** undefined if a majority decides */
export function groupsIn(text: string): Electorate | undefined {
  const groups = parseMembers(text)?.groups
  return groups && electorateOf(groups)
}

// --- lines ---------------------------------------------------------------------------------------

export function membersText({ servers, groups }: Members): string {
  const lines = servers.map(serverLine).join('\n')
  return groups === undefined ? lines : `${lines}\n${groupsText(groups)}`
}

/** @returns undefined unless every line is one of a server, a group or a weight, each once */
export function parseMembers(text: string): Members | undefined {
  const found = { server: new Map(), group: new Map(), weight: new Map() }
  const { server: lines, group, weight }: Record<keyof typeof found, Map<number, string>> = found
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '') continue
    const [, key, number, value = ''] = /^(server|group|weight)\.(\d+)\s*=\s*(.*)$/.exec(line) ?? []
    const known = key === 'server' ? lines : key === 'group' ? group : weight
    if (key === undefined || !Number.isSafeInteger(Number(number))) return undefined
    if (known.has(Number(number))) return undefined
    known.set(Number(number), value)
  }
  const servers: QuorumServer[] = []
  for (const [id, spec] of [...lines].sort(([a], [b]) => a - b)) {
    const server = parseQuorumServer(id as ServerId, spec)
    if (typeof server === 'string') return undefined
    servers.push(server)
  }
  const read = readGroups(servers, { groups: group, weights: weight })
  return read.type === 'problem' ? undefined : { servers, groups: read.groups }
}

// --- configurations ------------------------------------------------------------------------------

/** What clients read of the configuration in the servers' files. */
export function membershipText(members: Members): string {
  return configurationText({ version: zxidZero, text: membersText(members) })
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
  const members = text === undefined ? undefined : parseMembers(text)
  if (text === undefined || members === undefined || members.servers.length === 0) return undefined
  return { version: Number.parseInt(hex ?? '', 16) as Zxid, voters: votersOf(members), text }
}
