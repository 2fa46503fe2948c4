// The records of a simulated log, and their form in Zab's messages.

import type { EpochRange } from '../../../src/daemon/zab/history.ts'
import type { Entries } from '../../../src/protocol/peer/entries.ts'
import { counterOf, epochOf, type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'

export interface LogRecord {
  readonly zxid: Zxid
  readonly payload: string
}

export function entriesOf(first: Zxid, payloads: readonly string[]): Entries {
  const parts = payloads.map((payload) => {
    const part = Buffer.alloc(4 + payload.length)
    part.writeUInt32BE(payload.length)
    part.write(payload, 4, 'latin1')
    return part
  })
  return { first, count: payloads.length, bytes: Buffer.concat(parts) }
}

export function recordsOf(entries: Entries): LogRecord[] {
  const bytes = Buffer.from(entries.bytes)
  const records: LogRecord[] = []
  for (let at = 0, zxid: number = entries.first; at < bytes.length; zxid++) {
    const length = bytes.readUInt32BE(at)
    records.push({ zxid: zxid as Zxid, payload: bytes.toString('latin1', at + 4, at + 4 + length) })
    at += 4 + length
  }
  return records
}

/** Consecutive records of one epoch, three at a time, so that a history takes several messages. */
export function batchesOf(records: readonly LogRecord[]): Entries[] {
  const batches: Entries[] = []
  for (let i = 0; i < records.length; ) {
    const first = records[i] as LogRecord
    let end = i + 1
    while (end < i + 3 && records[end]?.zxid === first.zxid + (end - i)) end++
    batches.push(
      entriesOf(
        first.zxid,
        records.slice(i, end).map((record) => record.payload),
      ),
    )
    i = end
  }
  return batches
}

export function rangesOf(log: readonly LogRecord[]): EpochRange[] {
  const ranges: EpochRange[] = []
  for (const { zxid } of log) {
    const epoch = epochOf(zxid)
    const lastCounter = counterOf(zxid)
    const last = ranges.at(-1)
    if (last?.epoch === epoch) ranges[ranges.length - 1] = { ...last, lastCounter }
    else ranges.push({ epoch, firstCounter: lastCounter, lastCounter })
  }
  return ranges
}

export function lastZxidOf(records: readonly LogRecord[]): Zxid {
  return records.at(-1)?.zxid ?? zxidZero
}
