// Zab meets the world: one inbox of ticks, messages and disk completions in; effects out, in order.
// It decides nothing. What one turn of the event loop proposed is sealed into one batch at its end, and
// goes to the disk after it was sent (turn.ts): PROPOSAL first, then acks, then fdatasync.
//
//   propose ─▶ batch ─ seal ─▶ zab ─ send ─▶ peer-link.ts
//                               │  append ─▶ txn-log.ts ─ durable ─▶ zab
//                               └─ deliver ─▶ request-processor/chain.ts

import type { Clock } from '../../clock.ts'
import { invariant } from '../../invariant.ts'
import { limits } from '../../limits.ts'
import type { Logger } from '../../logger.ts'
import type { ListedServer } from '../../protocol/peer/hello.ts'
import type {
  Entries,
  LeaderMessage,
  LearnerMessage,
  PeerMessage,
  RoutedMessage,
} from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import type { Address, Transport } from '../../protocol/transport/transport.ts'
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
import { Metrics } from '../admin/metrics.ts'
import type { SnapshotPlace, Snapshots } from '../storage/snapshots.ts'
import type { LogKept, TxnLog } from '../storage/txn-log.ts'
import { type EpochRange, lastOf } from '../zab/history.ts'
import { Zab } from '../zab/peer.ts'
import type { Epochs, ZabEffect, ZabInput, ZabRole, ZabTiming } from '../zab/types.ts'
import type { Ensemble, EnsembleListener, EnsembleRole } from './ensemble.ts'
import type { Meta, MetaFile } from './meta.ts'
import { PeerLinks } from './peer-links.ts'
import { ProposalBatch } from './proposal-batch.ts'
import { RoleTimes } from './role-times.ts'
import { SnapshotArrival, SnapshotSender } from './snapshot-transfer.ts'

const sayWhyMs = 3000

/**
 * A counter from which a leader begins a new epoch. What is in flight then still fits, well before
 * the counter at which it would step down.
 */
