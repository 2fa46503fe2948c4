// Zab's properties, asserted while the world runs. Their names are those of ZooKeeper's TLA+
// specifications, their numbers those of docs/correctness.md:
//
//   I1  one leader                `chosen`, `established`
//   I2  epochs only grow          `epochsSaved`, `written`
//   I3  prefix, I5 agreement, I6 total order
//                                 `delivered`, `installed`: each server a prefix of one sequence
//   I4  integrity                 `delivered`: proposed, and each transaction once
//   I7  local primary order       `proposed`, `delivered`: without gaps
//   I8  global primary order      `delivered`
//   I9  primary integrity         `proposed` notes what its leader had; `delivered` adds nothing
//   I10 durability                `delivered`, `announced`: on a quorum's disks; `truncated`: never
//                                 cut; `established`: in the history of every later leader
//   I11 honest acks               rules.ts: what a message promises, when it leaves
//   I12 one zxid, one payload     `proposed`, `delivered`
//   I13 nothing applied early     `delivered`: committed, and on its own disk
//   I19 which servers serve       `established`, `confirmed`, and rules.ts: it hears from a quorum
//   I20 configurations            `agreed`: the first one; world.ts: changes of it
//   I21 which servers count       `established`: by disks that hold the epoch
//
// I14 to I18, digests and reads are checked with whole servers: servers/.

import type { Configuration } from '../../../src/daemon/zab/configuration.ts'
import type { Epochs, ZabRole } from '../../../src/daemon/zab/types.ts'
import { invariant } from '../../../src/invariant.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { epochOf, follows, type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'
import { type Electors, isQuorum } from './configurations.ts'
import type { LogRecord } from './records.ts'

/** Who has to hold what is committed, and what the disks of all servers hold, running or not. */
interface Copies {
  readonly electors: Electors
  readonly diskOf: (server: ServerId) => readonly LogRecord[]
}

export class ZabChecker {
  /** Every transaction delivered anywhere, in order: what all servers must agree on. */
  readonly committed: LogRecord[] = []
  readonly #indexOf = new Map<Zxid, number>()
  readonly #proposed = new Map<Zxid, string>()
  /** by epoch: its last proposal, and what its leader had delivered before its first */
  readonly #primaries = new Map<number, { last: Zxid; readonly began: Zxid }>()
  readonly #leaders = new Map<number, ServerId>()
  readonly #chosen = new Map<number, ServerId>()
  /** newest epoch that a quorum has promised */
  chosenEpoch = 0
  establishedCount = 0
  /** Everything up to here was on a quorum's disks when a leader said that it is committed. */
  #announced = zxidZero
  establishedEpoch = 0
  #first: Configuration | undefined

  get lastZxid(): Zxid {
    return this.committed.at(-1)?.zxid ?? zxidZero
  }

