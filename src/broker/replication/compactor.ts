// Compacts one replica's log, in slices that its owner asks for, so that the event loop is never held
// for long. The rules are partition/compaction.ts.
//
//   1. map     read what is new since the last pass, and note the last offset of each key
//   2. clean   read each full segment, and write what is left of it beside it; if that is less, it
//              takes the segment's place (log/replacement.ts), or the segment goes
//
// Only full segments are compacted, below the high watermark and below the end of the snapshot: what
// the removed batches said of producers and epochs is kept there. The offset below which gaps may be
// is durable before the first gap.

import { InvariantError } from '../../invariant.ts'
import { limits } from '../../limits.ts'
import { isUnreadable, type LogDamagedError, type LogVersionError } from '../../log/log-errors.ts'
import type { Replacement } from '../../log/replacement.ts'
import type { Logger } from '../../logger.ts'
import type { Compressor } from '../../protocol/mq/compression.ts'
import { codecName, codecs } from '../../protocol/mq/compression.ts'
import {
  batchCodecAt,
  decodeBatch,
  forEachBatch,
  lastOffsetOf,
  type Offset,
  rebuiltBatch,
} from '../../protocol/mq/record-batch.ts'
import type { TopicConfig } from '../cluster/topic-config.ts'
import { type CompactionRules, compacted, LatestOffsets } from '../partition/compaction.ts'
import type { Decompression } from '../partition/offset-by-time.ts'
import type { Partition } from '../partition/partition.ts'
import type { PartitionLog } from '../partition/partition-log.ts'
import type { SegmentFacts } from '../partition/retention.ts'
import type { LogHead } from './log-head.ts'

interface CompactorOptions {
  readonly core: Partition
  readonly log: PartitionLog
  readonly head: LogHead
  readonly decompression: Decompression
  readonly logger: Logger
  readonly onDamage: (error: LogDamagedError | LogVersionError) => void
}

interface Pass {
  readonly rules: CompactionRules & { readonly latest: LatestOffsets }
  /** the segments to clean, in order */
  readonly segments: readonly SegmentFacts[]
  /** everything from here on is left alone */
  readonly end: Offset
  phase: 'map' | 'clean'
  /** the next offset to read */
  at: Offset
  /** keys are known up to here */
  mappedTo: Offset
  /** the segment that is being cleaned */
  index: number
  /** what is left of it; undefined while nothing is known to go */
  replacement: Replacement | undefined
  keptCount: number
  removedBytes: number
}

export class Compactor {
  readonly #options: CompactorOptions
  #pass: Pass | undefined
  /** everything before it was compacted */
  #cleanedTo: Offset
  #isWaiting = false // for the disk, or for a codec
  readonly #compressors = new Map<number, Compressor | undefined>()

  constructor(options: CompactorOptions) {
    this.#options = options
    this.#cleanedTo = options.head.written.compactedTo
  }

  get isRunning(): boolean {
    return this.#pass !== undefined
  }

