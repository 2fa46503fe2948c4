// The next segment's file, filled with zeros in advance, one slice at a time off the main thread.
//
// Writing into a prepared file changes no metadata, so its fdatasync takes 111 µs, against 157 for
// a growing file. The file is called `prepared` until it gets its segment's name, and never holds a
// record under this name. Preparation only improves speed: a partly prepared file is used as it is.

import type { LogDirectory, SegmentFile } from './segment-file.ts'
import { zeroInBackground } from './zero.ts'

export const preparedName = 'prepared'

type Take = (...taken: [error: Error, file: null] | [error: null, file: SegmentFile]) => void

export class Preparation {
  readonly #directory: LogDirectory
  #file: SegmentFile | null = null
  #isWanted = false
  #isBusy = true
  #onEnded: (() => void) | null = null

  /**
   * @param onFailure receives the reason if there is no space; the segment is then created
   * unprepared
   */
  constructor(directory: LogDirectory, bytes: number, onFailure: (error: Error) => void) {
    this.#directory = directory
    const ended = (error: Error | null) => {
      this.#isBusy = false
      if (error !== null) {
        this.#abandon()
        onFailure(error)
      }
      this.#onEnded?.()
    }
    try {
      const file = directory.create(preparedName)
      this.#file = file
      const range = { from: 0, to: bytes, isUnwanted: () => this.#isWanted }
      zeroInBackground(file, range, (error) => {
        if (error !== null || this.#isWanted || bytes === 0) ended(error)
        else file.sync(ended)
      })
    } catch (error) {
      ended(error as Error)
    }
  }

  /**
   * Stops preparing and hands over the file, empty if there was no space; perhaps synchronously.
   */
  take(done: Take): void {
    this.#isWanted = true
    if (this.#isBusy) this.#onEnded = () => this.#handOver(done)
    else this.#handOver(done)
  }

  #handOver(done: Take): void {
    try {
      this.#file ??= this.#directory.create(preparedName)
    } catch (error) {
      done(error as Error, null)
    }
    if (this.#file !== null) done(null, this.#file)
  }

  /** Frees the space of an incomplete file. */
  #abandon(): void {
    if (this.#file === null) return
    this.#file.close()
    this.#file = null
    try {
      this.#directory.remove(preparedName)
    } catch {
      // The original error is more useful; recovery removes the file.
    }
  }
}
