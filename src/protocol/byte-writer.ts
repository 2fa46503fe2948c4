// A growing buffer for outgoing frames. The body of a frame is written by MsgpackWriter, which
// extends this class, or field by field in big-endian order, as in jute and Kafka's protocol.

const counterRange = 2 ** 32

/** Strings up to this length are copied unit by unit while they are ASCII. */
const shortLength = 40

export class ByteWriter {
  protected buffer: Buffer
  #view: DataView
  #length = 0
  #frameStart = -1

  constructor(initialBytes = 4096) {
    this.buffer = Buffer.allocUnsafeSlow(initialBytes)
    this.#view = viewOf(this.buffer)
  }

  get length(): number {
    return this.#length
  }

  protected set length(length: number) {
    this.#length = length
  }

  /** A view of everything written; valid until the next write or `clear`. */
  view(): Buffer {
    return this.buffer.subarray(0, this.#length)
  }

  clear(): void {
    this.#length = 0
    this.#frameStart = -1
  }

  /** Leaves room for the frame's length. */
  beginFrame(): void {
    this.#frameStart = this.#length
    this.int32(0)
  }

  /** Fills in the length of the frame begun last. */
  endFrame(): void {
    this.patchInt32(this.#frameStart, this.#length - this.#frameStart - 4)
    this.#frameStart = -1
  }

  /** Removes everything since `beginFrame`. */
  abandonFrame(): void {
    this.#length = this.#frameStart
    this.#frameStart = -1
  }

  /** The low 8 bits. */
  int8(value: number): void {
    this.reserve(1)
    this.buffer[this.#length++] = value
  }

  /** The low 16 bits. */
  int16(value: number): void {
    this.reserve(2)
    this.#view.setInt16(this.#length, value)
    this.#length += 2
  }

  /** The low 32 bits. */
  int32(value: number): void {
    this.reserve(4)
    this.#view.setInt32(this.#length, value)
    this.#length += 4
  }

  /** A safe integer. */
  int64(value: number): void {
    this.reserve(8)
    const low = value >>> 0
    this.#view.setInt32(this.#length, (value - low) / counterRange)
    this.#view.setInt32(this.#length + 4, low)
    this.#length += 8
  }

  /** Overwrites an int32 written at `at`. */
  patchInt32(at: number, value: number): void {
    this.#view.setInt32(at, value)
  }

  /** The bytes as they are. */
  raw(value: Uint8Array): void {
    this.reserve(value.length)
    this.buffer.set(value, this.#length)
    this.#length += value.length
  }

  /** Text as UTF-8. @returns how many bytes it took */
  utf8(value: string): number {
    this.reserve(value.length * 3)
    const bytes = writeUtf8(this.buffer, value, this.#length)
    this.#length += bytes
    return bytes
  }

  /** Makes room for `count` more bytes. */
  protected reserve(count: number): void {
    const needed = this.#length + count
    if (needed <= this.buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2))
    this.buffer.copy(grown, 0, 0, this.#length)
    this.buffer = grown
    this.#view = viewOf(grown)
  }
}

/**
 * Writes text at `at`, where it must fit. @returns how many bytes it took
 *
 * Most of our strings are short ASCII: a loop copies them faster than a call of Buffer's method.
 */
export function writeUtf8(buffer: Buffer, value: string, at: number): number {
  const { length } = value
  if (length > shortLength) return buffer.write(value, at, length * 3, 'utf8')
  for (let i = 0; i < length; i++) {
    const unit = value.charCodeAt(i)
    if (unit >= 0x80) return buffer.write(value, at, length * 3, 'utf8')
    buffer[at + i] = unit
  }
  return length
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}
