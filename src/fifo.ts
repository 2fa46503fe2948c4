// First in, first out, in a ring: taking is cheap however long the queue is, and while it stays short
// nothing is allocated.

const lengthAtFirst = 8
/** A longer ring is let go once it is empty: one burst must not be paid for ever after. */
const lengthKept = 256

export class Fifo<T> {
  /** empty, or as long as a power of two */
  #ring: (T | undefined)[] = []
  #first = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The oldest. */
  get head(): T | undefined {
    return this.#ring[this.#first]
  }

  /** The newest. */
  get last(): T | undefined {
    return this.#length === 0 ? undefined : this.#ring[this.#at(this.#length - 1)]
  }

  push(item: T): void {
    if (this.#length === this.#ring.length) this.#grow()
    this.#ring[this.#at(this.#length)] = item
    this.#length++
  }

  /** Takes out the oldest. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#ring[this.#first]
    this.#ring[this.#first] = undefined
    this.#first = this.#at(1)
    this.#length--
    if (this.#length === 0 && this.#ring.length > lengthKept) this.clear()
    return item
  }

  /** Empties it. @returns what was in it, oldest first */
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
