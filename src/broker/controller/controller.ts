// What the controller decides: which replica leads each partition, and that no dead broker stays in
// the ISR. Pure: the cluster image and the time go in, the needed writes come out. driver.ts makes
// the writes, each conditional on the znode's version and on the controller's epoch, and calls
// `step` again until no write is needed.
//
// The rules are level-triggered: they depend on the present state, not on past events, so a
// controller that missed events, or was just elected, decides the same as one that saw everything.
// Only the deadline of an election by reports starts again with a new controller.
//
// What a rule says about a partition is kept until the partition changes, or its deadline passes: a
// step visits no other. What is kept never decides alone, since each write is conditional.
//
//   no state yet                  the first usable replica leads, the usable ones are in sync
//   leader lost or restarted      epoch + 1; the first unbroken ISR member, in assignment order
//   no unbroken member in sync    no leader; the ISR is kept, and the replicas report:
//                                 recovery-election.ts
//   others of the ISR broken      they leave it at once and rejoin by fetching. If only the leader
//                                 would remain, the leader removes them: see `remaining`
//   a member that would have to   the leader leaves the ISR: it lacks committed records
//   drop committed records
//   the leader's broker leaves    epoch + 1; an unbroken ISR member of a broker that stays
//   another than the preferred    after a while, and a few at a time: epoch + 1, the preferred
//   replica leads                 replica leads, if it is unbroken
//   the target of a reassignment  the other replicas leave, and the target leads: reassignment.ts
//   is in sync
//   a malformed state             nothing is written: an operator wrote it and has to repair it
//
// A replica is usable while its broker lives and does not report a fault of the replica. A member
// is unbroken while it is usable in the life, and with the directory, that the ISR names: it has
// not stopped since and has lost nothing. A restarted leader gets a new epoch even if it leads
// again.
//
// Only an operator can cause an unclean election. Source: Kafka's PartitionStateMachine and
// Election.scala (3.9), and KIP-966.

import { type BrokerId, noBroker } from '../../protocol/mq/messages.ts'
import type { ClusterImage } from '../cluster/cluster-image.ts'
import type { ImageChange, PartitionPlace } from '../cluster/image-changes.ts'
import { faultOf, isFault, isUnbroken, type Standing } from '../cluster/replica-status.ts'
import {
  areSameMembers,
  byBroker,
  leaderOf,
  type Member,
  memberOf,
  neverUnclean,
  type PartitionState,
  withIsr,
  withoutLeader,
} from '../partition/partition-state.ts'
import { type Leaving, preferredState, withoutLeaving } from './leadership.ts'
import { settledState, type TopicWrite, topicWritesOf } from './reassignment.ts'
import { electByReports, isCurrent } from './recovery-election.ts'

/** The write is conditional on `state.version`; `newState` creates the znode. */
export interface StateWrite {
  readonly topic: string
  readonly partition: number
  readonly state: PartitionState
}

/** In place of a version: the znode does not exist yet. */
export const newState = -1

interface ControllerOptions {
  /** this controller's epoch */
  readonly epoch: number
  /**
   * how long an election by reports waits, after the first report, for those of the other members
   */
  readonly recoveryWaitMs: number
  /** how long preferred replicas may be led by others before they lead again; undefined: for ever */
  readonly rebalanceMs?: number | undefined
}

/** Preferred replicas that become leaders at once, and the pause before the next ones. */
const movedAtOnce = 50
const movePauseMs = 1000

interface ControllerStep {
  readonly writes: readonly StateWrite[]
  /** at most one of each topic; no partition is in both lists */
  readonly topicWrites: readonly TopicWrite[]
  /** when to call `step` again even if nothing changes; undefined: never */
  readonly askAgainAtMs: number | undefined
  /** leaderless although replicas have reported: others must return, or an operator decides */
  readonly undecided: readonly Undecided[]
}

export interface Undecided {
  readonly topic: string
  readonly partition: number
  /** version of its state */
  readonly version: number
}

interface Wait {
  readonly topicId: string
  /** version of the state; a new version starts a new wait */
  readonly version: number
  readonly untilMs: number
}

/** One controller epoch. */
export class Controller {
  readonly #options: ControllerOptions
  // What the rules say, by topic and partition: each is in one of these at most.
  readonly #elections = new Map<string, StateWrite>()
  /** of partitions whose leader stays */
  readonly #isrChanges = new Map<string, StateWrite>()
  readonly #undecided = new Map<string, Undecided>()
  /** in which the preferred replica leads */
  readonly #misplaced = new Map<string, StateWrite>()
  /** in which the reassignment of the partition has ended */
  readonly #settling = new Map<string, StateWrite>()
  /** of partitions that await reports */
  readonly #waits = new Map<string, Wait & PartitionPlace>()
  /** when preferred replicas become leaders; undefined while all of them lead that can */
  #rebalanceAtMs: number | undefined

  constructor(options: ControllerOptions) {
    this.#options = options
  }

