// Where a consumer begins in a partition: behind what its group committed, or at the given place. And
// where it continues when that offset does not exist, which is never chosen in silence.

import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { GroupCommits } from './group-commits.ts'
import type { MqCluster } from './mq-cluster.ts'
import type { SeekTarget, TopicPartition } from './options.ts'
import { boundsOf, offsetsOf } from './read-offsets.ts'

interface StartOffsetsOptions {
  readonly cluster: Pick<MqCluster, 'call' | 'log'>
  readonly from: SeekTarget
  readonly outOfRange: 'stop' | 'earliest' | 'latest'
  /** `from` undefined: the committed value is not an offset */
  readonly onReset: (place: TopicPartition, to: number, from: number | undefined) => void
}

/** The part that is used here. */
type Commits = Pick<GroupCommits, 'group' | 'read'>

/** How long a call that needs the cluster is retried. */
const patienceMs = 30_000

export class StartOffsets {
  readonly #options: StartOffsetsOptions

  constructor(options: StartOffsetsOptions) {
    this.#options = options
  }

  /**
   * @param commits of the group; undefined: there is none
   * @returns by partition
   * @throws BrokerError OFFSET_OUT_OF_RANGE if a committed offset does not exist and nothing says
   *   where to continue, …
   */
  async of(
    topic: string,
    partitions: readonly number[],
    commits: Commits | undefined,
  ): Promise<ReadonlyMap<number, number>> {
    const { cluster, from } = this.#options
    if (commits === undefined) return offsetsOf(cluster, topic, partitions, from)
    const bounds = await boundsOf(cluster, topic, partitions)
    const starts = await Promise.all(
      partitions.map(async (partition) => {
        const { earliest = 0, latest = 0 } = bounds.get(partition) ?? {}
        const place = { topic, partition }
        return [partition, await this.#committed(commits, place, { earliest, latest })] as const
      }),
    )
    const committed = starts.flatMap(([partition, start]) =>
      start === undefined ? [] : [[partition, start] as const],
    )
    const others = starts.flatMap(([partition, start]) => (start === undefined ? [partition] : []))
    const found = await this.#uncommitted(topic, others, bounds)
    return new Map([...committed, ...found])
  }

  async #uncommitted(
    topic: string,
    partitions: readonly number[],
    bounds: ReadonlyMap<number, { readonly earliest: number; readonly latest: number }>,
  ): Promise<ReadonlyMap<number, number>> {
    const { cluster, from } = this.#options
    if (from !== 'beginning' && from !== 'end') return offsetsOf(cluster, topic, partitions, from)
    return new Map(
      partitions.map((partition) => {
        const { earliest = 0, latest = 0 } = bounds.get(partition) ?? {}
        return [partition, from === 'beginning' ? earliest : latest]
      }),
    )
  }

  /** undefined: the group committed nothing here */
  async #committed(
    commits: Commits,
    place: TopicPartition,
    { earliest, latest }: { readonly earliest: number; readonly latest: number },
  ): Promise<number | undefined> {
    const { topic, partition } = place
    let from: number | undefined
    try {
      from = await commits.read(partition, patienceMs)
    } catch (error) {
      const isNoOffset = error instanceof BrokerError && error.code === 'OFFSET_OUT_OF_RANGE'
      if (isNoOffset) return this.#elsewhere(place, error)
      throw error
    }
    if (from === undefined) return undefined
    if (from >= earliest && from <= latest) return from
    const found = `the log begins at ${earliest} and ends at ${latest}`
    const message = `Cannot continue group '${commits.group}' in ${topic}/${partition} at ${from}`
    const bounds = { start: earliest, end: latest }
    const error = new BrokerError('OFFSET_OUT_OF_RANGE', `${message}: ${found}`, { bounds })
    const to = await this.after({ topic, partition, fetchOffset: from }, error)
    if (to === undefined) throw error
    return to
  }

  /** What the group committed is not an offset. */
  async #elsewhere(place: TopicPartition, error: BrokerError): Promise<number> {
    const { outOfRange } = this.#options
    if (outOfRange === 'stop') throw error
    const to = (await this.#boundsOf(place))[outOfRange]
    this.#reset(place, to, undefined, error)
    return to
  }

  /**
   * A broker has no such offset. Another one may have it: replicas remove records each in its time.
   *
   * @returns where to continue: the same offset if another broker has it; undefined to stop
   */
  async after(
    { topic, partition, fetchOffset: from }: TopicPartition & { readonly fetchOffset: number },
    error: BrokerError,
  ): Promise<number | undefined> {
    const place = { topic, partition }
    const { earliest, latest } = await this.#boundsOf(place)
    if (from >= earliest && from <= latest) return from
    const { outOfRange } = this.#options
    if (outOfRange === 'stop') return undefined
    const to = outOfRange === 'earliest' ? earliest : latest
    this.#reset(place, to, from, error)
    return to
  }

  #reset(place: TopicPartition, to: number, from: number | undefined, error: BrokerError): void {
    const { topic, partition } = place
    const facts = { topic, partition, from, to, err: error.message }
    const { cluster, onReset } = this.#options
    cluster.log.warn(facts, 'The offset to read does not exist: continuing at another')
    onReset(place, to, from)
  }

  async #boundsOf({ topic, partition }: TopicPartition) {
    const found = (await boundsOf(this.#options.cluster, topic, [partition])).get(partition)
    if (found !== undefined) return found
    throw new BrokerError('UNKNOWN_SERVER_ERROR', 'Cannot use an answer: it is empty')
  }
}
