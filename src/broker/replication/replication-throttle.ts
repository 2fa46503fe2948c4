// Limits the bytes per second that replicas which catch up take from a broker that leads, so that a
// reassignment leaves room for everything else (KIP-73). A rate of the leader's broker and one of the
// follower's apply, each to the replicas that the topic lists for it:
//
//   broker   leader.replication.throttled.rate      ◀ topic  leader.replication.throttled.replicas
//            follower.replication.throttled.rate    ◀        follower.replication.throttled.replicas
//
// The leader holds for both. Every broker knows all rates, lists and ISRs from the znodes, so nothing
// has to be agreed on, and the follower gets no bytes that it would have to drop. The rate of a follower
// is divided by the leaders from which it catches up.
//
// A replica for which the high watermark waits is never held, nor are its bytes counted: the latency of
// acks=all does not depend on the throttle. In Kafka such bytes use the quota up.
//
// The sessions of followers (follower-session.ts) ask for room before they read, and are told to look
// again while something of theirs is held.

import type { Clock } from '../../clock.ts'
import { type BrokerId, noBroker, type Place } from '../../protocol/mq/messages.ts'
import type { ClusterImage } from '../cluster/cluster-image.ts'
import { namesReplica } from '../cluster/topic-config.ts'
import { memberOf } from '../partition/partition-state.ts'
import { ReplicationQuota } from './replication-quota.ts'

/** How often what is held is looked at again. */
const lookAgainMs = 100
/** How long the number of a follower's leaders is remembered. */
const sharedMs = 1000

interface ReplicationThrottleOptions {
  readonly self: BrokerId
  readonly image: Pick<ClusterImage, 'configs' | 'topicConfig' | 'topics'>
  readonly clock: Clock
}

/** Holds partitions. */
export interface Waiting {
  /** when something of them was sent last */
  readonly sentMs: number
  /** There may be room for some of them. */
  lookAgain(): void
}

interface Limit {
  readonly quota: ReplicationQuota
  /** bytes per second */
  readonly rate: number
}

export class ReplicationThrottle {
  readonly #options: ReplicationThrottleOptions
  #leading: ReplicationQuota | undefined
  /** by follower */
  readonly #following = new Map<BrokerId, ReplicationQuota>()
  /** by follower: how many brokers share its rate */
  readonly #shares = new Map<BrokerId, { readonly count: number; readonly untilMs: number }>()
  readonly #waiting = new Set<Waiting>()
  #cancelLook: (() => void) | undefined

  constructor(options: ReplicationThrottleOptions) {
    this.#options = options
  }

  /** Whether anything can be held: some broker has a rate. */
  get isOn(): boolean {
    return this.#options.image.configs.hasThrottledRates
  }

  /**
   * @param follower for which the high watermark does not wait
   * @returns bytes that may be sent now, or the first batch if it is larger; 0: the partition is held
   */
  room(place: Place, follower: BrokerId): number {
    const nowMs = this.#options.clock.nowMs()
    let room = Number.POSITIVE_INFINITY
    for (const { quota, rate } of this.#limitsOf(place, follower)) {
      room = Math.min(room, quota.room(rate, nowMs))
    }
    return room
  }

  /** There was room, and these bytes are sent. */
  sent(place: Place, follower: BrokerId, bytes: number): void {
    const nowMs = this.#options.clock.nowMs()
    for (const { quota } of this.#limitsOf(place, follower)) quota.take(bytes, nowMs)
  }

  /** It is told to look again, once. */
  wait(waiting: Waiting): void {
    this.#waiting.add(waiting)
    this.#cancelLook ??= this.#options.clock.after(lookAgainMs, () => this.#look())
  }

  leave(waiting: Waiting): void {
    this.#waiting.delete(waiting)
  }

  close(): void {
    this.#cancelLook?.()
    this.#cancelLook = undefined
    this.#waiting.clear()
  }

  /** The first one takes all the room that there is: it is the one that waits longest. */
  #look(): void {
    this.#cancelLook = undefined
    const inTurn = [...this.#waiting].sort((a, b) => a.sentMs - b.sentMs)
    this.#waiting.clear()
    for (const waiting of inTurn) waiting.lookAgain()
  }

  #limitsOf({ topic, partition }: Place, follower: BrokerId): readonly Limit[] {
    const { self, image, clock } = this.#options
    const { configs } = image
    const config = image.topicConfig(topic)
    const found: Limit[] = []
    const leaders = configs.throttledRate('leader.replication.throttled.rate', self)
    const ofLeader = config['leader.replication.throttled.replicas']
    if (leaders !== undefined && namesReplica(ofLeader, partition, self)) {
      this.#leading ??= new ReplicationQuota(clock.nowMs())
      found.push({ quota: this.#leading, rate: leaders })
    }
    const followers = configs.throttledRate('follower.replication.throttled.rate', follower)
    const ofFollower = config['follower.replication.throttled.replicas']
    if (followers !== undefined && namesReplica(ofFollower, partition, follower)) {
      const rate = followers / this.#leadersOf(follower)
      found.push({ quota: this.#quotaOf(follower), rate })
    }
    return found
  }

  #quotaOf(follower: BrokerId): ReplicationQuota {
    const known = this.#following.get(follower)
    if (known !== undefined) return known
    const quota = new ReplicationQuota(this.#options.clock.nowMs())
    this.#following.set(follower, quota)
    return quota
  }

  #leadersOf(follower: BrokerId): number {
    const nowMs = this.#options.clock.nowMs()
    const known = this.#shares.get(follower)
    if (known !== undefined && nowMs < known.untilMs) return known.count
    const count = leadersFor(follower, this.#options.image)
    this.#shares.set(follower, { count, untilMs: nowMs + sharedMs })
    return count
  }
}

/** From how many brokers a follower fetches throttled partitions without being in sync; at least 1. */
function leadersFor(follower: BrokerId, image: ReplicationThrottleOptions['image']): number {
  const leaders = new Set<BrokerId>()
  for (const { topic, assignment, states } of image.topics.values()) {
    const listed = image.topicConfig(topic)['follower.replication.throttled.replicas']
    if (listed.size === 0) continue
    for (const [partition, { leader, isr }] of states) {
      if (assignment.replicas[partition]?.includes(follower) !== true) continue
      if (!namesReplica(listed, partition, follower)) continue
      if (leader !== noBroker && memberOf(isr, follower) === undefined) leaders.add(leader)
    }
  }
  return Math.max(1, leaders.size)
}
