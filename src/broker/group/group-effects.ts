// What a group asks its coordinator to do: store its state, and answer requests. Collected during
// one call of Group, in the order in which it must be performed.
//
// Next on the path: led-group.ts performs the effects.

import type { GroupValue } from '../../protocol/kafka/group-records.ts'
import type { MqErrorCode } from '../../protocol/mq/error-codes.ts'
import {
  failedJoin,
  failedSync,
  type JoinAnswer,
  type Member,
  type SyncAnswer,
} from './group-members.ts'

/** A group as the next coordinator has to know it; the time is added when it is stored. */
export type StoredGroup = Omit<GroupValue, 'stateTimestampMs'>

/** `Join` and `Sync` are as in Group. */
export type GroupEffect<Join, Sync> =
  /** to be stored before anything that follows it is sent; see `Group.storeFailed` */
  | { readonly type: 'store'; readonly group: StoredGroup }
  | { readonly type: 'joined'; readonly to: Join; readonly answer: JoinAnswer }
  | { readonly type: 'synced'; readonly to: Sync; readonly answer: SyncAnswer }

export class GroupEffects<Join, Sync> {
  #effects: GroupEffect<Join, Sync>[] = []

  store(group: StoredGroup): void {
    this.#effects.push({ type: 'store', group })
  }

  answerJoin(to: Join, answer: JoinAnswer): void {
    this.#effects.push({ type: 'joined', to, answer })
  }

  refuseJoin(to: Join, error: MqErrorCode, memberId: string): void {
    this.answerJoin(to, failedJoin(error, memberId))
  }

  refuseWaitingJoin(member: Member<Join, Sync>, error: MqErrorCode): void {
    if (member.joining !== undefined) this.refuseJoin(member.joining, error, member.id)
    member.joining = undefined
  }

  /** @param protocol of the group */
  answerSync(to: Sync, member: Member<Join, Sync>, protocol: string | null): void {
    const { request, assignment } = member
    const { protocolType } = request
    this.#effects.push({
      type: 'synced',
      to,
      answer: { error: 'NONE', protocolType, protocol, assignment },
    })
  }

  refuseSync(to: Sync, error: MqErrorCode): void {
    this.#effects.push({ type: 'synced', to, answer: failedSync(error) })
  }

  refuseWaitingSync(member: Member<Join, Sync>, error: MqErrorCode): void {
    if (member.syncing !== undefined) this.refuseSync(member.syncing, error)
    member.syncing = undefined
  }

  /** The effects since the last call. */
  take(): readonly GroupEffect<Join, Sync>[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }
}
