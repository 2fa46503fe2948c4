// What the arguments of Producer, Consumer and MqAdmin have in common. Each has its tables in a file of
// its own: one per method, in the order of its parameters, and one for the options of the class. The
// classes document the meaning.

import type { Address } from '../../address.ts'
import { limits } from '../../limits.ts'
import type { Logger } from '../../logger.ts'
import { BrokerError, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import {
  having,
  type Kind,
  type Method,
  Misfit,
  misfit,
  nonEmptyText,
  optional,
  type Rows,
  type RowsOf,
  record,
  type Taken,
  wholeNumber,
} from '../arguments.ts'
import { serverList } from '../server-list.ts'
import { tlsOption } from '../tls.ts'
import { clientWorld } from '../world-argument.ts'
import type { ZkClient } from '../zk/zk-client.ts'
import { saslOption } from './login.ts'
import type { CallOptions, MqClientOptions } from './options.ts'

/** The default port of a broker, Kafka's. */
const defaultBrokerPort = 9092

// --- kinds -----------------------------------------------------------------------------------------

/** Topic and group names become names of znodes and metrics: Kafka's rule. */
export const kafkaName: Kind<string> = (value, name) => {
  const most = limits.topicNameLengthMax
  const isName =
    typeof value === 'string' && /^[\w.-]+$/.test(value) && value !== '.' && value !== '..'
  if (isName && value.length <= most) return value
  throw misfit(value, name, `letters, digits, dot, underscore and dash, at most ${most}`)
}

export const int32Max = 2 ** 31 - 1
export const partition = wholeNumber(0, int32Max)
/**
 * The range of an encoded offset. The broker refuses an offset outside the log, with the bounds.
 */
export const offset = wholeNumber(-(2 ** 53), 2 ** 53)

/**
 * Two timestamps of one batch may differ by at most the range of a varint: until the year 144683.
 */
export const timestampMsMax = 2 ** 52 - 1
export const timestampMs = wholeNumber(0, timestampMsMax)

export const abortSignal = optional(
  having<AbortSignal>('an AbortSignal', 'addEventListener', 'throwIfAborted'),
)
export const callOptions = optional(record({ signal: abortSignal } satisfies RowsOf<CallOptions>), {
  signal: undefined,
})

/** Arguments for which Kafka has a specific code; the others are INVALID_REQUEST. */
const codes: ReadonlyMap<string, MqErrorCode> = new Map([
  ['record.topic', 'INVALID_TOPIC_EXCEPTION'],
  ['topic.topic', 'INVALID_TOPIC_EXCEPTION'],
  ['options.topic', 'INVALID_TOPIC_EXCEPTION'],
  ['topic', 'INVALID_TOPIC_EXCEPTION'],
  ['name', 'INVALID_TOPIC_EXCEPTION'],
  ['options.group', 'INVALID_GROUP_ID'],
  ['group', 'INVALID_GROUP_ID'],
  ['topic.partitions', 'INVALID_PARTITIONS'],
  ['topic.replicas', 'INVALID_REPLICATION_FACTOR'],
])

/** @throws BrokerError with the argument's name */
export function take<R extends Rows>(table: Method<R>, given: readonly unknown[]): Taken<R> {
  try {
    return table.take(given)
  } catch (error) {
    if (!(error instanceof Misfit)) throw error
    const code = codes.get(error.argument) ?? 'INVALID_REQUEST'
    throw new BrokerError(code, `Cannot ${table.name}: ${error.message}`)
  }
}

// --- options ---------------------------------------------------------------------------------------

const brokerList: Kind<readonly Address[]> = (value, name) => {
  const { servers, chroot } = serverList(defaultBrokerPort)(value, name)
  if (chroot !== '') throw new Misfit(name, `names '${chroot}'; brokers have no chroot`)
  return servers
}

export const clientRows = {
  brokers: optional(brokerList),
  zk: optional(having<ZkClient>('a ZkClient', 'getChildren', 'getData')),
  name: optional(nonEmptyText),
  logger: optional(having<Logger>('a logger', 'child', 'debug', 'info', 'warn', 'error')),
  tls: optional(tlsOption),
  sasl: optional(saslOption),
  world: optional(clientWorld),
} satisfies RowsOf<MqClientOptions>

/** The options common to all classes here, after the check. */
export type MqClientParts = Taken<typeof clientRows>

/** @throws BrokerError */
export function takeOptions<T extends MqClientParts>(
  table: Method<{ readonly options: Kind<T> }>,
  given: unknown,
): T {
  const { options } = take(table, [given])
  if (options.brokers === undefined && options.zk === undefined) {
    const found = 'options.brokers is missing; give brokers, or a ZkClient as options.zk'
    throw new BrokerError('INVALID_REQUEST', `Cannot ${table.name}: ${found}`)
  }
  return options
}
