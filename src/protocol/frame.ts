// One frame on the wire, either way. The body is one msgpack value, one jute or one Kafka message.
//
//   +----------------+---------------------+
//   | length: u32 BE | body: `length` bytes |   length counts the body only, at most frameBytesMax
//   +----------------+---------------------+
//
// Frames are written by MsgpackWriter (`beginFrame`, `endFrame`). Next on the path: a dialect reads
// the body, on a client port zk/native.ts. Framing as in ZooKeeper's ClientCnxnSocket.

import type { ReusedBuffers } from '../reused-buffers.ts'
import { ProtocolError } from './error-codes.ts'

const lengthBytes = 4

/** The body lies between `start` and `end`; the bytes may be reused after the call. */
export type OnFrame = (buffer: Buffer, start: number, end: number) => void

/** Memory for a frame that is announced; more once this much of it has arrived. */
const announcedBytesMax = 256 * 1024

/** Splits a stream that arrives in pieces of any size into whole frames. */
export class FrameDecoder {
  #frameBytesMax: number
  readonly #onFrame: OnFrame
  readonly #buffers: ReusedBuffers | undefined
  /** of a length field that has not arrived completely */
  #head = 0
  #headBytes = 0
  /** of a frame that has not arrived completely, a copy */
  #body: Buffer | undefined
  #bodyBytes = 0
  #length = 0
  #stopped = false

  /** @param buffers for owners that keep no views of a frame; without it, each gets its own memory */
  constructor(frameBytesMax: number, onFrame: OnFrame, buffers?: ReusedBuffers) {
    this.#frameBytesMax = frameBytesMax
    this.#onFrame = onFrame
    this.#buffers = buffers
  }

  /** From the next frame on. */
  allow(frameBytesMax: number): void {
    this.#frameBytesMax = frameBytesMax
  }

  /** Whether a frame has begun and not ended. */
  get midFrame(): boolean {
    return this.#headBytes > 0 || this.#body !== undefined
  }

  /** Drops the buffered bytes and emits no more frames, not even from the current chunk. */
  stop(): void {
    this.#stopped = true
    this.#headBytes = 0
    if (this.#body !== undefined) this.#buffers?.give(this.#body)
    this.#body = undefined
  }

  /** @throws ProtocolError for a length over the limit, before anything is allocated for it */
  push(chunk: Buffer): void {
    let at = 0
    while (!this.#stopped && at < chunk.length) {
      if (this.#body !== undefined) at = this.#continue(this.#body, chunk, at)
      else if (this.#headBytes === 0 && chunk.length - at >= lengthBytes) {
        const start = at + lengthBytes
        at = this.#begin(chunk.readUInt32BE(at), chunk, start)
      } else {
        this.#head = ((this.#head << 8) | (chunk[at++] ?? 0)) >>> 0
        this.#headBytes += 1
        if (this.#headBytes < lengthBytes) continue
        this.#headBytes = 0
        at = this.#begin(this.#head, chunk, at)
      }
    }
  }

  /** A frame of that length begins at `start`. @returns where the chunk goes on */
  #begin(length: number, chunk: Buffer, start: number): number {
    if (length > this.#frameBytesMax) {
      const most = `at most ${this.#frameBytesMax} are allowed`
      throw new ProtocolError(`Cannot take a frame of ${length} bytes: ${most}`)
    }
    const end = start + length
    if (end <= chunk.length) {
      this.#onFrame(chunk, start, end)
      return end
    }
    this.#length = length
    this.#bodyBytes = 0
    this.#body = this.#allocate(Math.min(length, announcedBytesMax))
    return start
  }

  /** Adds to the frame what the chunk has of it. @returns where the chunk goes on */
  #continue(body: Buffer, chunk: Buffer, start: number): number {
    const end = Math.min(chunk.length, start + this.#length - this.#bodyBytes)
    const bytes = this.#bodyBytes + end - start
    const whole = bytes <= body.length ? body : this.#larger(body, bytes)
    chunk.copy(whole, this.#bodyBytes, start, end)
    this.#bodyBytes = bytes
    if (bytes < this.#length) return end
    this.#body = undefined
    this.#onFrame(whole, 0, this.#length)
    this.#buffers?.give(whole)
    return end
  }

  #larger(body: Buffer, bytes: number): Buffer {
    const larger = this.#allocate(Math.min(this.#length, 2 * bytes))
    body.copy(larger, 0, 0, this.#bodyBytes)
    this.#buffers?.give(body)
    this.#body = larger
    return larger
  }

  #allocate(bytes: number): Buffer {
    return this.#buffers?.take(bytes) ?? Buffer.allocUnsafeSlow(bytes)
  }
}
