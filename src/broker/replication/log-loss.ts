// What a replica's log has lost with its directory, or with a tail that a crash cut off. Until it is in
// sync again, reports tell the controller of the loss, so that the log leads only if an operator or no
// other choice says so; and what was committed before is remembered.
//
//   in sync in this life ─▶ lower the checkpoint ─▶ remove the marks in the directory ─▶ whole
//
// replica.ts owns it. The marks are those of partition/partition-directory.ts.

import { LogFailedError } from '../../log/log-errors.ts'
import type { LogDirectory } from '../../log/segment-file.ts'
import type { BrokerId, Life } from '../../protocol/mq/messages.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'
import type { LogCondition } from '../cluster/replica-status.ts'
import { forgetLoss, hasCutTail } from '../partition/partition-directory.ts'
import { isSameLife, memberOf, type PartitionState } from '../partition/partition-state.ts'

interface LogLossOptions {
  readonly self: BrokerId
  readonly directory: LogDirectory
  /** the directory was lost: the log lacks what the checkpoint says */
  readonly isIncomplete: boolean
  /** in the checkpoint */
  readonly highWatermark: Offset
  /** Lowers the checkpoint to what the log has. Rejects when the host has failed. */
  readonly lowerCheckpoint: () => Promise<void>
  readonly isClosed: () => boolean
  readonly onFailure: (error: LogFailedError) => void
}

export class LogLoss {
  readonly #options: LogLossOptions
  #condition: Exclude<LogCondition, 'ahead'>
  /** the marks are being removed */
  #isTrusting = false
  /** high watermark when the directory was lost; a log that ends below it should not lead */
  readonly highWatermark: Offset

  constructor(options: LogLossOptions) {
    const { directory, isIncomplete, highWatermark } = options
    this.#options = options
    this.highWatermark = isIncomplete ? highWatermark : 0
    this.#condition = isIncomplete ? 'incomplete' : hasCutTail(directory) ? 'tail-cut' : 'whole'
  }

  get condition(): Exclude<LogCondition, 'ahead'> {
    return this.#condition
  }

  /** For the checkpoint: what was committed is kept until the log has reached it again. */
  checkpointed(highWatermark: Offset): Offset {
    return this.#condition === 'incomplete'
      ? Math.max(highWatermark, this.highWatermark)
      : highWatermark
  }

  /** A log that is in sync in this life has again what it had lost. */
  maybeTrust(state: PartitionState, life: Life): void {
    if (this.#condition === 'whole' || this.#isTrusting) return
    const member = memberOf(state.isr, this.#options.self)
    if (member === undefined || member.isAwaited || !isSameLife(member, life)) return
    void this.#trust()
  }

  /** Lowers the lost log's checkpoint first: this log may be shorter, and must not look damaged. */
  async #trust(): Promise<void> {
    const { directory, lowerCheckpoint, isClosed, onFailure } = this.#options
    this.#isTrusting = true
    try {
      await lowerCheckpoint()
    } catch {
      return // the host was told, and stops
    }
    if (isClosed()) return
    try {
      forgetLoss(directory)
      this.#condition = 'whole'
      this.#isTrusting = false
    } catch (error) {
      onFailure(new LogFailedError(directory.path, error as Error))
    }
  }
}
