// What the judge of a life of brokers knows of topics that come and go while faults happen: what an
// administrator asked for and was answered, which topics there are according to ZooWeeper, and what
// replicas have of them (docs/correctness.md, B12 and B14). Pure.
//
// A topic is known by its id: one that is created again under the same name is another one. A record is
// identified by its value.

import { invariant } from '../../../src/invariant.ts'

/** A topic in ZooWeeper. */
export interface SeenTopic {
  readonly topic: string
  readonly topicId: string
  /** by partition */
  readonly replicas: readonly (readonly number[])[]
  /** partitions that have had a leader */
  readonly ledCount: number
}

export interface TopicRecord {
  readonly topicId: string
  readonly partition: number
  readonly offset: number
  readonly value: string
}

interface Sent {
  readonly topic: string
  /** It was acknowledged before the deletion of its topic was asked for. */
  storedIn: string | undefined
}

export class TopicChecker {
  /** by id, as they are now */
  #seen: ReadonlyMap<string, SeenTopic> = new Map()
  /** ids of all topics that there ever were */
  readonly #known = new Map<string, string>()
  readonly #created = new Set<string>()
  readonly #doomed = new Set<string>()
  readonly #sent = new Map<string, Sent>()
  readonly #stored: TopicRecord[] = []
  /** by id and partition, then by offset */
  readonly #committed = new Map<string, string[]>()

  /** The topics of the administrator in ZooWeeper, after each change. */
  topicsAre(topics: readonly SeenTopic[]): void {
    const before = this.#seen
    this.#seen = new Map(topics.map((each) => [each.topicId, each]))
    for (const { topicId, topic, replicas } of before.values()) {
      const now = this.#seen.get(topicId)
      if (now === undefined) {
        const isAsked = this.#doomed.has(topicId)
        invariant(isAsked, `a topic goes only when its deletion is asked for: ${topic}, ${topicId}`)
        continue
      }
      const kept = now.replicas.slice(0, replicas.length)
      const change = `${JSON.stringify(replicas)}, ${JSON.stringify(now.replicas)} of ${topic}`
      const isSame = JSON.stringify(kept) === JSON.stringify(replicas)
      invariant(isSame, `partitions stay where they are when others are added: ${change}`)
    }
    for (const { topic, topicId } of topics) {
      if (before.has(topicId)) continue
      const asked = `${topic}, ${topicId}`
      invariant(this.#created.has(topic), `a topic comes only when it is asked for: ${asked}`)
      invariant(!this.#known.has(topicId), `a topic that is created again is another: ${asked}`)
      this.#known.set(topicId, topic)
    }
  }

  creating(topic: string): void {
    this.#created.add(topic)
  }

  /** It was answered that the topic is there, with so many partitions. */
  hasPartitions(topic: string, count: number): void {
    const found = [...this.#seen.values()].find((each) => each.topic === topic)
    const what = `${found?.replicas.length} of ${topic}, ${found?.ledCount} led, not ${count}`
    invariant(
      found !== undefined && found.replicas.length >= count && found.ledCount >= count,
      `partitions are there, with leaders, when it is answered that they are: ${what}`,
    )
  }

  deleting(topicId: string): void {
    this.#doomed.add(topicId)
  }

  deleted(topicId: string): void {
    const found = this.#seen.get(topicId)?.topic
    invariant(found === undefined, `a topic is gone when its deletion is answered: ${found}`)
  }

  /** There was a topic with this id. */
  isGone(topicId: string): boolean {
    return this.#known.has(topicId) && !this.#seen.has(topicId)
  }

  sent(topic: string, value: string): void {
    this.#sent.set(value, { topic, storedIn: undefined })
  }

  /** Acknowledged, while the topic with this id was the one of its name. */
  stored(record: TopicRecord): void {
    const sent = this.#sent.get(record.value)
    if (sent === undefined) return
    sent.storedIn = record.topicId
    this.#stored.push(record)
  }

  /** A record is committed, as some replica has it. */
  committed({ topicId, partition, offset, value }: TopicRecord): void {
    const place = `${topicId}-${partition}`
    const log = this.#committed.get(place) ?? []
    this.#committed.set(place, log)
    const where = `${value} at ${place}/${offset}`
    const known = log[offset]
    if (known !== undefined) {
      invariant(known === value, `replicas of a topic are equal: ${where}, ${known}`)
      return
    }
    invariant(offset === log.length, `a log of a topic has no gaps: ${where}, not ${log.length}`)
    const sent = this.#sent.get(value)
    const topic = this.#known.get(topicId)
    invariant(
      sent !== undefined && sent.topic === topic,
      `what is in a topic was sent to it: ${where} of ${topic}`,
    )
    const { storedIn } = sent
    invariant(
      storedIn === undefined || storedIn === topicId,
      `a record of a deleted topic is in no other: ${where}, stored in ${storedIn}`,
    )
    log.push(value)
  }

  /** All replicas have been read to their ends. */
  end(): void {
    for (const { topicId, partition, offset, value } of this.#stored) {
      if (!this.#seen.has(topicId)) continue
      const found = this.#committed.get(`${topicId}-${partition}`)?.[offset]
      const where = `${value} at ${topicId}-${partition}/${offset}, where ${found} is`
      invariant(found === value, `an acknowledged record is in its topic: ${where}`)
    }
  }
}
