// Keeps the replicas that follow one leader up to date. Their fetches form a session: a fetch names
// the replicas that start or have acknowledgements to make, an answer those for which the leader has
// news. While much is appended a fetch is always waiting at the leader, so that records come while this
// broker's disk is still busy with those before. After a small answer the next fetch is the one that
// acknowledges it: each answer costs a sync of the disk, so a few records that are appended meanwhile
// had better come in one.
//
//   start at the log end ═▶ the leader has news ═▶ answer ─▶ append, or truncate and start again
//                                                    ├─▶ large: the next fetch, when none is waiting
//                                                    └─▶ durable ─▶ the fetch that acknowledges it
//
// At the other end: follower-session.ts. Next on the path: following.ts. Source: Kafka's
// AbstractFetcherThread; truncation as in Fetch v12 (KIP-595's diverging epoch); several fetches in
// flight as Raft's pipelined AppendEntries; small answers as Nagle's algorithm (RFC 896).

import type { Clock } from '../../clock.ts'
import { limits } from '../../limits.ts'
import type { Logger } from '../../logger.ts'
import type { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { BrokerId, Life, Place } from '../../protocol/mq/messages.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'
import type { ReplicaFetched, ReplicaFetchPartition } from '../../protocol/mq/replica-fetch.ts'
import type { Turn } from '../../turn.ts'
import { decodeProducers } from '../partition/log-snapshot.ts'
import type { BrokerLinks } from './broker-links.ts'
import type { Replica } from './replica.ts'

/** How long the leader waits for news before it sends an empty answer. */
const maxWaitMs = 500
/**
 * If the answer is later than that by this much, the session ends; the next one may use a new link.
 */
const patienceMs = 1500
/** After an error; perhaps the leader has not yet learned that it leads. */
const retryMs = 30

/** The part of a replica that its fetcher uses. */
type FollowingReplica = Pick<
  Replica,
  | 'appendFetched'
  | 'beginAnew'
  | 'durableEnd'
  | 'leaderEpoch'
  | 'logStart'
  | 'mayFollow'
  | 'mayStart'
  | 'partition'
  | 'position'
  | 'role'
  | 'topic'
  | 'truncate'
  | 'watch'
>

interface ReplicaFetcherOptions {
  readonly leader: BrokerId
  readonly links: Pick<BrokerLinks, 'ask'>
  /** this broker's life; undefined while it is not registered */
  readonly life: () => Life | undefined
  /** rises with each call in this life */
  readonly nextSession: () => number
  readonly clock: Clock
  readonly turn: Turn
  readonly log: Logger
}

/** A replica of this fetcher. */
interface Follower {
  readonly replica: FollowingReplica
  readonly unwatch: () => void
  /** in which it follows */
  leaderEpoch: number
  /** sequence of the fetch that started it in this session; undefined: it is to start */
  since: number | undefined
  /** the leader may follow it in this session */
  isKnown: boolean
  /** may start no sooner */
  startAtMs: number
  /** its log is being cut */
  isBusy: boolean
  /** as the leader knows them */
  durableEnd: Offset
  logStart: Offset
}

export class ReplicaFetcher {
  readonly #options: ReplicaFetcherOptions
  readonly #followers = new Map<FollowingReplica, Follower>()
  /** the same by topic and partition, for answers */
  readonly #byName = new Map<string, Follower>()
  /** those that have not started */
  readonly #toStart = new Set<Follower>()
  /** those that have something to acknowledge */
  readonly #progressed = new Set<Follower>()
  #forgotten: Place[] = []
  #session: number | undefined
  #sequence = 0
  /** no session begins sooner */
  #beginAtMs = 0
  /** fetches of this session without an answer */
  #waitingCount = 0
  /** answers with records since the disk completed a sync, and the bytes of these */
  #aheadCount = 0
  #aheadBytes = 0
  #cancelRetry: (() => void) | undefined
  readonly #fetchIfDue = () => this.#maybeFetch()

  constructor(options: ReplicaFetcherOptions) {
    this.#options = options
  }

  /** Fetches for these replicas from now on. */
  setReplicas(replicas: readonly FollowingReplica[]): void {
    const gone = new Map(this.#followers)
    for (const replica of replicas) gone.delete(replica)
    for (const follower of gone.values()) this.#leave(follower)
    for (const replica of replicas) this.#follow(replica)
    this.#maybeFetch()
  }

  /** The leader is not told: the fetcher that follows, if any, begins another session. */
  stop(): void {
    this.#endSession()
    for (const follower of this.#followers.values()) this.#leave(follower)
    this.#lookAgainLater()
  }

  #follow(replica: FollowingReplica): void {
    const known = this.#followers.get(replica)
    if (known !== undefined) {
      if (known.leaderEpoch !== replica.leaderEpoch) this.#startAgain(known)
      return
    }
    const follower: Follower = {
      replica,
      unwatch: replica.watch({
        appended: () => undefined,
        moved: () => this.#moved(follower),
        replicasChanged: () => undefined,
        roleEnded: () => this.#startAgain(follower),
      }),
      leaderEpoch: replica.leaderEpoch,
      since: undefined,
      isKnown: false,
      startAtMs: 0,
      isBusy: false,
      durableEnd: 0,
      logStart: 0,
    }
    this.#followers.set(replica, follower)
    this.#byName.set(nameOf(replica), follower)
    this.#toStart.add(follower)
  }

  #leave(follower: Follower): void {
    const { replica, unwatch, isKnown } = follower
    const { topic, partition } = replica
    if (isKnown) this.#forgotten.push({ topic, partition })
    unwatch()
    this.#acknowledgesNoMore(follower)
    this.#followers.delete(replica)
    this.#byName.delete(nameOf(replica))
    this.#toStart.delete(follower)
  }

  /** What the leader has sent, or will send, is not what it continues with. */
  #startAgain(follower: Follower, startAtMs = 0): void {
    follower.leaderEpoch = follower.replica.leaderEpoch
    this.#acknowledgesNoMore(follower)
    follower.startAtMs = startAtMs
    this.#toStart.add(follower)
    this.#options.turn.seal(this.#fetchIfDue)
  }

  /** What it was sent may never be acknowledged: nothing waits for that. */
  #acknowledgesNoMore(follower: Follower): void {
    follower.since = undefined
    this.#progressed.delete(follower)
    this.#aheadCount = this.#aheadBytes = 0
  }

  /** Something of it is durable that was not before. */
  #moved(follower: Follower): void {
    const { replica, since, durableEnd, logStart } = follower
    if (since === undefined) return
    if (replica.durableEnd === durableEnd && replica.logStart === logStart) return
    this.#aheadCount = this.#aheadBytes = 0
    this.#progressed.add(follower)
    this.#options.turn.seal(this.#fetchIfDue)
  }

  // --- fetches -----------------------------------------------------------------------------------

  #maybeFetch(): void {
    const { clock, life } = this.#options
    const nowMs = clock.nowMs()
    const ourLife = life()
    // Without a life, the next session with ZooWeeper calls `setReplicas`.
    if (ourLife !== undefined && nowMs >= this.#beginAtMs) {
      const starting = this.#starting(nowMs)
      if (this.#isDue(starting)) this.#fetch(ourLife, starting)
    }
    this.#lookAgainLater()
  }

  #starting(nowMs: number): readonly Follower[] {
    const starting: Follower[] = []
    for (const follower of this.#toStart) {
      const { isBusy, startAtMs, replica } = follower
      if (isBusy || nowMs < startAtMs || !replica.mayStart) continue
      // Another fetcher is about to get what follows another leader by now.
      const { role } = replica
      if (role.type === 'following' && role.leader === this.#options.leader) starting.push(follower)
    }
    return starting
  }

  #isDue(starting: readonly Follower[]): boolean {
    if (starting.length > 0) return true
    if (this.#session === undefined) return false
    if (this.#progressed.size > 0 || this.#forgotten.length > 0) return true
    if (this.#waitingCount > 0 || this.#followers.size === 0 || this.#isGathering) return false
    return this.#aheadCount < limits.replicaAnswersAheadMax
  }

  /** The acknowledgement of what came last asks for more. */
  get #isGathering(): boolean {
    return this.#aheadCount > 0 && this.#aheadBytes < limits.replicaGatheredBytesMax
  }

  /** Replicas that may not start yet are looked at again until they may. */
  #lookAgainLater(): void {
    if (this.#toStart.size === 0) {
      this.#cancelRetry?.()
      this.#cancelRetry = undefined
      return
    }
    this.#cancelRetry ??= this.#options.clock.after(retryMs, () => {
      this.#cancelRetry = undefined
      this.#maybeFetch()
    })
  }

  #fetch(life: Life, starting: readonly Follower[]): void {
    const { leader, links, nextSession } = this.#options
    if (this.#session === undefined) {
      this.#session = nextSession()
      this.#sequence = 0
    }
    const session = this.#session
    const sequence = this.#sequence++
    const partitions = this.#positions(starting, sequence)
    const forgotten = this.#forgotten
    this.#forgotten = []
    const bytesMax = limits.fetchBytesMax
    const request = {
      type: 'replicaFetch',
      life,
      session,
      sequence,
      maxWaitMs,
      bytesMax,
      partitions,
      forgotten,
    } as const
    this.#waitingCount += 1
    links.ask(leader, request, maxWaitMs + patienceMs, {
      answered: ({ partitions }) => {
        if (session === this.#session) this.#answered(partitions)
      },
      failed: (error) => {
        if (session === this.#session) this.#failed(error)
      },
    })
  }

  #positions(starting: readonly Follower[], sequence: number): ReplicaFetchPartition[] {
    const partitions: ReplicaFetchPartition[] = []
    for (const follower of this.#progressed) {
      partitions.push(told(follower, follower.replica.position({ isStart: false })))
    }
    this.#progressed.clear()
    for (const follower of starting) {
      this.#toStart.delete(follower)
      follower.leaderEpoch = follower.replica.leaderEpoch
      follower.since = sequence
      follower.isKnown = true
      partitions.push(told(follower, follower.replica.position({ isStart: true })))
    }
    return partitions
  }

  #failed(error: BrokerError): void {
    const { leader, clock, log } = this.#options
    log.debug({ leader, code: error.code, err: error.message }, 'Could not fetch from a leader')
    this.#endSession()
    this.#beginAtMs = clock.nowMs() + retryMs
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
    this.#lookAgainLater()
  }

  #endSession(): void {
    this.#session = undefined
    this.#waitingCount = this.#aheadCount = this.#aheadBytes = 0
    this.#forgotten = []
    for (const follower of this.#followers.values()) {
      follower.isKnown = false
      this.#startAgain(follower)
    }
  }

  // --- answers -----------------------------------------------------------------------------------

  #answered(partitions: readonly ReplicaFetched[]): void {
    this.#waitingCount -= 1
    let bytes = 0
    for (const fetched of partitions) {
      const follower = this.#byName.get(nameOf(fetched))
      if (follower?.since !== fetched.since) continue // it was started again since
      bytes += this.#take(follower, fetched)
    }
    if (bytes > 0) this.#aheadCount += 1
    this.#aheadBytes += bytes
    // Behind the logs, which may sync within this turn: then one fetch is also the acknowledgement.
    this.#options.turn.sync(this.#fetchIfDue)
  }

  /** @returns how many bytes were appended */
  #take(follower: Follower, fetched: ReplicaFetched): number {
    const { replica, leaderEpoch } = follower
    const { code, diverging, anew, logStart } = fetched
    if (!replica.mayFollow || replica.leaderEpoch !== leaderEpoch) {
      this.#startAgain(follower)
    } else if (code !== 'NONE') {
      const { topic, partition } = fetched
      this.#options.log.debug({ topic, partition, code }, 'The leader refused a fetch')
      this.#startLater(follower)
    } else if (diverging !== undefined) {
      void this.#cut(follower, replica.truncate(diverging, logStart))
    } else if (anew !== undefined) {
      const producers = decodeProducers(anew.producers)
      const beginning = { logStart, baseEpoch: anew.baseEpoch, producers }
      void this.#cut(follower, replica.beginAnew(beginning))
    } else return this.#append(follower, fetched)
    return 0
  }

  #append(follower: Follower, fetched: ReplicaFetched): number {
    switch (follower.replica.appendFetched(fetched)) {
      case 'appended':
        return fetched.records.length
      case 'later':
        this.#startAgain(follower)
        return 0
      case 'not next': {
        const { topic, partition } = fetched
        this.#options.log.warn({ topic, partition }, 'Dropped records that do not continue a log')
        this.#startLater(follower)
        return 0
      }
    }
  }

  async #cut(follower: Follower, cutting: Promise<void>): Promise<void> {
    this.#startAgain(follower)
    follower.isBusy = true
    try {
      await cutting
    } catch (err) {
      this.#options.log.debug({ err }, 'Could not cut a log') // the host was told, and stops
    }
    follower.isBusy = false
    this.#maybeFetch()
  }

  #startLater(follower: Follower): void {
    this.#startAgain(follower, this.#options.clock.nowMs() + retryMs)
  }
}

/** The leader knows this from now on. */
function told(follower: Follower, position: ReplicaFetchPartition): ReplicaFetchPartition {
  follower.durableEnd = position.durableEnd
  follower.logStart = position.logStart
  return position
}

function nameOf({ topic, partition }: Place): string {
  return `${topic}/${partition}`
}
