// The building blocks of messages. A message is a row of named fields in wire order, and each field
// has a type and bounds. The rows define the types that the program uses (`MessageOf`), the values
// that msgpackr packs and unpacks, the tables in docs/, and the messages that property tests
// generate.
//
//   const asks = new Messages('ask', {
//     read: { code: 1, fields: { path: text(), limit: optional(natural()) } },
//     stop: { code: 2, fields: {} },
//   })
//   type Ask = MessageOf<typeof asks>     { type: 'read', path: string, limit: … } | { type: 'stop'
//                                         }
//
// A message with a hand-written codec has a row too, and a test that compares the bytes of both.
// Next on the path: plain.ts, which turns plain values into bytes.

import { asBuffer } from '../as-buffer.ts'
import { invariant } from '../invariant.ts'
import { ByteWriter } from './byte-writer.ts'
import { ProtocolError } from './error-codes.ts'
import { MsgpackReader } from './msgpack.ts'
import { type Plain, readPlains, writePlains } from './plain.ts'

/** A type of field: its values are `T` in the program, and plain values on the wire. */
export interface Field<T> {
  readonly shape: Shape
  /** Its meaning, for docs. */
  readonly note?: string
  pack(value: T): Plain
  /**
   * @param name the field's, for the error
   * @throws ProtocolError for a value of another type or outside the bounds
   */
  unpack(plain: Plain, name: string): T
}

/**
 * A field that may be omitted: it is packed as a default value, and always present when unpacked.
 */
export interface OmissibleField<T> extends Field<T | undefined> {
  readonly omissible: true
}

export interface PackedField<T> extends Field<T> {
  pack(value: T): Uint8Array
}

/** A field's type and bounds as data: for error messages, docs and generators. */
export type Shape =
  | { readonly type: 'int'; readonly min: number; readonly max: number }
  | { readonly type: 'number' | 'boolean' | 'text' | 'bytes' }
  | { readonly type: 'constant'; readonly value: string | number }
  | { readonly type: 'oneOf'; readonly codes: Readonly<Record<string, number>> }
  | { readonly type: 'optional' | 'packed'; readonly of: Shape }
  | { readonly type: 'list'; readonly of: Shape; readonly max: number }
  | { readonly type: 'record'; readonly fields: FieldRow }
  | { readonly type: 'choice'; readonly rows: Rows }
  | { readonly type: 'named'; readonly name: string; readonly of: Shape }
  | { readonly type: 'refined'; readonly of: Shape; readonly says: string }

/** A well-framed message with an unknown code: a server can answer it in order. */
export class UnknownCodeError extends ProtocolError {
  override readonly name = 'UnknownCodeError'
}

// --- scalars -------------------------------------------------------------------------------------

/** A safe integer within bounds, both inclusive. */
export function int<T extends number = number>({
  min = Number.MIN_SAFE_INTEGER,
  max = Number.MAX_SAFE_INTEGER,
}: {
  readonly min?: number
  readonly max?: number
} = {}): Field<T> {
  const isWithin = (plain: Plain): plain is T =>
    Number.isSafeInteger(plain) && Number(plain) >= min && Number(plain) <= max
  return scalar({ type: 'int', min, max }, isWithin)
}

/** An integer from 0. */
export function natural<T extends number = number>({
  max,
}: {
  readonly max?: number
} = {}): Field<T> {
  return int(max === undefined ? { min: 0 } : { min: 0, max })
}

export function int32<T extends number = number>(): Field<T> {
  return int({ min: -(2 ** 31), max: 2 ** 31 - 1 })
}

/**
 * Any number: for values whose bounds are checked later, so that the answer can give the reason.
 */
export function number<T extends number = number>(): Field<T> {
  return scalar({ type: 'number' }, (plain): plain is T => typeof plain === 'number')
}

export function boolean(): Field<boolean> {
  return scalar({ type: 'boolean' }, (plain) => typeof plain === 'boolean')
}

export function text<T extends string = string>(): Field<T> {
  const field = scalar({ type: 'text' }, (plain): plain is T => typeof plain === 'string')
  // A lone surrogate has no UTF-8 encoding; msgpackr would write invalid bytes.
  const pack = (value: T): Plain => (loneSurrogate.test(value) ? wellFormed(value) : value)
  return { shape: field.shape, pack, unpack: field.unpack }
}

const loneSurrogate = /\p{Surrogate}/u

function wellFormed(value: string): string {
  return Buffer.from(value, 'utf8').toString('utf8')
}

interface BytesOptions {
  /** Whether to copy the bytes. Otherwise they are a view of the frame: copy them to keep them. */
  readonly copied?: boolean
}

