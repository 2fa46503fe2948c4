// The known state of a cluster, for the screen: one line per server and per broker, one entry per
// partition of the topic. Each broker answers for itself and may know something different; the most
// recent answer wins. Pure: cluster-poll.ts polls, health.ts judges, cluster-boxes.ts draws.

import { formatAddress } from '../../address.ts'
import { type BrokerId, noBroker } from '../../protocol/mq/messages.ts'
import type { ClusterInfo, PartitionInfo } from '../../protocol/mq/metadata.ts'
import type { ServerRole } from '../four-letter-word.ts'

export interface ServerLine {
  readonly id: number
  readonly address: string
  readonly role: ServerRole
}

/** `apart`: it answers, but the other brokers do not list it; `lost`: it does not answer. */
export type BrokerState = 'up' | 'apart' | 'lost'

export interface BrokerLine {
  readonly id: number
  readonly address: string
  readonly state: BrokerState
  readonly controller: boolean
  /** partitions of the topic that it leads */
  readonly leads: number
  /** partitions of the topic of which it has a replica */
  readonly replicas: number
  /** the number of these that are not in sync */
  readonly behind: number
  /** records of other replicas that it does not serve yet; undefined if unknown */
  readonly lag: number | undefined
}

export interface PartitionLine {
  readonly partition: number
  /** whether it has a leader that answers */
  readonly led: boolean
  readonly replicas: number
  /** replicas in sync that answer */
  readonly inSync: number
  /** fewest replicas in sync with which it was seen to store, whatever min.insync.replicas is */
  readonly storedWith: number | undefined
}

export interface ClusterLines {
  /** empty if no server addresses were given */
  readonly servers: readonly ServerLine[]
  readonly brokers: readonly BrokerLine[]
  /** of the topic; undefined if no broker answered, empty if the topic does not exist */
  readonly partitions: readonly PartitionLine[] | undefined
  /** When the answers came; undefined before the first. */
  readonly serversAtMs: number | undefined
  readonly brokersAtMs: number | undefined
}

export const nothingKnown: ClusterLines = {
  servers: [],
  brokers: [],
  partitions: undefined,
  serversAtMs: undefined,
  brokersAtMs: undefined,
}

/** One broker's answer; undefined in its place if it did not answer. */
export interface BrokerAnswer {
  readonly cluster: ClusterInfo
  /** of its own replicas of the topic, by partition */
  readonly highWatermarks: ReadonlyMap<number, number>
}

/** By broker id, for every broker ever seen. */
type BrokerAnswers = ReadonlyMap<number, BrokerAnswer | undefined>

interface BrokersKnown {
  readonly brokers: readonly BrokerLine[]
  readonly partitions: readonly PartitionLine[] | undefined
}

/**
 * @param addresses by broker id
 * @param storedWith by partition, see `PartitionLine`
 */
export function brokersKnown(
  topic: string,
  answers: BrokerAnswers,
  addresses: ReadonlyMap<number, string>,
  storedWith: ReadonlyMap<number, number>,
): BrokersKnown {
  const partitions = newestPartitions(topic, answers)
  const all = partitions ?? []
  const controller = controllerOf(answers)
  const ids = new Set([...addresses.keys(), ...all.flatMap(({ replicas }) => replicas)])
  const highest = highestWatermarks(answers)
  const answering = (id: number) => answers.get(id) !== undefined
  const brokers = [...ids]
    .sort((a, b) => a - b)
    .map((id): BrokerLine => {
      const own = all.filter(({ replicas }) => includes(replicas, id))
      return {
        id,
        address: addresses.get(id) ?? '',
        state: !answering(id) ? 'lost' : isRegistered(id, answers) ? 'up' : 'apart',
        controller: controller === id,
        leads: all.filter(({ leader }) => leader === id).length,
        replicas: own.length,
        behind: own.filter(({ isr }) => !includes(isr, id)).length,
        lag: lagOf(answers.get(id), highest),
      }
    })
  return {
    brokers,
    partitions: partitions?.map(({ partition, leader, replicas, isr }) => ({
      partition,
      led: answering(leader),
      replicas: replicas.length,
      inSync: isr.filter(answering).length,
      storedWith: storedWith.get(partition),
    })),
  }
}

