// AbortSignals of callers: a call that is aborted rejects with the signal's reason, like Node.js's
// own.

/**
 * The promise's outcome, or the signal's reason if that comes first; then the promise's outcome is
 * dropped.
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const stop = onAbort(signal, reject)
    promise.finally(stop).then(resolve, reject)
  })
}

/**
 * Calls back once with the reason, also if the signal is aborted already.
 *
 * @returns a function after which it does not call back
 */
export function onAbort(signal: AbortSignal, aborted: (reason: unknown) => void): () => void {
  if (signal.aborted) {
    aborted(signal.reason)
    return () => undefined
  }
  const listener = () => aborted(signal.reason)
  signal.addEventListener('abort', listener, { once: true })
  return () => signal.removeEventListener('abort', listener)
}
