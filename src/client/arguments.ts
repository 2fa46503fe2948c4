// Checks the caller's arguments at the library's edge, before anything is queued or sent: a wrong
// argument is an error with the argument's name, and affects only that call.
//
//   a kind     takes an unknown value and returns it as the library uses it, or throws a Misfit
//   a table    names the arguments of one method in their order, each with its kind
//
// Structures are copied while they are checked, so that exactly the checked values are sent; bytes
// are not. The tables are in zk/arguments.ts and mq/argument-kinds.ts.

import { inspect, types as isA } from 'node:util'
import { asBuffer } from '../as-buffer.ts'
import { nearMatches } from '../near-matches.ts'

/** Why an argument is refused. Becomes a ZkError or a BrokerError in the calling method. */
export class Misfit extends Error {
  override readonly name = 'Misfit'
  /** the caller's name for it */
  readonly argument: string

  constructor(argument: string, found: string, options?: ErrorOptions) {
    super(`${argument} ${found}`, options)
    this.argument = argument
  }
}

/** @param name the caller's name for the value: `version`, `options.mode`, `ops[2].path` */
export type Kind<T> = (value: unknown, name: string) => T

/** The kinds of an object's fields, or of a method's arguments, by name. */
export type Rows = Readonly<Record<string, Kind<unknown>>>

/** One row for each field of `T`: a field without one does not compile. */
export type RowsOf<T> = { readonly [Name in keyof T]-?: Kind<unknown> }

/** The return types of the kinds of `R`, by name. */
export type Taken<R extends Rows> = { readonly [Name in keyof R]: ReturnType<R[Name]> }

/** Checks the arguments of one method. */
export interface Method<R extends Rows> {
  readonly name: string
  /** @throws Misfit */
  take(given: readonly unknown[]): Taken<R>
}

/** @param rows in the order of the parameters */
export function method<R extends Rows>(name: string, rows: R): Method<R> {
  const entries = Object.entries(rows)
  const take = (given: readonly unknown[]) => {
    const taken: Record<string, unknown> = {}
    let at = 0
    try {
      for (const [argument, kind] of entries) {
        taken[argument] = kind(given[at], argument)
        at++
      }
    } catch (error) {
      if (error instanceof Misfit) throw error
      // A getter or a proxy may throw anything.
      const found = `cannot be read: ${inspectSafely(error)}`
      throw new Misfit(entries[at]?.[0] ?? '', found, { cause: error })
    }
    return taken as Taken<R>
  }
  return { name, take }
}

/** @param more appended to the allowed values: the problem, or a suggestion */
export function misfit(value: unknown, name: string, allowed: string, more = ''): Misfit {
  const found = value === undefined ? 'is missing' : `is ${inspectSafely(value)}`
  return new Misfit(name, `${found}; allowed: ${allowed}${more}`)
}

function inspectSafely(value: unknown): string {
  try {
    return describe(value)
  } catch {
    return `unreadable (${typeof value})`
  }
}

const shownLengthMax = 60
const shownFieldsMax = 3

