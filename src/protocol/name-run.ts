// Names kept in the form in which both dialects list them, so that an answer with many of them
// costs neither encoding nor a copy: a parent with many children keeps its names in such runs
// (daemon/ztree/many-children.ts), and an answer inserts their bytes.
//
//   jute       int length, UTF-8          msgpack    str header of 1 to 5 bytes, UTF-8
//
// Bytes that were lent to an answer never change: a later name goes behind them, and what removes a
// name copies the rest. Next on the path: the dialects, zk/native.ts and compat/zookeeper-server.ts.

import { type ByteWriter, writeUtf8 } from './byte-writer.ts'
import { stringHeaderBytes, writeStringHeader } from './msgpack.ts'

const juteHeaderBytes = 4

/** Names of one parent, to be encoded before the next transaction is applied. */
export interface EncodedNames {
  readonly count: number
  /** of the list in jute, the longer form */
  readonly bytes: number
  readonly runs: readonly NameRun[]
}

export class NameRun {
  readonly #jute: LentBytes
  readonly #msgpack: LentBytes
  #count = 0

  /** @param capacity bytes that it has room for; it grows beyond */
  constructor(capacity = 512) {
    this.#jute = new LentBytes(capacity)
    this.#msgpack = new LentBytes(capacity)
  }

  get count(): number {
    return this.#count
  }

  /** Of the names in jute. */
  get bytes(): number {
    return this.#jute.length
  }

  /** A name that is not there yet. */
  add(name: string): void {
    const jute = this.#jute
    // Three bytes for each UTF-16 unit are the most that UTF-8 takes.
    const at = jute.reserve(juteHeaderBytes + 3 * name.length)
    const length = writeUtf8(jute.buffer, name, at + juteHeaderBytes)
    jute.buffer.writeUInt32BE(length, at)
    jute.length = at + juteHeaderBytes + length
    const packed = this.#msgpack
    const header = packed.reserve(stringHeaderBytes(length) + 3 * name.length)
    const start = writeStringHeader(packed.buffer, header, length)
    packed.length = start + writeUtf8(packed.buffer, name, start)
    this.#count++
  }

  /** @returns whether the name was there */
  remove(name: string): boolean {
    const wanted = Buffer.from(name, 'utf8')
    const { buffer, length: end } = this.#jute
    let packedAt = 0
    for (let at = 0; at < end; ) {
      const length = buffer.readUInt32BE(at)
      const packed = stringHeaderBytes(length) + length
      if (length === wanted.length && endsAlike(buffer, at + juteHeaderBytes, wanted)) {
        this.#jute.cut(at, juteHeaderBytes + length)
        this.#msgpack.cut(packedAt, packed)
        this.#count--
        return true
      }
      at += juteHeaderBytes + length
      packedAt += packed
    }
    return false
  }

  /** The names, decoded. */
  *names(): Generator<string> {
    const { buffer, length: end } = this.#jute
    for (let at = 0; at < end; ) {
      const start = at + juteHeaderBytes
      at = start + buffer.readUInt32BE(at)
      yield buffer.toString('utf8', start, at)
    }
  }

  insertJute(out: ByteWriter): void {
    if (this.#count > 0) out.insert(this.#jute.lend())
  }

  insertMsgpack(out: ByteWriter): void {
    if (this.#count > 0) out.insert(this.#msgpack.lend())
  }
}

/** From the end: the names of one parent often begin alike. */
function endsAlike(buffer: Buffer, start: number, wanted: Buffer): boolean {
  for (let i = wanted.length - 1; i >= 0; i--) {
    if (buffer[start + i] !== wanted[i]) return false
  }
  return true
}

/** Bytes that grow at the end; what was lent stays as it was. */
class LentBytes {
  buffer: Buffer
  length = 0
  /** the bytes before this may be on their way to a client */
  #lent = 0

  constructor(capacity: number) {
    this.buffer = Buffer.allocUnsafeSlow(capacity)
  }

  /** Makes room behind the bytes. @returns where */
  reserve(count: number): number {
    const needed = this.length + count
    if (needed > this.buffer.length) this.#move(Math.max(needed, 2 * this.buffer.length))
    return this.length
  }

  cut(at: number, count: number): void {
    if (at < this.#lent) this.#move(this.buffer.length)
    this.buffer.copyWithin(at, at + count, this.length)
    this.length -= count
  }

  lend(): Uint8Array {
    this.#lent = this.length
    return this.buffer.subarray(0, this.length)
  }

  #move(size: number): void {
    const moved = Buffer.allocUnsafeSlow(size)
    this.buffer.copy(moved, 0, 0, this.length)
    this.buffer = moved
    this.#lent = 0
  }
}
