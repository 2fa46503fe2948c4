// One call of a client method, from its arguments to the outcome of its promise: checks the
// arguments, passes the request to the session, and turns the answer into a result or an error.
//
// A call that is refused here never reaches the session: nothing of it is queued or sent.
// Next on the path: session-driver.ts.

import { limits } from '../../limits.ts'
import { errorCodeOf, errorCodes } from '../../protocol/error-codes.ts'
import type { ReplyBody, Request } from '../../protocol/zk/messages.ts'
import { Misfit } from '../arguments.ts'
import { badArgument } from './arguments.ts'
import { frameBytesOf } from './call.ts'
import { errorFor } from './errors.ts'
import type { PendingCall } from './session-driver.ts'
import type { Watcher } from './watch-registry.ts'

/** A table of arguments.ts. */
interface Takes<Given> {
  readonly name: string
  /** @throws Misfit */
  take(given: readonly unknown[]): Given
}

interface Outgoing<T> {
  /** as the caller gave it, for messages */
  readonly path?: string
  readonly request: Request
  readonly watcher?: Watcher | undefined
  /** Extracts the result from the answer; may throw a ZkError. */
  readonly read: (body: ReplyBody) => T
}

interface CallsOptions {
  /** Begins the session unless it has begun. */
  readonly begin: () => void
  /** Passes a call to the session. */
  readonly step: (call: PendingCall) => void
}

export class Calls {
  readonly #options: CallsOptions

  constructor(options: CallsOptions) {
    this.#options = options
  }

  /** Checks the arguments, then sends the request that `make` builds from them. */
  ask<Given, T>(
    method: Takes<Given>,
    given: readonly unknown[],
    make: (taken: Given) => Outgoing<T>,
  ): Promise<T> {
    return this.take(method, given, (taken) => this.send(make(taken)))
  }

  /** Checks the arguments, then passes them to `call`. */
  take<Given, T>(
    method: Takes<Given>,
    given: readonly unknown[],
    call: (taken: Given) => Promise<T>,
  ): Promise<T> {
    let taken: Given
    try {
      taken = method.take(given)
    } catch (error) {
      const isMisfit = error instanceof Misfit
      return Promise.reject(isMisfit ? badArgument(method.name, given[0], error) : error)
    }
    return call(taken)
  }

  send<T>({ path, request, watcher, read }: Outgoing<T>): Promise<T> {
    const bytes = frameBytesOf(request)
    if (bytes > limits.clientFrameBytesMax) {
      const found = `it takes ${bytes} bytes, at most ${limits.clientFrameBytesMax} are allowed`
      return Promise.reject(errorFor('BADARGUMENTS', request.type, path, found))
    }
    this.#options.begin()
    return new Promise<T>((resolve, reject) => {
      const answered = (body: ReplyBody) => {
        const absent = body.type === 'error' && body.code === errorCodes.NONODE
        if (body.type === 'error' && !(absent && request.type === 'exists')) {
          reject(errorFor(errorCodeOf(body.code), request.type, path))
          return
        }
        try {
          resolve(read(body))
        } catch (error) {
          reject(error)
        }
      }
      const failed: PendingCall['failed'] = (code) => reject(errorFor(code, request.type, path))
      this.#options.step({ request, watcher, answered, failed })
    })
  }
}
