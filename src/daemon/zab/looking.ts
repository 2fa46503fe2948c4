// Fast leader election: find the voter with the highest (epoch, zxid, id) that a quorum agrees on,
// or an established leader. The result is only a hint: discovery (leading.ts) and synchronization
// (synchronization.ts) make the leader safe.
//
//   looking, later round   join it: drop our votes, vote for the better of theirs and our own
//   looking, same round    if theirs is better, vote for it; count theirs
//   looking, older round   send the sender our vote; also if it was not looking when ours was sent
//   following, this round  counts as a vote for the leader it follows
//   following or leading   once a quorum follows a leader that claims to lead, follow it too
//
// An observer has no vote and never leads: it looks for a leader that already works. If another server
// names a later configuration in which it votes, it supports a better candidate: that server may need
// its vote.
//
// A server whose log ends with a proposed configuration needs both quorums (configuration.ts). As long
// as it has no links to them, it cannot win, although its log may be the best: it stands aside, so
// that servers without the proposal elect one of them, and waits until that one leads. Then its
// proposal is cut, unless enough voters have it that they need this server.
//
// A server that is not initialised votes, but its vote counts only if all voters are present.
// zab.ts discards the votes of peers that are no members of our ensemble.
//
// Source: FastLeaderElection in ZooKeeper 3.9, without the exit on a lone LEADING notification.

import type { Notification, Vote, ZabMessage } from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import { zxidZero } from '../../protocol/zxid.ts'
import type { NextRole, Role } from './role.ts'
import type { ServerState } from './server-state.ts'
import { isBetter, sameVote } from './vote.ts'

/**
 * A peer whose round exceeds ours by more than this is refused. Rounds start at 0 with each process
 * and rise by one per election, so no honest peer gets there; a round near 2^53 would exhaust the
 * numbers.
 */
const roundJumpMax = 2 ** 32

interface Ballot {
  readonly vote: Vote
  readonly initialised: boolean
}

/** The voters that a server waits for which has no data, or a proposed configuration. */
export interface Waiting {
  readonly for: 'data' | 'configuration'
  /** voters that sent no vote */
  readonly missing: readonly ServerId[]
  /** voters that have data */
  readonly initialised: readonly ServerId[]
}

export class Looking implements Role {
  readonly type = 'looking'
  readonly #state: ServerState
  /** What this server votes for before it knows better: for itself, or for none. */
  #own: Vote
  #vote: Vote
  /** Votes of this round, ours included. */
  readonly #votes = new Map<ServerId, Ballot>()
  /** Last notification of each server that is not looking. */
  readonly #settled = new Map<ServerId, Notification>()
  /** CEPOCHs that arrived before this server knew that it leads; passed to the leading role. */
  readonly #early = new Map<ServerId, Extract<ZabMessage, { type: 'CEPOCH' }>>()
  #quietUntilMs: number | undefined
  #renotifyAtMs: number
  #renotifyMs: number
  #next: NextRole | undefined

  constructor(state: ServerState, nowMs: number) {
    this.#state = state
    const { self, epochs, timing } = state
    this.#vote = this.#own = this.#candidacy()
    state.round++
    this.#renotifyMs = timing.renotifyMs
    this.#renotifyAtMs = nowMs + this.#renotifyMs
    this.#votes.set(self, { vote: this.#vote, initialised: epochs.initialised })
    this.#notifyAll()
    this.#maybeDecide(nowMs)
  }

  get next(): NextRole | undefined {
    return this.#next
  }

  /** CEPOCHs of peers that decided before this server did. */
  get early(): ReadonlyMap<ServerId, ZabMessage> {
    return this.#early
  }

