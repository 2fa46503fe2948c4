// fetch: committed records from this broker's own replicas, leader or not; a partition without a
// replica here is passed on to its leader.
//
//   plan each partition ─▶ wait for enough bytes, an error or the deadline ─▶ read ─▶ answer
//
// It reads from replication/replica.ts; a fetch waits in replication/purgatory.ts. Next on the path:
// client/mq/partition-reader.ts, at the consumer.

import { invariant } from '../../invariant.ts'
import { limits } from '../../limits.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import {
  type Fetched,
  type FetchPartition,
  type FetchRequest,
  noRecords,
} from '../../protocol/mq/fetch.ts'
import { brokerErrorOf, failureOf, type Place } from '../../protocol/mq/messages.ts'
import { forEachBatch, lastOffsetOf, type Offset } from '../../protocol/mq/record-batch.ts'
import { ByteBudget } from '../replication/byte-budget.ts'
import { Operation } from '../replication/purgatory.ts'
import type { Access } from './access.ts'
import { Answers, type Respond } from './answer.ts'
import type { BrokerParts, ServedReplica } from './broker-parts.ts'
import { epochProblem } from './leader-epoch.ts'
import { boundsOf, isOffset, outOfRange } from './list-offsets.ts'
import { joinShare, leaderFor, noPartition, Shares, slackMs } from './pass-on.ts'

/**
 * The longest wait of one round when several brokers answer for a request: records of one must not
 * be held back while another has none.
 */
const roundMs = 50

/** @param access of the client, where rules decide what it may do */
export function fetch(
  parts: BrokerParts,
  request: FetchRequest,
  respond: Respond,
  access?: Access,
): void {
  new Fetching(parts, request, respond, access).begin()
}

/** How one partition of the request is answered. */
type Plan =
  | {
      readonly type: 'here'
      readonly asked: FetchPartition
      readonly replica: ServedReplica
      seen: Seen
    }
  | { readonly type: 'elsewhere'; readonly asked: FetchPartition }
  /** the number cannot be an offset of any log: the leader is asked for the bounds */
  | { readonly type: 'no offset'; readonly asked: FetchPartition }
  | { readonly type: 'refused'; readonly asked: FetchPartition; readonly error: BrokerError }

/** Records counted so far, for a request that waits for more than one byte. */
interface Seen {
  readonly next: Offset
  readonly bytes: number
}

type PlanHere = Extract<Plan, { readonly type: 'here' }>

class Fetching {
  readonly #parts: BrokerParts
  readonly #request: FetchRequest
  readonly #respond: Respond
  readonly #access: Access | undefined
  readonly #deadlineMs: number
  readonly #plans: readonly Plan[]
  readonly #here: readonly PlanHere[]
  readonly #shares = new Shares<FetchPartition>()
  readonly #elsewhereCount: number
  /** Some partition can be answered at once, so the request does not wait. */
  readonly #isSettled: boolean

