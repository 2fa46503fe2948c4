// Times of a measurement, and what they say together. Pure.

export interface Percentiles {
  readonly count: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/** Of at least one value: the smallest that the share of all values does not exceed. */
export function percentilesOf(values: Float64Array): Percentiles {
  const sorted = values.slice().sort()
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
  return {
    count: sorted.length,
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    p999: at(0.999),
    max: at(1),
  }
}

/** `p50 1.2, p95 3.4, …`, in the unit of the values */
export function percentilesText({ p50, p95, p99, p999, max }: Percentiles): string {
  const shown = { p50, p95, p99, 'p99.9': p999, max }
  return Object.entries(shown)
    .map(([name, value]) => `${name} ${value.toFixed(value < 10 ? 2 : 1)}`)
    .join(', ')
}