  /** Begins a pass if enough is new. */
  maybeBegin(config: TopicConfig, segments: readonly SegmentFacts[], nowMs: number): void {
    if (this.#pass !== undefined) return
    const { core, head } = this.#options
    const lagMs = config['min.compaction.lag.ms']
    const full = segments.slice(0, -1)
    const isDue = ({ end, maxTimestampMs }: SegmentFacts): boolean =>
      end <= core.highWatermark && (lagMs === 0 || maxTimestampMs <= nowMs - lagMs)
    const young = full.findIndex((segment) => !isDue(segment))
    const cleanable = young === -1 ? full : full.slice(0, young)
    const dirty = cleanable.filter(({ end }) => end > this.#cleanedTo)
    const share = bytesOf(dirty) / bytesOf(cleanable)
    if (dirty.length === 0 || share < config['min.cleanable.dirty.ratio']) return
    const end = cleanable.at(-1)?.end ?? 0
    if (head.written.end < end) {
      head.save()
      return
    }
    const rules = {
      latest: new LatestOffsets(),
      nowMs,
      deleteRetentionMs: config['delete.retention.ms'],
      isLastOf: core.isLastOfProducer.bind(core),
    }
    const at = Math.max(dirty[0]?.start ?? 0, core.logStart)
    this.#pass = {
      rules,
      segments: cleanable,
      end,
      phase: 'map',
      at,
      mappedTo: at,
      index: 0,
      replacement: undefined,
      keptCount: 0,
      removedBytes: 0,
    }
  }

  /** Does a little of the pass. */
  step(): void {
    const pass = this.#pass
    if (pass === undefined || this.#isWaiting) return
    try {
      if (pass.phase === 'map') this.#map(pass)
      else this.#clean(pass)
    } catch (error) {
      if (error instanceof InvariantError) throw error
      if (isUnreadable(error)) {
        this.abort()
        this.#options.onDamage(error)
        return
      }
      const { logger } = this.#options
      logger.warn({ err: error }, 'Could not compact a log: trying again later')
      this.abort()
      this.#cleanedTo = pass.end // not at once, and not for ever
    }
  }

  /** The log is about to be cut, or closed. */
  abort(): void {
    this.#pass?.replacement?.abandon()
    this.#pass = undefined
  }

  // --- map ---------------------------------------------------------------------------------------

  #map(pass: Pass): void {
    const { log } = this.#options
    const batches = log.read({ from: pass.at, end: pass.end, bytesMax: sliceBytes })
    if (batches.length === 0 || pass.rules.latest.keyCount >= limits.compactionKeysMax) {
      pass.phase = 'clean'
      pass.mappedTo = pass.at
      pass.at = pass.segments[0]?.start ?? 0
      return
    }
    if (!this.#hasCodecs(batches)) return
    forEachBatch(batches, (at) => {
      const records = this.#recordsOf(batches, at)
      pass.rules.latest.add(records)
      pass.at = lastOffsetOf(batches, at) + 1
    })
  }

  /** Records that cannot be decoded supersede nothing. */
  #recordsOf(batches: Buffer, at: number) {
    try {
      return decodeBatch(batches, at, this.#options.decompression.decompress)
    } catch {
      return []
    }
  }

  // --- clean -------------------------------------------------------------------------------------

  #clean(pass: Pass): void {
    const { log, core } = this.#options
    const segment = pass.segments[pass.index]
    if (segment === undefined) return this.#ended(pass)
    // Retention may have removed it meanwhile.
    if (segment.end <= core.logStart) return this.#next(pass)
    const batches = log.read({ from: pass.at, end: segment.end, bytesMax: sliceBytes })
    if (batches.length === 0) return this.#replace(pass, segment)
    if (!this.#hasCodecs(batches)) return
    forEachBatch(batches, (at, length) => {
      if (pass.at < segment.start) return // it begins again
      this.#take(pass, segment, batches.subarray(at, at + length))
    })
    if (pass.at < segment.start) pass.at = segment.start
  }

  #take(pass: Pass, segment: SegmentFacts, batch: Buffer): void {
    const left = this.#leftOf(pass, batch)
    const { replacement } = pass
    if (replacement === undefined) {
      if (left !== batch) this.#rewrite(pass, segment)
      else pass.at = lastOffsetOf(batch, 0) + 1
      return
    }
    pass.at = lastOffsetOf(batch, 0) + 1
    if (left !== undefined) pass.keptCount++
    // The first batch stays at least as a header: the segment's name is its offset.
    const isFirst = replacement.segment.isEmpty
    const kept = left ?? (isFirst ? rebuiltBatch(batch, [], { horizonMs: undefined }) : undefined)
    if (kept !== undefined) replacement.append(kept)
    pass.removedBytes += batch.length - (kept?.length ?? 0)
  }

  /** Something goes: the segment is read once more from its beginning, and written. */
  #rewrite(pass: Pass, { start }: SegmentFacts): void {
    const replacement = this.#options.log.prepareReplacement(start)
    if (replacement === undefined) throw new Error('the segment is not there any more')
    pass.replacement = replacement
    pass.keptCount = 0
    pass.at = start - 1
  }

  #leftOf({ rules }: Pass, batch: Buffer): Buffer | undefined {
    const { decompress } = this.#options.decompression
    const compressor = this.#compressors.get(batchCodecAt(batch, 0))
    try {
      return compacted(batch, rules, { decompress, compressor })
    } catch {
      return batch // what cannot be decoded stays
    }
  }

  #replace(pass: Pass, { start }: SegmentFacts): void {
    const { log, head } = this.#options
    const { replacement } = pass
    if (replacement === undefined) return this.#next(pass)
    if (head.written.gapsBelow < pass.end) {
      this.#await(head.expectGaps(pass.end))
      return
    }
    pass.replacement = undefined
    this.#isWaiting = true
    const done = (): void => {
      this.#isWaiting = false
      if (this.#pass === pass) this.#next(pass)
    }
    if (pass.keptCount > 0) log.replace(replacement, done)
    else {
      replacement.abandon()
      log.remove(start, done)
    }
  }

  #next(pass: Pass): void {
    pass.replacement?.abandon()
    pass.replacement = undefined
    pass.index++
    pass.at = pass.segments[pass.index]?.start ?? pass.end
  }

  #ended({ mappedTo, removedBytes, end }: Pass): void {
    this.#pass = undefined
    this.#cleanedTo = mappedTo
    void this.#options.head.compacted(mappedTo)
    this.#options.logger.debug({ mappedTo, end, removedBytes }, 'Compacted a log')
  }

  // --- codecs ------------------------------------------------------------------------------------

  /** Whether every codec of these batches is loaded, or cannot be; if not, it is being loaded. */
  #hasCodecs(batches: Buffer): boolean {
    let missing: number | undefined
    forEachBatch(batches, (at) => {
      const codec = batchCodecAt(batches, at)
      if (codec !== codecs.none && !this.#compressors.has(codec)) missing = codec
    })
    if (missing === undefined) return true
    this.#await(this.#load(missing))
    return false
  }

  async #load(codec: number): Promise<void> {
    const name = codecName(codec)
    let compressor: Compressor | undefined
    if (name !== undefined && name !== 'none') {
      compressor = await this.#options.decompression.load(name).catch(() => undefined)
    }
    this.#compressors.set(codec, compressor)
  }

  #await(done: Promise<void>): void {
    this.#isWaiting = true
    void done.finally(() => {
      this.#isWaiting = false
    })
  }
}

/** Read, decoded and perhaps encoded again in a few milliseconds. */
const sliceBytes = 128 * 1024

function bytesOf(segments: readonly SegmentFacts[]): number {
  return segments.reduce((sum, { bytes }) => sum + bytes, 0)
}
