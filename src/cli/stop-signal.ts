// The signals that stop a program: Ctrl-C, a service manager, a closing terminal.

import { constants } from 'node:os'

type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** The reason of an abort by a stop signal. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError'
  /** like a shell's exit code for a process ended by a signal: 130 for Ctrl-C */
  readonly exitCode: number

  constructor(signal: StopSignal) {
    super(`Stopped by ${signal}`)
    this.exitCode = 128 + constants.signals[signal]
  }
}

/** One Ctrl-C may arrive twice: from the terminal, and from npm, which also received it. */
const sameSignalMs = 500

/**
 * `signal` is aborted by the first stop signal; `again` resolves at a later one, which should
 * shorten the stop.
 */
export function stopSignal(): { readonly signal: AbortSignal; readonly again: Promise<void> } {
  const controller = new AbortController()
  let firstMs = Number.POSITIVE_INFINITY
  const again = new Promise<void>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const satisfies readonly StopSignal[]) {
      process.on(name, () => {
        const nowMs = performance.now()
        if (nowMs > firstMs + sameSignalMs) resolve()
        firstMs = Math.min(firstMs, nowMs)
        controller.abort(new StoppedError(name))
      })
    }
  })
  return { signal: controller.signal, again }
}
