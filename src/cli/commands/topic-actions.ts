// What `zw topics list, describe, create, delete, alter, partitions, delete-records` do. Text goes to people, JSON to
// scripts; a failure is an error with its reason, exit code 1.

import { createInterface } from 'node:readline/promises'
import {
  BrokerError,
  type ConfigEntry,
  type MqAdmin,
  type PartitionOffsets,
} from '../../client/mq/mq-admin.ts'
import type { TopicInfo } from '../../protocol/mq/metadata.ts'
import { BadUsage } from '../cli-command.ts'
import { toStderr, toStdout } from '../output.ts'
import {
  type BrokerSize,
  type DescribedTopic,
  describeJson,
  describeLines,
  listJson,
  listLines,
} from './topic-lines.ts'

/** Topics whose offsets and configurations are asked for together. */
const describedAtOnce = 50

export interface TopicWords {
  readonly topic: string | undefined
  readonly partitions: number | undefined
  readonly replicas: number | undefined
  /** `name=value`, each */
  readonly config: readonly string[]
  readonly deleteConfig: readonly string[]
  readonly yes: boolean
  readonly partition: number | undefined
  readonly before: string | undefined
  readonly sizes: boolean
  readonly output: 'text' | 'json'
}

export async function list(admin: MqAdmin, { output }: TopicWords): Promise<void> {
  const topics = await admin.topics()
  print(output, listJson(topics), listLines(topics))
}

export async function describe(admin: MqAdmin, words: TopicWords): Promise<void> {
  const { topic, output } = words
  const infos = topic === undefined ? await admin.topics() : [await existing(admin, topic)]
  const sizes = words.sizes ? await sizesOf(admin, topic) : undefined
  const described: DescribedTopic[] = []
  for (let from = 0; from < infos.length; from += describedAtOnce) {
    const some = infos.slice(from, from + describedAtOnce).map(async (info) => {
      const isKnown = info.problem === undefined
      const [offsets, configs] = await Promise.all([
        isKnown ? offsetsOf(admin, info) : new Map(),
        isKnown ? configsIfAllowed(admin, info.topic) : [],
      ])
      return { info, offsets, configs, sizes: sizes && (sizes.get(info.topic) ?? []) }
    })
    described.push(...(await Promise.all(some)))
  }
  print(output, described.map(describeJson), described.flatMap(describeLines))
}

/** @returns undefined if no rule allows it: a user that may read records need not see settings */
async function configsIfAllowed(
  admin: MqAdmin,
  topic: string,
): Promise<readonly ConfigEntry[] | undefined> {
  try {
    return await admin.topicConfig(topic)
  } catch (error) {
    if (!(error instanceof BrokerError) || error.code !== 'TOPIC_AUTHORIZATION_FAILED') throw error
    return undefined
  }
}

export async function create(admin: MqAdmin, words: TopicWords): Promise<void> {
  const { partitions, replicas, output } = words
  const topic = needed(words)
  const configs = configsOf(words.config)
  await admin.createTopic({
    topic,
    configs,
    ...(partitions === undefined ? {} : { partitions }),
    ...(replicas === undefined ? {} : { replicas }),
  })
  const made = await existing(admin, topic)
  const counts = {
    partitions: made.partitions.length,
    replicas: made.partitions[0]?.replicas.length,
  }
  const text = `Created topic ${topic}: partitions ${counts.partitions}, replicas ${counts.replicas}.`
  print(
    output,
    { topic, topicId: made.topicId, partitions: counts.partitions, replicas: counts.replicas },
    [text],
  )
}

/** Everything in the topic is lost, so a person types its name, and a script says -y. */
export async function remove(admin: MqAdmin, words: TopicWords): Promise<void> {
  const topic = needed(words)
  if (!words.yes) {
    await existing(admin, topic)
    await confirm(topic, 'delete a topic', `All records of ${topic}`)
  }
  await admin.deleteTopics([topic])
  print(words.output, { topic, deleted: true }, [`Deleted topic ${topic}.`])
}

export async function alter(admin: MqAdmin, words: TopicWords): Promise<void> {
  const topic = needed(words)
  const set = configsOf(words.config)
  if (Object.keys(set).length + words.deleteConfig.length === 0) {
    throw new BadUsage('Cannot alter a topic: it needs --config NAME=VALUE or --delete-config NAME')
  }
  await admin.alterTopicConfig(topic, { set, delete: words.deleteConfig })
  const configs = await admin.topicConfig(topic)
  const own = configs.filter(({ source }) => source === 'topic')
  const values = Object.fromEntries(own.map(({ name, value }) => [name, value]))
  const lines = own.map(({ name, value }) => `  ${name}=${value}`)
  print(words.output, { topic, configs: values }, [`Changed topic ${topic}. It has:`, ...lines])
}

