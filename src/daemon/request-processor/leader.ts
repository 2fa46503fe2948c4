// The leader's work for every server of the ensemble, including itself: writes become proposals in
// the order of their arrival, sessions are attached, touched and expired, syncs are confirmed.
//
// Next on the path: prep.ts decides. As ZooKeeper's LeaderRequestProcessor,
// LearnerHandler and LeaderZooKeeperServer.

import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { MsgpackWriter } from '../../protocol/msgpack.ts'
import type { LearnerMessage } from '../../protocol/peer/messages.ts'
import { noSession, type ServerId, type SessionId } from '../../protocol/records.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { Ensemble } from '../ensemble/ensemble.ts'
import type { Metrics } from '../metrics.ts'
import type { SessionTracker } from '../session/session-tracker.ts'
import { encodeTxn, sessionCreatedBy, type Txn } from '../ztree/txn.ts'
import type { Applied, ZTree } from '../ztree/ztree.ts'
import type { Obstacle, Prep } from './prep.ts'
import type { Reaper } from './reaper.ts'

export interface LeaderParts {
  readonly ensemble: Ensemble
  readonly tree: ZTree
  readonly sessions: SessionTracker
  readonly prep: Prep
  readonly reaper: Reaper
  readonly metrics: Metrics
  readonly clock: Clock
  readonly logger: Logger
  /** 16 random bytes */
  readonly newPassword: () => Uint8Array
}

export class LeaderProcessor {
  readonly #ensemble: Ensemble
  readonly #tree: ZTree
  readonly #sessions: SessionTracker
  readonly #prep: Prep
  readonly #reaper: Reaper
  readonly #metrics: Metrics
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #newPassword: () => Uint8Array
  readonly #encoded = new MsgpackWriter()
  #leading = false
  /** whether this leader hands over, so that it can be removed */
  #leave: 'no' | 'asked' | 'refused' = 'no'
  /** The last proposed transaction; at the start of a leadership, the last one of its history. */
  #proposed: Zxid

  constructor(parts: LeaderParts) {
    this.#ensemble = parts.ensemble
    this.#tree = parts.tree
    this.#sessions = parts.sessions
    this.#prep = parts.prep
    this.#reaper = parts.reaper
    this.#metrics = parts.metrics
    this.#clock = parts.clock
    this.#logger = parts.logger
    this.#newPassword = parts.newPassword
    this.#proposed = parts.tree.lastApplied
  }

  becomeLeading(): void {
    this.#leading = true
    this.#leave = 'no'
    this.#proposed = this.#tree.lastApplied
    this.#prep.reset()
    this.#sessions.reset(this.#tree.sessions, this.#clock.nowMs())
    this.#reaper.reset(this.#clock.nowMs())
  }

  stopLeading(): void {
    this.#leading = false
    this.#prep.reset()
    this.#sessions.clear()
  }

  /** The tree shows everything up to `zxid`; no client was answered yet. */
  applied(zxid: Zxid, { type }: Applied): void {
    const crossings = this.#tree.quotas.takeCrossings()
    if (!this.#leading) return
    this.#prep.applied(zxid)
    // Its client learns only now that it has a session: its time begins.
    if (type === 'createSession') this.#sessions.touch(sessionCreatedBy(zxid), this.#clock.nowMs())
    for (const { path, what, used, limit } of crossings) {
      this.#logger.warn({ path, what, used, limit }, 'A quota is exceeded')
    }
  }

  fromLearner(learner: ServerId, message: LearnerMessage): void {
    switch (message.type) {
      case 'REQUEST': {
        const { seq, session, identities, request } = message
        const zxid = this.#ensemble.nextZxid()
        const wallMs = this.#clock.wallMs()
        const newPassword = this.#newPassword
        const origin = learner
        const asked = { zxid, origin, seq, session, identities, request, wallMs, newPassword }
        const txn = this.#prep.prepare(asked)
        const { fullness } = this.#prep
        if (fullness.takeNews()) {
          const { znodesMax } = fullness
          this.#logger.warn(
            { znodesMax },
            'A create is refused: there are as many znodes as may be',
          )
        }
        const obstacle = this.#prep.takeObstacle()
        if (obstacle !== undefined && this.#maybePostpone(learner, seq, obstacle)) return
        this.#propose(zxid, txn)
        return
      }
      case 'ATTACH':
        this.#attach(learner, message)
        return
      case 'SYNC': {
        const { seq } = message
        // A write may be committed, and answered elsewhere, before this server's own disk has it
        // and so before it is applied here: only the last proposal is certain to include it.
        const zxid = this.#proposed
        this.#ensemble.confirmLeadership(() => {
          this.#ensemble.sendToLearner(learner, { type: 'SYNCED', seq, zxid })
        })
        return
      }
      case 'OWNED':
        for (const session of message.sessions) {
          if (this.#sessions.maybeKeep(session, learner)) continue
          this.#ensemble.sendToLearner(learner, { type: 'MOVED', session })
        }
        return
      case 'TOUCH': {
        const nowMs = this.#clock.nowMs()
        for (const session of message.sessions) this.#sessions.touch(session, nowMs)
        return
      }
    }
  }

