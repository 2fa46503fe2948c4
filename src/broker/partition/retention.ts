// Which segments of a partition's log are due for removal: by age, or because the log is too large.
// Pure. Source: Kafka's UnifiedLog.deleteOldSegments (3.9).
//
//   oldest ▶ [seg][seg][seg]|[seg][active]          everything before | is due
//                            └ the new log start; never above the high watermark
//
// A segment is as old as its newest record says, and at most as old as its last append: a timestamp
// from the future does not keep it for ever. Segments go in order, oldest first, so one that is not
// due keeps those after it.

import type { Offset } from '../../protocol/mq/record-batch.ts'

export interface SegmentFacts {
  readonly start: Offset
  /** offset after its last record */
  readonly end: Offset
  readonly bytes: number
  /** timestamp of its newest record; -1: none has one */
  readonly maxTimestampMs: number
  /** its last record was appended no later than this */
  readonly appendedByMs: number
}

export interface RetentionRules {
  /** milliseconds; -1: unlimited */
  readonly retentionMs: number
  /** -1: unlimited */
  readonly retentionBytes: number
}

/**
 * @param segments in order; the last one is active
 * @param nowMs in the time of the records' timestamps
 * @returns the log start that removes what is due; the start of the first segment if nothing is
 */
export function dueBefore(
  segments: readonly SegmentFacts[],
  { retentionMs, retentionBytes }: RetentionRules,
  { highWatermark, nowMs }: { readonly highWatermark: Offset; readonly nowMs: number },
): Offset {
  let surplus =
    retentionBytes < 0
      ? Number.NEGATIVE_INFINITY
      : segments.reduce((sum, { bytes }) => sum + bytes, 0) - retentionBytes
  let start = segments[0]?.start ?? 0
  for (const [i, segment] of segments.entries()) {
    const isActive = i === segments.length - 1
    const isTooOld = retentionMs >= 0 && nowMs - timeOf(segment) > retentionMs
    const isTooMuch = !isActive && surplus >= segment.bytes
    if (segment.end > highWatermark || !(isTooOld || isTooMuch)) break
    surplus -= segment.bytes
    start = segments[i + 1]?.start ?? segment.end
  }
  return start
}

function timeOf({ maxTimestampMs, appendedByMs }: SegmentFacts): number {
  return maxTimestampMs < 0 ? appendedByMs : Math.min(maxTimestampMs, appendedByMs)
}
