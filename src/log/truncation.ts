// Cuts the end off a log on the disk. A crash may come at any step: until the marker is durable, the log
// is whole; from then on, recovery completes what the marker's name says, and when the marker is gone,
// nothing can bring the cut records back.
//
//   marker ─▶ indexes removed ─▶ segments removed, the last that is kept zeroed behind its end ─▶ no marker
//
// Each arrow is a sync. log.ts decides what goes, and waits; recovery.ts completes it after a crash.

import type { Position } from './record-format.ts'
import type { Segment } from './segment.ts'
import { attempt, type Done, type LogDirectory } from './segment-file.ts'

/** The name of an empty file that means: records at this position or above must be removed. */
export function truncationName(from: Position): string {
  return `truncate-from-${from.toString(16).padStart(16, '0')}`
}

interface Truncation {
  readonly directory: LogDirectory
  /** the last segment that stays, already cut in memory, everything in it durable; undefined: none */
  readonly kept: Segment | undefined
  readonly removed: readonly Segment[]
}

/** @param done called when the cut is durable */
export function truncateOnDisk({ directory, kept, removed }: Truncation, done: Done): void {
  const name = truncationName((kept?.lastPosition ?? -1) + 1)
  const steps: ((next: Done) => void)[] = [
    (next) => {
      directory.create(name).close()
      for (const segment of removed) segment.removeIndex()
      kept?.removeIndex()
      directory.sync(next)
    },
    (next) => {
      for (const segment of removed) removeSegment(directory, segment)
      if (kept === undefined) next(null)
      else kept.zeroStale(next)
    },
    (next) => {
      if (kept === undefined) next(null)
      else kept.sync(next)
    },
    (next) => directory.sync(next),
    (next) => {
      directory.remove(name)
      directory.sync(next)
    },
  ]
  inOrder(steps, done)
}

/** Closes and removes a segment's files; durable with the directory's next sync. */
export function removeSegment(directory: LogDirectory, segment: Segment): void {
  if (!segment.isPlaced) return
  segment.close()
  segment.removeIndex()
  directory.remove(segment.name)
}

/** Runs steps in sequence; the first error ends them. */
function inOrder(steps: readonly ((next: Done) => void)[], done: Done): void {
  const [step, ...rest] = steps
  if (step === undefined) done(null)
  else attempt(step, (error) => (error === null ? inOrder(rest, done) : done(error)))
}
