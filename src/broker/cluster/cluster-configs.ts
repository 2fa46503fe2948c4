// The configuration in force, by layers. Each key is looked up from the top; the first layer that
// has a usable value supplies it.
//
//   topic            /config/topics/T             the topic's own values
//   dynamic broker   /config/brokers/N            of this broker, set while it runs
//   dynamic default  /config/brokers/<default>    of all brokers, set while they run
//   file             the broker's file, environment and flags
//   default          topic-config.ts
//
// The brokers' layers name a topic's key as Kafka does: retention.ms of a topic is log.retention.ms
// of a broker; other keys are in one of the two alone. Every broker watches these znodes (cluster-watch.ts); an unusable value in one is
// reported there, and the layer below holds. Pure.

import { objectOf } from '../../json.ts'
import { allBrokers, type ConfigEntity, type ConfigSource } from '../../protocol/mq/configs.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import {
  type BrokerConfigName,
  brokerConfigRow,
  brokerConfigRows,
  type ThrottledRateName,
  type ThrottledRates,
  throttledRates,
  unlimitedRate,
} from './broker-config.ts'
import {
  type ConfigRow,
  type ConfigValue,
  defaultMinInsyncReplicas,
  defaultText,
  readConfigValue,
  type TopicConfig,
  type TopicConfigName,
  topicConfigNames,
  topicConfigRow,
  topicConfigRows,
} from './topic-config.ts'

export type ConfigTexts = ReadonlyMap<string, string>

/** A key's value in one layer. */
export interface ConfigSetting {
  /** as this layer names the key */
  readonly name: string
  /** undefined if it depends on the topic */
  readonly text: string | undefined
  readonly source: ConfigSource
}

export const noTexts: ConfigTexts = new Map()

/** An option of the broker that only a restart changes. */
export interface BrokerOption {
  readonly name: string
  readonly text: string
  readonly isSet: boolean
  readonly about: string
}

export interface ConfigsOptions {
  /** name of this broker's znode */
  readonly self: string
  /** from the broker's file, environment and flags, by the brokers' names */
  readonly file: ConfigTexts
  readonly options: readonly BrokerOption[]
}

export class ClusterConfigs {
  readonly #options: ConfigsOptions
  readonly #topics = new Map<string, ConfigTexts>()
  readonly #brokers = new Map<string, ConfigTexts>()
  /** by broker: those that it, or all, have of their own; brokers without any are left out */
  readonly #rates = new Map<string, ThrottledRates>()
  /** by entity: problems that were returned last */
  readonly #problems = new Map<string, string>()
  /** values in force, by topic */
  readonly #resolved = new Map<string, TopicConfig>()
  #shared: TopicConfig | undefined
  #revision = 0

  constructor(options: ConfigsOptions = { self: '', file: noTexts, options: [] }) {
    this.#options = options
  }

  /** Name of this broker's znode. */
  get self(): string {
    return this.#options.self
  }

  /** Options of this broker that only a restart changes. */
  get options(): readonly BrokerOption[] {
    return this.#options.options
  }

  /** Rises with every change. */
  get revision(): number {
    return this.#revision
  }