export function bytes({ copied = false }: BytesOptions = {}): Field<Uint8Array> {
  const { shape, pack, unpack } = scalar({ type: 'bytes' }, isBytes)
  if (!copied) return { shape, pack, unpack }
  return { shape, pack, unpack: (plain, name) => new Uint8Array(unpack(plain, name)) }
}

/** Bytes as node's Buffer. */
export function buffer(options: BytesOptions = {}): Field<Buffer> {
  const { shape, pack, unpack } = bytes(options)
  return { shape, pack, unpack: (plain, name) => asBuffer(unpack(plain, name)) }
}

function isBytes(plain: Plain): plain is Uint8Array {
  return plain instanceof Uint8Array
}

/** A value that is the same in every message of a kind, such as the role in a hello. */
export function constant<T extends string | number>(value: T): Field<T> {
  return scalar({ type: 'constant', value }, (plain): plain is T => plain === value)
}

/**
 * A name, encoded as its code.
 *
 * @param other the name that unknown codes are read as, and its code for writing; without it, an
 *   unknown code is an UnknownCodeError
 */
export function oneOf<N extends string, O extends string = never>(
  codes: Readonly<Record<N, number>>,
  other?: { readonly name: O; readonly code: number },
): Field<N | NoInfer<O>> {
  const shape = { type: 'oneOf', codes } as const
  const names = inverse(codes)
  const numbers = new Map<string, number>(Object.entries<number>(codes))
  if (other !== undefined) numbers.set(other.name, other.code)
  return {
    shape,
    pack(name) {
      const code = numbers.get(name)
      invariant(code !== undefined, 'a name that is sent has a code')
      return code
    },
    unpack(plain, name) {
      if (typeof plain !== 'number' || !Number.isSafeInteger(plain)) throw wrong(name, plain, shape)
      const found = names.get(plain) ?? other?.name
      if (found !== undefined) return found
      throw new UnknownCodeError(sentence(name, plain, shape))
    },
  }
}

/** The names by their numbers on the wire. */
export function inverse<N extends string>(codes: Readonly<Record<N, number>>): Map<number, N> {
  return new Map(Object.entries<number>(codes).map(([name, code]) => [code, name as N]))
}

// --- compositions --------------------------------------------------------------------------------

/** The value, or nil for undefined. */
export function optional<T>(field: Field<T>): Field<T | undefined> {
  return {
    shape: { type: 'optional', of: field.shape },
    pack: (value) => (value === undefined ? null : field.pack(value)),
    unpack: (plain, name) => (plain === null ? undefined : field.unpack(plain, name)),
  }
}

/** The value, or nil for null. */
export function nullable<T>(field: Field<T>): Field<T | null> {
  return {
    shape: { type: 'optional', of: field.shape },
    pack: (value) => (value === null ? null : field.pack(value)),
    unpack: (plain, name) => (plain === null ? null : field.unpack(plain, name)),
  }
}

/** Packed as `value` when it is not given. */
export function defaulted<T>(field: Field<T>, value: NoInfer<T>): OmissibleField<T> {
  const pack = (given: T | undefined) => field.pack(given === undefined ? value : given)
  return { omissible: true, shape: field.shape, pack, unpack: field.unpack }
}

export function listOf<T>(
  field: Field<T>,
  { max = Number.POSITIVE_INFINITY }: { readonly max?: number } = {},
): Field<readonly T[]> {
  const shape = { type: 'list', of: field.shape, max } as const
  return {
    shape,
    pack: (values) => values.map((value) => field.pack(value)),
    unpack(plain, name) {
      if (!isList(plain) || plain.length > max) throw wrong(name, plain, shape)
      return plain.map((element) => field.unpack(element, name))
    },
  }
}

/** A value of several fields, as an array of them. */
export function record<F extends FieldRow>(fields: F): Field<ValuesOf<F>> {
  const shape = { type: 'record', fields } as const
  const entries = Object.entries(fields)
  return {
    shape,
    pack: (values) => packEntries(entries, values),
    unpack(plain, name) {
      if (!isList(plain)) throw wrong(name, plain, shape)
      if (plain.length !== entries.length) throw wrongCount(name, entries.length, plain.length)
      return unpackEntries({}, entries, plain)
    },
  }
}

/** One of several messages, as an array of its code and its fields. */
export function choice<R extends Rows>(messages: Messages<R>): Field<RowMessage<R, TypeOf<R>>> {
  const shape = { type: 'choice', rows: messages.rows } as const
  return {
    shape,
    pack: (message) => [messages.code(message.type), ...messages.pack(message)],
    unpack(plain, name) {
      const [code, ...fields] = isList(plain) ? plain : []
      if (typeof code !== 'number') {
        throw new ProtocolError(`Cannot read ${name}: wanted [code, …], found ${shown(plain)}`)
      }
      const type = messages.type(code)
      if (type !== undefined) return messages.unpack(type, fields)
      throw new UnknownCodeError(`Cannot read ${name}: ${code} is the code of none`)
    },
  }
}