export async function addPartitions(admin: MqAdmin, words: TopicWords): Promise<void> {
  const topic = needed(words)
  const { partitions } = words
  if (partitions === undefined) {
    throw new BadUsage('Cannot add partitions: it needs --partitions N, their number afterwards')
  }
  await admin.createPartitions(topic, partitions)
  print(words.output, { topic, partitions }, [
    `Topic ${topic} has ${partitions} partitions. Keys may be in other partitions from here on.`,
  ])
}

/** As with a whole topic, a person types its name. */
export async function deleteRecords(admin: MqAdmin, words: TopicWords): Promise<void> {
  const topic = needed(words)
  const before = firstKept(words.before)
  await existing(admin, topic)
  const offsets = await admin.offsets(topic)
  const chosen = offsets.filter(({ partition }) => partition === (words.partition ?? partition))
  if (chosen.length === 0) {
    const found = `it has ${offsets.length} partitions`
    throw new Error(`Cannot find partition ${words.partition} of topic '${topic}': ${found}`)
  }
  const late = chosen.find(({ latest }) => before !== 'end' && before > latest)
  if (late !== undefined) {
    const what = `Cannot delete records of ${topic}/${late.partition} before ${words.before}`
    throw new Error(`${what}: the log ends at ${late.latest}`)
  }
  if (!words.yes) {
    const places = chosen.map(({ partition, earliest, latest }) => {
      return `${topic}/${partition}: ${earliest} to ${before === 'end' ? latest : before}`
    })
    await confirm(topic, 'delete records', `Records before these offsets (${places.join(', ')})`)
  }
  const deleted = await admin.deleteRecords(
    chosen.map(({ partition }) => ({ topic, partition, before })),
  )
  const lines = deleted.map(({ partition, earliest }) => {
    return `${topic}/${partition} begins at ${earliest} now.`
  })
  print(words.output, deleted, lines)
}

/** @throws BadUsage */
function firstKept(before: string | undefined): number | 'end' {
  if (before === undefined) {
    throw new BadUsage('Cannot delete records: it needs --before N, the first offset that stays')
  }
  if (before === 'end') return 'end'
  if (/^\d{1,16}$/.test(before) && Number.isSafeInteger(Number(before))) return Number(before)
  throw new BadUsage(`Cannot use --before ${before}: it must be an offset, or end`)
}

/** By topic. */
async function sizesOf(
  admin: MqAdmin,
  topic: string | undefined,
): Promise<ReadonlyMap<string, readonly BrokerSize[]>> {
  const sizes = new Map<string, BrokerSize[]>()
  for (const dir of await admin.logDirs(topic === undefined ? undefined : [topic])) {
    if (dir.problem !== undefined) {
      toStderr(`zw: broker ${dir.broker} does not tell its sizes: ${dir.problem.message}\n`)
    }
    for (const { topic, partition, sizeBytes, lag } of dir.replicas) {
      const known = sizes.get(topic) ?? []
      known.push({ broker: dir.broker, partition, sizeBytes, lag })
      sizes.set(topic, known)
    }
  }
  return sizes
}

function needed({ topic }: TopicWords): string {
  if (topic === undefined)
    throw new BadUsage('Cannot run zw topics: the name of a topic is missing')
  return topic
}

async function existing(admin: MqAdmin, topic: string): Promise<TopicInfo> {
  const found = await admin.topic(topic)
  if (found !== undefined) return found
  const message = `Cannot find topic '${topic}': it does not exist`
  throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', message)
}

/** A partition without a leader, or with one that just began, has none to show. */
async function offsetsOf(
  admin: MqAdmin,
  { topic }: TopicInfo,
): Promise<ReadonlyMap<number, PartitionOffsets>> {
  try {
    const offsets = await admin.offsets(topic)
    return new Map(offsets.map((one) => [one.partition, one]))
  } catch (error) {
    if (error instanceof BrokerError) return new Map()
    throw error
  }
}

function configsOf(texts: readonly string[]): Readonly<Record<string, string>> {
  const pairs = texts.map((text) => {
    const at = text.indexOf('=')
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)] as const
    throw new BadUsage(`Cannot use --config ${text}: it must be NAME=VALUE`)
  })
  return Object.fromEntries(pairs)
}

/** @throws Error unless the topic's name is typed */
async function confirm(topic: string, what: string, lost: string): Promise<void> {
  if (process.stdin.isTTY !== true) {
    throw new BadUsage(`Cannot ${what} without a terminal to ask on: add -y`)
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const typed = await lines.question(`${lost} will be lost. Type ${topic}: `)
    if (typed.trim() !== topic)
      throw new Error(`Topic ${topic} stays as it is: that is not its name`)
  } finally {
    lines.close()
  }
}

function print(output: 'text' | 'json', json: unknown, lines: readonly string[]): void {
  toStdout(output === 'json' ? `${JSON.stringify(json)}\n` : `${lines.join('\n')}\n`)
}
