// One group that this broker coordinates: performs the effects of the core (group.ts) in order.
// Writes for the group run one at a time, and no answer overtakes an earlier write: a generation is
// recorded before its members learn of it, and offsets committed in one generation are stored
// before a member of the next can read them.
//
// When a write finds that another broker claimed the group, all waiting requests are answered with
// NOT_COORDINATOR and the group is dropped.
//
// Next on the path: group-claim.ts.

import type { Clock } from '../../clock.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import { BrokerError, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import type { ZkAccess } from '../cluster/zk-access.ts'
import {
  type GenerationClaim,
  Group,
  type GroupDescription,
  type GroupEffect,
  type GroupRules,
  type MemberClaim,
  type SyncRequest,
} from './group.ts'
import { type CommitWrite, type GroupClaim, notCoordinator } from './group-claim.ts'
import {
  failedJoin,
  failedSync,
  type JoinAnswer,
  type JoinRequest,
  type SyncAnswer,
} from './group-members.ts'

export type SendJoin = (answer: JoinAnswer) => void
export type SendSync = (answer: SyncAnswer) => void
type Effects = readonly GroupEffect<SendJoin, SendSync>[]

interface LedGroupOptions {
  readonly rules: GroupRules
  readonly claim: GroupClaim
  readonly clock: Clock
  /** access through the current session. @throws BrokerError NOT_COORDINATOR while there is none */
  readonly zk: () => ZkAccess
  /**
   * Called when the group is dropped. Its next request claims it again, here or at another broker.
   */
  readonly onOver: (reason: Error) => void
}

export class LedGroup {
  readonly #options: LedGroupOptions
  readonly #core: Group<SendJoin, SendSync>
  /** settles when all writes so far have succeeded or failed */
  #written: Promise<void> = Promise.resolve()
  #writeCount = 0
  #isOver = false
  #armedAtMs = Number.POSITIVE_INFINITY
  #disarm: () => void = () => undefined

  constructor(options: LedGroupOptions) {
    this.#options = options
    this.#core = new Group(options.rules, options.claim.generation)
  }

  get isIdle(): boolean {
    return this.#core.isIdle && this.#writeCount === 0
  }

  get isEmpty(): boolean {
    return this.#core.isEmpty
  }

  join(request: JoinRequest, send: SendJoin): void {
    this.#perform(this.#core.join(send, request, this.#nowMs))
  }

  sync(request: SyncRequest, send: SendSync): void {
    this.#perform(this.#core.sync(send, request, this.#nowMs))
  }

  heartbeat(claim: GenerationClaim): MqErrorCode {
    return this.#core.heartbeat(claim, this.#nowMs)
  }

  leave(claims: readonly MemberClaim[]): readonly MqErrorCode[] {
    const { errors, effects } = this.#core.leave(claims, this.#nowMs)
    this.#perform(effects)
    return errors
  }

  async commit(claim: GenerationClaim, writes: readonly CommitWrite[]): Promise<MqErrorCode> {
    const error = this.#core.checkCommit(claim, this.#nowMs)
    if (error !== 'NONE') return error
    return this.#write((zk) => this.#options.claim.commit(zk, writes))
  }

  /** Deletes the group, which must be empty, and its offsets. */
  async remove(): Promise<MqErrorCode> {
    const error = await this.#write(async (zk) => {
      if (!this.#core.isEmpty) throw new BrokerError('NON_EMPTY_GROUP', 'Cannot delete: in use')
      await this.#options.claim.remove(zk)
    })
    if (error === 'NONE') this.end(new Error('The group was deleted'))
    return error
  }

  describe(): GroupDescription {
    return this.#core.describe()
  }

  /** Drops the group. Waiting clients are told to look up the coordinator. */
  end(reason: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#disarm()
    this.#perform(this.#core.end('NOT_COORDINATOR'))
    this.#options.onOver(reason)
  }

  get #nowMs(): number {
    return this.#options.clock.nowMs()
  }

  #perform(effects: Effects): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'generation':
          this.#begin(effect.generation)
          break
        case 'joined':
          this.#afterWrites(() => {
            const { memberId } = effect.answer
            effect.to(this.#isOver ? failedJoin('NOT_COORDINATOR', memberId) : effect.answer)
          })
          break
        case 'synced':
          this.#afterWrites(() => {
            effect.to(this.#isOver ? failedSync('NOT_COORDINATOR') : effect.answer)
          })
          break
      }
    }
    this.#arm()
  }

  /** A generation whose write may have failed never begins. */
  #begin(generation: number): void {
    void this.#write(async (zk) => {
      try {
        await this.#options.claim.begin(zk, generation)
      } catch (error) {
        if (!(error instanceof ZkError)) throw error
        throw notCoordinator(`begin generation ${generation}`, error.message)
      }
    })
  }

  #afterWrites(run: () => void): void {
    if (this.#writeCount === 0 || this.#isOver) run()
    else this.#written = this.#written.then(run)
  }

  /** @returns the error for the member; clients retry after NOT_COORDINATOR */
  #write(write: (zk: ZkAccess) => Promise<void>): Promise<MqErrorCode> {
    this.#writeCount += 1
    const outcome = this.#written.then(async (): Promise<MqErrorCode> => {
      try {
        if (this.#isOver) return 'NOT_COORDINATOR'
        await write(this.#options.zk())
        return 'NONE'
      } catch (error) {
        if (error instanceof ZkError) return 'NOT_COORDINATOR'
        if (!(error instanceof BrokerError)) throw error
        if (error.code === 'NOT_COORDINATOR') this.end(error)
        return error.code
      } finally {
        this.#writeCount -= 1
      }
    })
    this.#written = outcome.then(() => undefined)
    return outcome
  }

  /** A timer that is too early is kept: it is rearmed when it fires. */
  #arm(): void {
    const { deadlineMs } = this.#core
    if (this.#isOver || deadlineMs >= this.#armedAtMs) return
    this.#disarm()
    this.#armedAtMs = deadlineMs
    const delayMs = Math.max(1, Math.ceil(deadlineMs - this.#nowMs))
    this.#disarm = this.#options.clock.after(delayMs, () => {
      this.#armedAtMs = Number.POSITIVE_INFINITY
      this.#perform(this.#core.tick(this.#nowMs))
    })
  }
}
