// What the leader remembers of one follower: the partitions that it follows, how far the leader has
// sent each, and the fetches that wait for news. Only partitions with news are visited, so that
// thousands of quiet ones cost nothing.
//
//   start ─▶ followed ─ appended, moved ─▶ has news ─ end of the turn, a fetch waits ─▶ answer
//              ▲                                                                          │
//              └── acknowledged by a later fetch ◀── durable at the follower ◀────────────┘
//
// Partitions for which the throttle (replication-throttle.ts) has no room are held: they have no news
// until it has.
//
// replica.ts has the records, and is told what a fetch acknowledges. Next on the path: replica-fetcher.ts,
// at the other end.

import type { Clock } from '../../clock.ts'
import { Fifo } from '../../fifo.ts'
import { limits } from '../../limits.ts'
import type { MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { noRecords } from '../../protocol/mq/fetch.ts'
import type { BrokerId, Life, Place } from '../../protocol/mq/messages.ts'
import { forEachBatch, lastOffsetOf, type Offset } from '../../protocol/mq/record-batch.ts'
import type {
  ReplicaFetched,
  ReplicaFetchPartition,
  ReplicaFetchRequest,
} from '../../protocol/mq/replica-fetch.ts'
import type { Turn } from '../../turn.ts'
import { encodeProducers } from '../partition/log-snapshot.ts'
import type { FollowerVerdict } from '../partition/partition.ts'
import { ByteBudget } from './byte-budget.ts'
import { Operation, type Purgatory } from './purgatory.ts'
import type { Replica } from './replica.ts'
import type { ReplicationThrottle, Waiting } from './replication-throttle.ts'

/** The part of a leading replica that its followers' sessions use. */
export type FollowedReplica = Pick<
  Replica,
  | 'topic'
  | 'topicId'
  | 'partition'
  | 'role'
  | 'logEnd'
  | 'highWatermark'
  | 'earliestOffset'
  | 'gapsBelow'
  | 'followerFetched'
  | 'readForFollower'
  | 'waitsFor'
  | 'watch'
>

export interface FollowerSessionOptions {
  readonly follower: BrokerId
  readonly life: Life
  readonly replica: (topic: string, partition: number) => FollowedReplica | undefined
  readonly purgatory: Purgatory
  readonly throttle: ReplicationThrottle
  readonly clock: Clock
  readonly turn: Turn
}

type Respond = (partitions: readonly ReplicaFetched[]) => void

interface Followed {
  readonly replica: FollowedReplica
  /** see `ReplicaFetched` */
  readonly since: number
  /** what it said last */
  asked: ReplicaFetchPartition
  /** Everything before it was sent. */
  next: Offset
  /** as sent last */
  highWatermark: Offset
  logStart: Offset
  readonly unwatch: () => void
}

export class FollowerSession implements Waiting {
  readonly id: number
  readonly life: Life
  readonly #options: FollowerSessionOptions
  /** by topic and partition */
  readonly #followed = new Map<string, Followed>()
  /** may have records, a high watermark or a log start that the follower does not know */
  readonly #news = new Set<Followed>()
  /** the same, but it is held; the one that waits longest first */
  readonly #held = new Set<Followed>()
  #sentMs = 0
  /** partitions that are not followed, and why */
  readonly #refusals: ReplicaFetched[] = []
  /** fetches that wait for news, or have ended, oldest first */
  readonly #waiting = new Fifo<Operation>()
  #nextSequence = 0
  /** there is something to answer */
  #isDue = false
  readonly #answerDue = () => this.#answer()

  constructor(id: number, options: FollowerSessionOptions) {
    this.id = id
    this.life = options.life
    this.#options = options
  }

  /** Whether a fetch is the next one of this session. */
  isNext({ session, sequence }: ReplicaFetchRequest): boolean {
    return session === this.id && sequence === this.#nextSequence
  }

  /** @param request the next one */
  fetch(request: ReplicaFetchRequest, respond: Respond): void {
    const { sequence, maxWaitMs, bytesMax, partitions, forgotten } = request
    this.#nextSequence = sequence + 1
    for (const place of forgotten) this.#forget(nameOf(place))
    for (const asked of partitions) {
      if (asked.isStart) this.#start(asked, sequence)
      else this.#acknowledged(asked)
    }
    this.#wait(respond, { maxWaitMs, bytesMax })
  }

  /** Another session of the follower took its place, or the follower is gone. */
  close(): void {
    for (const { unwatch } of this.#followed.values()) unwatch()
    this.#followed.clear()
    this.#news.clear()
    this.#held.clear()
    this.#options.throttle.leave(this)
    this.#refusals.length = 0
    for (const operation of this.#waiting.takeAll()) operation.finish('calledOff')
  }

  // --- what the follower says --------------------------------------------------------------------

  #start(asked: ReplicaFetchPartition, since: number): void {
    const name = nameOf(asked)
    this.#forget(name)
    const replica = this.#options.replica(asked.topic, asked.partition)
    // The topic was deleted and created again, and one of us does not know it yet.
    if (replica === undefined || replica.topicId !== asked.topicId) {
      this.#refuse(refusal(asked, since, 'UNKNOWN_TOPIC_OR_PARTITION'))
      return
    }
    const verdict = replica.followerFetched(this.#options.follower, this.life, asked)
    if (verdict.type !== 'fine') {
      this.#refuse(answerTo(verdict, asked, { since, logStart: replica.earliestOffset }))
      return
    }
    const followed: Followed = {
      replica,
      since,
      asked,
      next: asked.offset,
      highWatermark: asked.highWatermark,
      logStart: asked.logStart,
      unwatch: replica.watch({
        appended: () => this.#hasNews(followed),
        moved: () => this.#hasMoved(followed),
        // It counts from now on, or no longer; of a quiet partition it will not say it again.
        replicasChanged: () => this.#acknowledged(followed.asked),
        roleEnded: () => this.#roleEnded(name, followed),
      }),
    }
    this.#followed.set(name, followed)
    if (replica.logEnd > followed.next) this.#hasNews(followed)
    this.#hasMoved(followed)
  }

  #acknowledged(asked: ReplicaFetchPartition): void {
    const name = nameOf(asked)
    const followed = this.#followed.get(name)
    if (followed === undefined) return // it was refused, and will start again
    const { replica, since } = followed
    followed.asked = asked
    const verdict = replica.followerFetched(this.#options.follower, this.life, asked)
    if (verdict.type === 'fine') {
      if (this.#held.has(followed) && replica.waitsFor(this.#options.follower)) {
        this.#release(followed)
      }
      return
    }
    if (!this.#forget(name)) return
    this.#refuse(answerTo(verdict, asked, { since, logStart: replica.earliestOffset }))
  }

  /** @returns whether it was followed */
  #forget(name: string): boolean {
    const followed = this.#followed.get(name)
    if (followed === undefined) return false
    followed.unwatch()
    this.#followed.delete(name)
    this.#news.delete(followed)
    this.#held.delete(followed)
    return true
  }

  #refuse(refused: ReplicaFetched): void {
    this.#refusals.push(refused)
    this.#answerSoon()
  }

  // --- news --------------------------------------------------------------------------------------

  #hasNews(followed: Followed): void {
    if (this.#held.has(followed)) return
    this.#news.add(followed)
    this.#answerSoon()
  }

  /** Consumers may read from the follower what is committed: it learns so at once. */
  #hasMoved(followed: Followed): void {
    const { replica, highWatermark, logStart } = followed
    if (replica.highWatermark > highWatermark || replica.earliestOffset > logStart) {
      this.#hasNews(followed)
    }
  }

  #roleEnded(name: string, { replica, since, next: offset }: Followed): void {
    this.#forget(name)
    const { topic, partition } = replica
    const code = replica.role.type === 'leading' ? 'FENCED_LEADER_EPOCH' : 'NOT_LEADER_OR_FOLLOWER'
    this.#refuse(refusal({ topic, partition, offset }, since, code))
  }

  #answerSoon(): void {
    this.#isDue = true
    if (this.#waiting.length > 0) this.#options.turn.seal(this.#answerDue)
  }

  // --- what is held -----------------------------------------------------------------------------

  /** See `ReplicationThrottle.room`. */
  #room({ replica }: Followed): number {
    const { throttle, follower } = this.#options
    if (!throttle.isOn || replica.waitsFor(follower)) return Number.POSITIVE_INFINITY
    return throttle.room(replica, follower)
  }

  #hold(followed: Followed): void {
    this.#news.delete(followed)
    this.#held.add(followed)
    this.#options.throttle.wait(this)
  }

  #release(followed: Followed): void {
    this.#held.delete(followed)
    this.#hasNews(followed)
  }

  /** An answer would be empty if all that has news were held. */
  #holdBack(): void {
    if (!this.#options.throttle.isOn) return
    for (const followed of this.#news) if (this.#room(followed) === 0) this.#hold(followed)
    if (this.#news.size === 0 && this.#refusals.length === 0) this.#isDue = false
  }

  /** For the throttle: when something that it limits was sent last. */
  get sentMs(): number {
    return this.#sentMs
  }

  /** For the throttle. */
  lookAgain(): void {
    for (const followed of this.#held) if (this.#room(followed) > 0) this.#release(followed)
    if (this.#held.size > 0) this.#options.throttle.wait(this)
  }

  // --- answers -----------------------------------------------------------------------------------

  #wait(
    respond: Respond,
    { maxWaitMs, bytesMax }: Pick<ReplicaFetchRequest, 'maxWaitMs' | 'bytesMax'>,
  ): void {
    const { purgatory, clock, turn } = this.#options
    const operation = new Operation((ending) => {
      respond(ending === 'calledOff' ? [] : this.#takeNews(bytesMax))
    })
    if (maxWaitMs === 0) {
      operation.finish('reached')
      return
    }
    purgatory.expireAt(operation, clock.nowMs() + Math.min(maxWaitMs, limits.fetchWaitMsMax))
    this.#waiting.push(operation)
    if (this.#waiting.length > limits.replicaFetchesMax) this.#answerOldest()
    if (this.#isDue) turn.seal(this.#answerDue)
  }

  /** One answer at a time: the next fetch brings the next one. */
  #answer(): void {
    this.#holdBack()
    if (this.#isDue) this.#answerOldest()
  }

  #answerOldest(): void {
    while (this.#waiting.head?.isOver === true) this.#waiting.shift()
    this.#waiting.shift()?.finish('reached')
  }

  #takeNews(bytesMax: number): readonly ReplicaFetched[] {
    const answer = this.#refusals.splice(0)
    const budget = new ByteBudget(bytesMax)
    const rest: Followed[] = []
    for (const followed of this.#news) {
      const { replica, since, next: offset } = followed
      if (offset < replica.earliestOffset) {
        // It was removed before it was sent: the follower starts again, and begins anew.
        const { topic, partition } = replica
        this.#forget(nameOf(replica))
        answer.push(refusal({ topic, partition, offset }, since, 'OFFSET_OUT_OF_RANGE'))
        continue
      }
      const room = this.#room(followed)
      if (room === 0) {
        this.#hold(followed)
        continue
      }
      const fetched = this.#read(followed, budget, room)
      if (fetched !== undefined) answer.push(fetched)
      if (followed.next < followed.replica.logEnd) rest.push(followed)
    }
    this.#news.clear()
    for (const followed of rest) this.#news.add(followed)
    this.#isDue = rest.length > 0
    return answer
  }

  /** undefined: there is no news, or no room for it. */
  #read(followed: Followed, budget: ByteBudget, room: number): ReplicaFetched | undefined {
    const { replica, since, next: offset } = followed
    const records = budget.take(limits.fetchBytesMax, (bytesMax) => {
      if (offset >= replica.logEnd) return noRecords
      return replica.readForFollower(offset, Math.min(bytesMax, room)).records
    })
    if (records.length > 0 && room < Number.POSITIVE_INFINITY) {
      this.#options.throttle.sent(replica, this.#options.follower, records.length)
      this.#sentMs = this.#options.clock.nowMs()
    }
    const { topic, partition, highWatermark, earliestOffset: logStart, gapsBelow } = replica
    const hasMoved = highWatermark > followed.highWatermark || logStart > followed.logStart
    if (records.length === 0 && !hasMoved) return undefined
    forEachBatch(records, (at) => {
      followed.next = lastOffsetOf(records, at) + 1
    })
    followed.highWatermark = highWatermark
    followed.logStart = logStart
    return {
      topic,
      partition,
      since,
      offset,
      code: 'NONE',
      diverging: undefined,
      anew: undefined,
      gapsBelow,
      highWatermark,
      logStart,
      records,
    }
  }
}

function nameOf({ topic, partition }: Place): string {
  return `${topic}/${partition}`
}

/** To a position that is not fine. */
function answerTo(
  verdict: Exclude<FollowerVerdict, { readonly type: 'fine' }>,
  asked: Asked,
  { since, logStart }: { readonly since: number; readonly logStart: Offset },
): ReplicaFetched {
  switch (verdict.type) {
    case 'refused':
      return refusal(asked, since, verdict.code)
    case 'behind':
      return refusal(asked, since, 'NOT_LEADER_OR_FOLLOWER')
    case 'diverging': {
      const { epoch, endOffset } = verdict
      // biome-ignore lint/plugin/noObjectSpread: logs diverge rarely
      return { ...refusal(asked, since, 'NONE'), diverging: { epoch, endOffset }, logStart }
    }
    case 'below start': {
      const { beginning } = verdict
      const anew = {
        baseEpoch: beginning.baseEpoch,
        producers: encodeProducers(beginning.producers),
      }
      // biome-ignore lint/plugin/noObjectSpread: logs begin anew rarely
      return { ...refusal(asked, since, 'NONE'), anew, logStart: beginning.logStart }
    }
  }
}

type Asked = Pick<ReplicaFetchPartition, 'topic' | 'partition' | 'offset'>

function refusal(
  { topic, partition, offset }: Asked,
  since: number,
  code: MqErrorCode,
): ReplicaFetched {
  return {
    topic,
    partition,
    since,
    offset,
    code,
    diverging: undefined,
    anew: undefined,
    gapsBelow: 0,
    highWatermark: 0,
    logStart: 0,
    records: noRecords,
  }
}
