// Who leads a partition when no member of its ISR is alive in the life that the ISR names: all of them
// were restarted, and each may have lost something meanwhile. The living ones report what lies in their
// logs, and the best of those leads. Pure; controller.ts asks.
//
//   damaged, or another disk     out: it promises nothing any more
//   ends below what any          out, whatever its last epoch: committed records are missing in it
//   replica knows is committed
//   of the rest                  the longest: by the epoch of its last record, then by its end
//
// One whole log is enough, as each member has everything that was committed. It is waited for the other
// members all the same, until a deadline: a disk may have lost what it does not know of. A log whose
// tail was cut may have lost a committed record: it leads only next to another member's log, or when
// nothing was promised on any other disk. Eligible replicas have all that was committed, too: they are waited for and
// compared like members once a member has reported, and lead alone when the disks of all members are lost (KIP-966).
// What is left after that is for a person to decide.
//
// Members that are neither elected nor lost keep their claim (`isAwaited`): an election takes it from no
// intact log that comes a moment later.

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
  /** There is a log, and other members may yet report: the deadline runs. */
  | { readonly type: 'await all' }
  /** Only another report, or a person, can change it. */
  | { readonly type: 'wait' }

/** What a member's disk comes to. */
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
  // What a log of the ISR lacks without knowing it, eligible disks have, too: each has all that was committed.
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

/** No log that ends below this leads: some replica knows that all before it was committed. */
export function committedFloor(
  { committed, uncleanEpoch }: Pick<PartitionState, 'committed' | 'uncleanEpoch'>,
  standings: readonly Standing[],
): Offset {
  const known = standings.flatMap(({ status }) =>
    // What was committed before a person chose a leader without it is committed no more.
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

/** Whether it was made in this life of the broker, of this version of the state. */
export function isCurrent(status: LogStatus, life: Life, { version }: PartitionState): boolean {
  return isSameLife(status.life, life) && status.stateVersion === version
}

/** @returns why there is none, if so */
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

/** The next epoch, led by that log in the life that reported it. */
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
