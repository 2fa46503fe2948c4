// Keys of brokers that stand for no key of a topic, under the names of Kafka 3.9. They are set while
// the brokers run, for one or for all, in /config/brokers (cluster-configs.ts). Pure.
//
// The rates throttle replication (KIP-73): replication/replication-throttle.ts.

import { type ConfigRow, readConfigValue } from './topic-config.ts'

export const unlimitedRate = Number.MAX_SAFE_INTEGER

/** By name, in alphabetical order. */
export const brokerConfigRows = {
  'follower.replication.throttled.rate': {
    type: 'long',
    default: unlimitedRate,
    min: 0,
    about:
      'Most bytes per second that this broker fetches of replicas in follower.replication.throttled.replicas while they catch up.',
  },
  'leader.replication.throttled.rate': {
    type: 'long',
    default: unlimitedRate,
    min: 0,
    about:
      'Most bytes per second that this broker sends, of partitions in leader.replication.throttled.replicas, to replicas that catch up.',
  },
  // Kafka's kafka-reassign-partitions deletes it together with the rates.
  'replica.alter.log.dirs.io.max.bytes.per.second': {
    type: 'fixed',
    shownAs: 'long',
    default: '9223372036854775807',
    why: 'a broker has one log directory, so nothing moves between several',
    about: 'Most bytes per second that replicas move between log directories of this broker.',
  },
} as const satisfies Readonly<Record<string, ConfigRow>>

export type BrokerConfigName = keyof typeof brokerConfigRows
export type ThrottledRateName = Extract<BrokerConfigName, `${string}.throttled.rate`>

export const brokerConfigNames = Object.keys(brokerConfigRows) as readonly BrokerConfigName[]
const rateNames = [
  'follower.replication.throttled.rate',
  'leader.replication.throttled.rate',
] as const satisfies readonly ThrottledRateName[]

export function brokerConfigRow(name: string): ConfigRow | undefined {
  return Object.hasOwn(brokerConfigRows, name)
    ? brokerConfigRows[name as BrokerConfigName]
    : undefined
}

/** Bytes per second, by key. */
export type ThrottledRates = ReadonlyMap<ThrottledRateName, number>

/** @param texts values of one layer, by key */
export function throttledRates(texts: ReadonlyMap<string, string>): ThrottledRates {
  const rates = new Map<ThrottledRateName, number>()
  for (const name of rateNames) {
    const text = texts.get(name)
    const read = text === undefined ? undefined : readConfigValue(brokerConfigRows[name], text)
    if (read?.type === 'value' && typeof read.value === 'number') rates.set(name, read.value)
  }
  return rates
}
