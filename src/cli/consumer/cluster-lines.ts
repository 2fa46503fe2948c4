// What is known of a cluster, as the screen needs it: one line per server and per broker, one entry per
// partition of the topic. Brokers answer each for themselves and may know different things; what is most
// recent counts. Pure: cluster-poll.ts asks, health.ts judges, cluster-boxes.ts draws.

import { formatAddress } from '../../address.ts'
import { type BrokerId, noBroker } from '../../protocol/mq/messages.ts'
import type { ClusterInfo, PartitionInfo } from '../../protocol/mq/metadata.ts'
import type { ServerRole } from '../four-letter-word.ts'

export interface ServerLine {
  readonly id: number
  readonly address: string
  readonly role: ServerRole
}

/** `apart` answers, but the other brokers do not have it registered; `lost` does not answer. */
export type BrokerState = 'up' | 'apart' | 'lost'

export interface BrokerLine {
  readonly id: number
  readonly address: string
  readonly state: BrokerState
  readonly controller: boolean
  /** partitions of the topic that it leads */
  readonly leads: number
  /** partitions of the topic that it keeps a replica of */
  readonly replicas: number
  /** of these, how many are not in sync */
  readonly behind: number
  /** records that others have and it does not serve yet; undefined when not known */
  readonly lag: number | undefined
}

export interface PartitionLine {
  readonly partition: number
  /** it has a leader, which answers */
  readonly led: boolean
  readonly replicas: number
  /** those in sync that answer */
  readonly inSync: number
  /** fewest replicas in sync with which it was seen to store, whatever min.insync.replicas may be */
  readonly storedWith: number | undefined
}

export interface ClusterLines {
  /** empty when it was not said where the servers are */
  readonly servers: readonly ServerLine[]
  readonly brokers: readonly BrokerLine[]
  /** of the topic; undefined when no broker told, empty when there is no such topic */
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

/** What one broker said; undefined instead of it when it said nothing. */
export interface BrokerAnswer {
  readonly cluster: ClusterInfo
  /** of its own replicas of the topic, by partition */
  readonly highWatermarks: ReadonlyMap<number, number>
}

/** By broker id, of every broker that was ever heard of. */
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

/** Highest leader epoch first; between equals, what the leader itself says, which writes the ISR. */
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

/** The one that most name; a broker that names itself knows best. */
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

/** Whether another broker lists it as living; its own word counts when no other answers. */
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

/** Where each broker is reached, as any of them knows. */
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
 * while as many were in sync. Once would not do, as one may have died right after it acknowledged.
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
