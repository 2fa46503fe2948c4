// Counters that the parts report into; four-letter-words.ts shows them.

/** Least, greatest and mean of what was observed since the start. */
export class Summary {
  #count = 0
  #sum = 0
  #min = Infinity
  #max = 0
  #last = -1

  observe(value: number): void {
    this.#count++
    this.#sum += value
    this.#last = value
    if (value < this.#min) this.#min = value
    if (value > this.#max) this.#max = value
  }

  get count(): number {
    return this.#count
  }

  get average(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count
  }

  /** `none` stands for all of them before the first observation. */
  range(none: number): { readonly last: number; readonly min: number; readonly max: number } {
    if (this.#count === 0) return { last: none, min: none, max: none }
    return { last: this.#last, min: this.#min, max: this.#max }
  }
}

export class Metrics {
  packetsReceived = 0
  packetsSent = 0
  /** connections closed for what they sent */
  protocolErrors = 0
  /** connections closed at accept: their address had its share already */
  connectionsRejected = 0
  connectionRequests = 0
  /** reconnecting clients that the leader was asked about */
  revalidations = 0
  /** sessions that this server, leading, ended because nobody was heard from */
  sessionsExpired = 0
  /** whole milliseconds from a request's arrival to its answer */
  readonly latency = new Summary()
  /** bytes of a transaction, as proposed by this server while it leads */
  readonly proposalBytes = new Summary()

  answered(latencyMs: number): void {
    this.latency.observe(Math.round(latencyMs))
  }
}
