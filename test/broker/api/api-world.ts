// One broker's apis over parts in memory: replicas and links that a test controls, the image of a
// cluster, a ztree, and time that the test moves.

import type { Requester } from '../../../src/broker/api/answer.ts'
import type {
  BrokerParts,
  ServedReplica,
  ServingSession,
} from '../../../src/broker/api/broker-parts.ts'
import { dispatch } from '../../../src/broker/api/dispatch.ts'
import { ClusterImage } from '../../../src/broker/cluster/cluster-image.ts'
import { zkPaths } from '../../../src/broker/cluster/zk-paths.ts'
import { GroupCoordinator } from '../../../src/broker/group/group-coordinator.ts'
import { offsetsTopic } from '../../../src/broker/group/offsets-topic.ts'
import type { Role } from '../../../src/broker/partition/partition.ts'
import { neverUnclean } from '../../../src/broker/partition/partition-state.ts'
import type { ProduceCall } from '../../../src/broker/replication/produce-queue.ts'
import { type Operation, Purgatory, Watermark } from '../../../src/broker/replication/purgatory.ts'
import { silentLogger } from '../../../src/logger.ts'
import type { MqRequest, MqResponse, ResponseOf } from '../../../src/protocol/mq/apis.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import { type BrokerId, noBroker, type Place } from '../../../src/protocol/mq/messages.ts'
import {
  encodeBatch,
  noProducer,
  type Offset,
  type ProducerId,
  placeBatch,
  readBatchHeader,
} from '../../../src/protocol/mq/record-batch.ts'
import type { ReplicaFetchRequest } from '../../../src/protocol/mq/replica-fetch.ts'
import { RareWarnings } from '../../../src/rare-warnings.ts'
import { VirtualClock } from '../../virtual-clock.ts'
import { StoredLog } from '../group/stored-log.ts'
import { MemoryTree } from '../memory-zk.ts'
import { ids, life, member } from '../partition/members.ts'
import { testSecret } from '../test-secret.ts'

export const self = 1 as BrokerId
export const client: Requester = { role: 'client', brokerId: noBroker, brokerEpoch: 0 }

/** Only a broker passes requests on. */
function requesterOf(request: MqRequest): Requester {
  return 'passedOn' in request && request.passedOn ? anotherBroker : client
}

const anotherBroker: Requester = { role: 'broker', brokerId: 2 as BrokerId, brokerEpoch: 20 }

/** A batch with that many records, without a producer id. */
export function batchOf(recordCount: number, valueBytes = 10): Buffer {
  const value = Buffer.alloc(valueBytes, 'x')
  const record = { key: null, value, timestampMs: 5, headers: [] }
  const records = Array.from({ length: recordCount }, () => record)
  const none = { producerId: noProducer, producerEpoch: -1, baseSequence: -1 }
  return encodeBatch({ ...none, records })
}

/** A replica whose batches the test commits. */
export class FakeReplica implements ServedReplica {
  readonly topic: string
  readonly partition: number
  role: Role = { type: 'leading' }
  leaderEpoch = 3
  earliestOffset: Offset = 0
  readonly gapsBelow: Offset = 0
  /** undefined: not known yet */
  latestOffset: Offset | undefined = 0
  /** produces that wait for a test to call `done` */
  readonly calls: ProduceCall[] = []
  /** offsets that were read from, with the limit */
  readonly reads: [Offset, number][] = []
  readonly #batches: Buffer[] = []
  readonly #readable = new Watermark()
  #end = 0

  constructor({ topic, partition }: Place) {
    this.topic = topic
    this.partition = partition
  }

  readonly logBytes = 0
  readonly producers = []

  get logEnd(): Offset {
    return this.#end
  }

  get highWatermark(): Offset {
    return this.#readable.value
  }

  get waitCount(): number {
    return this.#readable.waitCount
  }

