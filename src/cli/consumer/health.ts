// The health of a cluster, in a reliable word: derived from the answers and their age. Pure:
// nothing is assumed without an answer. The word in the header is the first finding.
//
//   red      something does not work: NO QUORUM 1 of 3, NOT STORING: in sync 1 < 2, NO BROKER …
//   yellow   it works, with reduced redundancy or late: ELECTING, DEGRADED 2 of 3 servers, CATCHING UP
//   green    HEALTHY: every member ever seen answers and is in sync

import type { ServerRole } from '../four-letter-word.ts'
import type { ClusterLines, PartitionLine } from './cluster-lines.ts'

export type Severity = 'unknown' | 'bad' | 'warn' | 'good'

export interface Finding {
  readonly severity: Severity
  /** HEALTHY, NO QUORUM … */
  readonly word: string
  /** after the word: '1 of 3'; '' if the word is enough */
  readonly detail: string
}

export interface HealthFacts {
  readonly cluster: ClusterLines
  /** of the consumer, in records; undefined if unknown */
  readonly lag: number | undefined
  /** records per second that it receives */
  readonly rate: number
  readonly nowMs: number
}

/** Older answers say nothing about the present: several polls and their time-outs. */
export const staleMs = 4000
/**
 * A consumer is late if catching up takes more than a second at its rate, and more than this many
 * records.
 */
const lagNoticed = 50

const servingRoles: ReadonlySet<ServerRole> = new Set([
  'leader',
  'follower',
  'observer',
  'standalone',
])

/** Never empty; worst first. */
export function findings(facts: HealthFacts): readonly [Finding, ...Finding[]] {
  const { cluster, nowMs } = facts
  const old = oldest(cluster, nowMs)
  if (old === undefined) return [{ severity: 'unknown', word: 'CONNECTING', detail: '' }]
  if (old > staleMs) {
    const seconds = Math.floor(old / 1000)
    return [{ severity: 'unknown', word: 'NO NEWS', detail: `for ${seconds} s` }]
  }
  const found = joined([...ensemble(cluster), ...brokers(cluster), ...consumer(facts)])
  const [worst, ...others] = [
    ...found.filter(({ severity }) => severity === 'bad'),
    ...found.filter(({ severity }) => severity === 'warn'),
  ]
  if (worst !== undefined) return [worst, ...others]
  return [{ severity: 'good', word: 'HEALTHY', detail: '' }]
}

/** Two findings with the same word become one: DEGRADED 2 of 3 servers, 2 of 3 brokers. */
function joined(found: readonly Finding[]): Finding[] {
  const byWord = new Map<string, Finding>()
  for (const finding of found) {
    const { severity, word } = finding
    const before = byWord.get(word)
    const detail = before === undefined ? finding.detail : `${before.detail}, ${finding.detail}`
    byWord.set(word, { severity, word, detail })
  }
  return [...byWord.values()]
}

/** 'NO QUORUM 1 of 3', 'NOT STORING: in sync 1 < 2' */
export function findingText({ word, detail }: Finding): string {
  return detail === '' ? word : `${word}${detail.startsWith('in sync') ? ':' : ''} ${detail}`
}

/**
 * Roles of brokers are decided through the ensemble: without a quorum, or without recent answers,
 * the last known roles may be outdated.
 */
export function areBrokerRolesKnown(cluster: ClusterLines, nowMs: number): boolean {
  if (cluster.partitions === undefined || !isRecent(cluster.brokersAtMs, nowMs)) return false
  if (cluster.servers.length === 0) return true
  return isRecent(cluster.serversAtMs, nowMs) && hasQuorum(cluster)
}

export function areServerRolesKnown({ serversAtMs }: ClusterLines, nowMs: number): boolean {
  return isRecent(serversAtMs, nowMs)
}

function isRecent(atMs: number | undefined, nowMs: number): boolean {
  return atMs !== undefined && nowMs - atMs <= staleMs
}

/** Age of the older answer; undefined while one of them is missing. */
function oldest({ servers, serversAtMs, brokersAtMs }: ClusterLines, nowMs: number) {
  if (brokersAtMs === undefined) return undefined
  if (servers.length === 0) return nowMs - brokersAtMs
  return serversAtMs === undefined ? undefined : nowMs - Math.min(serversAtMs, brokersAtMs)
}

/** A serving server has a leader with a quorum, whichever servers were given. */
function hasQuorum({ servers }: ClusterLines): boolean {
  return servers.some(({ role }) => servingRoles.has(role))
}

function ensemble(cluster: ClusterLines): Finding[] {
  const { servers } = cluster
  if (servers.length === 0) return []
  const answering = servers.filter(({ role }) => role !== 'lost').length
  const serving = servers.filter(({ role }) => servingRoles.has(role)).length
  const of = `${answering} of ${servers.length}`
  if (hasQuorum(cluster)) {
    if (serving === servers.length) return []
    return [warn('DEGRADED', `${serving} of ${servers.length} servers`)]
  }
  if (answering <= servers.length / 2) return [bad('NO QUORUM', of)]
  return [warn('ELECTING', of)]
}

function brokers({ brokers, partitions }: ClusterLines): Finding[] {
  const answering = brokers.filter(({ state }) => state !== 'lost').length
  if (answering === 0 || partitions === undefined) return [bad('NO BROKER', '')]
  if (partitions.length === 0) return [bad('NO TOPIC', '')]
  const found: Finding[] = []
  const leaderless = partitions.filter(({ led }) => !led)
  if (leaderless.length > 0) found.push(bad('NO LEADER', whichOf(leaderless, partitions.length)))
  const led = partitions.filter((one) => one.led)
  const starved = least(led.filter((one) => one.inSync < storesFrom(one)))
  if (starved !== undefined) {
    found.push(bad('NOT STORING', `in sync ${starved.inSync} < ${storesFrom(starved)}`))
  }
  const up = brokers.filter(({ state }) => state === 'up').length
  if (up < brokers.length) found.push(warn('DEGRADED', `${up} of ${brokers.length} brokers`))
  const thin = least(led.filter(({ inSync, replicas }) => inSync < replicas))
  if (starved === undefined && thin !== undefined && up === brokers.length) {
    found.push(warn('DEGRADED', `in sync ${thin.inSync} of ${thin.replicas}`))
  }
  return found
}

function consumer({ lag, rate }: HealthFacts): Finding[] {
  if (lag === undefined || lag <= Math.max(lagNoticed, rate)) return []
  return [warn('CATCHING UP', `${lag.toLocaleString('en')} behind`)]
}

/**
 * Replicas in sync needed to store: a broker's default, or fewer if it was seen to store with
 * fewer.
 */
function storesFrom({ replicas, storedWith }: PartitionLine): number {
  const byDefault = Math.min(replicas, replicas >= 3 ? 2 : 1)
  return Math.min(byDefault, storedWith ?? byDefault)
}

function least(partitions: readonly PartitionLine[]): PartitionLine | undefined {
  return partitions.reduce<PartitionLine | undefined>(
    (found, one) => (found === undefined || one.inSync < found.inSync ? one : found),
    undefined,
  )
}

function whichOf(some: readonly PartitionLine[], count: number): string {
  if (count === 1) return ''
  return some.length === 1
    ? `of partition ${some[0]?.partition}`
    : `of ${some.length} of ${count} partitions`
}

function bad(word: string, detail: string): Finding {
  return { severity: 'bad', word, detail }
}

function warn(word: string, detail: string): Finding {
  return { severity: 'warn', word, detail }
}
