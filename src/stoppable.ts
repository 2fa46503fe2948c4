// Start and stop of a program: its parts in order, once, with a deadline.
//
// Parts start in the order given and stop in reverse. SIGTERM or SIGINT stops; a second one, or the
// deadline, ends the process immediately, which is safe: the log recovers. An uncaught error ends
// it too. A service manager is notified; see systemd-notifier.ts.

import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'
import { RefusedStartError } from './refused-start.ts'

/** The exit codes of all programs. */
export const exitCodes = {
  fine: 0,
  /** something failed while running */
  failure: 1,
  /** invalid flags or configuration, an unusable directory or address: RefusedStartError */
  usage: 2,
} as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

export interface Part {
  readonly name: string
  start(): Promise<void> | void
  /** Called once, and only if `start` succeeded. */
  stop(): Promise<void> | void
  /** The current state, for a service manager. */
  status?(): PartStatus
}

export interface PartStatus {
  /** reported as soon as it changes */
  readonly state: string
  /** reported periodically */
  readonly detail: string
}

export class Stoppable {
  readonly #parts: readonly Part[]
  readonly #logger: Logger
  readonly #running: Part[] = []
  #starting: Promise<void> = Promise.resolve()
  #stopping: Promise<boolean> | undefined

  constructor(parts: readonly Part[], logger: Logger) {
    this.#parts = parts
    this.#logger = logger
  }

  /** If a part fails, or `stop` is called meanwhile, the following parts are not started. */
  start(): Promise<void> {
    this.#starting = this.#startAll()
    return this.#starting
  }

  /**
   * Stops every running part once, even if one fails or this is called again. @returns whether all
   * stopped cleanly
   */
  stop(): Promise<boolean> {
    this.#stopping ??= this.#stopAll()
    return this.#stopping
  }

  async #startAll(): Promise<void> {
    for (const part of this.#parts) {
      if (this.#stopping !== undefined) return
      await part.start()
      this.#running.push(part)
    }
  }

  async #stopAll(): Promise<boolean> {
    // A part is stopped only after it has finished starting.
    await this.#starting.catch(() => undefined)
    let well = true
    for (let part = this.#running.pop(); part !== undefined; part = this.#running.pop()) {
      try {
        await part.stop()
      } catch (error) {
        well = false
        this.#logger.error({ part: part.name, err: error }, 'Could not stop a part')
      }
    }
    return well
  }
}

/** Tells a service manager that the parts have started, or are about to stop. */
export type Notify = (state: 'ready' | 'stopping') => void

/** The process as `runUntilStopped` sees it. */
export interface Host {
  on(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown
  on(event: 'uncaughtException' | 'unhandledRejection', listener: (error: unknown) => void): unknown
  exit(code: ExitCode): void
}

/**
 * Starts the parts, runs until a signal or a failure, stops them, exits.
 *
 * @param onRefused tells the user why the program did not start; nothing else is printed then
 * @returns a function that ends the program: with an error it exits 1, after stopping its parts
 */
export function runUntilStopped(options: {
  readonly parts: readonly Part[]
  readonly logger: Logger
  readonly clock: Clock
  readonly stopDeadlineMs: number
  readonly notify: Notify
  readonly onRefused: (error: RefusedStartError) => void
  readonly host?: Host
}): (error?: unknown) => void {
  const {
    parts,
    logger,
    clock,
    stopDeadlineMs,
    notify,
    onRefused,
    host = process as Host,
  } = options
  const stoppable = new Stoppable(parts, logger)
  let code: ExitCode = exitCodes.fine
  let stopping = false

  const stop = (why: string) => {
    if (stopping) return
    stopping = true
    logger.info({ why }, 'Stopping')
    notify('stopping')
    clock.after(stopDeadlineMs, () => {
      logger.error({ stopDeadlineMs }, 'Could not stop in time: ending the process as it is')
      host.exit(exitCodes.failure)
    })
    void stoppable.stop().then((well) => {
      logger.info({}, 'Stopped')
      host.exit(well ? code : exitCodes.failure)
    })
  }
  const fail = (error: unknown, message: string) => {
    code = exitCodes.failure
    logger.error({ err: error }, message)
  }
  const onSignal = (signal: string) => {
    if (stopping) host.exit(exitCodes.failure)
    else stop(signal)
  }
  host.on('SIGTERM', () => onSignal('SIGTERM'))
  host.on('SIGINT', () => onSignal('SIGINT'))
  // A bug, or a failed disk. State in memory can no longer be trusted, so no orderly stop writes
  // any of it.
  const onFatal = (error: unknown) => {
    fail(error, 'Ending the process: uncaught error')
    host.exit(exitCodes.failure)
  }
  host.on('uncaughtException', onFatal)
  host.on('unhandledRejection', onFatal)

  stoppable.start().then(
    () => {
      if (!stopping) notify('ready')
    },
    (error: unknown) => {
      if (error instanceof RefusedStartError && !stopping) {
        stopping = true
        void stoppable.stop().then(() => {
          onRefused(error)
          host.exit(exitCodes.usage)
        })
        return
      }
      fail(error, 'Could not start')
      stop('could not start')
    },
  )
  return (error) => {
    if (error !== undefined) fail(error, 'Ending the process')
    stop('own decision')
  }
}
