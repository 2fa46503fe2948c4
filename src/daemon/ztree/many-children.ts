// The names of a parent's children where these are many: encoded for both dialects and kept up to
// date with each change, so that listing 500 000 costs as little as writing their bytes to a socket.
// The znodes themselves would have to be walked and their names encoded, which holds the event loop
// for 150 ms.
//
// The names are spread over runs of a few KiB by their hash: a change costs one run, and so little.
//
//   hash    0 ──────────┬──────────┬───────────────────┬──────────── 2^32
//   runs      names …   │ names …  │  names …          │  names …
//
// A run that grows too long is split in the middle of its range; a short one joins its neighbour.
// The hash is the same on every server. Used by znodes.ts alone.

import { invariant } from '../../invariant.ts'
import { type EncodedNames, NameRun } from '../../protocol/name-run.ts'

/** Shorter runs make changes cheaper, longer ones answers: each is a piece of a write. */
const runBytesMax = 8 * 1024
/** Below, a run joins its neighbour, if both stay well below the maximum together. */
const runBytesMin = runBytesMax / 4

const hashRange = 2 ** 32

/** Some of the names. */
export interface NamesPage {
  readonly names: EncodedNames
  /** where the next page begins; 0 after the last one */
  readonly next: number
}

export class ManyChildren {
  /** the lowest hash of each run, ascending from 0 */
  readonly #starts: number[] = [0]
  readonly #runs: NameRun[] = [new NameRun()]
  #size = 0
  #bytes = 0

  constructor(names: Iterable<string>) {
    for (const name of names) this.add(name)
  }

  get size(): number {
    return this.#size
  }

  /** A name that is not there yet. */
  add(name: string): void {
    const at = this.#runAt(hashOf(name))
    const run = this.#run(at)
    this.#bytes -= run.bytes
    run.add(name)
    this.#bytes += run.bytes
    this.#size++
    if (run.bytes > runBytesMax) this.#split(at, run)
  }

  delete(name: string): void {
    const at = this.#runAt(hashOf(name))
    const run = this.#run(at)
    this.#bytes -= run.bytes
    if (run.remove(name)) this.#size--
    this.#bytes += run.bytes
    if (run.bytes < runBytesMin) this.#maybeJoin(at)
  }

  /** Valid until the next change. */
  get names(): EncodedNames {
    return { count: this.#size, bytes: this.#bytes, runs: this.#runs }
  }

  /**
   * The names whose hashes are at least `from`, up to about `bytesMax`: valid until the next change.
   * Names of one hash are in one page, so that a page begins at the same names on every server.
   */
  page(from: number, bytesMax: number): NamesPage {
    let at = this.#runAt(from)
    const runs = [this.#startingAt(from, at++)]
    let bytes = 0
    let count = 0
    for (const run of runs) {
      bytes += run.bytes
      count += run.count
      if (bytes < bytesMax && at < this.#runs.length) runs.push(this.#run(at++))
    }
    return { names: { count, bytes, runs }, next: this.#starts[at] ?? 0 }
  }

  /** The run at `at` without the names below `from`. */
  #startingAt(from: number, at: number): NameRun {
    const run = this.#run(at)
    if (from <= (this.#starts[at] ?? 0)) return run
    const rest = new NameRun()
    for (const name of run.names()) if (hashOf(name) >= from) rest.add(name)
    return rest
  }

  /** The place of the run that a hash belongs to. */
  #runAt(hash: number): number {
    const starts = this.#starts
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((starts[middle] ?? 0) <= hash) low = middle
      else high = middle - 1
    }
    return low
  }

  #run(at: number): NameRun {
    const run = this.#runs[at]
    invariant(run !== undefined, 'every hash has a run')
    return run
  }

  /** A range of a single hash stays whole. */
  #split(at: number, run: NameRun): void {
    const start = this.#starts[at] ?? 0
    const end = this.#starts[at + 1] ?? hashRange
    if (end - start < 2) return
    const middle = start + Math.floor((end - start) / 2)
    const lower = new NameRun(runBytesMax)
    const upper = new NameRun(runBytesMax)
    for (const name of run.names()) {
      const half = hashOf(name) < middle ? lower : upper
      half.add(name)
    }
    this.#runs.splice(at, 1, lower, upper)
    this.#starts.splice(at + 1, 0, middle)
  }

  #maybeJoin(at: number): void {
    const lower = at + 1 < this.#runs.length ? at : at - 1
    if (lower < 0) return
    const [into, from] = [this.#run(lower), this.#run(lower + 1)]
    if (into.bytes + from.bytes > runBytesMax / 2) return
    for (const name of from.names()) into.add(name)
    this.#runs.splice(lower + 1, 1)
    this.#starts.splice(lower + 1, 1)
  }
}

/** From 0 to 2^32: FNV-1a, then the last steps of MurmurHash3. */
export function hashOf(name: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
