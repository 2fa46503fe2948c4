// Topics that were deleted while brokers had replicas of them. The znode /brokers/deleted/I, written in
// the multi that deletes the topic with id I, names the brokers that have to remove their
// directories. Each takes itself out when it has, also one that was down meanwhile; the last one
// deletes the znode.
//
// Only this znode makes a broker remove records. A topic that is merely missing may be one that an
// operator's mistake, or an old copy of the ztree, has hidden: its directories stay.

import { isNatural, objectOf } from '../../json.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'

export interface DeletedTopic {
  readonly topic: string
  readonly topicId: string
  readonly partitionCount: number
  /** those that have not removed their directories yet */
  readonly brokers: readonly BrokerId[]
  /** the znode's */
  readonly version: number
}

export function encodeDeletedTopic({
  topic,
  partitionCount,
  brokers,
}: Omit<DeletedTopic, 'topicId' | 'version'>): string {
  return JSON.stringify({ version: 1, topic, partitions: partitionCount, brokers })
}

/** The id is not in the data but is the znode's name. */
export function decodeDeletedTopic(
  topicId: string,
  data: Buffer | null,
  version: number,
): DeletedTopic | undefined {
  const { version: format, topic, partitions: partitionCount, brokers } = objectOf(data)
  if (format !== 1 || typeof topic !== 'string' || !isNatural(partitionCount)) return undefined
  if (!Array.isArray(brokers) || !brokers.every(isNatural)) return undefined
  return { topic, topicId, partitionCount, brokers: brokers as BrokerId[], version }
}
