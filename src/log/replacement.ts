// A segment that will take the place of another: some of its records, written beside it, slice by
// slice, and renamed over it once they are durable. A crash leaves the old file or the new one, and
// recovery removes an unfinished one.
//
//   0000000000000000.segment   [record][record][record][record]
//   replacement                [record][record]                    fsync, then rename

import { invariant } from '../invariant.ts'
import type { RecordFormat } from './record-format.ts'
import { Segment, type SegmentMemory } from './segment.ts'
import { attempt, type Done, type LogDirectory, type SegmentFile } from './segment-file.ts'

export const replacementName = 'replacement'

export class Replacement {
  readonly #directory: LogDirectory
  readonly #format: RecordFormat
  readonly #old: Segment
  readonly #file: SegmentFile
  readonly segment: Segment
  #bytes = 0

  /** @throws what the file system throws */
  constructor(
    directory: LogDirectory,
    format: RecordFormat,
    old: Segment,
    memory: SegmentMemory | undefined,
  ) {
    this.#directory = directory
    this.#format = format
    this.#old = old
    this.#file = directory.create(replacementName)
    this.segment = new Segment(directory, format, old.firstPosition, memory)
  }

  /** Adds one whole record, positions ascending. The first is that of the old segment. */
  append(record: Buffer): void {
    const { segment } = this
    const format = this.#format
    const offset = this.#bytes
    const first = format.firstPosition(record, 0)
    const isNext = offset === 0 ? first === segment.firstPosition : first > segment.lastPosition
    invariant(isNext, 'a replacement has records of the segment, in their order')
    this.#file.write(record, offset)
    segment.adopt(record, 0, offset, record.length)
    this.#bytes += record.length
  }

  /** @param done called when the new file has the segment's name, durably */
  finish(done: Done): void {
    this.#file.sync((error) => {
      if (error !== null) return done(error)
      // The old index goes first, durably: it must never be that of the new file.
      attempt(
        (next) => {
          this.#old.removeIndex()
          this.#directory.sync(next)
        },
        (failed) => (failed === null ? this.#rename(done) : done(failed)),
      )
    })
  }

  #rename(done: Done): void {
    const { segment } = this
    attempt((next) => {
      this.#directory.rename(replacementName, segment.name)
      segment.place(this.#file)
      this.#directory.sync(next)
    }, done)
  }

  /** It is not wanted: its file is removed, at the latest by the next recovery. */
  abandon(): void {
    this.#file.close()
    this.#directory.remove(replacementName)
  }
}
