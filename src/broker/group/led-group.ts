// One group at its coordinator: performs the effects of the core (group.ts) in order, and keeps the
// committed offsets. What is to survive is appended to the group's partition of the offsets topic, in the
// order of the decisions, and no answer overtakes an earlier record: a generation is stored before its
// members learn their assignments, and offsets committed in one generation are stored before a member of
// the next can read them.
//
// A record that is not committed in time fails the answers that wait for it; it may be committed later.
//
// Next on the path: coordinator-shard.ts.

import type { Clock } from '../../clock.ts'
import type {
  GroupRecord,
  GroupValue,
  OffsetPlace,
  OffsetValue,
} from '../../protocol/kafka/group-records.ts'
import type { MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { type CommitVersion, noCommit } from '../../protocol/mq/offset-commit.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'
import { type GenerationClaim, Group, type GroupRules, type SyncRequest } from './group.ts'
import type { GroupDescription } from './group-description.ts'
import type { GroupEffect, StoredGroup } from './group-effects.ts'
import {
  failedJoin,
  failedSync,
  type JoinAnswer,
  type JoinRequest,
  type SyncAnswer,
} from './group-members.ts'
import { type CommittedOffset, GroupOffsets } from './group-offsets.ts'
import { expiredOffsets, type GroupUse, topicsOf } from './offset-expiry.ts'
import type { MemberClaim } from './roster.ts'

export type SendJoin = (answer: JoinAnswer) => void
export type SendSync = (answer: SyncAnswer) => void
type Effects = readonly GroupEffect<SendJoin, SendSync>[]

/** Called once: when the records are committed, or with the reason why they never will be by us. */
export type Appended = (error: MqErrorCode | undefined) => void

/** What a client commits for a partition. */
export interface CommitPartition extends OffsetPlace {
  readonly offset: Offset
  /** of the last record that was read; -1: not known */
  readonly leaderEpoch: number
  /** opaque text of the client */
  readonly metadata: string
  /** of an older client; -1: the broker's rule */
  readonly expireTimestampMs: number
  /** the commit that this one follows; undefined: whichever */
  readonly follows: CommitVersion | undefined
}

/** The outcome for each partition of a commit. */
export interface CommitOutcome {
  readonly error: MqErrorCode
  readonly version: CommitVersion
}

interface LedGroupOptions {
  readonly group: string
  readonly rules: GroupRules
  readonly clock: Clock
  /** How long answers wait for records to be committed. */
  readonly commitTimeoutMs: number
  /**
   * Appends records in one batch.
   *
   * @returns the offset of the first; undefined when they were refused, and `done` has been called
   */
  readonly append: (records: readonly GroupRecord[], done: Appended) => Offset | undefined
  /** The group is deleted. */
  readonly onDeleted: () => void
}

/** A record, or several in one batch, that is appended and not committed yet. */
interface Write {
  readonly isGeneration: boolean
  readonly deadlineMs: number
  isLate: boolean
  /** called once, when it is committed, or late, or never will be */
  answer: ((error: MqErrorCode) => void) | undefined
}

interface NewWrite {
  readonly isGeneration: boolean
  readonly answer: (error: MqErrorCode) => void
  /** called with the offset of the first record */
  readonly appended?: (first: Offset) => void
  readonly committed?: (first: Offset) => void
}

/** An answer that waits for the writes before it. */
interface Held {
  readonly writeCount: number
  readonly send: (error: MqErrorCode) => void
}

export class LedGroup {
  readonly #options: LedGroupOptions
  readonly #core: Group<SendJoin, SendSync>
  readonly #offsets: GroupOffsets
  /** wall clock at which it came into its state; undefined: not known */
  #stateSinceMs: number | undefined
  /** Whether a record of the group itself may be in the log. */
  #isStored: boolean
  /** Whether the log refused the last generation: it has an older one. */
  #isRefused = false
  /** in log order */
  #writes: Write[] = []
  #begunCount = 0
  #held: Held[] = []
  #isOver = false
  #armedAtMs = Number.POSITIVE_INFINITY
  #disarm: () => void = () => undefined

  /** @param stored what the log says; undefined: nothing */
  constructor(
    options: LedGroupOptions,
    stored: GroupValue | undefined,
    offsets: GroupOffsets = new GroupOffsets(),
  ) {
    this.#options = options
    this.#offsets = offsets
    this.#core = new Group(options.rules, stored, options.clock.nowMs())
    this.#isStored = stored !== undefined
    const sinceMs = stored?.stateTimestampMs ?? -1
    this.#stateSinceMs = sinceMs < 0 ? undefined : sinceMs
    this.#arm()
  }

  isMember(memberId: string): boolean {
    return this.#core.isMember(memberId)
  }

  get isEmpty(): boolean {
    return this.#core.isEmpty
  }

  // --- members ------------------------------------------------------------------------------------

  join(request: JoinRequest, send: SendJoin): void {
    this.#perform(this.#core.join(send, request, this.#nowMs))
  }

  sync(request: SyncRequest, send: SendSync): void {
    this.#perform(this.#core.sync(send, request, this.#nowMs))
  }

  heartbeat(claim: GenerationClaim): MqErrorCode {
    const error = this.#core.heartbeat(claim, this.#nowMs)
    this.#arm()
    return error
  }

  leave(claims: readonly MemberClaim[]): readonly MqErrorCode[] {
    const { errors, effects } = this.#core.leave(claims, this.#nowMs)
    this.#perform(effects)
    return errors
  }

  // --- offsets ------------------------------------------------------------------------------------

  /** @param done called once, with the outcome for each of the partitions */
  commit(
    claim: GenerationClaim,
    partitions: readonly CommitPartition[],
    done: (outcomes: readonly CommitOutcome[]) => void,
  ): void {
    const verdict = this.#core.checkCommit(claim, this.#nowMs)
    this.#arm()
    const outcomes = partitions.map((one) => this.#judgeCommit(verdict, one))
    const accepted = partitions.filter((_, i) => outcomes[i]?.error === 'NONE')
    if (accepted.length === 0) {
      done(outcomes)
      return
    }
    const values = accepted.map((one) => [one, this.#valueOf(one)] as const)
    this.#writeOffsets(values, (error, first) => {
      let next = first
      done(outcomes.map((one) => (one.error === 'NONE' ? { error, version: next++ } : one)))
    })
  }

  #judgeCommit(
    verdict: MqErrorCode,
    { follows, topic, partition }: CommitPartition,
  ): CommitOutcome {
    const version = this.#offsets.latestVersion({ topic, partition })
    if (verdict !== 'NONE') return { error: verdict, version }
    const isLate = follows !== undefined && follows !== version
    return { error: isLate ? 'INVALID_UPDATE_VERSION' : 'NONE', version }
  }

  #valueOf({ offset, leaderEpoch, metadata, expireTimestampMs }: CommitPartition): OffsetValue {
    const commitTimestampMs = this.#options.clock.wallMs()
    return { offset, leaderEpoch, metadata, commitTimestampMs, expireTimestampMs }
  }

  committed(place: OffsetPlace): CommittedOffset | undefined {
    return this.#offsets.get(place)
  }

  isCommitting(place: OffsetPlace): boolean {
    return this.#offsets.isPending(place)
  }

  allCommitted(): readonly (readonly [OffsetPlace, CommittedOffset])[] {
    return [...this.#offsets.all()]
  }

  /**
   * Deletes committed offsets, of topics that no member consumes.
   *
   * @param done called once, with the outcome for each
   */
  deleteOffsets(
    places: readonly OffsetPlace[],
    done: (outcomes: readonly MqErrorCode[]) => void,
  ): void {
    const used = this.isEmpty ? new Set<string>() : topicsOf(this.#use)
    const outcomes = places.map(({ topic }): MqErrorCode => {
      if (used === undefined) return 'NON_EMPTY_GROUP'
      return used.has(topic) ? 'GROUP_SUBSCRIBED_TO_TOPIC' : 'NONE'
    })
    const doomed = places.filter((place, i) => outcomes[i] === 'NONE' && this.#isKnown(place))
    if (doomed.length === 0) {
      done(outcomes)
      return
    }
    this.#writeOffsets(
      doomed.map((place) => [place, null]),
      (error) => done(outcomes.map((one) => (one === 'NONE' ? error : one))),
    )
  }

  #isKnown(place: OffsetPlace): boolean {
    return this.#offsets.get(place) !== undefined || this.#offsets.isPending(place)
  }

  /** These topics are gone, and what was committed for them means nothing. */
  topicsGone(topics: ReadonlySet<string>): void {
    this.#forget(this.#offsets.places.filter(({ topic }) => topics.has(topic)))
  }

  get topics(): Iterable<string> {
    return this.#offsets.topics
  }

  /** Deletes what is too old, and the group with its last offset. */
  expire(retentionMs: number): void {
    const wallMs = this.#options.clock.wallMs()
    // In the log it has members still, and these would come back without their offsets.
    if (this.#isRefused && this.isEmpty) this.#perform(this.#core.storeAgain())
    if (this.#isRefused) return
    this.#forget(expiredOffsets(this.#offsets, this.#use, { wallMs, retentionMs }))
    if (this.#core.isIdle && this.#offsets.isEmpty && this.#writes.length === 0) this.#remove()
  }

  get #use(): GroupUse {
    const { isEmpty, protocolType, subscriptions } = this.#core
    return { isEmpty, protocolType, subscriptions, stateSinceMs: this.#stateSinceMs }
  }

  #forget(places: readonly OffsetPlace[]): void {
    if (places.length === 0) return
    this.#writeOffsets(
      places.map((place) => [place, null]),
      () => undefined, // if it fails, it is tried again in time
    )
  }

  /** @param done called once; `first` is the offset of the first record, if they are committed */
  #writeOffsets(
    offsets: readonly (readonly [OffsetPlace, OffsetValue | null])[],
    done: (error: MqErrorCode, first: Offset) => void,
  ): void {
    const { group } = this.#options
    let at: Offset = noCommit
    const records = offsets.map(([{ topic, partition }, value]): GroupRecord => {
      return { type: 'offset', group, place: { topic, partition }, value }
    })
    this.#write(records, {
      isGeneration: false,
      answer: (error) => done(error, at),
      appended: (first) => {
        at = first
        for (const [i, [place, value]] of offsets.entries()) {
          this.#offsets.appended(place, first + i, value)
        }
      },
      committed: (first) => {
        for (const [i, [place, value]] of offsets.entries()) {
          this.#offsets.committed(place, first + i, value)
        }
      },
    })
  }

  // --- the group ----------------------------------------------------------------------------------

  /** Deletes the group, which must be empty, and its offsets. */
  delete(done: (error: MqErrorCode) => void): void {
    if (!this.#core.isEmpty) done('NON_EMPTY_GROUP')
    else this.#remove(done)
  }

  #remove(done: (error: MqErrorCode) => void = () => undefined): void {
    const { group, onDeleted } = this.#options
    const records: GroupRecord[] = this.#offsets.places.map((place) => {
      return { type: 'offset', group, place, value: null }
    })
    if (this.#isStored) records.push({ type: 'group', group, value: null })
    if (records.length > 0) {
      const at = this.#write(records, { isGeneration: false, answer: done })
      if (at === undefined) return
    } else done('NONE')
    // From here on a request begins another group of this name, whose records follow these.
    this.#perform(this.#core.end('UNKNOWN_MEMBER_ID'))
    onDeleted()
  }

  describe(): GroupDescription {
    return this.#core.describe()
  }

  /** Another broker coordinates it, or will: waiting clients look for the coordinator. */
  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#disarm()
    for (const { answer } of this.#writes.splice(0)) answer?.('NOT_COORDINATOR')
    this.#failHeld('NOT_COORDINATOR')
    this.#perform(this.#core.end('NOT_COORDINATOR'))
  }

  get #nowMs(): number {
    return this.#options.clock.nowMs()
  }

  // --- effects ------------------------------------------------------------------------------------

  #perform(effects: Effects): void {
    let failure: MqErrorCode | undefined
    for (const effect of effects) {
      switch (effect.type) {
        case 'store':
          failure = this.#store(effect.group)
          break
        case 'joined': {
          const { to, answer } = effect
          this.#afterWrites(failure, (error) => {
            to(error === 'NONE' ? answer : failedJoin(error, answer.memberId))
          })
          break
        }
        case 'synced': {
          const { to, answer } = effect
          this.#afterWrites(failure, (error) => to(error === 'NONE' ? answer : failedSync(error)))
          break
        }
      }
    }
    if (failure !== undefined && !this.#isOver) {
      this.#perform(this.#core.storeFailed(this.#nowMs))
    }
    this.#arm()
  }

  /** @returns why it is not stored, if that is certain */
  #store({ protocolType, generation, protocol, leader, members }: StoredGroup) {
    const { group, clock } = this.#options
    const stateTimestampMs = clock.wallMs()
    this.#stateSinceMs = stateTimestampMs
    this.#isStored = true
    const value = { protocolType, generation, protocol, leader, stateTimestampMs, members }
    let refused: MqErrorCode | undefined
    const at = this.#write([{ type: 'group', group, value }], {
      isGeneration: true,
      answer: (error) => {
        refused = error
      },
    })
    this.#isRefused = at === undefined
    return this.#isRefused ? (refused ?? 'NOT_COORDINATOR') : undefined
  }

  /** @param failure of what was to be stored before the answer */
  #afterWrites(failure: MqErrorCode | undefined, send: (error: MqErrorCode) => void): void {
    if (failure !== undefined) send(failure)
    else if (this.#writes.length === 0) send('NONE')
    else this.#held.push({ writeCount: this.#begunCount, send })
  }

  #failHeld(error: MqErrorCode): void {
    for (const { send } of this.#held.splice(0)) send(error)
  }

  // --- writes -------------------------------------------------------------------------------------

  /** @returns offset of the first record; undefined when it was refused, and answered */
  #write(
    records: readonly GroupRecord[],
    { isGeneration, answer, appended, committed }: NewWrite,
  ): Offset | undefined {
    const { commitTimeoutMs, append } = this.#options
    const deadlineMs = this.#nowMs + commitTimeoutMs
    const write: Write = { isGeneration, deadlineMs, isLate: false, answer }
    let at: Offset | undefined
    let early: { readonly error: MqErrorCode | undefined } | undefined
    const found = append(records, (error) => {
      if (at === undefined) early = { error }
      else if (error === undefined) this.#written(at, committed)
      // With any other error this broker is not the coordinator any more: `end` is on its way.
    })
    if (found === undefined) {
      answer(early?.error ?? 'NOT_COORDINATOR')
      return undefined
    }
    at = found
    this.#begunCount += 1
    this.#writes.push(write)
    appended?.(at)
    if (early === undefined) this.#arm()
    else this.#written(at, committed)
    return at
  }

  /** The oldest write is committed. */
  #written(at: Offset, committed: ((first: Offset) => void) | undefined): void {
    const write = this.#writes.shift()
    if (write === undefined) return // the group is over
    committed?.(at)
    write.answer?.('NONE')
    const endedCount = this.#begunCount - this.#writes.length
    while ((this.#held[0]?.writeCount ?? Number.POSITIVE_INFINITY) <= endedCount) {
      this.#held.shift()?.send('NONE')
    }
  }

  /** Answers what has waited too long for its record. */
  #giveUpLate(nowMs: number): void {
    const overdue = this.#writes.filter(({ isLate, deadlineMs }) => !isLate && deadlineMs <= nowMs)
    if (overdue.length === 0) return
    for (const write of overdue) {
      const { answer } = write
      write.isLate = true
      write.answer = undefined
      answer?.('COORDINATOR_NOT_AVAILABLE')
    }
    this.#failHeld('COORDINATOR_NOT_AVAILABLE')
    if (overdue.some(({ isGeneration }) => isGeneration))
      this.#perform(this.#core.storeFailed(nowMs))
  }

  // --- time ---------------------------------------------------------------------------------------

  get #deadlineMs(): number {
    const { deadlineMs } = this.#core
    for (const write of this.#writes) {
      if (!write.isLate) return Math.min(deadlineMs, write.deadlineMs)
    }
    return deadlineMs
  }

  /** A timer that is too early is kept: it is rearmed when it fires. */
  #arm(): void {
    const deadlineMs = this.#deadlineMs
    if (this.#isOver || deadlineMs >= this.#armedAtMs) return
    this.#disarm()
    this.#armedAtMs = deadlineMs
    const delayMs = Math.max(1, Math.ceil(deadlineMs - this.#nowMs))
    this.#disarm = this.#options.clock.after(delayMs, () => {
      this.#armedAtMs = Number.POSITIVE_INFINITY
      this.#giveUpLate(this.#nowMs)
      this.#perform(this.#core.tick(this.#nowMs))
    })
  }
}
