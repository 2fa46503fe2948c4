// Applies the changes of an alterConfigs to the own values of a topic or a broker.
// Rules and error codes are Kafka's. Pure; alter-configs.ts writes the result.

import type { ConfigChange, ConfigEntity } from '../../protocol/mq/configs.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { type ConfigTexts, configRow } from '../cluster/cluster-configs.ts'
import {
  type ConfigRow,
  defaultText,
  listElements,
  readConfigValue,
} from '../cluster/topic-config.ts'
import { offsetsTopic } from '../group/offsets-topic.ts'
import { entityText } from './describe-configs.ts'
import { repeated } from './repeated.ts'

/**
 * @param own values of the znode; values that are not named are kept, even unusable ones
 * @returns the values afterwards
 * @throws BrokerError INVALID_CONFIG, INVALID_REQUEST
 */
export function changedConfig(
  entity: ConfigEntity,
  own: ConfigTexts,
  changes: readonly ConfigChange[],
): ConfigTexts {
  const [twice] = repeated(changes.map(({ name }) => name))
  if (twice !== undefined) throw invalid('INVALID_REQUEST', entity, `it names ${twice} twice`)
  const changed = new Map(own)
  for (const change of changes) {
    const { name } = change
    const text = changedValue(entity, own, change)
    if (text === undefined) changed.delete(name)
    else changed.set(name, text)
  }
  return changed
}

/** The values of a new topic. @throws BrokerError INVALID_CONFIG, INVALID_REQUEST */
export function newConfig(
  topic: string,
  values: readonly { readonly name: string; readonly value: string }[],
): ConfigTexts {
  const changes = values.map(({ name, value }) => ({ name, operation: 'set', value }) as const)
  return changedConfig({ type: 'topic', name: topic }, new Map(), changes)
}

/** @returns undefined if the value is deleted */
function changedValue(
  entity: ConfigEntity,
  own: ConfigTexts,
  { name, operation, value }: ConfigChange,
): string | undefined {
  const row = configRow(entity, name)
  if (row === undefined) {
    // The znode may have an unknown key, written by hand, which can be removed.
    if (operation === 'delete' && own.has(name)) return undefined
    throw invalid('INVALID_CONFIG', entity, `${name} is no key of a ${entity.type}`)
  }
  if (operation === 'delete') return undefined
  if (value === undefined) throw invalid('INVALID_REQUEST', entity, `${name} has no value`)
  const text =
    operation === 'set' ? value : listChanged(entity, row, { own, name, operation, value })
  const read = readConfigValue(row, text)
  if (read.type === 'value') return text
  throw invalid('INVALID_CONFIG', entity, `${name} cannot be '${text}': ${read.reason}`)
}

/**
 * What groups need of the topic in which they are stored: another policy would remove their offsets,
 * and with too few replicas nothing could be committed any more.
 *
 * @param own values of the topic afterwards
 * @throws BrokerError INVALID_CONFIG
 */
export function checkOffsetsTopic(own: ConfigTexts, replicaCount: number): void {
  const entity = { type: 'topic', name: offsetsTopic } as const
  const policy = listElements(own.get('cleanup.policy') ?? '').join(',')
  if (policy !== 'compact') {
    const found = 'its cleanup.policy must stay compact, or offsets of groups would be lost'
    throw invalid('INVALID_CONFIG', entity, found)
  }
  const wanted = Number(own.get('min.insync.replicas') ?? 1)
  if (wanted <= replicaCount) return
  const found = `with min.insync.replicas ${wanted} and ${replicaCount} replicas no offset could be committed`
  throw invalid('INVALID_CONFIG', entity, found)
}

interface ListChange {
  readonly own: ConfigTexts
  readonly name: string
  readonly operation: 'append' | 'subtract'
  readonly value: string
}

function listChanged(
  entity: ConfigEntity,
  row: ConfigRow,
  { own, name, operation, value }: ListChange,
): string {
  if (row.type !== 'list' && row.type !== 'replicas')
    throw invalid('INVALID_CONFIG', entity, `${name} is not a list`)
  const before = listElements(own.get(name) ?? defaultText(row) ?? '')
  const named = listElements(value)
  const after =
    operation === 'append'
      ? [...new Set([...before, ...named])]
      : before.filter((element) => !named.includes(element))
  return after.join(',')
}

function invalid(code: BrokerError['code'], entity: ConfigEntity, found: string): BrokerError {
  return new BrokerError(code, `Cannot configure ${entityText(entity)}: ${found}`)
}
