// What this broker reports on its replicas, as ephemeral znodes of its session: which of them it
// cannot use, and why; and what lies in the logs of those that no leader is in office for. The
// controller elects by it (cluster/replica-status.ts). One path per replica: a znode's size is bounded,
// and replicas change one by one.
//
// A report holds for the life in which it was made: it counts only while the broker's registration
// and the report belong to one session. Those of a new session are written before it registers, so
// the controller never sees a broker without them.
//
// Level-triggered: `report` says what should be there, and it is written until it is.

import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import { encodeReport, type ReplicaReport } from '../cluster/replica-status.ts'
import type { ZkAccess } from '../cluster/zk-access.ts'
import { zkPaths } from '../cluster/zk-paths.ts'

/** After a write that failed. */
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
  /** text by path: what should be there, and what is */
  #wanted: ReadonlyMap<string, string> = new Map()
  readonly #written = new Map<string, string>()
  #state: 'not begun' | 'idle' | 'busy' | 'stopped' = 'not begun'
  #isAskedAgain = false
  #cancelRetry: (() => void) | undefined

  constructor(options: ReplicaReportsOptions) {
    this.#options = options
  }

  /** Resolves when the first reports are written. @throws ZkError */
  async begin(reports: readonly ReplicaReport[]): Promise<void> {
    this.#want(reports)
    await this.#writeAll()
    if (this.#state !== 'not begun') return
    this.#state = 'idle'
    if (this.#isAskedAgain) void this.#run()
  }

  /** Replaces the reports by these. */
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

  /** @throws ZkError; then what was written is not known in full, and the next call finds out */
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
    this.#written.set(path, '') // from here on something of it may be there
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
      // Made by hand, or by a session of this broker that is ending: it says nothing of this life.
      await zk.delete(path, stat.version).catch((error: unknown) => ignore(error, 'NONODE'))
    }
  }
}

function ignore(error: unknown, code: ZkError['code']): void {
  if (!(error instanceof ZkError) || error.code !== code) throw error
}
