// What this broker reports of its replicas: those that cannot be used, and the logs of partitions that
// have no leader, or one that a replica here cannot follow. The controller elects by them.
//
// replica-manager.ts owns it. Next on the path: session/replica-reports.ts.

import type { ReplicaReport } from '../cluster/replica-status.ts'
import type { Checkpoint } from '../partition/checkpoint.ts'
import { directoryName } from '../partition/partition-directory.ts'
import type { Replica } from './replica.ts'
import type { UnavailableReplicas } from './unavailable-replicas.ts'

interface StatusReportsOptions {
  readonly unavailable: UnavailableReplicas
  readonly checkpoint: Checkpoint
  /** Replaces all reports on this broker's replicas. */
  readonly report: (reports: readonly ReplicaReport[]) => void
}

export class StatusReports {
  readonly #options: StatusReportsOptions
  /** replicas whose partition has no leader, or one that they cannot follow */
  readonly #toReport = new Set<Replica>()
  #hasReported = false // since the last tick
  /** a report is due as soon as its log is durable */
  #isDue = false

  constructor(options: StatusReportsOptions) {
    this.#options = options
  }

  /** The replica's log may have to be reported. */
  note(replica: Replica): void {
    this.#toReport.add(replica)
  }

  closed(replica: Replica): void {
    this.#toReport.delete(replica)
  }

  /** At most once per tick: a report names every replica that has one. */
  report(): void {
    if (this.#hasReported) this.#isDue = true
    else {
      this.#hasReported = true
      this.#options.report(this.current())
    }
  }

  /**
   * Reports on the replicas that cannot be used, and on the logs of partitions without a leader.
   */
  current(): readonly ReplicaReport[] {
    this.#isDue = false
    const reports: ReplicaReport[] = []
    for (const [key, unavailable] of this.#options.unavailable.all) {
      const { topic, topicId, partition, reason, isDamaged } = unavailable
      const { lastEpoch, highWatermark } = this.#options.checkpoint.get(key)
      const type = isDamaged ? 'damaged' : 'unavailable'
      const status = { type, reason, lastEpoch, highWatermark } as const
      reports.push({ topic, topicId, partition, status })
    }
    for (const replica of this.#toReport) {
      if (!replica.isToReport) {
        this.#toReport.delete(replica)
        continue
      }
      if (this.#options.unavailable.all.has(directoryName(replica))) continue
      const { topic, topicId, partition, status } = replica
      if (status === undefined) this.#isDue = true
      else reports.push({ topic, topicId, partition, status })
    }
    return reports
  }

  tick(): void {
    this.#hasReported = false
  }

  /** Reports what the last report had to leave out. */
  reportIfDue(): void {
    if (this.#isDue) this.report()
  }
}
