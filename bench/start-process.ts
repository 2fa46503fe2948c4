// Opens the logs of a generated data directory as a broker's start does, and tells its parent how long
// that took and what it needs. A process of its own: memory and files are those of a fresh start.

import { ClusterImage } from '../src/broker/cluster/cluster-image.ts'
import { Checkpoint } from '../src/broker/partition/checkpoint.ts'
import { ReplicaManager } from '../src/broker/replication/replica-manager.ts'
import { systemClock } from '../src/clock.ts'
import { DurableFile } from '../src/durable-file.ts'
import { silentLogger } from '../src/logger.ts'
import type { BrokerId } from '../src/protocol/mq/messages.ts'
import { realDisk } from '../src/real-disk.ts'
import { Turn } from '../src/turn.ts'

export const startTopic = { name: 'bench', id: 'bench', broker: 1 as BrokerId } as const

export interface StartRequest {
  readonly dir: string
  readonly partitions: number
}

export interface StartResult {
  readonly openMs: number
  /** of the first read in the middle of each log, all together */
  readonly readMs: number
  readonly residentMiB: number
  readonly bytes: number
}

process.on('message', async (request: StartRequest) => {
  const result = await measure(request)
  process.send?.(result, () => process.exit(0))
})

async function measure({ dir, partitions }: StartRequest): Promise<StartResult> {
  const disk = realDisk(dir)
  const image = new ClusterImage()
  image.setTopic(startTopic.name, {
    topicId: startTopic.id,
    replicas: Array.from({ length: partitions }, () => [startTopic.broker]),
  })
  const replicas = new ReplicaManager({
    self: startTopic.broker,
    image,
    // There is no other broker.
    links: { ask: () => undefined },
    clock: systemClock,
    turn: new Turn(setImmediate),
    log: silentLogger,
    disk,
    flush: 'group',
    lagTimeMsMax: 30_000,
    checkpoint: new Checkpoint(new DurableFile(disk.openFiles(), 'checkpoints.json')),
    writeState: async () => undefined,
    report: () => undefined,
    failed: (error) => {
      throw error
    },
    maintenanceMs: 30_000,
    checkedBytesPerSecond: 0,
  })
  const beganMs = performance.now()
  const reports = await replicas.open()
  const openMs = performance.now() - beganMs
  if (reports.length > 0) throw new Error(`Cannot measure: ${JSON.stringify(reports[0])}`)
  const opened = [...replicas.replicas]
  const readAtMs = performance.now()
  for (const replica of opened) replica.peek(Math.floor(replica.logEnd / 2), replica.logEnd)
  const readMs = performance.now() - readAtMs
  const bytes = opened.reduce((sum, { logBytes }) => sum + logBytes, 0)
  return { openMs, readMs, residentMiB: process.memoryUsage.rss() / 2 ** 20, bytes }
}
