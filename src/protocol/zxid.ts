// The zxid: epoch × 2^32 + counter in one JS number.
//
// An epoch stays below 2^21, so a zxid is always a safe integer and compares with `<`. The first
// transaction of epoch e is (e, 1); (e, 0) names the epoch's NEWLEADER and no transaction.

import { invariant } from '../invariant.ts'

export type Zxid = number & { readonly __zxid: never }

/** Number of zxids in an epoch, its NEWLEADER's included. */
export const counterRange = 2 ** 32

/** The last epoch: zxids of later ones would exceed the safe integers; discovery refuses them. */
export const epochMax = 2 ** 21 - 1

export const zxidZero = 0 as Zxid

export function makeZxid({ epoch, counter }: { epoch: number; counter: number }): Zxid {
  invariant(epoch >= 0 && epoch <= epochMax, 'an epoch fits 21 bits')
  invariant(counter >= 0 && counter < counterRange, 'a zxid counter fits 32 bits')
  return (epoch * counterRange + counter) as Zxid
}

export function epochOf(zxid: Zxid): number {
  return Math.floor(zxid / counterRange)
}

export function counterOf(zxid: Zxid): number {
  return zxid % counterRange
}

/** The zxid of the next transaction in the same epoch. */
export function nextZxid(zxid: Zxid): Zxid {
  invariant(counterOf(zxid) < counterRange - 1, 'an epoch ends before its counter does')
  return (zxid + 1) as Zxid
}

/** Whether a transaction `next` may directly follow `previous` in a history without gaps. */
export function follows(previous: Zxid, next: Zxid): boolean {
  if (next === previous + 1 && counterOf(next) !== 0) return true
  return epochOf(next) > epochOf(previous) && counterOf(next) === 1
}

/** A number from the wire is a zxid if it is a non-negative safe integer. */
export function isZxid(value: unknown): value is Zxid {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** As ZooKeeper prints it: `0x100000f65`. */
export function formatZxid(zxid: Zxid): string {
  return `0x${zxid.toString(16)}`
}

/** Writes 8 bytes, big-endian. */
export function writeZxid(into: Buffer, zxid: Zxid, offset: number): void {
  into.writeUInt32BE(epochOf(zxid), offset)
  into.writeUInt32BE(counterOf(zxid), offset + 4)
}

/** Reads 8 bytes, big-endian; the result is no zxid (see `isZxid`) if the epoch is out of range. */
export function readZxid(from: Buffer, offset: number): Zxid {
  return (from.readUInt32BE(offset) * counterRange + from.readUInt32BE(offset + 4)) as Zxid
}
