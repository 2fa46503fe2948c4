// The members of one consumer group at its coordinator: the current generation, and the requests
// that wait for the next one. Pure: time is an argument of each call, and answers are effects.
//
//   empty ──join──▶ preparingRebalance ──all joined, or time is over──▶ completingRebalance
//     ▲                ▲      ▲                                            │         │
//     │                │      └──────── a member joins or leaves ──────────┘         │ the leader
//     └── none left ───┘                                                             ▼ assigned
//                      └────────────── a member joins or leaves ─────────────────  stable
//
// A generation begins when all members have joined again. Its leader assigns the partitions, and
// each member asks for its assignment with SyncGroup. The states are those of Kafka's
// GroupMetadata, and the rules those of its GroupCoordinator in 3.9 (classic protocol, KIP-62, 134,
// 345, 394, 814).
//
// A generation is stored with its members and their assignments before any of them learns its own, so
// that the next coordinator continues with it.
//
// Next on the path: roster.ts knows the members, group-effects.ts collects the effects.

import { invariant } from '../../invariant.ts'
import type { MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { describeGroup, type GroupDescription, type GroupState } from './group-description.ts'
import { type GroupEffect, GroupEffects, type StoredGroup } from './group-effects.ts'
import {
  areSame,
  chooseProtocol,
  isWaiting,
  type JoinAnswer,
  type JoinRequest,
  type Member,
  metadataFor,
  noBytes,
  restored,
  storedMember,
  wantsTheSame,
} from './group-members.ts'
import {
  changed,
  joined,
  joinedAgain,
  type losses,
  lost,
  notStored,
  type Rebalance,
} from './rebalance-reason.ts'
import { type MemberClaim, Roster, type RosterRules } from './roster.ts'

export interface GroupRules extends RosterRules {
  /** How long an empty group waits for more members before its first generation begins. */
  readonly initialDelayMs: number
}

export interface GenerationClaim extends MemberClaim {
  readonly generation: number
}

export interface SyncRequest extends GenerationClaim {
  /** null from older clients */
  readonly protocolType: string | null
  readonly protocol: string | null
  /** by member id; empty unless the sender leads */
  readonly assignments: ReadonlyMap<string, Uint8Array>
}

/** `Join` and `Sync` identify waiting requests. Each is answered by exactly one effect. */
export class Group<Join, Sync> {
  readonly #rules: GroupRules
  readonly #roster: Roster<Join, Sync>
  #state: GroupState = { type: 'empty' }
  #generation = 0
  /** of the last members; null before the first */
  #protocolType: string | null = null
  #protocol: string | null = null
  #leader: string | undefined
  /** undefined: none since this coordinator has the group */
  #lastRebalance: Rebalance | undefined
  readonly #effects = new GroupEffects<Join, Sync>()

  /**
   * @param stored as its last coordinator left it; undefined: it is new. Its members are alive until
   *   their sessions, which begin now, are over.
   */
  constructor(rules: GroupRules, stored: StoredGroup | undefined, nowMs: number) {
    this.#rules = rules
    this.#roster = new Roster(rules)
    if (stored === undefined) return
    const { generation, protocolType, protocol, leader, members } = stored
    this.#generation = generation
    this.#protocolType = protocolType === '' ? null : protocolType
    if (members.length === 0) return
    this.#protocol = protocol
    this.#leader = leader ?? undefined
    for (const one of members) {
      const member = restored<Join, Sync>(one, {
        generation,
        protocolType,
        protocol: protocol ?? '',
        nowMs,
      })
      this.#roster.add(member)
    }
    this.#state = { type: 'stable', syncUntilMs: nowMs }
  }

  /** undefined before its first members. */
  get protocolType(): string | undefined {
    return this.#protocolType ?? undefined
  }

  /** What each member tells the assignor; undefined unless all have their assignments. */
  get subscriptions(): readonly Uint8Array[] | undefined {
    if (this.#state.type !== 'stable') return undefined
    return this.#roster.requests.map((request) => metadataFor(request, this.#protocol))
  }

  /** Whether it has no members, and no assigned id is outstanding. */
  get isIdle(): boolean {
    return this.#state.type === 'empty' && !this.#roster.hasPromised
  }

  get isEmpty(): boolean {
    return this.#state.type === 'empty'
  }

  isMember(memberId: string): boolean {
    return this.#roster.has(memberId)
  }

  // --- requests of members -----------------------------------------------------------------------

  join(to: Join, request: JoinRequest, nowMs: number): readonly GroupEffect<Join, Sync>[] {
    const error = this.#enter(to, request, nowMs)
    if (error !== undefined) this.#effects.refuseJoin(to, error, request.memberId)
    return this.#effects.take()
  }

  /** @returns the error, or undefined if the request has been answered or waits */
  #enter(to: Join, request: JoinRequest, nowMs: number): MqErrorCode | undefined {
    if (this.#state.type === 'dead') return this.#state.error
    const error = this.#roster.checkJoin(request)
    if (error !== undefined) return error
    const { memberId, newMemberId, instanceId, sessionTimeoutMs } = request
    const known = this.#roster.memberThatJoins(request)
    if (known !== undefined) {
      if (memberId === '') this.#replace(known, to, request, nowMs)
      else this.#rejoin(known, to, request, nowMs)
    } else if (memberId === '' && instanceId === null && request.mustKnowId) {
      this.#roster.promise(newMemberId, nowMs + sessionTimeoutMs)
      this.#effects.refuseJoin(to, 'MEMBER_ID_REQUIRED', newMemberId)
    } else {
      this.#roster.redeem(memberId)
      this.#add(memberId === '' ? newMemberId : memberId, to, request, nowMs)
    }
    return undefined
  }

  sync(to: Sync, request: SyncRequest, nowMs: number): readonly GroupEffect<Join, Sync>[] {
    const error = this.#sync(to, request, nowMs)
    if (error !== undefined) this.#effects.refuseSync(to, error)
    return this.#effects.take()
  }

  #sync(to: Sync, request: SyncRequest, nowMs: number): MqErrorCode | undefined {
    const member = this.#memberOf(request)
    if (typeof member === 'string') return member
    const { protocolType, protocol } = request
    if (protocolType !== null && protocolType !== member.request.protocolType) {
      return 'INCONSISTENT_GROUP_PROTOCOL'
    }
    if (protocol !== null && protocol !== this.#protocol) return 'INCONSISTENT_GROUP_PROTOCOL'
    this.#refresh(member, nowMs)
    const state = this.#state
    switch (state.type) {
      case 'dead':
        return state.error
      case 'empty':
        return 'UNKNOWN_MEMBER_ID'
      case 'preparingRebalance':
        return 'REBALANCE_IN_PROGRESS'
      case 'stable':
        member.owesSync = false
        this.#effects.answerSync(to, member, this.#protocol)
        return undefined
      case 'completingRebalance':
        member.owesSync = false
        this.#effects.refuseWaitingSync(member, 'REBALANCE_IN_PROGRESS')
        member.syncing = to
        if (member.id === this.#leader) this.#assign(request.assignments, state.syncUntilMs, nowMs)
        return undefined
    }
  }

  #assign(assignments: ReadonlyMap<string, Uint8Array>, syncUntilMs: number, nowMs: number): void {
    this.#state = { type: 'stable', syncUntilMs }
    for (const member of this.#roster.members) {
      member.assignment = assignments.get(member.id) ?? noBytes
    }
    this.#store()
    for (const member of this.#roster.members) {
      if (member.syncing === undefined) continue
      this.#effects.answerSync(member.syncing, member, this.#protocol)
      member.syncing = undefined
      this.#refresh(member, nowMs)
    }
  }

  /** @returns REBALANCE_IN_PROGRESS if the member has to join again */
  heartbeat(claim: GenerationClaim, nowMs: number): MqErrorCode {
    const member = this.#memberOf(claim)
    if (typeof member === 'string') return member
    this.#refresh(member, nowMs)
    return this.#state.type === 'preparingRebalance' ? 'REBALANCE_IN_PROGRESS' : 'NONE'
  }

  /**
   * Whether this client may commit offsets. An empty group accepts commits of consumers outside it.
   */
  checkCommit(claim: GenerationClaim, nowMs: number): MqErrorCode {
    if (claim.generation < 0 && this.#state.type === 'empty') return 'NONE'
    const member = this.#memberOf(claim)
    if (typeof member === 'string') return member
    this.#refresh(member, nowMs)
    // It knows the number from a coordinator before us, which could not store that generation.
    if (member.generation !== claim.generation) return 'ILLEGAL_GENERATION'
    return this.#state.type === 'completingRebalance' ? 'REBALANCE_IN_PROGRESS' : 'NONE'
  }

  /** @returns one error code per claim */
  leave(
    claims: readonly MemberClaim[],
    nowMs: number,
  ): { readonly errors: MqErrorCode[]; readonly effects: readonly GroupEffect<Join, Sync>[] } {
    const before = this.#roster.members
    const errors = claims.map((claim) => this.#leave(claim))
    this.#mayHaveLost(before, 'left', nowMs)
    return { errors, effects: this.#effects.take() }
  }

  #leave(claim: MemberClaim): MqErrorCode {
    if (this.#state.type === 'dead') return this.#state.error
    if (this.#roster.redeem(claim.memberId)) return 'NONE'
    const memberId = this.#roster.idThatLeaves(claim)
    const error = this.#roster.check({ memberId, instanceId: claim.instanceId })
    if (error !== undefined) return error
    const member = this.#roster.get(memberId)
    if (member !== undefined) this.#remove(member)
    return 'NONE'
  }

  // --- time --------------------------------------------------------------------------------------

  /** When `tick` must be called next; infinite if no deadline is pending. */
  get deadlineMs(): number {
    return Math.min(this.#stateDeadlineMs(), this.#roster.deadlineMs)
  }

  #stateDeadlineMs(): number {
    const state = this.#state
    switch (state.type) {
      case 'empty':
      case 'dead':
        return Number.POSITIVE_INFINITY
      case 'preparingRebalance':
        return state.initial?.untilMs ?? state.startedMs + this.#roster.rebalanceTimeoutMs
      case 'completingRebalance':
      case 'stable': {
        const isOwed = this.#roster.members.some(({ owesSync }) => owesSync)
        return isOwed ? state.syncUntilMs : Number.POSITIVE_INFINITY
      }
    }
  }

  tick(nowMs: number): readonly GroupEffect<Join, Sync>[] {
    this.#roster.expirePromised(nowMs)
    const isOverdue = this.#stateDeadlineMs() <= nowMs
    const wasPreparing = this.#state.type === 'preparingRebalance'
    const isSyncOverdue = isOverdue && !wasPreparing
    const before = this.#roster.members
    for (const member of before) {
      const isExpired = member.expiresAtMs <= nowMs && !isWaiting(member)
      if (isExpired || (isSyncOverdue && member.owesSync)) this.#remove(member)
    }
    const isOwed = before.some(({ owesSync, expiresAtMs }) => owesSync && expiresAtMs > nowMs)
    this.#mayHaveLost(before, isSyncOverdue && isOwed ? 'syncOverdue' : 'expired', nowMs)
    if (isOverdue && wasPreparing) this.#preparingIsOver(nowMs)
    return this.#effects.take()
  }

  #preparingIsOver(nowMs: number): void {
    const state = this.#state
    if (state.type !== 'preparingRebalance') return
    const { startedMs, initial } = state
    const lastMs = startedMs + this.#roster.rebalanceTimeoutMs
    if (initial?.hasGrown === true && initial.untilMs < lastMs) {
      const untilMs = Math.min(nowMs + this.#rules.initialDelayMs, lastMs)
      this.#state = { type: 'preparingRebalance', startedMs, initial: { untilMs, hasGrown: false } }
    } else this.#complete(nowMs)
  }

  /** Ends a group that was deleted or moved: answers all waiting requests with `error`. */
  end(error: MqErrorCode): readonly GroupEffect<Join, Sync>[] {
    this.#state = { type: 'dead', error }
    for (const member of this.#roster.members) this.#remove(member, error)
    this.#roster.clearPromised()
    return this.#effects.take()
  }

  /**
   * What was to be stored last is not, or perhaps not: all members have to join again, in another
   * generation. Their waiting requests are answered by the caller.
   */
  storeFailed(nowMs: number): readonly GroupEffect<Join, Sync>[] {
    for (const member of this.#roster.members) member.assignment = noBytes
    if (this.#state.type === 'stable' || this.#state.type === 'completingRebalance') {
      this.#rebalance(nowMs, notStored)
    }
    return this.#effects.take()
  }

  /** For a group without members that could not be stored. */
  storeAgain(): readonly GroupEffect<Join, Sync>[] {
    this.#store()
    return this.#effects.take()
  }

  describe(): GroupDescription {
    return describeGroup({
      state: this.#state,
      stateDeadlineMs: this.#stateDeadlineMs(),
      protocolType: this.#protocolType,
      protocol: this.#protocol,
      generation: this.#generation,
      leader: this.#leader,
      lastRebalance: this.#lastRebalance,
      members: this.#roster.members,
    })
  }

  // --- members ------------------------------------------------------------------------------------

  #add(id: string, to: Join, request: JoinRequest, nowMs: number): void {
    const { instanceId } = request
    this.#roster.add({
      id,
      instanceId,
      request,
      assignment: noBytes,
      generation: -1,
      joining: to,
      syncing: undefined,
      owesSync: false,
      expiresAtMs: nowMs + request.sessionTimeoutMs,
    })
    const state = this.#state
    if (state.type === 'preparingRebalance' && state.initial !== undefined) {
      const { startedMs, initial } = state
      const { untilMs } = initial
      this.#state = { type: 'preparingRebalance', startedMs, initial: { untilMs, hasGrown: true } }
    } else this.#rebalance(nowMs, joined({ id, instanceId }))
  }

  #rejoin(member: Member<Join, Sync>, to: Join, request: JoinRequest, nowMs: number): void {
    const isUnchanged = areSame(member.request.protocols, request.protocols)
    member.request = request
    this.#refresh(member, nowMs)
    const { type } = this.#state
    const goesOn =
      isUnchanged &&
      // A retry, since the answer may have been lost. The leader of a stable group rejoins to
      // rebalance.
      (type === 'completingRebalance' || (type === 'stable' && member.id !== this.#leader))
    if (goesOn) {
      this.#answerJoin(to, member)
      return
    }
    this.#effects.refuseWaitingJoin(member, 'REBALANCE_IN_PROGRESS')
    member.joining = to
    this.#rebalance(nowMs, isUnchanged ? joinedAgain(member, this.#leader) : changed(member))
  }

  /** Whether the group would choose the same assignor, and that would be told the same topics. */
  #goesOnWith(before: Member<Join, Sync>, request: JoinRequest): boolean {
    const others = this.#roster.members.filter(({ id }) => id !== before.id)
    const requests = [...others.map((other) => other.request), request]
    if (chooseProtocol(requests) !== this.#protocol) return false
    return wantsTheSame(before.request, request, this.#protocol)
  }

  /** A static member has returned without its member id: its old id is fenced from now on. */
  #replace(before: Member<Join, Sync>, to: Join, request: JoinRequest, nowMs: number): void {
    const wasLeader = before.id === this.#leader
    const isUnchanged = this.#goesOnWith(before, request)
    this.#remove(before, 'FENCED_INSTANCE_ID')
    if (wasLeader) this.#leader = request.newMemberId
    if (this.#state.type !== 'stable' || !isUnchanged) {
      this.#add(request.newMemberId, to, request, nowMs)
      return
    }
    const { newMemberId: id, instanceId, maySkipAssignment } = request
    const { assignment } = before
    const waits = { joining: undefined, syncing: undefined, owesSync: false }
    const expiresAtMs = nowMs + request.sessionTimeoutMs
    const { generation } = before
    const member = { id, instanceId, request, assignment, generation, ...waits, expiresAtMs }
    this.#roster.add(member)
    this.#store()
    // An older client that is told it leads would assign anew; with the old id it asks like the others.
    const leader = wasLeader && !maySkipAssignment ? before.id : (this.#leader ?? '')
    this.#answerJoin(to, member, { leader, skipAssignment: wasLeader && maySkipAssignment })
  }

  /** Refuses its waiting requests. The caller must call `#mayHaveLost` afterwards. */
  #remove(member: Member<Join, Sync>, error: MqErrorCode = 'UNKNOWN_MEMBER_ID'): void {
    this.#effects.refuseWaitingJoin(member, error)
    this.#effects.refuseWaitingSync(member, error)
    this.#roster.remove(member)
    if (this.#leader === member.id) this.#leader = undefined
  }

  /** After members have left: completes a rebalance that waited for them, or begins one. */
  #mayHaveLost(
    before: readonly Member<Join, Sync>[],
    how: keyof typeof losses,
    nowMs: number,
  ): void {
    const gone = before.filter(({ id }) => !this.#roster.has(id))
    if (this.#state.type === 'preparingRebalance') this.#maybeComplete(nowMs)
    else if (gone.length > 0) this.#rebalance(nowMs, lost(gone, how))
  }

  #refresh(member: Member<Join, Sync>, nowMs: number): void {
    member.expiresAtMs = nowMs + member.request.sessionTimeoutMs
  }

  #memberOf(claim: GenerationClaim): Member<Join, Sync> | MqErrorCode {
    if (this.#state.type === 'dead') return this.#state.error
    const error = this.#roster.check(claim)
    if (error !== undefined) return error
    if (claim.generation !== this.#generation) return 'ILLEGAL_GENERATION'
    return this.#roster.get(claim.memberId) ?? 'UNKNOWN_MEMBER_ID'
  }

  // --- generations -------------------------------------------------------------------------------

  /** @param reason counts if this begins one: the members that join again then are no reason */
  #rebalance(nowMs: number, reason: string): void {
    const wasEmpty = this.#state.type === 'empty'
    if (this.#state.type !== 'preparingRebalance') {
      this.#lastRebalance = { reason, atMs: nowMs }
      for (const member of this.#roster.members) {
        // A waiting member could not send heartbeats.
        if (member.syncing !== undefined) this.#refresh(member, nowMs)
        this.#effects.refuseWaitingSync(member, 'REBALANCE_IN_PROGRESS')
        member.owesSync = false
      }
      const untilMs = nowMs + this.#rules.initialDelayMs
      const initial = wasEmpty ? { untilMs, hasGrown: false } : undefined
      this.#state = { type: 'preparingRebalance', startedMs: nowMs, initial }
    }
    if (wasEmpty && this.#rules.initialDelayMs === 0) this.#complete(nowMs)
    else this.#maybeComplete(nowMs)
  }

  #maybeComplete(nowMs: number): void {
    if (this.#state.type !== 'preparingRebalance' || this.#state.initial !== undefined) return
    if (this.#roster.hasPromised) return
    const members = this.#roster.members
    if (members.every(({ joining }) => joining !== undefined)) this.#complete(nowMs)
  }

  #complete(nowMs: number): void {
    for (const member of this.#roster.members) {
      if (member.joining === undefined && member.instanceId === null) this.#remove(member)
    }
    const joined = this.#roster.members.filter(({ joining }) => joining !== undefined)
    if (joined.length === 0 && this.#roster.size > 0) {
      // The rebalance waits for static members until their sessions expire.
      this.#state = { type: 'preparingRebalance', startedMs: nowMs, initial: undefined }
      return
    }
    this.#generation += 1
    this.#protocol = chooseProtocol(this.#roster.requests)
    if (joined.length === 0) {
      this.#state = { type: 'empty' }
      this.#store()
      return
    }
    this.#protocolType = joined[0]?.request.protocolType ?? null
    if (!joined.some(({ id }) => id === this.#leader)) this.#leader = joined[0]?.id
    const syncUntilMs = nowMs + this.#roster.rebalanceTimeoutMs
    this.#state = { type: 'completingRebalance', startedMs: nowMs, syncUntilMs }
    for (const member of joined) {
      invariant(member.joining !== undefined, 'a member that joined waits for the answer')
      this.#answerJoin(member.joining, member)
      member.joining = undefined
      member.owesSync = true
      this.#refresh(member, nowMs)
    }
  }

  #store(): void {
    const members = this.#roster.members.map((member) => storedMember(member, this.#protocol))
    const [protocolType, protocol, leader] = [
      this.#protocolType ?? '',
      this.#protocol,
      this.#leader ?? null,
    ]
    const group = { protocolType, generation: this.#generation, protocol, leader, members }
    this.#effects.store(group)
  }

  // --- answers ------------------------------------------------------------------------------------

  /** @param told differs for a static member that rejoins without a rebalance */
  #answerJoin(
    to: Join,
    member: Member<Join, Sync>,
    told: { readonly leader: string; readonly skipAssignment: boolean } = {
      leader: this.#leader ?? '',
      skipAssignment: false,
    },
  ): void {
    member.generation = this.#generation
    const answer: JoinAnswer = {
      error: 'NONE',
      generation: this.#generation,
      protocolType: member.request.protocolType,
      protocol: this.#protocol,
      leader: told.leader,
      memberId: member.id,
      skipAssignment: told.skipAssignment,
      members: told.leader === member.id ? this.#forLeader() : [],
    }
    this.#effects.answerJoin(to, answer)
  }

  #forLeader(): JoinAnswer['members'] {
    return this.#roster.members.map(({ id, instanceId, request }) => {
      return { memberId: id, instanceId, metadata: metadataFor(request, this.#protocol) }
    })
  }
}
