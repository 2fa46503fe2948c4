// The signals that ask a program of ours to stop: Ctrl-C, a service manager, a terminal that closes.

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
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(name, () => {
        const nowMs = performance.now()
        if (nowMs > firstMs + sameSignalMs) resolve()
        firstMs = Math.min(firstMs, nowMs)
        controller.abort(new Error(`${name} came`))
      })
    }
  })
  return { signal: controller.signal, again }
}
