// The prefix that a client puts before all its paths and takes from those it is shown. Pure.

import { ZkError } from '../protocol/error-codes.ts'
import { pathProblem } from '../protocol/path.ts'

export class Chroot {
  readonly #prefix: string

  /** @param prefix '' or a path other than /. @throws ZkError BADARGUMENTS */
  constructor(prefix: string) {
    const problem = prefix === '' ? undefined : pathProblem(prefix)
    if (problem !== undefined) {
      throw new ZkError('BADARGUMENTS', prefix, `Cannot use chroot: ${problem}`)
    }
    this.#prefix = prefix === '/' ? '' : prefix
  }

  toServer(path: string): string {
    return path === '/' && this.#prefix !== '' ? this.#prefix : this.#prefix + path
  }

  /** What stands outside, as /zookeeper/config does, keeps its path. */
  toClient(path: string): string {
    if (!this.covers(path)) return path
    return this.#prefix === '' ? path : path.slice(this.#prefix.length) || '/'
  }

  /** Whether a path of the server's can be shown at all. */
  covers(path: string): boolean {
    return path === this.#prefix || path.startsWith(`${this.#prefix}/`)
  }
}
