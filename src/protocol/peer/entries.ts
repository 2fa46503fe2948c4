// A run of consecutive transactions, the one form in which they are proposed, sent, stored and
// read:
//
//   run = entry …      entry = u32 BE payload bytes │ payload
//
// Only the first zxid is stored, beside the run: within an epoch, zxids have no gaps.

import { asBuffer } from '../../as-buffer.ts'
import { bytes, named, natural, record, refined, type ValuesOf } from '../fields.ts'
import { zxidField } from '../records.ts'
import { counterOf, counterRange, type Zxid } from '../zxid.ts'

const entriesFields = {
  first: zxidField,
  count: natural(),
  /** a run of `count` entries; a view when it comes from the wire */
  bytes: bytes(),
}

/** Consecutive transactions of one epoch; to Zab they are opaque. */
export type Entries = ValuesOf<typeof entriesFields>

export const entriesField = named(
  'entries',
  refined(record(entriesFields), 'that are whole: u32 BE length and payload, count times', isWhole),
)

/** Whether the run holds exactly `count` entries, at least one, and their zxids fit the epoch. */
export function isWhole({ first, count, bytes }: Entries): boolean {
  if (count === 0 || counterOf(first) + count > counterRange) return false
  return entryCount(asBuffer(bytes)) === count
}

/** The same in memory of their own. */
export function copyOf({ first, count, bytes }: Entries): Entries {
  return { first, count, bytes: Uint8Array.from(bytes) }
}

/** The length before each payload. */
export const entryHeaderBytes = 4

/** The zxid of the last entry, of which there must be at least one. */
export function lastOf(entries: Entries): Zxid {
  return (entries.first + entries.count - 1) as Zxid
}

/** @returns where the entry ends; `into` must have room for it */
export function writeEntry(into: Buffer, at: number, payload: Uint8Array): number {
  into.writeUInt32BE(payload.length, at)
  into.set(payload, at + entryHeaderBytes)
  return at + entryHeaderBytes + payload.length
}

/** @returns where the entry at `at` ends; beyond the run's end if the entry is cut short */
export function entryEnd(run: Buffer, at: number): number {
  return at + entryHeaderBytes + run.readUInt32BE(at)
}

/** The payloads of a whole run, in order. */
export function* payloadsOf({ bytes, count }: Entries): Generator<Buffer> {
  const run = asBuffer(bytes)
  for (let i = 0, at = 0; i < count; i++) {
    const start = at + entryHeaderBytes
    at = entryEnd(run, at)
    yield run.subarray(start, at)
  }
}

/** @returns how many entries the run holds; undefined if the last is cut short */
export function entryCount(run: Buffer): number | undefined {
  let count = 0
  let at = 0
  for (; at + entryHeaderBytes <= run.length; count++) at = entryEnd(run, at)
  return at === run.length ? count : undefined
}
