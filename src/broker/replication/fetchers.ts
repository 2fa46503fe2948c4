// The fetchers of this broker's followers: one for each leader that some replica here follows.

import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import type { BrokerId, Life } from '../../protocol/mq/messages.ts'
import type { Turn } from '../../turn.ts'
import type { BrokerLinks } from './broker-links.ts'
import type { Replica } from './replica.ts'
import { ReplicaFetcher } from './replica-fetcher.ts'

interface FetchersOptions {
  readonly links: Pick<BrokerLinks, 'ask'>
  readonly clock: Clock
  readonly turn: Turn
  readonly log: Logger
  /** this broker's, while it may follow */
  readonly life: () => Life | undefined
}

export class Fetchers {
  readonly #options: FetchersOptions
  readonly #byLeader = new Map<BrokerId, ReplicaFetcher>()
  #lastSession = 0

  constructor(options: FetchersOptions) {
    this.#options = options
  }

  /** Each replica that follows is fetched for from its leader, and no other. Visits all of them. */
  assign(replicas: Iterable<Replica>): void {
    const following = followingByLeader(replicas)
    for (const [leader, fetcher] of this.#byLeader) {
      if (following.has(leader)) continue
      fetcher.stop()
      this.#byLeader.delete(leader)
    }
    for (const [leader, followers] of following) {
      const fetcher = this.#byLeader.get(leader) ?? this.#make(leader)
      this.#byLeader.set(leader, fetcher)
      fetcher.setReplicas(followers)
    }
  }

  stop(): void {
    for (const fetcher of this.#byLeader.values()) fetcher.stop()
  }

  #make(leader: BrokerId): ReplicaFetcher {
    const { links, clock, turn, log, life } = this.#options
    const nextSession = () => ++this.#lastSession
    return new ReplicaFetcher({ leader, links, clock, turn, log, life, nextSession })
  }
}

function followingByLeader(replicas: Iterable<Replica>): ReadonlyMap<BrokerId, Replica[]> {
  const byLeader = new Map<BrokerId, Replica[]>()
  for (const replica of replicas) {
    if (replica.role.type !== 'following') continue
    const { leader } = replica.role
    const followers = byLeader.get(leader)
    if (followers === undefined) byLeader.set(leader, [replica])
    else followers.push(replica)
  }
  return byLeader
}
