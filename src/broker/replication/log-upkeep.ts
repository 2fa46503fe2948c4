// What is done to a replica's log now and then, whatever its role: begin segments, remove and compact
// what is due by the topic's rules, and write snapshots, so that the next start finds little to read.
//
// replica.ts owns it, and asks only while the log is sound, open and not being cut. Next on the path:
// partition/retention.ts, compactor.ts and log-head.ts.

import { limits } from '../../limits.ts'
import type { TopicConfig } from '../cluster/topic-config.ts'
import type { Partition } from '../partition/partition.ts'
import type { PartitionLog } from '../partition/partition-log.ts'
import { dueBefore } from '../partition/retention.ts'
import type { Compactor } from './compactor.ts'
import type { LogHead } from './log-head.ts'

interface LogUpkeepOptions {
  readonly core: Partition
  readonly log: PartitionLog
  readonly head: LogHead
  readonly compactor: Compactor
  readonly segmentBytes: number
}

export class LogUpkeep {
  readonly #options: LogUpkeepOptions
  readonly #snapshotBytes: number
  /** appended since the last snapshot */
  #unsavedBytes = 0

  constructor(options: LogUpkeepOptions) {
    this.#options = options
    this.#snapshotBytes = Math.min(options.segmentBytes / 8, limits.snapshotBytes)
  }

  appended(bytes: number): void {
    this.#unsavedBytes += bytes
  }

  /** @param nowMs see steady-time.ts */
  maintain(config: TopicConfig, nowMs: number): void {
    const { core, log, head, compactor } = this.#options
    log.segmentBytes = config['segment.bytes']
    log.maybeRoll(config['segment.ms'], nowMs)
    log.dropBefore(core.logStart)
    const policy = config['cleanup.policy']
    if (policy.includes('compact')) compactor.maybeBegin(config, log.segments(nowMs), nowMs)
    if (!policy.includes('delete')) return
    const rules = {
      retentionMs: config['retention.ms'],
      retentionBytes: config['retention.bytes'],
    }
    const { highWatermark, logStart } = core
    const due = dueBefore(log.segments(nowMs), rules, { highWatermark, nowMs })
    if (due > logStart) head.removeBefore(due)
  }

  /**
   * Writes a snapshot if much was appended since the last one.
   *
   * @param isLast the broker stops: its next start should find little to read
   */
  maybeSaveSnapshot({ isLast }: { readonly isLast: boolean }): void {
    const bytesMin = isLast ? this.#snapshotBytes / 8 : this.#snapshotBytes
    if (this.#unsavedBytes < bytesMin) return
    if (this.#options.head.save()) this.#unsavedBytes = 0
  }
}
