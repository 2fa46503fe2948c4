// State that a server has in every role: its log, its epochs, its connected peers. Roles change it
// only through the methods here, each of which emits the effect that makes the change durable.

import { invariant } from '../../invariant.ts'
import { type Entries, payloadsOf } from '../../protocol/peer/entries.ts'
import type { ZabMessage } from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import { epochOf, makeZxid, type Zxid, zxidZero } from '../../protocol/zxid.ts'
import {
  type Configuration,
  type ConfigurationState,
  Configurations,
  electorateOf,
  type ProposedConfiguration,
} from './configuration.ts'
import { EpochBound } from './epoch-bound.ts'
import { History } from './history.ts'
import { Membership } from './membership.ts'
import { Patience } from './patience.ts'
import { type Electorate, majority, type Quorum } from './quorum.ts'
import type { Epochs, ZabEffect, ZabOptions, ZabTiming } from './types.ts'

/** Leaves more counter values than can be proposed between two ticks. */
const epochCounterMaxDefault = 2 ** 32 - 2 ** 20

/** A configuration that a peer named. */
interface ToldConfiguration {
  readonly version: Zxid
  readonly text: string
  readonly membership: Membership
}

export class ServerState {
  readonly self: ServerId
  readonly configurations: Configurations
  readonly timing: ZabTiming
  readonly epochCounterMax: number
  readonly history: History
  readonly bootstrap: boolean
  readonly newEnsembleId: string
  readonly connected = new Set<ServerId>()
  readonly epochBound: EpochBound
  /** for a silent leader, and for a silent follower that is up to date */
  readonly patience: Patience
  /** Logical clock of elections; kept across roles so that rounds only grow. */
  round = 0

  #durable: Zxid
  #delivered: Zxid
  #epochs: Epochs
  #saved: Epochs
  #truncating = false
  #installing = false
  #effects: ZabEffect[] = []
  /** that of this server's files */
  readonly #files: Configuration
  readonly #changeIn: ZabOptions['changeIn']
  readonly #groupsIn: ZabOptions['groupsIn']
  /**
   * By the peer that named it, the last one of each: what one of them names may never be committed,
   * and what others name later is then an earlier one.
   */
  readonly #told = new Map<ServerId, ToldConfiguration>()
  /** The connected peers whose votes, epochs and zxids count. */
  readonly #members = new Set<ServerId>()
  /** The voters of connected peers whose files have others than ours. */
  readonly #lists = new Map<ServerId, Membership>()
  /** Learners whose sessions with us ended with SUCCESSOR: what they sent before is on its way. */
  readonly #ended = new Set<ServerId>()

