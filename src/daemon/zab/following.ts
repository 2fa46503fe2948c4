// The learner's side of Zab, phase by phase. A message leaves only once the state that it reports
// is durable; the order of log, epoch and ack on NEWLEADER decides whether data is lost.
//
//   connecting   wait for the link to the elected leader, then send CEPOCH
//   discovery    on NEWEPOCH(e): save e as accepted, then send ACKEPOCH. In a new ensemble this
//                server counts in quorums from here on; with an empty disk in an old one, from
//                ACKNEWLEADER on
//   promised     DIFF, or SNAP, or TRUNC(z): cut the log after z, durably
//   receiving    after SNAP, the leader's tree arrives beside ours, which stays in force
//   installing   the received tree replaces tree and log, durably and atomically; then ACKSNAP
//   installed    as `promised`, with the log that the snapshot left
//   syncing      append PROPOSALs to the log, until NEWLEADER(e). Before it comes CONFIGURATION, the
//                first one of an ensemble that may change, which is saved with the epoch
//   accepting    (b) log durable, then (c) epoch saved as current, then (d) ACKNEWLEADER
//   accepted     log further proposals; nothing is applied before UPTODATE
//   broadcast    ACK what is durable; deliver what is committed and durable. A later NEWEPOCH of
//                the same leader leads back to `promised`: it hands over before its counter ends.
//                After HOLD and HELD, SUCCESSOR ends this role without an election (transfer.ts)
//
// An observer takes the same steps. No promise is asked of it: as it is not counted, it may follow
// in an epoch below one that it promised as a voter. What it is informed of needs no ACK.
//
// Sources: Zab (Junqueira et al., DSN 2011), phases 1 to 3; ZOOKEEPER-4643, -4646 and -3911 for the
// order b, c, d; ZOOKEEPER-4685 for acks of proposals, which never overtake the one of NEWLEADER.
// Next on the path: broadcast.ts, where the leader counts our ACK.

import { copyOf, type Entries, lastOf } from '../../protocol/peer/entries.ts'
import type { Notification, ZabMessage } from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import { epochOf, type Zxid, zxidZero } from '../../protocol/zxid.ts'
import { type Configuration, isOfFiles } from './configuration.ts'
import type { NextRole, Role } from './role.ts'
import type { ServerState } from './server-state.ts'
import { isWorkingLeader } from './vote.ts'

type Phase =
  | 'connecting'
  | 'discovery'
  | 'promising'
  | 'promised'
  | 'receiving'
  | 'installing'
  | 'installed'
  | 'syncing'
  | 'accepting'
  | 'accepted'
  | 'broadcast'

export class Following implements Role {
  readonly type = 'following'
  readonly #state: ServerState
  readonly #leader: ServerId
  /** when this server began to wait for an epoch */
  #startedMs: number
  #phase: Phase = 'connecting'
  #heardMs: number
  /** The leader's epoch; 0 before NEWEPOCH. */
  #epoch = 0
  #promiseCounts = false
  #ensembleId: string | undefined
  /** the ensemble's first configuration, from the leader */
  #agreed: Configuration | undefined
  /** End of the history that NEWLEADER vouches for. */
  #syncPoint: Zxid = zxidZero
  #acked: Zxid = zxidZero
  /** The end of what was proposed: its leader waits for our ACK. */
  #proposedUpTo: Zxid = zxidZero
  #committed: Zxid = zxidZero
  /** Messages that arrive while the log is being cut or replaced. */
  #held: ZabMessage[] = []
  #next: NextRole | undefined

  constructor(
    state: ServerState,
    nowMs: number,
    { leader, continues }: { readonly leader: ServerId; readonly continues: boolean },
  ) {
    this.#state = state
    this.#leader = leader
    this.#startedMs = nowMs
    this.#heardMs = nowMs
    state.emit({ type: 'role', role: { type: 'following', leader, epoch: 0 }, continues })
    if (state.connected.has(leader)) this.#askForEpoch()
  }

  get next(): NextRole | undefined {
    return this.#next
  }

  notification(): Notification {
    const { epochs, history, round } = this.#state
    return {
      type: 'NOTIFICATION',
      vote: {
        epoch: epochs.currentEpoch,
        zxid: history.last,
        standing: 'voter',
        id: this.#leader,
      },
      round,
      role: 'following',
      establishedEpoch: this.#phase === 'broadcast' ? this.#epoch : 0,
      initialised: epochs.initialised,
      configuration: this.#state.configurations.state.last.version,
    }
  }

