// What the leader of a partition knows of its replicas: how far each one's log is durable, who is in
// sync (the ISR), and the offset that all of those have, the high watermark. It never goes back.
//
//   leader    ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓  log end
//   in sync   ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓
//   lagging   ▓▓▓▓▓▓▓▓ ▲
//                      └ high watermark: consumers see what lies before it, acks=all waits for it
//
// The ISR lives in a znode, and a change of it is a conditional write. While one is in flight nobody
// knows which of the two ISRs is in force, so both must have what counts as committed: the larger
// set is used. A replica that has caught up and is about to join is waited for as well, or under load
// it would find the high watermark ahead of it each time it comes. Below min.insync.replicas the high
// watermark stands still, so what it covers is always on that many disks.
// Source: Kafka's Partition.maybeIncrementLeaderHW, maybeExpandIsr, maybeShrinkIsr (3.9).

import { invariant } from '../../invariant.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'

interface Follower {
  /** durable end of its log as it said last; -1 until it has said so to this leader */
  end: Offset
  /** when it last had everything that the leader had */
  caughtUpMs: number
  /** the leader's log end when it fetched last, and when that was */
  leaderEndThen: Offset
  fetchedMs: number
}

export interface ReplicasOptions {
  readonly self: BrokerId
  readonly replicas: readonly BrokerId[]
  readonly isr: readonly BrokerId[]
  readonly highWatermark: Offset
  /** log end when this leader's epoch began: who has that has every earlier epoch's records */
  readonly epochStart: Offset
  readonly minInsyncReplicas: number
  readonly lagTimeMsMax: number
  readonly nowMs: number
}

export class InSyncReplicas {
  readonly #options: ReplicasOptions
  readonly #followers = new Map<BrokerId, Follower>()
  #isr: ReadonlySet<BrokerId>
  /** the ISR that a write in flight would make */
  #proposed: ReadonlySet<BrokerId> | undefined
  #ownEnd: Offset = -1
  #highWatermark: Offset

  constructor(options: ReplicasOptions) {
    this.#options = options
    this.#isr = new Set(options.isr)
    this.#highWatermark = options.highWatermark
    for (const id of options.replicas) {
      if (id === options.self) continue
      // Those in sync get the whole lag time to show up at their new leader.
      const caughtUpMs = this.#isr.has(id) ? options.nowMs : Number.NEGATIVE_INFINITY
      const fetchedMs = Number.NEGATIVE_INFINITY
      this.#followers.set(id, { end: -1, caughtUpMs, leaderEndThen: -1, fetchedMs })
    }
  }

  get highWatermark(): Offset {
    return this.#highWatermark
  }

  get isr(): readonly BrokerId[] {
    return sorted(this.#isr)
  }

  /** Whether a produce with acks=all may be taken. */
  get enough(): boolean {
    return this.#isr.size >= this.#options.minInsyncReplicas
  }

  /** The leader's own log is durable up to `end`. @returns whether the high watermark moved */
  ownLogDurable(end: Offset, nowMs: number): boolean {
    this.#ownEnd = Math.max(this.#ownEnd, end)
    return this.#maybeAdvance(nowMs)
  }

  /**
   * A follower fetched from `end`: all before it is on its disk.
   *
   * @returns whether the high watermark moved
   */
  followerFetched(
    id: BrokerId,
    { end, leaderEnd, nowMs }: { end: Offset; leaderEnd: Offset; nowMs: number },
  ): boolean {
    const follower = this.#followers.get(id)
    if (follower === undefined) return false
    if (end >= leaderEnd) follower.caughtUpMs = nowMs
    else if (end >= follower.leaderEndThen) {
      follower.caughtUpMs = Math.max(follower.caughtUpMs, follower.fetchedMs)
    }
    follower.end = end
    follower.leaderEndThen = leaderEnd
    follower.fetchedMs = nowMs
    return this.#maybeAdvance(nowMs)
  }

  /** Its process ended: what it said no longer counts for joining until it says it again. */
  followerGone(id: BrokerId): void {
    const follower = this.#followers.get(id)
    if (follower === undefined) return
    follower.end = -1
    follower.leaderEndThen = -1
    follower.caughtUpMs = Math.min(follower.caughtUpMs, follower.fetchedMs)
    follower.fetchedMs = Number.NEGATIVE_INFINITY
  }

  /**
   * The ISR as it should be, if it should change and no change is in flight; from here on one is,
   * until `settled`.
   */
  propose(leaderEnd: Offset, nowMs: number): readonly BrokerId[] | undefined {
    if (this.#proposed !== undefined) return undefined
    const wanted = new Set([this.#options.self])
    for (const [id, follower] of this.#followers) {
      const belongs = this.#isr.has(id)
        ? !this.#lags(follower, leaderEnd, nowMs)
        : this.#mayJoin(follower)
      if (belongs) wanted.add(id)
    }
    if (wanted.size === this.#isr.size && [...wanted].every((id) => this.#isr.has(id))) {
      return undefined
    }
    this.#proposed = wanted
    return sorted(wanted)
  }

  /**
   * This ISR is in force, whoever wrote it; nothing is in flight any more.
   *
   * @returns whether the high watermark moved
   */
  settled(isr: readonly BrokerId[], nowMs: number): boolean {
    this.#isr = new Set(isr)
    this.#proposed = undefined
    return this.#maybeAdvance(nowMs)
  }

  #lags(follower: Follower, leaderEnd: Offset, nowMs: number): boolean {
    return follower.end !== leaderEnd && nowMs - follower.caughtUpMs > this.#options.lagTimeMsMax
  }

  #mayJoin({ end }: Follower): boolean {
    return end >= this.#highWatermark && end >= this.#options.epochStart
  }

  #isAboutToJoin(follower: Follower, nowMs: number): boolean {
    if (follower.end < this.#options.epochStart) return false
    return nowMs - follower.caughtUpMs <= this.#options.lagTimeMsMax
  }

  #maybeAdvance(nowMs: number): boolean {
    if (!this.enough) return false
    let end = this.#ownEnd
    for (const [id, follower] of this.#followers) {
      const counts =
        this.#isr.has(id) ||
        this.#proposed?.has(id) === true ||
        this.#isAboutToJoin(follower, nowMs)
      if (counts) end = Math.min(end, follower.end)
    }
    if (end <= this.#highWatermark) return false
    invariant(end <= this.#ownEnd, 'the leader has what is committed')
    this.#highWatermark = end
    return true
  }
}

function sorted(ids: ReadonlySet<BrokerId>): readonly BrokerId[] {
  return [...ids].sort((a, b) => a - b)
}
