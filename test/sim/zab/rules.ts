// Invariants of one server at every step, whatever the others do: what its messages promise is on
// its disk, it serves in an epoch that is on its disk too, and it gives up when it hears from no
// other server. checker.ts has the invariants among servers.

import type { Epochs, ZabRole } from '../../../src/daemon/zab/types.ts'
import { invariant } from '../../../src/invariant.ts'
import { lastOf } from '../../../src/protocol/peer/entries.ts'
import type { ZabMessage } from '../../../src/protocol/peer/messages.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { makeZxid, type Zxid } from '../../../src/protocol/zxid.ts'
import type { ZabChecker } from './checker.ts'
import type { LogRecord } from './records.ts'
import { type Incarnation, timing, type ZabServer } from './server.ts'

/** An epoch that no ensemble here reaches: only lies name it. */
export const farEpoch = 2_000_000

export class ZabRules {
  readonly #voters: readonly ZabServer[]
  readonly #checker: ZabChecker
  readonly #epochCounterMax: number

  constructor(parts: {
    readonly voters: readonly ZabServer[]
    readonly checker: ZabChecker
    readonly epochCounterMax: number
  }) {
    this.#voters = parts.voters
    this.#checker = parts.checker
    this.#epochCounterMax = parts.epochCounterMax
  }

  /** What a message promises lies on the sender's disk when it leaves (I11). */
  sends(process: Incarnation, message: ZabMessage, to: ServerId): void {
    const { disk } = process.server
    switch (message.type) {
      case 'NEWEPOCH':
        invariant(
          disk.epochs.acceptedEpoch >= message.epoch,
          'NEWEPOCH leaves after the own promise',
        )
        return
      case 'ACKEPOCH':
        invariant(
          disk.epochs.acceptedEpoch >= process.promised,
          'ACKEPOCH leaves when the promise is on the disk',
        )
        invariant(
          disk.epochs.acceptedEpoch <= process.promised || !process.server.votes,
          'a server that has promised a later epoch joins no earlier one',
        )
        return
      case 'ACKNEWLEADER':
        invariant(
          disk.last >= process.syncPoint,
          'ACKNEWLEADER leaves when the history is on the disk',
        )
        invariant(
          disk.epochs.currentEpoch >= message.epoch,
          'ACKNEWLEADER leaves when the epoch is on the disk',
        )
        return
      case 'ACKSNAP':
        invariant(disk.base === message.lastZxid, 'ACKSNAP leaves when the tree is in force')
        return
      case 'ACK':
        invariant(disk.last >= message.zxid, 'ACK leaves when the transaction is on the disk')
        return
      case 'SUCCESSOR':
        if (to === message.successor) this.#hands(process, message.zxid, to)
        return
      case 'COMMIT':
        return this.#checker.announced(message.zxid, process.log, this.#disks)
      case 'INFORM':
        return this.#checker.announced(lastOf(message.entries), process.log, this.#disks)
      case 'UPTODATE':
        return this.#checker.announced(message.committed, process.log, this.#disks)
    }
  }

  /** A transfer loses nothing and leaves nothing in doubt: all that was proposed is committed. */
  #hands({ delivered, zab }: Incarnation, zxid: Zxid, to: ServerId): void {
    invariant(
      delivered === zxid,
      'leadership is handed over when all that was proposed is delivered',
    )
    invariant(zab.lastZxid === zxid, 'leadership is handed over with the whole log')
    const successor = this.#voters.find(({ id }) => id === to)
    invariant(successor !== undefined, 'leadership is handed to a voter')
    const { disk } = successor
    // It may have lost its disk since it acknowledged; then it stands for nothing.
    const isForgetful = !disk.epochs.initialised
    invariant(
      isForgetful || disk.last >= zxid,
      'leadership goes to a server that has the whole log',
    )
  }

  sendsHistory({ server }: Incarnation, after: Zxid): void {
    invariant(after >= server.disk.base, 'what is purged is not sent')
  }

  saves({ server, role, currentEpoch, syncPoint }: Incarnation, epochs: Epochs): void {
    if (epochs.currentEpoch > currentEpoch) {
      if (role.type === 'leading') this.#checker.chosen(server.id, epochs.currentEpoch)
      else invariant(server.disk.last >= syncPoint, 'an epoch is saved behind its history')
    }
    invariant(
      epochs.acceptedEpoch < farEpoch / 2,
      'a claim far beyond what servers know moves no epoch',
    )
  }

  delivers({ server, delivered: before }: Incarnation, record: LogRecord): void {
    this.#checker.delivered(record, { before, own: server.disk.log, disks: this.#disks })
  }

  /** A server received CEPOCH, with this role before. */
  joined(receiver: Incarnation, learner: ZabServer, before: ZabRole): void {
    if (learner.votes || before.type !== 'leading' || !receiver.isAlive) return
    invariant(receiver.role.type === 'leading', 'a server that does not vote deposes no leader')
  }

  takes({ server, log }: Incarnation, role: ZabRole): void {
    if (role.type === 'looking') return
    invariant(server.votes || role.type === 'following', 'an observer never leads')
    const { currentEpoch } = server.disk.epochs
    invariant(currentEpoch >= role.epoch, 'who serves has the epoch on its disk')
    if (role.type !== 'leading' || role.epoch === 0) return
    this.#checker.established(server.id, role.epoch, {
      history: log,
      current: this.#voters.map(({ disk }) => disk.currentEpochEver),
    })
  }

  /** Time has passed for the server. */
  ticked(process: Incarnation): void {
    this.#checkHeard(process)
    this.#checkTransfer(process)
    const epoch = process.server.leadsEpoch
    if (epoch === undefined || process.isHandingOver) return
    const bound = makeZxid({ epoch, counter: this.#epochCounterMax })
    invariant(process.zab.lastZxid <= bound, 'an epoch ends before its counter does')
  }

  /** A transfer that does not succeed is given up: requests wait. */
  #checkTransfer({ awakeMs, holdingSinceMs, isHolding, role }: Incarnation): void {
    if (!isHolding || role.type !== 'leading') return
    const allowedMs = Math.max(timing.discoveryTimeoutMs, 2 * timing.syncTimeoutMs)
    const isOver = awakeMs - holdingSinceMs > allowedMs + 2 * timing.pingMs
    invariant(!isOver, 'a transfer of leadership is given up in time')
  }

  /**
   * A leader without a quorum, or a follower without its leader, must have given up after the time
   * that it may take to be brought up to date. Silence counts only while the server runs: messages
   * that wait for a paused server are not late.
   */
  #checkHeard({ awakeMs, heardMs, role, roleSinceMs }: Incarnation): void {
    const allowedMs = timing.discoveryTimeoutMs + timing.syncTimeoutMs + 2 * timing.pingMs
    const isHeard = (atMs: number): boolean => awakeMs - atMs <= allowedMs
    if (role.type === 'leading' && role.epoch > 0) {
      const heard = this.#voters.filter(({ id }) => isHeard(heardMs.get(id) ?? -Infinity)).length
      invariant(heard + 1 > this.#voters.length / 2, 'a leader that hears of no quorum steps down')
    }
    if (role.type === 'following') {
      const heard = isHeard(Math.max(roleSinceMs, heardMs.get(role.leader) ?? 0))
      invariant(heard, 'a follower that hears nothing of its leader leaves it')
    }
  }

  get #disks(): (readonly LogRecord[])[] {
    return this.#voters.map(({ disk }) => disk.log)
  }
}
