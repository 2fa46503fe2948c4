// The cluster as one broker knows it, out of the znodes: who is alive, who is controller, the topics
// with their replicas, leaders and ISRs. Every broker keeps one: to answer metadata requests, to find
// leaders, to learn what it leads and follows; and the controller decides by it. Pure.

import {
  type BrokerId,
  type ClusterInfo,
  noBroker,
  type PartitionInfo,
  type TopicInfo,
} from '../../protocol/mq/messages.ts'
import type { PartitionState } from '../partition/partition.ts'
import type { Endpoint, TopicAssignment } from './zk-paths.ts'

export interface LiveBroker extends Endpoint {
  readonly id: BrokerId
  /** czxid of its registration */
  readonly epoch: number
}

export interface TopicImage {
  readonly topic: string
  readonly assignment: TopicAssignment
  /** by partition; missing until the controller has elected its first leader */
  readonly states: Map<number, PartitionState>
}

export class ClusterImage {
  readonly brokers = new Map<BrokerId, LiveBroker>()
  readonly topics = new Map<string, TopicImage>()
  controller: BrokerId = noBroker

  setTopic(topic: string, assignment: TopicAssignment | undefined): void {
    if (assignment === undefined) {
      this.topics.delete(topic)
      return
    }
    const before = this.topics.get(topic)
    const isSame = before?.assignment.topicId === assignment.topicId
    this.topics.set(topic, { topic, assignment, states: isSame ? before.states : new Map() })
  }

  /** Ignores what is older than what it has, and what belongs to no topic. */
  setState(topic: string, partition: number, state: PartitionState | undefined): void {
    const states = this.topics.get(topic)?.states
    if (states === undefined) return
    if (state === undefined) states.delete(partition)
    else if (state.version >= (states.get(partition)?.version ?? 0)) states.set(partition, state)
  }

  state(topic: string, partition: number): PartitionState | undefined {
    return this.topics.get(topic)?.states.get(partition)
  }

  hasPartition(topic: string, partition: number): boolean {
    return this.topics.get(topic)?.assignment.replicas[partition] !== undefined
  }

  /** Who leads and is alive; undefined while nobody does. */
  leader(topic: string, partition: number): LiveBroker | undefined {
    const state = this.state(topic, partition)
    const leader = state === undefined ? undefined : this.brokers.get(state.leader)
    return leader?.epoch === state?.leaderBrokerEpoch ? leader : undefined
  }

  /** @param topics undefined: all of them */
  info(clusterId: string, topics: readonly string[] | undefined): ClusterInfo {
    const names = topics ?? [...this.topics.keys()]
    const images = names.flatMap((name) => this.topics.get(name) ?? [])
    return {
      clusterId,
      controller: this.controller,
      brokers: [...this.brokers.values()].sort((a, b) => a.id - b.id),
      topics: images.map((image) => this.#topicInfo(image)).sort(byTopic),
    }
  }

  #topicInfo({ topic, assignment }: TopicImage): TopicInfo {
    const partitions = assignment.replicas.map((replicas, partition): PartitionInfo => {
      const state = this.state(topic, partition)
      const leader = this.leader(topic, partition)?.id ?? noBroker
      const leaderEpoch = state?.leaderEpoch ?? -1
      return { partition, leader, leaderEpoch, replicas, isr: state?.isr ?? [] }
    })
    return { topic, topicId: assignment.topicId, partitions }
  }
}

function byTopic(a: TopicInfo, b: TopicInfo): number {
  return a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : 0
}
