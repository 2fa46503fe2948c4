// The leader's role, phase by phase:
//
//   discovery        wait for CEPOCH from a quorum; the new epoch is above all of theirs. For the
//                    ensemble's first epoch wait for all voters: none may have a history
//   promising        save it as accepted; NEWEPOCH to all; wait for ACKEPOCH from a quorum
//   settling         make our own log durable
//   synchronization  save the epoch as current; bring each learner to our history, NEWLEADER; wait
//                    for a quorum's acks, our own among them once the epoch is saved
//   broadcast        the initial history is committed; UPTODATE; propose, count acks, commit
//
// An observer takes the same steps, but only once a quorum has promised the epoch, and counts in none.
// It is not sent proposals but what is committed, in one message: INFORM.
//
// A learner may join at any time and goes through the same steps on its own. Each step waits until
// what it relies on is durable (Junqueira et al., "Zab: High-performance broadcast for
// primary-backup systems", DSN 2011). When a quorum is lost, or a member knows of a later epoch,
// the leader steps down and closes its learners' links.
//
// Beside this file: discovery.ts (which promises count), synchronization.ts (how a learner is brought
// to our history), broadcast.ts (what is committed), observer-feed.ts, reconfiguration.ts (a change of
// the voters) and succession.ts (leadership is transferred).
//
// Next on the path: storage/txn-log.ts here, and following.ts at each learner.

import { invariant } from '../../invariant.ts'
import { type Entries, lastOf } from '../../protocol/peer/entries.ts'
import type { Notification, ZabMessage } from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import { counterOf, epochMax, epochOf, type Zxid } from '../../protocol/zxid.ts'
import { Broadcast } from './broadcast.ts'
import type { ProposedConfiguration } from './configuration.ts'
import { Discovery } from './discovery.ts'
import { LeadershipCheck } from './leadership-check.ts'
import type { Learner } from './learner.ts'
import { type LearnerCounts, Learners } from './learners.ts'
import { ObserverFeed } from './observer-feed.ts'
import { Reconfiguration, type ReconfigurationVerdict } from './reconfiguration.ts'
import type { NextRole, Role } from './role.ts'
import type { ServerState } from './server-state.ts'
import { Succession } from './succession.ts'
import { synchronize } from './synchronization.ts'
import type { TransferRequest } from './transfer.ts'
import { isWorkingLeader } from './vote.ts'

type Phase = 'discovery' | 'promising' | 'settling' | 'synchronization' | 'broadcast'

export class Leading implements Role {
  readonly type = 'leading'
  readonly #state: ServerState
  /** when this server began to ask for promises of its epoch */
  #startedMs: number
  /** For as long after that as a follower may be silent: servers may still be joining. */
  #isNew = true
  readonly #learners = new Learners()
  readonly #observerFeed: ObserverFeed
  readonly #discovery: Discovery
  readonly #reconfiguration: Reconfiguration
  readonly #succession: Succession
  readonly #check: LeadershipCheck
  #phase: Phase = 'discovery'
  /** 0 until it is chosen */
  #epoch = 0
  /** This is the ensemble's first epoch: no known voter has ever held a history. */
  #first = false
  #broadcast: Broadcast
  #nextPingMs: number
  #next: NextRole | undefined

