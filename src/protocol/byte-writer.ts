// A growing buffer for outgoing frames. The body of a frame is written by MsgpackWriter, which
// extends this class, or field by field in big-endian order, as in jute and Kafka's protocol.

const counterRange = 2 ** 32

interface Insertion {
  /** in what is written, before which it goes */
  readonly at: number
  readonly bytes: Uint8Array
}

/** Strings up to this length are copied unit by unit while they are ASCII. */
const shortLength = 40

export class ByteWriter {
  protected buffer: Buffer
  /** the same memory: a DataView writes numbers faster than the methods of Buffer */
  protected numbers: DataView
  #length = 0
  #frameStart = -1
  #insertions: Insertion[] = []
  #insertedBytes = 0
  /** `#insertedBytes` when the frame began */
  #insertedBefore = 0

  constructor(initialBytes = 4096) {
    this.buffer = Buffer.allocUnsafeSlow(initialBytes)
    this.numbers = viewOf(this.buffer)
  }

  get length(): number {
    return this.#length
  }

  protected set length(length: number) {
    this.#length = length
  }

  /** Bytes of memory. */
  get capacity(): number {
    return this.buffer.length
  }

  /** Everything written and inserted. */
  get totalBytes(): number {
    return this.#length + this.#insertedBytes
  }

  get hasInsertions(): boolean {
    return this.#insertions.length > 0
  }

  /** Everything in one piece: a view, valid until the next write or `clear`, unless bytes are inserted. */
  view(): Buffer {
    if (!this.hasInsertions) return this.buffer.subarray(0, this.#length)
    const pieces: Uint8Array[] = []
    this.forEachPiece((piece) => pieces.push(piece))
    return Buffer.concat(pieces, this.totalBytes)
  }

  /** Everything in order: views of what was written, valid until the next write, and what was inserted. */
  forEachPiece(visit: (piece: Uint8Array, isInserted: boolean) => void): void {
    let from = 0
    for (const { at, bytes } of this.#insertions) {
      if (at > from) visit(this.buffer.subarray(from, at), false)
      visit(bytes, true)
      from = at
    }
    if (this.#length > from) visit(this.buffer.subarray(from, this.#length), false)
  }

  clear(): void {
    this.#length = 0
    this.#frameStart = -1
    if (this.#insertions.length > 0) this.#insertions = []
    this.#insertedBytes = this.#insertedBefore = 0
  }

  /** Bytes that come next, without a copy: they must not change until everything has been sent. */
  insert(bytes: Uint8Array): void {
    this.#insertions.push({ at: this.#length, bytes })
    this.#insertedBytes += bytes.length
  }

  /** Leaves room for the frame's length. */
  beginFrame(): void {
    this.#frameStart = this.#length
    this.#insertedBefore = this.#insertedBytes
    this.int32(0)
  }

  /** Fills in the length of the frame begun last. */
  endFrame(): void {
    const inserted = this.#insertedBytes - this.#insertedBefore
    this.patchInt32(this.#frameStart, this.#length - this.#frameStart - 4 + inserted)
    this.#frameStart = -1
  }

  /** Removes everything since `beginFrame`. */
  abandonFrame(): void {
    while ((this.#insertions.at(-1)?.at ?? -1) > this.#frameStart) this.#insertions.pop()
    this.#insertedBytes = this.#insertedBefore
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
    this.numbers.setInt16(this.#length, value)
    this.#length += 2
  }

  /** The low 32 bits. */
  int32(value: number): void {
    this.reserve(4)
    this.numbers.setInt32(this.#length, value)
    this.#length += 4
  }

  /** A safe integer. */
  int64(value: number): void {
    this.reserve(8)
    const low = value >>> 0
    this.numbers.setInt32(this.#length, (value - low) / counterRange)
    this.numbers.setInt32(this.#length + 4, low)
    this.#length += 8
  }

  /** Overwrites an int32 written at `at`. */
  patchInt32(at: number, value: number): void {
    this.numbers.setInt32(at, value)
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
    this.numbers = viewOf(grown)
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
