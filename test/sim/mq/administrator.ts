// An administrator in a life of brokers: creates topics, adds partitions to them, sends records there,
// deletes them, and creates others under the same names, while faults happen. One request per topic is
// under way at a time; one without an answer may have been carried out, or may be later.

import { decodeTopic, zkPaths } from '../../../src/broker/cluster/zk-paths.ts'
import { MqCluster } from '../../../src/client/mq/mq-cluster.ts'
import { Producer } from '../../../src/client/mq/producer.ts'
import type { ZTree } from '../../../src/daemon/ztree/ztree.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import { onlyOne } from '../../../src/protocol/mq/messages.ts'
import { SimProcess } from '../process.ts'
import { simWorld } from '../sim-world.ts'
import type { LoadParts } from './load.ts'
import { type SeenTopic, TopicChecker, type TopicRecord } from './topic-checker.ts'
import { dataOf } from './tree-data.ts'

/** The names that it uses; no others begin like this. */
const names = ['t1', 't2']
const partitionsMax = 4
const callMs = 3000
/** Longer than a record of its is tried. */
const deliveryMs = 2500

export function isAdministered(topic: string): boolean {
  return names.includes(topic)
}

interface AdministratorParts extends LoadParts {
  readonly replicas: number
}

interface Writer {
  readonly topicId: string
  readonly producer: Producer
  pendingCount: number
}

export class Administrator {
  readonly #parts: AdministratorParts
  readonly #cluster: MqCluster
  readonly #checker = new TopicChecker()
  /** names of topics with a request under way */
  readonly #busy = new Set<string>()
  /** names of topics that are deleted once all their records are acknowledged, or given up */
  readonly #doomed = new Set<string>()
  readonly #writers = new Map<string, Writer>()
  #topics: readonly SeenTopic[] = []
  #clientCount = 0
  #sentCount = 0

  constructor(parts: AdministratorParts) {
    this.#parts = parts
    this.#cluster = new MqCluster(this.#client('admin'))
  }

  get isIdle(): boolean {
    return this.#busy.size === 0
  }

  /** The topics that are there. */
  get topics(): readonly SeenTopic[] {
    return this.#topics
  }

  /** Does something to one of its topics, unless a request for it is under way. */
  act(): void {
    const topic = this.#parts.random.pick(names)
    if (this.#busy.has(topic)) return
    const found = this.#topics.find((each) => each.topic === topic)
    if (found === undefined) this.#run(topic, this.#create(topic))
    else this.#change(found)
  }

  #change(found: SeenTopic): void {
    const { random } = this.#parts
    const { topic, replicas } = found
    if (this.#doomed.has(topic) || random.chance(0.5)) {
      // What may still be under way could not be told from a record of the next topic of the name.
      this.#doomed.add(topic)
      if (this.#writers.get(topic)?.pendingCount) return
      this.#doomed.delete(topic)
      this.#run(topic, this.#delete(found))
      return
    }
    const isToGrow = random.chance(0.5)
    if (isToGrow && replicas.length < partitionsMax) this.#run(topic, this.#addPartitions(found))
    else this.#send(found)
  }

  /** Records for topics without a request under way. */
  send(): void {
    for (const found of this.#topics) {
      const { topic } = found
      if (this.#busy.has(topic) || this.#doomed.has(topic)) continue
      if (this.#parts.random.chance(0.3)) this.#send(found)
    }
  }

  #run(topic: string, action: Promise<void>): void {
    this.#busy.add(topic)
    action
      .catch((error: unknown) => {
        if (error instanceof BrokerError) this.#parts.cover(`topic change failed: ${error.code}`)
        else this.#parts.fail(error as Error)
      })
      .finally(() => this.#busy.delete(topic))
  }

  async #create(topic: string): Promise<void> {
    const { random, replicas, cover } = this.#parts
    const partitionCount = 1 + random.below(2)
    this.#checker.creating(topic)
    const topics = [{ topic, partitionCount, replicationFactor: replicas, configs: [] }]
    const request = { type: 'createTopics', timeoutMs: callMs, topics } as const
    const answer = await this.#cluster.call(request, 2 * callMs)
    const { error } = onlyOne(answer.topics)
    if (error !== undefined) return cover(`topic not created: ${error.code}`)
    cover('topic created')
    this.#checker.hasPartitions(topic, partitionCount)
  }

  /** By its id: a late request deletes no other topic of the name. */
  async #delete({ topic, topicId }: SeenTopic): Promise<void> {
    const { cover } = this.#parts
    this.#writers.get(topic)?.producer.abort()
    this.#writers.delete(topic)
    this.#checker.deleting(topicId)
    const topics = [{ topic: '', topicId }]
    const request = { type: 'deleteTopics', timeoutMs: callMs, topics } as const
    const answer = await this.#cluster.call(request, 2 * callMs)
    const { error } = onlyOne(answer.topics)
    if (error !== undefined) return cover(`topic not deleted: ${error.code}`)
    cover('topic deleted')
    this.#checker.deleted(topicId)
  }

  async #addPartitions({ topic, replicas }: SeenTopic): Promise<void> {
    const { random, cover } = this.#parts
    const count = replicas.length + 1 + random.below(partitionsMax - replicas.length)
    const topics = [{ topic, count }]
    const request = { type: 'createPartitions', timeoutMs: callMs, topics } as const
    const answer = await this.#cluster.call(request, 2 * callMs)
    const { error } = onlyOne(answer.topics)
    if (error !== undefined) return cover(`partitions not added: ${error.code}`)
    cover('partitions added')
    this.#checker.hasPartitions(topic, count)
  }

