// recoveryChoices, recover: for a partition that no replica may lead by the rules, an operator
// chooses the leader, perhaps one that lacks committed records.
//
// Next on the path: broker/api/recover.ts.

import { boolean, int, listOf, optional, record, text, type ValuesOf } from '../fields.ts'
import { brokerId, type Message, offset, partition, topic } from './messages.ts'

export const recoveryChoicesRequest = { topic, partition }
export type RecoveryChoicesRequest = Message<'recoveryChoices', typeof recoveryChoicesRequest>

/** One replica of a partition that has no leader, as the operator sees it. */
const recoveryChoice = {
  broker: brokerId,
  /**
   * of its log: whole, tail-cut, incomplete, ahead, damaged, unavailable; or away, leader, no
   * report
   */
  condition: text(),
  /** whether the ISR names its disk, which then had everything that was committed */
  isInSync: boolean(),
  /**
   * whether it left the ISR while that was too small; its disk then had everything committed too
   */
  isEligible: boolean(),
  /** whether it can be chosen */
  mayLead: boolean(),
  /** epoch of its last record; -1 if there is none or it is unknown */
  lastEpoch: int(),
  end: optional(offset),
  /** everything before it is committed, according to this replica */
  highWatermark: optional(offset),
  /** the most records that are lost if it leads; undefined: unknown */
  losesAtMost: optional(offset),
  /** why it cannot be used; empty if it can */
  detail: text(),
}
export type RecoveryChoice = ValuesOf<typeof recoveryChoice>

const recoveryChoices = {
  /** version of the partition's state, on which a choice is conditional */
  version: int(),
  leader: brokerId,
  leaderEpoch: int(),
  choices: listOf(record(recoveryChoice)),
}
export type RecoveryChoices = ValuesOf<typeof recoveryChoices>

export const recoveryChoicesResponse = { found: record(recoveryChoices) }
export type RecoveryChoicesResponse = Message<'recoveryChoices', typeof recoveryChoicesResponse>

export const recoverRequest = {
  topic,
  partition,
  leader: brokerId,
  /** version of the state that the operator saw */
  version: int(),
}
export type RecoverRequest = Message<'recover', typeof recoverRequest>

export const recoverResponse = { leaderEpoch: int() }
export type RecoverResponse = Message<'recover', typeof recoverResponse>
