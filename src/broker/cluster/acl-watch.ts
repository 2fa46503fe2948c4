// Keeps the access rules up to date from their znodes, for one session. It reads all of them once, sets a
// persistent-recursive watch on their trees, reads again what an event names, and after a reconnect reads
// everything again. A broker registers only after the first reading: it admits no client before.

import type { Logger } from '../../logger.ts'
import {
  type AclPattern,
  aclParents,
  aclPath,
  aclTrees,
  decodeEntries,
  patternOf,
} from '../../protocol/mq/acls.ts'
import type { WatchEvent } from '../../protocol/zk/messages.ts'
import type { Turn } from '../../turn.ts'
import type { ClusterAcls } from './cluster-acls.ts'
import type { ZkAccess } from './zk-access.ts'
import { ZnodeReads } from './znode-reads.ts'

interface AclWatchOptions {
  readonly zk: ZkAccess
  readonly acls: ClusterAcls
  readonly turn: Turn
  readonly log: Logger
}

export class AclWatch {
  readonly #options: AclWatchOptions
  readonly #reads: ZnodeReads
  #isStopped = false
  readonly #onEvent = ({ path }: WatchEvent) => this.#detached(this.#read(path))
  readonly #onConnected = () => this.#detached(this.#readAll())

  constructor(options: AclWatchOptions) {
    this.#options = options
    this.#reads = new ZnodeReads(options)
  }

  /** Resolves when all rules are known. @throws ZkError */
  async start(): Promise<void> {
    const { zk } = this.#options
    for (const tree of aclTrees) await zk.addWatch(tree, 'persistentRecursive', this.#onEvent)
    zk.on('connected', this.#onConnected)
    await this.#readAll()
  }

  stop(): void {
    this.#isStopped = true
    this.#options.zk.off('connected', this.#onConnected)
  }

  /** Reads the rules of a pattern again. Reflects every write of this session made before this call. */
  async read(pattern: AclPattern): Promise<void> {
    await this.#read(aclPath(pattern))
  }

  /** What is listed, and what is known and was not: it may be gone. */
  async #readAll(): Promise<void> {
    const { zk, acls } = this.#options
    const listed = await Promise.all(
      aclParents.map(async (parent) => {
        const { children } = await zk.getChildren(parent)
        return children.map((name) => `${parent}/${name}`)
      }),
    )
    const paths = new Set([...listed.flat(), ...acls.paths()])
    await Promise.all([...paths].map((path) => this.#read(path)))
  }

  async #read(path: string): Promise<void> {
    const pattern = patternOf(path)
    // Another spelling of a pattern's path is none of its.
    if (pattern === undefined || aclPath(pattern) !== path) return
    const { acls, log } = this.#options
    const found = await this.#reads.read(path)
    const entries = found === undefined ? [] : decodeEntries(found.data)
    if (entries === undefined) {
      log.error({ path }, 'Access rules cannot be read: what they are about is refused')
    }
    acls.set(pattern, entries)
  }

  /** A read fails only with its session or its connection, after which everything is read again. */
  #detached(reading: Promise<void>): void {
    reading.catch((error: Error) => {
      if (!this.#isStopped) this.#options.log.debug({ err: error.message }, 'Could not read rules')
    })
  }
}
