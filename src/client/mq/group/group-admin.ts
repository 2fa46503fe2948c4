// What tools ask about consumer groups, and how they move a group's offsets. A reset is planned first, and
// each of its commits names the offset that the plan was made from: if the group has moved on since, the
// reset is refused and nothing is overwritten unseen.
//
// Used by mq-admin.ts.

import { ProtocolError } from '../../../protocol/error-codes.ts'
import {
  consumerProtocolType,
  decodeAssignment,
  decodeSubscription,
} from '../../../protocol/kafka/consumer-protocol.ts'
import { BrokerError } from '../../../protocol/mq/error-codes.ts'
import type { DescribedGroup, GroupListing, GroupMember } from '../../../protocol/mq/groups.ts'
import { noTimestamp } from '../../../protocol/mq/list-offsets.ts'
import { anyEpoch, type BrokerId, brokerErrorOf } from '../../../protocol/mq/messages.ts'
import type { MqCluster } from '../mq-cluster.ts'
import type { OffsetTarget, PlannedOffset, TopicPartition } from '../options.ts'

export type { GroupListing } from '../../../protocol/mq/groups.ts'

/** A member, and what it consumes; empty if its group is for something else. */
export interface GroupMemberDetails {
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly clientId: string
  readonly host: string
  readonly topics: readonly string[]
  readonly partitions: readonly TopicPartition[]
  /** The others wait for it. */
  readonly isAwaited: boolean
}

/** A partition for which the group committed, or that one of its members has. */
export interface GroupPartition extends TopicPartition {
  /** undefined: nothing */
  readonly committed: number | undefined
  /** where the log begins and ends; undefined: no leader could tell */
  readonly earliest: number | undefined
  readonly latest: number | undefined
  /** stored records that are not committed */
  readonly lag: number | undefined
  /** the member that has it */
  readonly memberId: string | undefined
}

export interface GroupDetails {
  readonly group: string
  readonly state: string
  readonly coordinator: BrokerId
  readonly protocolType: string
  /** the assignor */
  readonly protocol: string
  readonly generation: number
  readonly leader: string
  /** how long it has waited for members, and how much longer it will; undefined: it does not wait */
  readonly waiting: { readonly sinceMs: number; readonly leftMs: number } | undefined
  /** why it assigned its partitions anew, and how long ago that began; undefined: not known */
  readonly lastRebalance: { readonly reason: string; readonly agoMs: number } | undefined
  readonly members: readonly GroupMemberDetails[]
  /** by topic and partition */
  readonly partitions: readonly GroupPartition[]
}

export class GroupAdmin {
  readonly #cluster: MqCluster
  readonly #timeoutMs: number

  constructor(cluster: MqCluster, timeoutMs: number) {
    this.#cluster = cluster
    this.#timeoutMs = timeoutMs
  }

  async list(): Promise<readonly GroupListing[]> {
    const request = { type: 'listGroups', passedOn: false } as const
    return (await this.#cluster.call(request, this.#timeoutMs)).groups
  }

  /** undefined if there is no such group */
  async describe(group: string): Promise<GroupDetails | undefined> {
    const { found } = await this.#cluster.call(
      { type: 'describeGroup', group, passedOn: false },
      this.#timeoutMs,
    )
    if (found.state === 'Dead') return undefined
    const members = found.members.map((one) => detailsOf(found, one))
    return {
      group,
      state: found.state,
      coordinator: found.coordinator,
      protocolType: found.protocolType,
      protocol: found.protocol,
      generation: found.generation,
      leader: found.leader,
      waiting: found.waiting,
      lastRebalance: await this.#lastRebalance(group),
      members,
      partitions: await this.#partitions(group, members),
    }
  }

  /** undefined also when the broker is older, and cannot tell. */
  async #lastRebalance(group: string): Promise<GroupDetails['lastRebalance']> {
    try {
      const request = { type: 'lastRebalance', group, passedOn: false } as const
      return (await this.#cluster.call(request, this.#timeoutMs)).found
    } catch (error) {
      if (error instanceof BrokerError && error.code === 'UNSUPPORTED_VERSION') return undefined
      throw error
    }
  }

  async delete(group: string): Promise<void> {
    const request = { type: 'deleteGroup', group, passedOn: false } as const
    await this.#cluster.call(request, this.#timeoutMs)
  }

  /**
   * @param asked.topic undefined: all topics for which the group committed
   * @param asked.partitions undefined: all of the topic
   */
  async plan(
    group: string,
    asked: {
      readonly topic: string | undefined
      readonly partitions: readonly number[] | undefined
      readonly to: OffsetTarget
    },
  ): Promise<readonly PlannedOffset[]> {
    const places = await this.#places(group, asked)
    const fetched = await this.#fetch(group, places)
    const timestampMs = asked.to.type === 'time' ? asked.to.timestampMs : noTimestamp
    const bounds = await this.#bounds(places, timestampMs)
    return places.map((place, i): PlannedOffset => {
      const { offset: committed, version } = fetched[i] ?? { offset: undefined, version: -1 }
      const { earliest, latest, atTime = latest } = bounds[i] ?? {}
      if (earliest === undefined || latest === undefined || atTime === undefined) {
        const message = `Cannot move group '${group}' in ${place.topic}/${place.partition}`
        throw new BrokerError('LEADER_NOT_AVAILABLE', `${message}: its log's ends are not known`)
      }
      const wanted = targetOf(asked.to, { committed, earliest, latest, atTime })
      const to = Math.min(Math.max(wanted, earliest), latest)
      const { topic, partition } = place
      return { topic, partition, committed, earliest, latest, to, version }
    })
  }

