// Which zxids a server's log holds, without the bytes. An epoch's zxids have no gaps, so the first
// and last counter of each epoch describe the log completely.
//
//   base        everything up to it lies in the tree, not in the log
//   epochs      [{ epoch: 3, first: 1, last: 12 }, { epoch: 5, first: 1, last: 2 }]
//
// `base` is the zxid of the last transaction before the first record, 0 for a log that was never
// purged. It rises when the log is purged.

import { invariant } from '../../invariant.ts'
import { type Entries, lastOf } from '../../protocol/peer/entries.ts'
import { counterOf, epochOf, follows, makeZxid, type Zxid } from '../../protocol/zxid.ts'

export interface EpochRange {
  readonly epoch: number
  readonly firstCounter: number
  readonly lastCounter: number
}

export class History {
  #base: Zxid
  #epochs: EpochRange[]

  /** Drops the parts of `epochs` up to `base`: a purge may have been interrupted. */
  constructor(base: Zxid, epochs: readonly EpochRange[]) {
    this.#base = base
    this.#epochs = epochs.flatMap((range) => rangeAfter(base, range))
  }

  get base(): Zxid {
    return this.#base
  }

  get last(): Zxid {
    const range = this.#epochs.at(-1)
    return range === undefined ? this.base : endOf(range)
  }

  /** Epoch of the oldest known transaction, which may be `base` itself; 0 if there is none. */
  get firstEpoch(): number {
    return epochOf(this.#base) || (this.#epochs[0]?.epoch ?? 0)
  }

  /** Whether `entries` may come next. */
  accepts(entries: Entries): boolean {
    return entries.count > 0 && follows(this.last, entries.first)
  }

  append(entries: Entries): void {
    invariant(this.accepts(entries), 'a history has no gaps')
    const epoch = epochOf(entries.first)
    const lastCounter = counterOf(lastOf(entries))
    const range = this.#epochs.at(-1)
    if (range?.epoch === epoch) this.#epochs.pop()
    const firstCounter = range?.epoch === epoch ? range.firstCounter : counterOf(entries.first)
    this.#epochs.push({ epoch, firstCounter, lastCounter })
  }

  truncateAfter(zxid: Zxid): void {
    invariant(this.contains(zxid), 'a history is cut after a transaction it holds')
    this.#epochs = this.#epochs.flatMap((range) => {
      if (endOf(range) <= zxid) return [range]
      if (startOf(range) > zxid) return []
      const { epoch, firstCounter } = range
      return [{ epoch, firstCounter, lastCounter: counterOf(zxid) }]
    })
  }

  /** Forgets everything up to `zxid`, which it holds. */
  purgeUpTo(zxid: Zxid): void {
    invariant(this.contains(zxid), 'a history is purged up to a transaction it holds')
    this.#base = zxid
    this.#epochs = this.#epochs.flatMap((range) => rangeAfter(zxid, range))
  }

  /** Restarts empty, after a tree that reflects everything up to `zxid`. */
  restartAfter(zxid: Zxid): void {
    this.#base = zxid
    this.#epochs = []
  }

  /** True also for `base`. */
  contains(zxid: Zxid): boolean {
    return this.floor(zxid) === zxid
  }

  /** The largest zxid held that is not above `zxid`; undefined if `zxid` lies before `base`. */
  floor(zxid: Zxid): Zxid | undefined {
    if (zxid < this.base) return undefined
    let floor = this.base
    for (const range of this.#epochs) {
      if (startOf(range) > zxid) break
      const end = endOf(range)
      floor = end < zxid ? end : zxid
    }
    return floor
  }
}

/** The part of `range` after `zxid`. */
function rangeAfter(zxid: Zxid, range: EpochRange): EpochRange[] {
  if (startOf(range) > zxid) return [range]
  if (endOf(range) <= zxid) return []
  const { epoch, lastCounter } = range
  return [{ epoch, firstCounter: counterOf(zxid) + 1, lastCounter }]
}

function startOf(range: EpochRange): Zxid {
  return makeZxid({ epoch: range.epoch, counter: range.firstCounter })
}

function endOf(range: EpochRange): Zxid {
  return makeZxid({ epoch: range.epoch, counter: range.lastCounter })
}