  /**
   * @param changed what changed in the image since the last step; everything at the first
   * @returns every write that is due by now, also those returned before; elections come first
   */
  step(image: ClusterImage, nowMs: number, changed: ImageChange = 'everything'): ControllerStep {
    if (changed === 'everything') this.#visitAll(image, nowMs)
    else {
      for (const { topic, partition } of changed) this.#visit(image, topic, partition, nowMs)
    }
    for (const { topic, partition, untilMs } of [...this.#waits.values()]) {
      if (untilMs <= nowMs) this.#visit(image, topic, partition, nowMs)
    }
    const elections = [...this.#elections.values()]
    const writes = [...elections, ...this.#isrChanges.values(), ...this.#due(nowMs)]
    const deadlines = [...this.#waits.values()].map(({ untilMs }) => untilMs)
    if (this.#rebalanceAtMs !== undefined) deadlines.push(this.#rebalanceAtMs)
    const askAgainAtMs = deadlines.length === 0 ? undefined : Math.min(...deadlines)
    return {
      writes,
      topicWrites: topicWritesOf(image, this.#settling.values()),
      askAgainAtMs,
      undecided: [...this.#undecided.values()],
    }
  }

  #visitAll(image: ClusterImage, nowMs: number): void {
    this.#settling.clear()
    for (const kept of [this.#elections, this.#isrChanges, this.#undecided, this.#misplaced]) {
      kept.clear()
    }
    for (const { topic, partition } of [...this.#waits.values()]) {
      if (!image.hasPartition(topic, partition)) this.#waits.delete(keyOf(topic, partition))
    }
    for (const { topic, assignment } of image.topics.values()) {
      for (const partition of assignment.replicas.keys()) {
        this.#visit(image, topic, partition, nowMs)
      }
    }
  }

  /** Applies the rules to one partition. */
  #visit(image: ClusterImage, topic: string, partition: number, nowMs: number): void {
    const key = keyOf(topic, partition)
    const wait = this.#waits.get(key)
    this.#forget(key)
    const found = image.topics.get(topic)
    const replicas = found?.assignment.replicas[partition]
    if (found === undefined || replicas === undefined) return
    const { assignment, stateProblems } = found
    if (stateProblems.has(partition)) return
    const { epoch: controllerEpoch } = this.#options
    const { topicId } = assignment
    const known = image.state(topic, partition)
    const standings = replicas.map((broker) => image.standing({ topicId, partition, broker }))
    const minInsyncReplicas = image.minInsyncReplicas(found, partition)
    const seen = { standings, minInsyncReplicas, isLeaving: image.isLeaving }
    const place = { topicId, topic, partition }
    const wanted =
      known === undefined
        ? firstState(seen)
        : (nextState(known, seen) ?? this.#recovered(known, seen, { place, wait, nowMs }))
    if (wanted !== undefined) {
      const isElection = wanted.leaderEpoch !== known?.leaderEpoch
      const writes = isElection ? this.#elections : this.#isrChanges
      writes.set(key, { topic, partition, state: { ...wanted, controllerEpoch } })
    } else if (known !== undefined && !this.#waits.has(key) && isUndecided(known, standings)) {
      this.#undecided.set(key, { topic, partition, version: known.version })
    } else if (known !== undefined) {
      const move = assignment.moves?.get(partition)
      const end = move === undefined ? undefined : settledState(known, move, seen)
      if (end !== undefined) {
        this.#settling.set(key, { topic, partition, state: { ...end, controllerEpoch } })
        return
      }
      if (this.#options.rebalanceMs === undefined) return
      const preferred = preferredState(known, standings, image)
      if (typeof preferred === 'string') return
      this.#misplaced.set(key, { topic, partition, state: { ...preferred, controllerEpoch } })
    }
  }

  #forget(key: string): void {
    this.#elections.delete(key)
    this.#isrChanges.delete(key)
    this.#undecided.delete(key)
    this.#misplaced.delete(key)
    this.#settling.delete(key)
    this.#waits.delete(key)
  }

  /**
   * Not at once, since a broker that has just returned may be about to leave again; and few at a
   * time, since clients pause when a leader changes.
   */
  #due(nowMs: number): readonly StateWrite[] {
    const { rebalanceMs } = this.#options
    if (this.#misplaced.size === 0 || rebalanceMs === undefined) {
      this.#rebalanceAtMs = undefined
      return []
    }
    this.#rebalanceAtMs ??= nowMs + rebalanceMs
    if (nowMs < this.#rebalanceAtMs) return []
    this.#rebalanceAtMs = nowMs + movePauseMs
    return [...this.#misplaced.values()].slice(0, movedAtOnce)
  }

  /** The wait starts with the first report of a log: without one no election is possible. */
  #recovered(
    state: PartitionState,
    seen: Seen,
    { place, wait, nowMs }: { place: ReplicatedPlace; wait: Wait | undefined; nowMs: number },
  ): PartitionState | undefined {
    if (state.leader !== noBroker) return undefined
    const { version } = state
    const { topicId, topic, partition } = place
    const isSame = wait?.version === version && wait.topicId === topicId
    const untilMs = isSame ? wait.untilMs : nowMs + this.#options.recoveryWaitMs
    const verdict = electByReports({ state, ...seen, isTimeUp: isSame && nowMs >= untilMs })
    switch (verdict.type) {
      case 'elect':
        return verdict.state
      case 'await all':
        this.#waits.set(keyOf(topic, partition), { topicId, topic, partition, version, untilMs })
        return undefined
      case 'wait':
        return undefined
    }
  }
}

interface ReplicatedPlace extends PartitionPlace {
  readonly topicId: string
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`
}

function isUndecided(state: PartitionState, standings: readonly Standing[]): boolean {
  if (state.leader !== noBroker) return false
  return standings.some(({ life, status }) => {
    if (life === undefined || status === undefined) return false
    return status.type === 'damaged' || (!isFault(status) && isCurrent(status, life, state))
  })
}

interface Seen extends Leaving {
  /** of every replica, in assignment order */
  readonly standings: readonly Standing[]
  readonly minInsyncReplicas: number
}

function firstState({ standings, isLeaving }: Seen): PartitionState | undefined {
  const isr = standings.flatMap(({ broker, life, status }) =>
    life === undefined || faultOf(status) !== undefined
      ? []
      : { broker, ...life, isAwaited: false },
  )
  const leader = isr.find(({ broker }) => !isLeaving(broker)) ?? isr[0]
  if (leader === undefined) return undefined
  return {
    leader: leader.broker,
    leaderEpoch: 0,
    controllerEpoch: 0,
    isr: byBroker(isr),
    eligible: [],
    committed: 0,
    uncleanEpoch: neverUnclean,
    version: newState,
  }
}

/** @returns undefined if nothing has to change, or if only reports can decide the change */
function nextState(known: PartitionState, seen: Seen): PartitionState | undefined {
  const { standings, minInsyncReplicas } = seen
  const standingOf = ({ broker }: Member) => standings.find((each) => each.broker === broker)
  const unbroken = known.isr.filter((member) => isUnbroken(member, standingOf(member)))
  const lost = [...known.isr, ...known.eligible]
    .filter((member) => isLost(member, standingOf(member)))
    .map(({ broker }) => broker)
  const isr = remaining(known, { unbroken, lost })
  const leader = leaderOf(known)
  const isLed = leader !== undefined && unbroken.includes(leader)
  if (isLed) {
    const better = standings.find((standing) => isAhead(standing, known))
    if (better !== undefined) {
      const shown = better.status?.highWatermark ?? 0
      const left = withoutLeader(known, { shown, minInsyncReplicas })
      return { ...left, leaderEpoch: known.leaderEpoch + 1 }
    }
    const isSame = areSameMembers(isr, known.isr)
    const led = isSame ? known : withIsr(known, isr, { minInsyncReplicas, lost })
    return withoutLeaving(led, standings, seen) ?? (isSame ? undefined : led)
  }
  // Some member lacks committed records; only the reports show which.
  if (known.leader === noBroker && known.committed > 0) return undefined
  const able = standings.filter(({ broker }) => memberOf(unbroken, broker) !== undefined)
  const next = able.find(({ broker }) => !seen.isLeaving(broker)) ?? able[0]
  if (next === undefined) {
    if (known.leader === noBroker) return undefined
    return { ...known, leader: noBroker, leaderEpoch: known.leaderEpoch + 1 }
  }
  const { broker } = next
  const left = withIsr(known, isr, { minInsyncReplicas, lost })
  return { ...left, leader: broker, leaderEpoch: known.leaderEpoch + 1 }
}

/**
 * A leader that would be left alone may be dead itself, its session not yet expired. The others
 * then have to stay in the ISR, as they hold what its disk may lose. A living leader removes them
 * at once.
 */
function remaining(
  { isr }: PartitionState,
  { unbroken, lost }: { readonly unbroken: readonly Member[]; readonly lost: readonly BrokerId[] },
): readonly Member[] {
  const whole = isr.filter(({ broker }) => !lost.includes(broker))
  const kept = whole.filter((member) => member.isAwaited || unbroken.includes(member))
  return byBroker(kept.length > 1 ? kept : whole)
}

/** The member's broker lives, but the disk that was in sync is missing or damaged. */
function isLost(member: Member, standing: Standing | undefined): boolean {
  if (standing?.life === undefined) return false
  return standing.life.directory !== member.directory || standing.status?.type === 'damaged'
}

/** An ISR or eligible disk has committed records that the leader lacks. */
function isAhead({ broker, life, status }: Standing, state: PartitionState): boolean {
  if (life === undefined || status === undefined || isFault(status)) return false
  if (status.type !== 'ahead' || !isCurrent(status, life, state)) return false
  const member = memberOf(state.isr, broker) ?? memberOf(state.eligible, broker)
  return member?.directory === life.directory
}