  /** @throws BrokerError UNKNOWN_MEMBER_ID while the group has members, INVALID_UPDATE_VERSION … */
  async apply(group: string, planned: readonly PlannedOffset[]): Promise<void> {
    if (planned.length === 0) return
    const timeoutMs = this.#timeoutMs
    const request = {
      type: 'offsetCommit',
      group,
      generation: -1,
      memberId: '',
      instanceId: undefined,
      timeoutMs,
      passedOn: false,
      partitions: planned.map(({ topic, partition, to: offset, version }) => {
        return { topic, partition, offset, version }
      }),
    } as const
    try {
      await this.#cluster.call(request, timeoutMs)
    } catch (error) {
      if (!(error instanceof BrokerError) || error.code !== 'UNKNOWN_MEMBER_ID') throw error
      const message = `Cannot move the offsets of group '${group}': it has members, stop them first`
      throw new BrokerError('NON_EMPTY_GROUP', message, { cause: error })
    }
  }

  async #places(
    group: string,
    {
      topic,
      partitions,
    }: { readonly topic: string | undefined; readonly partitions: readonly number[] | undefined },
  ): Promise<readonly TopicPartition[]> {
    if (topic === undefined) return (await this.#fetch(group, undefined)).map(placeOf)
    await this.#cluster.refresh()
    const found = this.#cluster.metadata.topic(topic)
    if (found === undefined) {
      throw await this.#cluster.whyMissing(topic, `move group '${group}' in topic '${topic}'`)
    }
    const count = found.partitions.length
    const missing = partitions?.find((partition) => partition >= count)
    if (missing !== undefined) {
      const message = `Cannot move group '${group}' in ${topic}/${missing}`
      throw new BrokerError(
        'UNKNOWN_TOPIC_OR_PARTITION',
        `${message}: the topic has ${count} partitions`,
      )
    }
    const wanted = partitions ?? found.partitions.map(({ partition }) => partition)
    return wanted.map((partition) => ({ topic, partition }))
  }

  async #fetch(group: string, partitions: readonly TopicPartition[] | undefined) {
    const request = { type: 'offsetFetch', group, passedOn: false, partitions } as const
    return (await this.#cluster.call(request, this.#timeoutMs)).partitions
  }

  async #partitions(
    group: string,
    members: readonly GroupMemberDetails[],
  ): Promise<readonly GroupPartition[]> {
    const committed = await this.#fetch(group, undefined)
    const owners = new Map<string, string>()
    for (const { memberId, partitions } of members) {
      for (const place of partitions) owners.set(nameOf(place), memberId)
    }
    const offsets = new Map(committed.map((one) => [nameOf(one), one.offset]))
    const assigned = members.flatMap(({ partitions }) => partitions)
    const uncommitted = assigned.filter((place) => !offsets.has(nameOf(place)))
    const places = [...committed.map(placeOf), ...uncommitted].sort(byPlace)
    const bounds = await this.#bounds(places)
    return places.map((place, i): GroupPartition => {
      const { earliest, latest } = bounds[i] ?? {}
      const offset = offsets.get(nameOf(place))
      const from = offset ?? earliest
      const isKnown = latest !== undefined && from !== undefined
      return {
        topic: place.topic,
        partition: place.partition,
        committed: offset,
        earliest,
        latest,
        lag: isKnown ? Math.max(0, latest - from) : undefined,
        memberId: owners.get(nameOf(place)),
      }
    })
  }

  /** Of each; missing where no leader can tell. */
  async #bounds(places: readonly TopicPartition[], timestampMs = noTimestamp) {
    if (places.length === 0) return []
    const bounds = places.map(async ({ topic, partition }) => {
      const partitions = [{ topic, partition, leaderEpoch: anyEpoch, timestampMs }]
      const request = { type: 'listOffsets', passedOn: false, partitions } as const
      try {
        const [listed] = (await this.#cluster.call(request, this.#timeoutMs)).partitions
        if (listed?.error !== undefined) throw brokerErrorOf(listed.error)
        return {
          earliest: listed?.earliest,
          latest: listed?.latest,
          /** undefined: no record is so late */
          atTime: listed?.found?.offset,
        }
      } catch (error) {
        if (error instanceof BrokerError) return {}
        throw error
      }
    })
    return Promise.all(bounds)
  }
}

function targetOf(
  target: OffsetTarget,
  found: {
    readonly committed: number | undefined
    readonly earliest: number
    readonly latest: number
    readonly atTime: number
  },
): number {
  switch (target.type) {
    case 'start':
      return found.earliest
    case 'end':
      return found.latest
    case 'offset':
      return target.offset
    case 'shift':
      return (found.committed ?? found.earliest) + target.by
    case 'time':
      return found.atTime
  }
}

function detailsOf({ protocolType }: DescribedGroup, member: GroupMember): GroupMemberDetails {
  const { memberId, instanceId, clientId, clientHost: host, isAwaited } = member
  const isConsumer = protocolType === consumerProtocolType
  const topics = isConsumer ? readable(() => decodeSubscription(member.metadata).topics) : []
  const assigned = isConsumer ? readable(() => decodeAssignment(member.assignment).partitions) : []
  const partitions = assigned.flatMap(({ topic, partitions }) => {
    return partitions.map((partition) => ({ topic, partition }))
  })
  return { memberId, instanceId, clientId, host, topics, partitions, isAwaited }
}

/** What members tell each other is theirs: a tool shows what it can read. */
function readable<T>(read: () => readonly T[]): readonly T[] {
  try {
    return read()
  } catch (error) {
    if (error instanceof ProtocolError) return []
    throw error
  }
}

function placeOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

function byPlace(a: TopicPartition, b: TopicPartition): number {
  return a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1
}
