// The throttle of `zw topics reassign`: rates of brokers, and lists of topics that name the replicas for
// which they hold, under Kafka's names (KIP-73). They are set before replicas move, and taken back when
// they have: of a topic, what names the moved partitions; of a broker, its rates, unless a topic still
// names a replica there.

import {
  BrokerError,
  type ConfigEntry,
  type MqAdmin,
  type Reassignment,
} from '../../client/mq/mq-admin.ts'
import type { ClusterInfo, TopicInfo } from '../../protocol/mq/metadata.ts'

const rateNames = ['leader.replication.throttled.rate', 'follower.replication.throttled.rate']
const leaderList = 'leader.replication.throttled.replicas'
const followerList = 'follower.replication.throttled.replicas'
const lists = [leaderList, followerList] as const

const every = '*'

/** `partition:broker`, each; or `*` */
type Names = readonly string[]

type Lists = Readonly<Record<(typeof lists)[number], Names>>

export interface Move {
  readonly topic: string
  readonly partition: number
  /** brokers that have the replicas, one of which leads */
  readonly sources: readonly number[]
  /** brokers that get one */
  readonly destinations: readonly number[]
}

/** A topic of which some partitions, or all that its lists name, are throttled no longer. */
interface Freed {
  readonly topic: string
  /** undefined: all */
  readonly partitions: ReadonlySet<number> | undefined
}

interface Wanted {
  readonly topic: string
  readonly partition: number
  readonly replicas: readonly number[]
}

/** What is copied by a plan. */
export function plannedMoves(
  wanted: readonly Wanted[],
  topics: readonly TopicInfo[],
): readonly Move[] {
  return wanted.map(({ topic, partition, replicas: target }) => {
    const found = topics.find((each) => each.topic === topic)?.partitions[partition]
    const { replicas = [], adding = [] } = found ?? {}
    const sources = replicas.filter((id) => !adding.includes(id)).map(Number)
    const destinations = target.filter((id) => !sources.includes(id))
    return { topic, partition, sources, destinations }
  })
}

/** What is being copied. */
export function movesOf(reassignments: readonly Reassignment[]): readonly Move[] {
  return reassignments.map(({ topic, partition, replicas, adding }) => {
    const sources = replicas.filter((id) => !adding.includes(id))
    return { topic, partition, sources, destinations: adding }
  })
}

/** The partitions of these moves, by topic. */
export function freedBy(moves: readonly Pick<Move, 'topic' | 'partition'>[]): readonly Freed[] {
  const byTopic = new Map<string, Set<number>>()
  for (const { topic, partition } of moves) {
    const partitions = byTopic.get(topic) ?? new Set()
    byTopic.set(topic, partitions.add(partition))
  }
  return [...byTopic].map(([topic, partitions]) => ({ topic, partitions }))
}

/** @param rate bytes per second */
export async function setThrottle(
  admin: MqAdmin,
  moves: readonly Move[],
  rate: number,
): Promise<void> {
  const copied = moves.filter(({ destinations }) => destinations.length > 0)
  const brokers = new Set(
    copied.flatMap(({ sources, destinations }) => [...sources, ...destinations]),
  )
  const set = Object.fromEntries(rateNames.map((name) => [name, String(rate)]))
  for (const broker of brokers) await admin.alterBrokerConfig(broker, { set })
  const own = await ownLists(admin, [...new Set(copied.map(({ topic }) => topic))])
  for (const [topic, before] of own) {
    const ofTopic = copied.filter((each) => each.topic === topic)
    const named = (of: 'sources' | 'destinations') =>
      ofTopic.flatMap((each) => each[of].map((id) => `${each.partition}:${id}`))
    await writeLists(admin, topic, before, {
      [leaderList]: joined(before[leaderList], named('sources')),
      [followerList]: joined(before[followerList], named('destinations')),
    })
  }
}

interface TakenBack {
  readonly freed: readonly Freed[]
  /** brokers that lose their rates even if no list named a replica there; others do if one did */
  readonly brokers: readonly number[]
}

