// Records as lines of text, both ways, in the spirit of kcat. Pure.
//
//   in     key SEPARATOR value, or the whole line as value
//   out    %t topic  %p partition  %o offset  %k key  %s value  %h headers  %T timestamp in ms
//          %K %S length of key and value, -1 for null;  %R the value's length as i32 BE;  %% a percent
//          sign;  \n \t \r \0 \xHH and \\ as usual
//
// Keys and values are bytes, and stay unchanged both ways, except on a terminal.

import { asBuffer } from '../as-buffer.ts'
import { printableBytes } from '../printable.ts'
import type { MqRecord, RecordHeader } from '../protocol/mq/records.ts'
import { BadUsage } from './cli-command.ts'

export interface LineRules {
  /** undefined: lines have no keys */
  readonly keySeparator: Buffer | undefined
  /** an empty value is null, a tombstone */
  readonly emptyIsNull: boolean
}

/** @returns views of `line` */
export function parseRecordLine(
  line: Buffer,
  { keySeparator, emptyIsNull }: LineRules,
): { readonly key: Buffer | null; readonly value: Buffer | null } {
  const length = keySeparator?.length ?? 0
  const at = keySeparator === undefined || length === 0 ? -1 : line.indexOf(keySeparator)
  const key = at < 0 ? null : line.subarray(0, at)
  const value = at < 0 ? line : line.subarray(at + length)
  return { key, value: value.length === 0 && emptyIsNull ? null : value }
}

interface TextRecord extends MqRecord {
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
  h: ({ headers }, rules) => writtenHeaders(headers, rules),
  R: ({ value }) => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(value?.length ?? -1)
    return length
  },
  '%': () => '%',
}

/** `k=v,k=v` */
function writtenHeaders(headers: readonly RecordHeader[], rules: OutRules): Buffer {
  const parts = headers.flatMap(({ key, value }, i) => [
    i === 0 ? '' : ',',
    written(Buffer.from(key), rules),
    '=',
    written(value, rules),
  ])
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
}

function written(bytes: Uint8Array | null, { escapes, nullText }: OutRules): string | Uint8Array {
  if (bytes === null) return nullText
  return escapes ? printableBytes(bytes) : bytes
}

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '0': '\0',
  '\\': '\\',
}

/** The bytes of a text with escapes. @throws BadUsage for an escape that does not exist */
export function unescaped(flag: string, text: string): Buffer {
  const parts = text.match(/\\x[\da-fA-F]{2}|\\.?|[^\\]+/gs) ?? []
  return Buffer.concat(parts.map((part) => asBytes(unescapedPart(flag, part, text))))
}

function unescapedPart(flag: string, part: string, text: string): string | Buffer {
  if (part.startsWith('\\x') && part.length === 4) return Buffer.from(part.slice(2), 'hex')
  return part.startsWith('\\') ? known(escapes, part, `${flag} '${text}'`) : part
}

function asBytes(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? Buffer.from(text) : text
}

/** @throws BadUsage for a placeholder or an escape that does not exist */
export function recordFormatter(format: string, rules: OutRules): (record: TextRecord) => Buffer {
  const parts = format.match(/%.?|\\x[\da-fA-F]{2}|\\.?|[^%\\]+/gs) ?? []
  const writers = parts.map((part): Write => {
    if (part.startsWith('%')) return known(placeholders, part, `--format '${format}'`)
    const text = unescapedPart('--format', part, format)
    return () => text
  })
  return (record) => {
    const written = writers.map((write) => write(record, rules))
    if (written.every((each) => typeof each === 'string')) return Buffer.from(written.join(''))
    return Buffer.concat(written.map(asBytes))
  }
}

function known<T>(table: Readonly<Record<string, T>>, part: string, where: string): T {
  const found = table[part.slice(1)]
  if (found !== undefined) return found
  const have = Object.keys(table).map((name) => `${part[0]}${name}`)
  throw new BadUsage(`Cannot use ${where}: ${part} does not exist; use ${have.join(' ')}`)
}

// --- headers and JSON ----------------------------------------------------------------------------

export interface HeaderText {
  readonly key: string
  readonly value: string | null
}

/** `name=value`, or `name` alone for null. @throws BadUsage */
export function parseHeader(text: string): HeaderText {
  const at = text.indexOf('=')
  const key = at < 0 ? text : text.slice(0, at)
  if (key === '') throw new BadUsage(`Cannot use --header '${text}': it must be NAME=VALUE`)
  return { key, value: at < 0 ? null : text.slice(at + 1) }
}

interface JsonRecord extends TextRecord {
  readonly batch: { readonly isAppendTime: boolean }
}

/**
 * One line of JSON with kcat's names. Bytes that are not UTF-8 are in `key_base64` and
 * `payload_base64` instead.
 */
export function recordJson(record: JsonRecord): string {
  const { topic, partition, offset, timestampMs, key, value, headers, batch } = record
  return JSON.stringify({
    topic,
    partition,
    offset,
    tstype: batch.isAppendTime ? 'logappend' : 'create',
    ts: timestampMs,
    headers: headers.flatMap((header) => [header.key, textOf(header.value)]),
    ...jsonBytes('key', key),
    ...jsonBytes('payload', value),
  })
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function jsonBytes(
  name: string,
  bytes: Uint8Array | null,
): Readonly<Record<string, string | null>> {
  if (bytes === null) return { [name]: null }
  try {
    return { [name]: strictUtf8.decode(bytes) }
  } catch {
    return { [`${name}_base64`]: asBuffer(bytes).toString('base64') }
  }
}

/** Decodes UTF-8; invalid bytes become the replacement character. */
export function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : asBuffer(bytes).toString('utf8')
}
