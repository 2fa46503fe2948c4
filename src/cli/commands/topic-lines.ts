// The output of `zw topics list` and `zw topics describe`, as text and as JSON.
//
//   goals: 2 partitions, id mTYQqlBkRd-oQ4ZXYyRjWQ
//     retention.ms=1000 (topic)
//     partition  leader  epoch  replicas  in sync  first  next
//             0       1      4  1,2,3     1,3          0   120  under-replicated
//             1       -      5  2,3,1     2            0     -  no leader

import type { PartitionOffsets } from '../../client/mq/mq-admin.ts'
import type { ConfigEntry } from '../../protocol/mq/configs.ts'
import { noBroker } from '../../protocol/mq/messages.ts'
import type { PartitionInfo, TopicInfo } from '../../protocol/mq/metadata.ts'
import { isUnderReplicated, replicaCountOf } from '../replica-counts.ts'
import { type Column, tableLines } from '../table-lines.ts'

export interface DescribedTopic {
  readonly info: TopicInfo
  /** by partition; missing where the leader did not say */
  readonly offsets: ReadonlyMap<number, PartitionOffsets>
  /** undefined: our user may not see them */
  readonly configs: readonly ConfigEntry[] | undefined
  /** undefined: not asked for */
  readonly sizes: readonly BrokerSize[] | undefined
}

/** A replica of the topic. */
export interface BrokerSize {
  readonly broker: number
  readonly partition: number
  readonly sizeBytes: number
  /** committed records that it lacks */
  readonly lag: number
}

const topicColumns: readonly Column<TopicInfo>[] = [
  { title: 'topic', right: false, of: ({ topic }) => topic },
  { title: 'partitions', right: true, of: ({ partitions }) => String(partitions.length) },
  { title: 'replicas', right: true, of: (info) => String(replicaCount(info)) },
  { title: '', right: false, of: troubleOf },
]

export function listLines(topics: readonly TopicInfo[]): string[] {
  return topics.length === 0 ? ['There are no topics.'] : tableLines(topicColumns, topics)
}

export function listJson(topics: readonly TopicInfo[]): unknown {
  return topics.map((info) => {
    const { topic, topicId, problem, partitions } = info
    return {
      topic,
      topicId,
      partitions: partitions.length,
      replicas: replicaCount(info),
      underReplicated: partitions.filter(isUnderReplicated).length,
      withoutLeader: partitions.filter(isLeaderless).length,
      ...(problem === undefined ? {} : { problem }),
    }
  })
}

export function describeLines({ info, offsets, configs, sizes }: DescribedTopic): string[] {
  const { topic, topicId, partitions, problem } = info
  if (problem !== undefined) return [`${topic}: ${problem}`]
  const columns: readonly Column<PartitionInfo>[] = [
    { title: 'partition', right: true, of: ({ partition }) => String(partition) },
    { title: 'leader', right: true, of: ({ leader }) => (leader === noBroker ? '-' : `${leader}`) },
    { title: 'epoch', right: true, of: ({ leaderEpoch }) => String(leaderEpoch) },
    { title: 'replicas', right: false, of: ({ replicas }) => replicas.join() },
    { title: 'in sync', right: false, of: ({ isr }) => isr.join() },
    { title: 'first', right: true, of: ({ partition }) => shown(offsets.get(partition)?.earliest) },
    { title: 'next', right: true, of: ({ partition }) => shown(offsets.get(partition)?.latest) },
    ...(sizes === undefined ? [] : [sizeColumn(sizes)]),
    { title: '', right: false, of: conditionOf },
  ]
  const count = partitions.length
  const set = configs?.filter(({ source }) => source !== 'default')
  return [
    `${topic}: ${count} partition${count === 1 ? '' : 's'}, id ${topicId}`,
    ...(set?.map(({ name, value, source }) => `  ${name}=${value} (${sourceNames[source]})`) ?? [
      '  its settings are not shown: no rule allows describeConfigs',
    ]),
    ...tableLines(columns, partitions).map((line) => `  ${line}`),
  ]
}

/** In the order of the replicas. */
function sizeColumn(sizes: readonly BrokerSize[]): Column<PartitionInfo> {
  const cell = ({ partition, replicas }: PartitionInfo) => {
    const ofReplicas = replicas.map((broker) => sizeAt(sizes, broker, partition)?.sizeBytes ?? '-')
    return ofReplicas.join()
  }
  return { title: 'bytes', right: false, of: cell }
}

function sizeAt(sizes: readonly BrokerSize[], broker: number, partition: number) {
  return sizes.find((one) => one.broker === broker && one.partition === partition)
}

export function describeJson({ info, offsets, configs, sizes }: DescribedTopic): unknown {
  const { topic, topicId, partitions, problem } = info
  return {
    topic,
    topicId,
    ...(problem === undefined ? {} : { problem }),
    partitions: partitions.map((one) => {
      const { partition, leader, leaderEpoch, replicas, isr, problems } = one
      const { adding = [], removing = [] } = one
      const { earliest = null, latest = null } = offsets.get(partition) ?? {}
      return {
        partition,
        leader: leader === noBroker ? null : leader,
        leaderEpoch,
        replicas,
        isr,
        earliest,
        latest,
        underReplicated: isUnderReplicated(one),
        ...(adding.length === 0 ? {} : { adding }),
        ...(removing.length === 0 ? {} : { removing }),
        problems,
        ...(sizes === undefined ? {} : { sizes: sizesJson(sizes, one) }),
      }
    }),
    configs:
      configs === undefined
        ? null
        : Object.fromEntries(
            configs.map(({ name, value, source }) => [name, { value: value ?? null, source }]),
          ),
  }
}

/** Of each replica; null where its broker did not tell. */
function sizesJson(sizes: readonly BrokerSize[], { partition, replicas }: PartitionInfo): unknown {
  return replicas.map((broker) => {
    const { sizeBytes = null, lag = null } = sizeAt(sizes, broker, partition) ?? {}
    return { broker, sizeBytes, lag }
  })
}

const sourceNames: Readonly<Record<ConfigEntry['source'], string>> = {
  topic: 'topic',
  dynamicBroker: 'broker',
  dynamicDefault: 'all brokers',
  file: 'file of the broker',
  default: 'default',
}

function replicaCount({ partitions }: TopicInfo): number {
  const [first] = partitions
  return first === undefined ? 0 : replicaCountOf(first)
}

function isLeaderless({ leader }: PartitionInfo): boolean {
  return leader === noBroker
}

function troubleOf({ problem, partitions }: TopicInfo): string {
  if (problem !== undefined) return problem
  const found = [
    [partitions.filter(isLeaderless).length, 'without a leader'],
    [partitions.filter(isUnderReplicated).length, 'under-replicated'],
  ] as const
  return found.flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`])).join(', ')
}

function conditionOf(one: PartitionInfo): string {
  const reasons = one.problems.map(({ broker, reason }) => {
    return broker === noBroker ? reason : `broker ${broker}: ${reason}`
  })
  const { adding = [], removing = [] } = one
  if (adding.length > 0) reasons.unshift(`adding ${adding.join()}`)
  if (removing.length > 0) reasons.unshift(`removing ${removing.join()}`)
  if (isLeaderless(one)) reasons.unshift('no leader')
  else if (isUnderReplicated(one)) reasons.unshift('under-replicated')
  return reasons.join('; ')
}

function shown(offset: number | undefined): string {
  return offset === undefined ? '-' : String(offset)
}