/** @returns brokers whose rates stay, for topics that name replicas there */
export async function takeThrottleBack(
  admin: MqAdmin,
  { freed, brokers }: TakenBack,
): Promise<readonly number[]> {
  const cluster = await admin.cluster()
  const found = await ownLists(
    admin,
    cluster.topics.map(({ topic }) => topic),
  )
  const kept = new Map(found)
  const dropped: string[] = []
  for (const { topic, partitions } of freed) {
    const before = found.get(topic)
    if (before === undefined) continue // it was deleted
    const after = {
      [leaderList]: without(before[leaderList], partitions),
      [followerList]: without(before[followerList], partitions),
    }
    await writeLists(admin, topic, before, after)
    kept.set(topic, after)
    for (const list of lists) {
      dropped.push(...before[list].filter((name) => !after[list].includes(name)))
    }
  }
  const ids = new Set([...brokers, ...brokersOf(cluster)])
  const concerned = [...ids].filter((id) => brokers.includes(id) || haveNamed(dropped, id))
  const names = [...kept.values()].flatMap((each) => lists.flatMap((list) => each[list]))
  const staying: number[] = []
  for (const id of concerned.sort((a, b) => a - b)) {
    if (!(await mayHaveRate(admin, id))) continue
    if (haveNamed(names, id)) staying.push(id)
    else await admin.alterBrokerConfig(id, { delete: rateNames })
  }
  return staying
}

/** The rates of a broker, in bytes per second; undefined: there is no limit. */
export interface ThrottledBroker {
  readonly broker: number
  readonly leader: number | undefined
  readonly follower: number | undefined
}

/** Live brokers that have a rate, as far as they answer. */
export async function throttledBrokers(admin: MqAdmin): Promise<readonly ThrottledBroker[]> {
  const { brokers } = await admin.cluster()
  const found = await Promise.all(
    brokers.map(async ({ id: broker }) => {
      const entries = (await configOf(admin, broker)) ?? []
      const [leader, follower] = rateNames.map((name) => {
        const entry = entries.find((each) => each.name === name)
        return entry === undefined || entry.source === 'default' ? undefined : Number(entry.value)
      })
      return { broker, leader, follower }
    }),
  )
  return found.filter(({ leader, follower }) => leader !== undefined || follower !== undefined)
}

/** Live ones, and those that should have replicas. */
export function brokersOf({ brokers, topics }: Pick<ClusterInfo, 'brokers' | 'topics'>): number[] {
  const named = topics.flatMap(({ partitions }) => partitions.flatMap(({ replicas }) => replicas))
  return [...new Set([...brokers.map(({ id }) => id), ...named])]
}

async function mayHaveRate(admin: MqAdmin, broker: number): Promise<boolean> {
  const entries = await configOf(admin, broker)
  if (entries === undefined) return true
  return entries.some(({ name, source }) => rateNames.includes(name) && source === 'dynamicBroker')
}

/** undefined: the broker does not answer. */
async function configOf(
  admin: MqAdmin,
  broker: number,
): Promise<readonly ConfigEntry[] | undefined> {
  try {
    return await admin.brokerConfig(broker)
  } catch (error) {
    if (error instanceof BrokerError) return undefined
    throw error
  }
}

/** Of the topics that exist. */
async function ownLists(
  admin: MqAdmin,
  topics: readonly string[],
): Promise<ReadonlyMap<string, Lists>> {
  const found = topics.length === 0 ? new Map() : await admin.topicConfigs(topics, lists)
  return new Map(
    [...found].map(([topic, entries]) => {
      const namesIn = (list: string) => {
        const text = entries.find(({ name }: ConfigEntry) => name === list)?.value ?? ''
        return text.split(',').map(trimmed).filter(isText)
      }
      return [topic, { [leaderList]: namesIn(leaderList), [followerList]: namesIn(followerList) }]
    }),
  )
}

async function writeLists(
  admin: MqAdmin,
  topic: string,
  before: Lists,
  after: Lists,
): Promise<void> {
  const changed = lists.filter((list) => before[list].join() !== after[list].join())
  if (changed.length === 0) return
  const [emptied, filled] = [[] as string[], {} as Record<string, string>]
  for (const list of changed) {
    if (after[list].length === 0) emptied.push(list)
    else filled[list] = after[list].join()
  }
  await admin.alterTopicConfig(topic, { set: filled, delete: emptied })
}

/** `*` names them already. */
function joined(before: Names, more: Names): Names {
  return before.includes(every) ? before : [...new Set([...before, ...more])]
}

/** @param partitions undefined: all */
function without(before: Names, partitions: ReadonlySet<number> | undefined): Names {
  if (partitions === undefined) return []
  return before.filter((name) => !partitions.has(Number(name.split(':')[0])))
}

function haveNamed(names: Names, broker: number): boolean {
  return names.some((name) => name === every || name.endsWith(`:${broker}`))
}

function trimmed(text: string): string {
  return text.trim()
}

function isText(text: string): boolean {
  return text !== ''
}
