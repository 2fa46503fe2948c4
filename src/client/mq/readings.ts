// The partitions that a consumer reads: each with its reader, and its commits if there is a group. They
// come and go as the topics and the group say; each is fetched and handed out from when it is added.
//
// Next on the path: fetcher.ts and hand-out.ts.

import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import { nameOf, placeOf } from './consumer-arguments.ts'
import type { Fetcher } from './fetcher.ts'
import type { MembershipClaim } from './group/group-membership.ts'
import { GroupCommits } from './group-commits.ts'
import type { HandOut } from './hand-out.ts'
import type { MqCluster } from './mq-cluster.ts'
import type { PartitionRef, SeekTarget, TopicPartition } from './options.ts'
import { PartitionReader } from './partition-reader.ts'
import { boundsOf, offsetsOf } from './read-offsets.ts'
import type { StartOffsets } from './start-offsets.ts'

export interface PartitionProgress extends TopicPartition {
  /** offset of the next record to be taken */
  readonly position: number
  /** end of the readable records; undefined before the first answer */
  readonly highWatermark: number | undefined
  /** offset of the first record; undefined before the first answer */
  readonly logStart: number | undefined
  /** offsets up to the high watermark that were not taken yet */
  readonly lag: number | undefined
  /** undefined while there is none */
  readonly leader: BrokerId | undefined
  readonly isPaused: boolean
  /** fetched, and not taken yet */
  readonly waitingCount: number
}

interface Reading {
  readonly reader: PartitionReader
  /** undefined: there is no group */
  readonly commits: GroupCommits | undefined
}

interface ReadingsOptions {
  readonly cluster: MqCluster
  readonly topics: readonly string[]
  readonly group: string | undefined
  /** of a member, by which its commits are fenced */
  readonly claim: () => MembershipClaim | undefined
  readonly starts: StartOffsets
  readonly fetcher: Fetcher
  readonly handOut: HandOut
}

export class Readings {
  readonly #options: ReadingsOptions
  /** by name of the partition */
  readonly #all = new Map<string, Reading>()

  constructor(options: ReadingsOptions) {
    this.#options = options
  }

  get readers(): readonly PartitionReader[] {
    return [...this.#all.values()].map(({ reader }) => reader)
  }

  get progress(): readonly PartitionProgress[] {
    const { metadata } = this.#options.cluster
    return this.readers.map((reader) => {
      const { topic, partition, position, highWatermark, logStart, isPaused, waitingCount } = reader
      return {
        topic,
        partition,
        position,
        highWatermark,
        logStart,
        lag: highWatermark === undefined ? undefined : Math.max(0, highWatermark - position),
        leader: metadata.leader(topic, partition)?.id,
        isPaused,
        waitingCount,
      }
    })
  }

  /**
   * @param refs undefined: all
   * @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION if one is not read here
   */
  readersOf(refs: readonly PartitionRef[] | undefined, what: string): readonly PartitionReader[] {
    if (refs === undefined) return this.readers
    return refs.map((ref) => this.#of(placeOf(ref, this.#options.topics, what), what).reader)
  }

  /** @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION if it is not read here */
  commitsOf(place: TopicPartition): GroupCommits | undefined {
    return this.#of(place, 'commit').commits
  }

  #of(place: TopicPartition, what: string): Reading {
    const found = this.#all.get(nameOf(place))
    if (found !== undefined) return found
    const why = this.#all.size > 0 ? 'it is not read here' : 'the consumer has not started'
    const where = `partition ${place.partition} of topic '${place.topic}'`
    throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `Cannot ${what} in ${where}: ${why}`)
  }

  // --- coming and going --------------------------------------------------------------------------

  /**
   * @param partitions.isNew all their records are newer than this consumer
   * @param isOver whether the consumer has been closed meanwhile
   */
  async add(
    partitions: readonly TopicPartition[],
    { isNew, isOver }: { readonly isNew: boolean; readonly isOver: () => boolean },
  ): Promise<void> {
    const { cluster, starts, fetcher, handOut } = this.#options
    const begun = [...byTopic(partitions)].map(async ([topic, places]) => {
      const commits = this.#newCommits(topic)
      const wanted = places.map(partitionOf)
      const offsets = isNew
        ? await offsetsOf(cluster, topic, wanted, 'beginning')
        : await starts.of(topic, wanted, commits)
      return wanted.map((partition): Reading => {
        const start = offsets.get(partition) ?? 0
        return { reader: new PartitionReader({ topic, partition, start }), commits }
      })
    })
    const added = (await Promise.all(begun)).flat()
    if (isOver()) return
    for (const reading of added) {
      const { reader } = reading
      reader.isPaused = handOut.isPaused
      this.#all.set(nameOf(reader), reading)
      fetcher.add(reader)
    }
    handOut.add(added.map(({ reader }) => reader))
  }

  #newCommits(topic: string): GroupCommits | undefined {
    const { cluster, group, claim } = this.#options
    return group === undefined ? undefined : new GroupCommits({ cluster, group, topic, claim })
  }

  /**
   * Nothing more of them is handed out, and their positions stay.
   *
   * @returns resolves when the batches that are being handled are done
   */
  retire(partitions: readonly TopicPartition[]): Promise<void> {
    const retired = this.#readersAmong(partitions)
    for (const reader of retired) reader.isPaused = true
    return this.#options.handOut.remove(retired)
  }

  remove(partitions: readonly TopicPartition[]): void {
    for (const reader of this.#readersAmong(partitions)) {
      reader.stop()
      this.#options.fetcher.remove(reader)
      this.#all.delete(nameOf(reader))
    }
  }

  #readersAmong(partitions: readonly TopicPartition[]): readonly PartitionReader[] {
    return partitions.flatMap((place) => this.#all.get(nameOf(place))?.reader ?? [])
  }

  // --- offsets -----------------------------------------------------------------------------------

  /** Asks the brokers where the partitions begin and end. */
  async refreshBounds(): Promise<void> {
    for (const [topic, readers] of byTopic(this.readers)) {
      const bounds = await boundsOf(this.#options.cluster, topic, readers.map(partitionOf))
      for (const reader of readers) {
        const found = bounds.get(reader.partition)
        if (found !== undefined) reader.bounds(found.earliest, found.latest)
      }
    }
  }

  /** What a target stands for now. */
  async offsetsOf(
    readers: readonly PartitionReader[],
    to: SeekTarget,
  ): Promise<ReadonlyMap<PartitionReader, number>> {
    const found = new Map<PartitionReader, number>()
    for (const [topic, some] of byTopic(readers)) {
      const offsets = await offsetsOf(this.#options.cluster, topic, some.map(partitionOf), to)
      for (const reader of some) found.set(reader, offsets.get(reader.partition) ?? 0)
    }
    return found
  }
}

function byTopic<T extends TopicPartition>(
  places: readonly T[],
): ReadonlyMap<string, readonly T[]> {
  const found = new Map<string, T[]>()
  for (const place of places) {
    const known = found.get(place.topic)
    if (known === undefined) found.set(place.topic, [place])
    else known.push(place)
  }
  return found
}

function partitionOf({ partition }: TopicPartition): number {
  return partition
}
