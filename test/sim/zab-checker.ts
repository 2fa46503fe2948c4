// Zab's properties, asserted while the world runs. Names as in ZooKeeper's TLA+ specifications.

import type { Epochs, ZabRole } from '../../src/daemon/zab/types.ts'
import { invariant } from '../../src/invariant.ts'
import type { ServerId } from '../../src/protocol/records.ts'
import { epochOf, type Zxid } from '../../src/protocol/zxid.ts'
import type { LogRecord } from './zab-world.ts'

export class ZabChecker {
  /** Every transaction delivered anywhere, in order: what all servers must agree on. */
  readonly committed: LogRecord[] = []
  readonly #indexOf = new Map<Zxid, number>()
  readonly #proposed = new Map<Zxid, string>()
  readonly #leaders = new Map<number, ServerId>()
  readonly #chosen = new Map<number, ServerId>()
  readonly #deliveredBy = new Map<ServerId, number>()
  /** newest epoch that a quorum promised itself to */
  chosenEpoch = 0
  establishedCount = 0
  establishedEpoch = 0

  proposed(record: LogRecord): void {
    invariant(!this.#proposed.has(record.zxid), 'one zxid names one transaction, for ever')
    this.#proposed.set(record.zxid, record.payload)
  }

  /** `own` is the server's durable log, `disks` are those of all servers, running or not. */
  delivered(
    server: ServerId,
    record: LogRecord,
    own: readonly LogRecord[],
    disks: readonly (readonly LogRecord[])[],
  ): void {
    invariant(this.#proposed.get(record.zxid) === record.payload, 'what is delivered was proposed')
    invariant(holds(own, record), 'what is delivered is on the own disk')
    const index = this.#indexOf.get(record.zxid)
    if (index === undefined) {
      const last = this.committed.at(-1)
      invariant(last === undefined || last.zxid < record.zxid, 'deliveries are in order of zxid')
      invariant(isOnQuorum(record, disks), 'what is committed is on the disks of a quorum')
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

  /** A server lost all it had, and begins again. */
  wiped(server: ServerId): void {
    this.#deliveredBy.delete(server)
  }

  /** A server took over a leader's tree, which shows `records`. */
  installed(server: ServerId, records: readonly LogRecord[]): void {
    for (const [i, { zxid, payload }] of records.entries()) {
      const committed = this.committed[i]
      invariant(
        committed?.zxid === zxid && committed.payload === payload,
        'a tree shows what is committed, from the beginning on',
      )
    }
    this.#deliveredBy.set(server, records.length - 1)
  }

  /** A leader says that everything up to `zxid` is committed; `log` is its own. */
  announced(zxid: Zxid, log: readonly LogRecord[], disks: readonly (readonly LogRecord[])[]): void {
    if (zxid <= (this.committed.at(-1)?.zxid ?? 0)) return
    const record = log.findLast((each) => each.zxid === zxid)
    invariant(record !== undefined, 'a leader commits what it holds')
    invariant(isOnQuorum(record, disks), 'what is committed is on the disks of a quorum')
  }

  /** A server has a quorum's promise for an epoch and is about to lead it. */
  chosen(leader: ServerId, epoch: number): void {
    const other = this.#chosen.get(epoch)
    invariant(other === undefined || other === leader, 'a quorum promises an epoch to one leader')
    this.#chosen.set(epoch, leader)
    if (epoch > this.chosenEpoch) this.chosenEpoch = epoch
  }

  /** A leader answered for what was true when it was asked. */
  confirmed(
    role: ZabRole,
    asked: {
      readonly establishedEpoch: number
      readonly committed: Zxid
      readonly lastZxid: Zxid
    },
  ): void {
    invariant(role.type === 'leading', 'a leader confirms that it leads')
    invariant(role.epoch >= asked.establishedEpoch, 'a deposed leader confirms nothing')
    invariant(asked.lastZxid >= asked.committed, 'a leader that is confirmed had all there was')
  }

  established(leader: ServerId, epoch: number, history: readonly LogRecord[]): void {
    const other = this.#leaders.get(epoch)
    invariant(other === undefined || other === leader, 'an epoch has one established leader')
    this.#leaders.set(epoch, leader)
    this.establishedCount++
    if (epoch > this.establishedEpoch) this.establishedEpoch = epoch
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

function isOnQuorum(record: LogRecord, disks: readonly (readonly LogRecord[])[]): boolean {
  return disks.filter((log) => holds(log, record)).length > disks.length / 2
}

function holds(log: readonly LogRecord[], wanted: LogRecord): boolean {
  for (let i = log.length - 1; i >= 0; i--) {
    const record = log[i]
    if (record === undefined || record.zxid < wanted.zxid) return false
    if (record.zxid === wanted.zxid) return record.payload === wanted.payload
  }
  return false
}
