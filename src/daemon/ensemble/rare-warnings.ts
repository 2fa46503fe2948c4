// Warnings that come again as often as a peer tries: each is logged once per interval, with a count
// of those left out meanwhile.

import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'

const intervalMs = 30_000

/** Warnings told apart; of more, the oldest is forgotten, and logged again when it comes again. */
const keysMax = 1000

export class RareWarnings {
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #last = new Map<string, { readonly atMs: number; leftOut: number }>()

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger
    this.#clock = clock
  }

  /** @param key equal for warnings that say the same */
  warn(key: string, fields: Record<string, unknown>, message: string): void {
    const nowMs = this.#clock.nowMs()
    const last = this.#last.get(key)
    if (last !== undefined && nowMs - last.atMs < intervalMs) {
      last.leftOut++
      return
    }
    const leftOut = last?.leftOut ?? 0
    this.#last.delete(key)
    this.#last.set(key, { atMs: nowMs, leftOut: 0 })
    if (this.#last.size > keysMax) {
      for (const oldest of this.#last.keys()) {
        this.#last.delete(oldest)
        break
      }
    }
    this.#logger.warn(leftOut === 0 ? fields : { ...fields, leftOut }, message)
  }
}
