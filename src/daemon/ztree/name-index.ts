// Finds a znode by its parent and its name: a hash table of ids, whose chains run through the
// records (znode-table.ts).
//
// It grows by linear hashing (Litwin, VLDB 1980): one znode more, one bucket more. The bucket at
// `split` is divided between itself and the new one, so growth never takes longer than one chain.
//
//   buckets    0 … split - 1 │ split … half - 1 │ half … half + split - 1
//   chosen by    log2(half) + 1 bits of the hash  for the divided ones, and one bit less for the others
//
// Used by znodes.ts.

import type { StoredName } from './stored-name.ts'
import { chainWord, hashWord, parentWord, placeWord, type ZnodeTable } from './znode-table.ts'

const chunkBits = 14
const chunkMask = 2 ** chunkBits - 1

export class NameIndex {
  readonly #table: ZnodeTable
  /** The first id of each bucket, 0 for none. */
  readonly #heads: Int32Array[] = [newHeads()]
  /** a power of two */
  #half = 1
  #split = 0
  #size = 0

  /** @param expected ids that it has room for before it grows */
  constructor(table: ZnodeTable, expected: number) {
    this.#table = table
    while (2 * this.#half <= expected) this.#half *= 2
    this.#split = Math.max(0, expected - this.#half)
    while (this.#heads.length << chunkBits < expected) this.#heads.push(newHeads())
  }

  get size(): number {
    return this.#size
  }

  /** @returns 0 if the parent has no such child */
  find(parent: number, hash: number, name: StoredName): number {
    const table = this.#table
    const bucket = this.#bucketOf(hash)
    let id = (this.#heads[bucket >>> chunkBits] as Int32Array)[bucket & chunkMask] as number
    while (id !== 0) {
      const { ints } = table.chunk(id)
      const at = table.at(id)
      if (
        ints[at + hashWord] === hash &&
        (ints[at + parentWord] as number) >>> 1 === parent &&
        table.hasName(ints[at + placeWord] as number, name)
      ) {
        return id
      }
      id = ints[at + chainWord] as number
    }
    return 0
  }

  /** An id whose name its parent does not have yet. */
  add(id: number, hash: number): void {
    this.#table.set(id, hashWord, hash)
    this.#push(this.#bucketOf(hash), id)
    this.#size++
    if (this.#size > this.#half + this.#split) this.#grow()
  }

  remove(id: number): void {
    const table = this.#table
    const bucket = this.#bucketOf(table.get(id, hashWord))
    const after = table.get(id, chainWord)
    this.#size--
    if (this.#head(bucket) === id) return this.#setHead(bucket, after)
    let before = this.#head(bucket)
    while (table.get(before, chainWord) !== id) before = table.get(before, chainWord)
    table.set(before, chainWord, after)
  }

  #grow(): void {
    const table = this.#table
    const from = this.#split++
    const to = this.#half + from
    if (to >>> chunkBits === this.#heads.length) this.#heads.push(newHeads())
    let id = this.#head(from)
    this.#setHead(from, 0)
    while (id !== 0) {
      const next = table.get(id, chainWord)
      this.#push((table.get(id, hashWord) & this.#half) === 0 ? from : to, id)
      id = next
    }
    if (this.#split < this.#half) return
    this.#half *= 2
    this.#split = 0
  }

  #bucketOf(hash: number): number {
    const bucket = hash & (this.#half - 1)
    return bucket < this.#split ? hash & (2 * this.#half - 1) : bucket
  }

  #push(bucket: number, id: number): void {
    this.#table.set(id, chainWord, this.#head(bucket))
    this.#setHead(bucket, id)
  }

  #head(bucket: number): number {
    return (this.#heads[bucket >>> chunkBits] as Int32Array)[bucket & chunkMask] as number
  }

  #setHead(bucket: number, id: number): void {
    const heads = this.#heads[bucket >>> chunkBits] as Int32Array
    heads[bucket & chunkMask] = id
  }
}

function newHeads(): Int32Array {
  return new Int32Array(2 ** chunkBits)
}
