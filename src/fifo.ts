// A first-in, first-out queue in a ring: taking is cheap at any length, and a short queue allocates
// nothing.

const lengthAtFirst = 8
/** A longer ring is released once it is empty, so that one burst does not hold memory for ever. */
const lengthKept = 256

export class Fifo<T> {
  /** its length is zero or a power of two */
  #ring: (T | undefined)[] = []
  #first = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The oldest item. */
  get head(): T | undefined {
    return this.#ring[this.#first]
  }

  /** The newest item. */
  get last(): T | undefined {
    return this.#length === 0 ? undefined : this.#ring[this.#at(this.#length - 1)]
  }

  /** From the oldest to the newest; nothing is taken meanwhile. */
  *[Symbol.iterator](): Generator<T> {
    for (let i = 0; i < this.#length; i++) yield this.#ring[this.#at(i)] as T
  }

  push(item: T): void {
    if (this.#length === this.#ring.length) this.#grow()
    this.#ring[this.#at(this.#length)] = item
    this.#length++
  }

  /** Removes and returns the oldest item. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#ring[this.#first]
    this.#ring[this.#first] = undefined
    this.#first = this.#at(1)
    this.#length--
    if (this.#length === 0 && this.#ring.length > lengthKept) this.clear()
    return item
  }

  /** Empties the queue. @returns its items, oldest first */
  takeAll(): T[] {
    const items = this.#inOrder().slice(0, this.#length) as T[]
    this.clear()
    return items
  }

  clear(): void {
    this.#ring = []
    this.#first = 0
    this.#length = 0
  }

  #at(index: number): number {
    return (this.#first + index) & (this.#ring.length - 1)
  }

  #grow(): void {
    const ring = this.#inOrder()
    const length = Math.max(lengthAtFirst, 2 * this.#length)
    while (ring.length < length) ring.push(undefined)
    this.#ring = ring
    this.#first = 0
  }

  #inOrder(): (T | undefined)[] {
    return this.#ring.slice(this.#first).concat(this.#ring.slice(0, this.#first))
  }
}
