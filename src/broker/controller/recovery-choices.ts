// The choices of an operator when no log may lead by the rules of recovery-election.ts: each
// replica's report, and how many records may be lost if it leads. Pure.
//
// If the log of an ISR member or an eligible replica is whole and reaches every known high
// watermark, nothing is lost, whatever the others have: everything committed was on its disk. For
// any other log the loss is known only by comparison with such a log. Without one, the lost disks
// may have held committed records beyond every reported high watermark.

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
 * The state of the next epoch, led by the replica that an operator chose.
 *
 * @returns a string: why that replica cannot lead
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
  // The high watermarks of other replicas no longer bind from this epoch on.
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

/** The replica's log from its report, if the report is current. */
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

/** @returns the most records that may be lost; undefined if no log shows what was committed */
function lossOf(
  standing: Standing,
  log: LogStatus,
  state: PartitionState,
  standings: readonly Standing[],
): number | undefined {
  const floor = committedFloor(state, standings)
  const hasAllCommitted = (each: Standing) => {
    const promised = promisedLogOf(each, state)
    return promised?.type === 'whole' && promised.end >= floor
  }
  if (hasAllCommitted(standing)) return 0
  // A leader in office may have committed more since the reports.
  if (state.leader !== noBroker || !standings.some(hasAllCommitted)) return undefined
  const shared = sharedEnd(standing, log, { floor, state })
  const others = standings.flatMap((each) => promisedLogOf(each, state) ?? [])
  return Math.max(...others.map((other) => moreOf(other, log, shared)))
}

/** The log of an ISR member or an eligible replica: committed records, or a prefix of them, come first. */
function promisedLogOf(standing: Standing, state: PartitionState): LogStatus | undefined {
  const hasPromised = isNamed(standing, state.isr) || isNamed(standing, state.eligible)
  const log = hasPromised ? logOf(standing, state) : undefined
  return log?.type === 'incomplete' ? undefined : log
}

/** Before this offset the log has committed records only, as far as it reaches. */
function sharedEnd(
  standing: Standing,
  log: LogStatus,
  { floor, state }: { readonly floor: Offset; readonly state: PartitionState },
): Offset {
  if (promisedLogOf(standing, state) !== undefined) return floor
  // A replica that left the ISR may have uncommitted records from its high watermark on. The high
  // watermark is an older log's if the directory was lost, and void after an unclean election.
  const isBinding = log.type !== 'incomplete' && log.lastEpoch >= state.uncleanEpoch
  return isBinding ? log.highWatermark : 0
}

/** The most records that `log` can have and `chosen` lacks. */
function moreOf(log: LogStatus, chosen: LogStatus, shared: Offset): number {
  // Logs that end in the same epoch are equal up to the shorter one's end.
  if (log.lastEpoch === chosen.lastEpoch) return Math.max(0, log.end - chosen.end)
  return log.end - Math.min(log.end, chosen.end, shared)
}

function notLeading({ broker, life, status }: Standing): string {
  if (life === undefined) return `broker ${broker} is not registered`
  if (status !== undefined && isFault(status)) {
    return `broker ${broker} cannot use its replica: ${status.reason}`
  }
  return `broker ${broker} has not reported on its log in this state of the partition`
}
