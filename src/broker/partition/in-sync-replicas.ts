// What the leader of a partition knows about its replicas: how far each one's log is durable, and
// in which life of its broker; which replicas are in sync (the ISR); and the high watermark, the
// offset up to which all of them have the log. The high watermark never decreases.
//
//   leader    ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓  log end
//   in sync   ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓
//   lagging   ▓▓▓▓▓▓▓▓ ▲
//                      └ high watermark: consumers see what lies before it, acks=all waits for it
//
// The ISR is kept in a znode and changed by a conditional write. While a write is in flight the
// leader cannot know which of the two ISRs is in force, so a record counts as committed only when
// the members of both have it. The high watermark also waits for a replica that has caught up and
// is about to join: under load it would otherwise be ahead of that replica at every fetch. With an
// ISR smaller than min.insync.replicas the high watermark stands still, so what it covers is always
// on that many disks. It also stands still while the znode names eligible replicas, which may be
// elected later on: without them nothing is committed. When min.insync.replicas is lowered, or the
// controller knows another value of it, they leave the znode first.
//
// A disk is in sync, not a broker: an ISR entry names the directory and the life that fetched, and
// a fetch by another life does not count towards that entry.
//
// Replicas come and go while a partition is being reassigned. One that is made joins like any other
// follower, by fetching; a member of the ISR counts for as long as the ISR in force names it.
// Source: Kafka's Partition.maybeIncrementLeaderHW, maybeExpandIsr, maybeShrinkIsr (3.9).
// Next on the path: replication/progress.ts.

import { invariant } from '../../invariant.ts'
import type { BrokerId, Life } from '../../protocol/mq/messages.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'
import {
  areSameMembers,
  byBroker,
  isSameLife,
  type Member,
  type PartitionState,
} from './partition-state.ts'

interface Follower {
  /** the life that fetched last; undefined before the first fetch from this leader */
  life: Life | undefined
  /**
   * durable end of its log according to its last fetch; -1 before its first fetch from this leader
   */
  end: Offset
  /** of its log according to its last fetch; -1 before */
  logStart: Offset
  /** when it last had everything that the leader had */
  caughtUpMs: number
  /**
   * the leader's log end at a fetch, and the time of that fetch: once the follower reaches that end, it
   * had caught up at that time
   */
  leaderEndThen: Offset
  fetchedMs: number
}

interface ReplicasOptions {
  /** the leader's own entry in the ISR */
  readonly self: Member
  readonly replicas: readonly BrokerId[]
  readonly isr: readonly Member[]
  /** whether the znode names eligible replicas */
  readonly hasEligible: boolean
  readonly highWatermark: Offset
  /**
   * log end when this leader's epoch began: a log that reaches it has all earlier epochs' records
   */
  readonly epochStart: Offset
  readonly minInsyncReplicas: number
  readonly lagTimeMsMax: number
  readonly nowMs: number
}

interface FollowerFetch {
  readonly life: Life
  /** everything before it is on the follower's disk */
  readonly end: Offset
  readonly logStart: Offset
  readonly leaderEnd: Offset
  readonly nowMs: number
}

type Promised = Pick<PartitionState, 'isr' | 'eligible'>
type Members = ReadonlyMap<BrokerId, Member>

export class InSyncReplicas {
  readonly #options: ReplicasOptions
  #replicas: readonly BrokerId[]
  readonly #followers = new Map<BrokerId, Follower>()
  #isr: Members
  #hasEligible: boolean
  #minInsyncReplicas: number
  /** the ISR that the write in flight would set */
  #proposed: Members | undefined
  #ownEnd: Offset = -1
  #ownStart: Offset = 0
  #highWatermark: Offset

  constructor(options: ReplicasOptions) {
    this.#options = options
    this.#replicas = options.replicas
    this.#isr = mapOf(options.isr)
    this.#hasEligible = options.hasEligible
    this.#minInsyncReplicas = options.minInsyncReplicas
    this.#highWatermark = options.highWatermark
    this.#matchFollowers(options.nowMs)
  }

  /** The partition's replicas have changed. @returns whether the high watermark moved */
  setReplicas(replicas: readonly BrokerId[], nowMs: number): boolean {
    this.#replicas = replicas
    this.#matchFollowers(nowMs)
    return this.#maybeAdvance(nowMs)
  }

