// One frame on the wire, either way. The body is one msgpack value, one jute or one Kafka message.
//
//   +----------------+---------------------+
//   | length: u32 BE | body: `length` bytes |   length counts the body only, at most frameBytesMax
//   +----------------+---------------------+
//
// Frames are written by MsgpackWriter (`beginFrame`, `endFrame`). Next on the path: a dialect reads
// the body, on a client port zk/native.ts. Framing as in ZooKeeper's ClientCnxnSocket.

import { ProtocolError } from './error-codes.ts'

const lengthBytes = 4

/** The body lies between `start` and `end`; the bytes may be reused after the call. */
export type OnFrame = (buffer: Buffer, start: number, end: number) => void

/** Splits a stream that arrives in pieces of any size into whole frames. */
export class FrameDecoder {
  readonly #frameBytesMax: number
  readonly #onFrame: OnFrame
  /** The beginning of an incomplete frame; only bytes actually received are allocated. */
  #pieces: Buffer[] = []
  #pieceBytes = 0
  /** Bytes needed to complete the current frame, or its length field while that is incomplete. */
  #needed = lengthBytes
  #stopped = false

  constructor(frameBytesMax: number, onFrame: OnFrame) {
    this.#frameBytesMax = frameBytesMax
    this.#onFrame = onFrame
  }

  /** Whether a frame has begun and not ended. */
  get midFrame(): boolean {
    return this.#pieceBytes > 0
  }

  /** Drops the buffered bytes and emits no more frames, not even from the current chunk. */
  stop(): void {
    this.#stopped = true
    this.#pieces = []
    this.#pieceBytes = 0
  }

  /** @throws ProtocolError for a length over the limit, before anything is allocated for it */
  push(chunk: Buffer): void {
    if (this.#stopped) return
    let buffer = chunk
    if (this.#pieceBytes > 0) {
      this.#pieces.push(chunk)
      this.#pieceBytes += chunk.length
      if (this.#pieceBytes < this.#needed) return
      buffer = Buffer.concat(this.#pieces, this.#pieceBytes)
      this.#pieces = []
      this.#pieceBytes = 0
    }
    let at = 0
    this.#needed = lengthBytes
    while (buffer.length - at >= lengthBytes) {
      const length = buffer.readUInt32BE(at)
      if (length > this.#frameBytesMax) {
        const most = `at most ${this.#frameBytesMax} are allowed`
        throw new ProtocolError(`Cannot take a frame of ${length} bytes: ${most}`)
      }
      const end = at + lengthBytes + length
      if (end > buffer.length) {
        this.#needed = lengthBytes + length
        break
      }
      this.#onFrame(buffer, at + lengthBytes, end)
      if (this.#stopped) return
      at = end
    }
    if (at < buffer.length) {
      this.#pieces.push(at === 0 ? buffer : buffer.subarray(at))
      this.#pieceBytes = buffer.length - at
    }
  }
}