  constructor(
    parts: BrokerParts,
    request: FetchRequest,
    respond: Respond,
    access: Access | undefined,
  ) {
    this.#parts = parts
    this.#access = access
    this.#request = request
    this.#respond = respond
    const waitMs = Math.min(request.maxWaitMs, limits.fetchWaitMsMax)
    this.#deadlineMs = parts.clock.nowMs() + waitMs
    this.#plans = request.partitions.map((asked, place) => this.#plan(asked, place))
    this.#here = this.#plans.filter((plan) => plan.type === 'here')
    this.#elsewhereCount = this.#plans.filter((plan) => plan.type === 'elsewhere').length
    const areServed = this.#plans.every(
      (plan) =>
        plan.type === 'elsewhere' ||
        (plan.type === 'here' && !plan.replica.isOutOfRange(plan.asked.offset)),
    )
    this.#isSettled = waitMs === 0 || !areServed || this.#plans.length === 0
  }

  begin(): void {
    if (this.#shares.count > 0) this.#passOn()
    else this.#wait()
  }

  #plan(asked: FetchPartition, place: number): Plan {
    const { image, replicas } = this.#parts
    const { topic, partition, offset } = asked
    if (this.#access?.mayTopic('read', topic) === false) {
      return { type: 'refused', asked, error: this.#access.refusal('topic', 'read', topic) }
    }
    if (!isOffset(offset)) {
      return image.hasPartition(topic, partition)
        ? { type: 'no offset', asked }
        : { type: 'refused', asked, error: noPartition(image, 'fetch', asked) }
    }
    const replica = replicas.get(topic, partition)
    if (replica === undefined || isRemovedHere(replica, offset)) {
      const leader = leaderFor(this.#parts, 'fetch', asked, this.#request.passedOn)
      if (leader instanceof BrokerError) return { type: 'refused', asked, error: leader }
      this.#shares.add(leader, asked, place)
      return { type: 'elsewhere', asked }
    }
    const error = epochProblem('fetch', replica, asked.leaderEpoch)
    if (error !== undefined) return { type: 'refused', asked, error }
    return { type: 'here', asked, replica, seen: { next: offset, bytes: 0 } }
  }

  // --- waiting -----------------------------------------------------------------------------------

  /** Waits for records when all partitions are on this broker. */
  #wait(): void {
    if (this.#isSettled || this.#hasEnough(0)) {
      this.#answer([])
      return
    }
    const operation = new Operation((ending) => {
      if (ending === 'reached') this.#wait()
      else this.#answer([])
    })
    for (const { replica, seen } of this.#here) {
      replica.waitForRecords(operation, Math.max(seen.next, replica.highWatermark))
    }
    this.#parts.replicas.purgatory.expireAt(operation, this.#deadlineMs)
  }

  /** Whether the local partitions and `bytesElsewhere` reach the requested minimum. */
  #hasEnough(bytesElsewhere: number): boolean {
    const { bytesMin, bytesMax } = this.#request
    const wanted = Math.min(bytesMin, bytesMax)
    let bytes = bytesElsewhere
    for (const plan of this.#here) {
      if (bytes >= wanted) return true
      bytes += countUpTo(plan, wanted - bytes)
    }
    return bytes >= wanted
  }

  // --- elsewhere ---------------------------------------------------------------------------------

  /** Asks the leaders of the other partitions, in rounds until there is enough. */
  #passOn(): void {
    const { clock, links } = this.#parts
    const { bytesMin, bytesMax } = this.#request
    const leftMs = Math.max(0, this.#deadlineMs - clock.nowMs())
    const partyCount = this.#shares.count + (this.#here.length > 0 ? 1 : 0)
    const roundWaitMs = partyCount === 1 ? leftMs : Math.min(leftMs, roundMs)
    const maxWaitMs = this.#isSettled || this.#hasEnough(0) ? 0 : Math.ceil(roundWaitMs)
    const answers = new Answers<Fetched>(this.#elsewhereCount, (fetched) => {
      if (this.#isOver(fetched, partyCount)) this.#answer(fetched)
      else this.#passOn()
    })
    for (const share of this.#shares) {
      const request = {
        type: 'fetch',
        maxWaitMs,
        bytesMin,
        bytesMax: Math.ceil(bytesMax / partyCount),
        passedOn: true,
        partitions: share.partitions,
      } as const
      const answer = links.call(share.leader, request, maxWaitMs + slackMs)
      joinShare(share, answer, answers, failed)
    }
  }

  /** @param partyCount the brokers that answer; a single one has waited for as long as requested */
  #isOver(fetched: readonly Fetched[], partyCount: number): boolean {
    if (this.#isSettled || partyCount === 1) return true
    if (this.#parts.clock.nowMs() >= this.#deadlineMs) return true
    if (fetched.some(({ error }) => error !== undefined)) return true
    return this.#hasEnough(fetched.reduce((sum, { records }) => sum + records.length, 0))
  }

  // --- the answer --------------------------------------------------------------------------------

  /** @param elsewhere the answers of other brokers, by place in the request */
  #answer(elsewhere: readonly Fetched[]): void {
    const answers = new Answers<Fetched>(this.#plans.length, (partitions) => {
      this.#respond({ type: 'fetch', partitions })
    })
    const budget = new ByteBudget(this.#request.bytesMax)
    const toLookUp: number[] = []
    for (const [place, plan] of this.#plans.entries()) {
      const { asked } = plan
      switch (plan.type) {
        case 'refused':
          answers.set(place, failed(asked, plan.error))
          break
        case 'no offset':
          toLookUp.push(place)
          break
        case 'elsewhere': {
          const one = elsewhere[place]
          if (one !== undefined) answers.set(place, within(budget, asked, one))
          break
        }
        case 'here': {
          const { replica } = plan
          if (this.#parts.replicas.get(asked.topic, asked.partition) !== replica) {
            answers.set(place, failed(asked, this.#notHere(asked))) // the replica was dropped meanwhile
          } else if (replica.isOutOfRange(asked.offset)) {
            const bounds = { start: replica.earliestOffset, end: replica.highWatermark }
            answers.set(place, failed(asked, outOfRange(nameOf(asked), bounds)))
          } else if (asked.offset <= replica.highWatermark || replica.role.type === 'leading') {
            answers.set(place, read(replica, asked, budget))
          } else if (this.#request.passedOn) {
            // Passed on to us as the leader, but we do not lead, or no longer.
            answers.set(place, failed(asked, this.#notHere(asked)))
          } else toLookUp.push(place)
        }
      }
    }
    if (toLookUp.length > 0) this.#lookUp(toLookUp, answers)
  }

  /**
   * Asks the leaders about numbers that are no offsets, and about offsets beyond a local replica's
   * end even after the wait: the replica may be behind, or the offset may not exist.
   */
  #lookUp(places: readonly number[], answers: Answers<Fetched>): void {
    const plans = places.flatMap((place) => this.#plans[place] ?? [])
    const asked = plans.map((plan) => plan.asked)
    boundsOf(this.#parts, asked, (listed) => {
      for (const [i, { error, earliest: start, latest: end }] of listed.entries()) {
        const [plan, place] = [plans[i], places[i]]
        if (plan === undefined || place === undefined) continue
        const { offset } = plan.asked
        // A new leader will know its bounds soon.
        const mayWait = plan.type === 'here' && error?.code === 'OFFSET_NOT_AVAILABLE'
        const isThere = plan.type === 'here' && error === undefined && offset <= end
        if (plan.type === 'here' && (mayWait || isThere)) {
          answers.set(place, answered(plan.replica, plan.asked, noRecords))
        } else if (error !== undefined) {
          answers.set(place, failed(plan.asked, brokerErrorOf(error)))
        } else
          answers.set(place, failed(plan.asked, outOfRange(nameOf(plan.asked), { start, end })))
      }
    })
  }

  #notHere(asked: FetchPartition): BrokerError {
    const error = leaderFor(this.#parts, 'fetch', asked, true)
    invariant(error instanceof BrokerError, 'a request that was passed on is not passed on again')
    return error
  }
}

/** Bytes of committed records from the requested offset on, counted up to `needed`. */
function countUpTo(plan: PlanHere, needed: number): number {
  const { replica, asked } = plan
  const { highWatermark } = replica
  if (needed <= 1) return asked.offset < highWatermark ? 1 : 0
  while (plan.seen.next < highWatermark && plan.seen.bytes < Math.min(needed, asked.bytesMax)) {
    let { next } = plan.seen
    const { records } = replica.readCommitted(next, needed - plan.seen.bytes)
    forEachBatch(records, (at) => {
      next = lastOffsetOf(records, at) + 1
    })
    if (next === plan.seen.next) break
    plan.seen = { next, bytes: plan.seen.bytes + records.length }
  }
  return Math.min(plan.seen.bytes, asked.bytesMax)
}

function read(replica: ServedReplica, asked: FetchPartition, budget: ByteBudget): Fetched {
  const records = budget.take(asked.bytesMax, (bytesMax) => {
    return replica.readCommitted(asked.offset, bytesMax).records
  })
  return answered(replica, asked, records)
}

function answered(replica: ServedReplica, { topic, partition }: Place, records: Buffer): Fetched {
  const { highWatermark, earliestOffset: logStart } = replica
  return { topic, partition, error: undefined, highWatermark, logStart, records }
}

/** Another broker's records, if the answer has room for them. */
function within(budget: ByteBudget, asked: FetchPartition, fetched: Fetched): Fetched {
  const { topic, partition, error, highWatermark, logStart } = fetched
  const records = budget.take(asked.bytesMax, () => fetched.records)
  return { topic, partition, error, highWatermark, logStart, records }
}

function failed({ topic, partition }: Place, error: BrokerError): Fetched {
  const records = noRecords
  return { topic, partition, error: failureOf(error), highWatermark: -1, logStart: -1, records }
}

function nameOf({ topic, partition, offset }: FetchPartition): string {
  return `fetch ${topic}/${partition} from ${offset}`
}

/** A follower's retention may be ahead of its leader's, which then still has the record. */
function isRemovedHere({ role, earliestOffset }: ServedReplica, offset: Offset): boolean {
  return role.type === 'following' && offset < earliestOffset
}
