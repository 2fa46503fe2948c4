// What the judge of a life of brokers knows of consumer groups: the records of the offsets topic, in their
// order, and what members were told (docs/correctness.md, B8). Pure.

import { invariant } from '../../../src/invariant.ts'
import { decodeAssignment } from '../../../src/protocol/kafka/consumer-protocol.ts'
import type { GroupRecord, GroupValue } from '../../../src/protocol/kafka/group-records.ts'
import type { MqEvent } from './checker.ts'

type Assigned = Extract<MqEvent, { readonly type: 'assigned' }>
type Stored = Extract<MqEvent, { readonly type: 'offsetStored' }>

export class GroupChecker {
  /** by offset */
  readonly #records: string[] = []
  /** the last committed offset by group and place */
  readonly #offsets = new Map<string, number>()
  /** by group and generation, what each member has */
  readonly #generations = new Map<string, ReadonlyMap<string, string>>()
  /** the last stored generation of each group */
  readonly #latest = new Map<string, GroupValue>()
  /** not to be checked before the records have been seen */
  #told: Assigned[] = []
  #stored: Stored[] = []

  /** A record is committed, as some replica has it. */
  committed({ at, record }: Extract<MqEvent, { readonly type: 'groupRecord' }>): void {
    const text = JSON.stringify(record)
    const known = this.#records[at]
    if (known !== undefined) {
      const differs = `${known}, ${text} at ${at}`
      invariant(known === text, `replicas agree on what groups committed: ${differs}`)
      return
    }
    this.#records[at] = text
    if (record.type === 'group') this.#generation(record.group, record.value)
    else if (record.value !== null) this.#offset(record)
  }

  #generation(group: string, value: GroupValue | null): void {
    if (value === null) {
      this.#latest.delete(group)
      return
    }
    this.#latest.set(group, value)
    const owners = new Map<number, string>()
    const byMember = new Map<string, string>()
    for (const { memberId, assignment } of value.members) {
      const places = decodeAssignment(assignment).partitions.flatMap(({ partitions }) => partitions)
      byMember.set(memberId, [...places].sort().join())
      for (const partition of places) {
        const other = owners.get(partition)
        const both = `${other}, ${memberId} of ${partition} in ${value.generation} of ${group}`
        invariant(other === undefined, `a partition has one owner in a generation: ${both}`)
        owners.set(partition, memberId)
      }
    }
    this.#generations.set(`${group} ${value.generation}`, byMember)
  }

  #offset({ group, place, value }: Extract<GroupRecord, { readonly type: 'offset' }>): void {
    if (value === null) return
    const key = `${group} ${place.topic}/${place.partition}`
    const before = this.#offsets.get(key) ?? 0
    const { offset, metadata } = value
    const change = `${before} to ${offset} of ${key}`
    invariant(offset >= before, `a committed offset never goes back: ${change}`)
    this.#offsets.set(key, offset)
    if (metadata === '') return
    const latest = this.#latest.get(group)
    const [generation, memberId] = metadata.split(' ')
    const isMember = latest?.members.some((one) => one.memberId === memberId) === true
    invariant(
      isMember && latest.generation === Number(generation),
      `a commit of an older generation changes nothing: ${metadata} in ${latest?.generation}`,
    )
  }

  /** It may have been told by a broker whose records were not looked at yet. */
  assigned(event: Assigned): void {
    this.#told.push(event)
  }

  offsetStored(event: Stored): void {
    this.#stored.push(event)
  }

  /** Records may be lost, by an operator's choice. */
  chosen(): void {
    this.#records.length = 0
    this.#offsets.clear()
    this.#generations.clear()
    this.#latest.clear()
    this.#told = []
    this.#stored = []
  }

  /** All replicas have been read to their ends. */
  end(): void {
    for (const { group, memberId, generation, partitions } of this.#told) {
      const stored = this.#generations.get(`${group} ${generation}`)?.get(memberId)
      const found = `${memberId} has ${partitions} in ${generation}, where ${stored} is stored`
      invariant(stored === partitions.join(), `an assignment is stored before it is told: ${found}`)
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
