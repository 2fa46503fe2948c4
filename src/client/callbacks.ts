// Calls the program's own functions: watchers, and listeners of events. An error they throw is the
// program's own; it must not stop the other functions or the library's work. It is logged, or
// emitted as a process warning if there is no logger.

import type { EventEmitter } from 'node:events'
import { inspect } from 'node:util'
import type { Logger } from '../logger.ts'

export class Callbacks {
  readonly #logger: Logger | undefined

  /** @param logger the program's, if it gave one */
  constructor(logger: Logger | undefined) {
    this.#logger = logger
  }

  /** @param what for the message: 'A watcher' */
  call(what: string, run: () => unknown): void {
    try {
      const result = run()
      if (isThenable(result)) result.then(undefined, (error) => this.#failed(what, error))
    } catch (error) {
      this.#failed(what, error)
    }
  }

  /** Like `call`, and waits for the outcome. */
  async settled(what: string, run: () => unknown): Promise<void> {
    try {
      await run()
    } catch (error) {
      this.#failed(what, error)
    }
  }

  /** Like `emitter.emit`, except that a throwing listener does not stop later ones. */
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
