// The entries of a tree's LevelDB as bytes, many in one piece: as a thread reads them for the main
// one, and as they are sent to another server.
//
//   piece = entry …     entry = u32 key bytes │ key, UTF-8 │ u32 value bytes │ value, Latin-1
//
// In key order, so that `#`, the description of the tree, comes first. Keys and values are as
// stored (keys.ts), each value with its own checksum.

import { asBuffer } from '../../as-buffer.ts'
import { SnapshotError } from './snapshots.ts'

export type Entry = readonly [key: string, value: string]

/** @returns bytes that share their memory with no others, so that it can be given to another thread */
export function encodeEntries(entries: readonly Entry[]): Buffer {
  let bytesMax = 0
  for (const [key, value] of entries) bytesMax += 8 + 3 * key.length + value.length
  const out = Buffer.allocUnsafeSlow(bytesMax)
  let at = 0
  for (const [key, value] of entries) {
    const keyBytes = out.write(key, at + 4, 'utf8')
    out.writeUInt32BE(keyBytes, at)
    at += 4 + keyBytes
    out.writeUInt32BE(value.length, at)
    at += 4 + out.write(value, at + 4, 'latin1')
  }
  return out.subarray(0, at)
}

/** The entries of a piece, one after the other: each is this object until `next`. */
export class EntryReader {
  readonly bytes: Buffer
  /** of `bytes`: reads doubles much faster than a Buffer */
  readonly view: DataView
  key = ''
  /** places of the key and of the value in `bytes` */
  keyStart = 0
  keyEnd = 0
  valueStart = 0
  valueEnd = 0

  constructor(piece: Uint8Array) {
    this.bytes = asBuffer(piece)
    this.view = new DataView(piece.buffer, piece.byteOffset, piece.byteLength)
  }

  get value(): string {
    return this.bytes.toString('latin1', this.valueStart, this.valueEnd)
  }

  /**
   * Goes on to the first or next entry.
   *
   * @returns false after the last one
   * @throws SnapshotError for bytes that `encodeEntries` did not write
   */
  next(): boolean {
    const at = this.valueEnd
    if (at === this.bytes.length) return false
    this.keyStart = at + 4
    this.keyEnd = this.#endOf(this.keyStart)
    this.valueStart = this.keyEnd + 4
    this.valueEnd = this.#endOf(this.valueStart)
    this.key = this.bytes.toString('utf8', this.keyStart, this.keyEnd)
    return true
  }

  /** Where the text ends that begins at `start`, after its length. */
  #endOf(start: number): number {
    const { length } = this.bytes
    const end = start > length ? length + 1 : start + this.view.getUint32(start - 4)
    if (end <= length) return end
    const found = `an entry is cut short at byte ${start - 4}`
    throw new SnapshotError(`Cannot read a piece of a tree: ${found}`)
  }
}
