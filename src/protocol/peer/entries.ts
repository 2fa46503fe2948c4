// A run of consecutive transactions, the one form in which they are proposed, sent, kept and read:
//
//   run = entry …      entry = u32 BE payload bytes │ payload
//
// Only the first zxid is written, beside the run: inside an epoch zxids have no gaps.

import type { Zxid } from '../zxid.ts'

/** Consecutive transactions of one epoch; to Zab they are opaque. */
export interface Entries {
  readonly first: Zxid
  readonly count: number
  /** a run of `count` entries; a view when it comes from the wire */
  readonly bytes: Uint8Array
}

/** What precedes each payload. */
export const entryHeaderBytes = 4

/** Of a run that holds one entry at least. */
export function lastOf(entries: Entries): Zxid {
  return (entries.first + entries.count - 1) as Zxid
}

/** @returns where the entry ends; `into` must have room for it */
export function writeEntry(into: Buffer, at: number, payload: Uint8Array): number {
  into.writeUInt32BE(payload.length, at)
  into.set(payload, at + entryHeaderBytes)
  return at + entryHeaderBytes + payload.length
}

/** @returns where the entry that begins at `at` ends, which a run that is cut short does not reach */
export function entryEnd(run: Buffer, at: number): number {
  return at + entryHeaderBytes + run.readUInt32BE(at)
}

/** @returns how many entries fill the run; undefined if the last is cut short */
export function entryCount(run: Buffer): number | undefined {
  let count = 0
  let at = 0
  for (; at + entryHeaderBytes <= run.length; count++) at = entryEnd(run, at)
  return at === run.length ? count : undefined
}
