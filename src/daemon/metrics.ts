// Counters that the parts update; the four-letter words display them. Counting is an addition;
// further computation is done on display. docs/monitoring.md has the names.

/** Count, sum, minimum, maximum and latest of the observed values. */
export class Summary {
  count = 0
  sum = 0
  #min = Infinity
  #max = 0
  #last = -1

  observe(value: number): void {
    this.count++
    this.sum += value
    this.#last = value
    if (value < this.#min) this.#min = value
    if (value > this.#max) this.#max = value
  }

  get average(): number {
    return this.count === 0 ? 0 : this.sum / this.count
  }

  /** `none` replaces all of them before the first observation. */
  range(none: number): { readonly last: number; readonly min: number; readonly max: number } {
    if (this.count === 0) return { last: none, min: none, max: none }
    return { last: this.#last, min: this.#min, max: this.#max }
  }
}

/** Smaller numbers each have a bucket; above, eight buckets share each power of two. */
const exactBelow = 16
const bucketCount = exactBelow + 8 * 28

/** A summary with quantiles: of whole numbers below 2^32, accurate to 1/8. */
export class Distribution extends Summary {
  readonly #buckets = new Uint32Array(bucketCount)

  override observe(value: number): void {
    super.observe(value)
    const bucket = bucketOf(value)
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1
  }

  /** @returns the value that a share (0 to 1) of the values does not exceed; 0 if there are none */
  quantile(share: number): number {
    const wanted = Math.max(1, Math.ceil(share * this.count))
    let seen = 0
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      seen += this.#buckets[bucket] ?? 0
      if (seen >= wanted) return Math.min(lastOf(bucket), this.range(0).max)
    }
    return 0
  }
}

function bucketOf(value: number): number {
  if (value < exactBelow) return Math.max(value, 0)
  const power = 31 - Math.clz32(value)
  return exactBelow + (power - 4) * 8 + ((value >>> (power - 3)) & 7)
}

/** The largest value of a bucket. */
function lastOf(bucket: number): number {
  if (bucket < exactBelow) return bucket
  const power = 4 + Math.floor((bucket - exactBelow) / 8)
  const eighth = (bucket - exactBelow) % 8
  return 2 ** power + (eighth + 1) * 2 ** (power - 3) - 1
}

export class Metrics {
  // --- clients
  packetsReceived = 0
  packetsSent = 0
  bytesReceived = 0
  watchBytes = 0
  connectionRequests = 0
  /** connections closed at accept: their address, or all together, had reached the limit */
  connectionsRejected = 0
  /** TLS handshakes that failed, refused certificates among them */
  handshakesFailed = 0
  /** connections that broke, or were closed because of what they sent */
  connectionsDropped = 0
  /** connections closed because they never requested a session */
  sessionlessConnectionsExpired = 0
  /** reconnecting clients validated by the leader */
  revalidations = 0
  /** sessions that this server expired as leader */
  sessionsExpired = 0
  authFailures = 0
  /** requests refused with THROTTLEDOP */
  throttledOps = 0
  /** how often reading from a client was paused because too much of its was in flight */
  requestThrottleWaits = 0
  readonly clientResponseBytes = new Summary()
  /** whole milliseconds from a request's arrival to its answer */
  readonly readLatency = new Distribution()
  readonly updateLatency = new Distribution()

  // --- watches fired by one change
  readonly watchesFired = {
    NodeCreated: new Summary(),
    NodeDeleted: new Summary(),
    NodeDataChanged: new Summary(),
    NodeChildrenChanged: new Summary(),
  } as const

  // --- writes, as this server proposes them while it leads, or gets them
  /** bytes of a transaction */
  readonly proposalBytes = new Summary()
  /** transactions */
  proposalsReceived = 0
  commitsReceived = 0
  /** transactions committed while this server led */
  committed = 0
  /** learners that were sent a DIFF, and the whole tree */
  diffs = 0
  snapshots = 0
  /** whole milliseconds from the proposal of a batch to its acknowledgement by a quorum */
  readonly quorumAckLatency = new Distribution()
  /**
   * whole milliseconds from the proposal, by the leader's clock, to its application, by this
   * server's
   */
  readonly propagationLatency = new Distribution()

  // --- disk, in whole milliseconds
  readonly fsyncTime = new Summary()
  fsyncThresholdExceeded = 0
  /** transactions of one fsync, and how long the first of them waited for the fsync to begin */
  readonly syncBatchSize = new Summary()
  readonly syncQueueTime = new Distribution()
  /** reading tree and log at start */
  readonly loadTime = new Summary()
  /** writing changes of the tree to the disk */
  readonly treeWriteTime = new Summary()

  // --- elections, in whole milliseconds
  looking = 0
  readonly electionTime = new Summary()
  readonly followerSyncTime = new Summary()
  readonly unavailableTime = new Summary()

  /** event-loop lag in whole milliseconds */
  readonly pauseTime = new Distribution()

  answered(read: boolean, latencyMs: number): void {
    const latency = read ? this.readLatency : this.updateLatency
    latency.observe(Math.round(latencyMs))
  }

  /** An answer of this size was sent. */
  replied(bytes: number): void {
    this.packetsSent++
    this.clientResponseBytes.observe(bytes)
  }

  /** A watch event was sent. */
  notified(bytes: number): void {
    this.packetsSent++
    this.watchBytes += bytes
  }

  /** Over all requests. */
  get latency(): { readonly average: number; readonly min: number; readonly max: number } {
    const kinds = [this.readLatency, this.updateLatency].filter(({ count }) => count > 0)
    if (kinds.length === 0) return { average: 0, min: 0, max: 0 }
    const sum = kinds.reduce((total, { sum }) => total + sum, 0)
    const count = kinds.reduce((total, { count }) => total + count, 0)
    return {
      average: sum / count,
      min: Math.min(...kinds.map((kind) => kind.range(0).min)),
      max: Math.max(...kinds.map((kind) => kind.range(0).max)),
    }
  }

  /** Resets everything to its initial state. */
  reset(): void {
    Object.assign(this, new Metrics())
  }
}