  #send({ topic, topicId, replicas }: SeenTopic): void {
    const { random } = this.#parts
    const writer = this.#writerOf(topic, topicId)
    for (let i = random.below(5); i >= 0; i--) {
      const value = `${topic}-${this.#sentCount++}`
      const partition = random.below(replicas.length)
      this.#checker.sent(topic, value)
      writer.pendingCount++
      writer.producer
        .send({ topic, partition, value })
        .then(({ offset }) => {
          this.#parts.cover('record of a topic stored')
          if (this.#writers.get(topic) !== writer) return
          this.#checker.stored({ topicId, partition, offset, value })
        })
        .catch((error: unknown) => {
          if (!(error instanceof BrokerError)) this.#parts.fail(error as Error)
        })
        .finally(() => {
          writer.pendingCount--
        })
    }
  }

  /** Each topic of a name has another producer. */
  #writerOf(topic: string, topicId: string): Writer {
    const known = this.#writers.get(topic)
    if (known?.topicId === topicId) return known
    known?.producer.abort()
    const producer = new Producer({
      ...this.#client(`w${++this.#clientCount}`),
      acks: 'all',
      requestTimeoutMs: 500,
      deliveryTimeoutMs: deliveryMs,
    })
    const writer = { topicId, producer, pendingCount: 0 }
    this.#writers.set(topic, writer)
    return writer
  }

  #client(name: string) {
    const { network, queue, random, brokers } = this.#parts
    const world = simWorld({ network, process: new SimProcess(queue), random, host: `c-${name}` })
    return { brokers, world, name }
  }

  // --- the judge ---------------------------------------------------------------------------------

  /** ZooWeeper has changed. */
  applied(tree: ZTree): void {
    const topics = names.flatMap((topic) => seenTopic(tree, topic) ?? [])
    if (JSON.stringify(topics) === JSON.stringify(this.#topics)) return
    this.#topics = topics
    this.#checker.topicsAre(topics)
  }

  committed(record: TopicRecord): void {
    this.#checker.committed(record)
  }

  /** Whether the directory of a replica belongs to no topic any more. */
  isLeftover(directory: string): boolean {
    const topicId = directory.slice(0, directory.lastIndexOf('-'))
    return this.#checker.isGone(topicId)
  }

  end(): void {
    this.#checker.end()
  }
}

function seenTopic(tree: ZTree, topic: string): SeenTopic | undefined {
  const assignment = decodeTopic(dataOf(tree, zkPaths.topic(topic)))
  if (assignment === undefined) return undefined
  const { topicId, replicas } = assignment
  const isLed = (partition: number) => tree.get(zkPaths.state(topic, partition)) !== undefined
  const ledCount = replicas.filter((_, partition) => isLed(partition)).length
  return { topic, topicId, replicas, ledCount }
}
