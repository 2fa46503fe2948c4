// Records as lines of text, both ways, in the spirit of kcat. Pure.
//
//   in     key SEPARATOR value, or the whole line as value
//   out    %t topic  %p partition  %o offset  %k key  %s value  %T timestamp in ms  %% a percent sign;
//          \n \t and \\ as usual

import type { MqRecord } from '../protocol/mq/records.ts'
import { BadUsage } from './cli-command.ts'

export interface LineRules {
  /** undefined: lines have no keys */
  readonly keySeparator: string | undefined
  /** an empty value is null, a tombstone */
  readonly emptyIsNull: boolean
}

export function parseRecordLine(
  line: string,
  { keySeparator, emptyIsNull }: LineRules,
): { readonly key: string | null; readonly value: string | null } {
  const at = keySeparator === undefined ? -1 : line.indexOf(keySeparator)
  const key = at < 0 ? null : line.slice(0, at)
  const value = at < 0 ? line : line.slice(at + (keySeparator?.length ?? 0))
  return { key, value: value === '' && emptyIsNull ? null : value }
}

export interface TextRecord extends Pick<MqRecord, 'key' | 'value' | 'timestampMs'> {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

const placeholders: Readonly<Record<string, (record: TextRecord) => string>> = {
  t: ({ topic }) => topic,
  p: ({ partition }) => String(partition),
  o: ({ offset }) => String(offset),
  k: ({ key }) => textOf(key) ?? '',
  s: ({ value }) => textOf(value) ?? '',
  T: ({ timestampMs }) => String(timestampMs),
  '%': () => '%',
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', '\\': '\\' }

/** @throws BadUsage for a placeholder or an escape that does not exist */
export function recordFormatter(format: string): (record: TextRecord) => string {
  const parts = format.match(/%.?|\\.?|[^%\\]+/gs) ?? []
  const writers = parts.map((part): ((record: TextRecord) => string) => {
    if (part.startsWith('%')) return known(placeholders, part, format)
    if (!part.startsWith('\\')) return () => part
    const text = known(escapes, part, format)
    return () => text
  })
  return (record) => writers.map((write) => write(record)).join('')
}

function known<T>(table: Readonly<Record<string, T>>, part: string, format: string): T {
  const found = table[part.slice(1)]
  if (found !== undefined) return found
  const have = Object.keys(table).map((name) => `${part[0]}${name}`)
  throw new BadUsage(`Cannot use --format '${format}': no ${part}, there are ${have.join(' ')}`)
}

/** UTF-8; what is no such text shows its replacement character. */
export function textOf(bytes: Uint8Array | null): string | null {
  if (bytes === null) return null
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}
