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

/** Replicas of these topics spread over the brokers. @throws BadPlan */
export function spreadOver(
  topics: readonly TopicInfo[],
  { brokers, replicaCount, partition: only }: Spread,
): readonly PlannedMove[] {
  const partitions = topics.flatMap(({ topic, partitions }) =>
    partitions.flatMap((info) => {
      if (only !== undefined && info.partition !== only) return []
      const from = wantedNow(info)
      const count = replicaCount ?? from.length
      if (count > brokers.length) {
        const found = `${count} replicas are wanted, and ${brokers.length} brokers are named`
        throw new BadPlan(`Cannot spread ${topic}/${info.partition}: ${found}`)
      }
      return {
        topic,
        partition: info.partition,
        from,
        slots: Array.from({ length: count }, () => -1),
      }
    }),
  )
  const slotCount = partitions.reduce((sum, { slots }) => sum + slots.length, 0)
  const load = new Load(
    brokers.map(({ id }) => id),
    Math.ceil(slotCount / brokers.length),
  )
  for (const { from, slots } of partitions) {
    for (let i = 0; i < slots.length; i++) if (load.maybeTake(from[i])) slots[i] = from[i] ?? -1
  }
  const racks = new Map(brokers.map(({ id, rack }) => [id, rack]))
  for (const { slots } of partitions) {
    for (const [i, id] of slots.entries()) if (id === -1) slots[i] = load.lightest(slots, racks)
  }
  const leads = new Load(
    brokers.map(({ id }) => id),
    Math.ceil(partitions.length / brokers.length),
  )
  return partitions.map(({ topic, partition, from, slots }) => {
    return { topic, partition, from, replicas: preferring(slots, leads) }
  })
}

/** The replicas that a partition has when nothing more is to change. */
function wantedNow({ replicas, removing = [] }: TopicInfo['partitions'][number]) {
  return replicas.filter((id) => !removing.includes(id))
}

/** How many replicas, or leaders, each broker gets. */
class Load {
  readonly #counts: Map<number, number>
  readonly #most: number

  constructor(brokers: readonly number[], most: number) {
    this.#counts = new Map([...brokers].sort((a, b) => a - b).map((id) => [id, 0]))
    this.#most = most
  }

  countOf(id: number): number {
    return this.#counts.get(id) ?? 0
  }

  take(id: number): void {
    this.#counts.set(id, this.countOf(id) + 1)
  }

  /** Whether the broker is one of them and is not full. */
  maybeTake(id: number | undefined): boolean {
    if (id === undefined || !this.#counts.has(id) || this.countOf(id) >= this.#most) return false
    this.take(id)
    return true
  }

  /** The broker with the fewest, on a rack that has no replica yet if there is one. */
  lightest(slots: readonly number[], racks: ReadonlyMap<number, string | undefined>): number {
    const used = new Set(slots.flatMap((id) => racks.get(id) ?? []))
    const isOnUsedRack = (id: number) => used.has(racks.get(id) ?? '')
    const free = [...this.#counts.keys()].filter((id) => !slots.includes(id))
    const elsewhere = free.filter((id) => !isOnUsedRack(id))
    const candidates = elsewhere.length > 0 ? elsewhere : free
    const [first = -1, ...others] = candidates
    const best = others.reduce(
      (sofar, id) => (this.countOf(id) < this.countOf(sofar) ? id : sofar),
      first,
    )
    this.take(best)
    return best
  }
}

/** The first replica stays preferred as leader unless its broker would lead more than its share. */
function preferring(slots: readonly number[], leads: Load): readonly number[] {
  const [first = -1, ...others] = slots
  if (leads.maybeTake(first)) return slots
  const other = others.find((id) => leads.maybeTake(id))
  if (other === undefined) {
    leads.take(first)
    return slots
  }
  return [other, ...slots.filter((id) => id !== other)]
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