/**
 * Highest leader epoch first; at equal epochs the leader's own answer, since the leader writes the
 * ISR.
 */
function newestPartitions(topic: string, answers: BrokerAnswers): PartitionInfo[] | undefined {
  const newest = new Map<number, { readonly info: PartitionInfo; readonly by: number }>()
  let isAnswered = false
  for (const [by, answer] of answers) {
    if (answer === undefined) continue
    isAnswered = true
    const found = answer.cluster.topics.find((one) => one.topic === topic)
    for (const info of found?.partitions ?? []) {
      const known = newest.get(info.partition)
      const isNewer =
        known === undefined ||
        info.leaderEpoch > known.info.leaderEpoch ||
        (info.leaderEpoch === known.info.leaderEpoch && info.leader === by)
      if (isNewer) newest.set(info.partition, { info, by })
    }
  }
  if (!isAnswered) return undefined
  return [...newest.values()].map(({ info }) => info).sort((a, b) => a.partition - b.partition)
}

/** The broker that most answers name; a broker that names itself is most reliable. */
function controllerOf(answers: BrokerAnswers): number | undefined {
  const votes = new Map<number, number>()
  for (const [by, answer] of answers) {
    const named: BrokerId = answer?.cluster.controller ?? noBroker
    if (named === noBroker) continue
    if (named === by) return named
    votes.set(named, (votes.get(named) ?? 0) + 1)
  }
  return [...votes].sort(([, a], [, b]) => b - a)[0]?.[0]
}

/** Whether another broker lists it as alive; its own answer counts if no other broker answers. */
function isRegistered(id: number, answers: BrokerAnswers): boolean {
  const heard = [...answers].flatMap(([by, answer]) =>
    answer === undefined ? [] : [{ by, answer }],
  )
  const others = heard.filter(({ by }) => by !== id)
  return (others.length > 0 ? others : heard).some(({ answer }) =>
    answer.cluster.brokers.some((broker) => broker.id === id),
  )
}

function highestWatermarks(answers: BrokerAnswers): Map<number, number> {
  const highest = new Map<number, number>()
  for (const answer of answers.values()) {
    for (const [partition, highWatermark] of answer?.highWatermarks ?? []) {
      highest.set(partition, Math.max(highest.get(partition) ?? 0, highWatermark))
    }
  }
  return highest
}

function lagOf(
  answer: BrokerAnswer | undefined,
  highest: ReadonlyMap<number, number>,
): number | undefined {
  if (answer === undefined || answer.highWatermarks.size === 0) return undefined
  let lag = 0
  for (const [partition, highWatermark] of answer.highWatermarks) {
    lag += (highest.get(partition) ?? highWatermark) - highWatermark
  }
  return lag
}

function includes(ids: readonly BrokerId[], id: number): boolean {
  return ids.some((one) => one === id)
}

/** The address of each broker, from any answer. */
export function addressesIn(answers: BrokerAnswers): Map<number, string> {
  const addresses = new Map<number, string>()
  for (const answer of answers.values()) {
    for (const broker of answer?.cluster.brokers ?? []) {
      addresses.set(broker.id, formatAddress(broker))
    }
  }
  return addresses
}

/**
 * Learns with how few replicas in sync a partition stores: its high watermark rose, twice in a row,
 * while that many were in sync. Once is not enough, as a replica may have died right after it
 * acknowledged.
 */
export class StoredWith {
  readonly known = new Map<number, number>()
  readonly #last = new Map<number, { highWatermark: number; inSync: number; rises: number }>()

  saw(partition: PartitionLine, highWatermark: number): void {
    const { partition: at, inSync } = partition
    const last = this.#last.get(at)
    const isSame = last !== undefined && last.inSync === inSync
    const rises = isSame ? last.rises + (highWatermark > last.highWatermark ? 1 : 0) : 0
    this.#last.set(at, { highWatermark, inSync, rises })
    if (rises >= 2) this.known.set(at, Math.min(this.known.get(at) ?? inSync, inSync))
  }
}
