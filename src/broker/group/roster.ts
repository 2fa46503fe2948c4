// Who belongs to a consumer group: its members, in order of arrival; the instance ids of the static
// ones; and ids that were assigned and not used yet. It knows who may join, and whether a claim is a
// member's. Pure; when a generation begins or ends is decided in group.ts, which owns it.
//
// Next on the path: group-members.ts.

import type { MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { bytesOf, isConsistent, isWaiting, type JoinRequest, type Member } from './group-members.ts'

export interface RosterRules {
  readonly sessionTimeoutMsMin: number
  readonly sessionTimeoutMsMax: number
  readonly membersMax: number
  /** metadata of all members together: the leader receives it in one response */
  readonly bytesMax: number
}

/** A member's identification in a request. */
export interface MemberClaim {
  readonly memberId: string
  readonly instanceId: string | null
}

/** `Join` and `Sync` are as in Group. */
export class Roster<Join, Sync> {
  readonly #rules: RosterRules
  /** in order of arrival */
  readonly #members = new Map<string, Member<Join, Sync>>()
  /** member ids of static members, by instance id */
  readonly #instances = new Map<string, string>()
  /** assigned ids that no JoinGroup has used yet, each with its expiry time */
  readonly #promisedIds = new Map<string, number>()

  constructor(rules: RosterRules) {
    this.#rules = rules
  }

  get size(): number {
    return this.#members.size
  }

  /** In order of arrival. It may be changed meanwhile: this is a copy. */
  get members(): Member<Join, Sync>[] {
    return [...this.#members.values()]
  }

  get requests(): JoinRequest[] {
    return this.members.map(({ request }) => request)
  }

  get(memberId: string): Member<Join, Sync> | undefined {
    return this.#members.get(memberId)
  }

  has(memberId: string): boolean {
    return this.#members.has(memberId)
  }

  add(member: Member<Join, Sync>): void {
    this.#members.set(member.id, member)
    if (member.instanceId !== null) this.#instances.set(member.instanceId, member.id)
  }

  remove({ id, instanceId }: Member<Join, Sync>): void {
    this.#members.delete(id)
    if (instanceId !== null) this.#instances.delete(instanceId)
  }

  /** @returns the error if the request must not join */
  checkJoin(request: JoinRequest): MqErrorCode | undefined {
    const { memberId, sessionTimeoutMs } = request
    const { sessionTimeoutMsMin, sessionTimeoutMsMax, membersMax, bytesMax } = this.#rules
    if (sessionTimeoutMs < sessionTimeoutMsMin || sessionTimeoutMs > sessionTimeoutMsMax) {
      return 'INVALID_SESSION_TIMEOUT'
    }
    const isPromised = this.#promisedIds.has(memberId)
    if (memberId !== '' && !isPromised) {
      const stranger = this.check(request)
      if (stranger !== undefined) return stranger
    }
    const knownId = this.#knownId(request)
    const others = this.members.filter(({ id }) => id !== knownId).map((other) => other.request)
    if (!isConsistent(request, others)) return 'INCONSISTENT_GROUP_PROTOCOL'
    const bytes = others.reduce((sum, other) => sum + bytesOf(other), bytesOf(request))
    const promisedCount = this.#promisedIds.size - (isPromised ? 1 : 0)
    const isFull = others.length + promisedCount >= membersMax || bytes > bytesMax
    return isFull ? 'GROUP_MAX_SIZE_REACHED' : undefined
  }

  /** The member that sends this request: a static one is known without its member id. */
  memberThatJoins(request: JoinRequest): Member<Join, Sync> | undefined {
    const id = this.#knownId(request)
    return id === undefined ? undefined : this.#members.get(id)
  }

  #knownId({ memberId, instanceId }: JoinRequest): string | undefined {
    if (memberId === '' && instanceId !== null) return this.#instances.get(instanceId)
    return memberId
  }

  /** The member that is to leave: admin tools name a static one only by its instance id. */
  idThatLeaves({ memberId, instanceId }: MemberClaim): string {
    if (memberId !== '' || instanceId === null) return memberId
    return this.#instances.get(instanceId) ?? ''
  }

  /** @returns the error if it is not a member */
  check({ memberId, instanceId }: MemberClaim): MqErrorCode | undefined {
    if (instanceId !== null) {
      const id = this.#instances.get(instanceId)
      if (id === undefined) return 'UNKNOWN_MEMBER_ID'
      if (id !== memberId) return 'FENCED_INSTANCE_ID'
    }
    return this.#members.has(memberId) ? undefined : 'UNKNOWN_MEMBER_ID'
  }

  // --- assigned ids ------------------------------------------------------------------------------

  /** Whether an assigned id is outstanding. */
  get hasPromised(): boolean {
    return this.#promisedIds.size > 0
  }

  promise(memberId: string, untilMs: number): void {
    this.#promisedIds.set(memberId, untilMs)
  }

  /** The id is used, or given back. @returns whether it was outstanding */
  redeem(memberId: string): boolean {
    return this.#promisedIds.delete(memberId)
  }

  expirePromised(nowMs: number): void {
    for (const [id, atMs] of this.#promisedIds) if (atMs <= nowMs) this.#promisedIds.delete(id)
  }

  clearPromised(): void {
    this.#promisedIds.clear()
  }

  // --- time --------------------------------------------------------------------------------------

  /** When the next session or assigned id expires; infinite if none does. */
  get deadlineMs(): number {
    let deadlineMs = Number.POSITIVE_INFINITY
    for (const atMs of this.#promisedIds.values()) deadlineMs = Math.min(deadlineMs, atMs)
    for (const member of this.#members.values()) {
      if (!isWaiting(member)) deadlineMs = Math.min(deadlineMs, member.expiresAtMs)
    }
    return deadlineMs
  }

  /** The longest of any member; 0 without members. */
  get rebalanceTimeoutMs(): number {
    let longestMs = 0
    for (const { request } of this.#members.values()) {
      longestMs = Math.max(longestMs, request.rebalanceTimeoutMs)
    }
    return longestMs
  }
}
