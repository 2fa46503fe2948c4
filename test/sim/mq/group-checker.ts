// What the judge of a life of brokers knows of consumer groups: the records of the offsets topic, in their
// order, and what members were told (docs/correctness.md, B8). Pure.

import { invariant } from '../../../src/invariant.ts'
import { decodeAssignment } from '../../../src/protocol/kafka/consumer-protocol.ts'
import type {
  GroupRecord,
  GroupValue,
  OffsetPlace,
  OffsetValue,
} from '../../../src/protocol/kafka/group-records.ts'
import type { MqEvent } from './checker.ts'

type Assigned = Extract<MqEvent, { readonly type: 'assigned' }>
type Stored = Extract<MqEvent, { readonly type: 'offsetStored' }>
type Fetched = Extract<MqEvent, { readonly type: 'offsetFetched' }>
type OffsetRecord = Extract<GroupRecord, { readonly type: 'offset' }>

export class GroupChecker {
  readonly #retentionMs: number
  /** by offset */
  readonly #records: string[] = []
  /** the last of them that was taken into account */
  #lastAt = -1
  /** the last committed offset by group and place */
  readonly #offsets = new Map<string, OffsetValue>()
  /** the last acknowledged offset by group and place */
  readonly #acknowledged = new Map<string, number>()
  /**
   * What a member has, by group, generation and member: more than one, since a group that expired begins
   * at 1 again, perhaps with the same members.
   */
  readonly #assignments = new Map<string, Set<string>>()
  /** the last stored generation of each group */
  readonly #latest = new Map<string, GroupValue>()
  /** not to be checked before the records have been seen */
  #told: Assigned[] = []
  #stored: Stored[] = []

  /** @param retentionMs how long offsets live that no member uses */
  constructor(retentionMs: number) {
    this.#retentionMs = retentionMs
  }

  /** The last acknowledged offset of a place; 0: none. */
  acknowledged(group: string, { topic, partition }: OffsetPlace): number {
    return this.#acknowledged.get(`${group} ${topic}/${partition}`) ?? 0
  }

  /** A record is committed, as some replica has it. */
  committed({ at, record, timestampMs }: Extract<MqEvent, { readonly type: 'groupRecord' }>): void {
    const text = JSON.stringify(record)
    const known = this.#records[at]
    if (known !== undefined) {
      const differs = `${known}, ${text} at ${at}`
      invariant(known === text, `replicas agree on what groups committed: ${differs}`)
      return
    }
    this.#records[at] = text
    // After an operator's choice a replica that has older ones may be looked at later.
    if (at < this.#lastAt) return
    this.#lastAt = at
    if (record.type === 'group') this.#generation(record.group, record.value)
    else if (record.value !== null) this.#offset(record, record.value)
    else this.#expired(record, timestampMs)
  }

  #generation(group: string, value: GroupValue | null): void {
    if (value === null) {
      this.#latest.delete(group)
      return
    }
    const { generation: before = 0 } = this.#latest.get(group) ?? {}
    const change = `${before} to ${value.generation} of ${group}`
    invariant(value.generation >= before, `a generation never goes back: ${change}`)
    this.#latest.set(group, value)
    const owners = new Map<number, string>()
    for (const { memberId, assignment } of value.members) {
      const places = decodeAssignment(assignment).partitions.flatMap(({ partitions }) => partitions)
      const key = `${group} ${value.generation} ${memberId}`
      const stored = this.#assignments.get(key) ?? new Set()
      this.#assignments.set(key, stored.add([...places].sort().join()))
      for (const partition of places) {
        const other = owners.get(partition)
        const both = `${other}, ${memberId} of ${partition} in ${value.generation} of ${group}`
        invariant(other === undefined, `a partition has one owner in a generation: ${both}`)
        owners.set(partition, memberId)
      }
    }
  }

  #offset({ group, place }: OffsetRecord, value: OffsetValue): void {
    const key = `${group} ${place.topic}/${place.partition}`
    const { offset: before = 0 } = this.#offsets.get(key) ?? {}
    const { offset, metadata } = value
    const change = `${before} to ${offset} of ${key}`
    invariant(offset >= before, `a committed offset never goes back: ${change}`)
    this.#offsets.set(key, value)
    if (metadata === '') return
    const latest = this.#latest.get(group)
    const [generation, memberId] = metadata.split(' ')
    const isMember = latest?.members.some((one) => one.memberId === memberId) === true
    const stored = latest?.generation ?? 0
    // A later one has begun, and its members have not learned their partitions yet: as in Kafka.
    invariant(
      Number(generation) > stored || (isMember && Number(generation) === stored),
      `a commit of an older generation changes nothing: ${metadata} in ${latest?.generation}`,
    )
  }

  /** In the time of the coordinator that wrote the tombstone. */
  #expired({ group, place }: OffsetRecord, timestampMs: number): void {
    const key = `${group} ${place.topic}/${place.partition}`
    const value = this.#offsets.get(key)
    if (value === undefined) return
    const latest = this.#latest.get(group)
    const users = latest?.members.length ?? 0
    invariant(users === 0, `an offset that is in use never expires: ${key}, of ${users} members`)
    const sinceMs = latest?.stateTimestampMs ?? value.commitTimestampMs
    const ageMs = timestampMs - sinceMs
    const isDue = ageMs >= this.#retentionMs
    invariant(isDue, `an offset expires only when it is due: ${key}, after ${ageMs} ms`)
    this.#offsets.delete(key)
    this.#acknowledged.delete(key)
  }

  fetched({ group, topic, partition, offset, least }: Fetched): void {
    // One that expired meanwhile is not known any more.
    if (this.acknowledged(group, { topic, partition }) < least) return
    const what = `${offset} of ${group} for ${topic}/${partition}, not ${least}`
    invariant(offset >= least, `what is fetched is at least what was acknowledged: ${what}`)
  }

  /** It may have been told by a broker whose records were not looked at yet. */
  assigned(event: Assigned): void {
    this.#told.push(event)
  }

  offsetStored(event: Stored): void {
    this.#stored.push(event)
    const key = `${event.group} ${event.topic}/${event.partition}`
    this.#acknowledged.set(key, Math.max(event.offset, this.#acknowledged.get(key) ?? 0))
  }

  /** Records may be lost, by an operator's choice. */
  chosen(): void {
    this.#records.length = 0
    this.#lastAt = -1
    this.#offsets.clear()
    this.#acknowledged.clear()
    this.#assignments.clear()
    this.#latest.clear()
    this.#told = []
    this.#stored = []
  }

  /** All replicas have been read to their ends. */
  end(): void {
    for (const { group, memberId, generation, partitions } of this.#told) {
      const stored = this.#assignments.get(`${group} ${generation} ${memberId}`)
      const all = [...(stored ?? [])].join(' or ')
      const found = `${memberId} has ${partitions} in ${generation}, where ${all} is stored`
      invariant(
        stored?.has(partitions.join()) === true,
        `an assignment is stored before it is told: ${found}`,
      )
    }
    for (const { group, partition, offset, at } of this.#stored) {
      const found = this.#records[at] ?? '{}'
      const record = JSON.parse(found) as Partial<Extract<GroupRecord, { type: 'offset' }>>
      const isIt = record.place?.partition === partition && record.value?.offset === offset
      const what = `${offset} of ${group} for ${partition} at ${at}, where ${found} is`
      invariant(isIt && record.group === group, `an acknowledged commit is never lost: ${what}`)
    }
  }
}
