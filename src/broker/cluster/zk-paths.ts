// Every znode that the broker uses, with its JSON. Paths and shapes are Kafka's (3.9), so an
// operator who knows that layout can read them; marks, reports, and the lives and directories in a
// state are ours. Data in another shape, such as an operator's mistake, decodes to undefined and is
// left alone.
//
//   /cluster/id                                 created by the first broker
//   /brokers/ids/N                              ephemeral; its czxid is the broker's epoch:
//                                               protocol/mq/registration.ts
//   /brokers/reports/I-P-N                      ephemeral; broker N's report on its replica of
//                                               partition P of the topic with id I
//   /brokers/marks/D                            the mark of the directory with identity D:
//                                               cluster/identity.ts
//   /brokers/deleted/I                          brokers that have to remove their replicas of the
//                                               topic with id I: cluster/deleted-topics.ts
//   /brokers/topics/T                           topic id, replicas of each partition, and where they
//                                               are being moved: cluster/topic-assignment.ts
//   /brokers/topics/T/partitions/P/state        leader, ISR; every write conditional on its version
//   /config/topics/T, /config/brokers/N         configuration of a topic, or a broker:
//   /config/brokers/<default>                   cluster/cluster-configs.ts
//   /controller                                 ephemeral
//   /controller_epoch                           a number; its version guards controller writes
//   /latest_producer_id_block                   the last allocated block

import { asObject, isNatural, naturalOf, objectOf } from '../../json.ts'
import type { ConfigEntity } from '../../protocol/mq/configs.ts'
import { type BrokerId, type DirectoryId, noBroker } from '../../protocol/mq/messages.ts'
import { brokerIdsPath } from '../../protocol/mq/registration.ts'
import {
  brokersOf,
  type Member,
  memberOf,
  neverUnclean,
  type PartitionState,
} from '../partition/partition-state.ts'
import { type ReplicaPlace, reportName } from './replica-status.ts'
import { changesOf, type Move, type TopicAssignment } from './topic-assignment.ts'

export const zkPaths = {
  cluster: '/cluster',
  clusterId: '/cluster/id',
  brokers: '/brokers',
  brokerIds: brokerIdsPath,
  brokerId: (id: BrokerId) => `${brokerIdsPath}/${id}`,
  reports: '/brokers/reports',
  report: ({ topicId, partition, broker }: ReplicaPlace) =>
    `/brokers/reports/${reportName({ topicId, partition, broker })}`,
  marks: '/brokers/marks',
  mark: (directory: DirectoryId) => `/brokers/marks/${directory}`,
  deleted: '/brokers/deleted',
  deletedTopic: (topicId: string) => `/brokers/deleted/${topicId}`,
  topics: '/brokers/topics',
  topic: (topic: string) => `/brokers/topics/${topic}`,
  partitions: (topic: string) => `/brokers/topics/${topic}/partitions`,
  partition: (topic: string, partition: number) =>
    `/brokers/topics/${topic}/partitions/${partition}`,
  state: (topic: string, partition: number) =>
    `/brokers/topics/${topic}/partitions/${partition}/state`,
  config: '/config',
  configTopics: '/config/topics',
  configBrokers: '/config/brokers',
  configOf: ({ type, name }: ConfigEntity) => `/config/${type}s/${name}`,
  controller: '/controller',
  controllerEpoch: '/controller_epoch',
  producerIdBlock: '/latest_producer_id_block',
} as const

/** The meaning of a path that the brokers watch. */
export type PathMeaning =
  | { readonly type: 'broker'; readonly id: BrokerId }
  | { readonly type: 'report'; readonly name: string }
  | { readonly type: 'deleted'; readonly topicId: string }
  | { readonly type: 'topic'; readonly topic: string }
  | { readonly type: 'state'; readonly topic: string; readonly partition: number }
  | { readonly type: 'config'; readonly entity: ConfigEntity }
  | { readonly type: 'controller' }

