// First in, first out, in a ring: neither end moves what lies between, and a queue in steady use
// allocates nothing. One that a burst made large gives the memory back once it is empty.

/** A power of two, as every size of the ring. */
const sizeMin = 8
const keptSizeMax = 1024

export class Fifo<T> {
  #ring: (T | undefined)[] = []
  #first = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The oldest. */
  get head(): T | undefined {
    return this.#length === 0 ? undefined : this.#ring[this.#first]
  }

  push(item: T): void {
    if (this.#length === this.#ring.length) this.#grow()
    this.#ring[(this.#first + this.#length) & (this.#ring.length - 1)] = item
    this.#length++
  }

  /** Takes out the oldest. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#ring[this.#first]
    this.#ring[this.#first] = undefined
    this.#first = (this.#first + 1) & (this.#ring.length - 1)
    this.#length--
    if (this.#length === 0 && this.#ring.length > keptSizeMax) this.clear()
    return item
  }

  /** Empties it. @returns what was in it, oldest first */
  takeAll(): T[] {
    const items: T[] = []
    for (let item = this.shift(); item !== undefined; item = this.shift()) items.push(item)
    return items
  }

  clear(): void {
    this.#ring = []
    this.#first = 0
    this.#length = 0
  }

  #grow(): void {
    const ring = this.#ring.slice(this.#first).concat(this.#ring.slice(0, this.#first))
    const size = Math.max(sizeMin, ring.length * 2)
    while (ring.length < size) ring.push(undefined)
    this.#ring = ring
    this.#first = 0
  }
}
