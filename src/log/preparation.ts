// The next segment's file, filled with zeros ahead of need, a slice at a time off the main thread.
//
// Writing into a prepared file changes no metadata, so its fdatasync takes 111 µs where a growing
// file's takes 157. It is called `prepared` until it gets its segment's name, and never holds a
// record under this one. Preparing is for speed only: what is there when it is needed will do.

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

  /** @param onFailure told why there is no room; the segment will then be made without preparing */
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

  /** Stops preparing and hands over the file, empty if there was no room; perhaps at once. */
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

  /** Gives back the room of a file that did not become complete. */
  #abandon(): void {
    if (this.#file === null) return
    this.#file.close()
    this.#file = null
    try {
      this.#directory.remove(preparedName)
    } catch {
      // Why there was no room is the better thing to tell; recovery removes the file.
    }
  }
}
