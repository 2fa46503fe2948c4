// The plan of `zw topics reassign`: which replicas each partition is to have. It is made for a list of
// brokers, moving as few replicas as an even spread needs, or read from JSON in the format of Kafka's
// kafka-reassign-partitions. Pure; reassign-actions.ts shows and executes it.

import type { BrokerInfo, TopicInfo } from '../../protocol/mq/metadata.ts'

export interface PlannedMove {
  readonly topic: string
  readonly partition: number
  /** as they are, or are to be by a reassignment that is in progress */
  readonly from: readonly number[]
  readonly replicas: readonly number[]
}

/** The plan cannot be made or read. */
export class BadPlan extends Error {
  override readonly name = 'BadPlan'
}

interface Spread {
  /** brokers that may have replicas; the racks of those that are alive count */
  readonly brokers: readonly Pick<BrokerInfo, 'id' | 'rack'>[]
  /** of each partition; undefined: as many as it has */
  readonly replicaCount: number | undefined
  /** of each topic; undefined: all */
  readonly partition: number | undefined
}

/**
 * Replicas of these topics spread over the brokers: those on other brokers move to the ones with the
 * fewest, then some move from the ones with the most. Leaders are spread in the same way.
 *
 * @throws BadPlan
 */
export function spreadOver(
  topics: readonly TopicInfo[],
  { brokers, replicaCount, partition: only }: Spread,
): readonly PlannedMove[] {
  const racks = new Map([...brokers].sort((a, b) => a.id - b.id).map(({ id, rack }) => [id, rack]))
  const partitions = topics.flatMap(({ topic, partitions }) =>
    partitions.flatMap((info) => {
      if (only !== undefined && info.partition !== only) return []
      const from = wantedNow(info)
      const count = replicaCount ?? from.length
      if (count > brokers.length) {
        const found = `${count} replicas are wanted, and ${brokers.length} brokers are named`
        throw new BadPlan(`Cannot spread ${topic}/${info.partition}: ${found}`)
      }
      const slots: (number | undefined)[] = Array.from({ length: count }, (_, i) => {
        const id = from[i]
        return id !== undefined && racks.has(id) ? id : undefined
      })
      return { topic, partition: info.partition, from, slots }
    }),
  )
  const load = new Load(racks.keys())
  for (const { slots } of partitions) for (const id of slots) if (id !== undefined) load.add(id, 1)
  for (const { slots } of partitions) {
    for (const [i, id] of slots.entries()) {
      if (id !== undefined) continue
      const free = [...racks.keys()].filter((each) => !slots.includes(each))
      const apart = free.filter((each) => isApart(each, slots, racks))
      const chosen = load.lightest(apart.length > 0 ? apart : free)
      slots[i] = chosen
      if (chosen !== undefined) load.add(chosen, 1)
    }
  }
  const lists = partitions.map(({ slots }) => slots.filter((id) => id !== undefined))
  load.even((heavy, light) => {
    const list = lists.find((each) => {
      if (!each.includes(heavy) || each.includes(light)) return false
      const others = each.filter((id) => id !== heavy)
      return isApart(light, others, racks) || !isApart(heavy, others, racks)
    })
    list?.splice(list.indexOf(heavy), 1, light)
    return list !== undefined
  })
  const leads = new Load(racks.keys())
  for (const [first] of lists) if (first !== undefined) leads.add(first, 1)
  leads.even((heavy, light) => {
    const list = lists.find((each) => each[0] === heavy && each.includes(light))
    if (list === undefined) return false
    list.splice(list.indexOf(light), 1)
    list.unshift(light)
    return true
  })
  return partitions.map(({ topic, partition, from }, i) => {
    return { topic, partition, from, replicas: lists[i] ?? [] }
  })
}

/** Whether none of these brokers is on the same rack. */
function isApart(
  id: number,
  others: readonly (number | undefined)[],
  racks: ReadonlyMap<number, string | undefined>,
): boolean {
  const rack = racks.get(id)
  return !others.some(
    (each) => each !== undefined && rack !== undefined && racks.get(each) === rack,
  )
}

