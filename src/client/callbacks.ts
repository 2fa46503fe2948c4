// Calls what a program gave to the library: watchers, and listeners of events. What one of them throws
// is the program's own mistake; it must not keep the others, or what the library itself has to do,
// from happening. It is logged, or told as a warning of the process where there is no logger.

import type { EventEmitter } from 'node:events'
import { inspect } from 'node:util'
import type { Logger } from '../logger.ts'

export class Callbacks {
  readonly #logger: Logger | undefined

  /** @param logger the one that the program gave, if it did */
  constructor(logger: Logger | undefined) {
    this.#logger = logger
  }

  /** @param what 'A watcher', for the message */
  call(what: string, run: () => unknown): void {
    try {
      const result = run()
      if (isThenable(result)) result.then(undefined, (error) => this.#failed(what, error))
    } catch (error) {
      this.#failed(what, error)
    }
  }

  /** As `emitter.emit`, but that a listener which throws does not keep later ones from hearing. */
  emit(emitter: EventEmitter, event: string, ...given: readonly unknown[]): void {
    for (const listener of emitter.rawListeners(event)) {
      this.call(`A listener of '${event}'`, () => Reflect.apply(listener, emitter, given))
    }
  }

  #failed(what: string, error: unknown): void {
    const logger = this.#logger
    if (logger !== undefined) logger.error({ err: error }, `${what} failed`)
    else process.emitWarning(`${what} failed: ${inspect(error)}`, 'ZooWeeperWarning')
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && isFunction(value.then)
}

function isFunction(value: unknown): value is () => unknown {
  return typeof value === 'function'
}
