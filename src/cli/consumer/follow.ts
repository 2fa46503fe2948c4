// Takes records from a consumer and hands them over, batch after batch, until an end.

import type { ConsumedRecord, Consumer, TopicPartitionOffset } from '../../client/mq/consumer.ts'

interface FollowOptions {
  readonly consumer: Consumer
  readonly onRecords: (records: readonly ConsumedRecord[]) => Promise<void> | void
  /** Offsets are committed after each batch of records is handled. */
  readonly commits: boolean
  readonly max?: number | undefined
  /** where to stop, by partition: the offset after the last one wanted */
  readonly ends?: ReadonlyMap<number, number> | undefined
  /** Stops it between two batches: what was handed over is committed. */
  readonly signal?: AbortSignal | undefined
}

/** Hands over records until `max`, the ends, the signal or the close of the consumer. @returns their number */
export async function follow(options: FollowOptions): Promise<number> {
  const { consumer, onRecords, commits, max = Number.POSITIVE_INFINITY, ends, signal } = options
  const untilStopped = signal === undefined ? {} : { signal }
  await consumer.start(untilStopped)
  let count = 0
  while (count < max && !isAtEnd(consumer, ends)) {
    const taken = await consumer.take(untilStopped)
    if (taken.length === 0) break
    const wanted = ends === undefined ? taken : taken.filter((each) => isBefore(each, ends))
    const records = wanted.slice(0, max - count)
    await onRecords(records)
    count += records.length
    if (commits) await consumer.commit(offsetsAfter(records))
  }
  return count
}

function isAtEnd(consumer: Consumer, ends: ReadonlyMap<number, number> | undefined): boolean {
  if (ends === undefined) return false
  return consumer.progress.every(
    ({ partition, position }) => position >= (ends.get(partition) ?? 0),
  )
}

function isBefore(
  { partition, offset }: ConsumedRecord,
  ends: ReadonlyMap<number, number>,
): boolean {
  return offset < (ends.get(partition) ?? 0)
}

/** Of each partition, after its last record. */
function offsetsAfter(records: readonly ConsumedRecord[]): readonly TopicPartitionOffset[] {
  const last = new Map(records.map((record) => [record.partition, record]))
  return [...last.values()].map(({ topic, partition, offset }) => {
    return { topic, partition, offset: offset + 1 }
  })
}

/** By partition. */
export function endsOf(
  offsets: readonly Omit<TopicPartitionOffset, 'topic'>[],
): ReadonlyMap<number, number> {
  return new Map(offsets.map(({ partition, offset }) => [partition, offset]))
}
