// What a search finds. Terms are separated by spaces, and a record matches if every term does:
//
//   word           in the key or the value; "with a space" in quotes
//   /regex/        the same, as a regular expression; /regex/i ignores case
//   key:word       in the key, value:word in the value, header:name=word in a header of that name
//   header:name    has such a header
//   partition:3    of this partition
//   !term          does not match the term
//
// A word without capitals ignores case. A regular expression looks at the first 64 KiB of a value: one
// that backtracks must not stop the screen. Pure.

import { asBuffer } from '../../as-buffer.ts'
import type { ShownRecord } from './shown-record.ts'

export interface RecordFilter {
  /** as it was typed */
  readonly text: string
  matches(record: ShownRecord): boolean
}

/** The search that was typed cannot be used. */
export interface BadFilter {
  readonly problem: string
}

const regexBytesMax = 64 * 1024

type Matches = (record: ShownRecord) => boolean
type MatchesBytes = (bytes: Uint8Array | null) => boolean

/** @returns undefined for one without terms: it finds everything */
export function parseFilter(text: string): RecordFilter | BadFilter | undefined {
  const terms: Matches[] = []
  for (const [, not, term = ''] of text.matchAll(termPattern)) {
    const matches = termOf(term)
    if (typeof matches === 'string') return { problem: matches }
    terms.push(not === '!' ? (record) => !matches(record) : matches)
  }
  if (terms.length === 0) return undefined
  return { text: text.trim(), matches: (record) => terms.every((matches) => matches(record)) }
}

/** A term ends at a space outside of quotes and slashes. */
const termPattern =
  /(!?)((?:[a-z]+:)?(?:[^ "/=]+=)?(?:"[^"]*"|\/(?:\\.|[^\\/])+\/i?(?= |$)|[^ ]+))/g

/** @returns a problem, if it cannot be used */
function termOf(term: string): Matches | string {
  const [, field, rest = ''] = /^(key|value|header|partition):(.*)$/s.exec(term) ?? []
  switch (field) {
    case undefined: {
      const matches = wordOf(term)
      if (typeof matches === 'string') return matches
      return ({ key, value }) => matches(value) || matches(key)
    }
    case 'key':
    case 'value': {
      const matches = wordOf(rest)
      return typeof matches === 'string' ? matches : (record) => matches(record[field])
    }
    case 'header':
      return headerOf(rest)
    default: {
      const wanted = Number(rest)
      if (rest === '' || !Number.isInteger(wanted)) return `partition:${rest} names no partition`
      return ({ partition }) => partition === wanted
    }
  }
}

function headerOf(term: string): Matches | string {
  const equals = term.indexOf('=')
  const name = equals < 0 ? term : term.slice(0, equals)
  if (name === '') return 'header: needs a name'
  if (equals < 0) return ({ headers }) => headers.some(({ key }) => key === name)
  const matches = wordOf(term.slice(equals + 1))
  if (typeof matches === 'string') return matches
  return ({ headers }) => headers.some(({ key, value }) => key === name && matches(value))
}

function wordOf(word: string): MatchesBytes | string {
  const [, source, flags] = /^\/(.+)\/(i?)$/s.exec(word) ?? []
  if (source !== undefined) return regexOf(source, flags ?? '')
  const wanted = /^"([^"]*)"$/s.exec(word)?.[1] ?? word
  if (wanted === '') return 'a word is missing'
  if (wanted !== wanted.toLowerCase()) {
    const bytes = Buffer.from(wanted)
    return (found) => found !== null && asBuffer(found).includes(bytes)
  }
  return (found) =>
    found !== null && asBuffer(found).toString('utf8').toLowerCase().includes(wanted)
}

function regexOf(source: string, flags: string): MatchesBytes | string {
  try {
    const regex = new RegExp(source, `s${flags}`)
    return (bytes) =>
      bytes !== null && regex.test(asBuffer(bytes).toString('utf8', 0, regexBytesMax))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return error.message
  }
}
