// Faults of the disk of a broker that is down: flipped bits, lost tails, an old copy put back.
// Whether the broker can notice follows from the disk and from the marks in ZooWeeper (`isTold`):
// it notices a loss below a checkpoint, and a copy older than a mark, but not the loss of a record
// after the last checkpoint, nor a copy made since the last mark.

import { decodeMark, type Mark, noMark } from '../../../src/broker/cluster/identity.ts'
import { Checkpoint } from '../../../src/broker/partition/checkpoint.ts'
import { DurableFile } from '../../../src/durable-file.ts'
import type { DirectoryId } from '../../../src/protocol/mq/messages.ts'
import {
  batchBytes,
  batchHeaderBytes,
  forEachBatch,
  isBatchIntact,
} from '../../../src/protocol/mq/record-batch.ts'
import type { Random } from '../../../src/random.ts'
import type { MemoryDirectory } from '../../log/memory-directory.ts'
import { contentOf, type DiskCopy, type SimDisk } from '../disk.ts'

/** Of a batch: its epoch, which no checksum of Kafka's format covers. */
const epochFrom = 12
const epochTo = 16

/** Flips one bit in each log, at a share of its bytes: 1 is the last of them. */
export function turnBits(disk: SimDisk, share: number): void {
  for (const log of disk.logs.values()) turnBitIn(log, share)
}

/** Damages the first batch of each log that has a checkpoint: damage that is always noticed. */
export function damageLogs(disk: SimDisk): void {
  for (const [name, log] of disk.logs) {
    if (checkpointOf(disk).get(name).durableEnd > 0) turnBitIn(log, 0)
  }
}

/** Removes this many batches at the end of each log as if they had never been written. */
export function cutBatches(disk: SimDisk, count: number): void {
  for (const log of disk.logs.values()) cut(log, count, 0)
}

/**
 * Removes the last one to three batches of each log; sometimes a part of the first of them stays.
 */
export function cutTails(disk: SimDisk, random: Random): void {
  for (const log of disk.logs.values()) {
    cut(log, 1 + random.below(3), random.chance(0.5) ? 0 : random.next())
  }
}

/** Removes a log, as an operator does with a damaged directory. */
export function takeLogAway(disk: SimDisk, directory: string): void {
  if (disk.logs.has(directory)) disk.loseLog(directory)
}

/**
 * Whether `damageLogs` reaches every log that has records, and its broker notices: when the log start
 * has moved past the checkpoint, damage is taken for a torn tail.
 */
export function isCheckpointed(disk: SimDisk): boolean {
  const checkpoint = checkpointOf(disk)
  return [...disk.logs].every(
    ([name, log]) =>
      segmentsOf(log).length === 0 || checkpoint.get(name).durableEnd > logStartOf(log),
  )
}

function logStartOf(log: MemoryDirectory): number {
  const text = contentOf(log, 'snapshot.json')?.toString() ?? ''
  return Number(/"logStart":(\d+)/.exec(text)?.[1] ?? 0)
}

/** Identity and mark of a copied directory; undefined: it belonged to no cluster yet. */
export function identityOf({ files }: DiskCopy): Identity | undefined {
  const owner = contentOf(files, 'broker.json')?.toString()
  if (owner === undefined) return undefined
  const { directoryId } = JSON.parse(owner) as { readonly directoryId: DirectoryId }
  return { directoryId, mark: decodeMark(contentOf(files, 'mark.json')) ?? noMark }
}

interface Identity {
  readonly directoryId: DirectoryId
  readonly mark: Mark
}

/** As it would survive: looking at it meets no fault of the disk, and syncs nothing. */
function checkpointOf(disk: SimDisk): Checkpoint {
  const survived = disk.files.crash(undefined, { fault: () => null })
  return new Checkpoint(new DurableFile(survived, 'checkpoints.json'))
}

function turnBitIn(log: MemoryDirectory, share: number): void {
  const contents = segmentsOf(log)
  const total = contents.reduce((sum, { bytes }) => sum + bytes.length, 0)
  let at = Math.max(0, Math.floor(total * share) - 1)
  for (const { name, bytes, whole } of contents) {
    if (at < bytes.length) {
      const turned = outsideOfEpoch(whole, at)
      if (turned === undefined) return
      return write(log, name, Buffer.of((bytes[turned] ?? 0) ^ 1), turned)
    }
    at -= bytes.length
  }
}

/** @param left this share of the first of them stays */
function cut(log: MemoryDirectory, count: number, left: number): void {
  const last = segmentsOf(log).at(-1)
  if (last === undefined) return
  const starts: number[] = []
  forEachBatch(last.bytes, (at) => starts.push(at))
  const start = starts.at(-count) ?? starts[0]
  if (start === undefined) return
  const from = start + Math.floor(left * batchBytes(last.bytes, start))
  write(log, last.name, Buffer.alloc(last.bytes.length - from), from)
}

/** @returns undefined: an earlier fault hides where the batches begin */
function outsideOfEpoch(bytes: Buffer, at: number): number | undefined {
  let [start, end] = [0, 0]
  forEachBatch(bytes, (from, length) => {
    if (from !== end || end > at || !isBatchIntact(bytes, from, length)) return
    start = from
    end = from + length
  })
  if (at >= end) return undefined
  const isEpoch = at >= start + epochFrom && at < start + epochTo
  return isEpoch ? start + batchHeaderBytes : at
}

function write(log: MemoryDirectory, name: string, bytes: Buffer, at: number): void {
  const file = log.open(name)
  file.write(bytes, at)
  file.syncNow()
}

interface SegmentContent {
  readonly name: string
  /** without the unused zeros at the end, and without those that end the last batch */
  readonly bytes: Buffer
  readonly whole: Buffer
}

/** By offset. */
function segmentsOf(log: MemoryDirectory): SegmentContent[] {
  const names = log.list().filter((name) => name.endsWith('.segment'))
  return names.sort().map((name) => {
    const whole = contentOf(log, name) ?? Buffer.alloc(0)
    return { name, whole, bytes: whole.subarray(0, whole.findLastIndex(Boolean) + 1) }
  })
}
