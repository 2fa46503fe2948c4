// This broker's reports on its replicas, as ephemeral znodes of its session: the faults of those
// that it cannot use, and the logs of those whose partition has no leader. The controller elects by
// them (cluster/replica-status.ts). Each replica has a znode of its own, because a znode's size is
// bounded and replicas change one by one.
//
// A report holds for the life in which it was made: it counts only while the broker's registration
// and the report belong to the same session. A new session writes its reports before it registers,
// so the controller never sees a broker without them.
//
// Level-triggered: `report` sets the wanted content, and writes are repeated until it is in place.

import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import { encodeReport, type ReplicaReport } from '../cluster/replica-status.ts'
import type { ZkAccess } from '../cluster/zk-access.ts'
import { zkPaths } from '../cluster/zk-paths.ts'

/** Delay after a failed write. */
const retryMs = 200

interface ReplicaReportsOptions {
  readonly self: BrokerId
  readonly zk: ZkAccess
  readonly clock: Clock
  readonly log: Logger
}

/** For one session. */
export class ReplicaReports {
  readonly #options: ReplicaReportsOptions
  /** text by path: the wanted content, and the content that was written */
  #wanted: ReadonlyMap<string, string> = new Map()
  readonly #written = new Map<string, string>()
  #state: 'not begun' | 'idle' | 'busy' | 'stopped' = 'not begun'
  #isAskedAgain = false
  #cancelRetry: (() => void) | undefined

  constructor(options: ReplicaReportsOptions) {
    this.#options = options
  }

  /** Resolves when these first reports have been written. @throws ZkError */
  async begin(reports: readonly ReplicaReport[]): Promise<void> {
    this.#want(reports)
    await this.#writeAll()
    if (this.#state !== 'not begun') return
    this.#state = 'idle'
    if (this.#isAskedAgain) void this.#run()
  }

  /** Replaces all reports. */
  report(reports: readonly ReplicaReport[]): void {
    this.#want(reports)
    this.#writeSoon()
  }

  stop(): void {
    this.#state = 'stopped'
    this.#cancelRetry?.()
  }

  #want(reports: readonly ReplicaReport[]): void {
    const { self } = this.#options
    this.#wanted = new Map(
      reports.map((report) => [zkPaths.report({ ...report, broker: self }), encodeReport(report)]),
    )
  }

  #writeSoon(): void {
    this.#isAskedAgain = true
    if (this.#state === 'idle') void this.#run()
  }

  async #run(): Promise<void> {
    const { log, clock } = this.#options
    this.#state = 'busy'
    try {
      while (this.#isAskedAgain && !this.#isStopped) {
        this.#isAskedAgain = false
        await this.#writeAll()
      }
    } catch (error) {
      if (this.#isStopped) return
      log.warn({ err: (error as Error).message }, 'Could not report on replicas')
      this.#cancelRetry?.()
      this.#cancelRetry = clock.after(retryMs, () => this.#writeSoon())
    }
    if (!this.#isStopped) this.#state = 'idle'
  }

  get #isStopped(): boolean {
    return this.#state === 'stopped'
  }

  /** @throws ZkError; it is then unknown which writes succeeded, and the next call repeats them */
  async #writeAll(): Promise<void> {
    const wanted = this.#wanted
    const gone = [...this.#written.keys()].filter((path) => !wanted.has(path))
    const changed = [...wanted].filter(([path, text]) => this.#written.get(path) !== text)
    const ended = await Promise.allSettled([
      ...gone.map((path) => this.#remove(path)),
      ...changed.map(([path, text]) => this.#put(path, text)),
    ])
    for (const each of ended) if (each.status === 'rejected') throw each.reason
  }

  async #remove(path: string): Promise<void> {
    await this.#options.zk.delete(path).catch((error: unknown) => ignore(error, 'NONODE'))
    this.#written.delete(path)
  }

  async #put(path: string, text: string): Promise<void> {
    this.#written.set(path, '') // from here on the znode may exist
    await this.#write(path, text)
    this.#written.set(path, text)
  }

  async #write(path: string, text: string): Promise<void> {
    const { zk } = this.#options
    for (;;) {
      try {
        await zk.create(path, text, { mode: 'ephemeral' })
        return
      } catch (error) {
        ignore(error, 'NODEEXISTS')
      }
      const stat = await zk.exists(path)
      if (stat === undefined) continue
      if (stat.ephemeralOwner === zk.sessionId) {
        await zk.setData(path, text)
        return
      }
      // Made by hand, or by an ending session of this broker: it does not belong to this life.
      await zk.delete(path, stat.version).catch((error: unknown) => ignore(error, 'NONODE'))
    }
  }
}

function ignore(error: unknown, code: ZkError['code']): void {
  if (!(error instanceof ZkError) || error.code !== code) throw error
}