/** How many replicas, or leaders, each broker gets. */
class Load {
  readonly #counts: Map<number, number>

  constructor(brokers: Iterable<number>) {
    this.#counts = new Map([...brokers].map((id) => [id, 0]))
  }

  add(id: number, count: number): void {
    this.#counts.set(id, this.#countOf(id) + count)
  }

  #countOf(id: number): number {
    return this.#counts.get(id) ?? 0
  }

  /** Of these brokers, the first with the fewest. */
  lightest(ids: readonly number[]): number | undefined {
    return [...ids].sort((a, b) => this.#countOf(a) - this.#countOf(b))[0]
  }

  /** Moves one from a broker to another as long as that helps and one can be moved. */
  even(maybeMove: (heavy: number, light: number) => boolean): void {
    while (this.#moveOne(maybeMove));
  }

  #moveOne(maybeMove: (heavy: number, light: number) => boolean): boolean {
    const byCount = [...this.#counts.keys()].sort((a, b) => this.#countOf(a) - this.#countOf(b))
    for (const heavy of byCount.toReversed()) {
      for (const light of byCount) {
        if (this.#countOf(heavy) - this.#countOf(light) < 2) break
        if (!maybeMove(heavy, light)) continue
        this.add(heavy, -1)
        this.add(light, 1)
        return true
      }
    }
    return false
  }
}

/** The replicas that a partition has when nothing more is to change. */
function wantedNow({ replicas, removing = [] }: TopicInfo['partitions'][number]) {
  return replicas.filter((id) => !removing.includes(id))
}

/** Only what the plan changes. */
export function changesOf(planned: readonly PlannedMove[]): readonly PlannedMove[] {
  return planned.filter(({ from, replicas }) => from.join() !== replicas.join())
}

/**
 * `{"version":1,"partitions":[{"topic":"goals","partition":0,"replicas":[1,2]}]}`; other fields are
 * ignored.
 *
 * @throws BadPlan
 */
export function readPlan(text: string, topics: readonly TopicInfo[]): readonly PlannedMove[] {
  const listed = listedIn(text)
  const seen = new Set<string>()
  return listed.map((one: unknown, i) => {
    const { topic, partition, replicas } = Object(one) as Record<string, unknown>
    const isPlace = typeof topic === 'string' && isId(partition)
    if (!isPlace || !Array.isArray(replicas) || replicas.length === 0 || !replicas.every(isId)) {
      throw new BadPlan(`Cannot use entry ${i} of the plan: it needs topic, partition and replicas`)
    }
    const what = `${topic}/${partition}`
    if (seen.has(what)) throw new BadPlan(`Cannot use the plan: it has ${what} twice`)
    seen.add(what)
    if (new Set(replicas).size < replicas.length) {
      throw new BadPlan(`Cannot use the plan: the replicas of ${what} name a broker twice`)
    }
    const info = topics
      .find((each) => each.topic === topic)
      ?.partitions.find((each) => each.partition === partition)
    if (info === undefined) throw new BadPlan(`Cannot use the plan: there is no ${what}`)
    return { topic, partition, from: wantedNow(info), replicas }
  })
}

function listedIn(text: string): readonly unknown[] {
  try {
    const { version, partitions } = Object(JSON.parse(text)) as Record<string, unknown>
    if (version === 1 && Array.isArray(partitions)) return partitions
  } catch (error) {
    throw new BadPlan(`Cannot read the plan: ${(error as Error).message}`)
  }
  throw new BadPlan('Cannot read the plan: it needs "version": 1 and a list of partitions')
}

function isId(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 31
}

/** The format that `readPlan` reads. */
export function planJson(planned: readonly PlannedMove[], replicasOf: 'from' | 'replicas') {
  const partitions = planned.map((one) => {
    return { topic: one.topic, partition: one.partition, replicas: one[replicasOf] }
  })
  return { version: 1, partitions }
}
