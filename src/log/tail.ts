// The newest records of a segment in memory: those that are not written yet and, in logs whose readers
// follow closely, those written last, so that they are not read back from the file.
//
//   file:     [record][record][record][record][record]
//   pages:            [previous page         ]
//                             [page: record][record]..........
//                              │written until here  │end      room
//
// While readers follow closely, a page that was lent to one of them never changes: a view of it may be
// sent as it is, and its memory is left to the garbage collector. The memory of every other page is used
// for something else as soon as no reader needs it, in a log on its own for its next page.

import { ReusedBuffers } from '../reused-buffers.ts'

const pageBytesMin = 4096
/** A page for readers has room for this many more appends like the one that begins it, */
const pageAppends = 32
/** and is larger than this only for one larger append. */
const pageBytesMax = 1024 * 1024
/** A larger page that is used again was a burst: its memory is released. */
const reusedBytesMax = 256 * 1024

const empty: Buffer = Buffer.alloc(0)

/** How a log is read, as its owner says. */
export interface LogReading {
  /** Whether readers want the records that were appended last, again and again. */
  isClose: boolean
}

export class Tail {
  readonly #memory: TailMemory | undefined
  readonly #reading: LogReading | undefined
  #page = empty
  /** Whether the page is for readers, and whether one of them was given a view of it to keep. */
  #isKept = false
  #isLent = false
  /** byte offsets in the segment: of the page, of what is not in the file yet, and of the end */
  #start = 0
  #written = 0
  #end = 0
  #previous: PreviousPage | undefined

  /**
   * @param memory for a log whose readers follow closely
   * @param reading whether they do at present; undefined: always
   */
  constructor(memory?: TailMemory, reading?: LogReading) {
    this.#memory = memory
    this.#reading = reading
  }

  /** Everything before it is in the file. */
  get written(): number {
    return this.#written
  }

  /** Where the next record goes. */
  get end(): number {
    return this.#end
  }

  /** Copies records to the end. */
  append(records: Uint8Array): void {
    const isFull = this.#end - this.#start + records.length > this.#page.length
    if (isFull || this.#isKept !== this.#isWanted) this.#turn(records.length)
    this.#page.set(records, this.#end - this.#start)
    this.#end += records.length
  }

  /** What is not in the file yet. */
  unwritten(): Buffer {
    return this.#page.subarray(this.#written - this.#start, this.#end - this.#start)
  }

  /** `unwritten()` was written. */
  wrote(): void {
    this.#written = this.#end
    if (this.#isKept) return
    this.#start = this.#end
    if (this.#memory === undefined && this.#page.length <= reusedBytesMax) return
    this.#free()
  }

  /**
   * Bytes from `offset` on, if the first of them is in memory; fewer than `bytes` at a page's end.
   *
   * @param isBrief the caller is done with them before anything is appended to any log
   */
  view(offset: number, bytes: number, isBrief = false): Buffer | undefined {
    if (offset >= this.#start) {
      const at = offset - this.#start
      const view = this.#page.subarray(at, Math.min(at + bytes, this.#end - this.#start))
      if (isBrief) return view
      if (!this.#isKept) return Buffer.from(view)
      this.#isLent = true
      return view
    }
    const previous = this.#previous
    if (previous === undefined || offset < previous.start) return undefined
    const at = offset - previous.start
    previous.isLent ||= !isBrief
    return previous.page.subarray(at, Math.min(at + bytes, previous.length))
  }

  /** The segment ends here, and all of it is in the file. */
  reset(end: number): void {
    this.#free()
    this.#freePrevious()
    this.#start = this.#written = this.#end = end
    this.#memory?.forget(this)
  }

  /** Forgets everything from `end` on; views of it keep their bytes. */
  cut(end: number): void {
    const kept =
      end > this.#written
        ? Buffer.from(this.view(this.#written, end - this.#written, true) ?? empty)
        : empty
    this.reset(Math.min(end, this.#written))
    if (kept.length > 0) this.append(kept)
  }

  /** Forgets what is in the file. For `TailMemory`. */
  release(): void {
    this.#freePrevious()
    if (this.#written < this.#end) return
    this.#free()
    this.#start = this.#end
  }

  get #isWanted(): boolean {
    return this.#memory !== undefined && this.#reading?.isClose !== false
  }

  #free(): void {
    if (!this.#isLent && this.#page.length > 0) this.#memory?.reused.give(this.#page)
    this.#page = empty
    this.#isLent = false
  }

  #freePrevious(): void {
    const previous = this.#previous
    this.#previous = undefined
    if (previous?.isLent === false) this.#memory?.reused.give(previous.page)
  }

  #turn(more: number): void {
    const unwritten = this.unwritten()
    const needed = Math.max(pageBytesMin, unwritten.length + more)
    const isToBeKept = this.#isWanted
    const wanted = isToBeKept ? Math.min(pageAppends * more, pageBytesMax) : 0
    const page = this.#newPage(Math.max(needed, wanted))
    page.set(unwritten)
    this.#freePrevious()
    const length = this.#end - this.#start
    if (isToBeKept && this.#isKept && length > 0) {
      this.#previous = { page: this.#page, start: this.#start, length, isLent: this.#isLent }
    } else this.#free()
    this.#page = page
    this.#isKept = isToBeKept
    this.#isLent = false
    this.#start = this.#written
    if (isToBeKept) this.#memory?.holds(this, page.length + (this.#previous?.page.length ?? 0))
    else this.#memory?.forget(this)
  }

  #newPage(bytes: number): Buffer {
    return this.#memory?.reused.take(bytes) ?? Buffer.allocUnsafeSlow(powerOfTwo(bytes))
  }
}

/** A page for readers that is full. */
interface PreviousPage {
  readonly page: Buffer
  /** byte offset in the segment */
  readonly start: number
  /** of its records */
  readonly length: number
  isLent: boolean
}

function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(atLeast))
}

/** Bounds what all logs of a program together keep in memory for their readers. */
export class TailMemory {
  /** for pages that are not lent */
  readonly reused = new ReusedBuffers()
  readonly #bytesMax: number
  /** in the order of their last new pages, the latest last */
  readonly #held = new Map<Tail, number>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** For tails. */
  holds(tail: Tail, bytes: number): void {
    this.forget(tail)
    this.#held.set(tail, bytes)
    this.#bytes += bytes
    for (const oldest of this.#held.keys()) {
      if (this.#bytes <= this.#bytesMax || oldest === tail) return
      this.forget(oldest)
      oldest.release()
    }
  }

  /** For tails. */
  forget(tail: Tail): void {
    this.#bytes -= this.#held.get(tail) ?? 0
    this.#held.delete(tail)
  }
}
