// How many records and bytes arrived in each of the last seconds: the rate, and its course as a line
// of small bars. Pure.

/** A bar for each count, the highest one full. */
export function sparkOf(counts: readonly number[]): string {
  const max = Math.max(1, ...counts)
  return counts.map((count) => bars[Math.ceil((count / max) * (bars.length - 1))] ?? '').join('')
}

interface Second {
  /** since the clock's start */
  readonly second: number
  count: number
  bytes: number
}

const secondsMax = 120
/** The rate is that of the last whole seconds. */
const rateSeconds = 3

const bars = '▁▂▃▄▅▆▇█'

export class RateHistory {
  readonly #seconds: Second[] = []
  #firstMs: number | undefined

  add(count: number, bytes: number, nowMs: number): void {
    this.#firstMs ??= nowMs
    const second = Math.floor(nowMs / 1000)
    const last = this.#seconds.at(-1)
    if (last?.second === second) {
      last.count += count
      last.bytes += bytes
      return
    }
    this.#seconds.push({ second, count, bytes })
    if (this.#seconds.length > secondsMax) this.#seconds.shift()
  }

  /** Per second. */
  rate(nowMs: number): { readonly count: number; readonly bytes: number } {
    const now = Math.floor(nowMs / 1000)
    // The present second has only begun.
    const recent = this.#seconds.filter(({ second }) => second < now && second >= now - rateSeconds)
    const total = recent.reduce(
      (sum, { count, bytes }) => ({ count: sum.count + count, bytes: sum.bytes + bytes }),
      { count: 0, bytes: 0 },
    )
    return { count: total.count / rateSeconds, bytes: total.bytes / rateSeconds }
  }

  /** A bar for each of the last `width` whole seconds, the highest one full; blank before the first. */
  sparkline(width: number, nowMs: number): string {
    const now = Math.floor(nowMs / 1000)
    const counts = new Map(this.#seconds.map(({ second, count }) => [second, count]))
    const first = this.#firstMs === undefined ? now : Math.floor(this.#firstMs / 1000)
    const from = now - width
    const shown = Array.from({ length: Math.max(0, now - Math.max(from, first)) }, (_, i) => {
      return counts.get(Math.max(from, first) + i) ?? 0
    })
    return ' '.repeat(width - shown.length) + sparkOf(shown)
  }
}
