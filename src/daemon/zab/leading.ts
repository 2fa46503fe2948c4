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
// Next on the path: storage/txn-log.ts here, and following.ts at each learner.

import { Fifo } from '../../fifo.ts'
import { invariant } from '../../invariant.ts'
import { type Entries, lastOf } from '../../protocol/peer/entries.ts'
import type { Notification, ZabMessage } from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import { counterOf, epochMax, epochOf, type Zxid } from '../../protocol/zxid.ts'
import { Broadcast } from './broadcast.ts'
import type { ProposedConfiguration } from './configuration.ts'
import { LeadershipCheck } from './leadership-check.ts'
import { Learner } from './learner.ts'
import { Membership } from './membership.ts'
import type { NextRole, Role } from './role.ts'
import type { ServerState } from './server-state.ts'
import { decideSync } from './synchronization.ts'
import {
  type Candidate,
  type Choice,
  chooseSuccessor,
  Transfer,
  type TransferRequest,
} from './transfer.ts'
import { isWorkingLeader } from './vote.ts'

type Phase = 'discovery' | 'promising' | 'settling' | 'synchronization' | 'broadcast'

/** The servers that are connected to us as their leader, and of these the ones in step. */
export interface LearnerCounts {
  readonly connected: number
  readonly syncedFollowers: number
  readonly syncedObservers: number
}

export type ReconfigurationVerdict =
  | 'possible'
  /** the last change is not done yet */
  | 'in progress'
  /** a majority of the new voters is not in step with us, or cannot count in our epoch */
  | 'no quorum'

export class Leading implements Role {
  readonly type = 'leading'
  readonly #state: ServerState
  /** when this server began to ask for promises of its epoch */
  #startedMs: number
  readonly #learners = new Map<ServerId, Learner>()
  /** The learners by ascending id; undefined after a change. */
  #sorted: readonly (readonly [ServerId, Learner])[] | undefined
  /** Proposals that are not committed yet, for the observers. */
  readonly #uncommitted = new Fifo<Entries>()
  readonly #check: LeadershipCheck
  #phase: Phase = 'discovery'
  /** 0 until it is chosen */
  #epoch = 0
  /** This is the ensemble's first epoch: no known voter has ever held a history. */
  #first = false
  #broadcast: Broadcast
  /** The activation of the last configuration was asked for. */
  #activates = false
  #nextPingMs: number
  #next: NextRole | undefined
  #transfer: Transfer | undefined
  #transferCount = 0

  constructor(state: ServerState, nowMs: number, { continues }: { readonly continues: boolean }) {
    this.#state = state
    this.#startedMs = nowMs
    this.#nextPingMs = nowMs + state.timing.pingMs
    this.#broadcast = new Broadcast(state, state.delivered)
    this.#check = new LeadershipCheck(state)
    state.emit({ type: 'role', role: { type: 'leading', epoch: 0 }, continues })
    this.#advance(nowMs)
  }