  constructor(options: ZabOptions) {
    const { lastApplied, logBase, logged, self } = options
    this.self = self
    this.#changeIn = options.changeIn
    // What was agreed holds as long as the ensemble may change: otherwise the files say who votes.
    // biome-ignore lint/plugin/noObjectSpread: once per process
    const epochs = { ...options.epochs, ...(this.mayChange ? {} : { agreed: undefined }) }
    this.#epochs = this.#saved = epochs
    this.#files = { version: zxidZero, voters: options.voters, text: options.text ?? '' }
    this.#groupsIn = options.groupsIn
    const { configuration = this.#first } = options
    this.configurations = new Configurations(configuration, lastApplied, options.groupsIn)
    for (const { zxid, change } of options.changes ?? []) this.configurations.append(zxid, change)
    this.timing = options.timing
    this.patience = new Patience({
      leastMs: options.timing.leaderTimeoutMs,
      mostMs: options.timing.syncTimeoutMs,
    })
    this.epochCounterMax = options.epochCounterMax ?? epochCounterMaxDefault
    this.history = new History(logBase, logged)
    this.epochBound = new EpochBound(options.epochSkipsMax)
    this.bootstrap = options.bootstrap
    this.newEnsembleId = options.newEnsembleId
    this.#durable = this.history.last
    this.#delivered = lastApplied
    invariant(
      epochs.currentEpoch <= epochs.acceptedEpoch,
      'an epoch is accepted before it is current',
    )
    invariant(
      epochOf(this.history.last) <= epochs.acceptedEpoch,
      'what is logged was promised before',
    )
    invariant(lastApplied >= logBase, 'the log begins where the tree ends, or earlier')
    invariant(lastApplied <= this.history.last, 'the tree holds nothing that the log does not')
  }

  /** Whether transactions may change who votes. */
  get mayChange(): boolean {
    return this.#changeIn !== undefined
  }

  get #first(): ConfigurationState {
    return { last: this.#epochs.agreed ?? this.#files, before: undefined }
  }

  /** The first configuration, as a leader of `epoch` sends it with NEWLEADER. */
  agreedIn(epoch: number): Configuration | undefined {
    const { last } = this.configurations.state
    if (!this.mayChange || last.version !== zxidZero) return this.#epochs.agreed
    const { voters, text } = last
    return { version: makeZxid({ epoch, counter: 0 }), voters, text }
  }

  /** By the last configuration in the log. */
  get membership(): Membership {
    return this.configurations.membership
  }

  get quorum(): Quorum {
    return this.membership.quorum
  }

  electorateOf(configuration: ProposedConfiguration): Electorate {
    return electorateOf(configuration, this.#groupsIn)
  }

  /**
   * Memberships by which other servers may go: of configurations later than ours that peers named,
   * and of the files of connected peers. They help to find a leader, no more.
   */
  get elsewhere(): readonly Membership[] {
    return [...this.told.map(({ membership }) => membership), ...this.#lists.values()]
  }

  /** Configurations later than ours that peers named. */
  get told(): readonly ToldConfiguration[] {
    const ours = this.configurations.state.last.version
    return [...this.#told.values()].filter(({ version }) => version > ours)
  }

  tell(from: ServerId, configuration: Configuration): void {
    const { version, text } = configuration
    const isNew = version > this.configurations.state.last.version
    if (!isNew || this.#told.get(from)?.version === version) return
    const membership = new Membership(this.electorateOf(configuration))
    this.#told.set(from, { version, text, membership })
    this.emit({ type: 'configured' })
  }

  /** Everything in the log up to here survives a power cut. */
  get durable(): Zxid {
    return this.#durable
  }

  get delivered(): Zxid {
    return this.#delivered
  }

  /** The newest values; `saved` follows once they are on disk. */
  get epochs(): Epochs {
    return this.#epochs
  }

  get saved(): Epochs {
    return this.#saved
  }

  /** While true the log is being cut or replaced, and must not be appended to. */
  get rewriting(): boolean {
    return this.#truncating || this.#installing
  }

  connect(
    peer: ServerId,
    {
      isMember,
      voters,
    }: { readonly isMember: boolean; readonly voters?: readonly ServerId[] | undefined },
  ): void {
    this.connected.add(peer)
    if (voters === undefined) this.#lists.delete(peer)
    else this.#lists.set(peer, new Membership(majority(voters)))
    if (isMember) this.#members.add(peer)
  }

  joined(peer: ServerId): void {
    if (this.connected.has(peer)) this.#members.add(peer)
  }

  disconnected(peer: ServerId): void {
    this.connected.delete(peer)
    this.#lists.delete(peer)
    this.#members.delete(peer)
    this.#ended.delete(peer)
  }

  /** Whether the votes, epochs and zxids of `peer` count. */
  isMember(peer: ServerId): boolean {
    return this.#members.has(peer)
  }

  /** This server led `learner` and does no more, on a link that stays open. */
  endSession(learner: ServerId): void {
    this.#ended.add(learner)
  }

  /** Whether a peer sent it to us as its leader, before it learned that we lead no more. */
  isOfEndedSession(from: ServerId, message: ZabMessage): boolean {
    if (!this.#ended.has(from)) return false
    if (message.type !== 'NOTIFICATION') return true
    // The first message of each role names it.
    if (message.role !== 'following' || message.vote.id !== this.self) this.#ended.delete(from)
    return false
  }

  emit(effect: ZabEffect): void {
    this.#effects.push(effect)
  }

  takeEffects(): ZabEffect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  send(to: ServerId, message: ZabMessage): void {
    this.emit({ type: 'send', to, message })
  }

  disconnect(peer: ServerId, reason: string, { violation = false } = {}): void {
    if (!this.connected.has(peer)) return
    this.disconnected(peer)
    this.emit({ type: 'disconnect', peer, reason, violation })
  }

  append(entries: Entries): void {
    invariant(!this.rewriting, 'the log is appended to only after a cut is durable')
    this.history.append(entries)
    if (this.#changeIn !== undefined) {
      let zxid: number = entries.first
      for (const payload of payloadsOf(entries)) {
        const change = this.#changeIn(payload)
        if (change !== undefined) {
          this.configurations.append(zxid as Zxid, change)
          this.emit({ type: 'configured' })
        }
        zxid++
      }
    }
    this.emit({ type: 'append', entries })
  }

  truncateAfter(to: Zxid): void {
    invariant(!this.rewriting, 'a cut starts after the previous one is durable')
    invariant(to >= this.#delivered, 'what was delivered is never cut')
    this.history.truncateAfter(to)
    const { state } = this.configurations
    this.configurations.truncateAfter(to)
    if (this.configurations.state !== state) this.emit({ type: 'configured' })
    if (this.#durable > to) this.#durable = to
    this.#truncating = true
    this.emit({ type: 'truncate', to })
  }

  truncated(): void {
    invariant(this.#truncating, 'a cut ends once')
    this.#truncating = false
    // The cut was synced with all that lies before it.
    this.#durable = this.history.last
  }

  /** A tree that reflects everything up to `zxid` replaces tree and log. */
  installSnapshot(zxid: Zxid): void {
    invariant(!this.rewriting, 'the log is replaced while no cut is under way')
    invariant(zxid > this.history.last, 'a snapshot never takes a server back')
    this.#installing = true
    this.emit({ type: 'installSnapshot', zxid })
  }

  snapshotInstalled(zxid: Zxid, configuration: ConfigurationState | undefined): void {
    invariant(this.#installing, 'a snapshot is installed once')
    this.#installing = false
    this.history.restartAfter(zxid)
    this.configurations.restartAfter(zxid, configuration ?? this.#first)
    this.emit({ type: 'configured' })
    this.#durable = zxid
    this.#delivered = zxid
  }

  purged(base: Zxid): void {
    invariant(base <= this.#delivered, 'only what the tree holds is purged')
    if (base > this.history.base) this.history.purgeUpTo(base)
  }

  logged(zxid: Zxid): void {
    // A report from before a cut may name a zxid that is gone; it still covers everything below it.
    const upTo = zxid < this.history.last ? zxid : this.history.last
    if (upTo > this.#durable) this.#durable = upTo
  }

  saveEpochs(change: Partial<Epochs>): void {
    // biome-ignore lint/plugin/noObjectSpread: once per epoch
    const epochs = { ...this.#epochs, ...change }
    invariant(
      epochs.acceptedEpoch >= this.#epochs.acceptedEpoch || !this.#epochs.initialised,
      'a promise that may have been counted is kept',
    )
    invariant(
      epochs.acceptedEpoch >= epochOf(this.history.last),
      'what is logged was promised before',
    )
    invariant(epochs.currentEpoch >= this.#epochs.currentEpoch, 'currentEpoch never decreases')
    invariant(
      epochs.currentEpoch <= epochs.acceptedEpoch,
      'an epoch is accepted before it is current',
    )
    invariant(
      epochs.initialised || epochs.currentEpoch === 0,
      'a server that holds a history is initialised',
    )
    const { agreed } = epochs
    const isNew = agreed !== undefined && agreed.version !== this.#epochs.agreed?.version
    this.#epochs = epochs
    this.emit({ type: 'saveEpochs', epochs })
    if (!isNew) return
    this.configurations.agree(agreed)
    this.emit({ type: 'configured' })
  }

  epochsSaved(epochs: Epochs): void {
    this.#saved = epochs
  }

  /** Delivers everything committed and durable here that was not delivered yet. */
  deliver(committed: Zxid): void {
    const upTo = committed < this.#durable ? committed : this.#durable
    if (upTo <= this.#delivered) return
    this.#delivered = upTo
    this.configurations.delivered(upTo)
    this.emit({ type: 'deliver', upTo })
  }
}