  /** A leader that has delivered everything up to `delivered` proposes. */
  proposed(record: LogRecord, delivered: Zxid): void {
    const epoch = epochOf(record.zxid)
    const primary = this.#primaries.get(epoch) ?? { last: zxidZero, began: delivered }
    invariant(!this.#proposed.has(record.zxid), 'one zxid names one transaction, for ever')
    invariant(follows(primary.last, record.zxid), 'a leader proposes without gaps')
    this.#proposed.set(record.zxid, record.payload)
    primary.last = record.zxid
    this.#primaries.set(epoch, primary)
  }

  /** A server that has delivered everything up to `before` delivers `record`; `own` is its disk. */
  delivered(
    record: LogRecord,
    { before, own, ...copies }: { before: Zxid; own: readonly LogRecord[] } & Copies,
  ): void {
    const { payload, zxid } = record
    invariant(this.#proposed.get(zxid) === payload, 'what is delivered was proposed')
    invariant(holds(own, record), 'what is delivered is on the own disk')
    const last = before === zxidZero ? -1 : this.#indexOf.get(before)
    invariant(last !== undefined, 'what was delivered before is committed')
    const known = this.committed[last + 1]
    if (known !== undefined) {
      invariant(known.zxid === zxid, 'a server delivers what all deliver, each once and in order')
      return
    }
    invariant(zxid > before, 'deliveries are in order of zxid')
    invariant(follows(before, zxid), 'deliveries have no gaps')
    const isCommitted = zxid <= this.#announced || isOnQuorum(record, copies)
    invariant(isCommitted, 'what is committed is on the disks of a quorum')
    for (const [epoch, { began }] of this.#primaries) {
      const complete = epoch <= epochOf(zxid) || zxid <= began
      invariant(complete, 'a leader has delivered all of earlier epochs before it proposes')
    }
    this.#indexOf.set(zxid, this.committed.push(record) - 1)
  }

  /** A server took over a leader's tree, which shows `records`. */
  installed(records: readonly LogRecord[]): void {
    for (const [i, { zxid, payload }] of records.entries()) {
      const committed = this.committed[i]
      invariant(
        committed?.zxid === zxid && committed.payload === payload,
        'a tree shows what is committed, from the beginning on',
      )
    }
  }

  /** A server cuts these off its log. */
  truncated(records: readonly LogRecord[]): void {
    const cut = records.some(({ zxid, payload }) => {
      const index = this.#indexOf.get(zxid)
      return index !== undefined && this.committed[index]?.payload === payload
    })
    invariant(!cut, 'what is committed is never cut')
  }

  /** Whether a record of a leader's log is committed, by what lies on disks. */
  isCommitted(record: LogRecord, copies: Copies): boolean {
    return record.zxid <= this.lastZxid || isOnQuorum(record, copies)
  }

  /** A leader announces that everything up to `zxid` is committed; `log` is its own log. */
  announced(zxid: Zxid, log: readonly LogRecord[], copies: Copies): void {
    if (zxid <= this.lastZxid || zxid <= this.#announced) return
    const record = log.findLast((each) => each.zxid === zxid)
    invariant(record !== undefined, 'a leader commits what it holds')
    invariant(isOnQuorum(record, copies), 'what is committed is on the disks of a quorum')
    this.#announced = zxid
  }

  /** A server has a quorum's promise for an epoch and is about to lead it. */
  chosen(leader: ServerId, epoch: number): void {
    const other = this.#chosen.get(epoch)
    invariant(other === undefined || other === leader, 'a quorum promises an epoch to one leader')
    this.#chosen.set(epoch, leader)
    if (epoch > this.chosenEpoch) this.chosenEpoch = epoch
  }

  /** A leader confirmed its leadership for the moment of the question. */
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

  /** `currentOf` a server is its current epoch, including those of disks lost since. */
  established(
    leader: ServerId,
    epoch: number,
    {
      history,
      currentOf,
      electors,
    }: {
      readonly history: readonly LogRecord[]
      readonly currentOf: (server: ServerId) => number
      readonly electors: Electors
    },
  ): void {
    const other = this.#leaders.get(epoch)
    invariant(other === undefined || other === leader, 'an epoch has one established leader')
    this.#leaders.set(epoch, leader)
    this.establishedCount++
    if (epoch > this.establishedEpoch) this.establishedEpoch = epoch
    const accepted = isQuorum(electors, (id) => currentOf(id) >= epoch)
    invariant(accepted, 'an epoch begins on the disks of a quorum')
    const held = new Map(history.map((record) => [record.zxid, record.payload]))
    for (const { zxid, payload } of this.committed) {
      // A later epoch may be active if the acks of this one were delayed: this one commits no more.
      if (epochOf(zxid) >= epoch) break
      invariant(held.get(zxid) === payload, 'a new leader holds all that was committed')
    }
  }

  /** What a server that serves in an epoch holds for the first configuration of its ensemble. */
  agreed(first: Configuration | undefined, isOnDisk: (version: Zxid) => boolean): void {
    invariant(first !== undefined, 'an epoch begins with a configuration that is agreed on')
    // When all disks of voters that hold it are lost, another ensemble may begin.
    if (this.#first === undefined || !isOnDisk(this.#first.version)) this.#first = first
    const { version, text } = this.#first
    invariant(first.version === version, 'the first configuration is agreed on once')
    invariant(first.text === text, 'servers hold the same configuration under one version')
  }

  /** A disk that knew the epochs `before` holds `after`. */
  epochsSaved(before: Epochs, after: Epochs): void {
    invariant(
      after.acceptedEpoch >= before.acceptedEpoch || !before.initialised,
      'acceptedEpoch never decreases on a disk whose server counts',
    )
    invariant(after.currentEpoch >= before.currentEpoch, 'currentEpoch never decreases on disk')
    invariant(
      after.currentEpoch <= after.acceptedEpoch,
      'an epoch is accepted before it is current',
    )
    invariant(after.initialised || !before.initialised, 'who counts goes on to count')
  }

  /** A disk that knows `epochs` now ends with `last`. */
  written(epochs: Epochs, last: Zxid): void {
    invariant(epochOf(last) <= epochs.acceptedEpoch, 'what is logged was promised before')
  }
}

function isOnQuorum(record: LogRecord, { electors, diskOf }: Copies): boolean {
  return isQuorum(electors, (id) => holds(diskOf(id), record))
}

function holds(log: readonly LogRecord[], wanted: LogRecord): boolean {
  for (let i = log.length - 1; i >= 0; i--) {
    const record = log[i]
    if (record === undefined || record.zxid < wanted.zxid) return false
    if (record.zxid === wanted.zxid) return record.payload === wanted.payload
  }
  return false
}