export function meaningOf(path: string): PathMeaning | undefined {
  if (path === zkPaths.controller) return { type: 'controller' }
  const [, root, kind, name, below, number, leaf, ...rest] = path.split('/')
  if (root === 'config' && name !== undefined && below === undefined) {
    if (kind === 'topics') return { type: 'config', entity: { type: 'topic', name } }
    return kind === 'brokers' ? { type: 'config', entity: { type: 'broker', name } } : undefined
  }
  if (root !== 'brokers' || name === undefined || rest.length > 0) return undefined
  if (kind === 'ids' && below === undefined) {
    const id = naturalOf(name)
    return id === undefined ? undefined : { type: 'broker', id: id as BrokerId }
  }
  if (kind === 'reports' && below === undefined) return { type: 'report', name }
  if (kind === 'deleted' && below === undefined) return { type: 'deleted', topicId: name }
  if (kind !== 'topics') return undefined
  if (below === undefined) return { type: 'topic', topic: name }
  const partition = naturalOf(number)
  if (below !== 'partitions' || partition === undefined || leaf !== 'state') return undefined
  return { type: 'state', topic: name, partition }
}

/**
 * Kafka's lists of replicas that are added and removed, and in addition the order of the original
 * ones, and the brokers that have to remove what is left of a former replica.
 */
export function encodeTopic(assignment: TopicAssignment): string {
  const { topicId, replicas, moves, leftovers } = assignment
  const moving = [...(moves ?? [])].map(([partition, move]) => {
    return { partition, move, ...changesOf(move, replicas[partition] ?? []) }
  })
  return JSON.stringify({
    version: 3,
    topic_id: topicId,
    partitions: Object.fromEntries(replicas.entries()),
    adding_replicas: listsOf(moving.map(({ partition, adding }) => [partition, adding])),
    removing_replicas: listsOf(moving.map(({ partition, removing }) => [partition, removing])),
    ...(moving.length === 0
      ? {}
      : {
          original_replicas: listsOf(
            moving.map(({ partition, move }) => [partition, move.original]),
          ),
        }),
    ...(leftovers === undefined || leftovers.size === 0
      ? {}
      : { leftover_replicas: listsOf([...leftovers]) }),
  })
}

function listsOf(lists: readonly (readonly [number, readonly BrokerId[]])[]) {
  return Object.fromEntries(lists.filter(([, ids]) => ids.length > 0))
}

export function decodeTopic(data: Buffer | null): TopicAssignment | undefined {
  const found = objectOf(data)
  const { topic_id: topicId, partitions } = found
  if (typeof topicId !== 'string' || !/^[\w-]{1,100}$/.test(topicId)) return undefined
  if (typeof partitions !== 'object' || partitions === null) return undefined
  const replicas: (readonly BrokerId[])[] = []
  for (const [partition, ids] of Object.entries(partitions)) {
    if (partition !== String(replicas.length) || !isBrokerIds(ids)) return undefined
    replicas.push(ids)
  }
  if (replicas.length === 0) return undefined
  const adding = decodeLists(found['adding_replicas'])
  const removing = decodeLists(found['removing_replicas'])
  const originals = decodeLists(found['original_replicas'])
  const leftovers = decodeLists(found['leftover_replicas'])
  if (adding === undefined || removing === undefined) return undefined
  if (originals === undefined || leftovers === undefined) return undefined
  const moves = new Map<number, Move>()
  for (const partition of new Set([...adding.keys(), ...removing.keys()])) {
    const all = replicas[partition] ?? []
    const [added, removed] = [adding.get(partition) ?? [], removing.get(partition) ?? []]
    const target = all.filter((id) => !removed.includes(id))
    const original = originals.get(partition) ?? all.filter((id) => !added.includes(id))
    const isKnown = [...added, ...removed, ...original].every((id) => all.includes(id))
    if (!isKnown || target.length === 0 || original.length === 0) return undefined
    moves.set(partition, { original, target })
  }
  for (const [partition, ids] of leftovers) {
    // A replica that is assigned is in use, whatever the list says.
    if (ids.some((id) => replicas[partition]?.includes(id) !== false)) return undefined
  }
  return {
    topicId,
    replicas,
    ...(moves.size === 0 ? {} : { moves }),
    ...(leftovers.size === 0 ? {} : { leftovers }),
  }
}

/** Lists of brokers by partition; absent: none. */
function decodeLists(value: unknown): Map<number, readonly BrokerId[]> | undefined {
  const lists = new Map<number, readonly BrokerId[]>()
  if (value === undefined) return lists
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, ids] of Object.entries(value)) {
    const partition = naturalOf(key)
    if (partition === undefined || !isBrokerIds(ids)) return undefined
    lists.set(partition, ids)
  }
  return lists
}

