// A committed offset as stored in its znode: the number on the first line, readable for every tool. What
// a client of Kafka's protocol commits beside the offset follows on a second line.
//
//   42
//   {"leader_epoch":3,"metadata":"half done"}

import { asObject, isNatural, naturalOf } from '../../json.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'

export interface CommitValue {
  readonly offset: Offset
  /** of the last record that was read; -1: not known */
  readonly leaderEpoch: number
  /** opaque text of the client */
  readonly metadata: string
}

export const noLeaderEpoch = -1

export function encodeCommit({ offset, leaderEpoch, metadata }: CommitValue): string {
  if (leaderEpoch === noLeaderEpoch && metadata === '') return String(offset)
  return `${offset}\n${JSON.stringify({ leader_epoch: leaderEpoch, metadata })}`
}

/** @returns undefined when it begins with no offset */
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
