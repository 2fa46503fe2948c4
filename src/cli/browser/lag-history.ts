// The lag of a group over the last looks: whether it falls or rises, in total and in each partition. Pure.

import type { GroupPartition } from '../../client/mq/mq-admin.ts'

export interface LagTrend {
  /** of all partitions together at the last looks, the oldest first */
  readonly totals: readonly number[]
  /** from the first to the last of these looks */
  readonly spanMs: number
  /** records per second by which the lag rises, negative if it falls; undefined before a second look */
  readonly perSecond: number | undefined
  /** the same for one partition */
  partitionPerSecond(topic: string, partition: number): number | undefined
}

interface Look {
  readonly atMs: number
  /** of the partitions whose lag was known, by topic and partition */
  readonly lags: ReadonlyMap<string, number>
  /** undefined: that of some partition was not known */
  readonly total: number | undefined
}

/** Older looks say nothing about now. */
const windowMs = 60_000
const looksMax = 60

export class LagHistory {
  #looks: readonly Look[] = []

  add(
    partitions: readonly Pick<GroupPartition, 'topic' | 'partition' | 'lag'>[],
    nowMs: number,
  ): void {
    const lags = new Map<string, number>()
    for (const { topic, partition, lag } of partitions) {
      if (lag !== undefined) lags.set(nameOf(topic, partition), lag)
    }
    const isWhole = partitions.length > 0 && lags.size === partitions.length
    const total = isWhole ? [...lags.values()].reduce((sum, lag) => sum + lag, 0) : undefined
    const kept = this.#looks.filter(({ atMs }) => atMs > nowMs - windowMs).slice(1 - looksMax)
    this.#looks = [...kept, { atMs: nowMs, lags, total }]
  }

  get trend(): LagTrend {
    const looks = this.#looks
    const whole = looks.filter(({ total }) => total !== undefined)
    return {
      totals: whole.map(({ total = 0 }) => total),
      spanMs: (whole.at(-1)?.atMs ?? 0) - (whole[0]?.atMs ?? 0),
      perSecond: slope(whole, ({ total }) => total),
      partitionPerSecond: (topic, partition) =>
        slope(looks, ({ lags }) => lags.get(nameOf(topic, partition))),
    }
  }
}

/** From the first to the last look at which it was known. */
function slope(
  looks: readonly Look[],
  lagOf: (look: Look) => number | undefined,
): number | undefined {
  const known = looks.filter((look) => lagOf(look) !== undefined)
  const [first, last] = [known[0], known.at(-1)]
  if (first === undefined || last === undefined || first.atMs === last.atMs) return undefined
  const change = (lagOf(last) ?? 0) - (lagOf(first) ?? 0)
  return (change * 1000) / (last.atMs - first.atMs)
}

function nameOf(topic: string, partition: number): string {
  return `${topic}/${partition}`
}
