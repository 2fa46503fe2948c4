// A broker's start on logs of a given size, which are written by the broker's own log first: after a
// clean stop, after a kill, and reading everything, as after damage was found.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Checkpoint, type LogCheckpoint } from '../../src/broker/partition/checkpoint.ts'
import { SnapshotFile } from '../../src/broker/partition/log-snapshot.ts'
import {
  claimDirectory,
  directoryName,
  markSuspect,
} from '../../src/broker/partition/partition-directory.ts'
import { PartitionLog } from '../../src/broker/partition/partition-log.ts'
import { DurableFile } from '../../src/durable-file.ts'
import { IndexMemory } from '../../src/log/segment-index.ts'
import { encodeBatch, noProducer, placeBatch } from '../../src/protocol/mq/record-batch.ts'
import { Random } from '../../src/random.ts'
import { realDisk } from '../../src/real-disk.ts'
import { type StartRequest, type StartResult, startTopic } from '../start-process.ts'

const program = fileURLToPath(new URL('../start-process.ts', import.meta.url))
const recordsPerBatch = 16
const recordBytes = 1000
/** Written between two waits for the disk. */
const flushBytes = 8 * 1024 * 1024
/** What a kill leaves behind the checkpoint, in all logs: 5 s at 20 MB/s. */
const behindBytes = 100_000_000
/** The file system keeps this much. */
const spareBytes = 5e9

export const starts = ['clean', 'killed', 'all is read'] as const

export interface StartOptions {
  readonly dir: string
  readonly gigabytes: number
  readonly partitions: number
  readonly segmentBytes: number
  readonly seed: number
}

/** Calls `measured` with each start in turn. The logs are removed afterwards. */
export async function measureStarts(
  options: StartOptions,
  measured: (start: (typeof starts)[number], result: StartResult) => void,
): Promise<void> {
  const { gigabytes, partitions } = options
  const { bavail, bsize } = statfsSync(options.dir)
  if (bavail * bsize < gigabytes * 1e9 + spareBytes) {
    throw new Error(`Cannot write ${gigabytes} GB: ${options.dir} has no room for them`)
  }
  const dir = join(options.dir, 'start')
  if (existsSync(dir)) rmSync(dir, { recursive: true })
  try {
    const disk = realDisk(dir)
    const checkpoint = new Checkpoint(new DurableFile(disk.openFiles(), 'checkpoints.json'))
    const ends = new Map<string, LogCheckpoint>()
    const behind = new Map<string, LogCheckpoint>()
    for (let partition = 0; partition < partitions; partition++) {
      const { key, end, recordsPerByte } = await write(options, dir, partition)
      const at = (durableEnd: number) => ({ durableEnd, highWatermark: durableEnd, lastEpoch: 0 })
      ends.set(key, at(end))
      behind.set(key, at(Math.max(0, end - Math.ceil((behindBytes / partitions) * recordsPerByte))))
    }
    const request = { dir, partitions }
    await checkpoint.write(ends)
    measured('clean', await start(request))
    await checkpoint.write(behind)
    measured('killed', await start(request))
    for (const key of ends.keys()) {
      const directory = disk.openLog(key)
      markSuspect(directory)
      directory.close()
    }
    measured('all is read', await start(request))
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Writes one log, as a leader and its clean stop do. */
async function write(options: StartOptions, dir: string, partition: number) {
  const { gigabytes, partitions, segmentBytes, seed } = options
  const key = directoryName({ topicId: startTopic.id, partition })
  const disk = realDisk(dir)
  const directory = disk.openLog(key)
  claimDirectory(directory, { topic: startTopic.name, topicId: startTopic.id, partition })
  const durable: { resolve: (() => void) | undefined; end: number } = { resolve: undefined, end: 0 }
  const log = new PartitionLog({
    directory,
    segmentBytes,
    flush: 'group',
    memory: { indexes: new IndexMemory(1e6) },
    nowMs: () => Date.now(),
    onDurable: (end) => {
      durable.end = end
      durable.resolve?.()
    },
    onFailure: (error) => {
      throw error
    },
  })
  const batch = makeBatch(seed)
  const bytesMax = (gigabytes * 1e9) / partitions
  let end = 0
  for (let bytes = 0; bytes < bytesMax; ) {
    for (let run = 0; run < flushBytes && bytes < bytesMax; run += batch.length) {
      placeBatch(batch, end, 0)
      log.append(batch)
      end += recordsPerBatch
      bytes += batch.length
    }
    log.flush()
    while (durable.end < end) {
      await new Promise<void>((resolve) => {
        durable.resolve = resolve
      })
    }
  }
  await log.close()
  const snapshots = disk.openLog(key)
  const epochs = { baseEpoch: -1, starts: [{ epoch: 0, startOffset: 0 }] }
  const place = { logStart: 0, end, gapsBelow: 0, compactedTo: 0 }
  await new SnapshotFile(snapshots).write({ ...place, epochs, producers: [] })
  snapshots.close()
  return { key, end, recordsPerByte: recordsPerBatch / batch.length }
}

/** Random bytes, as no disk makes them smaller. */
function makeBatch(seed: number): Buffer {
  const random = new Random(seed)
  const timestampMs = Date.now()
  const records = Array.from({ length: recordsPerBatch }, () => {
    return { key: null, value: random.bytes(recordBytes), timestampMs, headers: [] }
  })
  return encodeBatch({ producerId: noProducer, producerEpoch: -1, baseSequence: -1, records })
}

async function start(request: StartRequest): Promise<StartResult> {
  const child = fork(program)
  child.send(request)
  const [result] = (await once(child, 'message')) as [StartResult]
  await once(child, 'exit')
  return result
}
