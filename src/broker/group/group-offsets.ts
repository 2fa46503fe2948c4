// The committed offsets of one group at its coordinator. An offset counts once its record is committed;
// until then the one before is read. Records are appended in the order of the requests, so the latest
// commit is known at once: a native commit names the commit that it follows (`version`), and a late one
// is refused. The version of a commit is the offset of its record in the offsets topic. Pure.

import type { OffsetPlace, OffsetValue } from '../../protocol/kafka/group-records.ts'
import { type CommitVersion, noCommit } from '../../protocol/mq/offset-commit.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'

export interface CommittedOffset extends OffsetValue {
  readonly version: CommitVersion
}

interface Pending {
  /** of its record */
  readonly at: Offset
  /** `noCommit` for a tombstone */
  readonly version: CommitVersion
}

export class GroupOffsets {
  readonly #committed = new Map<string, Map<number, CommittedOffset>>()
  /** of what is appended and not committed yet, the latest by place */
  readonly #pending = new Map<string, Pending>()

  get isEmpty(): boolean {
    return this.#committed.size === 0 && this.#pending.size === 0
  }

  get topics(): Iterable<string> {
    return this.#committed.keys()
  }

  get({ topic, partition }: OffsetPlace): CommittedOffset | undefined {
    return this.#committed.get(topic)?.get(partition)
  }

  /** Of the last commit that was appended, whether or not it is committed. */
  latestVersion(place: OffsetPlace): CommitVersion {
    return this.#pending.get(keyOf(place))?.version ?? this.get(place)?.version ?? noCommit
  }

  isPending(place: OffsetPlace): boolean {
    return this.#pending.has(keyOf(place))
  }

  appended(place: OffsetPlace, at: Offset, value: OffsetValue | null): void {
    this.#pending.set(keyOf(place), { at, version: value === null ? noCommit : at })
  }

  /** Its record at this offset is committed; null: a tombstone. To be called in log order. */
  committed(place: OffsetPlace, at: Offset, value: OffsetValue | null): void {
    const { topic, partition } = place
    const key = keyOf(place)
    if (this.#pending.get(key)?.at === at) this.#pending.delete(key)
    const ofTopic = this.#committed.get(topic)
    if (value !== null) {
      const { offset, leaderEpoch, metadata, commitTimestampMs, expireTimestampMs } = value
      const times = { commitTimestampMs, expireTimestampMs }
      const stored = { offset, leaderEpoch, metadata, version: at, ...times }
      if (ofTopic === undefined) this.#committed.set(topic, new Map([[partition, stored]]))
      else ofTopic.set(partition, stored)
      return
    }
    ofTopic?.delete(partition)
    if (ofTopic?.size === 0) this.#committed.delete(topic)
  }

  /** By topic and partition, ascending. */
  *all(): Iterable<readonly [OffsetPlace, CommittedOffset]> {
    for (const topic of [...this.#committed.keys()].sort()) {
      const ofTopic = [...(this.#committed.get(topic) ?? [])].sort(([a], [b]) => a - b)
      for (const [partition, stored] of ofTopic) yield [{ topic, partition }, stored]
    }
  }

  /** Every place that a record of this group may be found for when its topic is read again. */
  get places(): readonly OffsetPlace[] {
    const committed = [...this.all()].map(([place]) => place)
    const pending = [...this.#pending.keys()].map(placeOf)
    return [...committed, ...pending.filter((place) => this.get(place) === undefined)]
  }
}

function keyOf({ topic, partition }: OffsetPlace): string {
  return `${partition} ${topic}`
}

function placeOf(key: string): OffsetPlace {
  const end = key.indexOf(' ')
  return { topic: key.slice(end + 1), partition: Number(key.slice(0, end)) }
}
