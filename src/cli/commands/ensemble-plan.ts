// What `zw ensemble add` and `remove` may do, from the configuration of the ensemble and the health of
// its servers: pure. Each obstacle is a sentence that says what to do about it. The servers have the
// last word; here an operator learns beforehand what they could only refuse.
//
// ensemble-change.ts takes the steps.

import { type Address, formatAddress } from '../../address.ts'
import type { ServerId } from '../../protocol/records.ts'
import {
  isObserver,
  isWildcard,
  parseQuorumServer,
  type QuorumServer,
  serverLine,
  sharesEndpoint,
} from '../../protocol/zk/quorum-server.ts'
import type { ServerHealth } from '../four-letter-word.ts'

export interface EnsembleConfig {
  readonly servers: readonly QuorumServer[]
  /** of the transaction that made it; 0 for that of the files */
  readonly version: number
  /** with weights and groups, a list is changed as a whole */
  readonly hasGroups: boolean
}

/** @returns undefined without servers: this one stands alone */
export function parseEnsembleConfig(text: string): EnsembleConfig | undefined {
  const servers = [...text.matchAll(/^server\.(\d+)=(.*)$/gm)].flatMap(([, id, spec = '']) => {
    const server = parseQuorumServer(Number(id) as ServerId, spec)
    return typeof server === 'string' ? [] : [server]
  })
  const version = Number.parseInt(/^version=([0-9a-f]+)$/m.exec(text)?.[1] ?? '0', 16)
  return servers.length === 0 ? undefined : { servers, version, hasGroups: /^group\./m.test(text) }
}

/** @returns the server, or what is wrong with its line */
export function parseServerLine(text: string): QuorumServer | string {
  const [, id, spec] = /^\s*server\.(\d+)\s*=\s*(.*)$/.exec(text) ?? []
  if (spec === undefined) return 'it must be server.N=host:2888:3888;[host:]2181'
  const server = parseQuorumServer(Number(id) as ServerId, spec)
  if (typeof server === 'string' || clientAddressOf(server) !== undefined) return server
  return 'its port for clients is missing: append ;2181'
}

/** Where clients reach it, if the configuration says so. */
export function clientAddressOf({ addresses, client }: QuorumServer): Address | undefined {
  const [first] = addresses
  if (client === undefined || first === undefined) return undefined
  const { host = first.host, port } = client
  return { host: isWildcard(client.host) ? first.host : host, port }
}

/** A server and what it answered; undefined if there is no address to ask. */
export interface Seen {
  readonly server: QuorumServer
  readonly health: ServerHealth | undefined
}

/** Why a server cannot be added as it is named. */
export function obstacleToAdding(
  joiner: QuorumServer,
  { servers, hasGroups }: EnsembleConfig,
): string | undefined {
  const { id } = joiner
  if (hasGroups) {
    return `the voters are in groups, and server ${id} would be in none. Name all members and groups \
at once, with reconfig -members in zw shell`
  }
  const known = servers.find((other) => other.id === id)
  if (known !== undefined && !isSamePlace(known, joiner)) {
    return `the ensemble has another server ${id}: ${serverLine(known)}. Take it out first, with \
zw ensemble remove ${id}, or choose a free id`
  }
  if (known !== undefined && isObserver(joiner) && !isObserver(known)) {
    return `server ${id} votes. Take it out first, with zw ensemble remove ${id}`
  }
  const neighbour = servers.find((other) => other.id !== id && sharesEndpoint(other, joiner))
  if (neighbour === undefined) return undefined
  return `server ${neighbour.id} has one of its addresses: ${serverLine(neighbour)}`
}

/** The role apart. */
export function isSamePlace(a: QuorumServer, b: QuorumServer): boolean {
  const of = (server: QuorumServer): string =>
    serverLine(Object.assign({}, server, { role: 'observer' as const }))
  return of(a) === of(b)
}

