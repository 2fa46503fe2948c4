// Zab as one pure state machine: a server that is looking, leading or following.
//
//   looking ──▶ leading      the vote of a quorum names us
//           └─▶ following    it names another, or a leader already works
//   leading, following ──▶ looking    the quorum, or the leader, is lost
//   leading ──▶ following, following ──▶ leading    leadership is transferred (transfer.ts)
//
// Before the counter of an epoch ends, its leader begins the next one with the same followers,
// without an election.
//
// Same inputs, same effects, in a defined order. To Zab a transaction is a zxid and opaque bytes.
// Time-outs count only time during which this process ran. After a standstill, messages wait in its
// buffers that were never late; it reads them before it considers any peer dead.
// Sources: Junqueira, Reed, Serafini, "Zab: High-performance broadcast for primary-backup systems",
// DSN 2011; ZooKeeper's TLA+ specifications.
// Next on the path: leading.ts. ensemble/driver.ts performs the effects.

import type { Notification } from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { ConfigurationState, ProposedConfiguration } from './configuration.ts'
import { Following } from './following.ts'
import { Leading } from './leading.ts'
import type { LearnerCounts } from './learners.ts'
import { Looking, type Waiting } from './looking.ts'
import type { ReconfigurationVerdict } from './reconfiguration.ts'
import { ServerState } from './server-state.ts'
import type { Epochs, ZabEffect, ZabInput, ZabOptions } from './types.ts'

type Role = Looking | Leading | Following

export class Zab {
  readonly #state: ServerState
  #role: Role
  /** The role last announced to the peers, so that every change is announced. */
  #announced = ''
  #steppedMs: number
  /** Time during which this process ran: each step adds at most one ping interval. */
  #awakeMs = 0

  constructor(options: ZabOptions, nowMs: number) {
    this.#steppedMs = nowMs
    this.#state = new ServerState(options)
    this.#role = new Looking(this.#state, this.#awakeMs)
  }

  get epochs(): Epochs {
    return this.#state.epochs
  }

  /**
   * The ensemble that this server certainly belongs to. An id saved with an epoch may be that of an
   * ensemble that was never established, as long as this server holds nothing of that epoch or an
   * earlier one. What it holds of later epochs came from a leader whose id it has not saved yet.
   */
  get ensembleId(): string | undefined {
    const { epochs, history } = this.#state
    const { firstEpoch } = history
    return firstEpoch > 0 && firstEpoch <= epochs.currentEpoch ? epochs.ensembleId : undefined
  }

  /** End of this server's log, durable or not. */
  get lastZxid(): Zxid {
    return this.#state.history.last
  }

  get delivered(): Zxid {
    return this.#state.delivered
  }

  /** What a server without data waits for; undefined if it has data, or found a leader. */
  get waiting(): Waiting | undefined {
    return this.#role.type === 'looking' ? this.#role.waiting : undefined
  }

  /** Whether `peer` may send us, as its leader, the requests of its clients. */
  hasLearner(peer: ServerId): boolean {
    return this.#role.type === 'leading' && this.#role.hasLearner(peer)
  }

  /** A leader's count of its learners, for monitoring. */
  get learnerCounts(): LearnerCounts | undefined {
    return this.#role.type === 'leading' ? this.#role.learnerCounts : undefined
  }

  /** While leading: whether `next` may be proposed as the next configuration. */
  judgeConfiguration(next: ProposedConfiguration): ReconfigurationVerdict | undefined {
    return this.#role.type === 'leading' ? this.#role.judgeConfiguration(next) : undefined
  }

  get configuration(): ConfigurationState {
    return this.#state.configurations.state
  }

  /** The texts of all configurations that may be in force, the last one first. */
  get configurationTexts(): readonly string[] {
    const { last, before } = this.configuration
    const told = this.#state.told.map(({ text }) => text)
    return [last.text, ...(before === undefined ? [] : [before.text]), ...told]
  }

  /** Whether the log may be purged: no learner is synchronizing, and so needs parts of it. */
  get mayPurge(): boolean {
    return this.#role.type !== 'leading' || !this.#role.synchronizing
  }

  /** The effects of the construction. */
  start(): ZabEffect[] {
    return this.#settle(this.#awakeMs)
  }

