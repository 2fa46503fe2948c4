// The records of all znodes, numbered: the numbers of a stat, its place in the tree, and where its
// name and its value are. A znode keeps its id, from 1 up, until it is deleted; then the id is used
// again. An id is an index, not an object: a million znodes are some hundred objects on the heap.
//
//   word   0  f64 czxid | f64 ctime | f64 mzxid | f64 mtime | f64 pzxid | f64 ephemeralOwner |
//         12  i32 version | i32 createCount | i32 × 2: its part in the tree's digest |
//         16  i32 hash of the name under its parent | i32 id of the parent × 2 + 1 if uncommon |
//         18  i32 id: next of the name index | i32 place in the slab |
//         20  i32 × 3 ids: next and previous sibling, first child | i32 number of children
//
// The first 14 words are hashed for the digest as they are. A look-up reads the last 8, which share a
// line of the processor's cache, and the place:
//
//   i32 bytes of the value, -1 for none | i32 header of the name, and the name (stored-name.ts) |
//   value … | hash of a long value: i32 × 2
//
// all at whole words. An uncommon znode has fields in an object beside (uncommon.ts). A parent changes
// with each child that is created or deleted, and is rehashed each time; the hash of its value makes
// that cheap. Siblings form a ring in the order of their creation. Used by name-index.ts, znodes.ts
// and znode.ts.

import { invariant } from '../../invariant.ts'
import { Hash } from './digest.ts'
import { Page, placeBytes, Slab } from './slab.ts'
import { type StoredName, storedText, wordsFor } from './stored-name.ts'
import { commonFields, type Uncommon } from './uncommon.ts'

export const recordWords = 24

/** The words of a record. */
export const versionWord = 12
export const createCountWord = 13
export const digestWord = 14
export const hashWord = 16
export const parentWord = 17
export const chainWord = 18
export const placeWord = 19
const nextWord = 20
const previousWord = 21
const firstChildWord = 22
export const childCountWord = 23

/** Words of a place before the name. */
const placeHeaderWords = 2

/** Data up to this size is hashed with the numbers each time; a separate hash would cost memory. */
export const hashedDataBytesMax = 256

const chunkBits = 12
const chunkMask = 2 ** chunkBits - 1

export class ZnodeTable {
  readonly slab = new Slab()
  readonly #chunks: Page[] = []
  readonly #uncommon = new Map<number, Uncommon>()
  readonly #dataHash = new Hash()
  /** deleted records, linked by their chain words; 0 for none */
  #free = 0
  /** the lowest id that was never used */
  #unused = 1

  /** @returns the id of a record whose numbers are arbitrary, without siblings and children */
  allocate(name: StoredName, parent: number, data: Uint8Array | null): number {
    const { header, words } = name
    const place = this.slab.allocate(roomFor(header, lengthOf(data)))
    const { ints } = this.slab.page(place)
    const at = this.slab.offset(place) >>> 2
    ints[at + 1] = header
    const count = wordsFor(header >>> 1)
    for (let i = 0; i < count; i++) ints[at + placeHeaderWords + i] = words[i] as number
    this.#put(place, data)
    const id = this.#allocateId()
    const record = this.chunk(id).ints
    const first = this.at(id)
    record[first + digestWord] = 0
    record[first + digestWord + 1] = 0
    record[first + parentWord] = parent * 2
    record[first + placeWord] = place
    record[first + firstChildWord] = 0
    record[first + childCountWord] = 0
    return id
  }

