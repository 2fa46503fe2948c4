// Latencies in buckets: 64 per power of two, so every figure is accurate to 1.6 %.
//
// In a closed loop a connection sends its next request after an answer. A percentile is therefore
// what that many waiting clients saw, not what clients at a fixed rate would see while a server
// stalls; open loops (startOpenLoad in workloads/zk-load.ts) measure that.

const subBuckets = 64

/** Of whole microseconds. Serializable with `toJSON`. */
export class Histogram {
  #counts: number[] = []
  #count = 0
  #sum = 0
  #max = 0

  get count(): number {
    return this.#count
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count
  }

  get max(): number {
    return this.#max
  }

  /** Records `times` answers with this latency. */
  record(micros: number, times = 1): void {
    const bucket = bucketOf(micros)
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + times
    this.#count += times
    this.#sum += micros * times
    if (micros > this.#max) this.#max = micros
  }

  /** The value that `percent` of the recorded ones do not exceed; 0 if there are none. */
  percentile(percent: number): number {
    const wanted = Math.ceil((percent / 100) * this.#count)
    let seen = 0
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count ?? 0
      if (seen >= wanted && seen > 0) return Math.min(topOf(bucket), this.#max)
    }
    return 0
  }

  add(other: Histogram): void {
    for (const [bucket, count] of other.#counts.entries()) {
      if (count !== undefined) this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count
    }
    this.#count += other.#count
    this.#sum += other.#sum
    this.#max = Math.max(this.#max, other.#max)
  }

  toJSON(): HistogramJson {
    const counts = [...this.#counts].flatMap((count, bucket) =>
      count === undefined ? [] : [[bucket, count] as const],
    )
    return { counts, sum: this.#sum, max: this.#max }
  }

  static fromJSON({ counts, sum, max }: HistogramJson): Histogram {
    const histogram = new Histogram()
    for (const [bucket, count] of counts) {
      histogram.#counts[bucket] = count
      histogram.#count += count
    }
    histogram.#sum = sum
    histogram.#max = max
    return histogram
  }
}

export interface HistogramJson {
  readonly counts: readonly (readonly [bucket: number, count: number])[]
  readonly sum: number
  readonly max: number
}

/** Exact below `subBuckets`; above, the power of two and the next six bits. */
function bucketOf(micros: number): number {
  const value = Math.max(0, Math.floor(micros))
  if (value < subBuckets) return value
  const power = 31 - Math.clz32(Math.min(value, 0x7fffffff))
  const shift = power - 6
  return (shift + 1) * subBuckets + ((Math.min(value, 0x7fffffff) >>> shift) - subBuckets)
}

/** The largest value of the bucket. */
function topOf(bucket: number): number {
  if (bucket < subBuckets) return bucket
  const shift = Math.floor(bucket / subBuckets) - 1
  const mantissa = (bucket % subBuckets) + subBuckets
  return (mantissa + 1) * 2 ** shift - 1
}
