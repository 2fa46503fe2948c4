// describeConfigs and alterConfigs: the configuration of topics and of brokers, under Kafka's names.
//
// Next on the path: broker/api/describe-configs.ts, broker/api/alter-configs.ts.

import {
  boolean,
  defaulted,
  listOf,
  named,
  noted,
  oneOf,
  optional,
  record,
  text,
  type ValuesOf,
} from '../fields.ts'
import { error, type Message } from './messages.ts'

/** Kafka's numbers. */
export const configEntityTypes = { topic: 2, broker: 4 } as const
export type ConfigEntityType = keyof typeof configEntityTypes

/** In place of a broker's id: all brokers. */
export const allBrokers = '<default>'

const type = oneOf(configEntityTypes)
const name = noted('of a topic; the id of a broker; or `<default>` for all brokers', text())

/** What a configuration is of. */
const entity = { type, name }
export type ConfigEntity = ValuesOf<typeof entity>

/** Where a value comes from; numbers as in Kafka. */
export const configSources = {
  topic: 1,
  dynamicBroker: 2,
  dynamicDefault: 3,
  file: 4,
  default: 5,
} as const
export type ConfigSource = keyof typeof configSources

/** Numbers as in Kafka. */
export const configTypes = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 } as const

const source = named('source', oneOf(configSources))

// --- describeConfigs -----------------------------------------------------------------------------

export const describeConfigsRequest = {
  entities: listOf(
    record({
      type,
      name,
      /** undefined: all keys */
      keys: defaulted(optional(listOf(text())), undefined),
    }),
  ),
}
export type DescribeConfigsRequest = Message<'describeConfigs', typeof describeConfigsRequest>

const configEntry = {
  name: text(),
  /** undefined: it depends on the topic */
  value: optional(text()),
  source,
  /** only a restart of the broker changes it */
  isReadOnly: boolean(),
  type: oneOf(configTypes),
  about: text(),
  /** all layers that have a value, the one in force first, as each names the key */
  synonyms: listOf(record({ name: text(), value: optional(text()), source })),
}
export type ConfigEntry = ValuesOf<typeof configEntry>

const describedConfigs = { type, name, error, entries: listOf(record(configEntry)) }
export type DescribedConfigs = ValuesOf<typeof describedConfigs>

export const describeConfigsResponse = { entities: listOf(record(describedConfigs)) }
export type DescribeConfigsResponse = Message<'describeConfigs', typeof describeConfigsResponse>

// --- alterConfigs --------------------------------------------------------------------------------

/** Numbers as in Kafka's IncrementalAlterConfigs; the last two change lists. */
export const configOperations = { set: 0, delete: 1, append: 2, subtract: 3 } as const

const configChange = {
  name: text(),
  operation: oneOf(configOperations),
  /** undefined with `delete` only */
  value: optional(text()),
}
export type ConfigChange = ValuesOf<typeof configChange>

const configChanges = { type, name, changes: listOf(record(configChange)) }
export type ConfigChanges = ValuesOf<typeof configChanges>

export const alterConfigsRequest = {
  validateOnly: defaulted(boolean(), false),
  /** whether keys that are not named lose their values */
  replaces: defaulted(boolean(), false),
  entities: listOf(record(configChanges)),
}
export type AlterConfigsRequest = Message<'alterConfigs', typeof alterConfigsRequest>

const alteredConfigs = { type, name, error }
export type AlteredConfigs = ValuesOf<typeof alteredConfigs>

export const alterConfigsResponse = { entities: listOf(record(alteredConfigs)) }
export type AlterConfigsResponse = Message<'alterConfigs', typeof alterConfigsResponse>
