// Elects a leader when no member of the ISR is alive in the life that the ISR names: all of them
// have restarted, and each may have lost records meanwhile. The living members report on their
// logs, and the best log leads. Pure; called by controller.ts.
//
//   damaged, or another disk     out: it is no longer in sync
//   ends below any replica's     out, whatever its last epoch: it lacks committed records
//   high watermark
//   of the rest                  the longest: by the epoch of its last record, then by its end
//
// One whole log is enough, as each member has everything that was committed. The election still
// waits for the other members until a deadline, because a disk may have lost records without
// knowing it. A log whose tail was cut may have lost a committed record: it leads only if another
// member's log is there to compare, or if no other disk was in sync. Eligible replicas have
// everything committed as well: once a member has reported, the election waits for them and
// compares them like members, and they lead alone when the disks of all members are lost (KIP-966).
// Any other case is left to an operator.
//
// Members that are neither elected nor lost stay in the ISR (`isAwaited`), so that an intact log
// that returns shortly afterwards is still in sync.

import type { BrokerId, Life } from '../../protocol/mq/messages.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'
import { isFault, type LogStatus, type Standing } from '../cluster/replica-status.ts'
import {
  isSameLife,
  type Member,
  memberOf,
  type PartitionState,
  withIsr,
} from '../partition/partition-state.ts'

export interface RecoveryInput {
  /** without a leader */
  readonly state: PartitionState
  /** of every replica, in assignment order */
  readonly standings: readonly Standing[]
  readonly minInsyncReplicas: number
  readonly isTimeUp: boolean
}

type RecoveryVerdict =
  | { readonly type: 'elect'; readonly state: PartitionState }
  /** There is a log, and other members may still report before the deadline. */
  | { readonly type: 'await all' }
  /** Only another report, or an operator, can change this. */
  | { readonly type: 'wait' }

/** The standing of one member's disk in the election. */
type Claim = { readonly type: 'awaited' | 'lost'; readonly member: Member } | LogClaim

interface LogClaim {
  readonly type: 'log'
  readonly member: Member
  readonly log: LogStatus
}

export function electByReports(input: RecoveryInput): RecoveryVerdict {
  const { state, standings } = input
  const floor = committedFloor(state, standings)
  const claimsOf = (members: readonly Member[]) =>
    standings.flatMap((standing) => {
      const member = memberOf(members, standing.broker)
      return member === undefined ? [] : claimOf(member, standing, { floor, state })
    })
  const [inSync, eligible] = [claimsOf(state.isr), claimsOf(state.eligible)]
  const isDiskLeft = inSync.some(({ type }) => type !== 'lost')
  // An ISR log may lack committed records without knowing it; every eligible disk has them as well.
  const hasLog = inSync.some(({ type }) => type === 'log')
  const claims = isDiskLeft ? (hasLog ? [...inSync, ...eligible] : inSync) : eligible
  const best = bestOf(claims, input.isTimeUp)
  if (typeof best === 'string') return { type: best }
  const lost = [...inSync, ...eligible].filter(({ type }) => type === 'lost')
  const kept = inSync.filter((claim) => claim !== best && claim.type !== 'lost')
  return {
    type: 'elect',
    state: ledBy(best, {
      state,
      minInsyncReplicas: input.minInsyncReplicas,
      kept: kept.map(({ member }) => ({ ...member, isAwaited: true })),
      lost: lost.map(({ member }) => member.broker),
    }),
  }
}

/** The highest known high watermark: no log that ends below it may lead. */
export function committedFloor(
  { committed, uncleanEpoch }: Pick<PartitionState, 'committed' | 'uncleanEpoch'>,
  standings: readonly Standing[],
): Offset {
  const known = standings.flatMap(({ status }) =>
    // High watermarks from before an operator's choice of leader no longer bind.
    status !== undefined && status.lastEpoch >= uncleanEpoch ? status.highWatermark : [],
  )
  return Math.max(committed, ...known)
}

function claimOf(member: Member, { life, status }: Standing, context: ClaimContext): Claim {
  const { floor, state } = context
  if (life === undefined) return { type: 'awaited', member }
  if (life.directory !== member.directory || status?.type === 'damaged') {
    return { type: 'lost', member }
  }
  if (status === undefined || isFault(status) || !isCurrent(status, life, state)) {
    return { type: 'awaited', member }
  }
  const isShort = status.type === 'incomplete' || status.end < floor
  return isShort ? { type: 'lost', member } : { type: 'log', member, log: status }
}

interface ClaimContext {
  readonly floor: Offset
  readonly state: PartitionState
}

/** Whether the report is from this life of the broker and about this version of the state. */
export function isCurrent(status: LogStatus, life: Life, { version }: PartitionState): boolean {
  return isSameLife(status.life, life) && status.stateVersion === version
}

/** @returns a string: the verdict if no log may lead yet */
function bestOf(claims: readonly Claim[], isTimeUp: boolean): LogClaim | 'await all' | 'wait' {
  const [first, ...others] = claims.filter((claim) => claim.type === 'log')
  if (first === undefined) return 'wait'
  if (!isTimeUp && claims.some(({ type }) => type === 'awaited')) return 'await all'
  const best = others.reduce((found, each) => (isLonger(each.log, found.log) ? each : found), first)
  const isAlone = others.length === 0 && claims.length > 1
  return best.log.type === 'tail-cut' && isAlone ? 'wait' : best
}

function isLonger(a: LogStatus, b: LogStatus): boolean {
  if (a.lastEpoch !== b.lastEpoch) return a.lastEpoch > b.lastEpoch
  if (a.end !== b.end) return a.end > b.end
  return a.type === 'whole' && b.type === 'tail-cut'
}

/** The state of the next epoch, led by that log in the life that reported it. */
function ledBy({ member, log }: LogClaim, { state, kept, ...change }: Succession): PartitionState {
  const { broker } = member
  const { directory, brokerEpoch } = log.life
  const isr = [{ broker, directory, brokerEpoch, isAwaited: false }, ...kept]
  return { ...withIsr(state, isr, change), leader: broker, leaderEpoch: state.leaderEpoch + 1 }
}

interface Succession {
  readonly state: PartitionState
  readonly minInsyncReplicas: number
  readonly kept: readonly Member[]
  readonly lost: readonly BrokerId[]
}
