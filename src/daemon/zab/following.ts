// The learner's side of Zab, phase by phase. What each step relies on is durable before the message
// that speaks of it leaves; the order of log, epoch and ack on NEWLEADER decides whether data is lost.
//
//   connecting   wait for the link to the elected leader, then CEPOCH
//   discovery    NEWEPOCH(e): save e as accepted, then ACKEPOCH. If nobody ever held a history, we
//                count from here on; otherwise, if we did not, from ACKNEWLEADER on
//   promised     DIFF, or TRUNC(z): cut the log after z, durably, or SNAP
//   receiving    after SNAP, the tree arrives beside ours; ours stays in force until all of it is here
//   installing   it takes the place of tree and log, durably and at once; then ACKSNAP
//   installed    as promised, with the log that the snapshot left
//   syncing      PROPOSALs into the log, until NEWLEADER(e)
//   accepting    (b) log durable, then (c) epoch saved as current, then (d) ACKNEWLEADER
//   accepted     log what is proposed meanwhile; nothing is applied before UPTODATE
//   broadcast    ACK what is durable; deliver what is committed and durable. A later NEWEPOCH of the
//                same leader takes us to `promised` again: it hands over before its counter ends
//
// Sources: zab.md section 4; ZOOKEEPER-4643, -4646 and -3911 for the order b, c, d; -4685 for acks of
// proposals, which never overtake the one of NEWLEADER.
// Next on the path: broadcast.ts, where the leader counts our ACK.

