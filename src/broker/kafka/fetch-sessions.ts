// Fetch sessions (KIP-227): a consumer names its partitions once, and then only what changed. The
// broker remembers them, and answers with those that have something new; quiet ones cost no bytes.
//
//   full request, epoch 0     ─▶ session 4711           answered with all partitions
//   changes, 4711, epoch 1    ─▶ all of its partitions  answered with those that have news
//   changes, 4711, epoch 2 …     after a lost answer the epochs differ, and the client begins again
//
// Pure. Sessions belong to no connection: a client may go on over another one. Used by fetch.ts.
// Source: Kafka's FetchSession (3.9).

import type { FetchRequest } from '../../protocol/kafka/api/fetch.ts'
import type { MqErrorCode } from '../../protocol/mq/error-codes.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'

export type FetchTopic = FetchRequest['topics'][number]
type Asked = FetchTopic['partitions'][number]

const noSession = 0
/** Session epochs of a full request: asking for a new session, or for none. */
const [newSessionEpoch, finalEpoch] = [0, -1]
const epochMax = 2 ** 31 - 1

/** A session that was used within this time is not ended in favour of another one. */
const usedMs = 120_000

export interface FetchSessionsOptions {
  /** of all sessions together: more are not granted */
  readonly sessionsMax: number
  readonly partitionsMax: number
  /** A random integer of 31 bits. */
  readonly randomId: () => number
}

/** What the last answer that named a partition said; undefined after an error, or before the first. */
interface Told {
  readonly highWatermark: Offset
  readonly logStart: Offset
}

/** The connection of a request. */
export interface FetchRequester {
  readonly usesTopicIds: boolean
  /**
   * The session that it was granted last: some clients want one with each request, and use none. It
   * ends when the next one begins, unless a request has gone on with it.
   */
  readonly granted: { sessionId: number }
  readonly nowMs: number
}

interface SessionPartition {
  readonly topic: string
  readonly topicId: string
  asked: Asked
  told: Told | undefined
}

interface Session {
  readonly id: number
  /** of the next request */
  epoch: number
  readonly usesTopicIds: boolean
  /** Those that had records when there was no room for all go to the end. */
  readonly partitions: Map<string, SessionPartition>
  /** the partitions as topics; undefined: they changed */
  topics: readonly FetchTopic[] | undefined
  usedAtMs: number
}

/** The answer for one partition. */
interface PartitionAnswer {
  readonly isError: boolean
  readonly highWatermark: Offset
  readonly logStart: Offset
  readonly recordBytes: number
}

export class FetchSessions {
  readonly #options: FetchSessionsOptions
  /** in the order of their last use, the latest last */
  readonly #sessions = new Map<number, Session>()
  #partitionCount = 0

  constructor(options: FetchSessionsOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#sessions.size
  }

  get partitionCount(): number {
    return this.#partitionCount
  }

  /** @returns the partitions that the request is about, or why it cannot be served */
  open(request: FetchRequest, by: FetchRequester): FetchScope | MqErrorCode {
    const { sessionId, sessionEpoch, topics } = request
    const { usesTopicIds, granted, nowMs } = by
    const known = this.#sessions.get(sessionId)
    if (sessionEpoch === newSessionEpoch || sessionEpoch === finalEpoch) {
      if (known !== undefined) this.#end(known)
      if (sessionEpoch === finalEpoch) return new FetchScope(topics, undefined, true)
      const last = this.#sessions.get(granted.sessionId)
      if (last?.epoch === 1) this.#end(last)
      const session = this.#begin(topics, usesTopicIds, nowMs)
      granted.sessionId = session?.id ?? noSession
      return new FetchScope(topics, session, true)
    }
    if (known === undefined) return 'FETCH_SESSION_ID_NOT_FOUND'
    if (known.epoch !== sessionEpoch) return 'INVALID_FETCH_SESSION_EPOCH'
    if (known.usesTopicIds !== usesTopicIds) return 'FETCH_SESSION_TOPIC_ID_ERROR'
    this.#change(known, request)
    if (known.partitions.size === 0) {
      this.#end(known)
      return new FetchScope([], undefined, true)
    }
    known.epoch = known.epoch === epochMax ? 1 : known.epoch + 1
    known.usedAtMs = nowMs
    this.#sessions.delete(known.id)
    this.#sessions.set(known.id, known)
    known.topics ??= topicsOf(known.partitions.values())
    return new FetchScope(known.topics, known, false)
  }

