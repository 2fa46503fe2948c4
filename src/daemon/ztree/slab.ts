// Storage for the values and numbers of znodes: pages of 1 MiB, divided into places of a few sizes.
//
// An object and a buffer per znode would cost 500 bytes and most of the garbage collector's time; a
// place costs only its bytes. A freed place goes to the free list of its size; shared pages are
// kept. A record too large for a shared page gets its own page, which is released with it. Only
// znode.ts and ztree.ts know of this.

const pageBytes = 1024 * 1024
const sharedBytesMax = 64 * 1024

/** Three views of the same bytes; numbers are in the machine's byte order. */
export class Page {
  readonly bytes: Uint8Array
  readonly doubles: Float64Array
  readonly ints: Int32Array

  constructor(size: number) {
    const buffer = new ArrayBuffer(size)
    this.bytes = new Uint8Array(buffer)
    this.doubles = new Float64Array(buffer)
    this.ints = new Int32Array(buffer)
  }
}

export interface Place {
  readonly page: Page
  /** in bytes, a multiple of 16 */
  readonly offset: number
}

/**
 * The size of the place for `bytes`: a multiple of 16, and above 128 at most an eighth too large.
 * So values whose length changes slightly stay in place, and freed places are reused.
 */
export function placeBytes(bytes: number): number {
  const step = bytes <= 128 ? 16 : 1 << (28 - Math.clz32(bytes - 1))
  return Math.ceil(bytes / step) * step
}

export class Slab {
  readonly #free = new Map<number, Place[]>()
  #page: Page | undefined = undefined
  #used = pageBytes

  /** A place for `bytes`, with arbitrary contents. */
  allocate(bytes: number): Place {
    const size = placeBytes(bytes)
    if (size > sharedBytesMax) return { page: new Page(size), offset: 0 }
    const freed = this.#free.get(size)?.pop()
    if (freed !== undefined) return freed
    if (this.#page === undefined || this.#used + size > pageBytes) {
      this.#page = new Page(pageBytes)
      this.#used = 0
    }
    const place = { page: this.#page, offset: this.#used }
    this.#used += size
    return place
  }

  /** Takes back a place that was allocated for `bytes`. */
  free(place: Place, bytes: number): void {
    const size = placeBytes(bytes)
    if (size > sharedBytesMax) return
    const places = this.#free.get(size)
    if (places === undefined) this.#free.set(size, [place])
    else places.push(place)
  }
}
