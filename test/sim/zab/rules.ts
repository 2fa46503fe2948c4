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
import { type Electors, idsOf, isQuorum } from './configurations.ts'
import type { LogRecord } from './records.ts'
import { type Incarnation, timing, type ZabServer } from './server.ts'

/** An epoch that no ensemble here reaches: only lies name it. */
export const farEpoch = 2_000_000

/** The world's view of who votes. */
interface Configured {
  electorsOf(log: readonly LogRecord[]): Electors
  concerns(process: Incarnation): boolean
}

export class ZabRules {
  readonly #world: Configured
  readonly #servers: readonly ZabServer[]
  readonly #checker: ZabChecker
  readonly #epochCounterMax: number

  constructor(parts: {
    readonly world: Configured
    readonly servers: readonly ZabServer[]
    readonly checker: ZabChecker
    readonly epochCounterMax: number
  }) {
    this.#world = parts.world
    this.#servers = parts.servers
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
          disk.epochs.acceptedEpoch <= process.promised || !process.isAsked,
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
        return this.#announced(process, message.zxid)
      case 'INFORM':
        return this.#announced(process, lastOf(message.entries))
      case 'UPTODATE':
        return this.#announced(process, message.committed)
    }
  }

  #announced({ log }: Incarnation, zxid: Zxid): void {
    const electors = this.#world.electorsOf(log)
    this.#checker.announced(zxid, log, { diskOf: (id) => this.#diskOf(id), electors })
  }

  /** A transfer loses nothing and leaves nothing in doubt: all that was proposed is committed. */
  #hands({ delivered, log, zab }: Incarnation, zxid: Zxid, to: ServerId): void {
    invariant(
      delivered === zxid,
      'leadership is handed over when all that was proposed is delivered',
    )
    invariant(zab.lastZxid === zxid, 'leadership is handed over with the whole log')
    const successor = this.#servers.find(({ id }) => id === to)
    invariant(successor !== undefined, 'leadership is handed to a server that exists')
    const voters = idsOf(this.#world.electorsOf(log))
    invariant(voters.includes(to), 'leadership is handed to a voter')
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

  delivers({ log, server, delivered: before }: Incarnation, record: LogRecord): void {
    const electors = this.#world.electorsOf(log)
    const { log: own } = server.disk
    this.#checker.delivered(record, { before, own, diskOf: (id) => this.#diskOf(id), electors })
  }

  /** A server received CEPOCH, with this role before. */
  joined(receiver: Incarnation, learner: ZabServer, before: ZabRole): void {
    const voters = idsOf(this.#world.electorsOf(receiver.log))
    if (voters.includes(learner.id) || before.type !== 'leading' || !receiver.isAlive) return
    invariant(receiver.role.type === 'leading', 'a server that does not vote deposes no leader')
  }

  takes(process: Incarnation, role: ZabRole): void {
    const { server, log } = process
    if (role.type === 'looking') return
    const mayLead = this.#world.concerns(process)
    invariant(mayLead || role.type === 'following', 'an observer never leads')
    const { currentEpoch } = server.disk.epochs
    invariant(currentEpoch >= role.epoch, 'who serves has the epoch on its disk')
    if (role.epoch > 0) {
      const voters = idsOf(this.#world.electorsOf(log))
      this.#checker.agreed(process.zab.epochs.agreed, (version) =>
        this.#servers.some(({ id, disk }) => {
          return voters.includes(id) && disk.epochs.agreed?.version === version
        }),
      )
    }
    if (role.type !== 'leading' || role.epoch === 0) return
    this.#checker.established(server.id, role.epoch, {
      history: log,
      currentOf: (id) => this.#servers[id - 1]?.disk.currentEpochEver ?? 0,
      electors: this.#world.electorsOf(log),
    })
  }

  /** Time has passed for the server. */
  ticked(process: Incarnation): void {
    this.#checkHeard(process)
    this.#checkLeads(process)
    this.#checkTransfer(process)
    const epoch = process.server.leadsEpoch
    if (epoch === undefined || process.isHandingOver) return
    const bound = makeZxid({ epoch, counter: this.#epochCounterMax })
    invariant(process.zab.lastZxid <= bound, 'an epoch ends before its counter does')
  }

  /** Once the ensemble has changed without its leader, that leads it no longer. */
  #checkLeads(process: Incarnation): void {
    if (process.role.type !== 'leading' || process.role.epoch === 0) return
    invariant(this.#world.concerns(process), 'a leader that was removed steps down')
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
  #checkHeard({ awakeMs, heardMs, log, role, roleSinceMs, server }: Incarnation): void {
    const allowedMs = timing.discoveryTimeoutMs + timing.syncTimeoutMs + 2 * timing.pingMs
    const isHeard = (atMs: number): boolean => awakeMs - atMs <= allowedMs
    if (role.type === 'leading' && role.epoch > 0) {
      const heard = isQuorum(
        this.#world.electorsOf(log),
        (id) => id === server.id || isHeard(heardMs.get(id) ?? -Infinity),
      )
      invariant(heard, 'a leader that hears of no quorum steps down')
    }
    if (role.type === 'following') {
      const heard = isHeard(Math.max(roleSinceMs, heardMs.get(role.leader) ?? 0))
      invariant(heard, 'a follower that hears nothing of its leader leaves it')
    }
  }

  #diskOf(id: ServerId): readonly LogRecord[] {
    return this.#servers[id - 1]?.disk.log ?? []
  }
}