const handoverAtDefault = 2 ** 32 - 2 ** 24

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
  /** When this process was last known to run. */
  #ranMs: number
  /** While leading: we stood still for so long that there may be another leader by now. */
  #doubtful = false
  #stopTicking: (() => void) | undefined
  #saidWhyMs: number
  #stopped = false

  readonly #turn: Turn
  readonly #sealBatch = () => this.#seal()
  readonly #syncLog = () => this.#flushLog()
  readonly #batch = new ProposalBatch()
  /** What the next proposal is for, while leading. */
  #next: Zxid = zxidZero
  /**
   * Appended and not delivered: the bytes are at hand, the log need not be read. `after` is what they
   * follow on in the log; across epochs, zxids alone would not tell. A long history leaves gaps here.
   */
  #pending: { readonly after: Zxid; readonly entries: Entries }[] = []
  #pendingBytes = 0
  #delivered: Zxid
  #purging = false
  /** Our tree, on its way to learners. */
  readonly #sending = new Map<ServerId, SnapshotSender>()
  /** A leader's tree, on its way to us. */
  #arriving: Arriving | undefined
  /** It takes the place of ours just now. */
  #installing: Promise<void> | undefined
  /** What learners, this server among them, ask while one epoch ends and the next is not there. */
  #held: { readonly from: ServerId; readonly message: LearnerMessage }[] | undefined

  readonly #metrics: Metrics
  readonly #times: RoleTimes
  /** Proposed and not delivered, while leading: the last of each batch, and when it was proposed. */
  #unacked: { readonly last: Zxid; readonly sinceMs: number }[] = []

  #token = 0
  #confirmations: { readonly token: number; readonly confirmed: () => void }[] = []

  constructor(options: EnsembleOptions) {
    const { self, servers, meta, clock, logger, transport, lastApplied } = options
    this.self = self
    this.#options = options
    this.#turn = options.turn
    this.#txnLog = options.txnLog
    this.#clock = clock
    this.#logger = logger
    this.#meta = meta
    this.#delivered = lastApplied
    this.#ranMs = this.#saidWhyMs = clock.nowMs()
    this.#metrics = options.metrics ?? new Metrics()
    this.#times = new RoleTimes(this.#metrics, this.#ranMs)
    this.#zab = new Zab(
      {
        self,
        voters: [...servers.keys()],
        epochs: epochsOf(meta),
        logBase: options.txnLog.baseZxid,
        logged: options.logged,
        lastApplied,
        timing: options.timing,
        bootstrap: options.bootstrap ?? false,
        newEnsembleId: options.newEnsembleId,
      },
      this.#ranMs,
    )
    this.#links = new PeerLinks({
      self,
      instance: options.instance,
      members: listedServers(servers),
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
        this.#abortArrival(peer)
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

  /** What a leader knows of its followers, for people. */
  get followers(): Zab['followers'] {
    return this.#zab.followers
  }

  /** When this server began to lead; undefined while it does not. */
  get leadingSinceMs(): number | undefined {
    return this.#times.leadingSinceMs
  }

  /** Leader only: what waits for the word of a quorum that it leads. */
  get confirmationCount(): number {
    return this.#confirmations.length
  }

  /** Where peers reach this server; undefined when it stands alone. */
  get peerPort(): number | undefined {
    return this.#links.port
  }

  get inFlight(): number {
    if (this.#role.type !== 'leading') return 0
    const { epoch } = this.#role
    const delivered = epochOf(this.#delivered) === epoch ? counterOf(this.#delivered) : 0
    return counterOf(this.#next) - 1 - delivered
  }

  get mayAnswer(): boolean {
    this.#noteRunning(this.#clock.nowMs())
    return !this.#doubtful
  }

  get handingOver(): boolean {
    return this.#held !== undefined
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
    if (counterOf(zxid) >= (this.#options.handoverAt ?? handoverAtDefault)) this.#held ??= []
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
    this.#confirmations.push({ token: ++this.#token, confirmed })
    this.#put({ type: 'confirm', token: this.#token })
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

  /** A server without data may wait for long: its operator is to know for whom, and why. */
  #maybeSayWhy(): void {
    const nowMs = this.#clock.nowMs()
    const { waiting } = this.#zab
    if (waiting === undefined) this.#saidWhyMs = nowMs
    if (waiting === undefined || nowMs - this.#saidWhyMs < sayWhyMs) return
    this.#saidWhyMs = nowMs
    const { missing, initialised } = waiting
    const message =
      initialised.length > 0
        ? 'Waiting for a majority of servers with data: this one has none, and does not count yet'
        : 'Waiting for every server: none seen has data. Start those missing, or, if this ensemble ' +
          'never ran before, start a majority with --bootstrap'
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
    if (kept === undefined || this.#purging || this.#installing !== undefined) return
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
    this.#arriving?.arrival.abort()
    await this.#installing
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
        if (this.#arriving?.from === from) this.#arriving.arrival.take(message)
        return
      case 'SNAPTAKEN':
        this.#sending.get(from)?.taken(message.count)
    }
  }

  #fromLearner(from: ServerId, message: LearnerMessage): void {
    if (this.#held === undefined || message.type === 'TOUCH') {
      this.#listener?.fromLearner(from, message)
    } else {
      // Its bytes are the socket's, and may be used during this call only.
      this.#held.push({ from, message: structuredClone(message) })
    }
  }

  #maybeHandOver(): void {
    if (this.#held === undefined || this.inFlight > 0 || this.#confirmations.length > 0) return
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

  /**
   * A leader that stood still goes on leading, since whoever left it has closed its link; but before
   * it answers anybody, a quorum has to say that it still follows.
   */
  #noteRunning(nowMs: number): void {
    const stoodStillMs = nowMs - this.#ranMs
    this.#ranMs = nowMs
    // Followers count from our last word, a ping or so before we stood still.
    if (stoodStillMs <= this.#options.timing.leaderTimeoutMs / 2) return
    if (this.#role.type !== 'leading') return
    this.#logger.warn({ stoodStillMs: Math.round(stoodStillMs) }, 'This process stood still')
    this.#doubtful = true
    this.confirmLeadership(() => {
      this.#doubtful = false
      this.#listener?.resumed()
    })
  }

  // --- effects -----------------------------------------------------------------------------------

  #perform(effects: readonly ZabEffect[]): void {
    for (const effect of effects) this.#performOne(effect)
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
        this.#installing = this.#install(effect.zxid)
        return
      case 'append':
        this.#keepPending(effect.entries)
        this.#txnLog.append(effect.entries)
        return this.#turn.sync(this.#syncLog)
      case 'truncate':
        // Read from the log again, should any of it be committed after all.
        this.#pending = []
        this.#pendingBytes = 0
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
        this.#abortArrival(effect.peer)
        if (effect.violation) return this.#links.refuse(effect.peer, effect.reason)
        return this.#links.disconnect(effect.peer)
      case 'role':
        return this.#changeRole(effect.role)
      case 'confirmed':
        return this.#confirmed(effect.token)
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
    const sender = new SnapshotSender(this.#options.snapshots, {
      resume: () => this.#links.resume(to),
      ended: () => this.#sending.delete(to),
      onFailure: this.#options.onFailure,
    })
    this.#sending.set(to, sender)
    this.#links.stream(to, sender)
  }

  #receiveSnapshot(from: ServerId): void {
    this.#logger.info({ from }, 'Receiving the tree')
    const arrival = new SnapshotArrival(this.#options.snapshots, {
      taken: (count) => this.#links.send(from, { type: 'SNAPTAKEN', count }),
      received: (zxid, place) => {
        this.#arriving = { from, arrival, place }
        this.#put({ type: 'snapshotReceived', zxid })
        // Zab has left that leader, or has what the tree shows already.
        if (this.#installing === undefined) this.#abortArrival(from)
      },
      refused: (error) => {
        this.#logger.warn({ from, reason: error.message }, 'Refused a tree')
        this.#abortArrival(from)
        this.#links.disconnect(from)
        this.#put({ type: 'disconnected', peer: from })
      },
      onFailure: this.#options.onFailure,
    })
    this.#arriving = { from, arrival, place: undefined }
  }

  #abortArrival(peer: ServerId): void {
    if (this.#arriving?.from !== peer || this.#installing !== undefined) return
    this.#arriving.arrival.abort()
    this.#arriving = undefined
  }

  /** `meta` is the switch: before it names the new place a crash leaves all as it was. */
  async #install(zxid: Zxid): Promise<void> {
    const arriving = this.#arriving
    invariant(arriving?.place !== undefined, 'a tree is installed when all of it is here')
    const { arrival, place } = arriving
    try {
      // biome-ignore lint/plugin/noObjectSpread: once per snapshot
      await new Promise<void>((saved) => this.#saveMeta({ ...place, logBaseZxid: zxid }, saved))
      this.#txnLog = await arrival.install()
    } catch (error) {
      return this.#options.onFailure(error as Error)
    } finally {
      this.#arriving = undefined
      this.#installing = undefined
    }
    this.#pending = []
    this.#pendingBytes = 0
    this.#delivered = zxid
    const { treeDir, logDir } = place
    const facts = { zxid: formatZxid(zxid), treeDir, logDir }
    this.#logger.info(facts, 'The tree received is in force')
    this.#put({ type: 'snapshotInstalled', zxid })
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
    while (this.#delivered < upTo) {
      const head = this.#pending[0]
      const atHand = head !== undefined && head.after <= this.#delivered
      const bytesMax = limits.historyChunkBytes
      this.#deliverEntries(
        atHand
          ? head.entries
          : this.#txnLog.readEntries({ after: this.#delivered, upTo, bytesMax }),
        upTo,
      )
      this.#forgetDelivered()
    }
    if (this.#unacked.length > 0) this.#noteAcked()
  }

  #noteAcked(): void {
    const nowMs = this.#clock.nowMs()
    let count = 0
    for (const { last, sinceMs } of this.#unacked) {
      if (last > this.#delivered) break
      this.#metrics.quorumAckLatency.observe(Math.round(nowMs - sinceMs))
      count++
    }
    this.#unacked.splice(0, count)
  }

  #keepPending(entries: Entries): void {
    if (this.#pendingBytes > limits.undeliveredBytesMax) return
    this.#pendingBytes += entries.bytes.length
    this.#pending.push({ after: this.#txnLog.lastZxid, entries })
  }

  #forgetDelivered(): void {
    const pending = this.#pending
    let count = 0
    for (const { entries } of pending) {
      if (lastOf(entries) > this.#delivered) break
      this.#pendingBytes -= entries.bytes.length
      count++
    }
    if (count > 0) pending.splice(0, count)
  }

  #deliverEntries(entries: Entries, upTo: Zxid): void {
    const { bytes, first, count } = entries
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    let at = 0
    for (let i = 0; i < count; i++) {
      const zxid = (first + i) as Zxid
      if (zxid > upTo) return
      const start = at + 4
      at = start + buffer.readUInt32BE(at)
      if (zxid <= this.#delivered) continue
      this.#delivered = zxid
      if (this.#role.type === 'leading') this.#metrics.committed++
      this.#listener?.deliver(zxid, buffer.subarray(start, at))
    }
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
    const held = this.#held ?? []
    this.#held = undefined
    this.#role = role
    this.#batch.clear()
    this.#unacked = []
    if (role.type === 'leading') this.#next = makeZxid({ epoch: role.epoch, counter: 1 })
    if (!handover) {
      this.#confirmations = []
      this.#doubtful = false
      this.#listener?.roleChanged(role)
    } else for (const { from, message } of held) this.#fromLearner(from, message)
  }

  #confirmed(token: number): void {
    const due = this.#confirmations.filter((confirmation) => confirmation.token <= token)
    this.#confirmations = this.#confirmations.filter((confirmation) => confirmation.token > token)
    for (const { confirmed } of due) confirmed()
  }

  // --- end of a turn -----------------------------------------------------------------------------

  #seal(): void {
    const entries = this.#batch.take()
    if (entries === undefined) return
    this.#unacked.push({ last: lastOf(entries), sinceMs: this.#clock.nowMs() })
    this.#put({ type: 'proposed', entries })
  }

  #flushLog(): void {
    if (!this.#stopped) this.#txnLog.flush()
  }
}

interface Arriving {
  readonly from: ServerId
  readonly arrival: SnapshotArrival
  /** once all of it is there */
  readonly place: SnapshotPlace | undefined
}

function listedServers(servers: ReadonlyMap<ServerId, Address>): readonly ListedServer[] {
  return [...servers]
    .sort(([a], [b]) => a - b)
    .map(([id, { host, port }]) => ({ id, address: `${host}:${port}` }))
}

function epochsOf(meta: Meta): Epochs {
  const { acceptedEpoch, currentEpoch, initialised, ensembleId } = meta
  return { acceptedEpoch, currentEpoch, initialised, ensembleId: ensembleId ?? undefined }
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
