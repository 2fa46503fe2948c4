// The prefix that a client adds to all its paths and removes from those in answers. Pure.

import { ZkError } from '../../protocol/error-codes.ts'
import { pathProblem } from '../../protocol/path.ts'
import type { Acl } from '../../protocol/records.ts'
import type { WriteOp } from '../../protocol/zk/messages.ts'

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

  /** The server's paths that have to exist: its parents from the root on, and the chroot itself. */
  get ancestry(): readonly string[] {
    const names = this.#prefix.split('/').slice(1)
    return names.map((_, i) => `/${names.slice(0, i + 1).join('/')}`)
  }

  toServer(path: string): string {
    return path === '/' && this.#prefix !== '' ? this.#prefix : this.#prefix + path
  }

  /** A path outside the chroot, such as /zookeeper/config, is unchanged. */
  toClient(path: string): string {
    if (!this.covers(path)) return path
    return this.#prefix === '' ? path : path.slice(this.#prefix.length) || '/'
  }

  /**
   * A part of a multi, with the server's path: a copy.
   *
   * @param defaultAcl for creates without an ACL
   */
  writeOpToServer(op: WriteOp, defaultAcl?: readonly Acl[]): WriteOp {
    const path = this.toServer(op.path)
    switch (op.type) {
      case 'create': {
        const { type, data, mode, acl = defaultAcl, ttlMs } = op
        return { type, path, data, mode, acl, ttlMs }
      }
      case 'setData': {
        const { type, data, version } = op
        return { type, path, data, version }
      }
      case 'delete':
      case 'check':
        return { type: op.type, path, version: op.version }
    }
  }

  /** Whether a path of the server is inside the chroot. */
  covers(path: string): boolean {
    return path === this.#prefix || path.startsWith(`${this.#prefix}/`)
  }
}
