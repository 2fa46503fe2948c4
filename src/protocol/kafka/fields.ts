// The vocabulary of Kafka's message tables (api/*.ts): a message is a table of fields in wire
// order, and each field states the versions that have it.
//
//   name: string,                              in all versions
//   topics: nullable(listOf(string), 1),       may be null from version 1 on
//   rack: since(2, string, ''),                from version 2 on; '' in the versions before
//   memberId: until(2, string, ''),            up to version 2
//   cluster: between(8, 10, boolean, false),
//   throttleTimeMs: defaulted(int32, 0),       in all versions; may be left out when writing
//   epoch: tagged(0, 12, int64, -1),           from version 12 on as tagged field 0, unless -1
//
// A decoded value has every field, with its default in versions that lack it. When a value is
// encoded, a field with a default may be left out, and a field that the version lacks is dropped.
//
// Tagged fields end a struct in flexible versions:
//
//   uvarint count, then by ascending tag: uvarint tag, uvarint length, value
//
// Unknown tags are skipped: a newer client may send them.

import { ProtocolError } from '../error-codes.ts'
import type { KafkaReader } from './reader.ts'
import {
  type Codec,
  type FieldShape,
  type Form,
  type KafkaType,
  listOf,
  type NullableType,
  type Shape,
} from './types.ts'
import { KafkaWriter } from './writer.ts'

/** Enough for most tagged fields. */
const taggedBytes = 64

/** A field that some versions lack, or that has a default. */
export interface Field<Read, Written, Absent> {
  readonly type: KafkaType<Read, Written>
  readonly since: number
  readonly until: number
  readonly tag: number | undefined
  /** read in versions without the field, and written when the value is left out */
  readonly whenAbsent: Absent
}

const last = Number.POSITIVE_INFINITY

export function since<Read, Written>(
  first: number,
  type: KafkaType<Read, Written>,
  whenAbsent: NoInfer<Read & Written>,
): Field<Read, Written, Read & Written> {
  return { type, since: first, until: last, tag: undefined, whenAbsent }
}

export function until<Read, Written>(
  final: number,
  type: KafkaType<Read, Written>,
  whenAbsent: NoInfer<Read & Written>,
): Field<Read, Written, Read & Written> {
  return { type, since: 0, until: final, tag: undefined, whenAbsent }
}

export function between<Read, Written>(
  first: number,
  final: number,
  type: KafkaType<Read, Written>,
  whenAbsent: NoInfer<Read & Written>,
): Field<Read, Written, Read & Written> {
  return { type, since: first, until: final, tag: undefined, whenAbsent }
}

export function defaulted<Read, Written>(
  type: KafkaType<Read, Written>,
  whenAbsent: NoInfer<Read & Written>,
): Field<Read, Written, Read & Written> {
  return since(0, type, whenAbsent)
}

/** @param first a flexible version */
export function tagged<Read, Written, Absent>(
  tag: number,
  first: number,
  type: KafkaType<Read, Written>,
  whenAbsent: Absent,
): Field<Read, Written, Absent> {
  return { type, since: first, until: last, tag, whenAbsent }
}

// --- structs -------------------------------------------------------------------------------------

type Member = KafkaType<unknown, never> | Field<unknown, never, unknown>

/** A table: fields by name, in wire order. */
export type Fields = Readonly<Record<string, Member>>

type ReadOf<M> =
  M extends Field<infer Read, never, infer Absent>
    ? Read | Absent
    : M extends KafkaType<infer Read, never>
      ? Read
      : never

type WrittenOf<M> =
  M extends Field<unknown, infer Written, infer Absent>
    ? Written | Absent
    : M extends KafkaType<unknown, infer Written>
      ? Written
      : never

type WithDefault<F extends Fields> = {
  [K in keyof F]: F[K] extends Field<unknown, never, unknown> ? K : never
}[keyof F]

/** A decoded value of a table. */
export type StructRead<F extends Fields> = { readonly [K in keyof F]: ReadOf<F[K]> }

/** A value that can be encoded. */
export type StructWritten<F extends Fields> = {
  readonly [K in Exclude<keyof F, WithDefault<F>>]: WrittenOf<F[K]>
} & { readonly [K in WithDefault<F>]?: WrittenOf<F[K]> | undefined }

export interface Struct<F extends Fields> extends KafkaType<StructRead<F>, StructWritten<F>> {
  readonly shape: StructShape
}

export type StructShape = Extract<Shape, { readonly type: 'struct' }>

export function struct<F extends Fields>(table: F): Struct<F> {
  const named = Object.entries(table).map(([name, member]) => namedField(name, member))
  return {
    shape: { type: 'struct', fields: named.map(fieldShape) },
    codec: (form) => structCodec<F>(named, form),
  }
}

