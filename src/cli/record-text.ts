// Records as lines of text, both ways, in the spirit of kcat. Pure.
//
//   in     key SEPARATOR value, or the whole line as value
//   out    %t topic  %p partition  %o offset  %k key  %s value  %T timestamp in ms  %% a percent sign;
//          %K %S length of key and value, -1 for null;  \n \t \r and \\ as usual
//
// Keys and values are bytes, and stay unchanged both ways, except on a terminal.

import { asBuffer } from '../as-buffer.ts'
import { printableBytes } from '../printable.ts'
import type { MqRecord } from '../protocol/mq/records.ts'
import { BadUsage } from './cli-command.ts'

export interface LineRules {
  /** undefined: lines have no keys */
  readonly keySeparator: string | undefined
  /** an empty value is null, a tombstone */
  readonly emptyIsNull: boolean
}

/** @returns views of `line` */
export function parseRecordLine(
  line: Buffer,
  { keySeparator, emptyIsNull }: LineRules,
): { readonly key: Buffer | null; readonly value: Buffer | null } {
  const separator = Buffer.from(keySeparator ?? '')
  const at = separator.length === 0 ? -1 : line.indexOf(separator)
  const key = at < 0 ? null : line.subarray(0, at)
  const value = at < 0 ? line : line.subarray(at + separator.length)
  return { key, value: value.length === 0 && emptyIsNull ? null : value }
}

interface TextRecord extends Pick<MqRecord, 'key' | 'value' | 'timestampMs'> {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

interface OutRules {
  /** whether keys and values go to a terminal, and are not passed on */
  readonly escapes: boolean
  /** the text of %k and %s for null */
  readonly nullText: string
}

type Write = (record: TextRecord, rules: OutRules) => string | Uint8Array

const placeholders: Readonly<Record<string, Write>> = {
  t: ({ topic }) => topic,
  p: ({ partition }) => String(partition),
  o: ({ offset }) => String(offset),
  k: ({ key }, rules) => written(key, rules),
  s: ({ value }, rules) => written(value, rules),
  K: ({ key }) => String(key?.length ?? -1),
  S: ({ value }) => String(value?.length ?? -1),
  T: ({ timestampMs }) => String(timestampMs),
  '%': () => '%',
}

function written(bytes: Uint8Array | null, { escapes, nullText }: OutRules): string | Uint8Array {
  if (bytes === null) return nullText
  return escapes ? printableBytes(bytes) : bytes
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\' }

/** @throws BadUsage for a placeholder or an escape that does not exist */
export function recordFormatter(format: string, rules: OutRules): (record: TextRecord) => Buffer {
  const parts = format.match(/%.?|\\.?|[^%\\]+/gs) ?? []
  const writers = parts.map((part): Write => {
    if (part.startsWith('%')) return known(placeholders, part, format)
    const text = part.startsWith('\\') ? known(escapes, part, format) : part
    return () => text
  })
  return (record) => {
    const written = writers.map((write) => write(record, rules))
    if (written.every((each) => typeof each === 'string')) return Buffer.from(written.join(''))
    return Buffer.concat(
      written.map((each) => (typeof each === 'string' ? Buffer.from(each) : each)),
    )
  }
}

function known<T>(table: Readonly<Record<string, T>>, part: string, format: string): T {
  const found = table[part.slice(1)]
  if (found !== undefined) return found
  const have = Object.keys(table).map((name) => `${part[0]}${name}`)
  throw new BadUsage(
    `Cannot use --format '${format}': ${part} does not exist; use ${have.join(' ')}`,
  )
}

/** Decodes UTF-8; invalid bytes become the replacement character. */
export function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : asBuffer(bytes).toString('utf8')
}
