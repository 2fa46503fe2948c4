// Which leader wrote which part of a partition's log: each leader epoch with its first offset.
//
//             epoch 0        epoch 3         epoch 4
//   (removed) ├──────────────┼───────────────┼──────────▶ log end
//   epoch 0   40 log start   120             131
//
// Two replicas' logs agree up to the smaller of the offsets at which the latest epoch that both
// know ends in them. This decides truncation, never the high watermark (KIP-101, KIP-279). Every
// batch carries its epoch, but retention and compaction remove batches: the list is kept in the
// log's snapshot (log-snapshot.ts), and only what follows the snapshot is read from the log.

import type { Offset } from '../../protocol/mq/record-batch.ts'

export interface EpochStart {
  readonly epoch: number
  readonly startOffset: Offset
}

/** The largest epoch at or before the one asked for, and the offset after its last record. */
export interface EpochEnd {
  readonly epoch: number
  readonly endOffset: Offset
}

/** The epoch list of a log up to some offset. */
export interface EpochList {
  /** epoch of the record before the log start; -1: there was none, or it is not known */
  readonly baseEpoch: number
  readonly starts: readonly EpochStart[]
}

export const noEpoch = -1

export class LeaderEpochs {
  #baseEpoch = noEpoch
  /** Epochs ascend, and so do their offsets, all at or after the log start. */
  #starts: EpochStart[] = []

  /** Epoch of the last record, even if it was removed; -1 if there never was one. */
  get latest(): number {
    return this.#starts.at(-1)?.epoch ?? this.#baseEpoch
  }

  /** Epoch of the record before the log start; -1 if there was none. */
  get baseEpoch(): number {
    return this.#baseEpoch
  }

  /** A batch was added at the end of the log. */
  appended(epoch: number, baseOffset: Offset): void {
    if (epoch > this.latest) this.#starts.push({ epoch, startOffset: baseOffset })
  }

  /** @returns undefined if the log is not known to have had a record of this or an earlier epoch */
  endOf(epoch: number, logEnd: Offset): EpochEnd | undefined {
    const next = this.#starts.findIndex((start) => start.epoch > epoch)
    const found = (next === -1 ? this.#starts.at(-1) : this.#starts[next - 1])?.epoch
    const endOffset = next === -1 ? logEnd : (this.#starts[next]?.startOffset ?? logEnd)
    if (found !== undefined) return { epoch: found, endOffset }
    const isInBase = this.#baseEpoch !== noEpoch && this.#baseEpoch <= epoch
    return isInBase ? { epoch: this.#baseEpoch, endOffset } : undefined
  }

  /** The log no longer holds anything from `endOffset` on. */
  truncated(endOffset: Offset): void {
    while ((this.#starts.at(-1)?.startOffset ?? -1) >= endOffset) this.#starts.pop()
  }

  /** The log no longer holds anything before `logStart`. */
  startMoved(logStart: Offset): void {
    this.restore(this.between(logStart, Number.MAX_SAFE_INTEGER))
  }

  /** The list of a log from `logStart` up to `end`. */
  between(logStart: Offset, end: Offset): EpochList {
    const removed = this.#starts.filter(({ startOffset }) => startOffset < logStart)
    const starts = this.#starts.slice(removed.length).filter(({ startOffset }) => startOffset < end)
    return { baseEpoch: removed.at(-1)?.epoch ?? this.#baseEpoch, starts }
  }

  /** Replaces the list, whose epochs and offsets ascend. */
  restore({ baseEpoch, starts }: EpochList): void {
    this.#baseEpoch = baseEpoch
    this.#starts = [...starts]
  }
}
