// Storage for the names and values of znodes: pages of 1 MiB, divided into places of a few sizes.
//
// An object and a buffer per znode would cost 500 bytes and most of the garbage collector's time; a
// place costs only its bytes, and is named by one number. A freed place goes to the free list of its
// size, which runs through the places themselves; shared pages are kept. What is too large for a
// shared page gets its own page, which is released with it.
//
//   place ≥ 0    page: 14 bits | 8-byte unit in the page: 17 bits       16 GiB; then own pages
//   place < 0    ~place is the number of its own page
//
// Used by znode-table.ts and znode.ts alone.

const pageBytes = 1024 * 1024
const sharedBytesMax = 64 * 1024
const unitBytes = 8
const unitBits = 17
const unitMask = 2 ** unitBits - 1
const sharedPagesMax = 2 ** 14
/** The end of a free list: no shared place. */
const none = -1

/** Views of the same bytes; numbers are in the machine's byte order. */
export class Page {
  readonly bytes: Uint8Array
  /** for texts: other accesses of a Buffer are slower */
  readonly buffer: Buffer
  readonly doubles: Float64Array
  readonly ints: Int32Array

  constructor(size: number) {
    const buffer = new ArrayBuffer(size)
    this.bytes = new Uint8Array(buffer)
    this.buffer = Buffer.from(buffer)
    this.doubles = new Float64Array(buffer)
    this.ints = new Int32Array(buffer)
  }
}

/**
 * The size of the place for `bytes`: a multiple of 8, and above 64 at most an eighth too large.
 * So values whose length changes slightly stay in place, and freed places are reused.
 */
export function placeBytes(bytes: number): number {
  const step = bytes <= 64 ? unitBytes : 1 << (28 - Math.clz32(bytes - 1))
  return Math.ceil(bytes / step) * step
}

export class Slab {
  readonly #shared: Page[] = []
  readonly #own: (Page | undefined)[] = []
  readonly #freeOwn: number[] = []
  /** The first free place of each size; its first word names the next one. */
  readonly #free = new Map<number, number>()
  /** Bytes of the last shared page that were given out. */
  #used = pageBytes

  /** A place for `bytes`, with arbitrary contents. */
  allocate(bytes: number): number {
    const size = placeBytes(bytes)
    if (size > sharedBytesMax) return this.#allocateOwn(size)
    const freed = this.#free.get(size) ?? none
    if (freed !== none) {
      this.#free.set(size, this.page(freed).ints[this.offset(freed) / 4] as number)
      return freed
    }
    if (this.#used + size > pageBytes) {
      if (this.#shared.length === sharedPagesMax) return this.#allocateOwn(size)
      this.#shared.push(new Page(pageBytes))
      this.#used = 0
    }
    const place = ((this.#shared.length - 1) << unitBits) | (this.#used / unitBytes)
    this.#used += size
    return place
  }

  /** Takes back a place that was allocated for `bytes`. */
  free(place: number, bytes: number): void {
    if (place < 0) {
      this.#own[~place] = undefined
      this.#freeOwn.push(place)
      return
    }
    const size = placeBytes(bytes)
    this.page(place).ints[this.offset(place) / 4] = this.#free.get(size) ?? none
    this.#free.set(size, place)
  }

  page(place: number): Page {
    return (place < 0 ? this.#own[~place] : this.#shared[place >>> unitBits]) as Page
  }

  /** In bytes, from the start of the page; a multiple of 8. */
  offset(place: number): number {
    return place < 0 ? 0 : (place & unitMask) * unitBytes
  }

  #allocateOwn(size: number): number {
    const place = this.#freeOwn.pop() ?? ~this.#own.length
    this.#own[~place] = new Page(size)
    return place
  }
}