/** A list of structs of this table. */
export function structs<F extends Fields>(
  table: F,
): NullableType<readonly StructRead<F>[], readonly StructWritten<F>[]> {
  return listOf<StructRead<F>, StructWritten<F>>(struct(table))
}

interface NamedField {
  readonly name: string
  readonly field: Field<unknown, never, unknown>
  readonly hasDefault: boolean
}

function namedField(name: string, member: Member): NamedField {
  if (!('codec' in member)) return { name, field: member, hasDefault: true }
  const field = { type: member, since: 0, until: last, tag: undefined, whenAbsent: undefined }
  return { name, field, hasDefault: false }
}

function fieldShape({ name, field, hasDefault }: NamedField): FieldShape {
  const { type, since, until, tag, whenAbsent } = field
  return { name, shape: type.shape, since, until, tag, hasDefault, whenAbsent }
}

/** A field in one form. The types of its values have been checked against the table. */
interface Step {
  readonly name: string
  readonly whenAbsent: unknown
  readonly read: (from: KafkaReader) => unknown
  readonly write: (to: KafkaWriter, value: unknown) => void
}

interface TaggedStep extends Step {
  readonly tag: number
}

function structCodec<F extends Fields>(
  fields: readonly NamedField[],
  form: Form,
): Codec<StructRead<F>, StructWritten<F>> {
  const { version, isFlexible } = form
  const reads: Pick<Step, 'name' | 'read'>[] = []
  const writes: Step[] = []
  const tags: TaggedStep[] = []
  let bytesMin = isFlexible ? 1 : 0
  for (const { name, field } of fields) {
    const { type, since, until, tag, whenAbsent } = field
    const isHere = version >= since && version <= until
    const { read, write, bytesMin: ofField } = type.codec(form) as Codec<unknown, unknown>
    if (isHere && tag === undefined) {
      const step = { name, whenAbsent, read, write }
      reads.push(step)
      writes.push(step)
      bytesMin += ofField
      continue
    }
    // An absent property is set in its field's place, so that objects of all versions have one
    // shape.
    reads.push({ name, read: () => whenAbsent })
    if (isHere && tag !== undefined) tags.push({ name, whenAbsent, read, write, tag })
  }
  tags.sort((a, b) => a.tag - b.tag)
  return {
    read(from) {
      const value: Record<string, unknown> = {}
      for (let i = 0; i < reads.length; i++) {
        const step = reads[i] as (typeof reads)[number]
        value[step.name] = step.read(from)
      }
      if (isFlexible) readTags(from, tags, value)
      return value as StructRead<F>
    },
    write(to, value) {
      const given = value as Readonly<Record<string, unknown>>
      for (let i = 0; i < writes.length; i++) {
        const step = writes[i] as Step
        step.write(to, given[step.name] ?? absent(step, given))
      }
      if (isFlexible) writeTags(to, tags, given)
    },
    bytesMin,
  }
}

function absent({ name, whenAbsent }: Step, given: Readonly<Record<string, unknown>>): unknown {
  return given[name] === undefined ? whenAbsent : null
}

function readTags(
  from: KafkaReader,
  tags: readonly TaggedStep[],
  value: Record<string, unknown>,
): void {
  for (let left = from.uvarint(); left > 0; left--) {
    const tag = from.uvarint()
    const length = from.uvarint()
    const known = tags.find((step) => step.tag === tag)
    if (known === undefined) {
      from.skip(length)
      continue
    }
    const end = from.at + length
    value[known.name] = known.read(from)
    if (from.at === end) continue
    throw new ProtocolError(`Cannot read the tagged field ${known.name}: its length is wrong`)
  }
}

function writeTags(
  to: KafkaWriter,
  tags: readonly TaggedStep[],
  given: Readonly<Record<string, unknown>>,
): void {
  if (tags.length === 0) {
    to.uvarint(0)
    return
  }
  const present = tags.filter(({ name, whenAbsent }) => !isAbsent(given[name], whenAbsent))
  to.uvarint(present.length)
  for (const { name, tag, write } of present) {
    // The length comes first, as a uvarint.
    const value = new KafkaWriter(taggedBytes)
    write(value, given[name])
    to.uvarint(tag)
    to.uvarint(value.length)
    to.raw(value.view())
  }
}

function isAbsent(value: unknown, whenAbsent: unknown): boolean {
  if (value === undefined || value === whenAbsent) return true
  return Array.isArray(value) && value.length === 0 && Array.isArray(whenAbsent)
}