/** Each id occurs once. */
function isBrokerIds(value: unknown): value is BrokerId[] {
  if (!Array.isArray(value) || value.length === 0 || !value.every(isNatural)) return false
  return new Set(value).size === value.length
}

export function encodeState(state: PartitionState): string {
  return JSON.stringify({
    version: 1,
    leader: state.leader,
    leader_epoch: state.leaderEpoch,
    controller_epoch: state.controllerEpoch,
    isr: brokersOf(state.isr),
    members: state.isr.map(encodeMember),
    eligible: state.eligible.map(encodeMember),
    committed: state.committed,
    unclean_epoch: state.uncleanEpoch,
  })
}

function encodeMember({ broker, directory, brokerEpoch, isAwaited }: Member) {
  const member = { broker, directory, broker_epoch: brokerEpoch }
  return isAwaited ? { ...member, awaited: true } : member
}

/** @param version the znode's version */
export function decodeState(data: Buffer | null, version: number): PartitionState | undefined {
  const found = objectOf(data)
  const { leader, committed } = found
  const [isr, eligible] = [decodeMembers(found['members']), decodeMembers(found['eligible'])]
  const leaderEpoch = found['leader_epoch']
  const controllerEpoch = found['controller_epoch']
  const uncleanEpoch = found['unclean_epoch']
  if (leader !== noBroker && !isNatural(leader)) return undefined
  if (!isNatural(leaderEpoch) || !isNatural(controllerEpoch) || !isNatural(committed))
    return undefined
  if (uncleanEpoch !== neverUnclean && !isNatural(uncleanEpoch)) return undefined
  if (isr === undefined || eligible === undefined) return undefined
  // Kafka's list of ids, and ours with the disks: if they differ, one was edited by hand.
  if (JSON.stringify(found['isr']) !== JSON.stringify(brokersOf(isr))) return undefined
  const isLed = leader !== noBroker
  if (isLed && memberOf(isr, leader as BrokerId)?.isAwaited !== false) return undefined
  return {
    leader: leader as BrokerId,
    leaderEpoch,
    controllerEpoch,
    isr,
    eligible,
    committed,
    uncleanEpoch,
    version,
  }
}

/** Accepts each broker once, in ascending order. */
function decodeMembers(value: unknown): readonly Member[] | undefined {
  if (!Array.isArray(value)) return undefined
  const members: Member[] = []
  for (const each of value) {
    const { broker, directory, broker_epoch: brokerEpoch, awaited = false } = asObject(each)
    if (!isNatural(broker) || !isNatural(brokerEpoch)) return undefined
    if (typeof directory !== 'string' || typeof awaited !== 'boolean') return undefined
    if (broker <= (members.at(-1)?.broker ?? -1)) return undefined
    members.push({
      broker: broker as BrokerId,
      directory: directory as DirectoryId,
      brokerEpoch,
      isAwaited: awaited,
    })
  }
  return members
}

export function encodeController(id: BrokerId, wallMs: number): string {
  const timestamp = String(wallMs)
  return JSON.stringify({ version: 2, brokerid: id, timestamp, kraftControllerEpoch: -1 })
}

export function decodeController(data: Buffer | null): BrokerId {
  const { brokerid: id } = objectOf(data)
  return isNatural(id) ? (id as BrokerId) : noBroker
}

interface ProducerIdBlock {
  readonly broker: BrokerId
  readonly first: number
  readonly last: number
}

export function encodeProducerIdBlock({ broker, first, last }: ProducerIdBlock): string {
  const block = { block_start: String(first), block_end: String(last) }
  return JSON.stringify({ version: 1, broker, ...block })
}

export function decodeProducerIdBlock(data: Buffer | null): ProducerIdBlock | undefined {
  const found = objectOf(data)
  const broker = found['broker']
  const first = naturalOf(found['block_start'])
  const last = naturalOf(found['block_end'])
  if (!isNatural(broker) || first === undefined || last === undefined) return undefined
  return { broker: broker as BrokerId, first, last }
}

/** A number written as text: an epoch. */
export function decodeNumber(data: Buffer | null): number | undefined {
  return naturalOf(data?.toString('utf8'))
}
