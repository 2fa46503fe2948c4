// How far one replica is, for what waits for that: produce requests for their acks, consumers'
// fetches for records, requests that delete records, and the sessions that replicate it.
//
//   the core's offsets move ─▶ watermarks: operations that wait for them end ─▶ watches are told
//
// replica.ts owns it. Next on the path: purgatory.ts.

import type { Offset } from '../../protocol/mq/record-batch.ts'
import type { Partition } from '../partition/partition.ts'
import { type Operation, Watermark } from './purgatory.ts'

/** Told what happens to a replica: by a leader's, its followers learn; by a follower's, its leader. */
export interface ReplicaWatch {
  /** Records were appended; as leader, within this turn, before they are written. */
  appended(): void
  /** The durable end, the high watermark or the log start has moved. */
  moved(): void
  /** The partition has other replicas. */
  replicasChanged(): void
  /** It leads or follows no longer, or in another leader epoch. */
  roleEnded(): void
}

export class Progress {
  readonly #core: Partition
  readonly #watches = new Set<ReplicaWatch>()
  /** durable end and high watermark, for operations that end with the replica's role */
  readonly durable = new Watermark()
  readonly committed = new Watermark()
  /** the smallest log start of the logs in sync, for requests that delete records */
  readonly low = new Watermark()
  /** the high watermark again, for consumers' fetches, which outlive a change of role */
  readonly #readable = new Watermark()
  /** as watches know it */
  #logStartSeen: Offset = 0

  constructor(core: Partition) {
    this.#core = core
  }

  /** @returns ends the watch */
  watch(watch: ReplicaWatch): () => void {
    this.#watches.add(watch)
    return () => this.#watches.delete(watch)
  }

  waitForRecords(operation: Operation, offset: Offset): void {
    operation.waitFor(this.#readable, offset + 1)
  }

  /** Calls the operation off when the replica's role, or its leader epoch, ends. */
  waitForRoleEnd(operation: Operation): void {
    operation.waitFor(this.committed, Number.POSITIVE_INFINITY)
  }

  appended(): void {
    for (const watch of this.#watches) watch.appended()
  }

  replicasChanged(): void {
    for (const watch of this.#watches) watch.replicasChanged()
  }

  /** Passes the core's offsets on. */
  moved(): void {
    const { logStart, durableEnd, highWatermark } = this.#core
    const haveMoved =
      durableEnd !== this.durable.value ||
      highWatermark !== this.committed.value ||
      logStart !== this.#logStartSeen
    this.#logStartSeen = logStart
    this.low.move(this.#core.lowWatermark ?? 0)
    this.durable.move(durableEnd)
    this.committed.move(highWatermark)
    this.#readable.move(highWatermark)
    if (haveMoved) for (const watch of this.#watches) watch.moved()
  }

  roleEnded(): void {
    for (const watermark of [this.durable, this.committed, this.low]) watermark.callOff()
    for (const watch of this.#watches) watch.roleEnded()
  }

  /** The replica is closed: consumers' fetches wait no longer. */
  close(): void {
    this.#readable.callOff()
  }
}
