// Zab meets the world: one inbox of ticks, messages and disk completions in; effects out, in order.
// It decides nothing. What one turn of the event loop proposed is sealed into one batch at its end, and
// goes to the disk after it was sent (turn.ts): PROPOSAL first, then acks, then fdatasync.
//
//   propose ─▶ batch ─ seal ─▶ zab ─ send ─▶ peer-link.ts
//                               │  append ─▶ txn-log.ts ─ durable ─▶ zab
//                               └─ deliver ─▶ request-processor/chain.ts

import type { Address } from '../../address.ts'
import type { Clock } from '../../clock.ts'
import { invariant } from '../../invariant.ts'
import { limits } from '../../limits.ts'
import type { Logger } from '../../logger.ts'
import type {
  LeaderMessage,
  LearnerMessage,
  PeerMessage,
  RoutedMessage,
} from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import type { Transport } from '../../protocol/transport/transport.ts'
import {
  counterOf,
  epochOf,
  formatZxid,
  makeZxid,
  nextZxid,
  type Zxid,
  zxidZero,
} from '../../protocol/zxid.ts'
import type { Turn } from '../../turn.ts'
import { Metrics } from '../metrics.ts'
import type { Snapshots } from '../storage/snapshots.ts'
import type { LogKept, TxnLog } from '../storage/txn-log.ts'
import { type EpochRange, lastOf } from '../zab/history.ts'
import type { Epochs, ZabEffect, ZabInput, ZabRole, ZabTiming } from '../zab/types.ts'
import { Zab } from '../zab/zab.ts'
import { AckTimes } from './ack-times.ts'
import { Confirmations } from './confirmations.ts'
import type { Ensemble, EnsembleListener, EnsembleRole } from './ensemble.ts'
import { membersOf } from './greeting.ts'
import { Hold } from './hold.ts'
import { epochsOf, type Meta, type MetaFile } from './meta.ts'
import { PeerLinks } from './peer-links.ts'
import { ProposalBatch } from './proposal-batch.ts'
import { RoleTimes } from './role-times.ts'
import { SnapshotTransfers } from './snapshot-transfers.ts'
import { Standstill } from './standstill.ts'
import { Undelivered } from './undelivered.ts'
import { WaitingNotice } from './waiting-notice.ts'

export interface EnsembleOptions {
  readonly self: ServerId
  /** Drawn at random when the process starts; see PeerHello. */
  readonly instance: number
  /** Every server of the ensemble by its peer address, this one included. */
  readonly servers: ReadonlyMap<ServerId, Address>
  /** where to listen for them; at our own address of `servers` if not given */
  readonly listen?: Address
  readonly meta: Meta
  readonly metaFile: MetaFile
  readonly txnLog: TxnLog
  /** what the log holds */
  readonly logged: readonly EpochRange[]
  /** what stays in the log, though the tree on the disk has it; all, if undefined */
  readonly logKept?: LogKept
  readonly snapshots: Snapshots
  /** what the tree has applied */
  readonly lastApplied: Zxid
  readonly timing: ZabTiming
  /** See `ZabOptions`. */
  readonly bootstrap?: boolean
  /** The counter from which a leader begins a new epoch, so that this one's never ends. */
  readonly handoverAt?: number
  /** used if this server leads the ensemble's first epoch */
  readonly newEnsembleId: string
  readonly transport: Transport
  readonly turn: Turn
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics?: Metrics | undefined
  /** Shown each effect before it is performed. */
  readonly witness?: ((effect: ZabEffect) => void) | undefined
  /** Going on could lose data: the process must end. */
  readonly onFailure: (error: Error) => void
}

export class EnsembleDriver implements Ensemble {
  readonly self: ServerId
  readonly #options: EnsembleOptions
  #txnLog: TxnLog
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #links: PeerLinks
  readonly #zab: Zab
  #listener: EnsembleListener | undefined
  #meta: Meta
  #role: EnsembleRole = { type: 'looking' }

  readonly #inbox: ZabInput[] = []
  #stepping = false
  readonly #standstill: Standstill
  readonly #waitingNotice: WaitingNotice
  #stopTicking: (() => void) | undefined
  #stopped = false

  readonly #turn: Turn
  readonly #sealBatch = () => this.#seal()
  readonly #syncLog = () => this.#flushLog()
  readonly #batch = new ProposalBatch()
  /** What the next proposal is for, while leading. */
  #next: Zxid = zxidZero
  readonly #undelivered: Undelivered
  readonly #deliverOne = (zxid: Zxid, payload: Buffer) => this.#delivered(zxid, payload)
  #purging = false
  readonly #transfers: SnapshotTransfers
  readonly #hold: Hold

