// The cluster as one broker knows it from the znodes: the live brokers, the controller, and the
// topics with their replicas, leaders and ISRs. Every broker keeps an image to answer metadata
// requests, to find leaders, and to learn what it leads and follows; the controller bases its
// decisions on it. An unusable znode or replica is listed with the reason. Pure.

import type { ConfigEntity } from '../../protocol/mq/configs.ts'
import { type BrokerId, noBroker } from '../../protocol/mq/messages.ts'
import type {
  ClusterInfo,
  PartitionInfo,
  PartitionProblem,
  TopicInfo,
} from '../../protocol/mq/metadata.ts'
import type { Registration } from '../../protocol/mq/registration.ts'
import { brokersOf, leaderOf, type PartitionState } from '../partition/partition-state.ts'
import { ClusterConfigs } from './cluster-configs.ts'
import type { DeletedTopic } from './deleted-topics.ts'
import { ImageChanges } from './image-changes.ts'
import {
  faultOf,
  placeOf,
  type ReplicaPlace,
  type ReplicaStatus,
  reportName,
  type Standing,
} from './replica-status.ts'
import { changesOf, replicaCountOf, type TopicAssignment } from './topic-assignment.ts'
import type { TopicConfig } from './topic-config.ts'
import { zkPaths } from './zk-paths.ts'

interface LiveBroker extends Registration {
  readonly id: BrokerId
  /** czxid of its registration */
  readonly epoch: number
  /** the session that registered it; only reports of the same session count */
  readonly session: number
}

export interface TopicImage {
  readonly topic: string
  readonly assignment: TopicAssignment
  /** the znode's */
  readonly version: number
  /** by partition; missing until the controller has elected its first leader */
  readonly states: Map<number, PartitionState>
  /** by partition: why its state znode, which exists, cannot be used */
  readonly stateProblems: Map<number, string>
}

interface ReplicaReportImage {
  readonly status: ReplicaStatus
  /** the session that made it */
  readonly session: number
}

export class ClusterImage {
  /** of topics and brokers */
  readonly configs: ClusterConfigs
  readonly #brokers = new Map<BrokerId, LiveBroker>()
  readonly topics = new Map<string, TopicImage>()
  readonly #byTopicId = new Map<string, string>()
  #assignmentsRevision = 0
  /** by topic: why its znode, which exists, cannot be used */
  readonly topicProblems = new Map<string, string>()
  readonly #reports = new Map<string, ReplicaReportImage>()
  /** of the parts that follow this image */
  readonly #changes = new Set<ImageChanges>()
  /** by topic id: deleted topics of which brokers still have replicas */
  readonly deleted = new Map<string, DeletedTopic>()
  controller: BrokerId = noBroker

  constructor(configs = new ClusterConfigs()) {
    this.configs = configs
  }

  get brokers(): ReadonlyMap<BrokerId, LiveBroker> {
    return this.#brokers
  }

  /** By name of the znode; a report may be from a life that is over. */
  get reports(): ReadonlyMap<string, ReplicaReportImage> {
    return this.#reports
  }

  // --- changes -----------------------------------------------------------------------------------

  /** From now on the caller is told what changed, until it unfollows. */
  follow(): ImageChanges {
    const changes = new ImageChanges()
    this.#changes.add(changes)
    return changes
  }

  unfollow(changes: ImageChanges): void {
    this.#changes.delete(changes)
  }

  #changed(topic: string, partition: number): void {
    for (const changes of this.#changes) changes.add(topic, partition)
  }