/** Why a server cannot be removed. */
export function obstacleToRemoving(
  id: number,
  { servers, hasGroups }: EnsembleConfig,
): string | undefined {
  if (hasGroups) {
    return `the voters are in groups. Name the members and groups that stay, with reconfig -members \
in zw shell`
  }
  const leaver = servers.find((server) => server.id === id)
  if (leaver === undefined) {
    return `the ensemble has no server ${id}; it has ${servers.map((server) => server.id).join(', ')}`
  }
  if (isObserver(leaver) || servers.some((server) => server.id !== id && !isObserver(server))) {
    return undefined
  }
  return `server ${id} is the only one that votes. Add another one first, with zw ensemble add`
}

/** Why `voters` could not go on as the voters: too few of them work. */
export function obstacleToVoters(voters: readonly Seen[]): string | undefined {
  const missing = voters.flatMap(({ server, health }) => {
    const found = health && troubleOf(health)
    return found === undefined ? [] : [`server ${server.id} ${whereOf(server)} ${found}`]
  })
  const needed = majorityOf(voters.length)
  if (voters.length - missing.length >= needed) return undefined
  return `of ${voters.length} voters, ${needed} have to work, and ${missing.join('; ')}. Bring them \
back first`
}

/** What a change leaves no room for; undefined if a server may still fail. */
export function remarkOnVoters(voters: readonly Seen[]): string | undefined {
  const { length } = voters
  const working = voters.filter(({ health }) => health === undefined || !troubleOf(health)).length
  const needed = majorityOf(length)
  if (working <= needed && length > 1) {
    return `None of the ${length} voters may fail now: ${needed} are needed, and ${working} work.`
  }
  if (length % 2 === 1) return undefined
  return `${length} voters survive the loss of ${length - needed}, as ${length - 1} do: an odd number is better.`
}

function majorityOf(count: number): number {
  return Math.floor(count / 2) + 1
}

/** What keeps it from taking part; undefined if it does. */
function troubleOf({ role, remark }: ServerHealth): string | undefined {
  if (remark !== undefined) return `is ${remark}`
  switch (role) {
    case 'leader':
    case 'follower':
    case 'observer':
      return undefined
    case 'lost':
      return 'does not answer'
    case 'looking':
      return 'is looking for a leader'
    case 'standalone':
      return 'stands alone'
  }
}

function whereOf(server: QuorumServer): string {
  const address = clientAddressOf(server)
  return address === undefined ? '' : `at ${formatAddress(address)}`
}

export type CatchUp =
  | { readonly type: 'done' }
  /** `kind` changes when the obstacle does, `why` also with its figures */
  | { readonly type: 'waiting'; readonly kind: string; readonly why: string }

/**
 * Whether a server that joins has what the leader had a moment ago.
 *
 * @param leaderZxid of the look before this one: what has arrived since is on its way
 */
export function catchUpOf(
  joiner: QuorumServer,
  health: ServerHealth,
  leaderZxid: string | undefined,
): CatchUp {
  const who = `server ${joiner.id} ${whereOf(joiner)}`
  const trouble = troubleOf(health)
  if (trouble !== undefined) return { type: 'waiting', kind: trouble, why: `${who} ${trouble}` }
  if (leaderZxid === undefined) {
    return { type: 'waiting', kind: 'no leader', why: 'no server leads at the moment' }
  }
  const [behind, epochs] = distance(health.zxid ?? '0x0', leaderZxid)
  if (behind <= 0) return { type: 'done' }
  const far = epochs > 0 ? 'transactions of an earlier epoch' : `${behind} transactions behind`
  const why = `${who} is at ${health.zxid}, the leader at ${leaderZxid}: ${far}`
  return { type: 'waiting', kind: 'behind', why }
}

/** How far it is from one zxid to another: positions, and epochs. */
function distance(from: string, to: string): readonly [number, number] {
  const epochOf = (zxid: string): number => Math.floor(Number(zxid) / 2 ** 32)
  return [Number(to) - Number(from), epochOf(to) - epochOf(from)]
}