  /** Called every tick: ends what has expired. */
  expire(): void {
    if (!this.#leading || this.#ensemble.handingOver) return
    this.#expireSessions()
    this.#expireZnodes()
  }

  /** Closes the expired sessions. */
  #expireSessions(): void {
    const expired = this.#sessions.expire(this.#clock.nowMs())
    if (expired.length === 0) return
    for (const session of expired) this.#close(session)
    this.#metrics.sessionsExpired += expired.length
    this.#logger.info({ count: expired.length }, 'Sessions expired')
  }

  /** Deletes empty containers, and znodes whose TTL has passed. */
  #expireZnodes(): void {
    const wallMs = this.#clock.wallMs()
    const origin = this.#ensemble.self
    const dueAt = this.#reaper.dueAt(wallMs)
    let count = 0
    for (const path of this.#reaper.take({ nowMs: this.#clock.nowMs(), wallMs })) {
      const zxid = this.#ensemble.nextZxid()
      const txn = this.#prep.deleteDue({ zxid, origin, path, dueAt })
      if (txn === undefined) continue
      this.#propose(zxid, txn)
      count++
    }
    if (count > 0) this.#logger.debug({ count }, 'Deleting expired znodes')
  }

  /** @returns whether the request is sent again, to the leader of then */
  #maybePostpone(learner: ServerId, seq: number, obstacle: Obstacle): boolean {
    if (obstacle.type === 'leader' && !this.#maybeLeave(obstacle.successors)) return false
    this.#ensemble.sendToLearner(learner, { type: 'RETRY', seq })
    return true
  }

  /**
   * A leader that is to be no voter any more hands leadership over first, so that the change is
   * proposed by a server that stays.
   *
   * @returns whether it does
   */
  #maybeLeave(successors: readonly ServerId[]): boolean {
    if (this.#leave === 'refused') {
      this.#leave = 'no'
      return false
    }
    for (const to of successors) {
      if (this.#leave === 'asked') break
      this.#leave = 'asked'
      this.#ensemble.transferLeadership({ to, leaves: false }, ({ type }) => {
        this.#leave = type === 'refused' ? 'refused' : 'no'
      })
    }
    if (this.#leave === 'asked') return true
    this.#leave = 'no'
    return false
  }

  /** The last configuration is committed: activates it. */
  activate(): void {
    if (!this.#leading) return
    const zxid = this.#ensemble.nextZxid()
    const timeMs = this.#clock.wallMs()
    const body = this.#prep.activation()
    const origin = this.#ensemble.self
    this.#propose(zxid, { origin, seq: 0, session: noSession, timeMs, body })
  }

  #close(session: SessionId): void {
    const zxid = this.#ensemble.nextZxid()
    const origin = this.#ensemble.self
    this.#propose(zxid, this.#prep.expire({ zxid, origin, session, wallMs: this.#clock.wallMs() }))
  }

  #attach(owner: ServerId, message: Extract<LearnerMessage, { type: 'ATTACH' }>): void {
    const { seq, session, password } = message
    const nowMs = this.#clock.nowMs()
    const attached = this.#prep.attach({ session, password, owner, nowMs })
    if (attached?.movedFrom !== undefined) {
      this.#ensemble.sendToLearner(attached.movedFrom, { type: 'MOVED', session })
    }
    // After everything that the session proposed through its old server: it must not see an earlier
    // state.
    const zxid = this.#proposed
    const timeoutMs = attached?.timeoutMs ?? 0
    this.#ensemble.sendToLearner(owner, { type: 'ATTACHED', seq, zxid, timeoutMs })
  }

  #propose(zxid: Zxid, txn: Txn): void {
    this.#encoded.clear()
    encodeTxn(this.#encoded, txn)
    this.#proposed = zxid
    this.#metrics.proposalBytes.observe(this.#encoded.length)
    this.#ensemble.propose(zxid, this.#encoded.view())
  }
}