  /** Entities with a znode that was read. */
  *entities(): Iterable<ConfigEntity> {
    for (const name of this.#topics.keys()) yield { type: 'topic', name }
    for (const name of this.#brokers.keys()) yield { type: 'broker', name }
  }

  /**
   * Replaces the values of an entity by the content of its znode.
   *
   * @param data undefined if there is no znode
   * @returns new problems; unusable values are ignored
   */
  set(entity: ConfigEntity, data: Buffer | null | undefined): readonly string[] {
    const { texts, problems } = data === undefined ? nothing : readTexts(entity, data)
    this.#revision += 1
    const all = entity.type === 'topic' ? this.#topics : this.#brokers
    if (data === undefined) all.delete(entity.name)
    else all.set(entity.name, texts)
    if (entity.type === 'topic') this.#resolved.delete(entity.name)
    else {
      this.#resolved.clear()
      this.#shared = undefined
      const rates = throttledRates(texts)
      if (rates.size > 0) this.#rates.set(entity.name, rates)
      else this.#rates.delete(entity.name)
    }
    const key = `${entity.type} ${entity.name}`
    const told = this.#problems.get(key)
    const now = problems.join('\n')
    this.#problems.set(key, now)
    if (now === '') this.#problems.delete(key)
    return now === told ? [] : problems
  }

  /** The values of its own that a topic or broker has, as its znode spells them. */
  own({ type, name }: ConfigEntity): ConfigTexts {
    return (type === 'topic' ? this.#topics : this.#brokers).get(name) ?? noTexts
  }

  /** The values in force for a topic. */
  topic(topic: string): TopicConfig {
    const own = this.#topics.get(topic)
    if (own === undefined || own.size === 0) {
      this.#shared ??= this.#resolve(noTexts)
      return this.#shared
    }
    const known = this.#resolved.get(topic)
    if (known !== undefined) return known
    const config = this.#resolve(own)
    this.#resolved.set(topic, config)
    return config
  }

  /**
   * A broker's value applies to topics of any size and is capped at their replicas. A topic's own
   * value is not.
   */
  minInsyncReplicas(topic: string, replicaCount: number): number {
    const { 'min.insync.replicas': configured } = this.topic(topic)
    const value = configured ?? defaultMinInsyncReplicas(replicaCount)
    const isOwn = this.#topics.get(topic)?.has('min.insync.replicas') === true
    return isOwn ? value : Math.min(value, replicaCount)
  }

  /** Whether any broker has a throttled rate. */
  get hasThrottledRates(): boolean {
    return this.#rates.size > 0
  }

  /** Bytes per second of this broker or of all; undefined: there is no limit. */
  throttledRate(name: ThrottledRateName, broker: BrokerId): number | undefined {
    const own = this.#rates.get(String(broker))?.get(name)
    const rate = own ?? this.#rates.get(allBrokers)?.get(name)
    return rate === unlimitedRate ? undefined : rate
  }

  /**
   * The layers that have a value for this key, the one in force first.
   *
   * @param own a topic's own values; undefined: as for a broker
   */
  settings(name: TopicConfigName, own: ConfigTexts | undefined): readonly ConfigSetting[] {
    const row = topicConfigRows[name]
    const ofTopic = settingsIn([['topic', own]], name)
    const { broker } = row
    const ofBrokers = broker === undefined ? [] : settingsIn(this.#brokerLayers, broker)
    const byDefault = { name: broker ?? name, text: defaultText(row), source: 'default' } as const
    return [...ofTopic, ...ofBrokers, byDefault]
  }

  /** The same for a key that only brokers have. */
  brokerSettings(name: BrokerConfigName): readonly ConfigSetting[] {
    const text = defaultText(brokerConfigRows[name])
    return [...settingsIn(this.#brokerLayers, name), { name, text, source: 'default' }]
  }

  get #brokerLayers(): readonly Layer[] {
    return [
      ['dynamicBroker', this.#brokers.get(this.#options.self)],
      ['dynamicDefault', this.#brokers.get(allBrokers)],
      ['file', this.#options.file],
    ]
  }

  #resolve(own: ConfigTexts): TopicConfig {
    const values = topicConfigNames.map((name) => [name, this.#valueOf(name, own)] as const)
    // Each value was read by the row of its key.
    return Object.fromEntries(values) as unknown as TopicConfig
  }

  #valueOf(name: TopicConfigName, own: ConfigTexts): ConfigValue {
    const row: ConfigRow = topicConfigRows[name]
    for (const { text } of this.settings(name, own)) {
      const read = text === undefined ? undefined : readConfigValue(row, text)
      if (read?.type === 'value') return read.value
    }
    return undefined
  }
}

type Layer = readonly [source: ConfigSource, texts: ConfigTexts | undefined]

function settingsIn(layers: readonly Layer[], name: string): readonly ConfigSetting[] {
  return layers.flatMap(([source, texts]) => {
    const text = texts?.get(name)
    return text === undefined ? [] : { name, text, source }
  })
}

interface ReadTexts {
  readonly texts: ConfigTexts
  readonly problems: readonly string[]
}

const nothing: ReadTexts = { texts: noTexts, problems: [] }

/** The row of a key, as topics or brokers name it. */
export function configRow({ type }: Pick<ConfigEntity, 'type'>, name: string) {
  return type === 'topic' ? topicConfigRow(name) : (byBrokerName.get(name) ?? brokerConfigRow(name))
}

const byBrokerName: ReadonlyMap<string, ConfigRow> = new Map(
  Object.values(topicConfigRows).flatMap((row) => {
    return row.broker === undefined ? [] : [[row.broker, row] as const]
  }),
)

/** The usable values in a znode. An unusable one does not affect the others. */
function readTexts(entity: ConfigEntity, data: Buffer | null): ReadTexts {
  const found = decodeConfig(data)
  if (found === undefined) return { texts: noTexts, problems: ['it is not a configuration'] }
  const texts = new Map<string, string>()
  const problems: string[] = []
  for (const [name, text] of found) {
    const row = configRow(entity, name)
    const read = row === undefined ? undefined : readConfigValue(row, text)
    if (read === undefined) problems.push(`${name} is no key of a ${entity.type}`)
    else if (read.type === 'bad') problems.push(`${name} is ${text}: ${read.reason}`)
    else texts.set(name, text)
  }
  return { texts, problems }
}

/** The format of the znodes, Kafka's. */
export function encodeConfig(texts: ConfigTexts): string {
  return JSON.stringify({ version: 1, config: Object.fromEntries(texts) })
}

export function decodeConfig(data: Buffer | null): ConfigTexts | undefined {
  const { version, config } = objectOf(data)
  if (version !== 1 || typeof config !== 'object' || config === null) return undefined
  const entries = Object.entries(config)
  const isText = (entry: [string, unknown]): entry is [string, string] => {
    return typeof entry[1] === 'string'
  }
  return entries.every(isText) ? new Map(entries) : undefined
}
