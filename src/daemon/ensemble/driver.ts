// The shell around Zab: one inbox of ticks, messages and disk completions in; effects out, in
// order. It decides nothing (the decisions lie beside it, each with its own file). The proposals of
// one turn of the event loop are sealed into one batch at its end, sent first and synced to disk
// afterwards (turn.ts): PROPOSAL, then acks, then fdatasync.
//
//   propose ─▶ proposals.ts ─ seal ─▶ zab ─ send ─▶ peer-link.ts
//                                      │  append ─▶ txn-log.ts ─ durable ─▶ zab
//                                      └─ deliver ─▶ undelivered.ts ─▶ request-processor/chain.ts
//
// Next on the path: proposals.ts.

import type { ListenAddress } from '../../address.ts'
import type { Clock } from '../../clock.ts'
import { invariant } from '../../invariant.ts'
import type { Logger } from '../../logger.ts'
import { lastOf } from '../../protocol/peer/entries.ts'
import type { LeaderMessage, LearnerMessage, ZabMessage } from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import { formatZxid, type Zxid, zxidZero } from '../../protocol/zxid.ts'
import type { Turn } from '../../turn.ts'
import { Metrics } from '../metrics.ts'
import type { TxnLog } from '../storage/txn-log.ts'
import {
  type ConfigurationState,
  isOfFiles,
  type ProposedConfiguration,
} from '../zab/configuration.ts'
import type { ReconfigurationVerdict } from '../zab/reconfiguration.ts'
import type { TransferRequest } from '../zab/transfer.ts'
import type { Epochs, ZabEffect, ZabInput, ZabOptions } from '../zab/types.ts'
import { Zab } from '../zab/zab.ts'
import { AckTimes } from './ack-times.ts'
import { Confirmations } from './confirmations.ts'
import type { Ensemble, EnsembleListener, EnsembleRole, TransferOutcome } from './ensemble.ts'
import type { EnsembleOptions } from './ensemble-options.ts'
import { describeMembers, membersOf } from './greeting.ts'
import { HistoryStream } from './history-stream.ts'
import { type Held, Hold } from './hold.ts'
import { Inbox } from './inbox.ts'
import { LeadershipTransfer } from './leadership-transfer.ts'
import { LinkNotices } from './link-notices.ts'
import { LinkOpener } from './link-opener.ts'
import { LogPurge } from './log-purge.ts'
import { changesIn } from './logged-changes.ts'
import { epochsOf, type Meta } from './meta.ts'
import { PeerLinks } from './peer-links.ts'
import { Proposals } from './proposals.ts'
import { peersOf, reachableIn } from './reachable.ts'
import { roleChange, roleSentence } from './role-change.ts'
import { RoleTimes } from './role-times.ts'
import { Routing } from './routing.ts'
import { SnapshotTransfers } from './snapshot-transfers.ts'
import { Standstill } from './standstill.ts'
import { Undelivered } from './undelivered.ts'
import { beginsToCount, WaitingNotice } from './waiting-notice.ts'

export class EnsembleDriver implements Ensemble {
  readonly self: ServerId
  readonly #options: EnsembleOptions
  #txnLog: TxnLog
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #links: PeerLinks
  readonly #opener: LinkOpener
  readonly #routing: Routing
  readonly #zab: Zab
  #listener: EnsembleListener | undefined
  #meta: Meta
  #role: EnsembleRole = { type: 'looking' }

