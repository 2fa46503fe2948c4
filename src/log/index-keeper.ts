// The index file of one segment: what a start needs to know of the segment without reading it. Entries
// are added to the file now and then. It only saves time: a file that cannot be written, probably for
// lack of space, is done without.
//
// segment.ts owns it. Next on the path: index-file.ts.

import { type IndexHeader, indexName, readIndexEntries, writeIndex } from './index-file.ts'
import type { Position } from './record-format.ts'
import type { LogDirectory } from './segment-file.ts'
import { entryNumbers, type SegmentIndex } from './segment-index.ts'

/**
 * Index entries after which they are written to the file: a start then reads little of a log, however
 * short it is, and a busy log of large segments writes once per MiB.
 */
const unsavedEntriesMin = 16
const unsavedEntriesMax = 256

interface IndexKeeperOptions {
  readonly directory: LogDirectory
  /** the segment's name */
  readonly segment: string
  readonly firstPosition: Position
  readonly index: SegmentIndex
  /** whether the segment has an index file at all */
  readonly isWanted: boolean
  /** Reads so many entries from the records. */
  readonly rebuild: (count: number) => Float64Array
}

/** What is known of a segment up to some record's end. */
export interface Covered {
  readonly endBytes: number
  readonly lastPosition: Position
  readonly maxMs: number
  readonly entryCount: number
}

export class IndexKeeper {
  readonly #options: IndexKeeperOptions
  readonly #name: string
  /** what the file says; undefined: there is none, or none that can be used */
  #header: IndexHeader | undefined
  #mayExist = false
  #isFailing = false

  constructor(options: IndexKeeperOptions) {
    this.#options = options
    this.#name = indexName(options.segment)
  }

  /** Whether the segment has an index file, as far as that can be written. */
  get isKept(): boolean {
    return this.#options.isWanted && !this.#isFailing
  }

  /** Whether there is a file that may be used. */
  get isUsable(): boolean {
    return this.#header !== undefined
  }

  /** Whether the file tells of all records up to `endBytes`, and that the segment ends there. */
  isFullTo(endBytes: number): boolean {
    return this.#header?.isFull === true && this.#header.endBytes === endBytes
  }

  /** Whether entries should be added to the file. */
  get isDue(): boolean {
    if (!this.isKept) return false
    const { unsavedCount, count } = this.#options.index
    const saved = count - unsavedCount
    return unsavedCount >= Math.min(unsavedEntriesMin + saved / 4, unsavedEntriesMax)
  }

  /** The index is as the file says, which is read when its entries are needed. */
  adopt(header: IndexHeader): void {
    this.#header = header
    this.#mayExist = true
    const { count, lastOffset, firstMs, maxMs } = header
    const load = (entries: number): Float64Array => this.#load(entries)
    this.#options.index.restore({ count, lastOffset, firstMs, maxMs, load })
  }

  /** The file, which the owner removes, says what will not be so. */
  forget(): void {
    this.#options.index.keepAll()
    this.#header = undefined
  }

  /** @param covered all of it is durable */
  save(
    { endBytes, lastPosition, maxMs, entryCount }: Covered,
    { isFull }: { readonly isFull: boolean },
  ): void {
    if (this.#header?.endBytes === endBytes && this.#header.isFull === isFull) return
    const { directory, firstPosition, index } = this.#options
    const { firstMs } = index
    const facts = { isFull, firstPosition, lastPosition, endBytes, firstMs, maxMs }
    const more = index.unsaved(entryCount)
    this.#mayExist = true
    try {
      this.#header = writeIndex(directory, this.#name, this.#header, more, facts)
      index.saved(entryCount, (count) => this.#load(count))
    } catch {
      this.#isFailing = true
    }
  }

  /** The records are about to change; the owner makes the removal durable first. */
  remove(): void {
    const { directory } = this.#options
    if (!this.#mayExist) return
    this.#mayExist = false
    if (this.#isFailing && !directory.list().includes(this.#name)) return
    directory.remove(this.#name)
  }

  /** The first entries of the index, from the file, or from the records. */
  #load(count: number): Float64Array {
    const { directory, rebuild } = this.#options
    const header = this.#header
    const found = header && readIndexEntries(directory, this.#name, header)
    const isWhole = found !== undefined && found.length >= count * entryNumbers
    return isWhole ? found.subarray(0, count * entryNumbers) : rebuild(count)
  }
}