/** A value encoded as bytes, which its receiver may keep or pass on without decoding them. */
export function packed<T>(field: Field<T>): PackedField<T> {
  const shape = { type: 'packed', of: field.shape } as const
  return {
    shape,
    pack(value) {
      const out = new ByteWriter()
      writePlains(out, [field.pack(value)])
      return Uint8Array.from(out.view())
    },
    unpack(plain, name) {
      if (!isBytes(plain)) throw wrong(name, plain, shape)
      const reader = new MsgpackReader().reset(asBuffer(plain), 0, plain.length)
      const [value = null] = readPlains(reader, 1)
      return field.unpack(value, name)
    },
  }
}

/** The same field, with a name for its type in docs and errors. */
export function named<T>(name: string, field: Field<T>): Field<T> {
  const shape = { type: 'named', name, of: field.shape } as const
  return { shape, pack: field.pack, unpack: field.unpack }
}

/** The same field, with a note for docs. */
export function noted<T>(note: string, { shape, pack, unpack }: Field<T>): Field<T> {
  return { shape, note, pack, unpack }
}

/**
 * A field whose values must meet a further condition.
 *
 * @param says the condition in words, for docs: "with ascending ids"
 */
export function refined<T>(field: Field<T>, says: string, holds: (value: T) => boolean): Field<T> {
  const shape = { type: 'refined', of: field.shape, says } as const
  return {
    shape,
    pack: field.pack,
    unpack(plain, name) {
      const value = field.unpack(plain, name)
      if (holds(value)) return value
      throw wrong(name, plain, shape)
    },
  }
}

// --- rows and messages ---------------------------------------------------------------------------

/** Fields by name, in wire order. */
export type FieldRow = Readonly<Record<string, Field<unknown>>>

/** Messages by type. */
export type Rows = Readonly<Record<string, { readonly code: number; readonly fields: FieldRow }>>

type ValueOf<F> = F extends Field<infer T> ? T : never
type IsOmissible<F> = F extends { readonly omissible: true } ? true : false
type Flat<T> = { [K in keyof T]: T[K] }

/** The values of a row of fields. */
export type ValuesOf<F extends FieldRow> = Flat<
  { readonly [K in keyof F as IsOmissible<F[K]> extends true ? never : K]: ValueOf<F[K]> } & {
    readonly [K in keyof F as IsOmissible<F[K]> extends true ? K : never]?: ValueOf<F[K]>
  }
>

/** The types of the messages in a table. */
export type TypeOf<R extends Rows> = keyof R & string

/** A message of a table with the fields of its row, tagged by `type`. */
export type RowMessage<R extends Rows, N extends TypeOf<R>> = {
  [K in N]: Flat<{ readonly type: K } & ValuesOf<R[K]['fields']>>
}[N]

/** All messages of a table, or those of the types `N`: `MessageOf<typeof requests, 'create'>`. */
export type MessageOf<M, N extends string = string> =
  M extends Messages<infer R> ? RowMessage<R, Extract<TypeOf<R>, N>> : never

/** A table of messages, such as all requests, or all parts of a multi. */
export class Messages<R extends Rows> {
  readonly rows: R
  readonly #what: string
  readonly #types = new Map<number, TypeOf<R>>()
  readonly #entries = new Map<string, Entries>()

