// Which leader wrote which part of a partition's log: each leader epoch with its first offset.
//
//   epoch 0        epoch 3         epoch 4
//   ├──────────────┼───────────────┼──────────▶ log end
//   0              120             131
//
// Two replicas' logs agree up to the smaller of the offsets at which the latest epoch that both
// know ends in them. This decides truncation, never the high watermark (KIP-101, KIP-279). Every
// batch carries its epoch, so the list is read from the log itself at start and cannot disagree
// with it.

import type { Offset } from '../../protocol/mq/record-batch.ts'

interface EpochStart {
  readonly epoch: number
  readonly startOffset: Offset
}

/** The largest epoch at or before the one asked for, and the offset after its last record. */
export interface EpochEnd {
  readonly epoch: number
  readonly endOffset: Offset
}

export class LeaderEpochs {
  /** Ascending in both fields; each of these epochs has records. */
  readonly #starts: EpochStart[] = []

  /** Epoch of the last record; -1 for an empty log. */
  get latest(): number {
    return this.#starts.at(-1)?.epoch ?? -1
  }

  /** A batch was added at the end of the log. */
  appended(epoch: number, baseOffset: Offset): void {
    if (epoch > this.latest) this.#starts.push({ epoch, startOffset: baseOffset })
  }

  /** @returns undefined if the log has no record of this or an earlier epoch */
  endOf(epoch: number, logEnd: Offset): EpochEnd | undefined {
    const next = this.#starts.findIndex((start) => start.epoch > epoch)
    const found = next === -1 ? this.#starts.at(-1) : this.#starts[next - 1]
    if (found === undefined) return undefined
    const endOffset = next === -1 ? logEnd : (this.#starts[next]?.startOffset ?? logEnd)
    return { epoch: found.epoch, endOffset }
  }

  /** The log no longer holds anything from `endOffset` on. */
  truncated(endOffset: Offset): void {
    while ((this.#starts.at(-1)?.startOffset ?? -1) >= endOffset) this.#starts.pop()
  }
}