  #topicChanged(topic: string): void {
    const count = this.topics.get(topic)?.assignment.replicas.length ?? 0
    for (let partition = 0; partition < count; partition++) this.#changed(topic, partition)
  }

  #everythingChanged(): void {
    for (const changes of this.#changes) changes.addEverything()
  }

  // --- what is read from znodes ------------------------------------------------------------------

  setBroker(broker: LiveBroker): void {
    const before = this.#brokers.get(broker.id)
    this.#brokers.set(broker.id, broker)
    if (before === undefined || !isSameBroker(before, broker)) this.#everythingChanged()
  }

  removeBroker(id: BrokerId): void {
    if (this.#brokers.delete(id)) this.#everythingChanged()
  }

  setReport(name: string, report: ReplicaReportImage): void {
    this.#reports.set(name, report)
    this.#reportChanged(name)
  }

  removeReport(name: string): void {
    if (this.#reports.delete(name)) this.#reportChanged(name)
  }

  /** A topic that is not known yet changes with all its partitions when it is. */
  #reportChanged(name: string): void {
    const place = placeOf(name)
    const topic = place === undefined ? undefined : this.#byTopicId.get(place.topicId)
    if (place !== undefined && topic !== undefined) this.#changed(topic, place.partition)
  }

  /** See `ClusterConfigs.set`. */
  setConfig(entity: ConfigEntity, data: Buffer | null | undefined): readonly string[] {
    const problems = this.configs.set(entity, data)
    if (entity.type === 'topic') this.#topicChanged(entity.name)
    else this.#everythingChanged()
    return problems
  }

  /** Rises with every change of the topics or of their replicas. */
  get assignmentsRevision(): number {
    return this.#assignmentsRevision
  }

  /**
   * Ignores an assignment that is older than the one it has.
   *
   * @param version the znode's
   */
  setTopic(topic: string, assignment: TopicAssignment, version = 0): void {
    const before = this.topics.get(topic)
    const isSame = before?.assignment.topicId === assignment.topicId
    if (isSame && version < before.version) return
    this.#assignmentsRevision += 1
    this.topicProblems.delete(topic)
    if (!isSame) this.#forgetTopic(topic)
    this.#byTopicId.set(assignment.topicId, topic)
    const states = isSame ? before.states : new Map()
    const stateProblems = isSame ? before.stateProblems : new Map()
    if (isSame) this.#topicChanged(topic) // it may have fewer partitions
    this.topics.set(topic, { topic, assignment, version, states, stateProblems })
    this.#topicChanged(topic)
  }

  removeTopic(topic: string): void {
    this.#forgetTopic(topic)
    this.topicProblems.delete(topic)
  }

  /** @returns whether that is new */
  setBadTopic(topic: string): boolean {
    this.#forgetTopic(topic)
    if (this.topicProblems.has(topic)) return false
    this.topicProblems.set(topic, `znode ${zkPaths.topic(topic)} cannot be read as a topic`)
    return true
  }

  #forgetTopic(topic: string): void {
    const found = this.topics.get(topic)
    if (found === undefined) return
    this.#assignmentsRevision += 1
    this.#topicChanged(topic)
    this.#byTopicId.delete(found.assignment.topicId)
    this.topics.delete(topic)
  }

  /** Whether a broker is about to stop: others lead as far as they can. */
  readonly isLeaving = (broker: BrokerId): boolean => {
    return this.brokers.get(broker)?.isLeaving === true
  }

  topicConfig(topic: string): TopicConfig {
    return this.configs.topic(topic)
  }

  minInsyncReplicas({ topic, assignment }: TopicImage, partition: number): number {
    return this.configs.minInsyncReplicas(topic, replicaCountOf(assignment, partition))
  }

  /** @returns the name of the topic with this id */
  topicOf(topicId: string): string | undefined {
    return this.#byTopicId.get(topicId)
  }

  /** Ignores a state that is older than the one it has, and one of an unknown topic. */
  setState(topic: string, partition: number, state: PartitionState | undefined): void {
    const { states, stateProblems } = this.topics.get(topic) ?? {}
    if (states === undefined) return
    this.#changed(topic, partition)
    stateProblems?.delete(partition)
    if (state === undefined) states.delete(partition)
    else if (state.version >= (states.get(partition)?.version ?? 0)) states.set(partition, state)
  }

  /** Removes the state until the znode is written again. @returns whether that is new */
  setBadState(topic: string, partition: number): boolean {
    const { states, stateProblems } = this.topics.get(topic) ?? {}
    states?.delete(partition)
    this.#changed(topic, partition)
    if (stateProblems === undefined || stateProblems.has(partition)) return false
    stateProblems.set(
      partition,
      `znode ${zkPaths.state(topic, partition)} cannot be read as a partition state`,
    )
    return true
  }

  /** What is known about a replica. A report from an earlier life of its broker does not count. */
  standing({ topicId, partition, broker }: ReplicaPlace): Standing {
    const live = this.#brokers.get(broker)
    if (live === undefined) return { broker, life: undefined, status: undefined }
    const { directory, epoch: brokerEpoch, session } = live
    const report =
      this.#reports.size === 0
        ? undefined
        : this.#reports.get(reportName({ topicId, partition, broker }))
    const status = report?.session === session ? report.status : undefined
    return { broker, life: { directory, brokerEpoch }, status }
  }

  /** Why this replica cannot be used, from its broker's report in its current life. */
  unavailable(place: ReplicaPlace): string | undefined {
    return this.reports.size === 0 ? undefined : faultOf(this.standing(place).status)
  }

  #problemAt(place: ReplicaPlace): string | undefined {
    if (this.reports.size === 0) return undefined
    const { status } = this.standing(place)
    return status?.type === 'ahead' ? aheadReason : faultOf(status)
  }

  /** The known reasons why a partition has no leader, or fewer replicas than it should. */
  problems({ assignment, stateProblems }: TopicImage, partition: number): PartitionProblem[] {
    const problems: PartitionProblem[] = []
    const ofState = stateProblems.get(partition)
    if (ofState !== undefined) problems.push({ broker: noBroker, reason: ofState })
    const { topicId, replicas } = assignment
    for (const broker of replicas[partition] ?? []) {
      const reason = this.#problemAt({ topicId, partition, broker })
      if (reason !== undefined) problems.push({ broker, reason })
    }
    return problems
  }

  /** The first of these problems as text; undefined if there is none. */
  problemOf(topic: string, partition: number): string | undefined {
    const found = this.topics.get(topic)
    if (found === undefined) return this.topicProblems.get(topic)
    const [problem] = this.problems(found, partition)
    if (problem === undefined || problem.broker === noBroker) return problem?.reason
    return `broker ${problem.broker} cannot use its replica: ${problem.reason}`
  }

  state(topic: string, partition: number): PartitionState | undefined {
    return this.topics.get(topic)?.states.get(partition)
  }

  hasPartition(topic: string, partition: number): boolean {
    return this.topics.get(topic)?.assignment.replicas[partition] !== undefined
  }

  /** The leader, if it is alive in the life that the ISR names and has reported no fault. */
  leader(topic: string, partition: number): LiveBroker | undefined {
    const found = this.topics.get(topic)
    const state = found?.states.get(partition)
    const member = state === undefined ? undefined : leaderOf(state)
    const leader = member === undefined ? undefined : this.brokers.get(member.broker)
    if (found === undefined || leader === undefined) return undefined
    if (leader.epoch !== member?.brokerEpoch) return undefined
    const { topicId } = found.assignment
    const isUsable = this.unavailable({ topicId, partition, broker: leader.id }) === undefined
    return isUsable ? leader : undefined
  }

  /** @param topics undefined: all of them */
  info(clusterId: string, topics: readonly string[] | undefined): ClusterInfo {
    const names = topics ?? [...this.topics.keys(), ...this.topicProblems.keys()]
    return {
      clusterId,
      controller: this.controller,
      brokers: [...this.brokers.values()].sort((a, b) => a.id - b.id),
      topics: names.flatMap((name) => this.#topicInfo(name) ?? []).sort(byTopic),
    }
  }

  #topicInfo(topic: string): TopicInfo | undefined {
    const image = this.topics.get(topic)
    const problem = this.topicProblems.get(topic)
    if (image === undefined) {
      return problem === undefined ? undefined : { topic, topicId: '', problem, partitions: [] }
    }
    const { assignment } = image
    const partitions = assignment.replicas.map((replicas, partition): PartitionInfo => {
      const state = this.state(topic, partition)
      const leader = this.leader(topic, partition)?.id ?? noBroker
      const leaderEpoch = state?.leaderEpoch ?? -1
      const isr = brokersOf(state?.isr ?? [])
      const problems = this.problems(image, partition)
      const move = assignment.moves?.get(partition)
      const { adding, removing } = move === undefined ? noChanges : changesOf(move, replicas)
      return { partition, leader, leaderEpoch, replicas, isr, problems, adding, removing }
    })
    return { topic, topicId: assignment.topicId, problem, partitions }
  }
}

function isSameBroker(a: LiveBroker, b: LiveBroker): boolean {
  if (a.epoch !== b.epoch || a.session !== b.session || a.directory !== b.directory) return false
  if (a.host !== b.host || a.port !== b.port || a.rack !== b.rack) return false
  return (a.isLeaving === true) === (b.isLeaving === true)
}

const noChanges = { adding: [], removing: [] }

const aheadReason =
  'it has committed records that the leader lacks, so it does not follow: see zw topics recover'

function byTopic(a: TopicInfo, b: TopicInfo): number {
  return a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : 0
}
