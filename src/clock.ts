// Time for the shells. Cores get `nowMs` as an argument and never read a clock.

export interface Clock {
  /** Monotonic milliseconds since an arbitrary start: for time-outs. */
  nowMs(): number
  /** Wall-clock milliseconds since 1970: for displayed stats, never for time-outs. */
  wallMs(): number
  /** Calls `run` once after `delayMs`. The returned function cancels it. */
  after(delayMs: number, run: () => void): () => void
  /** Calls `run` every `periodMs` until the returned function is called. */
  every(periodMs: number, run: () => void): () => void
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
  every(periodMs, run) {
    const timer = setInterval(run, periodMs)
    return () => clearInterval(timer)
  },
}
