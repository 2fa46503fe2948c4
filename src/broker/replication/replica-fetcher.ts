// Keeps the replicas that follow one leader up to date, with one long-polled fetch at a time for
// all of them. The records of an answer are durable before the next fetch acknowledges them.
//
//   ┌▶ ask (offset, last epoch, high watermark of each) ═▶ leader waits for news ═▶ answer ─┐
//   └──── durable ◀── append, or truncate where the logs diverge ◀──────────────────────────┘
//
// Source: Kafka's AbstractFetcherThread; truncation as in Fetch v12 (KIP-595's diverging epoch).

import type { Clock } from '../../clock.ts'
import { limits } from '../../limits.ts'
import type { Logger } from '../../logger.ts'
import type { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { BrokerId, Life } from '../../protocol/mq/messages.ts'
import type { ReplicaFetched, ReplicaFetchPartition } from '../../protocol/mq/replica-fetch.ts'
import { decodeProducers } from '../partition/log-snapshot.ts'
import type { BrokerLinks } from './broker-links.ts'
import type { Replica } from './replica.ts'

/** How long the leader waits for new records before it sends an empty answer. */
const maxWaitMs = 500
/**
 * If the answer is later than that by this much, the fetch is repeated, perhaps over a new link.
 */
const patienceMs = 1500
/** After an error; perhaps the leader has not yet learned that it leads. */
const retryMs = 30

/** The part of a replica that its fetcher uses. */
type FollowingReplica = Pick<
  Replica,
  | 'appendFetched'
  | 'beginAnew'
  | 'leaderEpoch'
  | 'mayFetch'
  | 'partition'
  | 'position'
  | 'topic'
  | 'truncate'
  | 'whenDurable'
>

interface ReplicaFetcherOptions {
  readonly leader: BrokerId
  readonly links: Pick<BrokerLinks, 'call'>
  /** this broker's life; undefined while it is not registered */
  readonly life: () => Life | undefined
  readonly clock: Clock
  readonly log: Logger
}

export class ReplicaFetcher {
  readonly #options: ReplicaFetcherOptions
  #replicas: readonly FollowingReplica[] = []
  /** the replicas of the latest fetch */
  #asked: ReadonlySet<FollowingReplica> = new Set()
  /** the leader epochs in which they follow */
  #epochs = ''
  /** when a replica whose last answer was an error may fetch again */
  readonly #retryAtMs = new Map<FollowingReplica, number>()
  /** The answer to an older round is dropped: a newer fetch covers its replicas. */
  #round = 0
  #cancelRetry: (() => void) | undefined

  constructor(options: ReplicaFetcherOptions) {
    this.#options = options
  }

  /** Fetches for these replicas from now on; a change replaces the fetch in flight. */
  setReplicas(replicas: readonly FollowingReplica[]): void {
    const epochs = replicas.map((replica) => replica.leaderEpoch).join()
    const isSame = replicas.length === this.#replicas.length && epochs === this.#epochs
    if (isSame && replicas.every((replica, i) => replica === this.#replicas[i])) return
    this.#replicas = replicas
    this.#epochs = epochs
    this.#retryAtMs.clear()
    this.#begin()
  }

  stop(): void {
    this.setReplicas([])
  }

  #begin(): void {
    this.#round += 1
    const ready = this.#ready()
    this.#asked = new Set(ready)
    this.#lookAgainLater()
    if (ready.length > 0) void this.#fetch(ready, this.#round)
  }

  #ready(): readonly FollowingReplica[] {
    const nowMs = this.#options.clock.nowMs()
    return this.#replicas.filter(
      (replica) => replica.mayFetch && (this.#retryAtMs.get(replica) ?? 0) <= nowMs,
    )
  }

  #lookAgainLater(): void {
    this.#cancelRetry?.()
    const isComplete = this.#asked.size === this.#replicas.length
    this.#cancelRetry = isComplete
      ? undefined
      : this.#options.clock.after(retryMs, () => this.#lookAgain())
  }

  /**
   * Replaces the fetch in flight only when a replica that had to wait is ready. If it were replaced
   * every `retryMs` for replicas that still wait, an answer that takes longer would never be used.
   */
  #lookAgain(): void {
    if (this.#ready().some((replica) => !this.#asked.has(replica))) this.#begin()
    else this.#lookAgainLater()
  }

  async #fetch(replicas: readonly FollowingReplica[], round: number): Promise<void> {
    const { leader, links } = this.#options
    const life = this.#options.life()
    if (life === undefined) return // the next session calls `setReplicas`
    const partitions = replicas.map((replica) => replica.position())
    const bytesMax = limits.fetchBytesMax
    const request = { type: 'replicaFetch', life, maxWaitMs, bytesMax, partitions } as const
    try {
      const answer = await links.call(leader, request, maxWaitMs + patienceMs)
      if (round !== this.#round) return
      const taken = answer.partitions.map((fetched, i) => {
        const [replica, asked] = [replicas[i], partitions[i]]
        const isOurs = replica?.topic === fetched.topic && replica.partition === fetched.partition
        return isOurs && asked !== undefined ? this.#take(replica, fetched, asked) : null
      })
      await Promise.all(taken)
    } catch (error) {
      if (round !== this.#round) return
      this.#failed(replicas, error as BrokerError)
    }
    if (round === this.#round) this.#begin()
  }

  async #take(
    replica: FollowingReplica,
    fetched: ReplicaFetched,
    asked: ReplicaFetchPartition,
  ): Promise<void> {
    if (!replica.mayFetch || replica.leaderEpoch !== asked.leaderEpoch) return
    if (fetched.code !== 'NONE') {
      const { topic, partition, code } = fetched
      this.#options.log.debug({ topic, partition, code }, 'The leader refused a fetch')
      this.#retryLater(replica)
    } else if (fetched.diverging !== undefined) {
      await replica.truncate(fetched.diverging, fetched.logStart)
    } else if (fetched.anew !== undefined) {
      const { logStart, anew } = fetched
      const producers = decodeProducers(anew.producers)
      await replica.beginAnew({ logStart, baseEpoch: anew.baseEpoch, producers })
    } else {
      if (!replica.appendFetched(fetched, asked)) {
        const { topic, partition } = fetched
        this.#options.log.warn({ topic, partition }, 'Dropped records that do not continue a log')
        this.#retryLater(replica)
      }
      await replica.whenDurable()
    }
  }

  #failed(replicas: readonly FollowingReplica[], error: BrokerError): void {
    const { leader, log } = this.#options
    log.debug({ leader, code: error.code, err: error.message }, 'Could not fetch from a leader')
    for (const replica of replicas) this.#retryLater(replica)
  }

  #retryLater(replica: FollowingReplica): void {
    this.#retryAtMs.set(replica, this.#options.clock.nowMs() + retryMs)
  }
}
