// The sessions of a broker, one after another: when one expires, the broker gives up all leadership
// and begins another, until it is stopped.

import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import { DataDirError } from '../data-dir.ts'
import type { BrokerSession } from './session.ts'

/** Delay between attempts to begin a session. */
const retryMs = 200

interface SessionsOptions {
  /** Makes a session that is not open yet; undefined if the broker is stopping. */
  readonly make: (onExpired: () => void) => BrokerSession | undefined
  /** The broker leads nothing from now on. */
  readonly resign: () => void
  /** The data directory does not belong to the cluster: no session can begin. */
  readonly onFailure: (error: DataDirError) => void
  readonly clock: Clock
  readonly log: Logger
}

export class BrokerSessions {
  readonly #options: SessionsOptions
  #current: BrokerSession | undefined
  #isOpening = false
  #isClosed = false

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  /** The last session that was begun; it may not be open yet, or over. */
  get current(): BrokerSession | undefined {
    return this.#current
  }

  /** The last session, if the broker is registered in it. */
  get registered(): BrokerSession | undefined {
    return this.#current?.membership === undefined ? undefined : this.#current
  }

  /** Opens the first session. @throws as `Broker.start` */
  async open(): Promise<void> {
    try {
      await this.#open()
    } catch (error) {
      if (!(error instanceof ZkError) || error.code !== 'SESSIONEXPIRED') throw error
      await this.#current?.close()
      await this.#reopen()
      if (this.#isClosed) throw error
    }
  }

  /** No other session begins after this call, which leaves the current one open. */
  stop(): void {
    this.#isClosed = true
  }

  /** Ends the current session. */
  async close(): Promise<void> {
    this.stop()
    await this.#current?.close()
  }

  /** @throws as `Broker.start` */
  async #open(): Promise<void> {
    const session = this.#options.make(() => this.#expired(session))
    if (session === undefined) return
    this.#current = session
    this.#isOpening = true
    try {
      await session.open()
    } finally {
      this.#isOpening = false
    }
    if (session.membership !== undefined) return
    throw new ZkError('SESSIONEXPIRED', undefined, 'Cannot use the session: it has ended already')
  }

  /** Other brokers lead our partitions now, or soon will. */
  #expired(session: BrokerSession | undefined): void {
    if (session !== this.#current) return
    const { log, resign } = this.#options
    resign()
    if (this.#isClosed) return // while the broker hands its partitions over
    log.warn({}, 'The session expired: gave up all leadership, and registering again')
    // If the session was still being opened, `#open` fails and its caller tries again.
    if (!this.#isOpening) void this.#reopen()
  }

  async #reopen(): Promise<void> {
    const { clock, log, resign, onFailure } = this.#options
    while (!this.#isClosed) {
      try {
        await this.#open()
        return
      } catch (error) {
        // After a failure past registration we may be leading: others take over once it is closed.
        resign()
        await this.#current?.close()
        if (error instanceof DataDirError) {
          onFailure(error)
          return
        }
        log.warn({ err: (error as Error).message }, 'Could not begin a session: trying again')
        await new Promise<void>((resolve) => clock.after(retryMs, resolve))
      }
    }
  }
}
