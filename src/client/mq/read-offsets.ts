// Where a consumer reads: the offsets that a start, or a seek, stands for. Next on the path:
// broker/api/list-offsets.ts.

import type { ListedOffsets } from '../../protocol/mq/list-offsets.ts'
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
): Promise<ReadonlyMap<number, ListedOffsets>> {
  if (partitions.length === 0) return new Map()
  const request = {
    type: 'listOffsets',
    passedOn: false,
    partitions: partitions.map((partition) => ({ topic, partition, leaderEpoch: anyEpoch })),
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
  const bounds = await boundsOf(cluster, topic, partitions)
  const found = new Map<number, number>()
  for (const [partition, { earliest, latest }] of bounds) {
    found.set(partition, offsetIn(target, earliest, latest))
  }
  return found
}

function offsetIn(target: Exclude<SeekTarget, number>, earliest: number, latest: number): number {
  if (target === 'beginning') return earliest
  if (target === 'end') return latest
  return Math.max(earliest, latest - target.last)
}
