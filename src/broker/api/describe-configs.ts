// describeConfigs: every key of a topic or a broker, with its value and all layers that have one.

import {
  allBrokers,
  type ConfigEntity,
  type ConfigEntry,
  type configTypes,
  type DescribeConfigsRequest,
  type DescribedConfigs,
} from '../../protocol/mq/configs.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { failureOf } from '../../protocol/mq/messages.ts'
import { brokerConfigNames, brokerConfigRows } from '../cluster/broker-config.ts'
import type { BrokerOption, ConfigSetting, ConfigTexts } from '../cluster/cluster-configs.ts'
import type { ClusterImage } from '../cluster/cluster-image.ts'
import {
  type ConfigRow,
  defaultMinInsyncReplicas,
  topicConfigNames,
  topicConfigRows,
} from '../cluster/topic-config.ts'
import { asBrokerError, type Respond } from './answer.ts'
import type { BrokerParts } from './broker-parts.ts'
import { repeated, repeatedError } from './repeated.ts'

export function describeConfigs(
  { image }: Pick<BrokerParts, 'image'>,
  { entities }: DescribeConfigsRequest,
  respond: Respond,
): void {
  const twice = repeated(entities.map(entityText))
  const described = entities.map((entity): DescribedConfigs => {
    const { type, name, keys } = entity
    try {
      const what = entityText(entity)
      if (twice.has(what)) throw repeatedError(`describe ${what}`)
      const entries = entriesOf(image, entity)
      const wanted = keys === undefined ? entries : entries.filter((one) => keys.includes(one.name))
      return { type, name, error: undefined, entries: wanted }
    } catch (error) {
      return { type, name, error: failureOf(asBrokerError(error)), entries: [] }
    }
  })
  respond({ type: 'describeConfigs', entities: described })
}

/** 'topic goals', 'broker 3' */
export function entityText({ type, name }: ConfigEntity): string {
  return `${type} ${name}`
}

/** @throws BrokerError */
function entriesOf(image: ClusterImage, entity: ConfigEntity): readonly ConfigEntry[] {
  const { configs } = image
  if (entity.type === 'topic') {
    const { replicas } = image.topics.get(entity.name)?.assignment ?? {}
    if (replicas === undefined) throw noTopic('describe', entity.name)
    const replicaCount = replicas[0]?.length ?? 1
    return topicEntries(image, configs.own(entity), replicaCount)
  }
  if (entity.name === allBrokers) return brokerEntries(image).filter(isForAll)
  if (entity.name !== configs.self) {
    const found = `this is broker ${configs.self}: only a broker itself knows its file`
    throw new BrokerError('INVALID_REQUEST', `Cannot describe broker ${entity.name}: ${found}`)
  }
  return [...brokerEntries(image), ...configs.options.map(optionEntry)]
}

export function noTopic(what: string, topic: string): BrokerError {
  const found = 'the topic does not exist'
  return new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `Cannot ${what} topic '${topic}': ${found}`)
}

/** @param own values of the topic's own */
export function topicEntries(
  { configs }: ClusterImage,
  own: ConfigTexts,
  replicaCount: number,
): readonly ConfigEntry[] {
  return topicConfigNames.map((name) => {
    const settings = configs.settings(name, own)
    const synonyms = settings.map(({ name: named, text, source }) => {
      const isOpen = text === undefined && name === 'min.insync.replicas'
      const value = isOpen ? String(defaultMinInsyncReplicas(replicaCount)) : text
      return { name: named, value, source }
    })
    return entryOf(name, topicConfigRows[name], synonyms)
  })
}

function brokerEntries({ configs }: ClusterImage): readonly ConfigEntry[] {
  const ofTopics = topicConfigNames.flatMap((name) => {
    const row = topicConfigRows[name]
    const { broker } = row
    if (broker === undefined) return []
    return entryOf(broker, row, configs.settings(name, undefined).map(synonymOf))
  })
  const own = brokerConfigNames.map((name) => {
    return entryOf(name, brokerConfigRows[name], configs.brokerSettings(name).map(synonymOf))
  })
  return [...ofTopics, ...own]
}

function synonymOf({ name, text, source }: ConfigSetting): ConfigEntry['synonyms'][number] {
  return { name, value: text, source }
}

function entryOf(name: string, row: ConfigRow, synonyms: ConfigEntry['synonyms']): ConfigEntry {
  const [inForce] = synonyms
  return {
    name,
    value: inForce?.value,
    source: inForce?.source ?? 'default',
    isReadOnly: false,
    type: typeOf(row),
    about: row.about,
    synonyms,
  }
}

function typeOf(row: ConfigRow): keyof typeof configTypes {
  if (row.type === 'replicas') return 'list'
  return row.type === 'fixed' ? row.shownAs : row.type
}

function isForAll({ source }: ConfigEntry): boolean {
  return source === 'dynamicDefault'
}

function optionEntry({ name, text, isSet, about }: BrokerOption): ConfigEntry {
  const source = isSet ? 'file' : 'default'
  const synonyms = [{ name, value: text, source } as const]
  return { name, value: text, source, isReadOnly: true, type: 'string', about, synonyms }
}
