// A segment that will take the place of another: some of its records, written beside it, slice by
// slice, and renamed over it once they are durable. A crash leaves the old file or the new one, and
// recovery removes an unfinished one.
//
//   0000000000000000.segment   [record][record][record][record]
//   replacement                [record][record]                    fsync, then rename

import { invariant } from '../invariant.ts'
import type { RecordFormat } from './record-format.ts'
import { Segment } from './segment.ts'
import type { Done, LogDirectory, SegmentFile } from './segment-file.ts'

export const replacementName = 'replacement'

export class Replacement {
  readonly #directory: LogDirectory
  readonly #format: RecordFormat
  readonly #file: SegmentFile
  readonly segment: Segment
  #bytes = 0

  /** @throws what the file system throws */
  constructor(directory: LogDirectory, format: RecordFormat, old: Pick<Segment, 'firstPosition'>) {
    this.#directory = directory
    this.#format = format
    this.#file = directory.create(replacementName)
    this.segment = new Segment(directory, format, old.firstPosition)
  }

  /** Adds one whole record, positions ascending. The first is that of the old segment. */
  append(record: Buffer): void {
    const { segment } = this
    const format = this.#format
    const offset = this.#bytes
    const [first, last] = [format.firstPosition(record, 0), format.lastPosition(record, 0)]
    const isNext = offset === 0 ? first === segment.firstPosition : first > segment.lastPosition
    invariant(isNext, 'a replacement has records of the segment, in their order')
    this.#file.write(record, offset)
    segment.adopt({ first, last, offset, length: record.length })
    if (format.timestampMs !== undefined) segment.noteTime(format.timestampMs(record, 0), offset)
    this.#bytes += record.length
  }

  /** @param done called when the new file has the segment's name, durably */
  finish(done: Done): void {
    const { segment } = this
    this.#file.sync((error) => {
      if (error !== null) return done(error)
      try {
        this.#directory.rename(replacementName, segment.name)
        segment.place(this.#file)
        this.#directory.sync(done)
      } catch (thrown) {
        done(thrown as Error)
      }
    })
  }

  /** It is not wanted: its file is removed, at the latest by the next recovery. */
  abandon(): void {
    this.#file.close()
    this.#directory.remove(replacementName)
  }
}