  /** Keeps a follower for each replica, and for each member of the ISR in force or in flight. */
  #matchFollowers(nowMs: number): void {
    const members = [...this.#isr.keys(), ...(this.#proposed?.keys() ?? [])]
    const wanted = new Set([...this.#replicas, ...members])
    wanted.delete(this.#options.self.broker)
    for (const id of this.#followers.keys()) if (!wanted.has(id)) this.#followers.delete(id)
    for (const id of wanted) {
      if (this.#followers.has(id)) continue
      // Members of the ISR get the whole lag time to fetch from the new leader.
      const caughtUpMs = this.#isr.has(id) ? nowMs : Number.NEGATIVE_INFINITY
      this.#followers.set(id, saidNothing(undefined, caughtUpMs))
    }
  }

  get highWatermark(): Offset {
    return this.#highWatermark
  }

  get isr(): readonly Member[] {
    return byBroker(this.#isr.values())
  }

  /** Whether a produce request with acks=all may be accepted. */
  get enough(): boolean {
    return this.#isr.size >= this.#minInsyncReplicas && !this.#hasEligible
  }

  /** @returns whether the high watermark moved */
  setMinInsyncReplicas(minInsyncReplicas: number, nowMs: number): boolean {
    this.#minInsyncReplicas = minInsyncReplicas
    return this.#maybeAdvance(nowMs)
  }

  /**
   * Everything before it is removed from the logs of all that are in sync. 0 while these are too few:
   * a replica that left could lead, and would show it again.
   */
  get lowWatermark(): Offset {
    if (!this.enough) return 0
    let low = this.#ownStart
    for (const [id, follower] of this.#followers) {
      if (this.#isr.has(id) || this.#proposed?.has(id)) low = Math.min(low, follower.logStart)
    }
    return low
  }

  /** The leader's own log begins at `logStart`. */
  ownLogStarts(logStart: Offset): void {
    this.#ownStart = logStart
  }

  /** The leader's own log is durable up to `end`. @returns whether the high watermark moved */
  ownLogDurable(end: Offset, nowMs: number): boolean {
    this.#ownEnd = Math.max(this.#ownEnd, end)
    return this.#maybeAdvance(nowMs)
  }

  /** @returns whether the high watermark moved */
  followerFetched(id: BrokerId, { life, end, logStart, leaderEnd, nowMs }: FollowerFetch): boolean {
    const follower = this.#inLife(id, life)
    if (follower === undefined) return false
    if (end >= leaderEnd) follower.caughtUpMs = nowMs
    // Several fetches may follow before the follower reaches the end that the leader had at one.
    if (end >= follower.leaderEndThen) {
      follower.caughtUpMs = Math.max(follower.caughtUpMs, follower.fetchedMs)
      follower.leaderEndThen = leaderEnd
      follower.fetchedMs = nowMs
    }
    follower.end = end
    follower.logStart = logStart
    return this.#maybeAdvance(nowMs)
  }

  /**
   * The leader is about to append at its log end. A follower of a quiet partition says nothing of it,
   * and has had everything until now.
   */
  leaderAppends(leaderEnd: Offset, nowMs: number): void {
    for (const follower of this.#followers.values()) {
      if (follower.end === leaderEnd) follower.caughtUpMs = nowMs
    }
  }

  /** What a follower had in an earlier life does not show what it has in this one. */
  #inLife(id: BrokerId, life: Life): Follower | undefined {
    const known = this.#followers.get(id)
    if (known === undefined) return undefined
    if (known.life !== undefined && isSameLife(known.life, life)) return known
    const hasTime = known.life === undefined || this.#isr.get(id)?.isAwaited === true
    const caughtUpMs = hasTime ? known.caughtUpMs : Number.NEGATIVE_INFINITY
    const begun = saidNothing(life, caughtUpMs)
    this.#followers.set(id, begun)
    return begun
  }

  /**
   * Its process ended: its last fetch no longer counts towards joining until it fetches again. Of a
   * quiet partition it said nothing for long, and has had everything until now: it lags from now on.
   */
  followerGone(id: BrokerId, leaderEnd: Offset, nowMs: number): void {
    const follower = this.#followers.get(id)
    if (follower === undefined) return
    const { life, fetchedMs, end } = follower
    const isAwaited = this.#isr.get(id)?.isAwaited === true
    const hasFetched = fetchedMs > Number.NEGATIVE_INFINITY
    const hadAll = end === leaderEnd ? nowMs : follower.caughtUpMs
    const caughtUpMs = isAwaited || hasFetched ? hadAll : Number.NEGATIVE_INFINITY
    this.#followers.set(id, saidNothing(life, caughtUpMs))
  }

  /**
   * The life that the ISR names is over: the member leaves at once, unless a later life of its
   * broker has caught up by now.
   */
  memberGone({ broker, brokerEpoch, directory }: Member): void {
    const [named, follower] = [this.#isr.get(broker), this.#followers.get(broker)]
    if (named === undefined || follower === undefined || named.isAwaited) return
    if (!isSameLife(named, { brokerEpoch, directory })) return
    if (follower.life !== undefined && !isSameLife(follower.life, named)) return
    this.#followers.set(broker, saidNothing(follower.life, Number.NEGATIVE_INFINITY))
  }

  /**
   * The ISR as it should be, if it, or the list of eligible replicas, should change and no change is
   * in flight. The returned change is in flight until `settled`.
   */
  propose(leaderEnd: Offset, nowMs: number): readonly Member[] | undefined {
    if (this.#proposed !== undefined) return undefined
    const wanted = [this.#options.self]
    for (const [id, follower] of this.#followers) {
      const member = this.#entryOf(id, follower, leaderEnd, nowMs)
      if (member !== undefined) wanted.push(member)
    }
    const mayDropEligible = this.#hasEligible && wanted.length >= this.#minInsyncReplicas
    if (areSameMembers(wanted, this.isr) && !mayDropEligible) return undefined
    this.#proposed = mapOf(wanted)
    return byBroker(wanted)
  }

  /** The follower's entry in the wanted ISR; undefined: it should have none. */
  #entryOf(id: BrokerId, follower: Follower, leaderEnd: Offset, nowMs: number): Member | undefined {
    const named = this.#isr.get(id)
    const { life } = follower
    const isAwaited = named?.isAwaited === true
    const keepsPromise = life === undefined || (named !== undefined && isSameLife(named, life))
    const lags = this.#lags(follower, leaderEnd, nowMs)
    if (!isAwaited && keepsPromise) return lags ? undefined : named
    if (life !== undefined && this.#mayJoin(follower)) {
      const { directory, brokerEpoch } = life
      return { broker: id, directory, brokerEpoch, isAwaited: false }
    }
    return isAwaited && !lags ? named : undefined
  }

  /**
   * This state is in force, even if it is not the proposed one; no write is in flight.
   *
   * @returns whether the high watermark moved
   */
  settled({ isr, eligible }: Promised, nowMs: number): boolean {
    this.#isr = mapOf(isr)
    this.#hasEligible = eligible.length > 0
    this.#proposed = undefined
    this.#matchFollowers(nowMs)
    return this.#maybeAdvance(nowMs)
  }

  #lags(follower: Follower, leaderEnd: Offset, nowMs: number): boolean {
    return follower.end !== leaderEnd && nowMs - follower.caughtUpMs > this.#options.lagTimeMsMax
  }

  /** What was removed from the logs that are in sync must not return with another. */
  #mayJoin({ end, logStart }: Follower): boolean {
    if (logStart < this.#ownStart) return false
    return end >= this.#highWatermark && end >= this.#options.epochStart
  }

  /**
   * Whether the high watermark waits for this replica, or would be waiting for one more in sync: what
   * holds the replica back holds produce requests back.
   */
  waitsFor(id: BrokerId, nowMs: number): boolean {
    const follower = this.#followers.get(id)
    if (follower === undefined) return false
    if (!this.enough || this.#isr.has(id) || this.#proposed?.has(id)) return true
    return this.#isAboutToJoin(follower, nowMs)
  }

  #isAboutToJoin(follower: Follower, nowMs: number): boolean {
    if (follower.end < this.#options.epochStart) return false
    return nowMs - follower.caughtUpMs <= this.#options.lagTimeMsMax
  }

  #maybeAdvance(nowMs: number): boolean {
    if (!this.enough) return false
    let end = this.#ownEnd
    for (const [id, follower] of this.#followers) {
      for (const members of [this.#isr, this.#proposed]) {
        const named = members?.get(id)
        if (named !== undefined) end = Math.min(end, endOf(named, follower))
      }
      if (this.#isAboutToJoin(follower, nowMs)) end = Math.min(end, follower.end)
    }
    if (end <= this.#highWatermark) return false
    invariant(end <= this.#ownEnd, 'the leader has what is committed')
    this.#highWatermark = end
    return true
  }
}

/** -1 for a disk that has not fetched: what it has is unknown. */
function endOf(named: Member, { life, end }: Follower): Offset {
  return life?.directory === named.directory ? end : -1
}

function saidNothing(life: Life | undefined, caughtUpMs: number): Follower {
  const fetchedMs = Number.NEGATIVE_INFINITY
  return { life, end: -1, logStart: -1, caughtUpMs, leaderEndThen: -1, fetchedMs }
}

function mapOf(members: readonly Member[]): Members {
  return new Map(members.map((member) => [member.broker, member]))
}
