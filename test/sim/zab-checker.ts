// Zab's properties, asserted while the world runs. Names as in ZooKeeper's TLA+ specifications; the
// numbers are those of our list of invariants in docs/correctness.md.

import type { Epochs } from '../../src/daemon/zab/types.ts'
import { invariant } from '../../src/invariant.ts'
import type { ServerId } from '../../src/protocol/records.ts'
import { epochOf, type Zxid } from '../../src/protocol/zxid.ts'
import type { LogRecord } from './zab-world.ts'

/** The durable log of a server, and the one that its disk held before it was lost. */
interface Copies {
  readonly log: readonly LogRecord[]
  readonly lost: readonly LogRecord[]
}

export class ZabChecker {
  /** Every transaction delivered anywhere, in order: what all servers must agree on. */
  readonly committed: LogRecord[] = []
  readonly #indexOf = new Map<Zxid, number>()
  readonly #proposed = new Map<Zxid, string>()
  readonly #leaders = new Map<number, ServerId>()
  readonly #deliveredBy = new Map<ServerId, number>()
  establishedCount = 0

  proposed(record: LogRecord): void {
    invariant(!this.#proposed.has(record.zxid), 'one zxid names one transaction, for ever')
    this.#proposed.set(record.zxid, record.payload)
  }

  /** `disks` are those of all servers, running or not. */
  delivered(server: ServerId, record: LogRecord, disks: readonly Copies[]): void {
    invariant(this.#proposed.get(record.zxid) === record.payload, 'what is delivered was proposed')
    const index = this.#indexOf.get(record.zxid)
    if (index === undefined) {
      const last = this.committed.at(-1)
      invariant(last === undefined || last.zxid < record.zxid, 'deliveries are in order of zxid')
      const copies = disks.filter(
        ({ log, lost }) => holds(log, record) || holds(lost, record),
      ).length
      invariant(copies > disks.length / 2, 'what is committed is on the disks of a quorum')
      this.#indexOf.set(record.zxid, this.committed.push(record) - 1)
      this.#deliveredBy.set(server, this.committed.length - 1)
      return
    }
    // A restarted server delivers again from where its tree was; never with anything left out.
    const before = this.#deliveredBy.get(server)
    invariant(
      before === undefined || index <= before + 1,
      'a server delivers a prefix of what all deliver',
    )
    this.#deliveredBy.set(server, index)
  }

  established(leader: ServerId, epoch: number, history: readonly LogRecord[]): void {
    const other = this.#leaders.get(epoch)
    invariant(other === undefined || other === leader, 'an epoch has one established leader')
    this.#leaders.set(epoch, leader)
    this.establishedCount++
    const held = new Map(history.map((record) => [record.zxid, record.payload]))
    for (const { zxid, payload } of this.committed) {
      // A later epoch may be at work already if the acks of this one were held up: it commits no more.
      if (epochOf(zxid) >= epoch) break
      invariant(held.get(zxid) === payload, 'a new leader holds all that was committed')
    }
  }

  epochsSaved(before: Epochs, after: Epochs): void {
    invariant(after.acceptedEpoch >= before.acceptedEpoch, 'acceptedEpoch never decreases on disk')
    invariant(after.currentEpoch >= before.currentEpoch, 'currentEpoch never decreases on disk')
  }
}

function holds(log: readonly LogRecord[], wanted: LogRecord): boolean {
  for (let i = log.length - 1; i >= 0; i--) {
    const record = log[i]
    if (record === undefined || record.zxid < wanted.zxid) return false
    if (record.zxid === wanted.zxid) return record.payload === wanted.payload
  }
  return false
}
