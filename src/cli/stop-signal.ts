// The signals that ask a program of ours to stop: Ctrl-C, a service manager, a terminal that closes.

import { constants } from 'node:os'

type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** What a stop signal aborts with. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError'
  /** as a shell reports a process that a signal ended: 130 for Ctrl-C */
  readonly exitCode: number

  constructor(signal: StopSignal) {
    super(`Stopped by ${signal}`)
    this.exitCode = 128 + constants.signals[signal]
  }
}

/** One Ctrl-C may come twice: from the terminal, and from npm, which had it from the terminal. */
const sameSignalMs = 500

/**
 * `signal` is aborted by the first signal that asks a program to stop; `again` is for those who are
 * asked a second time, and should not take as long.
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
