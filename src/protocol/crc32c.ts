// CRC32C (Castagnoli), the checksum of every record on disk: Kafka's RecordBatch v2 prescribes it,
// and our transactions use it too. `zlib.crc32` has another polynomial.
//
// The optional package @node-rs/crc32 uses the processor's instruction for it, but a call costs as
// much as 170 bytes here: 170 bytes take 140 ns here and 180 ns there, 16 KiB 14 µs and 2.8 µs.
//
// Here: slice-by-8, whose eight tables let one step take eight bytes.

import { createRequire } from 'node:module'

const polynomial = 0x82f63b78 // reflected

/** Eight tables of 256 entries, back to back: table k takes a byte over k further zero bytes. */
const tables = makeTables()

/** From the package, on first use, since loading it takes 16 ms; ours where it is not installed. */
let ofMany = (bytes: Uint8Array, seed: number): number => {
  const native = loadNative()
  ofMany = native ?? ((all, continued) => sliced(all, 0, all.length, continued))
  return ofMany(bytes, seed)
}

/** From this size on, calling it is faster, even with the view that the call needs. */
const nativeBytesMin = 512

/**
 * The checksum of `bytes[start, end)`, as an unsigned 32-bit number.
 *
 * @param seed the checksum of the preceding bytes, to continue it
 */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length, seed = 0): number {
  if (end - start < nativeBytesMin) return sliced(bytes, start, end, seed)
  return ofMany(bytes.subarray(start, end), seed)
}

function sliced(bytes: Uint8Array, start: number, end: number, seed: number): number {
  // The casts are safe: the loops bound the byte indexes, and the masks the table indexes. A
  // fallback after each access would double the time.
  let crc = ~seed
  let at = start
  while (at + 8 <= end) {
    crc ^=
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)
    crc =
      (tables[0x700 | (crc & 0xff)] as number) ^
      (tables[0x600 | ((crc >>> 8) & 0xff)] as number) ^
      (tables[0x500 | ((crc >>> 16) & 0xff)] as number) ^
      (tables[0x400 | (crc >>> 24)] as number) ^
      (tables[0x300 | (bytes[at + 4] as number)] as number) ^
      (tables[0x200 | (bytes[at + 5] as number)] as number) ^
      (tables[0x100 | (bytes[at + 6] as number)] as number) ^
      (tables[bytes[at + 7] as number] as number)
    at += 8
  }
  while (at < end) {
    crc = (tables[(crc ^ (bytes[at] as number)) & 0xff] as number) ^ (crc >>> 8)
    at += 1
  }
  return ~crc >>> 0
}

function makeTables(): Int32Array {
  const made = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? polynomial : 0)
    made[byte] = crc
  }
  for (let i = 256; i < made.length; i++) {
    const shorter = made[i - 256] as number
    made[i] = (made[shorter & 0xff] as number) ^ (shorter >>> 8)
  }
  return made
}

function loadNative(): typeof import('@node-rs/crc32').crc32c | undefined {
  try {
    const { crc32c } = createRequire(import.meta.url)('@node-rs/crc32')
    return crc32c
  } catch {
    // Not for this platform, or left out by the one who installed: it only makes checksums faster.
    return undefined
  }
}
