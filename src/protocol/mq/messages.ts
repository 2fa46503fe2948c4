// The common parts of the messages between a client and a broker, and between two brokers: the
// identity of brokers, and the outcome for each partition of a request that names several.
//
// Each api has its own file beside this one; apis.ts lists them, native.ts encodes them in frames.

import {
  type FieldRow,
  int,
  named,
  natural,
  noted,
  number,
  oneOf,
  optional,
  record,
  text,
  type ValuesOf,
} from '../fields.ts'
import { BrokerError, mqErrorCodes } from './error-codes.ts'

/** The message with these fields. */
export type Message<N extends string, F extends FieldRow> = Flat<{ readonly type: N } & ValuesOf<F>>
type Flat<T> = { [K in keyof T]: T[K] }

// --- brokers -------------------------------------------------------------------------------------

/** A broker's `--id N`. */
export type BrokerId = number & { readonly __brokerId: never }

/** In place of a broker: no broker, or a client. */
export const noBroker = -1 as BrokerId

/**
 * Random, created with a broker's data directory: a wiped disk gets a new one, as an old copy does.
 */
export type DirectoryId = string & { readonly __directoryId: never }

/** One life of a broker: one registration, from beginning to end, with one data directory. */
export interface Life {
  readonly directory: DirectoryId
  /** czxid of the broker's /brokers/ids node */
  readonly brokerEpoch: number
}

export const brokerId = int<BrokerId>()

/** An offset or a number of records. */
export const offset = natural()

export const life = record({ directory: text<DirectoryId>(), brokerEpoch: natural() })

// --- partitions ----------------------------------------------------------------------------------

export const topic = text()
/** Any number is decoded: a partition that does not exist is an outcome, not a protocol error. */
export const partition = number()

export const place = { topic, partition }
export type Place = ValuesOf<typeof place>

/** In place of a leader epoch: the request is valid in any. */
export const anyEpoch = -1

/** A code that this release does not know decodes to UNKNOWN_SERVER_ERROR. */
export const errorCode = named(
  'error code',
  oneOf(mqErrorCodes, {
    name: 'UNKNOWN_SERVER_ERROR',
    code: mqErrorCodes.UNKNOWN_SERVER_ERROR,
  }),
)

/** Why one part of a request failed; the other parts may have succeeded. */
export const failure = named(
  'failure',
  record({
    code: errorCode,
    message: text(),
    bounds: noted(
      "of error 1: the log's start offset and its end offset",
      optional(record({ start: offset, end: offset })),
    ),
  }),
)
export type Failure = ReturnType<typeof failure.unpack>

/**
 * The outcome for each partition or topic of a request that names several, in the same order.
 * undefined: it succeeded; only then do the other fields mean anything.
 */
export const error = optional(failure)

export interface Outcome {
  readonly error: Failure | undefined
}

/** A number that is -1 when there is none. */
export const intOrNone = int({ min: -1 })

export function failureOf({ code, message, bounds }: BrokerError): Failure {
  return { code, message, bounds }
}

export function brokerErrorOf({ code, message, bounds }: Failure): BrokerError {
  return new BrokerError(code, message, { bounds })
}

/** The outcome for the only partition or topic of a request. @throws BrokerError its failure */
export function onlyOne<T extends Outcome>(outcomes: readonly T[]): T {
  const [outcome] = outcomes
  if (outcome === undefined) {
    throw new BrokerError('UNKNOWN_SERVER_ERROR', 'Cannot use an answer: it is empty')
  }
  if (outcome.error !== undefined) throw brokerErrorOf(outcome.error)
  return outcome
}
