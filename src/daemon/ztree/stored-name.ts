// A znode's name in the form in which its record keeps it (znode-table.ts), made from a path: the
// znodes on the way to a path are compared with it word by word.
//
//   header   bytes × 2 + 1 if UTF-16
//   words    Latin-1, or UTF-16 if it has other characters; 0 up to the end of the last word
//
// Used by znodes.ts; one at a time.

const slash = 0x2f

export class StoredName {
  words = new Int32Array(64)
  header = 0
  hash = 0

  /** An int32. */
  hashUnder(parent: number): number {
    return finished(this.hash ^ Math.imul(parent, 0x9e3779b1))
  }

  /** Reads the name that begins at `start`. @returns where it ends */
  read(path: string, start: number): number {
    const words = this.words
    const { length } = path
    let hash = 0
    let word = 0
    let shift = 0
    let count = 0
    let highest = 0
    let at = start
    for (; at < length; at++) {
      const unit = path.charCodeAt(at)
      if (unit === slash) break
      highest |= unit
      word |= unit << shift
      shift += 8
      if (shift < 32) continue
      words[count++] = word
      hash = mixed(hash, word)
      word = shift = 0
    }
    if (highest > 0xff || count >= words.length) return this.#readAny(path, start, at)
    if (shift > 0) {
      words[count] = word
      hash = mixed(hash, word)
    }
    this.header = (at - start) * 2
    this.hash = hash
    return at
  }

  /** Reads a name that is long, or not in Latin-1. */
  #readAny(path: string, start: number, end: number): number {
    const name = path.slice(start, end)
    const isLatin1 = !/[\u0100-\uffff]/.test(name)
    const bytes = Buffer.from(name, isLatin1 ? 'latin1' : 'utf16le')
    const count = wordsFor(bytes.length)
    if (count >= this.words.length) this.words = new Int32Array(2 * count)
    let hash = 0
    for (let i = 0; i < count; i++) {
      let word = 0
      for (let j = 0; j < 4; j++) word |= (bytes[4 * i + j] ?? 0) << (8 * j)
      this.words[i] = word
      hash = mixed(hash, word)
    }
    this.header = bytes.length * 2 + (isLatin1 ? 0 : 1)
    this.hash = hash
    return end
  }
}

/** The name of that header, whose words are at `start` in `buffer`. */
export function storedText(header: number, buffer: Buffer, start: number): string {
  return buffer.toString((header & 1) === 0 ? 'latin1' : 'utf16le', start, start + (header >>> 1))
}

export function wordsFor(bytes: number): number {
  return (bytes + 3) >>> 2
}

function mixed(hash: number, word: number): number {
  const mixing = Math.imul(hash ^ word, 0x85ebca6b)
  return (mixing << 13) | (mixing >>> 19)
}

/** The last steps of MurmurHash3. */
function finished(hash: number): number {
  let mixing = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  mixing = Math.imul(mixing ^ (mixing >>> 13), 0xc2b2ae35)
  return mixing ^ (mixing >>> 16)
}