  get learnerCounts(): LearnerCounts {
    const { membership } = this.#state
    const synced = [...this.#learners].filter(([, { phase }]) => phase.type === 'synced')
    const syncedFollowers = synced.filter(([id]) => membership.isVoter(id)).length
    const syncedObservers = synced.length - syncedFollowers
    return { connected: this.#learners.size, syncedFollowers, syncedObservers }
  }

  /** Holds during a handover to the next epoch too. */
  hasLearner(peer: ServerId): boolean {
    return this.#learners.get(peer)?.initialised === true
  }

  /** Whether `next` may be proposed as the next configuration. */
  judgeConfiguration(next: ProposedConfiguration): ReconfigurationVerdict {
    const { self } = this.#state
    if (!this.broadcasting || !this.#isSettled || this.#transfer !== undefined) return 'in progress'
    const isInStep = (voter: ServerId): boolean => {
      const learner = this.#learners.get(voter)
      return (
        voter === self || (learner?.phase.type === 'synced' && learner.promisedEpoch <= this.#epoch)
      )
    }
    const { quorum } = new Membership(this.#state.electorateOf(next))
    return quorum.has(isInStep) ? 'possible' : 'no quorum'
  }

  /** The last configuration is active, and delivered. */
  get #isSettled(): boolean {
    const { configurations, delivered } = this.#state
    return !configurations.isJoint && configurations.since <= delivered
  }

  get synchronizing(): boolean {
    const learners = [...this.#learners.values()]
    return learners.some(({ isSynchronizing }) => isSynchronizing)
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
    const { discoveryTimeoutMs, pingMs, syncTimeoutMs } = this.#state.timing
    if (!this.#established && nowMs - this.#startedMs > discoveryTimeoutMs) {
      this.#stepDown('no quorum promised itself to the new epoch in time')
      return
    }
    for (const [id, learner] of this.#sortedLearners()) {
      const allowedMs =
        learner.phase.type === 'synced' ? this.#state.patience.allowedMs(nowMs) : syncTimeoutMs
      if (nowMs - learner.heardMs > allowedMs) this.#drop(id, 'it was silent for too long')
    }
    if (this.#transfer !== undefined && nowMs > this.#transfer.deadlineMs) {
      this.#giveUpTransfer('it took too long')
    }
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
        if (message.role === 'leading') this.#maybeHandOver(from)
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
        return this.#maybeName()
      case 'PONG':
        if (learner === undefined) break
        if (learner.phase.type === 'synced') this.#answered(from, message.round)
        return
      case 'CONFIGURATION':
        return
      case 'HELD':
        if (learner?.mayBeLate === true) return
        if (learner?.phase.type !== 'synced') break
        if (message.attempt === this.#transfer?.attempt) this.#transfer.held(from)
        return this.#maybeDrain()
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
    this.#maybeName()
  }

  /** Only while broadcasting: logs and proposes transactions that this server created. */
  proposed(entries: Entries): void {
    invariant(this.broadcasting, 'only a leader of an established epoch proposes')
    invariant(epochOf(entries.first) === this.#epoch, 'a leader proposes in its own epoch')
    invariant(this.#transfer?.isHanding !== true, 'a leader that hands over proposes nothing')
    const { since } = this.#state.configurations
    this.#state.append(entries)
    if (this.#state.configurations.since !== since) this.#reconfigured(since)
    let hasObservers = false
    for (const [id, learner] of this.#sortedLearners()) {
      if (!learner.takesProposals) continue
      if (this.#isVoter(id)) this.#propose(id, learner, entries)
      else hasObservers = true
    }
    if (hasObservers) this.#uncommitted.push(entries)
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
    const { configurations, delivered } = this.#state
    invariant(since <= delivered, 'a change of the configuration begins when the last one is done')
    invariant(
      configurations.isJoint || this.#activates,
      'a configuration is activated once it is committed',
    )
    this.#activates = false
    for (const [id, learner] of this.#sortedLearners()) {
      if (!learner.takesProposals || !this.#isVoter(id)) continue
      for (const entries of this.#uncommitted) {
        if (entries.first > learner.sentUpTo) this.#propose(id, learner, entries)
      }
    }
  }

  /**
   * Begins the next epoch with the same learners, from `promising` on, but only when all that vote
   * have all of this one: then nothing of it can arrive late, and its last transaction is every
   * learner's last; observers were sent all that is committed. Learners that are still synchronizing start over, since clients wait for the
   * handover.
   */
  handover(nowMs: number): void {
    const { delivered, history } = this.#state
    const { last } = history
    if (this.#transfer !== undefined) return
    if (!this.broadcasting || this.#broadcast.committed < last || delivered < last) return
    if (this.#epoch >= epochMax) return this.#stepDown('there are no more epochs')
    for (const [id, { phase }] of this.#learners) {
      const logged = this.#isVoter(id) ? this.#broadcast.loggedBy(id) : last
      if (phase.type === 'synced' && logged !== last) return
    }
    for (const [id, { phase }] of this.#sortedLearners()) {
      if (phase.type !== 'synced') this.#drop(id, 'we begin another epoch')
    }
    this.#startedMs = nowMs
    this.#epoch++
    this.#first = false
    this.#phase = 'promising'
    this.#broadcast = new Broadcast(this.#state, last)
    this.#activates = false
    for (const [id, learner] of this.#learners) {
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

  #cepoch(
    nowMs: number,
    from: ServerId,
    { acceptedEpoch, currentEpoch, initialised }: Extract<ZabMessage, { type: 'CEPOCH' }>,
  ): void {
    const counts = initialised && this.#isVoter(from) && this.#state.isMember(from)
    const ours = this.#state.epochs.acceptedEpoch
    if (counts && !this.#believes(nowMs, acceptedEpoch)) {
      return this.#refuse(from, `its epoch ${acceptedEpoch} is far beyond ours, ${ours}`)
    }
    const hasPromised = initialised && this.#state.isMember(from)
    const joining = {
      acceptedEpoch: counts ? acceptedEpoch : 0,
      promisedEpoch: hasPromised ? acceptedEpoch : 0,
      currentEpoch,
      initialised: counts,
      nowMs,
    }
    this.#learners.set(from, new Learner(joining))
    this.#sorted = undefined
    if (this.#epoch === 0) return this.#advance(nowMs)
    if (counts && acceptedEpoch > this.#epoch) {
      return this.#stepDown(`server ${from} accepted the later epoch ${acceptedEpoch}`)
    }
    if (this.#promised) this.#announceEpoch()
  }

  /** Whether to believe that a learner accepted `claimed`; if not, a later attempt may succeed. */
  #believes(nowMs: number, claimed: number): boolean {
    const { epochBound, epochs } = this.#state
    const { acceptedEpoch } = epochs
    if (epochBound.believes(nowMs, claimed, acceptedEpoch)) return true
    // Our acceptedEpoch may rise only before the new epoch has its number.
    if (this.#phase !== 'discovery') return false
    const raised = epochBound.raised(nowMs, claimed, acceptedEpoch)
    if (raised > acceptedEpoch) this.#state.saveEpochs({ acceptedEpoch: raised })
    return false
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
      if (newer && this.#counts(from)) {
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
    if (this.#transfer?.isHolding === true) this.#sendHold(from, this.#transfer)
    if (more) this.#committed()
  }

  /** Takes every step whose conditions hold now. */
  #advance(nowMs: number): void {
    const state = this.#state
    const { quorum, self } = state
    if (this.#phase === 'discovery') {
      this.#first = this.#isFirst()
      const present = (voter: ServerId): boolean => voter === self || this.#learners.has(voter)
      if (!quorum.has((voter) => present(voter) && (this.#first || this.#counts(voter)))) return
      const accepted = [...this.#learners.values()].map((learner) => learner.acceptedEpoch)
      const epoch = Math.max(state.epochs.acceptedEpoch, ...accepted) + 1
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
      const promised = (voter: ServerId): boolean => {
        const phase = this.#learners.get(voter)?.phase
        return voter === self || (phase?.type === 'promised' && phase.counts)
      }
      const everybody = this.#first && !state.bootstrap
      const enough = everybody
        ? quorum.all(promised)
        : quorum.has((voter) => promised(voter) && this.#counts(voter))
      if (!enough) return
      this.#phase = 'settling'
      this.#announceEpoch() // to observers
    }
    if (this.#phase === 'settling') {
      // Our log is the epoch's initial history: it must be durable before the epoch is saved.
      if (state.rewriting || state.durable < state.history.last) return
      if (state.epochs.currentEpoch < this.#epoch) {
        const ensembleId = state.epochs.ensembleId ?? state.newEnsembleId
        state.saveEpochs({ currentEpoch: this.#epoch, initialised: true, ensembleId })
      }
      this.#phase = 'synchronization'
    }
    for (const [id, learner] of this.#sortedLearners()) {
      const from = learner.syncsFrom
      if (from !== undefined) this.#synchronize(nowMs, id, learner, from)
    }
    if (this.#phase !== 'synchronization' || !this.#ownEpochSaved) return
    // The learners' disks worked in parallel with ours; our own ack counts only now.
    this.#broadcast.acked(self, state.durable)
    if (this.#broadcast.settled) this.#establish()
  }

  /**
   * Whether no voter has ever held a history: each one said so on its current link, or the operator
   * vouches for the absent ones with --bootstrap. A history that exists after all would be lost.
   */
  #isFirst(): boolean {
    const { bootstrap, epochs, quorum, self } = this.#state
    return quorum.all((voter) => {
      const learner = this.#learners.get(voter)
      const currentEpoch = voter === self ? epochs.currentEpoch : learner?.currentEpoch
      return currentEpoch === undefined ? bootstrap : currentEpoch === 0
    })
  }

  #counts(voter: ServerId): boolean {
    const { epochs, self } = this.#state
    if (voter === self) return epochs.initialised
    return this.#learners.get(voter)?.initialised === true
  }

  /**
   * Sends NEWEPOCH once per learner, and only after our own promise is durable; to an observer, only
   * after a quorum's, so that an observer knows no epoch that the voters do not.
   */
  #announceEpoch(): void {
    for (const [id, learner] of this.#sortedLearners()) {
      if (learner.phase.type !== 'joined') continue
      if (this.#phase === 'promising' && !this.#isVoter(id)) continue
      const isFirst = this.#first && this.#phase === 'promising'
      learner.ask({ founds: isFirst })
      const founds = isFirst ? this.#state.epochs.ensembleId : undefined
      const asksForPromise = this.#isVoter(id)
      this.#state.send(id, { type: 'NEWEPOCH', epoch: this.#epoch, founds, asksForPromise })
    }
  }

  /**
   * From here on every proposal reaches the learner: the history sent ends where our log ends now,
   * and NEWLEADER follows it. A learner that needs our tree gets that first, and nothing else until
   * it has it, so that no proposals pile up in memory for it.
   */
  #synchronize(nowMs: number, id: ServerId, learner: Learner, lastZxid: Zxid): void {
    const state = this.#state
    const { history } = state
    const sync = decideSync(lastZxid, history)
    learner.heardMs = nowMs
    state.send(id, sync)
    if (sync.type === 'SNAP') {
      learner.sendSnapshot()
      state.emit({ type: 'sendSnapshot', to: id })
      return
    }
    const after = sync.type === 'DIFF' ? sync.after : sync.to
    if (after < history.last) state.emit({ type: 'sendHistory', to: id, after, upTo: history.last })
    const ensembleId = state.epochs.ensembleId ?? state.newEnsembleId
    state.send(id, { type: 'NEWLEADER', epoch: this.#epoch, ensembleId })
    learner.sync(history.last)
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
    for (const [id, learner] of this.#sortedLearners()) {
      if (learner.phase.type === 'synced') this.#sendUpToDate(id, learner)
    }
    this.#maybeActivate()
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
    const news = this.#takeCommitted(zxid)
    for (const [id, learner] of this.#sortedLearners()) {
      if (!this.#isVoter(id)) this.#inform(id, learner, zxid, news)
      else if (learner.phase.type === 'synced') {
        learner.told(zxid)
        this.#state.send(id, { type: 'COMMIT', zxid })
      }
    }
    this.#deliver()
    const { configurations, self } = this.#state
    const { isJoint, since } = configurations
    if (!isJoint && since <= zxid && !this.#isVoter(self)) this.#leave()
  }

  #leave(): void {
    this.#stepDown('the ensemble goes on without us')
  }

  #deliver(): void {
    this.#state.deliver(this.#broadcast.committed)
    this.#maybeActivate()
  }

  /** Asks for the activation of a configuration that is committed, once. */
  #maybeActivate(): void {
    const { configurations, delivered } = this.#state
    if (this.#activates || !configurations.isJoint || configurations.since > delivered) return
    this.#activates = true
    this.#state.emit({ type: 'activate' })
  }

  /** The batches of which everything is committed now. */
  #takeCommitted(zxid: Zxid): readonly Entries[] {
    const news: Entries[] = []
    for (let head = this.#uncommitted.head; head !== undefined; head = this.#uncommitted.head) {
      if (lastOf(head) > zxid) break
      news.push(head)
      this.#uncommitted.shift()
    }
    return news
  }

  /** Tells an observer what is committed: of the history that it was sent, and what came after. */
  #inform(id: ServerId, learner: Learner, committed: Zxid, news: readonly Entries[]): void {
    if (!learner.takesProposals) return
    const sent = committed < learner.sentUpTo ? committed : learner.sentUpTo
    if (learner.phase.type === 'synced' && sent > learner.toldUpTo) {
      learner.told(sent)
      this.#state.send(id, { type: 'COMMIT', zxid: sent })
    }
    for (const entries of news) {
      if (entries.first <= learner.sentUpTo) continue
      learner.told(lastOf(entries))
      this.#state.send(id, { type: 'INFORM', entries })
    }
  }

  // --- transfer of leadership ----------------------------------------------------------------------

  /** Begins to hand leadership over, if a server can take it (transfer.ts). */
  transfer(nowMs: number, request: TransferRequest): void {
    const choice = this.#chooseSuccessor(request)
    if (choice.type === 'refused') {
      const { reason } = choice
      return this.#state.emit({ type: 'transferRefused', reason })
    }
    const { successor } = choice
    const attempt = ++this.#transferCount
    const { discoveryTimeoutMs } = this.#state.timing
    const allowedMs = Math.max(discoveryTimeoutMs, 2 * this.#state.patience.allowedMs(nowMs))
    this.#transfer = new Transfer({ attempt, successor, deadlineMs: nowMs + allowedMs })
    this.#state.emit({ type: 'hold' })
    for (const id of this.#learnersInStep) this.#sendHold(id, this.#transfer)
  }

  /** Nothing is in flight any more; `drain` asked for it. */
  drained(): void {
    this.#transfer?.drained()
    this.#maybeName()
  }

  #chooseSuccessor(request: TransferRequest): Choice {
    const { self, membership, quorum } = this.#state
    const refused = (reason: string): Choice => ({ type: 'refused', reason })
    if (this.#transfer !== undefined) return refused('a transfer of leadership is in progress')
    if (!this.#isSettled) return refused('a change of the ensemble is in progress')
    if (!this.broadcasting) return refused('the epoch of this leader has not begun yet')
    if (this.#epoch >= epochMax) return refused('there are no more epochs')
    const candidates = this.#learnersInStep.flatMap((id): Candidate[] => {
      const logged = this.#broadcast.loggedBy(id)
      return logged === undefined || !membership.isVoter(id) ? [] : [{ id, logged }]
    })
    return chooseSuccessor(request, { self, voters: membership.voters, quorum, candidates })
  }

  get #learnersInStep(): ServerId[] {
    return this.#sortedLearners().flatMap(([id, { phase }]) =>
      phase.type === 'synced' ? [id] : [],
    )
  }

  #sendHold(to: ServerId, { attempt }: Transfer): void {
    this.#state.send(to, { type: 'HOLD', attempt })
  }

  #maybeDrain(): void {
    if (this.#transfer?.maybeDrain(this.#learnersInStep) !== true) return
    this.#state.emit({ type: 'drain' })
  }

  /** Tells the successor to lead, once that has everything on its disk, and we too. */
  #maybeName(): void {
    const transfer = this.#transfer
    if (transfer?.isDrained !== true || this.#next !== undefined || !this.#isSettled) return
    const { delivered, history } = this.#state
    const { successor } = transfer
    const { last: zxid } = history
    if (delivered !== zxid || this.#broadcast.loggedBy(successor) !== zxid) return
    transfer.hand()
    this.#state.send(successor, { type: 'SUCCESSOR', successor, zxid })
  }

  /** The successor leads: everybody follows it. Learners that hold nothing back start over. */
  #maybeHandOver(from: ServerId): void {
    const transfer = this.#transfer
    if (transfer?.isHanding !== true || from !== transfer.successor) return
    const { successor } = transfer
    const { last: zxid } = this.#state.history
    this.#transfer = undefined
    for (const [id] of this.#sortedLearners()) {
      if (id === successor) continue
      if (!transfer.hasHeld(id)) this.#drop(id, `server ${successor} leads from now on`)
      else {
        this.#state.send(id, { type: 'SUCCESSOR', successor, zxid })
        this.#state.endSession(id)
      }
    }
    this.#next = { type: 'following', leader: successor, continues: true }
  }

  #giveUpTransfer(why: string): void {
    const transfer = this.#transfer
    if (transfer === undefined) return
    const { successor, isHanding } = transfer
    this.#transfer = undefined
    // It may be about to lead, and must not find learners.
    if (isHanding && this.#learners.has(successor))
      this.#drop(successor, 'it did not take over in time')
    for (const id of this.#learnersInStep) this.#state.send(id, { type: 'RESUME' })
    this.#state.emit({ type: 'resume' })
    const reason = `server ${successor} could not take over: ${why}`
    this.#state.emit({ type: 'transferRefused', reason })
  }

  // --- leadership --------------------------------------------------------------------------------

  #ping(): void {
    const round = this.#check.nextRound()
    for (const [id] of this.#sortedLearners()) {
      // A successor that was told to lead has no leader that it could answer.
      if (this.#transfer?.isHanding === true && id === this.#transfer.successor) continue
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

  #sortedLearners(): readonly (readonly [ServerId, Learner])[] {
    this.#sorted ??= [...this.#learners].sort(([a], [b]) => a - b)
    return this.#sorted
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
    this.#sorted = undefined
    this.#broadcast.forget(peer)
    this.#check.forget(peer)
    this.#transfer?.forget(peer)
    if (this.#transfer?.successor === peer) this.#giveUpTransfer(`server ${peer} was lost`)
    else this.#maybeDrain()
  }

  /** Without a quorum that promised us the epoch, nothing more can be committed. */
  #maybeStepDown(): void {
    if (!this.#established || this.#next !== undefined) return
    const { quorum, self } = this.#state
    const withUs = (voter: ServerId): boolean => {
      const learner = this.#learners.get(voter)
      return voter === self || (learner?.hasPromised === true && this.#counts(voter))
    }
    if (!quorum.has(withUs)) this.#stepDown('a quorum is lost')
  }

  #stepDown(reason: string): void {
    this.#transfer = undefined
    for (const [id] of this.#sortedLearners()) this.#drop(id, `we step down: ${reason}`)
    this.#next = { type: 'looking' }
  }
}
