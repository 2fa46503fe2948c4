// All replicas on this broker: opens those that the cluster's image gives us, makes each of them
// leader or follower as its znode says, and has one fetcher per leader keep the followers up to date.

import type { Clock } from '../../clock.ts'
import type { LogFailedError } from '../../log/log-errors.ts'
import type { Logger } from '../../logger.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import type { Turn } from '../../turn.ts'
import type { Disk } from '../../world.ts'
import type { ClusterImage, TopicImage } from '../controller/cluster-image.ts'
import type { Checkpoint } from '../partition/checkpoint.ts'
import type { BrokerLinks } from './broker-links.ts'
import { Purgatory } from './purgatory.ts'
import { Replica, type ReplicaHost } from './replica.ts'
import { ReplicaFetcher } from './replica-fetcher.ts'

/** How often it is looked what became due. */
const tickMs = 20

export interface ReplicaManagerOptions {
  readonly self: BrokerId
  readonly image: ClusterImage
  readonly links: BrokerLinks
  readonly clock: Clock
  readonly turn: Turn
  readonly log: Logger
  readonly disk: Disk
  readonly segmentBytes: number
  readonly flush: 'group' | 'os'
  readonly lagTimeMsMax: number
  /** as configured; see `minInsyncReplicas` */
  readonly minInsyncReplicas: number | undefined
  readonly checkpoint: Checkpoint
  readonly writeState: ReplicaHost['writeState']
  readonly failed: (error: Error) => void
}

export class ReplicaManager implements ReplicaHost {
  readonly clock: Clock
  readonly turn: Turn
  readonly log: Logger
  readonly purgatory = new Purgatory()
  readonly writeState: ReplicaHost['writeState']
  readonly #options: ReplicaManagerOptions
  /** by directory name, which holds the topic's id: a topic made anew is another one */
  readonly #replicas = new Map<string, Replica>()
  /** the same by topic and partition, for requests */
  readonly #byName = new Map<string, Replica>()
  readonly #fetchers = new Map<BrokerId, ReplicaFetcher>()
  /** lives of the other brokers that leaders here have heard from */
  readonly #epochs = new Map<BrokerId, number>()
  readonly #cancelTick: () => void

  constructor(options: ReplicaManagerOptions) {
    this.#options = options
    this.clock = options.clock
    this.turn = options.turn
    this.log = options.log
    this.writeState = options.writeState
    this.#cancelTick = options.clock.every(tickMs, () => this.#tick())
  }

  get replicas(): Iterable<Replica> {
    return this.#replicas.values()
  }

  get(topic: string, partition: number): Replica | undefined {
    return this.#byName.get(`${topic}/${partition}`)
  }

  /**
   * Takes up what the image says now.
   *
   * @param brokerEpoch ours, in this session
   */
  imageChanged(brokerEpoch: number): void {
    const { image, self } = this.#options
    for (const [id, epoch] of this.#epochs) {
      if (image.brokers.get(id)?.epoch === epoch) continue
      for (const replica of this.#replicas.values()) replica.followerGone(id)
    }
    this.#epochs.clear()
    for (const { id, epoch } of image.brokers.values()) this.#epochs.set(id, epoch)

    const wanted = new Set<string>()
    for (const topic of image.topics.values()) {
      for (const [partition, replicas] of topic.assignment.replicas.entries()) {
        if (!replicas.includes(self)) continue
        const replica = this.#open(topic, partition)
        wanted.add(directoryName(topic, partition))
        const state = image.state(topic.topic, partition)
        if (state !== undefined) replica.become(state, brokerEpoch)
      }
    }
    for (const [name, replica] of this.#replicas) if (!wanted.has(name)) this.#drop(name, replica)
    this.#assignFetchers()
  }

  /** Our session ended: nobody here leads, and nobody is followed, until the next one. */
  resign(): void {
    for (const replica of this.#replicas.values()) replica.resign()
    this.#assignFetchers()
  }

  highWatermarks(): Map<string, number> {
    return new Map([...this.#replicas].map(([name, replica]) => [name, replica.highWatermark]))
  }

  async close(): Promise<void> {
    this.#cancelTick()
    for (const fetcher of this.#fetchers.values()) fetcher.stop()
    this.purgatory.close()
    await Promise.all([...this.#replicas.values()].map((replica) => replica.close()))
  }

  // --- for replicas ------------------------------------------------------------------------------

  failed(error: LogFailedError): void {
    this.#options.failed(error)
  }

  // --- replicas ----------------------------------------------------------------------------------

  #open(topic: TopicImage, partition: number): Replica {
    const name = directoryName(topic, partition)
    const found = this.#replicas.get(name)
    if (found !== undefined) return found
    const { self, disk, segmentBytes, flush, lagTimeMsMax, checkpoint } = this.#options
    const replicas = topic.assignment.replicas[partition] ?? []
    const options = {
      topic: topic.topic,
      partition,
      self,
      replicas,
      minInsyncReplicas: minInsyncReplicas(this.#options.minInsyncReplicas, replicas.length),
      lagTimeMsMax,
      directory: disk.openLog(name),
      segmentBytes,
      flush,
      highWatermark: checkpoint.get(name),
    }
    const replica = new Replica(options, this)
    this.#replicas.set(name, replica)
    this.#byName.set(`${topic.topic}/${partition}`, replica)
    return replica
  }

  /** The topic is gone; its files stay, under a name that no topic will have again. */
  #drop(name: string, replica: Replica): void {
    const { topic, partition } = replica
    this.log.info({ topic, partition, directory: name }, 'Partition is not ours any more')
    this.#replicas.delete(name)
    if (this.get(topic, partition) === replica) this.#byName.delete(`${topic}/${partition}`)
    replica.close().catch((error: Error) => this.#options.failed(error))
  }

  #assignFetchers(): void {
    const byLeader = new Map<BrokerId, Replica[]>()
    for (const replica of this.#replicas.values()) {
      if (replica.role.type !== 'following') continue
      const { leader } = replica.role
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), replica])
    }
    const { links, clock, log } = this.#options
    for (const [leader, fetcher] of this.#fetchers) {
      if (byLeader.has(leader)) continue
      fetcher.stop()
      this.#fetchers.delete(leader)
    }
    for (const [leader, replicas] of byLeader) {
      const fetcher =
        this.#fetchers.get(leader) ?? new ReplicaFetcher({ leader, links, clock, log })
      this.#fetchers.set(leader, fetcher)
      fetcher.setReplicas(replicas)
    }
  }

  #tick(): void {
    const nowMs = this.clock.nowMs()
    this.purgatory.tick(nowMs)
    for (const replica of this.#replicas.values()) replica.tick(nowMs)
  }
}

/** Without a setting: 2 with three replicas or more, else 1. Never more than there are replicas. */
export function minInsyncReplicas(configured: number | undefined, replicaCount: number): number {
  return Math.min(configured ?? (replicaCount >= 3 ? 2 : 1), replicaCount)
}

function directoryName({ topic, assignment }: TopicImage, partition: number): string {
  return `${topic}-${partition}.${assignment.topicId}`
}
