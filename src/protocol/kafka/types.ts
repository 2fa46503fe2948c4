// The field types of Kafka's messages, and how they are read and written. A type compiles to
// closures (`codec`) once per version of a message, on first use. In flexible versions lengths and
// counts are compact, and every struct ends with its tagged fields (fields.ts).

import { ProtocolError } from '../error-codes.ts'
import type { KafkaReader } from './reader.ts'
import type { KafkaWriter } from './writer.ts'

/** How a version of a message encodes its fields. */
export interface Form {
  readonly version: number
  readonly isFlexible: boolean
}

/** One type in one form. */
export interface Codec<Read, Written> {
  readonly read: (from: KafkaReader) => Read
  readonly write: (to: KafkaWriter, value: Written) => void
  /** minimum size of a value */
  readonly bytesMin: number
}

/** @param Written accepted for encoding; every decoded value is one of these */
export interface KafkaType<Read, Written = Read> {
  readonly shape: Shape
  readonly codec: (form: Form) => Codec<Read, Written>
}

/** A type with an encoding for null. */
export interface NullableType<Read, Written = Read> extends KafkaType<Read, Written> {
  readonly orNull: (form: Form) => Codec<Read | null, Written | null>
  /** written for null in versions that have no null */
  readonly whenNull: Written
}

/** The structure of a type: for the pages in docs/, and for generators of values in tests. */
export type Shape =
  | { readonly type: Primitive }
  | { readonly type: 'nullable'; readonly of: Shape; readonly since: number }
  | { readonly type: 'list'; readonly of: Shape }
  | { readonly type: 'struct'; readonly fields: readonly FieldShape[] }

export type Primitive =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records'

/** A field of a struct. */
export interface FieldShape {
  readonly name: string
  readonly shape: Shape
  /** first and last version that have it */
  readonly since: number
  readonly until: number
  readonly tag: number | undefined
  readonly hasDefault: boolean
  readonly whenAbsent: unknown
}

// --- primitives ----------------------------------------------------------------------------------

function fixed<T>(
  type: Primitive,
  bytesMin: number,
  read: (from: KafkaReader) => T,
  write: (to: KafkaWriter, value: T) => void,
): KafkaType<T> {
  const codec = { read, write, bytesMin }
  return { shape: { type }, codec: () => codec }
}

export const boolean = fixed<boolean>(
  'bool',
  1,
  (from) => from.boolean(),
  (to, value) => to.boolean(value),
)
export const int8 = fixed<number>(
  'int8',
  1,
  (from) => from.int8(),
  (to, value) => to.int8(value),
)
export const int16 = fixed<number>(
  'int16',
  2,
  (from) => from.int16(),
  (to, value) => to.int16(value),
)
export const int32 = fixed<number>(
  'int32',
  4,
  (from) => from.int32(),
  (to, value) => to.int32(value),
)
/** A safe integer; larger values are clamped to the nearest one. */
export const int64 = fixed<number>(
  'int64',
  8,
  (from) => from.int64(),
  (to, value) => to.int64(value),
)
/** `noUuid`, or 22 characters of base64url. */
export const uuid = fixed<string>(
  'uuid',
  16,
  (from) => from.uuid(),
  (to, value) => to.uuid(value),
)

export const string: NullableType<string> = {
  shape: { type: 'string' },
  whenNull: '',
  codec({ isFlexible }) {
    return {
      read: (from) => from.text(present(from.stringLength(isFlexible), 'string')),
      write: (to, value) => to.string(value, isFlexible),
      bytesMin: isFlexible ? 1 : 2,
    }
  },
  orNull({ isFlexible }) {
    return {
      read(from) {
        const length = from.stringLength(isFlexible)
        return length === -1 ? null : from.text(length)
      },
      write(to, value) {
        if (value === null) to.nullString(isFlexible)
        else to.string(value, isFlexible)
      },
      bytesMin: isFlexible ? 1 : 2,
    }
  },
}

/** @param write writes length and bytes */
function byteType(
  type: Primitive,
  write: (to: KafkaWriter, value: Uint8Array, isCompact: boolean) => void,
): NullableType<Buffer, Uint8Array> {
  return {
    shape: { type },
    whenNull: new Uint8Array(0),
    codec({ isFlexible }) {
      return {
        read: (from) => from.view(present(from.length(isFlexible), type)),
        write: (to, value) => write(to, value, isFlexible),
        bytesMin: isFlexible ? 1 : 4,
      }
    },
    orNull({ isFlexible }) {
      return {
        read(from) {
          const length = from.length(isFlexible)
          return length === -1 ? null : from.view(length)
        },
        write(to, value) {
          if (value === null) to.null(isFlexible)
          else write(to, value, isFlexible)
        },
        bytesMin: isFlexible ? 1 : 4,
      }
    },
  }
}

/** Decoded as a view of the message; copied when encoded. */
export const bytes = byteType('bytes', (to, value, isCompact) => to.bytes(value, isCompact))

/** Record batches: decoded as a view of the message; not copied when encoded. */
export const records = byteType('records', (to, value, isCompact) => to.records(value, isCompact))

function present(length: number, what: string): number {
  if (length !== -1) return length
  throw new ProtocolError(`Cannot read a ${what}: it must not be null`)
}

// --- made of others ------------------------------------------------------------------------------

/** @param first first version of the message in which it may be null */
export function nullable<Read, Written>(
  type: NullableType<Read, Written>,
  first = 0,
): KafkaType<Read | null, Written | null> {
  return {
    shape: { type: 'nullable', of: type.shape, since: first },
    codec(form) {
      if (form.version >= first) return type.orNull(form)
      const { read, write, bytesMin } = type.codec(form)
      return { read, write: (to, value) => write(to, value ?? type.whenNull), bytesMin }
    },
  }
}

export function listOf<Read, Written>(
  element: KafkaType<Read, Written>,
): NullableType<readonly Read[], readonly Written[]> {
  const areObjects = !/^(bool|int)/.test(element.shape.type)
  const listCodec = (form: Form) => {
    const { read, write, bytesMin } = element.codec(form)
    const { isFlexible } = form
    return {
      isFlexible,
      readElements(from: KafkaReader, count: number): readonly Read[] {
        from.checkCount(count, bytesMin, areObjects)
        const elements: Read[] = []
        for (let i = 0; i < count; i++) elements.push(read(from))
        return elements
      },
      writeList(to: KafkaWriter, elements: readonly Written[]): void {
        to.count(elements.length, isFlexible)
        for (const each of elements) write(to, each)
      },
      bytesMin: isFlexible ? 1 : 4,
    }
  }
  return {
    shape: { type: 'list', of: element.shape },
    whenNull: [],
    codec(form) {
      const { isFlexible, readElements, writeList, bytesMin } = listCodec(form)
      const read = (from: KafkaReader) => {
        return readElements(from, present(from.length(isFlexible), 'list'))
      }
      return { read, write: writeList, bytesMin }
    },
    orNull(form) {
      const { isFlexible, readElements, writeList, bytesMin } = listCodec(form)
      return {
        read(from) {
          const count = from.length(isFlexible)
          return count === -1 ? null : readElements(from, count)
        },
        write(to, elements) {
          if (elements === null) to.null(isFlexible)
          else writeList(to, elements)
        },
        bytesMin,
      }
    },
  }
}

/** Sent in place of authorized operations that were not requested. */
export const notAskedFor = -0x8000_0000
