// A group as tools see it: its state, its members, and whom a rebalance waits for. Pure; the states are
// group.ts's.

import type { MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { type Member, metadataFor, noBytes } from './group-members.ts'
import type { Rebalance } from './rebalance-reason.ts'

export type GroupState =
  | { readonly type: 'empty' }
  /** `initial`: a formerly empty group waits until `untilMs` even if all members have joined. */
  | {
      readonly type: 'preparingRebalance'
      readonly startedMs: number
      readonly initial: { readonly untilMs: number; readonly hasGrown: boolean } | undefined
    }
  /** Until `syncUntilMs` all members of the generation have to have asked for their assignments. */
  | {
      readonly type: 'completingRebalance'
      readonly startedMs: number
      readonly syncUntilMs: number
    }
  | { readonly type: 'stable'; readonly syncUntilMs: number }
  | { readonly type: 'dead'; readonly error: MqErrorCode }

export interface GroupDescription {
  readonly state: 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'
  readonly protocolType: string
  readonly protocol: string
  readonly generation: number
  readonly leader: string
  /** undefined: it waits for no member */
  readonly waiting: { readonly sinceMs: number; readonly untilMs: number } | undefined
  /** undefined: none since its coordinator has it */
  readonly lastRebalance: Rebalance | undefined
  readonly members: readonly {
    readonly memberId: string
    readonly instanceId: string | null
    readonly clientId: string
    readonly clientHost: string
    readonly metadata: Uint8Array
    readonly assignment: Uint8Array
    /** The others wait for this one. */
    readonly isAwaited: boolean
  }[]
}

const stateNames = {
  empty: 'Empty',
  preparingRebalance: 'PreparingRebalance',
  completingRebalance: 'CompletingRebalance',
  stable: 'Stable',
  dead: 'Dead',
} as const

interface GroupFacts {
  readonly state: GroupState
  /** when the state ends by itself */
  readonly stateDeadlineMs: number
  /** of the last members; null before the first */
  readonly protocolType: string | null
  readonly protocol: string | null
  readonly generation: number
  readonly leader: string | undefined
  readonly lastRebalance: Rebalance | undefined
  readonly members: readonly Member<unknown, unknown>[]
}

export function describeGroup(group: GroupFacts): GroupDescription {
  const { state, protocolType, protocol, generation, leader, lastRebalance, members } = group
  return {
    state: stateNames[state.type],
    protocolType: protocolType ?? members[0]?.request.protocolType ?? '',
    protocol: protocol ?? '',
    generation,
    leader: leader ?? '',
    waiting: waitingOf(group),
    lastRebalance,
    members: members.map((member) => ({
      memberId: member.id,
      instanceId: member.instanceId,
      clientId: member.request.clientId,
      clientHost: member.request.clientHost,
      metadata: metadataFor(member.request, protocol),
      assignment: state.type === 'stable' ? member.assignment : noBytes,
      isAwaited: isAwaited(member, group),
    })),
  }
}

function waitingOf({ state, stateDeadlineMs }: GroupFacts): GroupDescription['waiting'] {
  switch (state.type) {
    case 'preparingRebalance':
      return { sinceMs: state.startedMs, untilMs: stateDeadlineMs }
    case 'completingRebalance':
      return { sinceMs: state.startedMs, untilMs: state.syncUntilMs }
    case 'empty':
    case 'stable':
    case 'dead':
      return undefined
  }
}

/** The others join first; then the leader assigns. */
function isAwaited(
  { id, joining, owesSync }: Member<unknown, unknown>,
  { state, leader }: GroupFacts,
): boolean {
  if (state.type === 'preparingRebalance') return joining === undefined
  return state.type === 'completingRebalance' && id === leader && owesSync
}