  /** undefined for a server that has data and no proposed configuration, or does not vote */
  get waiting(): Waiting | undefined {
    const { connected, epochs, membership, self } = this.#state
    const others = membership.voters.filter((voter) => voter !== self)
    if (this.#standsAside) {
      const missing = others.filter((voter) => !connected.has(voter))
      return { for: 'configuration', missing, initialised: [] }
    }
    if (epochs.initialised || !this.#votesItself) return undefined
    return {
      for: 'data',
      missing: others.filter((voter) => this.#wordOf(voter) === undefined),
      initialised: others.filter((voter) => this.#wordOf(voter)?.initialised === true),
    }
  }

  notification(): Notification {
    return {
      type: 'NOTIFICATION',
      vote: this.#vote,
      round: this.#state.round,
      role: 'looking',
      establishedEpoch: 0,
      initialised: this.#state.epochs.initialised,
      configuration: this.#state.configurations.state.last.version,
    }
  }

  tick(nowMs: number): void {
    if (nowMs >= this.#renotifyAtMs) {
      this.#renotifyMs = Math.min(this.#renotifyMs * 2, this.#state.timing.renotifyMaxMs)
      this.#renotifyAtMs = nowMs + this.#renotifyMs
      this.#notifyAll()
    }
    this.#maybeDecide(nowMs)
  }

  connected(nowMs: number): void {
    // zab.ts sends our notification on every new link. A new link adds a voter to wait for.
    this.#own = this.#candidacy()
    if (isBetter(this.#own, this.#vote)) this.#voteFor(this.#own)
    this.#maybeDecide(nowMs)
  }

  disconnected(nowMs: number, peer: ServerId): void {
    this.#early.delete(peer)
    this.#settled.delete(peer)
    if (this.#votes.delete(peer)) this.#quietUntilMs = undefined
    this.#own = this.#candidacy()
    const { self } = this.#state
    const withdraws = this.#own.standing === 'none' && this.#vote.id === self
    // A candidate that is gone must not win on the votes that it collected: start a new round.
    if (this.#vote.id === peer || withdraws) {
      this.#state.round++
      this.#votes.clear()
      this.#voteFor(this.#own)
    }
    this.#maybeDecide(nowMs)
  }

  received(nowMs: number, from: ServerId, message: ZabMessage): void {
    if (message.type === 'CEPOCH') this.#early.set(from, message)
    if (message.type === 'CONFIGURATION') this.#maybeDecide(nowMs)
    if (message.type !== 'NOTIFICATION' || !this.#mayVote(from)) return
    if (message.round > this.#state.round + roundJumpMax) {
      const found = `its round ${message.round} is beyond all bounds`
      this.#state.disconnect(from, found, { violation: true })
      return this.disconnected(nowMs, from)
    }
    if (message.role === 'looking') this.#lookingPeer(from, message)
    else this.#settledPeer(from, message)
    this.#maybeDecide(nowMs)
  }

  persisted(): void {
    // Votes do not depend on what is durable.
  }

  #candidacy(): Vote {
    const { configurations, epochs, history, self } = this.#state
    const standing = configurations.standingOf(self)
    if (standing === 'none' || this.#standsAside) {
      return { epoch: 0, zxid: zxidZero, standing: 'none', id: self }
    }
    return { epoch: epochs.currentEpoch, zxid: history.last, standing, id: self }
  }

  /** Whether this server's proposed configuration has too few voters here to elect it. */
  get #standsAside(): boolean {
    const { configurations, connected, quorum, self } = this.#state
    return configurations.isJoint && !quorum.has((voter) => voter === self || connected.has(voter))
  }

  #lookingPeer(from: ServerId, theirs: Notification): void {
    const wasSettled = this.#settled.delete(from)
    const state = this.#state
    if (!this.#votesItself) return
    if (theirs.round < state.round) {
      state.send(from, this.notification())
      return
    }
    if (theirs.round > state.round) {
      state.round = theirs.round
      this.#votes.clear()
      this.#voteFor(isBetter(theirs.vote, this.#own) ? theirs.vote : this.#own)
    } else if (isBetter(theirs.vote, this.#vote)) {
      this.#voteFor(theirs.vote)
    } else if (wasSettled) {
      // It had another role, and ignored votes, when ours was sent.
      state.send(from, this.notification())
    }
    this.#votes.set(from, theirs)
  }

  #settledPeer(from: ServerId, theirs: Notification): void {
    this.#votes.delete(from)
    this.#settled.set(from, theirs)
  }

  #voteFor(vote: Vote): void {
    this.#vote = vote
    this.#votes.set(this.#state.self, { vote, initialised: this.#state.epochs.initialised })
    this.#quietUntilMs = undefined
    this.#notifyAll()
  }

  #notifyAll(): void {
    for (const peer of [...this.#state.connected].sort((a, b) => a - b)) {
      this.#state.send(peer, this.notification())
    }
  }

  #maybeDecide(nowMs: number): void {
    if (this.#next !== undefined) return
    const elects = this.#votesItself && !this.#standsAside
    const leader = this.#workingLeader() ?? (elects ? this.#electedLeader(nowMs) : undefined)
    if (leader === undefined) return
    // Votes for a server that its own log does not name were never cast.
    if (leader === this.#state.self && !this.#state.configurations.concerns(leader)) return
    const continues = false
    this.#next =
      leader === this.#state.self
        ? { type: 'leading', continues }
        : { type: 'following', leader, continues }
  }

  get #votesItself(): boolean {
    return this.#mayVote(this.#state.self)
  }

  /** Whether a server votes, by our configurations or a later one that a peer named. */
  #mayVote(id: ServerId): boolean {
    const { configurations, elsewhere } = this.#state
    return configurations.concerns(id) || elsewhere.some((each) => each.isVoter(id))
  }

  /** Whether it may be enough for another server, which may know later configurations than ours. */
  #mayBeQuorum(agrees: (voter: ServerId) => boolean): boolean {
    const { configurations, elsewhere } = this.#state
    return configurations.mayBeQuorum(agrees) || elsewhere.some(({ quorum }) => quorum.has(agrees))
  }

  /** A server that claims to lead and that a quorum follows in one established epoch. */
  #workingLeader(): ServerId | undefined {
    for (const [id, word] of this.#settled) {
      if (word.role !== 'leading' || word.vote.id !== id) continue
      const follows = (voter: ServerId): boolean => {
        const other = this.#settled.get(voter)
        return other?.vote.id === id && other.establishedEpoch === word.establishedEpoch
      }
      if (this.#mayBeQuorum(follows)) {
        this.#state.epochBound.vouched(word.establishedEpoch)
        if (word.round > this.#state.round) this.#state.round = word.round
        return id
      }
    }
    return undefined
  }

  #electedLeader(nowMs: number): ServerId | undefined {
    const { connected, quorum, self, timing } = this.#state
    const isMember = (voter: ServerId): boolean => this.#state.isMember(voter)
    const candidate = this.#vote.id
    const isAgreed =
      quorum.has(this.#agrees) || (candidate !== self && this.#mayBeQuorum(this.#agrees))
    if (this.#settled.get(candidate)?.role === 'following' || !isAgreed) {
      this.#quietUntilMs = undefined
      return undefined
    }
    const everybodySpoke = quorum.all(
      (voter) =>
        voter === self ||
        !connected.has(voter) ||
        !isMember(voter) ||
        this.#votes.has(voter) ||
        this.#settled.has(voter),
    )
    if (everybodySpoke) return candidate
    this.#quietUntilMs ??= nowMs + timing.quietMs
    return nowMs >= this.#quietUntilMs ? candidate : undefined
  }

  /**
   * Whether `voter` counts and supports our candidate: by its vote, or as its follower this round.
   */
  readonly #agrees = (voter: ServerId): boolean => {
    const candidate = this.#vote.id
    const ballot = this.#votes.get(voter)
    if (ballot !== undefined) return sameVote(ballot.vote, this.#vote) && this.#counts(ballot)
    const word = this.#settled.get(voter)
    if (word?.round === this.#state.round && word.vote.id === candidate) return this.#counts(word)
    const early = this.#early.get(voter)
    if (candidate !== this.#state.self || early === undefined) return false
    return this.#state.isMember(voter) && this.#counts(early)
  }

  /**
   * Once all voters are present, they may find that none has ever held a history. This is only a
   * hint, as the whole election is: the leader counts again, promise by promise.
   */
  #counts({ initialised }: { readonly initialised: boolean }): boolean {
    const { bootstrap, quorum } = this.#state
    if (initialised || (bootstrap && this.#vote.epoch === 0)) return true
    return quorum.all((voter) => this.#wordOf(voter) !== undefined)
  }

  #wordOf(voter: ServerId): Ballot | undefined {
    return this.#votes.get(voter) ?? this.#settled.get(voter)
  }
}
