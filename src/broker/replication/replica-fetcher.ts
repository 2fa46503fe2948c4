// Keeps the replicas that follow one leader up to date: one fetch for all of them at a time, long
// polled. What an answer brings is durable before the next fetch says so: a fetch is an ack.
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
import type { ReplicaFetched } from '../../protocol/mq/replica-fetch.ts'
import type { BrokerLinks } from './broker-links.ts'
import type { Replica } from './replica.ts'

/** How long the leader waits for news before it answers with nothing. */
const maxWaitMs = 500
/** A leader that is silent this much longer is asked again, over whatever link there is then. */
const patienceMs = 1500
/** After an error; the leader may not know yet that it is one. */
const retryMs = 30

/** As far as its fetcher is concerned. */
type FollowingReplica = Pick<
  Replica,
  | 'appendFetched'
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
  /** ours; undefined while we are not registered */
  readonly life: () => Life | undefined
  readonly clock: Clock
  readonly log: Logger
}

export class ReplicaFetcher {
  readonly #options: ReplicaFetcherOptions
  #replicas: readonly FollowingReplica[] = []
  /** those of the fetch that was begun last */
  #asked: ReadonlySet<FollowingReplica> = new Set()
  /** in which epochs they follow */
  #epochs = ''
  /** Replicas whose last answer was an error wait until then. */
  readonly #retryAtMs = new Map<FollowingReplica, number>()
  /** The answer of an older round is dropped: its replicas have been asked for anew. */
  #round = 0
  #cancelRetry: (() => void) | undefined

  constructor(options: ReplicaFetcherOptions) {
    this.#options = options
  }

  /** From now on these; if that is new, what is under way is asked again with them. */
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
   * What is in flight is asked again only together with one that had to wait: if it were asked again
   * for those that still wait, an answer that takes longer than that would never be taken.
   */
  #lookAgain(): void {
    if (this.#ready().some((replica) => !this.#asked.has(replica))) this.#begin()
    else this.#lookAgainLater()
  }

  async #fetch(replicas: readonly FollowingReplica[], round: number): Promise<void> {
    const { leader, links } = this.#options
    const life = this.#options.life()
    if (life === undefined) return // the next one begins with new replicas
    const partitions = replicas.map((replica) => replica.position())
    const bytesMax = limits.fetchBytesMax
    const request = { type: 'replicaFetch', life, maxWaitMs, bytesMax, partitions } as const
    try {
      const answer = await links.call(leader, request, maxWaitMs + patienceMs)
      if (round !== this.#round) return
      const taken = answer.partitions.map((fetched, i) => {
        const [replica, asked] = [replicas[i], partitions[i]]
        const isOurs = replica?.topic === fetched.topic && replica.partition === fetched.partition
        return isOurs && asked !== undefined
          ? this.#take(replica, fetched, asked.leaderEpoch)
          : null
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
    leaderEpoch: number,
  ): Promise<void> {
    if (!replica.mayFetch || replica.leaderEpoch !== leaderEpoch) return
    if (fetched.code !== 'NONE') {
      const { topic, partition, code } = fetched
      this.#options.log.debug({ topic, partition, code }, 'The leader refused a fetch')
      this.#retryLater(replica)
    } else if (fetched.diverging !== undefined) {
      await replica.truncate(fetched.diverging)
    } else {
      if (!replica.appendFetched(fetched, leaderEpoch)) {
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