import { type Entries, lastOf } from '../../protocol/peer/entries.ts'
import type { Notification, ZabMessage } from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import { epochOf, type Zxid, zxidZero } from '../../protocol/zxid.ts'
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
  /** when we began to wait for an epoch */
  #startedMs: number
  #phase: Phase = 'connecting'
  #heardMs: number
  /** What the leader calls its epoch; 0 until it said so. */
  #epoch = 0
  #promiseCounts = false
  #ensembleId: string | undefined
  /** End of the history that NEWLEADER vouches for. */
  #syncPoint: Zxid = zxidZero
  #acked: Zxid = zxidZero
  #committed: Zxid = zxidZero
  /** What arrived while the log is being cut or replaced. */
  #held: ZabMessage[] = []
  #next: NextRole | undefined

  constructor(state: ServerState, nowMs: number, leader: ServerId) {
    this.#state = state
    this.#leader = leader
    this.#startedMs = nowMs
    this.#heardMs = nowMs
    state.emit({ type: 'role', role: { type: 'following', leader, epoch: 0 } })
    if (state.connected.has(leader)) this.#askForEpoch()
  }

  get next(): NextRole | undefined {
    return this.#next
  }

  notification(): Notification {
    const { epochs, history, round } = this.#state
    return {
      type: 'NOTIFICATION',
      vote: { epoch: epochs.currentEpoch, zxid: history.last, id: this.#leader },
      round,
      role: 'following',
      establishedEpoch: this.#phase === 'broadcast' ? this.#epoch : 0,
      initialised: epochs.initialised,
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
      // Whoever takes us for a leader is to look again; votes are answered by Zab for all roles.
      if (message.type !== 'NOTIFICATION') this.#state.disconnect(from, 'we do not lead it')
      else if (this.#waiting && isWorkingLeader(message))
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
      this.#held.push(message)
    } else {
      this.#fromLeader(nowMs, message)
    }
  }

  /** Not if we have left meanwhile: then nobody installs what was received. */
  snapshotReceived(zxid: Zxid): void {
    if (this.#phase !== 'receiving' || this.#next !== undefined) return
    const { last } = this.#state.history
    if (zxid <= last) return this.#refuse(`its snapshot ends at ${zxid}, our log at ${last}`)
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

  get #awaitsSync(): boolean {
    return this.#phase === 'promised' || this.#phase === 'installed'
  }

  // --- what the leader says ----------------------------------------------------------------------

  #fromLeader(nowMs: number, message: ZabMessage): void {
    switch (message.type) {
      case 'PROPOSAL':
        return this.#proposal(message.entries)
      case 'COMMIT':
        if (this.#phase !== 'broadcast') break
        return this.#commit(message.zxid)
      case 'NEWEPOCH':
        if (this.#phase === 'broadcast' && message.epoch > this.#epoch) {
          this.#startedMs = this.#heardMs // it hands over to its next one
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
      case 'CEPOCH':
        return this.#leave('it follows us') // each took the other for its leader
      case 'NOTIFICATION':
      case 'ACKEPOCH':
      case 'ACKSNAP':
      case 'ACKNEWLEADER':
      case 'ACK':
      case 'PING':
      case 'PONG':
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
    { epoch, founds }: { readonly epoch: number; readonly founds: string | undefined },
  ): void {
    const state = this.#state
    const { acceptedEpoch, currentEpoch, initialised, ensembleId } = state.epochs
    if (!state.isMember(this.#leader)) return this.#leave('it does not name our ensemble')
    if (founds !== undefined && currentEpoch > 0) return this.#leave('it begins another ensemble')
    if (initialised) {
      if (epoch < acceptedEpoch) return this.#leave(`its epoch ${epoch} is over`)
      const isBelieved = state.epochBound.believes(nowMs, epoch, acceptedEpoch)
      if (!isBelieved) return this.#disbelieve(nowMs, epoch)
    }
    // No promise of a server that is not initialised was counted: it takes what a leader that may be
    // older than the last one says, unless its log shows that a later epoch was at work.
    if (epoch < epochOf(state.history.last)) return this.#leave(`its epoch ${epoch} is over`)
    this.#epoch = epoch
    this.#phase = 'promising'
    // A promise made before, to whomever, is kept but not counted twice.
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
    if (this.#phase !== 'promising' || saved.acceptedEpoch !== this.#epoch) return
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

  #proposal(entries: Entries): void {
    const { history } = this.#state
    const logs =
      this.#phase === 'syncing' ||
      this.#phase === 'accepting' ||
      this.#phase === 'accepted' ||
      this.#phase === 'broadcast'
    if (logs && history.accepts(entries)) return this.#state.append(entries)
    // Sent twice around the sync point is no news; anything else would leave a hole.
    const known = history.contains(entries.first) && history.contains(lastOf(entries))
    if (!logs || !known) this.#refuse(`its proposal ${entries.first} leaves a gap`)
  }

  #maybeAccept(): void {
    const state = this.#state
    if (this.#phase !== 'accepting' || state.durable < this.#syncPoint) return
    if (state.epochs.currentEpoch < this.#epoch) {
      // The leader's name for the ensemble, always: two of them may begin one, and one of them win.
      const ensembleId = this.#ensembleId
      state.saveEpochs({ currentEpoch: this.#epoch, initialised: true, ensembleId })
    }
    if (state.saved.currentEpoch < this.#epoch) return
    this.#phase = 'accepted'
    this.#acked = this.#syncPoint
    state.send(this.#leader, { type: 'ACKNEWLEADER', epoch: this.#epoch })
  }

  #maybeAck(): void {
    const { durable } = this.#state
    if (this.#phase !== 'accepted' && this.#phase !== 'broadcast') return
    if (durable <= this.#acked) return
    this.#acked = durable
    this.#state.send(this.#leader, { type: 'ACK', zxid: durable })
  }

  #upToDate(committed: Zxid): void {
    this.#phase = 'broadcast'
    this.#committed = committed
    this.#state.deliver(committed)
    const role = { type: 'following', leader: this.#leader, epoch: this.#epoch } as const
    this.#state.emit({ type: 'role', role })
  }

  #commit(zxid: Zxid): void {
    if (zxid > this.#state.history.last) return this.#refuse(`it committed ${zxid}, not sent here`)
    if (zxid > this.#committed) this.#committed = zxid
    this.#state.deliver(this.#committed)
  }

  /** It did what no leader does. */
  #refuse(reason: string): void {
    this.#leave(reason, { violation: true })
  }

  /** A learner session ends with its link, so that nothing of it can arrive in the next one. */
  #leave(reason: string, { violation = false } = {}): void {
    if (this.#next !== undefined) return
    this.#state.disconnect(this.#leader, `we leave this leader: ${reason}`, { violation })
    this.#next = { type: 'looking' }
  }
}
