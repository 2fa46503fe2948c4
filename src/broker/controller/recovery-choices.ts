// What a person can choose from when no log may lead by the rules of recovery-election.ts: each replica
// as it reports itself, and how many records may be lost when it leads. Pure.
//
// A member of the ISR, or an eligible replica, whose log is whole and holds all that any replica knows to
// be committed loses nothing, whatever the others have: everything committed was on its disk. What any
// other log lacks is known by such a log alone: without one, what was committed may have been on disks
// that are lost, behind every high watermark that was reported.

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

/** @returns undefined: it is not known what was committed */
function lossOf(
  standing: Standing,
  log: LogStatus,
  state: PartitionState,
  standings: readonly Standing[],
): number | undefined {
  const floor = committedFloor(state, standings)
  const isWitness = (each: Standing) => {
    const promised = promisedLogOf(each, state)
    return promised?.type === 'whole' && promised.end >= floor
  }
  if (isWitness(standing)) return 0
  // A leader in office may have committed more since.
  if (state.leader !== noBroker || !standings.some(isWitness)) return undefined
  const shared = sharedEnd(standing, log, { floor, state })
  const others = standings.flatMap((each) => promisedLogOf(each, state) ?? [])
  return Math.max(...others.map((other) => moreOf(other, log, shared)))
}

/** Of a member of the ISR or an eligible replica, with all that is left of what it promised. */
function promisedLogOf(standing: Standing, state: PartitionState): LogStatus | undefined {
  const hasPromised = isNamed(standing, state.isr) || isNamed(standing, state.eligible)
  const log = hasPromised ? logOf(standing, state) : undefined
  return log?.type === 'incomplete' ? undefined : log
}

/** Up to there it has what was committed, as far as it goes. */
function sharedEnd(
  standing: Standing,
  log: LogStatus,
  { floor, state }: { readonly floor: Offset; readonly state: PartitionState },
): Offset {
  if (promisedLogOf(standing, state) !== undefined) return floor
  // A replica that fell out of sync may have records of its own from its high watermark on. The high
  // watermark is that of another log if this one began anew, and void if a person chose a leader without it.
  const isBinding = log.type !== 'incomplete' && log.lastEpoch >= state.uncleanEpoch
  return isBinding ? log.highWatermark : 0
}

/** How many records one log has at most that the other lacks. */
function moreOf(log: LogStatus, chosen: LogStatus, shared: Offset): number {
  // Logs that end in one epoch are one log up to the shorter end.
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
