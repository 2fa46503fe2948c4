// A record as the user types it into the form, from the texts of its fields. Pure.
//
//   key         empty: no key
//   value       as it is typed, without escapes; null for a tombstone
//   partition   empty: by the key, as any producer chooses it
//   headers     name=value name="two words" name; the last one is null

import { limits } from '../../limits.ts'
import type { HeaderText } from '../record-text.ts'

export interface TypedRecord {
  /** undefined: by the key */
  readonly partition: number | undefined
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly HeaderText[]
}

/** Why the texts make no record. */
export interface NoRecord {
  readonly problem: string
}

export function typedRecord(texts: {
  readonly key: string
  readonly value: string | null
  readonly partition: string
  readonly headers: string
}): TypedRecord | NoRecord {
  const { key, value } = texts
  const place = texts.partition.trim()
  const partition = place === '' ? undefined : Number(place)
  if (partition !== undefined && !isPartition(place)) {
    const most = limits.partitionsPerTopicMax - 1
    return { problem: `partition '${place}' is no number from 0 to ${most}` }
  }
  const headers = parseHeaders(texts.headers)
  if ('problem' in headers) return headers
  return { partition, key: key === '' ? null : key, value, headers }
}

function isPartition(text: string): boolean {
  return /^\d{1,9}$/.test(text) && Number(text) < limits.partitionsPerTopicMax
}

const headerPattern = /\s*([^\s=]*)(?:(=)(?:"([^"]*)"(?=\s|$)|(\S*)))?/y

export function parseHeaders(text: string): readonly HeaderText[] | NoRecord {
  const headers: HeaderText[] = []
  const all = text.trim()
  headerPattern.lastIndex = 0
  while (headerPattern.lastIndex < all.length) {
    const [, key = '', equals, quoted, word = ''] = headerPattern.exec(all) ?? []
    if (key === '') return { problem: 'a header needs a name: name=value' }
    if (quoted === undefined && word.startsWith('"')) {
      return { problem: `header ${key}: a quote is not closed, or text follows it` }
    }
    headers.push({ key, value: equals === undefined ? null : (quoted ?? word) })
  }
  return headers
}