  tick(nowMs: number): void {
    const { discoveryTimeoutMs, leaderTimeoutMs, syncTimeoutMs } = this.#state.timing
    const silentMs = nowMs - this.#heardMs
    switch (this.#phase) {
      case 'connecting':
        if (nowMs - this.#startedMs > leaderTimeoutMs) this.#leave('it could not be reached')
        return
      case 'discovery':
      case 'promising':
      case 'promised':
        if (nowMs - this.#startedMs > discoveryTimeoutMs) this.#leave('it began no epoch in time')
        return
      case 'receiving':
      case 'installing':
      case 'installed':
      case 'syncing':
      case 'accepting':
      case 'accepted':
        if (silentMs > syncTimeoutMs) this.#leave('it was silent during synchronization')
        return
      case 'broadcast':
        if (silentMs > this.#state.patience.allowedMs(nowMs)) this.#leave('it was silent')
        return
    }
  }

  connected(nowMs: number, peer: ServerId): void {
    if (peer !== this.#leader || this.#phase !== 'connecting') return
    this.#heardMs = nowMs
    this.#askForEpoch()
  }

  disconnected(_nowMs: number, peer: ServerId): void {
    if (peer === this.#leader && this.#phase !== 'connecting') this.#next = { type: 'looking' }
  }

  received(nowMs: number, from: ServerId, message: ZabMessage): void {
    if (from !== this.#leader) {
      // A peer that takes us for its leader must look again. zab.ts answers votes for every role.
      if (message.type === 'CONFIGURATION') return
      if (message.type !== 'NOTIFICATION') this.#state.disconnect(from, 'we do not lead it')
      else if (this.#waiting && this.#mayVote(from) && isWorkingLeader(message))
        this.#leave(`server ${from} already leads`)
      return
    }
    if (this.#phase === 'broadcast') this.#state.patience.heard(nowMs, nowMs - this.#heardMs)
    this.#heardMs = nowMs
    if (message.type === 'NOTIFICATION') {
      if (message.role === 'following') this.#leave('it follows another server')
    } else if (message.type === 'PING') {
      this.#state.send(this.#leader, { type: 'PONG', round: message.round })
    } else if (this.#state.rewriting) {
      this.#held.push(kept(message))
    } else {
      this.#fromLeader(nowMs, message)
    }
  }

  /** Installs the received tree, unless this server left the leader in the meantime. */
  snapshotReceived(zxid: Zxid): void {
    if (this.#phase !== 'receiving' || this.#next !== undefined) return
    const { last } = this.#state.history
    if (zxid <= last) return this.#refuse(`its snapshot ends at ${zxid}, our log at ${last}`)
    if (epochOf(zxid) > this.#epoch)
      return this.#refuse(`its snapshot ends at ${zxid}, after its epoch`)
    this.#phase = 'installing'
    this.#state.installSnapshot(zxid)
  }

  persisted(nowMs: number): void {
    if (!this.#state.rewriting) {
      if (this.#phase === 'installing') this.#installed()
      const held = this.#held
      this.#held = []
      for (const message of held) {
        if (this.#state.rewriting) this.#held.push(message)
        else if (this.#next === undefined) this.#fromLeader(nowMs, message)
      }
    }
    if (this.#next !== undefined) return
    this.#maybePromise()
    this.#maybeAccept()
    this.#maybeAck()
    if (this.#phase === 'broadcast') this.#state.deliver(this.#committed)
  }

  get #waiting(): boolean {
    return this.#phase === 'connecting' || this.#phase === 'discovery'
  }

  #mayVote(id: ServerId): boolean {
    return this.#state.configurations.concerns(id)
  }

  get #awaitsSync(): boolean {
    return this.#phase === 'promised' || this.#phase === 'installed'
  }

  // --- what the leader says ----------------------------------------------------------------------

  #fromLeader(nowMs: number, message: ZabMessage): void {
    switch (message.type) {
      case 'PROPOSAL':
        return this.#proposed(message.entries)
      case 'INFORM':
        return this.#inform(message.entries)
      case 'COMMIT':
        if (this.#phase !== 'broadcast') break
        return this.#commit(message.zxid)
      case 'NEWEPOCH':
        if (this.#phase === 'broadcast' && message.epoch > this.#epoch) {
          this.#startedMs = this.#heardMs // the leader hands over to its next epoch
        } else if (this.#phase !== 'discovery') break
        return this.#newEpoch(nowMs, message)
      case 'DIFF':
        if (!this.#awaitsSync || message.after !== this.#state.history.last) break
        this.#phase = 'syncing'
        return
      case 'SNAP':
        if (!this.#awaitsSync) break
        this.#phase = 'receiving'
        this.#state.emit({ type: 'receiveSnapshot', from: this.#leader })
        return
      case 'TRUNC':
        if (this.#phase !== 'promised') break
        return this.#trunc(message.to)
      case 'NEWLEADER':
        if (this.#phase !== 'syncing' || message.epoch !== this.#epoch) break
        this.#phase = 'accepting'
        this.#ensembleId = message.ensembleId
        this.#syncPoint = this.#state.history.last
        return this.#maybeAccept()
      case 'UPTODATE':
        if (this.#phase !== 'accepted' || message.committed > this.#state.history.last) break
        return this.#upToDate(message.committed)
      case 'HOLD':
        if (this.#phase !== 'broadcast') break
        this.#state.emit({ type: 'hold' })
        this.#state.send(this.#leader, { type: 'HELD', attempt: message.attempt })
        return
      case 'RESUME':
        if (this.#phase !== 'broadcast') break
        this.#state.emit({ type: 'resume' })
        return
      case 'SUCCESSOR':
        if (this.#phase !== 'broadcast' || message.zxid !== this.#state.history.last) break
        return this.#continueWith(message.successor)
      case 'CEPOCH':
        return this.#leave('it follows us') // each took the other for its leader
      case 'CONFIGURATION':
        if (this.#phase === 'syncing') this.#takeFirst(message)
        return
      case 'NOTIFICATION':
      case 'ACKEPOCH':
      case 'ACKSNAP':
      case 'ACKNEWLEADER':
      case 'ACK':
      case 'PING':
      case 'PONG':
      case 'HELD':
        break
    }
    this.#refuse(`it sent ${message.type}, which this phase (${this.#phase}) does not allow`)
  }

  #askForEpoch(): void {
    const { acceptedEpoch, currentEpoch, initialised } = this.#state.epochs
    this.#phase = 'discovery'
    this.#state.send(this.#leader, { type: 'CEPOCH', acceptedEpoch, currentEpoch, initialised })
  }

  #newEpoch(
    nowMs: number,
    { epoch, founds, asksForPromise }: Extract<ZabMessage, { type: 'NEWEPOCH' }>,
  ): void {
    const state = this.#state
    const { acceptedEpoch, currentEpoch, initialised, ensembleId } = state.epochs
    if (!state.isMember(this.#leader)) return this.#leave('it does not name our ensemble')
    if (founds !== undefined && currentEpoch > 0) return this.#leave('it begins another ensemble')
    if (initialised && (asksForPromise || epoch > acceptedEpoch)) {
      if (epoch < acceptedEpoch) return this.#leave(`its epoch ${epoch} is over`)
      const isBelieved = state.epochBound.believes(nowMs, epoch, acceptedEpoch)
      if (!isBelieved) return this.#disbelieve(nowMs, epoch)
    }
    // No promise of an uninitialised server was ever counted, so it accepts even an epoch older
    // than one that it accepted before, unless its log shows that a later epoch was established. An
    // observer follows in such an epoch, too, and keeps the promise that it made as a voter.
    if (epoch < epochOf(state.history.last)) return this.#leave(`its epoch ${epoch} is over`)
    this.#epoch = epoch
    this.#phase = 'promising'
    // A promise of the same epoch made before, to any leader, is kept but not counted twice.
    this.#promiseCounts = epoch > acceptedEpoch || !initialised
    if (this.#promiseCounts) {
      const begins = founds !== undefined
      state.saveEpochs({
        acceptedEpoch: epoch,
        initialised: begins || initialised,
        ensembleId: begins ? founds : ensembleId,
      })
    }
    this.#maybePromise()
  }

  #disbelieve(nowMs: number, epoch: number): void {
    const { epochBound, epochs } = this.#state
    const { acceptedEpoch } = epochs
    const raised = epochBound.raised(nowMs, epoch, acceptedEpoch)
    if (raised > acceptedEpoch) this.#state.saveEpochs({ acceptedEpoch: raised })
    this.#refuse(`its epoch ${epoch} is far beyond ours, ${acceptedEpoch}`)
  }

  #maybePromise(): void {
    const { epochs, saved } = this.#state
    if (this.#phase !== 'promising' || saved.acceptedEpoch < this.#epoch) return
    if (saved.initialised !== epochs.initialised) return
    this.#phase = 'promised'
    this.#state.send(this.#leader, {
      type: 'ACKEPOCH',
      currentEpoch: this.#state.epochs.currentEpoch,
      lastZxid: this.#state.history.last,
      counts: this.#promiseCounts,
    })
  }

  #installed(): void {
    this.#phase = 'installed'
    this.#state.send(this.#leader, { type: 'ACKSNAP', lastZxid: this.#state.history.last })
  }

  #trunc(to: Zxid): void {
    const { delivered, history } = this.#state
    if (to < delivered) {
      const found = `transactions up to ${delivered} were delivered here`
      this.#state.emit({
        type: 'fatal',
        reason: `Cannot cut the log after ${to} as leader ${this.#leader} wants: ${found}`,
      })
      return
    }
    if (!history.contains(to)) return this.#refuse(`it wants a cut after ${to}, which is not here`)
    this.#phase = 'syncing'
    this.#state.truncateAfter(to)
  }

  #log(entries: Entries): void {
    const { history } = this.#state
    if (epochOf(entries.first) > this.#epoch) {
      return this.#refuse(`its transaction ${entries.first} is of a later epoch than its own`)
    }
    const logs =
      this.#phase === 'syncing' ||
      this.#phase === 'accepting' ||
      this.#phase === 'accepted' ||
      this.#phase === 'broadcast'
    if (logs && history.accepts(entries)) return this.#state.append(entries)
    // Proposals around the sync point may arrive twice; anything else would leave a gap.
    const known = history.contains(entries.first) && history.contains(lastOf(entries))
    if (!logs || !known) this.#refuse(`its transaction ${entries.first} leaves a gap`)
  }

  #proposed(entries: Entries): void {
    const last = lastOf(entries)
    if (last > this.#proposedUpTo) this.#proposedUpTo = last
    this.#log(entries)
  }

  /** Logs what is committed; before UPTODATE, that will name it. */
  #inform(entries: Entries): void {
    this.#log(entries)
    if (this.#phase === 'broadcast' && this.#next === undefined) this.#commit(lastOf(entries))
  }

  #takeFirst({ version, voters, text }: Configuration): void {
    const configuration = { version, voters, text }
    if (this.#state.mayChange && isOfFiles(configuration)) this.#agreed = configuration
  }

  #maybeAccept(): void {
    const state = this.#state
    if (this.#phase !== 'accepting' || state.durable < this.#syncPoint) return
    const agreed = this.#agreed ?? state.epochs.agreed
    const isAgreed = agreed?.version === state.epochs.agreed?.version
    if (state.epochs.currentEpoch < this.#epoch || !isAgreed) {
      // Always the leader's ensemble id: two leaders may each found an ensemble, and one of them
      // wins.
      const ensembleId = this.#ensembleId
      state.saveEpochs({ currentEpoch: this.#epoch, initialised: true, ensembleId, agreed })
    }
    if (state.saved.currentEpoch < this.#epoch) return
    if (state.saved.agreed?.version !== agreed?.version) return
    this.#phase = 'accepted'
    this.#acked = this.#syncPoint
    state.send(this.#leader, { type: 'ACKNEWLEADER', epoch: this.#epoch })
  }

  #maybeAck(): void {
    const { durable } = this.#state
    if (this.#phase !== 'accepted' && this.#phase !== 'broadcast') return
    if (durable <= this.#acked || this.#acked >= this.#proposedUpTo) return
    this.#acked = durable
    this.#state.send(this.#leader, { type: 'ACK', zxid: durable })
  }

  #upToDate(committed: Zxid): void {
    this.#phase = 'broadcast'
    this.#committed = committed
    this.#state.deliver(committed)
    const role = { type: 'following', leader: this.#leader, epoch: this.#epoch } as const
    this.#state.emit({ type: 'role', role, continues: false })
  }

  #commit(zxid: Zxid): void {
    if (zxid > this.#state.history.last) return this.#refuse(`it committed ${zxid}, not sent here`)
    if (zxid > this.#committed) this.#committed = zxid
    this.#state.deliver(this.#committed)
  }

  /** The leader hands over. The link to it stays, and the leader sends nothing more on it as such. */
  #continueWith(successor: ServerId): void {
    const continues = true
    this.#next =
      successor === this.#state.self
        ? { type: 'leading', continues }
        : { type: 'following', leader: successor, continues }
  }

  /** Leaves a leader that violated the protocol. */
  #refuse(reason: string): void {
    this.#leave(reason, { violation: true })
  }

  /** Closes the link too, so that no message of this learner session can arrive in the next one. */
  #leave(reason: string, { violation = false } = {}): void {
    if (this.#next !== undefined) return
    this.#state.disconnect(this.#leader, `we leave this leader: ${reason}`, { violation })
    this.#next = { type: 'looking' }
  }
}

/** The bytes of a message are valid during its step. */
function kept(message: ZabMessage): ZabMessage {
  const { type } = message
  if (type !== 'PROPOSAL' && type !== 'INFORM') return message
  return { type, entries: copyOf(message.entries) }
}
