// A record as the browser shows it, and the text of its parts on one line.

import { asBuffer } from '../../as-buffer.ts'
import { printableBytes } from '../../printable.ts'
import type { StoredRecord } from '../../protocol/mq/records.ts'

/** The stored batch that a record came in. */
export interface ShownBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly recordCount: number
  /** as it is stored */
  readonly sizeBytes: number
  readonly codec: string
  /** -1: its producer had none */
  readonly producerId: number
  /** the leader's clock gave the timestamp, instead of the producer's */
  readonly isAppendTime: boolean
}

export interface ShownRecord extends StoredRecord {
  readonly partition: number
  /** undefined where it is not known */
  readonly batch?: ShownBatch
}

/** Of keys, values and headers together. */
export function recordBytes({ key, value, headers }: ShownRecord): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0)
  for (const header of headers) bytes += header.key.length + (header.value?.length ?? 0)
  return bytes
}

/** The start of a key or a value that a line of `width` columns needs, as text; null stays null. */
export function startText(bytes: Uint8Array | null, width: number): string | null {
  if (bytes === null) return null
  const bytesMax = width * utf8BytesMax
  if (bytes.length <= bytesMax) return contents(bytes)
  // Cut between characters: half a character would make all of it look like no text.
  let end = bytesMax
  while (end > 0 && isContinuation(bytes[end])) end -= 1
  return contents(bytes.subarray(0, end === 0 ? bytesMax : end))
}

const utf8BytesMax = 4

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x80 && byte < 0xc0
}

/** UTF-8 as it is, for `visible` (printable.ts) to make harmless; other bytes as `\xNN`. */
function contents(bytes: Uint8Array): string {
  const text = asBuffer(bytes).toString('utf8')
  return text.includes('\ufffd') ? printableBytes(bytes) : text
}
