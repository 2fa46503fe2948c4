// The entries of a tree's LevelDB encoded for transfer to another server, one piece at a time:
//
//   piece = entry …     entry = u32 key bytes │ key, UTF-8 │ u32 value bytes │ value, Latin-1
//
// In key order, so that `#`, the description of the tree, comes first. Keys and values are as
// stored (keys.ts), each value with its own checksum. Used by storage.ts.

import { asBuffer } from '../../as-buffer.ts'
import { SnapshotError } from './snapshots.ts'

export type Entry = readonly [key: string, value: string]

export function encodeEntries(entries: readonly Entry[]): Buffer {
  const keys = entries.map(([key]) => Buffer.byteLength(key))
  const bytes = entries.reduce((sum, [, value], i) => sum + 8 + (keys[i] ?? 0) + value.length, 0)
  const out = Buffer.allocUnsafe(bytes)
  let at = 0
  for (const [i, [key, value]] of entries.entries()) {
    at = out.writeUInt32BE(keys[i] ?? 0, at)
    at += out.write(key, at, 'utf8')
    at = out.writeUInt32BE(value.length, at)
    at += out.write(value, at, 'latin1')
  }
  return out
}

/** @throws SnapshotError for bytes that `encodeEntries` did not write */
export function decodeEntries(bytes: Uint8Array): Entry[] {
  const buffer = asBuffer(bytes)
  let at = 0
  const text = (encoding: 'utf8' | 'latin1'): string => {
    const start = at + 4
    if (start > buffer.length) throw torn(at)
    const end = start + buffer.readUInt32BE(at)
    if (end > buffer.length) throw torn(at)
    at = end
    return buffer.toString(encoding, start, end)
  }
  const entries: Entry[] = []
  while (at < buffer.length) entries.push([text('utf8'), text('latin1')])
  return entries
}

function torn(at: number): SnapshotError {
  return new SnapshotError(`Cannot read a piece of a tree: an entry is cut short at byte ${at}`)
}