  readonly #inbox = new Inbox<ZabInput>(
    (input) => this.#step(input),
    () => this.#maybeDrained(),
  )
  readonly #standstill: Standstill
  readonly #waitingNotice: WaitingNotice
  #stopTicking: (() => void) | undefined
  #stopped = false

  readonly #turn: Turn
  readonly #sealBatch = () => this.#seal()
  readonly #syncLog = () => this.#flushLog()
  readonly #proposals = new Proposals()
  readonly #undelivered: Undelivered
  readonly #deliverOne = (zxid: Zxid, payload: Buffer) => this.#delivered(zxid, payload)
  readonly #purge: LogPurge
  readonly #transfers: SnapshotTransfers
  readonly #hold: Hold

  readonly #metrics: Metrics
  readonly #times: RoleTimes
  readonly #ackTimes: AckTimes
  readonly #confirmations = new Confirmations()
  readonly #transfer = new LeadershipTransfer()

  constructor(options: EnsembleOptions) {
    const { self, servers, meta, clock, logger, transport, lastApplied, timing } = options
    const observers = options.observers ?? new Set<ServerId>()
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
    this.#purge = this.#makePurge()
    this.#hold = new Hold(options.handoverAt)
    this.#zab = new Zab(
      {
        self,
        voters: [...servers.keys()].filter((id) => !observers.has(id)),
        text: options.text ?? '',
        groupsIn: options.groupsIn,
        // biome-ignore lint/plugin/noObjectSpread: once per process
        ...this.#changing(),
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
    this.#routing = this.#makeRouting()
    const notices = new LinkNotices(logger, clock)
    this.#links = new PeerLinks({
      ensembleId: () => this.#zab.epochs.ensembleId,
      clock,
      notices,
      onConnected: (peer, { isMember, voters }) => {
        this.#put({ type: 'connected', peer, isMember, voters })
      },
      onMember: (peer) => this.#put({ type: 'member', peer }),
      onDisconnected: (peer) => {
        this.#transfers.abort(peer)
        this.#put({ type: 'disconnected', peer })
      },
      onRefused: (peer) => this.#opener.refused(peer),
      onMessage: (peer, message) => this.#routing.received(peer, message),
    })
    this.#opener = new LinkOpener({
      self,
      instance: options.instance,
      release: options.release,
      versions: options.peerVersions,
      members: membersOf(servers, observers),
      groups: options.groups,
      peers: peersOf(self, servers, observers),
      isOpen: options.changing !== undefined,
      membership: () => ({
        ensembleId: this.#zab.epochs.ensembleId,
        holdsHistory: this.#zab.ensembleId !== undefined,
      }),
      secret: options.secret,
      transport,
      verifiesDiallerHost: options.verifiesDiallerHost,
      clock,
      logger,
      notices,
      links: this.#links,
    })
  }

  // --- Ensemble ----------------------------------------------------------------------------------

  get ensembleId(): string | undefined {
    return this.#zab.epochs.ensembleId
  }

  get role(): EnsembleRole {
    return this.#role
  }

  /** A leader's count of its learners; undefined while this server does not lead. */
  get learnerCounts(): Zab['learnerCounts'] {
    return this.#zab.learnerCounts
  }

  /** With how many other servers it has a link. */
  get linkCount(): number {
    return this.#links.linkCount
  }

  /** When this server began to lead; undefined while it does not. */
  get leadingSinceMs(): number | undefined {
    return this.#times.leadingSinceMs
  }

  /** Leader only: how many calls wait for a quorum to confirm the leadership. */
  get confirmationCount(): number {
    return this.#confirmations.count
  }

  /** Where peers reach this server; undefined when it stands alone. */
  get peerPort(): number | undefined {
    return this.#opener.port
  }

  get configuration(): ConfigurationState {
    return this.#zab.configuration
  }

  judgeConfiguration(next: ProposedConfiguration): ReconfigurationVerdict {
    return this.#zab.judgeConfiguration(next) ?? 'in progress'
  }

  get inFlight(): number {
    return this.#proposals.inFlight(this.#undelivered.delivered)
  }

  get mayAnswer(): boolean {
    this.#noteRunning(this.#clock.nowMs())
    return !this.#standstill.isDoubtful
  }

  get handingOver(): boolean {
    return this.#hold.isHolding
  }

  nextZxid(): Zxid {
    return this.#proposals.next
  }

  propose(zxid: Zxid, payload: Uint8Array): void {
    if (this.#proposals.isFull) this.#seal()
    this.#proposals.add(zxid, payload)
    this.#turn.seal(this.#sealBatch)
    this.#hold.proposed(zxid)
  }

  sendToLeader(message: LearnerMessage): void {
    const role = this.#role
    invariant(role.type !== 'looking', 'there is a leader to send to')
    if (role.type === 'leading') this.#fromLearner(this.self, message)
    else if (!this.#hold.maybeHold(this.self, message, true)) this.#links.send(role.leader, message)
  }

  sendToLearner(learner: ServerId, message: LeaderMessage): void {
    invariant(this.#role.type === 'leading', 'only a leader has learners')
    if (learner !== this.self) return this.#links.send(learner, message)
    this.#listener?.fromLeader(message)
  }

  sendToLearners(message: LeaderMessage): void {
    invariant(this.#role.type === 'leading', 'only a leader has learners')
    for (const peer of this.#links.connected) this.#links.send(peer, message)
  }

  confirmLeadership(confirmed: () => void): void {
    invariant(this.#role.type === 'leading', 'only a leader can be confirmed')
    this.#put({ type: 'confirm', token: this.#confirmations.add(confirmed) })
  }

  transferLeadership(request: TransferRequest, done: (outcome: TransferOutcome) => void): void {
    if (this.#role.type !== 'leading') return done({ type: 'not leading' })
    const reason = this.#transfer.refusal(this.#hold)
    if (reason !== undefined) return done({ type: 'refused', reason })
    this.#transfer.asked(done)
    this.#put({ type: 'transfer', request })
  }

  // --- life --------------------------------------------------------------------------------------

  /**
   * Listens for peers and begins to look for a leader.
   *
   * @throws as `net.Server.listen` does: EADDRINUSE, EACCES …
   */
  async start(listener: EnsembleListener): Promise<void> {
    this.#listener = listener
    const { changing, self, servers, timing } = this.#options
    const mayHavePeers = servers.size > 1 || changing !== undefined
    const { listen = servers.get(self) ?? [] } = this.#options
    if (mayHavePeers) await this.#opener.listen(listen)
    this.#perform(this.#zab.start())
    this.#configured()
    this.#opener.dialAll()
    this.#stopTicking = this.#clock.every(timing.pingMs / 2, () => {
      this.#put({ type: 'tick' })
      this.#maybeHandOver()
      this.#maybeSayWhy()
    })
  }

  /** See `LinkOpener`. */
  listenAlso(addresses: readonly ListenAddress[]): Promise<void> {
    return this.#opener.listenAlso(addresses)
  }

  #maybeSayWhy(): void {
    const { waiting } = this.#zab
    const message = this.#waitingNotice.take(this.#clock.nowMs(), waiting)
    if (message === undefined || waiting === undefined) return
    const { missing, initialised } = waiting
    this.#logger.warn({ missing, initialised }, message)
  }

  /** Called by the owner of the log: everything up to `zxid` survives a power cut. */
  logged(zxid: Zxid): void {
    this.#put({ type: 'logged', zxid })
  }

  /** Called by the owner of the tree: the tree on the disk reflects everything up to `zxid`. */
  persisted(zxid: Zxid): void {
    this.#purge.persisted(zxid)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#stopTicking?.()
    await this.#opener.close()
    await this.#transfers.close()
  }

  // --- inbox -------------------------------------------------------------------------------------

  #received(from: ServerId, message: ZabMessage): void {
    if (message.type === 'PROPOSAL') this.#metrics.proposalsReceived += message.entries.count
    else if (message.type === 'COMMIT' || message.type === 'INFORM') this.#metrics.commitsReceived++
    this.#put({ type: 'received', from, message })
  }

  #fromLearner(from: ServerId, message: LearnerMessage): void {
    const isOwn = from === this.self
    if (!this.#hold.maybeHold(from, message, isOwn)) this.#listener?.fromLearner(from, message)
  }

  #maybeHandOver(): void {
    const waitingCount = this.inFlight + this.#confirmations.count
    if (this.#hold.mayHandOver(waitingCount)) this.#put({ type: 'handover' })
  }

  #put(input: ZabInput): void {
    if (this.#stopped) return
    this.#inbox.put(input)
  }

  /** Everything that a transfer of leadership has to wait for passes through the inbox. */
  #maybeDrained(): void {
    if (this.#transfer.takeDrained(this.inFlight + this.#confirmations.count)) {
      this.#put({ type: 'drained' })
    }
  }

  #step(input: ZabInput): void {
    const nowMs = this.#clock.nowMs()
    this.#noteRunning(nowMs)
    this.#perform(this.#zab.step(nowMs, input))
    if (input.type === 'proposed') this.#proposals.done()
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
        return this.#changeRole(effect)
      case 'configured':
        return this.#configured()
      case 'activate':
        return this.#listener?.activate()
      case 'hold':
        this.#logger.info({}, 'Holding requests: leadership is transferred')
        return this.#hold.beginTransfer()
      case 'drain':
        this.#hold.holdAll()
        return this.#transfer.drain()
      case 'resume':
        this.#logger.info({}, 'Going on with the same leader')
        return this.#release(this.#hold.resume())
      case 'transferRefused':
        this.#logger.warn({ reason: effect.reason }, 'Cannot hand over leadership')
        return this.#transfer.end({ type: 'refused', reason: effect.reason })
      case 'confirmed':
        return this.#confirmations.confirmed(effect.token)
      case 'fatal':
        return this.#options.onFailure(new Error(effect.reason))
    }
  }

  /** What Zab has to know of an ensemble that changes. */
  #changing(): Pick<ZabOptions, 'configuration' | 'changes' | 'changeIn'> {
    const { changing, lastApplied } = this.#options
    if (changing === undefined) return {}
    const { changeIn } = changing
    const changes = changesIn(this.#txnLog, lastApplied, changeIn)
    return { changeIn, configuration: changing.shown(), changes }
  }

  /** The servers that are to be reached: of every configuration that may be in force. */
  #configured(): void {
    const { changing } = this.#options
    const { last, before } = this.#zab.configuration
    if (changing === undefined || last.version === zxidZero) return
    const configurations = this.#zab.configurationTexts.map((text) => changing.serversIn(text))
    const isFirst = isOfFiles(last)
    const { members, addresses } = reachableIn(this.self, configurations, {
      ownFiles: isFirst ? this.#options.servers : undefined,
    })
    this.#opener.setServers(members, addresses)
    const facts = { members: describeMembers(members), version: formatZxid(last.version) }
    this.#logger.info(facts, isFirst ? 'The servers are agreed on' : 'The ensemble has changed')
    if (isFirst) changing.agreed(last)
    // It is proposed to be active once it is committed.
    else if (before === undefined) changing.committed(last)
  }

  /** An epoch is established: what its NEWLEADER agreed on is committed. */
  #firstCommitted(): void {
    const { last } = this.#zab.configuration
    if (isOfFiles(last) && last.version !== zxidZero) this.#options.changing?.committed(last)
  }

  #sendHistory(to: ServerId, after: Zxid, upTo: Zxid): void {
    this.#logger.info({ to, after: formatZxid(after), upTo: formatZxid(upTo) }, 'Sending history')
    this.#links.stream(to, new HistoryStream(this.#txnLog, { after, upTo }))
  }

  #sendSnapshot(to: ServerId): void {
    this.#logger.info({ to }, 'Sending the tree')
    this.#metrics.snapshots++
    this.#links.stream(to, this.#transfers.sendTo(to))
  }

  #receiveSnapshot(from: ServerId): void {
    this.#logger.info({ from }, 'Receiving the tree')
    // What a tree brings is not delivered: clients that stayed through a transfer of leadership would
    // wait for their answers, and the next one would be taken for the first.
    if (this.#role.type !== 'looking') this.#serveAs({ type: 'looking' })
    this.#transfers.receiveFrom(from)
  }

  #installSnapshot(zxid: Zxid): void {
    this.#transfers.install(
      // biome-ignore lint/plugin/noObjectSpread: once per snapshot
      (place) => new Promise((saved) => this.#saveMeta({ ...place, logBaseZxid: zxid }, saved)),
      (log, { treeDir, logDir }) => {
        this.#txnLog = log
        this.#undelivered.restartAfter(zxid, log)
        this.#purge.restartWith(log)
        const facts = { zxid: formatZxid(zxid), treeDir, logDir }
        this.#logger.info(facts, 'The tree received is in force')
        const configuration = this.#options.changing?.shown()
        this.#put({ type: 'snapshotInstalled', zxid, configuration })
      },
    )
  }

  #makeRouting(): Routing {
    return new Routing(
      { role: () => this.#role, hasLearner: (peer) => this.#zab.hasLearner(peer) },
      {
        zab: (from, message) => this.#received(from, message),
        snapshot: (from, message) => this.#transfers.message(from, message),
        fromLearner: (from, message) => this.#fromLearner(from, message),
        fromLeader: (message) => this.#listener?.fromLeader(message),
      },
    )
  }

  #makePurge(): LogPurge {
    return new LogPurge(this.#txnLog, this.#options.logKept, {
      mayPurge: () => !this.#stopped && !this.#transfers.isInstalling && this.#zab.mayPurge,
      saveBase: (logBaseZxid, saved) => this.#saveMeta({ logBaseZxid }, saved),
      purging: (base) => {
        this.#logger.info({ base: formatZxid(base) }, 'Purging the log')
        this.#put({ type: 'purged', base })
      },
    })
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
    const { agreed: config = null } = epochs
    const change = { acceptedEpoch, currentEpoch, initialised, ensembleId, config }
    this.#saveMeta(change, () => {
      this.#put({ type: 'epochsSaved', epochs })
      if (before.ensembleId !== ensembleId) this.#links.membershipChanged()
      if (this.#options.observers?.has(this.self) === true) return
      if (!beginsToCount(epochsOf(before), epochs)) return
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

  /** Sends own requests that were held back to the present leader. */
  #release(held: readonly Held[]): void {
    for (const { from, message } of held) {
      if (from === this.self) this.sendToLeader(message)
      else if (this.#role.type === 'leading') this.#fromLearner(from, message)
    }
  }

  #changeRole({ role: zabRole, continues }: Extract<ZabEffect, { type: 'role' }>): void {
    // biome-ignore lint/plugin/noObjectSpread: once per change of role
    const facts = { ...zabRole, zxid: formatZxid(this.#zab.lastZxid) }
    this.#logger.info(facts, roleSentence(zabRole))
    this.#times.changed(zabRole, this.#clock.nowMs())
    const change = roleChange(this.#role, zabRole, { continues })
    if (change.type === 'none') return
    if (change.type === 'change') return this.#serveAs(change.role)
    for (const { from, message } of this.#adopt(change.role)) this.#fromLearner(from, message)
  }

  /** Clients learn of it, and of nothing before it any more. */
  #serveAs(role: EnsembleRole): void {
    const before = this.#role
    const held = this.#adopt(role)
    this.#confirmations.clear()
    this.#standstill.resolve()
    if (role.type !== 'looking') this.#firstCommitted()
    this.#listener?.roleChanged(role)
    // What other servers sent was for the former leader: they hold it themselves.
    if (role.type !== 'looking' && before.type !== 'looking') {
      this.#release(held.filter(({ from }) => from === this.self))
    }
    this.#transfer.roleChanged(role)
  }

  /** @returns the messages that waited for the role */
  #adopt(role: EnsembleRole): readonly Held[] {
    this.#role = role
    this.#proposals.restart(role.type === 'leading' ? role.epoch : undefined)
    this.#ackTimes.clear()
    return this.#hold.end()
  }

  // --- end of a turn -----------------------------------------------------------------------------

  #seal(): void {
    const entries = this.#proposals.take()
    if (entries === undefined) return
    this.#ackTimes.proposed(lastOf(entries), this.#clock.nowMs())
    this.#put({ type: 'proposed', entries })
  }

  #flushLog(): void {
    if (!this.#stopped) this.#txnLog.flush()
  }
}
