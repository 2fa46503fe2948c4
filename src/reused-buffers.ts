// Memory that several owners use in turn, each for a moment: frames that arrive in pieces
// (protocol/frame.ts), and records until they are written (log/tail.ts). New memory for each would lie
// outside of V8's heap, and every few megabytes of it would cause a full garbage collection.

/** More memory that is free is released. */
const freeBytesMax = 16 * 1024 * 1024
/** A larger buffer was a burst, and is released at once. */
const reusedBytesMax = 2 * 1024 * 1024

export class ReusedBuffers {
  /** by the logarithm of their sizes, which are powers of two */
  #free: Buffer[][] = []
  #freeBytes = 0

  /** At least that many bytes, with whatever was in them. */
  take(bytes: number): Buffer {
    const size = Math.ceil(Math.log2(Math.max(bytes, 1)))
    const found = this.#free[size]?.pop()
    if (found === undefined) return Buffer.allocUnsafeSlow(2 ** size)
    this.#freeBytes -= found.length
    return found
  }

  /** @param buffer from `take`; nothing uses it any more */
  give(buffer: Buffer): void {
    const { length } = buffer
    if (length > reusedBytesMax) return
    if (this.#freeBytes + length > freeBytesMax) {
      // Of other sizes, perhaps, than are needed now.
      this.#free = []
      this.#freeBytes = 0
    }
    const size = Math.log2(length)
    const free = this.#free[size] ?? []
    free.push(buffer)
    this.#free[size] = free
    this.#freeBytes += length
  }
}
