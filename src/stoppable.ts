// Start and stop of a program: its parts in order, once, with a deadline.
//
// Parts start in the order given and stop in reverse. SIGTERM or SIGINT stops; a second one, or the
// deadline, ends the process at once, which is safe: the log recovers. What nobody caught ends it
// too. A service manager is told; see systemd.ts.

import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'
import { RefusedStartError } from './refused-start.ts'

/** What our programs end with. */
export const exitCodes = {
  fine: 0,
  /** something failed while running */
  failure: 1,
  /** bad flags or configuration, a place or an address that cannot be used: RefusedStartError */
  usage: 2,
} as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

export interface Part {
  readonly name: string
  start(): Promise<void> | void
  /** Called once, and only when `start` succeeded. */
  stop(): Promise<void> | void
  /** What it does at the moment, for a service manager. */
  status?(): PartStatus
}

export interface PartStatus {
  /** told as soon as it changes */
  readonly state: string
  /** told now and then */
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

  /** If a part fails, or `stop` is called meanwhile, the parts after it are not started. */
  start(): Promise<void> {
    this.#starting = this.#startAll()
    return this.#starting
  }

  /** Every running part once, even when one fails or this is called again; whether all stopped well. */
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
    // A part is stopped when it has finished starting, or not at all.
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

/** Tells a service manager that the parts have started, or that they will stop. */
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
 * @param onRefused tells the user why the program did not start; nothing else is said then
 * @returns a way for the program to end itself: with an error it exits 1, after stopping its parts
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
  // Our own mistake, or a disk that failed. State in memory can no longer be trusted, so nothing of
  // it is written by an orderly stop.
  const onFatal = (error: unknown) => {
    fail(error, 'Ending the process: an error that nobody handles')
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
