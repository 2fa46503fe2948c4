// The pace of a log's fdatasyncs: the records waiting for the next one, how long each takes, and
// whether an idle log may sync on the main thread, which saves a hop to the thread pool. Pure,
// except for the clock.

/** Syncing on the main thread is safe */
const mainThreadRecordsMax = 2 // when at most this many records wait, so that the server is idle,
const fastSyncMs = 1 // and this many fdatasyncs in a row took less, so that the disk is fast
const fastSyncsMin = 4

/** One fdatasync of the records appended since the previous one began. */
export interface LogSync {
  readonly records: number
  /** how long the first of them waited for it to begin */
  readonly queuedMs: number
  readonly tookMs: number
}

/** A running fdatasync. */
export interface BegunSync {
  readonly records: number
  readonly queuedMs: number
  readonly startMs: number
}

export class SyncPace {
  readonly #nowMs: () => number
  readonly #mainThreadSync: boolean
  #waitingCount = 0 // records appended since the last fdatasync began,
  #waitingSinceMs = 0 // and when the first of them was
  #fastSyncs = 0 // consecutive fdatasyncs that took less than `fastSyncMs`

  constructor({
    nowMs = () => performance.now(),
    mainThreadSync = true,
  }: {
    readonly nowMs?: (() => number) | undefined
    readonly mainThreadSync?: boolean
  }) {
    this.#nowMs = nowMs
    this.#mainThreadSync = mainThreadSync
  }

  /** Whether the next fdatasync may block the main thread. */
  get mayBlock(): boolean {
    if (!this.#mainThreadSync || this.#waitingCount > mainThreadRecordsMax) return false
    return this.#fastSyncs >= fastSyncsMin
  }

  /** Another record waits. */
  appended(): void {
    if (this.#waitingCount === 0) this.#waitingSinceMs = this.#nowMs()
    this.#waitingCount += 1
  }

  /** Starts an fdatasync of all waiting records. */
  begin(): BegunSync {
    const startMs = this.#nowMs()
    const records = this.#waitingCount
    const queuedMs = records === 0 ? 0 : startMs - this.#waitingSinceMs
    this.#waitingCount = 0
    return { records, queuedMs, startMs }
  }

  ended({ records, queuedMs, startMs }: BegunSync): LogSync {
    const tookMs = this.#nowMs() - startMs
    this.#fastSyncs = tookMs < fastSyncMs ? this.#fastSyncs + 1 : 0
    return { records, queuedMs, tookMs }
  }
}