  readonly #metrics: Metrics
  readonly #times: RoleTimes
  readonly #ackTimes: AckTimes
  readonly #confirmations = new Confirmations()

  constructor(options: EnsembleOptions) {
    const { self, servers, meta, clock, logger, transport, lastApplied, timing } = options
    const nowMs = clock.nowMs()
    this.self = self
    this.#options = options
    this.#turn = options.turn
    this.#txnLog = options.txnLog
    this.#clock = clock
    this.#logger = logger
    this.#meta = meta
    this.#undelivered = new Undelivered(options.txnLog, lastApplied)
    this.#standstill = new Standstill({ leaderTimeoutMs: timing.leaderTimeoutMs, nowMs })
    this.#waitingNotice = new WaitingNotice(nowMs)
    this.#metrics = options.metrics ?? new Metrics()
    this.#times = new RoleTimes(this.#metrics, nowMs)
    this.#ackTimes = new AckTimes(this.#metrics)
    this.#transfers = this.#makeTransfers()
    this.#hold = new Hold(options.handoverAt)
    this.#zab = new Zab(
      {
        self,
        voters: [...servers.keys()],
        epochs: epochsOf(meta),
        logBase: options.txnLog.baseZxid,
        logged: options.logged,
        lastApplied,
        timing,
        bootstrap: options.bootstrap ?? false,
        newEnsembleId: options.newEnsembleId,
      },
      nowMs,
    )
    this.#links = new PeerLinks({
      self,
      instance: options.instance,
      members: membersOf(servers),
      peers: new Map([...servers].filter(([id]) => id !== self)),
      membership: () => ({
        ensembleId: this.#zab.epochs.ensembleId,
        holdsHistory: this.#zab.ensembleId !== undefined,
      }),
      transport,
      clock,
      logger,
      onConnected: (peer, { isMember }) => this.#put({ type: 'connected', peer, isMember }),
      onMember: (peer) => this.#put({ type: 'member', peer }),
      onDisconnected: (peer) => {
        this.#transfers.abort(peer)
        this.#put({ type: 'disconnected', peer })
      },
      onMessage: (peer, message) => this.#received(peer, message),
    })
  }

  // --- Ensemble ----------------------------------------------------------------------------------

  get ensembleId(): string | undefined {
    return this.#zab.epochs.ensembleId
  }

  get role(): EnsembleRole {
    return this.#role
  }

  /** What a leader knows of its followers. */
  get followers(): Zab['followers'] {
    return this.#zab.followers
  }

  /** When this server began to lead; undefined while it does not. */
  get leadingSinceMs(): number | undefined {
    return this.#times.leadingSinceMs
  }

  /** Leader only: what waits for the word of a quorum that it leads. */
  get confirmationCount(): number {
    return this.#confirmations.count
  }

  /** Where peers reach this server; undefined when it stands alone. */
  get peerPort(): number | undefined {
    return this.#links.port
  }

  get inFlight(): number {
    if (this.#role.type !== 'leading') return 0
    const { epoch } = this.#role
    const { delivered } = this.#undelivered
    const deliveredCount = epochOf(delivered) === epoch ? counterOf(delivered) : 0
    return counterOf(this.#next) - 1 - deliveredCount
  }

  get mayAnswer(): boolean {
    this.#noteRunning(this.#clock.nowMs())
    return !this.#standstill.isDoubtful
  }

  get handingOver(): boolean {
    return this.#hold.isHolding
  }

  nextZxid(): Zxid {
    invariant(this.#role.type === 'leading', 'only a leader gives out zxids')
    return this.#next
  }

  propose(zxid: Zxid, payload: Uint8Array): void {
    invariant(zxid === this.nextZxid(), 'our zxids have no gaps')
    if (this.#batch.bytes > limits.proposalBatchBytesMax) this.#seal()
    this.#batch.add(zxid, payload)
    this.#next = nextZxid(zxid)
    this.#turn.seal(this.#sealBatch)
    this.#hold.proposed(zxid)
  }

  sendToLeader(message: LearnerMessage): void {
    const role = this.#role
    invariant(role.type !== 'looking', 'there is a leader to send to')
    if (role.type === 'leading') this.#fromLearner(this.self, message)
    else this.#links.send(role.leader, message)
  }

  sendToLearner(learner: ServerId, message: LeaderMessage): void {
    invariant(this.#role.type === 'leading', 'only a leader has learners')
    if (learner === this.self) this.#listener?.fromLeader(message)
    else this.#links.send(learner, message)
  }

  sendToLearners(message: LeaderMessage): void {
    invariant(this.#role.type === 'leading', 'only a leader has learners')
    for (const peer of this.#options.servers.keys()) {
      if (peer !== this.self) this.#links.send(peer, message)
    }
  }

  confirmLeadership(confirmed: () => void): void {
    invariant(this.#role.type === 'leading', 'only a leader can be confirmed')
    this.#put({ type: 'confirm', token: this.#confirmations.add(confirmed) })
  }

  // --- life --------------------------------------------------------------------------------------

  /**
   * Listens for peers and begins to look for a leader.
   *
   * @throws as `net.Server.listen` does: EADDRINUSE, EACCES …
   */
  async start(listener: EnsembleListener): Promise<void> {
    this.#listener = listener
    const { self, servers, timing } = this.#options
    const address = this.#options.listen ?? servers.get(self)
    if (servers.size > 1 && address !== undefined) await this.#links.listen(address)
    this.#perform(this.#zab.start())
    this.#links.dialAll()
    this.#stopTicking = this.#clock.every(timing.pingMs / 2, () => {
      this.#put({ type: 'tick' })
      this.#maybeHandOver()
      this.#maybeSayWhy()
    })
  }

  #maybeSayWhy(): void {
    const { waiting } = this.#zab
    const message = this.#waitingNotice.take(this.#clock.nowMs(), waiting)
    if (message === undefined || waiting === undefined) return
    const { missing, initialised } = waiting
    this.#logger.warn({ missing, initialised }, message)
  }

  /** Everything in the log up to `zxid` survives a power cut: from the owner of the log. */
  logged(zxid: Zxid): void {
    this.#put({ type: 'logged', zxid })
  }

  /**
   * The tree on the disk shows everything up to `zxid`, also after a power cut: from the owner of the
   * tree. The log may forget it, but for what is kept for learners. `meta` says so first: the log may
   * begin before what `meta` says, never after.
   */
  persisted(zxid: Zxid): void {
    const kept = this.#options.logKept
    if (kept === undefined || this.#purging || this.#transfers.isInstalling) return
    if (this.#stopped || !this.#zab.mayPurge) return
    const log = this.#txnLog
    const point = log.purgePoint(zxid, kept)
    if (point === undefined) return
    this.#purging = true
    this.#saveMeta({ logBaseZxid: point.base }, () => {
      this.#purging = false
      // A learner may need what was to be dropped by now; the next time is soon enough.
      if (this.#stopped || this.#txnLog !== log || !this.#zab.mayPurge) return
      this.#logger.info({ base: formatZxid(point.base) }, 'Purging the log')
      this.#put({ type: 'purged', base: point.base })
      log.purge(point)
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#stopTicking?.()
    await this.#links.close()
    await this.#transfers.close()
  }

  // --- inbox -------------------------------------------------------------------------------------

  #received(from: ServerId, message: RoutedMessage): void {
    switch (message.type) {
      case 'REQUEST':
      case 'ATTACH':
      case 'SYNC':
      case 'TOUCH':
        // Its sender may have followed us a moment ago; the link that says otherwise is closed. A peer
        // that has not taken our history has no clients of ours.
        if (this.#role.type === 'leading' && this.#zab.hasLearner(from)) {
          this.#fromLearner(from, message)
        }
        return
      case 'ATTACHED':
      case 'SYNCED':
      case 'MOVED':
      case 'DIGEST':
        if (this.#role.type === 'following' && this.#role.leader === from) {
          this.#listener?.fromLeader(message)
        }
        return
      case 'NOTIFICATION':
      case 'CEPOCH':
      case 'NEWEPOCH':
      case 'ACKEPOCH':
      case 'DIFF':
      case 'TRUNC':
      case 'SNAP':
      case 'ACKSNAP':
      case 'PROPOSAL':
      case 'NEWLEADER':
      case 'ACKNEWLEADER':
      case 'UPTODATE':
      case 'ACK':
      case 'COMMIT':
      case 'PING':
      case 'PONG':
        if (message.type === 'PROPOSAL') this.#metrics.proposalsReceived += message.entries.count
        else if (message.type === 'COMMIT') this.#metrics.commitsReceived++
        this.#put({ type: 'received', from, message })
        return
      case 'SNAPCHUNK':
      case 'SNAPEND':
      case 'SNAPTAKEN':
        this.#transfers.message(from, message)
    }
  }

  #fromLearner(from: ServerId, message: LearnerMessage): void {
    if (!this.#hold.maybeHold(from, message)) this.#listener?.fromLearner(from, message)
  }

  #maybeHandOver(): void {
    if (!this.#hold.isHolding || this.inFlight > 0 || this.#confirmations.count > 0) return
    this.#put({ type: 'handover' })
  }

  /** Inputs that arise while one is handled wait until all of its effects are performed. */
  #put(input: ZabInput): void {
    if (this.#stopped) return
    this.#inbox.push(input)
    if (this.#stepping) return
    this.#stepping = true
    for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) {
      this.#step(next)
    }
    this.#stepping = false
  }

  #step(input: ZabInput): void {
    const nowMs = this.#clock.nowMs()
    this.#noteRunning(nowMs)
    this.#perform(this.#zab.step(nowMs, input))
  }

  #noteRunning(nowMs: number): void {
    const stoodStillMs = this.#standstill.noteRunning(nowMs, this.#role.type === 'leading')
    if (stoodStillMs === undefined) return
    this.#logger.warn({ stoodStillMs: Math.round(stoodStillMs) }, 'This process stood still')
    this.confirmLeadership(() => {
      this.#standstill.resolve()
      this.#listener?.resumed()
    })
  }

  // --- effects -----------------------------------------------------------------------------------

  #perform(effects: readonly ZabEffect[]): void {
    for (const effect of effects) {
      this.#options.witness?.(effect)
      this.#performOne(effect)
    }
  }

  #performOne(effect: ZabEffect): void {
    switch (effect.type) {
      case 'send':
        if (effect.message.type === 'DIFF') this.#metrics.diffs++
        return this.#links.send(effect.to, effect.message)
      case 'sendHistory':
        return this.#sendHistory(effect.to, effect.after, effect.upTo)
      case 'sendSnapshot':
        return this.#sendSnapshot(effect.to)
      case 'receiveSnapshot':
        return this.#receiveSnapshot(effect.from)
      case 'installSnapshot':
        return this.#installSnapshot(effect.zxid)
      case 'append':
        this.#undelivered.keep(effect.entries)
        this.#txnLog.append(effect.entries)
        return this.#turn.sync(this.#syncLog)
      case 'truncate':
        this.#undelivered.forget()
        this.#logger.warn({ to: formatZxid(effect.to) }, 'Cutting what was never committed')
        return this.#txnLog.truncateAfter(effect.to, () => this.#put({ type: 'truncated' }))
      case 'saveEpochs':
        return this.#saveEpochs(effect.epochs)
      case 'deliver':
        return this.#deliver(effect.upTo)
      case 'disconnect':
        this.#logger[effect.violation ? 'warn' : 'info'](
          { peer: effect.peer, reason: effect.reason },
          'Closing a peer link',
        )
        this.#transfers.abort(effect.peer)
        if (effect.violation) return this.#links.refuse(effect.peer, effect.reason)
        return this.#links.disconnect(effect.peer)
      case 'role':
        return this.#changeRole(effect.role)
      case 'confirmed':
        return this.#confirmations.confirmed(effect.token)
      case 'fatal':
        return this.#options.onFailure(new Error(effect.reason))
    }
  }

  #sendHistory(to: ServerId, after: Zxid, upTo: Zxid): void {
    let sent = after
    this.#logger.info({ to, after: formatZxid(after), upTo: formatZxid(upTo) }, 'Sending history')
    const next = (): PeerMessage | undefined => {
      if (sent >= upTo) return undefined
      const bytesMax = limits.historyChunkBytes
      const entries = this.#txnLog.readEntries({ after: sent, upTo, bytesMax })
      sent = lastOf(entries)
      return { type: 'PROPOSAL', entries }
    }
    this.#links.stream(to, { next })
  }

  #sendSnapshot(to: ServerId): void {
    this.#logger.info({ to }, 'Sending the tree')
    this.#metrics.snapshots++
    this.#links.stream(to, this.#transfers.sendTo(to))
  }

  #receiveSnapshot(from: ServerId): void {
    this.#logger.info({ from }, 'Receiving the tree')
    this.#transfers.receiveFrom(from)
  }

  #installSnapshot(zxid: Zxid): void {
    this.#transfers.install(
      // biome-ignore lint/plugin/noObjectSpread: once per snapshot
      (place) => new Promise((saved) => this.#saveMeta({ ...place, logBaseZxid: zxid }, saved)),
      (log, { treeDir, logDir }) => {
        this.#txnLog = log
        this.#undelivered.restartAfter(zxid, log)
        const facts = { zxid: formatZxid(zxid), treeDir, logDir }
        this.#logger.info(facts, 'The tree received is in force')
        this.#put({ type: 'snapshotInstalled', zxid })
      },
    )
  }

  #makeTransfers(): SnapshotTransfers {
    return new SnapshotTransfers(this.#options.snapshots, {
      resume: (to) => this.#links.resume(to),
      taken: (from, count) => this.#links.send(from, { type: 'SNAPTAKEN', count }),
      received: (zxid) => this.#put({ type: 'snapshotReceived', zxid }),
      refused: (from, error) => {
        this.#logger.warn({ from, reason: error.message }, 'Refused a tree')
        this.#links.disconnect(from)
        this.#put({ type: 'disconnected', peer: from })
      },
      onFailure: this.#options.onFailure,
    })
  }

  #saveEpochs(epochs: Epochs): void {
    const before = this.#meta
    const { acceptedEpoch, currentEpoch, initialised, ensembleId = null } = epochs
    const change = { acceptedEpoch, currentEpoch, initialised, ensembleId }
    this.#saveMeta(change, () => {
      this.#put({ type: 'epochsSaved', epochs })
      if (before.ensembleId !== ensembleId) this.#links.membershipChanged()
      // A server of a new ensemble counts before its first epoch is current.
      if (before.initialised || !initialised || currentEpoch === 0) return
      this.#logger.warn({}, "This server had no data; it has the leader's now, and counts")
    })
  }

  #saveMeta(change: Partial<Meta>, saved: () => void): void {
    // biome-ignore lint/plugin/noObjectSpread: each save is a write of a file
    this.#meta = { ...this.#meta, ...change }
    this.#options.metaFile.save(this.#meta, (error) => {
      if (error === null) saved()
      else this.#options.onFailure(error)
    })
  }

  #deliver(upTo: Zxid): void {
    this.#undelivered.deliver(upTo, this.#deliverOne)
    if (this.#ackTimes.isWaiting) this.#ackTimes.delivered(upTo, this.#clock.nowMs())
  }

  #delivered(zxid: Zxid, payload: Buffer): void {
    if (this.#role.type === 'leading') this.#metrics.committed++
    this.#listener?.deliver(zxid, payload)
  }

  #changeRole(zabRole: ZabRole): void {
    const role: EnsembleRole =
      zabRole.type === 'looking' || zabRole.epoch === 0 ? { type: 'looking' } : zabRole
    // biome-ignore lint/plugin/noObjectSpread: once per change of role
    const facts = { ...zabRole, zxid: formatZxid(this.#zab.lastZxid) }
    this.#logger.info(facts, roleSentence(zabRole))
    this.#times.changed(zabRole, this.#clock.nowMs())
    if (role.type === 'looking' && this.#role.type === 'looking') return
    // From one epoch of a leader to its next: nothing was in flight, and nobody lost his leader.
    const handover = role.type !== 'looking' && role.type === this.#role.type
    const held = this.#hold.end()
    this.#role = role
    this.#batch.clear()
    this.#ackTimes.clear()
    if (role.type === 'leading') this.#next = makeZxid({ epoch: role.epoch, counter: 1 })
    if (!handover) {
      this.#confirmations.clear()
      this.#standstill.resolve()
      this.#listener?.roleChanged(role)
    } else for (const { from, message } of held) this.#fromLearner(from, message)
  }

  // --- end of a turn -----------------------------------------------------------------------------

  #seal(): void {
    const entries = this.#batch.take()
    if (entries === undefined) return
    this.#ackTimes.proposed(lastOf(entries), this.#clock.nowMs())
    this.#put({ type: 'proposed', entries })
  }

  #flushLog(): void {
    if (!this.#stopped) this.#txnLog.flush()
  }
}

function roleSentence(role: ZabRole): string {
  switch (role.type) {
    case 'looking':
      return 'Looking for a leader'
    case 'following':
      return role.epoch === 0 ? 'Joining a leader' : 'Following'
    case 'leading':
      return role.epoch === 0 ? 'Elected, preparing to lead' : 'Leading'
  }
}