  /** @param monotonicMs never decreases between calls */
  step(monotonicMs: number, input: ZabInput): ZabEffect[] {
    const state = this.#state
    const role = this.#role
    const nowMs = this.#awake(monotonicMs)
    switch (input.type) {
      case 'tick':
        role.tick(nowMs)
        break
      case 'connected':
        state.connect(input.peer, input)
        state.send(input.peer, role.notification())
        role.connected(nowMs, input.peer)
        break
      case 'disconnected':
        state.disconnected(input.peer)
        role.disconnected(nowMs, input.peer)
        break
      case 'member':
        state.joined(input.peer)
        role.connected(nowMs, input.peer)
        break
      case 'received':
        if (!state.connected.has(input.from)) break
        if (state.isOfEndedSession(input.from, input.message)) break
        if (input.message.type === 'NOTIFICATION') {
          if (input.message.role === 'looking' && role.type !== 'looking') {
            state.send(input.from, role.notification())
          }
          this.#maybeTell(input.from, input.message)
          if (!state.isMember(input.from)) break
        }
        if (input.message.type === 'CONFIGURATION') {
          if (!state.isMember(input.from)) break
          state.tell(input.from, input.message)
        }
        role.received(nowMs, input.from, input.message)
        break
      case 'epochsSaved':
        state.epochsSaved(input.epochs)
        role.persisted(nowMs)
        break
      case 'logged':
        state.logged(input.zxid)
        role.persisted(nowMs)
        break
      case 'truncated':
        state.truncated()
        role.persisted(nowMs)
        break
      case 'snapshotReceived':
        if (role.type === 'following') role.snapshotReceived(input.zxid)
        break
      case 'snapshotInstalled':
        state.snapshotInstalled(input.zxid, input.configuration)
        role.persisted(nowMs)
        break
      case 'purged':
        state.purged(input.base)
        break
      case 'proposed':
        if (role.type === 'leading') role.proposed(input.entries)
        break
      case 'handover':
        if (role.type === 'leading') role.handover(nowMs)
        break
      case 'transfer':
        if (role.type === 'leading') role.transfer(nowMs, input.request)
        break
      case 'drained':
        if (role.type === 'leading') role.drained()
        break
      case 'confirm':
        if (role.type === 'leading') role.confirm(input.token)
        break
    }
    return this.#settle(nowMs)
  }

  /** A looking peer that knows an earlier configuration may look for servers that are gone. */
  #maybeTell(peer: ServerId, { configuration, role }: Notification): void {
    const { last } = this.#state.configurations.state
    if (role !== 'looking' || configuration >= last.version) return
    const { version, voters, text } = last
    this.#state.send(peer, { type: 'CONFIGURATION', version, voters: [...voters], text })
  }

  #awake(monotonicMs: number): number {
    this.#awakeMs += Math.min(monotonicMs - this.#steppedMs, this.#state.timing.pingMs)
    this.#steppedMs = monotonicMs
    return this.#awakeMs
  }

  /** Changes roles until one stays, then announces it to the peers. */
  #settle(nowMs: number): ZabEffect[] {
    for (let next = this.#role.next; next !== undefined; next = this.#role.next) {
      const before = this.#role
      switch (next.type) {
        case 'looking':
          this.#state.emit({ type: 'role', role: { type: 'looking' }, continues: false })
          this.#role = new Looking(this.#state, nowMs)
          break
        case 'leading':
          this.#role = new Leading(this.#state, nowMs, next)
          break
        case 'following':
          this.#role = new Following(this.#state, nowMs, next)
          break
      }
      if (before.type === 'looking') this.#welcomeEarly(nowMs, before)
    }
    this.#announce()
    return this.#state.takeEffects()
  }

  /** Replays the CEPOCHs that arrived before the election ended, whatever its result. */
  #welcomeEarly(nowMs: number, looking: Looking): void {
    for (const [from, message] of [...looking.early].sort(([a], [b]) => a - b)) {
      this.#role.received(nowMs, from, message)
    }
  }

  /** Otherwise a looking server would learn of an established leader only when it asks again. */
  #announce(): void {
    const word = this.#role.notification()
    if (word.role === 'looking') {
      this.#announced = ''
      return
    }
    const said = `${word.role} ${word.vote.id} ${word.establishedEpoch}`
    if (said === this.#announced) return
    this.#announced = said
    for (const peer of [...this.#state.connected].sort((a, b) => a - b)) {
      this.#state.send(peer, word)
    }
  }
}
