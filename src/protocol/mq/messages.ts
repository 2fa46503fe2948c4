// What the messages between a client and a broker, and between two brokers, have in common: who the
// brokers are, and what a request that names several partitions is answered for each of them.
//
// Each api has a file of its own beside this one; apis.ts lists them, native.ts puts them into frames.

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

/** `--id N` of a broker. */
export type BrokerId = number & { readonly __brokerId: never }

/** In place of a broker: no broker, or a client. */
export const noBroker = -1 as BrokerId

/** Random, made with a broker's data directory: a wiped disk, or an old copy of one, is another. */
export type DirectoryId = string & { readonly __directoryId: never }

/** One life of a broker, from its registration to the end of that, with the disk that it has in it. */
export interface Life {
  readonly directory: DirectoryId
  /** czxid of the broker's /brokers/ids node */
  readonly brokerEpoch: number
}

export const brokerId = int<BrokerId>()

/** Offset, or number of records. */
export const offset = natural()

export const life = record({ directory: text<DirectoryId>(), brokerEpoch: natural() })

// --- partitions ----------------------------------------------------------------------------------

export const topic = text()
/** A client may ask for what does not exist: any number is answered. */
export const partition = number()

export const place = { topic, partition }
export type Place = ValuesOf<typeof place>

/** A request with this in place of a leader epoch does not depend on it. */
export const anyEpoch = -1

/** Codes from the future are an unknown error. */
export const errorCode = named(
  'error code',
  oneOf(mqErrorCodes, {
    name: 'UNKNOWN_SERVER_ERROR',
    code: mqErrorCodes.UNKNOWN_SERVER_ERROR,
  }),
)

/** Why one part of a request could not be done; the other parts may have been. */
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
 * What every request that names several partitions or topics is answered for each, in the same order;
 * undefined: it was done, and only then the other fields mean anything.
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

/** The answer for the only partition or topic that was asked for. @throws BrokerError its failure */
export function onlyOne<T extends Outcome>(outcomes: readonly T[]): T {
  const [outcome] = outcomes
  if (outcome === undefined) {
    throw new BrokerError('UNKNOWN_SERVER_ERROR', 'Cannot use an answer: it is empty')
  }
  if (outcome.error !== undefined) throw brokerErrorOf(outcome.error)
  return outcome
}
