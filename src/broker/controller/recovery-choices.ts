// What a person can choose from when no log may lead by the rules of recovery-election.ts: each replica
// as it reports itself, and how many records may be lost when it leads. Pure.
//
// A member of the ISR, or an eligible replica, whose log is whole and holds all that any replica knows to
// be committed loses nothing, whatever the others have: everything committed was on its disk. Of any
// other log it is only known what the logs that reported have more.

import { type BrokerId, noBroker } from '../../protocol/mq/messages.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'
import type { RecoveryChoice, RecoveryChoices } from '../../protocol/mq/recover.ts'
import { isFault, type LogStatus, type Standing } from '../cluster/replica-status.ts'
import { memberOf, type PartitionState, withIsr } from '../partition/partition-state.ts'
import { committedFloor, isCurrent } from './recovery-election.ts'

export function recoveryChoices(
  state: PartitionState,
  standings: readonly Standing[],
): RecoveryChoices {
  const { version, leader, leaderEpoch } = state
  const choices = standings.map((standing) => choiceOf(standing, state, standings))
  return { version, leader, leaderEpoch, choices }
}

/**
 * The next epoch, led by a replica that a person chose.
 *
 * @returns why it cannot lead, if so
 */
export function recoveredState(
  state: PartitionState,
  standings: readonly Standing[],
  { leader, minInsyncReplicas }: { readonly leader: BrokerId; readonly minInsyncReplicas: number },
): PartitionState | string {
  const standing = standings.find(({ broker }) => broker === leader)
  if (standing === undefined) return `broker ${leader} has no replica of it`
  const log = logOf(standing, state)
  if (log === undefined || standing.life === undefined) return notLeading(standing)
  const isClean = choiceOf(standing, state, standings).losesAtMost === 0
  const leaderEpoch = state.leaderEpoch + 1
  const { directory, brokerEpoch } = standing.life
  const member = { broker: leader, directory, brokerEpoch, isAwaited: false }
  const lost = isClean ? [] : [...state.isr, ...state.eligible].map(({ broker }) => broker)
  const led = withIsr(state, [member], { minInsyncReplicas, lost })
  if (isClean) return { ...led, leader, leaderEpoch }
  // What others know to be committed is void from this epoch on.
  return { ...led, leader, leaderEpoch, committed: 0, uncleanEpoch: leaderEpoch }
}

function choiceOf(
  standing: Standing,
  state: PartitionState,
  standings: readonly Standing[],
): RecoveryChoice {
  const { broker, status } = standing
  const log = logOf(standing, state)
  return {
    broker,
    condition: conditionOf(standing, state),
    isInSync: isNamed(standing, state.isr),
    isEligible: isNamed(standing, state.eligible),
    mayLead: log !== undefined,
    lastEpoch: status?.lastEpoch ?? -1,
    end: log?.end,
    highWatermark: status?.highWatermark,
    losesAtMost: log === undefined ? undefined : lossOf(standing, log, state, standings),
    detail: status !== undefined && isFault(status) ? status.reason : '',
  }
}

/** Its log, as it is now. */
function logOf({ life, status }: Standing, state: PartitionState): LogStatus | undefined {
  if (life === undefined || status === undefined || isFault(status)) return undefined
  return isCurrent(status, life, state) ? status : undefined
}

function conditionOf({ broker, life, status }: Standing, state: PartitionState): string {
  if (life === undefined) return 'away'
  if (state.leader === broker) return 'leader'
  return status?.type ?? 'no report'
}

function isNamed({ broker, life }: Standing, members: PartitionState['isr']): boolean {
  const member = memberOf(members, broker)
  return member !== undefined && (life === undefined || life.directory === member.directory)
}

/** @returns undefined: it is not known what others have */
function lossOf(
  standing: Standing,
  log: LogStatus,
  state: PartitionState,
  standings: readonly Standing[],
): number | undefined {
  const floor = committedFloor(state, standings)
  const hasPromised = isNamed(standing, state.isr) || isNamed(standing, state.eligible)
  if (hasPromised && log.type === 'whole' && log.end >= floor) return 0
  let loss = Math.max(0, floor - log.end)
  for (const other of standings) {
    const otherLog = logOf(other, state)
    if (otherLog !== undefined && other !== standing)
      loss = Math.max(loss, moreOf(otherLog, log, floor))
    const promised = memberOf(state.isr, other.broker) ?? memberOf(state.eligible, other.broker)
    if (promised === undefined) continue
    // What was on a disk that is away or lost is not known.
    if (otherLog?.life.directory !== promised.directory) return undefined
  }
  return state.leader === noBroker ? loss : undefined
}

/** How many records one log has at most that the other lacks. */
function moreOf(log: LogStatus, chosen: LogStatus, floor: Offset): number {
  // Logs that end in one epoch are one log up to the shorter end.
  if (log.lastEpoch === chosen.lastEpoch) return Math.max(0, log.end - chosen.end)
  const common = chosen.type === 'incomplete' ? 0 : Math.min(log.end, chosen.end, floor)
  return log.end - common
}

function notLeading({ broker, life, status }: Standing): string {
  if (life === undefined) return `broker ${broker} is not registered`
  if (status !== undefined && isFault(status)) {
    return `broker ${broker} cannot use its replica: ${status.reason}`
  }
  return `broker ${broker} has not reported on its log in this state of the partition`
}
