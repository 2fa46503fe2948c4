// recoveryChoices, recover: a partition that no replica may lead by the rules, and a person who chooses
// one of them all the same, perhaps one that lacks committed records.
//
// Next on the path: broker/api/recover.ts.

import { boolean, int, listOf, optional, record, text, type ValuesOf } from '../fields.ts'
import { brokerId, type Message, offset, partition, topic } from './messages.ts'

export const recoveryChoicesRequest = { topic, partition }
export type RecoveryChoicesRequest = Message<'recoveryChoices', typeof recoveryChoicesRequest>

/** One replica of a partition that has no leader, for a person who has to choose. */
const recoveryChoice = {
  broker: brokerId,
  /** of its log: whole, tail-cut, incomplete, ahead, damaged, unavailable; or away, leader, no report */
  condition: text(),
  /** whether the ISR names its disk, and so all that was committed was on it */
  isInSync: boolean(),
  /** the same, of a replica that left while too few were in sync */
  isEligible: boolean(),
  /** whether it can be chosen */
  mayLead: boolean(),
  /** epoch of its last record; -1 for none, or if that is not known */
  lastEpoch: int(),
  end: optional(offset),
  /** it knows all before to be committed */
  highWatermark: optional(offset),
  /** records that are lost at most when it leads; undefined: that is not known */
  losesAtMost: optional(offset),
  /** why it cannot be used, if so */
  detail: text(),
}
export type RecoveryChoice = ValuesOf<typeof recoveryChoice>

const recoveryChoices = {
  /** of the partition's state, which a choice is conditional on */
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
  /** of the state that the person was shown */
  version: int(),
}
export type RecoverRequest = Message<'recover', typeof recoverRequest>

export const recoverResponse = { leaderEpoch: int() }
export type RecoverResponse = Message<'recover', typeof recoverResponse>
