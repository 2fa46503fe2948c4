// What a role change of Zab means to the request processors: a role reaches them once its epoch is
// established. A handover to the next epoch of the same leader does not reach them at all, and a
// transfer of leadership only with its result: clients stay connected meanwhile. Pure.

import type { ServerId } from '../../protocol/records.ts'
import type { ZabRole } from '../zab/types.ts'
import type { EnsembleRole } from './ensemble.ts'

export type RoleChange =
  /** Still not serving. */
  | { readonly type: 'none' }
  /** From one epoch of a leader to its next: nothing was in flight, and clients notice nothing. */
  | { readonly type: 'handover'; readonly role: EnsembleRole }
  | { readonly type: 'change'; readonly role: EnsembleRole }

/** @param continues see `ZabEffect` */
export function roleChange(
  before: EnsembleRole,
  after: ZabRole,
  { continues = false } = {},
): RoleChange {
  if (continues && before.type !== 'looking') return { type: 'none' }
  const isServing = after.type !== 'looking' && after.epoch !== 0
  const role: EnsembleRole = isServing ? after : { type: 'looking' }
  if (role.type !== before.type) return { type: 'change', role }
  const isOfAnother = leaderOf(role) !== leaderOf(before)
  if (isServing && isOfAnother) return { type: 'change', role }
  return isServing ? { type: 'handover', role } : { type: 'none' }
}

function leaderOf(role: EnsembleRole): ServerId | undefined {
  return role.type === 'following' ? role.leader : undefined
}

/** For the log. */
export function roleSentence(role: ZabRole): string {
  switch (role.type) {
    case 'looking':
      return 'Looking for a leader'
    case 'following':
      return role.epoch === 0 ? 'Joining a leader' : 'Following'
    case 'leading':
      return role.epoch === 0 ? 'Elected, preparing to lead' : 'Leading'
  }
}
