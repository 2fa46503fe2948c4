// Records for tests of the browser.

import type { ShownRecord } from '../../../src/cli/browser/shown-record.ts'

interface Wanted {
  readonly partition?: number
  readonly offset?: number
  readonly timestampMs?: number
  readonly key?: string | null
  readonly value?: string | Uint8Array | null
  readonly headers?: Readonly<Record<string, string | null>>
}

export function recordOf({
  partition = 0,
  offset = 0,
  timestampMs = 0,
  key = null,
  value = '',
  headers = {},
}: Wanted): ShownRecord {
  return {
    partition,
    offset,
    timestampMs,
    key: key === null ? null : Buffer.from(key),
    value: typeof value === 'string' ? Buffer.from(value) : value,
    headers: Object.entries(headers).map(([name, text]) => {
      return { key: name, value: text === null ? null : Buffer.from(text) }
    }),
  }
}

/** Of one partition, from offset 0 on: `m0`, `m1` … */
export function recordsOf(count: number, from = 0): ShownRecord[] {
  return Array.from({ length: count }, (_, i) =>
    recordOf({ offset: from + i, value: `m${from + i}`, key: `k${from + i}` }),
  )
}
