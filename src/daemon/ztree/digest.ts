// The digest of a tree: the sum of one hash per znode and per session, in two halves of 32 bits. A
// sum, so that a change costs only the hashes of the changed parts, and the order of changes does
// not matter. Servers that applied the same transactions have equal digests. It detects bugs and
// faulty memory; it is not a defence against an attacker.
//
// Hashes read numbers in this machine's byte order, little-endian on almost every platform of
// Node.js: an ensemble has one byte order.

/** Both unsigned. */
export interface Digest {
  readonly high: number
  readonly low: number
}

/** The two halves of a hash being computed. */
export class Hash {
  high = 0
  low = 0

  reset(): this {
    this.high = 0x9e3779b9 | 0
    this.low = 0x7f4a7c15
    return this
  }

  word(word: number): void {
    const high = Math.imul(this.high ^ word, 0x85ebca6b)
    const low = Math.imul(this.low ^ word, 0xc2b2ae35)
    this.high = (high << 13) | (high >>> 19)
    this.low = (low << 17) | (low >>> 15)
  }

  text(text: string): void {
    for (let i = 0; i < text.length; i++) this.word(text.charCodeAt(i))
    this.word(text.length)
  }

  /** `length` bytes from the word at `at` on. */
  words(words: Int32Array, at: number, length: number): void {
    const whole = length >>> 2
    for (let i = 0; i < whole; i++) this.word(words[at + i] as number)
    const rest = length & 3
    if (rest > 0) this.word((words[at + whole] as number) & ((1 << (8 * rest)) - 1))
  }

  /** Makes every input bit affect every output bit. */
  finish(): void {
    this.word(this.low)
    this.high ^= this.high >>> 16
    this.word(this.high)
    this.low ^= this.low >>> 16
  }
}

/** The sum of hashes. */
export class DigestSum implements Digest {
  high = 0
  low = 0

  add({ high, low }: Digest): void {
    this.high = (this.high + high) >>> 0
    this.low = (this.low + low) >>> 0
  }

  subtract({ high, low }: Digest): void {
    this.high = (this.high - high) >>> 0
    this.low = (this.low - low) >>> 0
  }
}

export function sameDigest(a: Digest, b: Digest): boolean {
  return a.high === b.high && a.low === b.low
}

/** The displayed form. */
export function formatDigest({ high, low }: Digest): string {
  return [high, low].map((half) => half.toString(16).padStart(8, '0')).join('')
}
