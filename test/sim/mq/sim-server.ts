// One ZooWeeper server in a life of brokers: the whole program. The partitions and groups in its
// tree are shown as soon as the first server has them.

import { readConfig } from '../../../src/daemon/config.ts'
import type { EnsembleListener } from '../../../src/daemon/ensemble/ensemble.ts'
import { assembleServer, type ServerParts } from '../../../src/daemon/server.ts'
import type { ZTree } from '../../../src/daemon/ztree/ztree.ts'
import { invariant } from '../../../src/invariant.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'
import { DiskFault } from '../disk.ts'
import { Host, type HostParts } from './host.ts'

export const clientPort = 2181
const tickMs = 250

export interface SimServerOptions {
  readonly ids: readonly number[]
  /** A transaction was applied here. */
  readonly applied: (zxid: Zxid, tree: ZTree) => void
}

export class SimServer extends Host {
  readonly id: number
  readonly #options: SimServerOptions
  #running: ServerParts | undefined
  /** its disk is that of the first ensemble; a later one learns everything from the others */
  #isFounder = true
  /** it has held all of an epoch's history since its disk was new, and so counts in majorities */
  isCounted = false

  constructor(id: number, parts: HostParts, options: SimServerOptions) {
    super(`s${id}`, parts)
    this.id = id
    this.#options = options
  }

  get tree(): ZTree | undefined {
    return this.process === undefined ? undefined : this.#running?.storage.tree
  }

  /** Up to where its log is durable; undefined while it is down. */
  get logged(): Zxid | undefined {
    return this.process === undefined ? undefined : this.#running?.storage.log.durableZxid
  }

  wipe(): void {
    this.end({ power: true })
    this.disk.heal()
    this.disk.wipe()
    this.#isFounder = false
    this.isCounted = false
  }

  start(): void {
    if (this.process !== undefined) return
    const { process, world } = this.makeWorld()
    this.#running = undefined
    const failed = (error: unknown): void => {
      if (!process.alive) return
      if (!isByDisk(error)) return this.parts.fail(error as Error)
      this.parts.cover('server disk fault')
      this.end({ power: false })
    }
    const server = assembleServer({
      config: this.#config(),
      world,
      onFailure: failed,
      witness: {
        opened: (running) => {
          this.#running = running
        },
        logged: () => undefined,
        between: (processors) => this.#between(processors),
      },
    })
    server.start().catch(failed)
  }

  #config() {
    const { ids } = this.#options
    const { id } = this
    const read = readConfig(
      [
        ...['--data-dir=/data', `--myid=${id}`, `--tick-time=${tickMs}`],
        `--bootstrap=${this.#isFounder}`,
        ...[`--client-port=${clientPort}`, `--client-port-address=${this.name}`],
        ...ids.map((peer) => `--server.${peer}=s${peer}:1:1`),
        '--max-client-cnxns=1000',
      ],
      {},
    )
    invariant(read.type === 'config', 'these flags are a configuration')
    return { ...read.config, logSegmentBytes: 16_384 }
  }

  #between(processors: EnsembleListener): EnsembleListener {
    return {
      deliver: (zxid, payload) => {
        processors.deliver(zxid, payload)
        const { tree } = this
        if (tree !== undefined) this.#options.applied(zxid, tree)
      },
      roleChanged: (role) => {
        if (role.type !== 'looking') this.isCounted = true
        processors.roleChanged(role)
      },
      fromLearner: (learner, message) => processors.fromLearner(learner, message),
      fromLeader: (message) => processors.fromLeader(message),
      activate: () => processors.activate(),
      resumed: () => processors.resumed(),
    }
  }
}

export function isByDisk(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof DiskFault) return true
  }
  return false
}