  /** @param what the noun for such a message in errors: "request" */
  constructor(what: string, rows: R) {
    this.#what = what
    this.rows = rows
    for (const type in rows) {
      this.#types.set(this.code(type), type)
      this.#entries.set(type, Object.entries(this.fields(type)))
    }
    invariant(this.#types.size === this.#entries.size, 'each message has a code of its own')
  }

  code(type: TypeOf<R>): number {
    return this.#row(type).code
  }

  fields(type: TypeOf<R>): FieldRow {
    return this.#row(type).fields
  }

  fieldCount(type: TypeOf<R>): number {
    return this.#entriesOf(type).length
  }

  /** @returns undefined for a code that no message has */
  type(code: number): TypeOf<R> | undefined {
    return this.#types.get(code)
  }

  /** The values of the fields, in wire order. */
  pack<N extends TypeOf<R>>(message: RowMessage<R, N> & { readonly type: N }): Plain[] {
    return packEntries(this.#entriesOf(message.type), message)
  }

  /** @throws ProtocolError for wrong values, too few or too many */
  unpack<N extends TypeOf<R>>(type: N, plains: readonly Plain[]): RowMessage<R, N> {
    this.expectCount(type, plains.length)
    return unpackEntries({ type }, this.#entriesOf(type), plains)
  }

  /** @throws ProtocolError if a message of this type has another number of fields */
  expectCount(type: TypeOf<R>, count: number): void {
    const wanted = this.fieldCount(type)
    if (count !== wanted) throw wrongCount(`${type} ${this.#what}`, wanted, count)
  }

  #entriesOf(type: string): Entries {
    return this.#entries.get(type) ?? []
  }

  #row<N extends TypeOf<R>>(type: N): R[N] {
    return this.rows[type]
  }
}

export function packFields<F extends FieldRow>(fields: F, values: ValuesOf<F>): Plain[] {
  return packEntries(Object.entries(fields), values)
}

/**
 * @param what the noun for such a message in errors: "hello"
 * @throws ProtocolError for wrong values, too few or too many
 */
export function unpackFields<F extends FieldRow>(
  what: string,
  fields: F,
  plains: readonly Plain[],
): ValuesOf<F> {
  const entries = Object.entries(fields)
  if (plains.length !== entries.length) throw wrongCount(what, entries.length, plains.length)
  return unpackEntries({}, entries, plains)
}

type Entries = readonly (readonly [string, Field<unknown>])[]

function wrongCount(what: string, wanted: number, found: number): ProtocolError {
  return new ProtocolError(`Cannot decode a ${what}: it has ${found} fields, not ${wanted}`)
}

function packEntries(entries: Entries, values: object): Plain[] {
  return entries.map(([name, field]) => field.pack(Reflect.get(values, name)))
}

function unpackEntries<T>(
  into: Record<string, unknown>,
  entries: Entries,
  plains: readonly Plain[],
): T {
  let i = 0
  for (const [name, field] of entries) into[name] = field.unpack(plains[i++] ?? null, name)
  // The row guarantees that these are the values of a `T`, but the compiler cannot see it.
  return into as T
}

// --- words for errors and docs -------------------------------------------------------------------

/** A type with its bounds, in the words of the docs. */
export function describe(shape: Shape): string {
  switch (shape.type) {
    case 'int':
      return describeInt(shape.min, shape.max)
    case 'number':
      return 'number'
    case 'boolean':
      return 'bool'
    case 'text':
      return 'string'
    case 'bytes':
      return 'bytes'
    case 'constant':
      return JSON.stringify(shape.value)
    case 'oneOf':
      return Object.entries(shape.codes)
        .map(([name, code]) => `${code} (${name})`)
        .join(', ')
    case 'optional':
      return `${describe(shape.of)} or nil`
    case 'packed':
      return `bytes of ${describe(shape.of)}`
    case 'list':
      return `list of ${describe(shape.of)}${shape.max < Infinity ? `, at most ${shape.max}` : ''}`
    case 'record':
      return `[${describeFields(shape.fields)}]`
    case 'choice':
      return Object.values(shape.rows)
        .map(({ code, fields }) => `[${[code, ...describedFields(fields)].join(', ')}]`)
        .join(' or ')
    case 'named':
      return shape.name
    case 'refined':
      return `${describe(shape.of)} ${shape.says}`
  }
}

/** The fields of a message by name and type, as one line. */
export function describeFields(fields: FieldRow): string {
  return describedFields(fields).join(', ')
}

function describedFields(fields: FieldRow): string[] {
  return Object.entries(fields).map(([name, { shape }]) => `${name}: ${describe(shape)}`)
}

function describeInt(min: number, max: number): string {
  if (min === -(2 ** 31) && max === 2 ** 31 - 1) return 'int32'
  const from = min === Number.MIN_SAFE_INTEGER ? '' : ` from ${min}`
  const to = max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`
  return `int${from}${to}`
}

function scalar<T extends Plain>(shape: Shape, holds: (plain: Plain) => plain is T): Field<T> {
  return {
    shape,
    pack: (value) => value,
    unpack(plain, name) {
      if (holds(plain)) return plain
      throw wrong(name, plain, shape)
    },
  }
}

function isList(plain: Plain): plain is readonly Plain[] {
  return Array.isArray(plain)
}

function wrong(name: string, plain: Plain, shape: Shape): ProtocolError {
  return new ProtocolError(sentence(name, plain, shape))
}

function sentence(name: string, plain: Plain, shape: Shape): string {
  return `Cannot read ${name}: wanted ${describe(shape)}, found ${shown(plain)}`
}

/**
 * Numbers, booleans and nil as they are; of other values only the kind: they may be long or secret.
 */
function shown(plain: Plain): string {
  if (plain === null) return 'nil'
  if (typeof plain === 'number' || typeof plain === 'boolean') return String(plain)
  if (typeof plain === 'string') return 'a string'
  return isBytes(plain) ? 'bytes' : `a list of ${plain.length}`
}