  /** The znode is in no ring of siblings, and has no children. */
  free(id: number): void {
    const place = this.get(id, placeWord)
    const { ints } = this.slab.page(place)
    const at = this.slab.offset(place) >>> 2
    if (this.uncommonOf(id) !== undefined) this.#uncommon.delete(id)
    this.slab.free(place, roomFor(ints[at + 1] as number, ints[at] as number))
    this.set(id, chainWord, this.#free)
    this.#free = id
  }

  /** The views of the record of `id`, for as long as the table lives. */
  chunk(id: number): Page {
    return this.#chunks[id >>> chunkBits] as Page
  }

  /** The record of `id` in its chunk, in words. */
  at(id: number): number {
    return (id & chunkMask) * recordWords
  }

  get(id: number, word: number): number {
    return this.chunk(id).ints[this.at(id) + word] as number
  }

  set(id: number, word: number, value: number): void {
    this.chunk(id).ints[this.at(id) + word] = value
  }

  /** Of a znode whose record says that it has them. */
  uncommon(id: number): Uncommon {
    const uncommon = this.#uncommon.get(id)
    invariant(uncommon !== undefined, 'a marked record has its uncommon fields')
    return uncommon
  }

  uncommonOf(id: number): Uncommon | undefined {
    return (this.get(id, parentWord) & 1) === 1 ? this.uncommon(id) : undefined
  }

  makeUncommon(id: number): Uncommon {
    const known = this.uncommonOf(id)
    if (known !== undefined) return known
    const uncommon = commonFields()
    this.#uncommon.set(id, uncommon)
    this.set(id, parentWord, this.get(id, parentWord) | 1)
    return uncommon
  }

  name(id: number): string {
    const place = this.get(id, placeWord)
    const { buffer, ints } = this.slab.page(place)
    const offset = this.slab.offset(place)
    const header = ints[(offset >>> 2) + 1] as number
    const start = offset + 4 * placeHeaderWords
    return storedText(header, buffer, start)
  }

  /** Whether the znode at this place has the name. */
  hasName(place: number, { header, words }: StoredName): boolean {
    const { ints } = this.slab.page(place)
    const at = this.slab.offset(place) >>> 2
    if (ints[at + 1] !== header) return false
    const count = wordsFor(header >>> 1)
    for (let i = 0; i < count; i++) if (ints[at + placeHeaderWords + i] !== words[i]) return false
    return true
  }

  /** Copies `data`. @returns the place, which may be another one */
  setData(id: number, data: Uint8Array | null): number {
    const { slab } = this
    const place = this.get(id, placeWord)
    const { ints } = slab.page(place)
    const at = slab.offset(place) >>> 2
    const header = ints[at + 1] as number
    const before = placeBytes(roomFor(header, ints[at] as number))
    const after = placeBytes(roomFor(header, lengthOf(data)))
    let to = place
    if (after !== before) {
      to = slab.allocate(after)
      const head = ints.subarray(at, at + dataOffset(header))
      slab.page(to).ints.set(head, slab.offset(to) >>> 2)
      slab.free(place, before)
      this.set(id, placeWord, to)
    }
    this.#put(to, data)
    return to
  }

  /** Appends `id` to the ring of the parent's children. */
  link(parent: number, id: number): void {
    let first = this.get(parent, firstChildWord)
    if (first === 0) {
      first = id
      this.set(parent, firstChildWord, id)
      this.set(id, previousWord, id)
    }
    const last = this.get(first, previousWord)
    this.set(last, nextWord, id)
    this.set(id, previousWord, last)
    this.set(id, nextWord, first)
    this.set(first, previousWord, id)
    this.set(parent, childCountWord, this.get(parent, childCountWord) + 1)
  }

  unlink(parent: number, id: number): void {
    const next = this.get(id, nextWord)
    const previous = this.get(id, previousWord)
    this.set(previous, nextWord, next)
    this.set(next, previousWord, previous)
    const first = this.get(parent, firstChildWord)
    if (first === id) this.set(parent, firstChildWord, next === id ? 0 : next)
    this.set(parent, childCountWord, this.get(parent, childCountWord) - 1)
  }

  /** In the order of their creation, or, after a restart, of their names' bytes. */
  *children(parent: number): Generator<number> {
    const first = this.get(parent, firstChildWord)
    if (first === 0) return
    let id = first
    do {
      yield id
      id = this.get(id, nextWord)
    } while (id !== first)
  }

  #allocateId(): number {
    const freed = this.#free
    if (freed !== 0) {
      this.#free = this.get(freed, chainWord)
      return freed
    }
    const id = this.#unused++
    if (id >>> chunkBits === this.#chunks.length) {
      this.#chunks.push(new Page(4 * recordWords * 2 ** chunkBits))
    }
    return id
  }

  #put(place: number, data: Uint8Array | null): void {
    const { bytes, ints } = this.slab.page(place)
    const at = this.slab.offset(place) >>> 2
    const length = lengthOf(data)
    ints[at] = length
    if (data === null) return
    const dataAt = at + dataOffset(ints[at + 1] as number)
    bytes.set(data, 4 * dataAt)
    if (length <= hashedDataBytesMax) return
    const hash = this.#dataHash.reset()
    hash.words(ints, dataAt, length)
    hash.finish()
    ints[dataAt + wordsFor(length)] = hash.high
    ints[dataAt + wordsFor(length) + 1] = hash.low
  }
}

/** -1 for none */
function lengthOf(data: Uint8Array | null): number {
  return data === null ? -1 : data.length
}

/** Where the value is in a place, in words; `header` is that of the name. */
export function dataOffset(header: number): number {
  return placeHeaderWords + wordsFor(header >>> 1)
}

/** Bytes of a place. */
function roomFor(header: number, dataLength: number): number {
  const start = 4 * dataOffset(header)
  if (dataLength > hashedDataBytesMax) return start + 4 * wordsFor(dataLength) + 8
  return start + Math.max(dataLength, 0)
}
