// Which committed offsets of a group are old enough to be deleted. Kafka's rule (KIP-211): a group with
// members keeps what it uses; from when it has none, its offsets live for the retention time; those of
// consumers outside any group live for it from their commit. Pure.
//
// Source: GroupMetadata.removeExpiredOffsets of Kafka 3.9.

import { ProtocolError } from '../../protocol/error-codes.ts'
import { consumerProtocolType, decodeSubscription } from '../../protocol/kafka/consumer-protocol.ts'
import type { OffsetPlace } from '../../protocol/kafka/group-records.ts'
import type { CommittedOffset, GroupOffsets } from './group-offsets.ts'

export interface GroupUse {
  readonly isEmpty: boolean
  /** undefined: it never had members */
  readonly protocolType: string | undefined
  /** since when it has been as it is; undefined: not known */
  readonly stateSinceMs: number | undefined
  /** of all members; undefined while it rebalances */
  readonly subscriptions: readonly Uint8Array[] | undefined
}

export function expiredOffsets(
  offsets: GroupOffsets,
  use: GroupUse,
  { wallMs, retentionMs }: { readonly wallMs: number; readonly retentionMs: number },
): readonly OffsetPlace[] {
  const expired = (
    since: (stored: CommittedOffset) => number,
    isUsed: (topic: string) => boolean = () => false,
  ): readonly OffsetPlace[] => {
    const places: OffsetPlace[] = []
    for (const [place, stored] of offsets.all()) {
      if (isUsed(place.topic) || offsets.isPending(place)) continue
      const { expireTimestampMs } = stored
      const atMs = expireTimestampMs >= 0 ? expireTimestampMs : since(stored) + retentionMs
      if (wallMs >= atMs) places.push(place)
    }
    return places
  }
  if (use.protocolType === undefined) return expired((stored) => stored.commitTimestampMs)
  if (use.isEmpty) return expired((stored) => use.stateSinceMs ?? stored.commitTimestampMs)
  const used = topicsOf(use)
  if (used === undefined) return []
  return expired(
    (stored) => stored.commitTimestampMs,
    (topic) => used.has(topic),
  )
}

/**
 * The topics that the members of a group consume.
 *
 * @returns undefined if that cannot be known: it rebalances, or its members are no consumers
 */
export function topicsOf({
  protocolType,
  subscriptions,
}: Pick<GroupUse, 'protocolType' | 'subscriptions'>): ReadonlySet<string> | undefined {
  if (protocolType !== consumerProtocolType || subscriptions === undefined) return undefined
  try {
    return new Set(subscriptions.flatMap((bytes) => decodeSubscription(bytes).topics))
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
