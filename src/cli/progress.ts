// A progress bar for a terminal: `goals  [==========>         ]  512/1000  230/s`. Pure, except
// `Progress`, which draws it in place several times a second.

import type { Clock } from '../clock.ts'
import { canDraw } from '../terminal.ts'

interface ProgressState {
  readonly label: string
  readonly done: number
  /** undefined if the total is unknown */
  readonly total: number | undefined
  readonly elapsedMs: number
}

/** At most `width` columns of ASCII. */
export function progressLine(state: ProgressState, width: number): string {
  const { label, done, total, elapsedMs } = state
  const perSecond = elapsedMs <= 0 ? 0 : (done * 1000) / elapsedMs
  const count = total === undefined ? `${done}` : `${done}/${total}`
  const facts = `  ${count}  ${perSecond.toFixed(perSecond < 10 ? 1 : 0)}/s`
  const barWidth = Math.min(40, width - label.length - facts.length - 4)
  if (total === undefined || barWidth < 5) return `${label}${facts}`.slice(0, Math.max(0, width))
  const share = total === 0 ? 1 : Math.min(1, done / total)
  const filled = Math.floor(share * barWidth)
  const bar = filled === barWidth ? '='.repeat(filled) : `${'='.repeat(filled)}>`
  return `${label}  [${bar.padEnd(barWidth)}]${facts}`
}

const redrawMs = 100

export class Progress {
  readonly #label: string
  readonly #total: number | undefined
  readonly #out: NodeJS.WriteStream
  readonly #clock: Clock
  readonly #startedMs: number
  readonly #stop: () => void
  readonly #draws: boolean
  #done = 0
  #ended = false

  /** @param out nothing is drawn if the cursor cannot be moved */
  constructor(options: {
    readonly label: string
    readonly total: number | undefined
    readonly out: NodeJS.WriteStream
    readonly clock: Clock
  }) {
    this.#label = options.label
    this.#total = options.total
    this.#out = options.out
    this.#clock = options.clock
    this.#startedMs = options.clock.nowMs()
    this.#draws = canDraw(options.out, process.env)
    this.#stop = this.#draws ? options.clock.every(redrawMs, () => this.#draw()) : () => undefined
  }

  advance(): void {
    this.#done++
  }

  /** Leaves the last state on its own line; once. */
  end(): void {
    this.#stop()
    if (!this.#draws || this.#ended) return
    this.#ended = true
    this.#draw()
    this.#out.write('\n')
  }

  #draw(): void {
    const state = {
      label: this.#label,
      done: this.#done,
      total: this.#total,
      elapsedMs: this.#clock.nowMs() - this.#startedMs,
    }
    this.#out.write(`\r\x1b[2K${progressLine(state, this.#out.columns - 1)}`)
  }
}
