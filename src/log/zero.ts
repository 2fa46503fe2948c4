// Zeros: for preparing a segment, and for overwriting cut records.

import type { Done, SegmentFile } from './segment-file.ts'

/** One write of zeros; it takes a pool thread about half a millisecond. */
const sliceBytes = 1024 * 1024

let zeros = Buffer.alloc(0) // created on first use, shared: never written to

function slice(bytes: number): Buffer {
  if (zeros.length === 0) zeros = Buffer.alloc(sliceBytes)
  return zeros.subarray(0, bytes)
}

/** Writes zeros over bytes [from, to), off the main thread, until done or `isUnwanted`. */
export function zeroInBackground(
  file: SegmentFile,
  range: { readonly from: number; readonly to: number; readonly isUnwanted?: () => boolean },
  done: Done,
): void {
  const { to, isUnwanted } = range
  let at = range.from
  const next: Done = (error) => {
    const bytes = Math.min(sliceBytes, to - at)
    if (error !== null || bytes <= 0 || isUnwanted?.()) return done(error)
    file.writeInBackground(slice(bytes), at, next)
    at += bytes
  }
  next(null)
}

/** Writes zeros from byte `from` to the end of the file, whatever the file contains. */
export function overwriteWithZeros(file: SegmentFile, from: number): void {
  const to = file.sizeBytes()
  for (let at = from; at < to; at += sliceBytes) {
    file.write(slice(Math.min(sliceBytes, to - at)), at)
  }
}

/** The parts from `from` on that are not all zero: ascending chunks with their contents. */
export function* chunksNotZero(
  file: SegmentFile,
  from: number,
): Generator<{ readonly offset: number; readonly bytes: Buffer }> {
  const size = file.sizeBytes()
  for (let offset = from; offset < size; offset += sliceBytes) {
    const bytes = Buffer.allocUnsafe(Math.min(sliceBytes, size - offset))
    file.read(bytes, offset)
    if (!bytes.equals(slice(bytes.length))) yield { offset, bytes }
  }
}
