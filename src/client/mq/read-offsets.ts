// Where a consumer reads: the offsets that a start, or a seek, stands for. Next on the path:
// broker/api/list-offsets.ts.

import { type ListedOffsets, noTimestamp } from '../../protocol/mq/list-offsets.ts'
import { anyEpoch } from '../../protocol/mq/messages.ts'
import type { MqCluster } from './mq-cluster.ts'
import type { SeekTarget } from './options.ts'

/** How long the brokers are asked. */
const patienceMs = 30_000

/** By partition. @throws BrokerError of the first partition that failed */
export async function boundsOf(
  cluster: Pick<MqCluster, 'call'>,
  topic: string,
  partitions: readonly number[],
  timestampMs: number = noTimestamp,
): Promise<ReadonlyMap<number, ListedOffsets>> {
  if (partitions.length === 0) return new Map()
  const request = {
    type: 'listOffsets',
    passedOn: false,
    partitions: partitions.map((partition) => {
      return { topic, partition, leaderEpoch: anyEpoch, timestampMs }
    }),
  } as const
  const listed = await cluster.call(request, patienceMs)
  return new Map(listed.partitions.map((each) => [each.partition, each]))
}

/** By partition. @throws BrokerError */
export async function offsetsOf(
  cluster: Pick<MqCluster, 'call'>,
  topic: string,
  partitions: readonly number[],
  target: SeekTarget,
): Promise<ReadonlyMap<number, number>> {
  if (typeof target === 'number') return new Map(partitions.map((each) => [each, target]))
  const isTime = typeof target === 'object' && 'timestampMs' in target
  const timestampMs = isTime ? target.timestampMs : noTimestamp
  const bounds = await boundsOf(cluster, topic, partitions, timestampMs)
  return new Map([...bounds].map(([partition, listed]) => [partition, offsetIn(target, listed)]))
}

function offsetIn(
  target: Exclude<SeekTarget, number>,
  { earliest, latest, found }: ListedOffsets,
): number {
  if (target === 'beginning') return earliest
  if (target === 'end') return latest
  return 'last' in target ? Math.max(earliest, latest - target.last) : (found?.offset ?? latest)
}