  /** @returns undefined if there is no room */
  #begin(topics: readonly FetchTopic[], usesTopicIds: boolean, nowMs: number): Session | undefined {
    const partitions = new Map<string, SessionPartition>()
    for (const topic of topics) {
      for (const asked of topic.partitions) add(partitions, topic, asked)
    }
    if (partitions.size === 0 || !this.#hasRoom(partitions.size, nowMs)) return undefined
    const id = this.#newId()
    const session = { id, epoch: 1, usesTopicIds, partitions, topics: undefined, usedAtMs: nowMs }
    this.#sessions.set(id, session)
    this.#partitionCount += partitions.size
    return session
  }

  /** Sessions that were not used for long make room. */
  #hasRoom(partitions: number, nowMs: number): boolean {
    const { sessionsMax, partitionsMax } = this.#options
    if (partitions > partitionsMax) return false
    for (const oldest of this.#sessions.values()) {
      const hasRoom =
        this.#sessions.size < sessionsMax && this.#partitionCount + partitions <= partitionsMax
      if (hasRoom) return true
      if (nowMs - oldest.usedAtMs < usedMs) return false
      this.#end(oldest)
    }
    return true
  }

  #newId(): number {
    for (;;) {
      const id = this.#options.randomId()
      if (id !== noSession && !this.#sessions.has(id)) return id
    }
  }

  #change(session: Session, { topics, forgottenTopicsData }: FetchRequest): void {
    const { partitions } = session
    const before = partitions.size
    for (const topic of topics) {
      for (const asked of topic.partitions) add(partitions, topic, asked)
    }
    for (const { topic, topicId, partitions: forgotten } of forgottenTopicsData) {
      for (const partition of forgotten) partitions.delete(keyOf({ topic, topicId }, partition))
    }
    if (topics.length + forgottenTopicsData.length > 0) session.topics = undefined
    this.#partitionCount += partitions.size - before
  }

  #end(session: Session): void {
    this.#sessions.delete(session.id)
    this.#partitionCount -= session.partitions.size
  }
}

/** The partitions that one request is about, and which of them its answer names. */
export class FetchScope {
  readonly topics: readonly FetchTopic[]
  readonly #session: Session | undefined
  readonly #isFull: boolean

  constructor(topics: readonly FetchTopic[], session: Session | undefined, isFull: boolean) {
    this.topics = topics
    this.#session = session
    this.#isFull = isFull
  }

  get sessionId(): number {
    return this.#session?.id ?? noSession
  }

  /** Notes what the answer says about a partition. @returns whether it has to name the partition */
  answers(topic: FetchTopic, partition: number, answer: PartitionAnswer): boolean {
    const known = this.#session?.partitions.get(keyOf(topic, partition))
    // It was forgotten meanwhile, by a later request.
    if (known === undefined) return this.#isFull
    const { told } = known
    const { isError, highWatermark, logStart, recordBytes } = answer
    const isNews =
      isError ||
      recordBytes > 0 ||
      told?.highWatermark !== highWatermark ||
      told.logStart !== logStart
    // A partition whose error is gone is named once more.
    if (isNews) known.told = isError ? undefined : { highWatermark, logStart }
    return isNews || this.#isFull
  }

  /** There was no room for all records: next time the others come before these. */
  servedFirst(served: Iterable<readonly [topic: FetchTopic, partition: number]>): void {
    const session = this.#session
    if (session === undefined) return
    for (const [topic, partition] of served) {
      const key = keyOf(topic, partition)
      const known = session.partitions.get(key)
      if (known === undefined) continue
      session.partitions.delete(key)
      session.partitions.set(key, known)
      session.topics = undefined
    }
  }
}

function add(
  partitions: Map<string, SessionPartition>,
  { topic, topicId }: FetchTopic,
  asked: Asked,
): void {
  const key = keyOf({ topic, topicId }, asked.partition)
  const known = partitions.get(key)
  if (known === undefined) partitions.set(key, { topic, topicId, asked, told: undefined })
  else known.asked = asked
}

/** Requests name a topic or its id, and leave the other one empty. */
function keyOf({ topic, topicId }: Pick<FetchTopic, 'topic' | 'topicId'>, partition: number) {
  return `${topic}/${topicId}/${partition}`
}

/** Neighbours of one topic are put together. */
function topicsOf(partitions: Iterable<SessionPartition>): readonly FetchTopic[] {
  const topics: { topic: string; topicId: string; partitions: Asked[] }[] = []
  for (const { topic, topicId, asked } of partitions) {
    const last = topics.at(-1)
    if (last?.topic === topic && last.topicId === topicId) last.partitions.push(asked)
    else topics.push({ topic, topicId, partitions: [asked] })
  }
  return topics
}