/** Short, on one line, and fast: `util.inspect` visits each element of what it abbreviates. */
function describe(value: unknown, isNested = false): string {
  if (typeof value === 'string') return describeText(value, isNested ? 15 : shownLengthMax)
  if (typeof value === 'function') return '[Function]'
  if (typeof value === 'symbol') return '[Symbol]'
  if (typeof value !== 'object' || value === null) return inspect(value)
  if (ArrayBuffer.isView(value)) return `[${tagOf(value)} of ${value.byteLength} bytes]`
  if (value instanceof Error && !isNested) return describeText(`${value.name}: ${value.message}`)
  if (Array.isArray(value)) {
    if (isNested || value.length > shownFieldsMax) return `[Array of ${value.length}]`
    return value.length === 0 ? '[]' : `[ ${value.map((one) => describe(one, true)).join(', ')} ]`
  }
  if (tagOf(value) !== 'Object') return `[${tagOf(value)}]`
  const keys = Object.keys(value)
  if (isNested) return keys.length === 0 ? '{}' : '[Object]'
  const fields = keys.slice(0, shownFieldsMax).map((key) => {
    const name = /^[\w$]{1,20}$/.test(key) ? key : describeText(key, 15)
    return `${name}: ${describe(Reflect.get(value, key), true)}`
  })
  if (keys.length > shownFieldsMax) fields.push('…')
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`
}

function describeText(text: string, lengthMax = shownLengthMax): string {
  const shown = inspect(text.slice(0, lengthMax))
  return text.length > lengthMax ? `${shown}…` : shown
}

function tagOf(value: object): string {
  if (Buffer.isBuffer(value)) return 'Buffer'
  return Object.prototype.toString.call(value).slice('[object '.length, -1).slice(0, shownLengthMax)
}

// --- kinds -----------------------------------------------------------------------------------------

/** If left out, or undefined: `fallback`. */
export function optional<T>(kind: Kind<T>): Kind<T | undefined>
export function optional<T>(kind: Kind<T>, fallback: T): Kind<T>
export function optional<T>(kind: Kind<T>, fallback?: T): Kind<T | undefined> {
  return (value, name) => (value === undefined ? fallback : kind(value, name))
}

export const flag: Kind<boolean> = (value, name) => {
  if (typeof value !== 'boolean') throw misfit(value, name, 'true or false')
  return value
}

export const text: Kind<string> = (value, name) => {
  if (typeof value !== 'string') throw misfit(value, name, 'a string')
  return value
}

export const nonEmptyText: Kind<string> = (value, name) => {
  if (typeof value !== 'string' || value === '') throw misfit(value, name, 'a string, not empty')
  return value
}

/** A function that the library calls; `Callbacks` handles the errors it throws later. */
export function callback<F extends (...given: never[]) => unknown>(): Kind<F> {
  return (value, name) => {
    if (typeof value !== 'function') throw misfit(value, name, 'a function')
    return value as F
  }
}

export function oneOf<T extends string>(names: readonly T[]): Kind<T> {
  const allowed = alternatives(names.map((one) => `'${one}'`))
  return (value, name) => {
    const found = names.find((one) => one === value)
    if (found !== undefined) return found
    throw misfit(value, name, allowed, hint(value, names))
  }
}

export function wholeNumber(min: number, max: number): Kind<number> {
  return (value, name) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) {
      return value === 0 ? 0 : value // -0 would be encoded as -0
    }
    throw misfit(value, name, `a whole number from ${min} to ${max}`)
  }
}

/** The longest delay of a Node.js timer. */
const timerMsMax = 2 ** 31 - 1

export const milliseconds = wholeNumber(1, timerMsMax)

export const millisecondsOrForever: Kind<number> = (value, name) => {
  if (value === Number.POSITIVE_INFINITY) return value
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= timerMsMax) {
    return value
  }
  throw misfit(value, name, `a whole number from 1 to ${timerMsMax}, or Infinity`)
}

/** A string is encoded as UTF-8. Bytes are not copied. */
export const bytes: Kind<Buffer> = (value, name) => {
  const found = bytesIn(value)
  if (found === undefined) throw misfit(value, name, 'a Buffer, a Uint8Array or a string')
  return found
}

export const bytesOrNull: Kind<Buffer | null> = (value, name) => {
  if (value === null) return null
  const found = bytesIn(value)
  if (found === undefined) throw misfit(value, name, 'a Buffer, a Uint8Array, a string or null')
  return found
}

/** The same, but never shown in a message. */
export const secretBytes: Kind<Buffer> = (value, name) => {
  const found = bytesIn(value)
  if (found !== undefined) return found
  const what = value === undefined ? 'missing' : `of type ${typeof value}`
  throw new Misfit(name, `is ${what}; allowed: a Buffer, a Uint8Array or a string`)
}

function bytesIn(value: unknown): Buffer | undefined {
  if (typeof value === 'string') return Buffer.from(value, 'utf8')
  // Another realm, such as a test runner's, has another Uint8Array.
  return isA.isUint8Array(value) ? asBuffer(value) : undefined
}

export function listOf<T>(kind: Kind<T>, min = 0): Kind<readonly T[]> {
  return (value, name) => {
    if (!Array.isArray(value)) throw misfit(value, name, 'an array')
    if (value.length < min) throw misfit(value, name, 'an array, not empty')
    const taken: T[] = []
    for (let i = 0; i < value.length; i++) taken.push(kind(value[i], `${name}[${i}]`))
    return taken
  }
}

/** An object with exactly these fields. */
export function record<R extends Rows>(rows: R): Kind<Taken<R>> {
  const names = Object.keys(rows)
  const kinds = Object.values(rows)
  // The field names rarely change between calls.
  let within: string | undefined
  let fullNames: readonly string[] = []
  return (value, name) => {
    const object = objectIn(value, name)
    for (const key in object) {
      if (Object.hasOwn(rows, key) || !Object.hasOwn(object, key)) continue
      const found = `has a field ${inspectSafely(key)}`
      throw new Misfit(name, `${found}; allowed: ${names.join(', ')}${hint(key, names)}`)
    }
    if (within !== name) {
      fullNames = names.map((field) => `${name}.${field}`)
      within = name
    }
    const taken: Record<string, unknown> = {}
    for (let i = 0; i < names.length; i++) {
      const field = names[i] as string
      taken[field] = (kinds[i] as Kind<unknown>)(object[field], fullNames[i] as string)
    }
    return taken as Taken<R>
  }
}

/** An object whose field `type` determines its other fields. */
export function tagged<K extends Readonly<Record<string, Kind<unknown>>>>(
  kinds: K,
): Kind<ReturnType<K[keyof K]>> {
  const tag = oneOf(Object.keys(kinds))
  return (value, name) => {
    const object = objectIn(value, name)
    const kind = kinds[tag(object['type'], `${name}.type`)] as Kind<ReturnType<K[keyof K]>>
    return kind(value, name)
  }
}

export function always<T extends string>(value: T): Kind<T> {
  return oneOf([value])
}

/** A part supplied by the caller, recognised by its methods. */
export function having<T>(what: string, ...methods: readonly (keyof T & string)[]): Kind<T> {
  return (value, name) => {
    const object: Readonly<Record<string, unknown>> =
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
    const missing = methods.find((one) => typeof object[one] !== 'function')
    if (missing === undefined) return value as T
    throw misfit(value, name, what, value === undefined ? '' : `; it has no method ${missing}`)
  }
}

function objectIn(value: unknown, name: string): Readonly<Record<string, unknown>> {
  // Bytes and boxed strings are objects with one field per element.
  const isList = Array.isArray(value) || ArrayBuffer.isView(value) || isA.isBoxedPrimitive(value)
  if (typeof value !== 'object' || value === null || isList) throw misfit(value, name, 'an object')
  return value as Record<string, unknown>
}

function alternatives(words: readonly string[]): string {
  const last = words.at(-1) ?? ''
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`
}

function hint(word: unknown, names: readonly string[]): string {
  const near = typeof word === 'string' && word.length < 60 ? nearMatches(word, names) : []
  return near.length === 0 ? '' : `; did you mean ${alternatives(near.map((one) => `'${one}'`))}?`
}