  /** Stores a batch, committed at once. */
  commit(batch: Buffer): void {
    const placed = Buffer.from(batch)
    placeBatch(placed, this.#end, this.leaderEpoch)
    this.#batches.push(placed)
    this.#end += readBatchHeader(placed).recordCount
    this.latestOffset = this.#end
    this.#readable.move(this.#end)
  }

  /** Closes the replica, which calls off what waits for it. */
  close(): void {
    this.#readable.callOff()
  }

  isOutOfRange(offset: Offset): boolean {
    return offset < this.earliestOffset || (this.role.type === 'leading' && offset > this.#end)
  }

  /** Deletes at once, on all replicas. */
  deleteRecords({ offset, done }: Parameters<ServedReplica['deleteRecords']>[0]): void {
    this.earliestOffset = offset
    done(offset)
  }

  /** Each offset has the timestamp of that number. */
  async offsetByTime(wanted: number | 'latest') {
    const offset = wanted === 'latest' ? this.#end - 1 : wanted
    return offset < this.#end ? { offset, timestampMs: offset } : undefined
  }

  produce(call: ProduceCall): void {
    this.calls.push(call)
  }

  waitForRecords(operation: Operation, offset: Offset): void {
    operation.waitFor(this.#readable, offset + 1)
  }

  /** Whole batches up to the limit, or one that is larger. */
  readCommitted(offset: Offset, bytesMax: number) {
    this.reads.push([offset, bytesMax])
    const chosen: Buffer[] = []
    let bytes = 0
    for (const batch of this.#batches) {
      const { baseOffset, lastOffsetDelta } = readBatchHeader(batch)
      if (baseOffset + lastOffsetDelta < offset) continue
      if (chosen.length > 0 && bytes + batch.length > bytesMax) break
      chosen.push(batch)
      bytes += batch.length
    }
    const { highWatermark, earliestOffset: logStart } = this
    return { highWatermark, logStart, records: Buffer.concat(chosen) }
  }

  endOfEpoch(epoch: number) {
    return epoch < 0
      ? undefined
      : { epoch: Math.min(epoch, this.leaderEpoch), endOffset: this.#end }
  }
}

/** A request that was passed on, for a test to answer. */
export interface PassedOn {
  readonly to: BrokerId
  readonly request: MqRequest
  readonly timeoutMs: number
  answer(response: MqResponse): void
  fail(error: BrokerError): void
}

/** The outcome of a request so far. */
export interface Asked {
  readonly answers: (MqResponse | BrokerError)[]
}

export class ApiWorld {
  readonly image = new ClusterImage()
  readonly clock = new VirtualClock()
  readonly tree = MemoryTree.ofCluster()
  /** requests to other brokers that wait for an answer, oldest first */
  readonly passedOn: PassedOn[] = []
  /** followers' fetches, which have no news */
  readonly followersFetches: ReplicaFetchRequest[] = []
  readonly posted: { readonly to: BrokerId; readonly request: MqRequest }[] = []
  hasSession = true
  readonly #replicas = new Map<string, FakeReplica>()
  /** this broker's session */
  readonly zk = this.tree.session()
  readonly #purgatory = new Purgatory()
  /** the only partition of the offsets topic: this broker coordinates all groups */
  readonly groupLog = new StoredLog()
  readonly #session: ServingSession = {
    zk: this.zk,
    readChanges: () => this.zk.sync(),
    readMembers: () => this.zk.sync(),
    readTopics: () => this.zk.sync(),
    readRules: async () => undefined,
    readConfig: async (entity) => {
      const path = zkPaths.configOf(entity)
      const text = this.tree.text(path)
      this.image.setConfig(entity, text === undefined ? undefined : Buffer.from(text))
    },
  }
  readonly parts: BrokerParts

  constructor() {
    this.clock.every(20, () => this.#purgatory.tick(this.clock.nowMs()))
    for (const id of ids(1, 2, 3)) {
      const { directory, brokerEpoch: epoch } = life(id)
      const address = { host: 'h', port: 9090 + id }
      this.image.setBroker({ id, ...address, directory, epoch, session: 100 + id })
    }
    this.parts = {
      self,
      clusterId: 'the-cluster',
      dataDir: '/data',
      secret: testSecret,
      image: this.image,
      replicas: {
        purgatory: this.#purgatory,
        replicas: { [Symbol.iterator]: () => this.#replicas.values() },
        get: (topic, partition) => this.#replicas.get(`${topic}/${partition}`),
      },
      followers: {
        fetch: (_, request, respond) => {
          this.followersFetches.push(request)
          respond([])
        },
      },
      links: {
        call: (to, request, timeoutMs) => this.#call(to, request, timeoutMs),
        post: (to, request) => void this.posted.push({ to, request }),
      },
      producerIds: { next: async () => 7000 as ProducerId },
      groups: new GroupCoordinator({
        image: this.image,
        replicas: { get: (topic) => (topic === offsetsTopic ? this.groupLog : undefined) },
        clock: this.clock,
        log: silentLogger,
        rules: {
          initialDelayMs: 0,
          sessionTimeoutMsMin: 100,
          sessionTimeoutMsMax: 60_000,
          membersMax: 10,
          bytesMax: 10_000,
        },
        offsetsTopic: { partitionCount: 1, replicaCountMax: 3 },
        commitTimeoutMs: 1000,
        retentionMs: 1_000_000,
        retentionCheckMs: 100_000,
        makeTopic: async () => undefined,
      }),
      acls: undefined,
      sasl: {
        mechanisms: [],
        isRequired: false,
        credentials: async () => new Map(),
        makeNonce: () => 'nonce',
      },
      openBlock: undefined,
      clock: this.clock,
      randomBytes: (count) => new Uint8Array(count),
      makeUuid: () => 'new-topic-id',
      log: silentLogger,
      warnings: new RareWarnings(silentLogger, this.clock),
      defaults: { partitionCount: 2, replicationFactor: 3 },
      autoCreatesTopics: false,
      session: () => (this.hasSession ? this.#session : undefined),
    }
  }

  /** @param leader of the offsets topic */
  coordinate(leader = 1): void {
    this.topic(offsetsTopic, [leader])
    this.parts.groups.imageChanged()
  }

  /** A topic with one partition for each of these leaders; 0: no leader. */
  topic(topic: string, leaders: readonly number[]): void {
    const replicas = leaders.map(() => ids(1, 2, 3))
    this.image.setTopic(topic, { topicId: `id-of-${topic}`, replicas })
    for (const [partition, leader] of leaders.entries()) {
      if (leader === 0) continue
      this.image.setState(topic, partition, {
        leader: leader as BrokerId,
        leaderEpoch: 3,
        controllerEpoch: 1,
        isr: [member(leader)],
        eligible: [],
        committed: 0,
        uncleanEpoch: neverUnclean,
        version: 1,
      })
    }
  }

  /** A replica on this broker. */
  replica(topic: string, partition: number): FakeReplica {
    const replica = new FakeReplica({ topic, partition })
    this.#replicas.set(`${topic}/${partition}`, replica)
    return replica
  }

  /** The topic was deleted, and its replicas with it. */
  drop(replica: FakeReplica): void {
    this.image.removeTopic(replica.topic)
    this.#replicas.delete(`${replica.topic}/${replica.partition}`)
    replica.close()
  }

  ask(request: MqRequest, requester: Requester = requesterOf(request)): Asked {
    const answers: (MqResponse | BrokerError)[] = []
    dispatch(this.parts, requester, request, (answer) => void answers.push(answer))
    return { answers }
  }

  /** For requests that are answered at once. @throws the answer, if it is an error */
  async answer<T extends MqRequest>(
    request: T,
    requester: Requester = requesterOf(request),
  ): Promise<ResponseOf<T['type']>> {
    const { answers } = this.ask(request, requester)
    await this.clock.advance(0)
    return onlyAnswer(answers)
  }

  #call<T extends MqRequest>(
    to: BrokerId,
    request: T,
    timeoutMs: number,
  ): Promise<ResponseOf<T['type']>> {
    return new Promise((resolve, reject) => {
      this.passedOn.push({
        to,
        request,
        timeoutMs,
        // A test answers each request with a response of its type.
        answer: resolve as (response: MqResponse) => void,
        fail: reject,
      })
    })
  }

  /** The one request passed on to this broker that the test has not taken yet. */
  takePassedOn(to: number): PassedOn {
    const at = this.passedOn.findIndex((passed) => passed.to === to)
    const [passed] = at === -1 ? [] : this.passedOn.splice(at, 1)
    if (passed === undefined) throw new Error(`Nothing was passed on to broker ${to}`)
    return passed
  }
}

/** The answer of an `Asked` that has one. @throws the answer, if it is an error */
export function onlyAnswer<R extends MqResponse>(
  answers: readonly (MqResponse | BrokerError)[],
): R {
  const [answer] = answers
  if (answer === undefined || answers.length > 1) {
    throw new Error(`There are ${answers.length} answers, not one`)
  }
  if (answer instanceof BrokerError) throw answer
  // The caller knows the type of its request.
  return answer as R
}
