// A committed offset as stored in its znode: the number on the first line, readable by any tool.
// The leader epoch and metadata that a Kafka client commits with it follow on a second line.
//
//   42
//   {"leader_epoch":3,"metadata":"half done"}

import { asObject, isNatural, naturalOf } from '../../json.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'

export interface CommitValue {
  readonly offset: Offset
  /** leader epoch of the last record read; -1 if unknown */
  readonly leaderEpoch: number
  /** opaque to the broker */
  readonly metadata: string
}

export const noLeaderEpoch = -1

export function encodeCommit({ offset, leaderEpoch, metadata }: CommitValue): string {
  if (leaderEpoch === noLeaderEpoch && metadata === '') return String(offset)
  return `${offset}\n${JSON.stringify({ leader_epoch: leaderEpoch, metadata })}`
}

/** @returns undefined if the data does not begin with an offset */
export function decodeCommit(data: Buffer | null): CommitValue | undefined {
  const text = data?.toString('utf8') ?? ''
  const end = text.indexOf('\n')
  const offset = naturalOf(end === -1 ? text : text.slice(0, end))
  if (offset === undefined) return undefined
  const { leader_epoch: epoch, metadata } = end === -1 ? {} : parsed(text.slice(end + 1))
  return {
    offset,
    leaderEpoch: isNatural(epoch) ? epoch : noLeaderEpoch,
    metadata: typeof metadata === 'string' ? metadata : '',
  }
}

function parsed(text: string): Record<string, unknown> {
  try {
    return asObject(JSON.parse(text))
  } catch {
    return {}
  }
}
