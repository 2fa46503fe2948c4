// The members of a consumer group, and decisions about them alone: whether a joining member is
// consistent with the others, and which protocol all of them use. Pure; metadata and assignments
// are opaque.
//
// Used by group.ts.

import { ProtocolError } from '../../protocol/error-codes.ts'
import { consumerProtocolType, decodeSubscription } from '../../protocol/kafka/consumer-protocol.ts'
import type { MemberValue } from '../../protocol/kafka/group-records.ts'
import type { MqErrorCode } from '../../protocol/mq/error-codes.ts'

/** An assignor, by name, with a member's metadata for it. */
export interface Protocol {
  readonly name: string
  readonly metadata: Uint8Array
}

export interface JoinRequest {
  /** empty until the member has one */
  readonly memberId: string
  /** fresh id, assigned if the member has none */
  readonly newMemberId: string
  /** A member without an id is sent one and has to join again with it (KIP-394). */
  readonly mustKnowId: boolean
  /** A returning static leader may be told to skip the assignment (KIP-814). */
  readonly maySkipAssignment: boolean
  /** of a static member (KIP-345) */
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  /** in order of preference */
  readonly protocols: readonly Protocol[]
}

export interface JoinAnswer {
  readonly error: MqErrorCode
  readonly generation: number
  readonly protocolType: string | null
  readonly protocol: string | null
  readonly leader: string
  readonly memberId: string
  readonly skipAssignment: boolean
  /** only for the leader; empty for others */
  readonly members: readonly JoinedMember[]
}

export interface JoinedMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly metadata: Uint8Array
}

export const noGeneration = -1

export function failedJoin(error: MqErrorCode, memberId: string): JoinAnswer {
  return {
    error,
    generation: noGeneration,
    protocolType: null,
    protocol: null,
    leader: '',
    memberId,
    skipAssignment: false,
    members: [],
  }
}

export interface SyncAnswer {
  readonly error: MqErrorCode
  readonly protocolType: string | null
  readonly protocol: string | null
  readonly assignment: Uint8Array
}

export const noBytes = new Uint8Array(0)

export function failedSync(error: MqErrorCode): SyncAnswer {
  return { error, protocolType: null, protocol: null, assignment: noBytes }
}

/** `Join` and `Sync` are as in Group. */
export interface Member<Join, Sync> {
  readonly id: string
  readonly instanceId: string | null
  request: JoinRequest
  assignment: Uint8Array
  /** the last one that this coordinator told it, or found it in; -1: it waits for its first */
  generation: number
  /** its JoinGroup request, while it waits for the rebalance */
  joining: Join | undefined
  /** its SyncGroup request, while it waits for the leader's assignments */
  syncing: Sync | undefined
  /** has joined the current generation but not yet sent SyncGroup */
  owesSync: boolean
  /** end of its session, which does not expire while one of its requests is waiting */
  expiresAtMs: number
}

export function isWaiting<Join, Sync>({ joining, syncing }: Member<Join, Sync>): boolean {
  return joining !== undefined || syncing !== undefined
}

export function metadataFor({ protocols }: JoinRequest, protocol: string | null): Uint8Array {
  return protocols.find(({ name }) => name === protocol)?.metadata ?? noBytes
}

export function bytesOf({ protocols }: JoinRequest): number {
  return protocols.reduce((sum, { name, metadata }) => sum + name.length + metadata.length, 0)
}

/** As the next coordinator has to know it. @param protocol of its group */
export function storedMember<Join, Sync>(
  { id, instanceId, request, assignment }: Member<Join, Sync>,
  protocol: string | null,
): MemberValue {
  const { clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs } = request
  return {
    memberId: id,
    instanceId,
    clientId,
    clientHost,
    rebalanceTimeoutMs,
    sessionTimeoutMs,
    metadata: Buffer.from(metadataFor(request, protocol)),
    assignment: Buffer.from(assignment),
  }
}

/** A member that another coordinator stored. Of its protocols only the chosen one is known. */
export function restored<Join, Sync>(
  stored: MemberValue,
  group: {
    readonly generation: number
    readonly protocolType: string
    readonly protocol: string
    readonly nowMs: number
  },
): Member<Join, Sync> {
  const { memberId: id, instanceId, clientId, clientHost, sessionTimeoutMs } = stored
  const { rebalanceTimeoutMs, metadata, assignment } = stored
  const { generation, protocolType, protocol, nowMs } = group
  return {
    id,
    instanceId,
    request: {
      memberId: id,
      newMemberId: id,
      mustKnowId: false,
      maySkipAssignment: false,
      instanceId,
      clientId,
      clientHost,
      sessionTimeoutMs,
      rebalanceTimeoutMs: rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
      protocolType,
      protocols: [{ name: protocol, metadata: Buffer.from(metadata) }],
    },
    assignment: Buffer.from(assignment),
    generation,
    joining: undefined,
    syncing: undefined,
    owesSync: false,
    expiresAtMs: nowMs + sessionTimeoutMs,
  }
}

/** Whether two joins say the same to the assignor. */
export function areSame(a: readonly Protocol[], b: readonly Protocol[]): boolean {
  return a.length === b.length && a.every((one, i) => isSame(one, b[i]))
}

function isSame(a: Protocol, b: Protocol | undefined): boolean {
  return b !== undefined && a.name === b.name && Buffer.compare(a.metadata, b.metadata) === 0
}

/**
 * Whether a member that restarted asks for what it had asked for: the same topics. What else it tells the
 * assignor, such as the partitions that it has, is of its last life.
 */
export function wantsTheSame(a: JoinRequest, b: JoinRequest, protocol: string | null): boolean {
  const [before, now] = [metadataFor(a, protocol), metadataFor(b, protocol)]
  if (Buffer.compare(before, now) === 0) return true
  if (a.protocolType !== consumerProtocolType || b.protocolType !== a.protocolType) return false
  try {
    return topicsIn(before) === topicsIn(now)
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw error
  }
}

function topicsIn(metadata: Uint8Array): string {
  return [...decodeSubscription(metadata).topics].sort().join()
}

/** Whether all of them support a common protocol. */
export function isConsistent(request: JoinRequest, others: readonly JoinRequest[]): boolean {
  const { protocolType, protocols } = request
  if (protocolType === '' || protocols.length === 0) return false
  if (others.some((other) => other.protocolType !== protocolType)) return false
  return commonNames([request, ...others]).length > 0
}

/**
 * Each member votes for the first of its protocols that all members support.
 *
 * @param requests must be consistent
 */
export function chooseProtocol(requests: readonly JoinRequest[]): string | null {
  const common = commonNames(requests)
  const votes = new Map<string, number>(common.map((name) => [name, 0]))
  for (const { protocols } of requests) {
    const vote = protocols.find(({ name }) => votes.has(name))
    if (vote !== undefined) votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1)
  }
  let chosen: string | null = null
  for (const [name, count] of votes) {
    if (chosen === null || count > (votes.get(chosen) ?? 0)) chosen = name
  }
  return chosen
}

/** Names that all requests have, in the order of the first request. */
function commonNames([first, ...others]: readonly JoinRequest[]): string[] {
  const names = others.map(({ protocols }) => new Set(protocols.map(({ name }) => name)))
  const own = first?.protocols.map(({ name }) => name) ?? []
  return own.filter((name) => names.every((supported) => supported.has(name)))
}
