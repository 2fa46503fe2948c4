// Fast leader election: find the voter with the highest (epoch, zxid, id) that a quorum agrees on, or
// a leader that already works. It is only a hint: what makes a leader safe is discovery.ts and
// synchronization.ts.
//
//   looking, later round   join it: forget the votes of ours, vote for the better of theirs and our own
//   looking, same round    if theirs is better, vote for it; count theirs
//   looking, older round   tell the sender ours
//   following, this round  counts as a vote for whom it follows
//   following or leading   once a quorum follows a leader that says so itself, follow it too
//
// Source: FastLeaderElection in ZooKeeper 3.9, without the exit on a lone LEADING notification.

import type { Notification, Vote, ZabMessage } from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import type { NextRole, Role } from './role.ts'
import type { ServerState } from './server-state.ts'
import { compareVotes, sameVote } from './vote.ts'

export class Looking implements Role {
  readonly #state: ServerState
  readonly #own: Vote
  #vote: Vote
  /** Votes of this round, ours included. */
  readonly #votes = new Map<ServerId, Vote>()
  /** Last word of servers that are not looking. */
  readonly #settled = new Map<ServerId, Notification>()
  /** Promises that arrived before we knew that we lead; handed over to the leader's role. */
  readonly #early = new Map<ServerId, ZabMessage>()
  #quietUntilMs: number | undefined
  #renotifyAtMs: number
  #renotifyMs: number
  #next: NextRole | undefined

  constructor(state: ServerState, nowMs: number) {
    this.#state = state
    const { self, epochs, history, timing } = state
    this.#own = { epoch: epochs.currentEpoch, zxid: history.last, id: self }
    this.#vote = this.#own
    state.round++
    this.#renotifyMs = timing.renotifyMs
    this.#renotifyAtMs = nowMs + this.#renotifyMs
    this.#votes.set(self, this.#vote)
    this.#notifyAll()
    this.#maybeDecide(nowMs)
  }

  get next(): NextRole | undefined {
    return this.#next
  }

  /** CEPOCHs of peers that decided before us. */
  get early(): ReadonlyMap<ServerId, ZabMessage> {
    return this.#early
  }

  notification(): Notification {
    return {
      type: 'NOTIFICATION',
      vote: this.#vote,
      round: this.#state.round,
      role: 'looking',
      establishedEpoch: 0,
      initialised: this.#state.epochs.currentEpoch > 0,
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
    // Zab greets every new link with our notification. One more link is one more voter to hear.
    this.#maybeDecide(nowMs)
  }

  disconnected(nowMs: number, peer: ServerId): void {
    this.#early.delete(peer)
    this.#settled.delete(peer)
    if (this.#votes.delete(peer)) this.#quietUntilMs = undefined
    // A candidate that is gone must not win on the votes it collected: start a round without it.
    if (this.#vote.id === peer) {
      this.#state.round++
      this.#votes.clear()
      this.#voteFor(this.#own)
    }
    this.#maybeDecide(nowMs)
  }

  received(nowMs: number, from: ServerId, message: ZabMessage): void {
    if (message.type === 'CEPOCH') this.#early.set(from, message)
    if (message.type !== 'NOTIFICATION' || !this.#state.quorum.isVoter(from)) return
    if (message.role === 'looking') this.#lookingPeer(from, message)
    else this.#settledPeer(from, message)
    this.#maybeDecide(nowMs)
  }

  persisted(): void {
    // Votes do not depend on what is durable.
  }

  #lookingPeer(from: ServerId, theirs: Notification): void {
    this.#settled.delete(from)
    const state = this.#state
    if (theirs.round < state.round) {
      state.send(from, this.notification())
      return
    }
    if (theirs.round > state.round) {
      state.round = theirs.round
      this.#votes.clear()
      this.#voteFor(compareVotes(theirs.vote, this.#own) > 0 ? theirs.vote : this.#own)
    } else if (compareVotes(theirs.vote, this.#vote) > 0) {
      this.#voteFor(theirs.vote)
    }
    this.#votes.set(from, theirs.vote)
  }

  #settledPeer(from: ServerId, theirs: Notification): void {
    this.#votes.delete(from)
    this.#settled.set(from, theirs)
  }

  #voteFor(vote: Vote): void {
    this.#vote = vote
    this.#votes.set(this.#state.self, vote)
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
    const leader = this.#workingLeader() ?? this.#electedLeader(nowMs)
    if (leader === undefined) return
    this.#next = leader === this.#state.self ? { type: 'leading' } : { type: 'following', leader }
  }

  /** A leader that says so itself and that a quorum follows in one established epoch. */
  #workingLeader(): ServerId | undefined {
    const { quorum } = this.#state
    for (const [id, word] of this.#settled) {
      if (word.role !== 'leading' || word.vote.id !== id) continue
      const follows = (voter: ServerId): boolean => {
        const other = this.#settled.get(voter)
        return other?.vote.id === id && other.establishedEpoch === word.establishedEpoch
      }
      if (quorum.has(follows)) {
        if (word.round > this.#state.round) this.#state.round = word.round
        return id
      }
    }
    return undefined
  }

  #electedLeader(nowMs: number): ServerId | undefined {
    const { connected, quorum, self, timing } = this.#state
    const candidate = this.#vote.id
    if (this.#settled.get(candidate)?.role === 'following' || !quorum.has(this.#agrees)) {
      this.#quietUntilMs = undefined
      return undefined
    }
    const everybodySpoke = quorum.voters.every(
      (voter) =>
        voter === self ||
        !connected.has(voter) ||
        this.#votes.has(voter) ||
        this.#settled.has(voter),
    )
    if (everybodySpoke) return candidate
    this.#quietUntilMs ??= nowMs + timing.quietMs
    return nowMs >= this.#quietUntilMs ? candidate : undefined
  }

  /** Whether `voter` is for our candidate: by its vote, or because it follows it since this round. */
  readonly #agrees = (voter: ServerId): boolean => {
    const vote = this.#votes.get(voter)
    if (vote !== undefined) return sameVote(vote, this.#vote)
    const candidate = this.#vote.id
    const word = this.#settled.get(voter)
    if (word?.round === this.#state.round && word.vote.id === candidate) return true
    return candidate === this.#state.self && this.#early.has(voter)
  }
}