  constructor(state: ServerState, nowMs: number, { continues }: { readonly continues: boolean }) {
    this.#state = state
    this.#startedMs = nowMs
    this.#nextPingMs = nowMs + state.timing.pingMs
    this.#broadcast = new Broadcast(state, state.delivered)
    this.#check = new LeadershipCheck(state)
    this.#observerFeed = new ObserverFeed(state)
    this.#discovery = new Discovery(state, this.#learners)
    this.#reconfiguration = new Reconfiguration(state)
    this.#succession = new Succession({
      state,
      learners: this.#learners,
      reconfiguration: this.#reconfiguration,
      loggedBy: (voter) => this.#broadcast.loggedBy(voter),
      drop: (peer, reason) => this.#drop(peer, reason),
    })
    state.emit({ type: 'role', role: { type: 'leading', epoch: 0 }, continues })
    this.#advance(nowMs)
  }

  get learnerCounts(): LearnerCounts {
    return this.#learners.counts(this.#state.membership)
  }

  /** Holds during a handover to the next epoch too. */
  hasLearner(peer: ServerId): boolean {
    return this.#learners.get(peer)?.initialised === true
  }

  /** Whether `next` may be proposed as the next configuration. */
  judgeConfiguration(next: ProposedConfiguration): ReconfigurationVerdict {
    if (!this.broadcasting || this.#succession.isUnderWay) return 'in progress'
    const { self } = this.#state
    const isInStep = (voter: ServerId): boolean => {
      const learner = this.#learners.get(voter)
      return (
        voter === self || (learner?.phase.type === 'synced' && learner.promisedEpoch <= this.#epoch)
      )
    }
    // As the epoch has just begun: the others are on their way.
    const isComing = (voter: ServerId): boolean =>
      this.#isNew && this.#isVoter(voter) && this.#state.isMember(voter)
    const { committed } = this.#broadcast
    return this.#reconfiguration.judge(next, { isInStep, isComing, committed })
  }

  get synchronizing(): boolean {
    return this.#learners.isSynchronizing
  }

  get next(): NextRole | undefined {
    return this.#next
  }

  get broadcasting(): boolean {
    return this.#phase === 'broadcast'
  }

  notification(): Notification {
    const { self, configurations, epochs, history, round } = this.#state
    return {
      type: 'NOTIFICATION',
      vote: { epoch: epochs.currentEpoch, zxid: history.last, standing: 'voter', id: self },
      round,
      role: 'leading',
      establishedEpoch: this.broadcasting ? this.#epoch : 0,
      initialised: epochs.initialised,
      configuration: configurations.state.last.version,
    }
  }

  // --- inputs ------------------------------------------------------------------------------------

  tick(nowMs: number): void {
    const { discoveryTimeoutMs, leaderTimeoutMs, pingMs, syncTimeoutMs } = this.#state.timing
    if (nowMs - this.#startedMs > leaderTimeoutMs) this.#isNew = false
    if (!this.#established && nowMs - this.#startedMs > discoveryTimeoutMs) {
      this.#stepDown('no quorum promised itself to the new epoch in time')
      return
    }
    for (const [id, learner] of this.#learners.sorted) {
      const allowedMs =
        learner.phase.type === 'synced' ? this.#state.patience.allowedMs(nowMs) : syncTimeoutMs
      if (nowMs - learner.heardMs > allowedMs) this.#drop(id, 'it was silent for too long')
    }
    this.#succession.tick(nowMs)
    this.#maybeStepDown()
    const { epochCounterMax, history } = this.#state
    const { last } = history
    if (this.broadcasting && epochOf(last) === this.#epoch && counterOf(last) > epochCounterMax) {
      this.#stepDown('the zxids of its epoch run out')
    }
    if (this.#next !== undefined || nowMs < this.#nextPingMs) return
    this.#nextPingMs = nowMs + pingMs
    this.#ping()
  }

  connected(): void {
    // A peer that wants to follow says so with CEPOCH.
  }

  disconnected(_nowMs: number, peer: ServerId): void {
    this.#forget(peer)
    this.#maybeStepDown()
  }

  received(nowMs: number, from: ServerId, message: ZabMessage): void {
    const learner = this.#learners.get(from)
    if (learner !== undefined) {
      // An observer may be far away: its silences say nothing of the voters.
      if (learner.phase.type === 'synced' && this.#isVoter(from))
        this.#state.patience.heard(nowMs, nowMs - learner.heardMs)
      learner.heardMs = nowMs
    }
    switch (message.type) {
      case 'NOTIFICATION':
        if (!this.#established && this.#isVoter(from) && isWorkingLeader(message)) {
          this.#stepDown(`server ${from} already leads`)
        }
        if (message.role === 'leading') this.#next ??= this.#succession.maybeHandOver(from)
        return
      case 'CEPOCH':
        if (learner !== undefined)
          return this.#refuse(from, 'it began a second session on one link')
        return this.#cepoch(nowMs, from, message)
      case 'ACKEPOCH':
        if (learner?.phase.type !== 'asked') break
        return this.#ackEpoch(nowMs, from, learner, message)
      case 'ACKSNAP':
        if (learner?.phase.type !== 'snapshot') break
        if (message.lastZxid > this.#state.history.last) break
        learner.restore(message.lastZxid)
        return this.#advance(nowMs)
      case 'ACKNEWLEADER':
        if (learner?.phase.type !== 'syncing' || message.epoch !== this.#epoch) break
        return this.#ackNewLeader(nowMs, from, learner, learner.phase.upTo)
      case 'ACK':
        if (learner?.mayBeLate === true) return
        if (learner?.phase.type !== 'synced' || message.zxid > this.#state.history.last) break
        if (this.#countsAck(from, learner) && this.#broadcast.acked(from, message.zxid)) {
          this.#committed()
        }
        return this.#succession.maybeName()
      case 'PONG':
        if (learner === undefined) break
        if (learner.phase.type === 'synced') this.#answered(from, message.round)
        return
      case 'CONFIGURATION':
        return
      case 'HELD':
        if (learner?.mayBeLate === true) return
        if (learner?.phase.type !== 'synced') break
        return this.#succession.held(from, message.attempt)
      case 'HOLD':
      case 'RESUME':
      case 'SUCCESSOR':
      case 'NEWEPOCH':
      case 'DIFF':
      case 'TRUNC':
      case 'SNAP':
      case 'PROPOSAL':
      case 'INFORM':
      case 'NEWLEADER':
      case 'UPTODATE':
      case 'COMMIT':
      case 'PING':
        break
    }
    this.#refuse(from, `it sent ${message.type}, which its phase does not allow`)
    this.#maybeStepDown()
  }

  persisted(nowMs: number): void {
    const { durable, self } = this.#state
    this.#advance(nowMs)
    if (this.#next !== undefined || !this.#ownEpochSaved) return
    const more = this.#broadcast.acked(self, durable)
    if (!this.broadcasting) return
    // A quorum may have logged it before our own disk did; it is applied here only now.
    if (more) this.#committed()
    else this.#deliver()
    this.#succession.maybeName()
  }

  /** Only while broadcasting: logs and proposes transactions that this server created. */
  proposed(entries: Entries): void {
    invariant(this.broadcasting, 'only a leader of an established epoch proposes')
    invariant(epochOf(entries.first) === this.#epoch, 'a leader proposes in its own epoch')
    invariant(!this.#succession.isHanding, 'a leader that hands over proposes nothing')
    const { since } = this.#state.configurations
    this.#state.append(entries)
    if (this.#state.configurations.since !== since) this.#reconfigured(since)
    let hasObservers = false
    for (const [id, learner] of this.#learners.sorted) {
      if (!learner.takesProposals) continue
      if (this.#isVoter(id)) this.#propose(id, learner, entries)
      else hasObservers = true
    }
    if (hasObservers) this.#observerFeed.proposed(entries)
  }

  #propose(id: ServerId, learner: Learner, entries: Entries): void {
    learner.sent(lastOf(entries))
    this.#state.send(id, { type: 'PROPOSAL', entries })
  }

  /**
   * A change of the configuration has just been logged. An observer that votes from here on is sent
   * what it would have been informed of later.
   *
   * @param since where the configuration began that was in force before
   */
  #reconfigured(since: Zxid): void {
    this.#reconfiguration.logged(since, this.#broadcast.committed)
    for (const [id, learner] of this.#learners.sorted) {
      if (!learner.takesProposals || !this.#isVoter(id)) continue
      for (const entries of this.#observerFeed.lackedBy(learner))
        this.#propose(id, learner, entries)
    }
  }

  /**
   * Begins the next epoch with the same learners, from `promising` on, but only when all that vote
   * have all of this one: then nothing of it can arrive late, and its last transaction is every
   * learner's last; observers were sent all that is committed. Learners that are still synchronizing
   * start over, since clients wait for the handover.
   */
  handover(nowMs: number): void {
    const { delivered, history } = this.#state
    const { last } = history
    if (this.#succession.isUnderWay) return
    if (!this.broadcasting || this.#broadcast.committed < last || delivered < last) return
    if (this.#epoch >= epochMax) return this.#stepDown('there are no more epochs')
    for (const [id, { phase }] of this.#learners.sorted) {
      const logged = this.#isVoter(id) ? this.#broadcast.loggedBy(id) : last
      if (phase.type === 'synced' && logged !== last) return
    }
    for (const [id, { phase }] of this.#learners.sorted) {
      if (phase.type !== 'synced') this.#drop(id, 'we begin another epoch')
    }
    this.#startedMs = nowMs
    this.#isNew = true
    this.#epoch++
    this.#first = false
    this.#phase = 'promising'
    this.#broadcast = new Broadcast(this.#state, last)
    this.#reconfiguration.restart()
    for (const [id, learner] of this.#learners.sorted) {
      learner.rejoin()
      this.#check.forget(id)
    }
    this.#state.saveEpochs({ acceptedEpoch: this.#epoch })
  }

  /**
   * Only while broadcasting: `confirmed` follows once a quorum answers a ping sent after this call.
   */
  confirm(token: number): void {
    if (this.#check.ask(token)) this.#ping()
    this.#maybeConfirm()
  }

  // --- phases ------------------------------------------------------------------------------------

  #cepoch(nowMs: number, from: ServerId, cepoch: Extract<ZabMessage, { type: 'CEPOCH' }>): void {
    const { acceptedEpoch } = cepoch
    const counts = this.#discovery.countsWordOf(from, cepoch)
    const isOpen = this.#phase === 'discovery'
    const ours = this.#state.epochs.acceptedEpoch
    if (counts && !this.#discovery.believes(nowMs, acceptedEpoch, { isOpen })) {
      return this.#refuse(from, `its epoch ${acceptedEpoch} is far beyond ours, ${ours}`)
    }
    this.#learners.add(from, this.#discovery.learnerOf(nowMs, from, cepoch))
    if (this.#epoch === 0) return this.#advance(nowMs)
    if (counts && acceptedEpoch > this.#epoch) {
      return this.#stepDown(`server ${from} accepted the later epoch ${acceptedEpoch}`)
    }
    if (this.#promised) this.#announceEpoch()
  }

  #ackEpoch(
    nowMs: number,
    from: ServerId,
    learner: Learner,
    ack: { readonly currentEpoch: number; readonly lastZxid: Zxid; readonly counts: boolean },
  ): void {
    const { epochs, history } = this.#state
    if (this.#phase === 'promising' && this.#isVoter(from)) {
      const newer =
        ack.currentEpoch > epochs.currentEpoch ||
        (ack.currentEpoch === epochs.currentEpoch && ack.lastZxid > history.last)
      if (newer && this.#discovery.counts(from)) {
        return this.#stepDown('a learner has a newer history than ours')
      }
      // A member that lost what it vouched for has no say, and breaks no rule either.
      const violation = !this.#state.isMember(from)
      if (newer)
        return this.#drop(from, 'it has a newer history, and does not count', { violation })
    }
    learner.promise(ack)
    this.#advance(nowMs)
  }

  #ackNewLeader(nowMs: number, from: ServerId, learner: Learner, syncPoint: Zxid): void {
    learner.finishSync()
    const more = this.#countsAck(from, learner) && this.#broadcast.acked(from, syncPoint)
    if (!this.broadcasting) return this.#advance(nowMs)
    this.#sendUpToDate(from, learner)
    this.#succession.joined(from)
    if (more) this.#committed()
  }

  /** Takes every step whose conditions hold now. */
  #advance(nowMs: number): void {
    const state = this.#state
    const discovery = this.#discovery
    if (this.#phase === 'discovery') {
      this.#first = discovery.isFirst
      if (!discovery.hasQuorum({ first: this.#first })) return
      const epoch = discovery.nextEpoch
      if (epoch > epochMax) return this.#stepDown('there are no more epochs')
      this.#epoch = epoch
      this.#phase = 'promising'
      if (this.#first) {
        const ensembleId = state.epochs.ensembleId ?? state.newEnsembleId
        state.saveEpochs({ acceptedEpoch: epoch, initialised: true, ensembleId })
      } else state.saveEpochs({ acceptedEpoch: epoch })
      return
    }
    if (this.#phase === 'promising') {
      if (!this.#promised) return
      this.#announceEpoch()
      if (!discovery.hasPromises({ first: this.#first })) return
      this.#phase = 'settling'
      this.#announceEpoch() // to observers
    }
    if (this.#phase === 'settling') {
      // Our log is the epoch's initial history: it must be durable before the epoch is saved.
      if (state.rewriting || state.durable < state.history.last) return
      if (state.epochs.currentEpoch < this.#epoch) {
        const ensembleId = state.epochs.ensembleId ?? state.newEnsembleId
        const agreed = state.agreedIn(this.#epoch)
        state.saveEpochs({ currentEpoch: this.#epoch, initialised: true, ensembleId, agreed })
      }
      this.#phase = 'synchronization'
    }
    for (const [id, learner] of this.#learners.sorted) {
      const from = learner.syncsFrom
      if (from === undefined) continue
      learner.heardMs = nowMs
      synchronize(state, { id, learner, from, epoch: this.#epoch })
    }
    if (this.#phase !== 'synchronization' || !this.#ownEpochSaved) return
    // The learners' disks worked in parallel with ours; our own ack counts only now.
    this.#broadcast.acked(state.self, state.durable)
    if (this.#broadcast.settled) this.#establish()
  }

  /**
   * Sends NEWEPOCH once per learner, and only after our own promise is durable; to an observer, only
   * after a quorum's, so that an observer knows no epoch that the voters do not.
   */
  #announceEpoch(): void {
    for (const [id, learner] of this.#learners.sorted) {
      if (learner.phase.type !== 'joined') continue
      if (this.#phase === 'promising' && !this.#isVoter(id)) continue
      const isFirst = this.#first && this.#phase === 'promising'
      learner.ask({ founds: isFirst })
      const founds = isFirst ? this.#state.epochs.ensembleId : undefined
      const asksForPromise = this.#isVoter(id)
      this.#state.send(id, { type: 'NEWEPOCH', epoch: this.#epoch, founds, asksForPromise })
    }
  }

  /** A quorum holds the initial history: all of it is committed, and service begins. */
  #establish(): void {
    const state = this.#state
    invariant(
      this.#broadcast.committed === state.history.last,
      'an epoch begins with all of its history',
    )
    invariant(this.#ownEpochSaved, 'nothing is logged in an epoch that the disk does not know of')
    // Others may have needed us to bring about the activation of a configuration without us.
    if (!this.#isVoter(state.self)) return this.#leave()
    this.#phase = 'broadcast'
    state.deliver(this.#broadcast.committed)
    state.emit({ type: 'role', role: { type: 'leading', epoch: this.#epoch }, continues: false })
    for (const [id, learner] of this.#learners.sorted) {
      if (learner.phase.type === 'synced') this.#sendUpToDate(id, learner)
    }
    this.#reconfiguration.maybeActivate()
  }

  #sendUpToDate(id: ServerId, learner: Learner): void {
    const { committed } = this.#broadcast
    // An observer does not have the batch of which a part is committed.
    const upTo = this.#isVoter(id) || committed < learner.sentUpTo ? committed : learner.sentUpTo
    learner.told(upTo)
    this.#state.send(id, { type: 'UPTODATE', committed: upTo })
  }

  #committed(): void {
    const zxid = this.#broadcast.committed
    const news = this.#observerFeed.takeCommitted(zxid)
    for (const [id, learner] of this.#learners.sorted) {
      if (!this.#isVoter(id)) this.#observerFeed.inform(id, learner, zxid, news)
      else if (learner.phase.type === 'synced') {
        learner.told(zxid)
        this.#state.send(id, { type: 'COMMIT', zxid })
      }
    }
    this.#deliver()
    if (this.#reconfiguration.excludesUs(zxid)) this.#leave()
  }

  #leave(): void {
    this.#stepDown('the ensemble goes on without us')
  }

  #deliver(): void {
    this.#state.deliver(this.#broadcast.committed)
    this.#reconfiguration.maybeActivate()
  }

  // --- transfer of leadership ----------------------------------------------------------------------

  /** Begins to hand leadership over, if a server can take it (transfer.ts). */
  transfer(nowMs: number, request: TransferRequest): void {
    this.#succession.request(nowMs, request, this.#obstacle)
  }

  /** Why no other server can begin another epoch now. */
  get #obstacle(): string | undefined {
    if (!this.broadcasting) return 'the epoch of this leader has not begun yet'
    return this.#epoch >= epochMax ? 'there are no more epochs' : undefined
  }

  /** Nothing is in flight any more; `drain` asked for it. */
  drained(): void {
    this.#succession.drained()
  }

  // --- leadership --------------------------------------------------------------------------------

  #ping(): void {
    const round = this.#check.nextRound()
    for (const [id] of this.#learners.sorted) {
      if (this.#succession.isHandingTo(id)) continue
      this.#state.send(id, { type: 'PING', round })
    }
  }

  #answered(from: ServerId, round: number): void {
    this.#check.answered(from, round)
    this.#maybeConfirm()
  }

  #maybeConfirm(): void {
    const token = this.#check.takeConfirmed()
    if (token === undefined) return
    this.#state.emit({ type: 'confirmed', token })
    if (this.#check.asking) this.#ping()
  }

  get #established(): boolean {
    return this.#phase === 'synchronization' || this.#phase === 'broadcast'
  }

  get #promised(): boolean {
    return this.#epoch > 0 && this.#state.saved.acceptedEpoch >= this.#epoch
  }

  get #ownEpochSaved(): boolean {
    return this.#epoch > 0 && this.#state.saved.currentEpoch >= this.#epoch
  }

  /** An observer that promised a later epoch as a voter does not count in this one. */
  #countsAck(from: ServerId, learner: Learner): boolean {
    return this.#isVoter(from) && learner.promisedEpoch <= this.#epoch
  }

  #isVoter(id: ServerId): boolean {
    return this.#state.membership.isVoter(id)
  }

  /** Drops a learner that violated the protocol. */
  #refuse(peer: ServerId, reason: string): void {
    this.#drop(peer, reason, { violation: true })
  }

  #drop(peer: ServerId, reason: string, { violation = false } = {}): void {
    this.#forget(peer)
    this.#state.disconnect(peer, reason, { violation })
  }

  #forget(peer: ServerId): void {
    this.#learners.delete(peer)
    this.#broadcast.forget(peer)
    this.#check.forget(peer)
    this.#succession.forget(peer)
  }

  /** Without a quorum that promised us the epoch, nothing more can be committed. */
  #maybeStepDown(): void {
    if (!this.#established || this.#next !== undefined) return
    if (!this.#discovery.keepsQuorum) this.#stepDown('a quorum is lost')
  }

  #stepDown(reason: string): void {
    this.#succession.abandon()
    for (const [id] of this.#learners.sorted) this.#drop(id, `we step down: ${reason}`)
    this.#next = { type: 'looking' }
  }
}
