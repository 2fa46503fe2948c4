// The tree database of a simulated disk: its entries as in LevelDB, the batches on their way there,
// and what a power cut leaves.

import type { TreeDatabase } from '../../src/daemon/storage/disk.ts'
import { type Entry, encodeEntries } from '../../src/daemon/storage/tree-entries.ts'
import type { Random } from '../../src/random.ts'
import type { SimProcess } from './process.ts'

type Entries = readonly (readonly [key: string, value: string | undefined])[]

const entriesPerPiece = 2000

/** A tree's entries, as in LevelDB. */
export class SimTree {
  #written = new Map<string, string>()
  #durable = new Map<string, string>()
  /** written but not synced, oldest first */
  #unsynced: Entries[] = []
  /** batches on their way, oldest first */
  #underWay: (() => void)[] = []

  sync(): void {
    this.#durable = new Map(this.#written)
    this.#unsynced = []
  }

  processEnded(random: Random): void {
    const underWay = this.#underWay
    this.#underWay = []
    for (const apply of underWay) {
      if (random.chance(0.5)) return
      apply()
    }
  }

  /** Batches go into a file one after the other: some of the first may have reached the disk. */
  powerCut(random: Random): void {
    for (const changes of this.#unsynced) {
      if (random.chance(0.3)) break
      change(this.#durable, changes)
    }
    this.#unsynced = []
    this.#written = new Map(this.#durable)
  }

  flipBit(random: Random): string | undefined {
    const keys = [...this.#durable.keys()]
    if (keys.length === 0) return undefined
    const key = random.pick(keys)
    const value = Buffer.from(this.#durable.get(key) ?? '', 'latin1')
    const at = random.below(value.length)
    value[at] = (value[at] ?? 0) ^ (1 << random.below(8))
    this.#durable.set(key, value.toString('latin1'))
    this.#written = new Map(this.#durable)
    return key
  }

  openFor(
    process: SimProcess,
    disk: { readonly later: (run: () => void) => void; readonly fault: () => Error | null },
  ): TreeDatabase {
    return {
      batch: () => {
        const changes: [key: string, value: string | undefined][] = []
        return {
          put: (key, value) => changes.push([key, value]),
          del: (key) => changes.push([key, undefined]),
          write: ({ sync }) => {
            process.act(sync ? 'tree write' : 'SNAP write')
            return new Promise((resolve, reject) => {
              const apply = (): void => this.#apply(changes, sync)
              this.#underWay.push(apply)
              disk.later(() => {
                const at = this.#underWay.indexOf(apply)
                if (at < 0) return
                this.#underWay.splice(at, 1)
                const error = disk.fault()
                if (error !== null) return process.enter(() => reject(error))
                apply()
                process.enter(() => {
                  process.act(sync ? 'tree written' : 'SNAP written')
                  resolve()
                })
              })
            })
          },
        }
      },
      pieces: () => piecesOf([...this.#written].sort(([a], [b]) => (a < b ? -1 : 1))),
      close: async () => undefined,
    }
  }

  #apply(changes: Entries, sync: boolean): void {
    change(this.#written, changes)
    if (sync) this.sync()
    else this.#unsynced.push(changes)
  }
}

async function* piecesOf(entries: readonly Entry[]): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < entries.length; at += entriesPerPiece) {
    yield encodeEntries(entries.slice(at, at + entriesPerPiece))
  }
}

function change(entries: Map<string, string>, changes: Entries): void {
  for (const [key, value] of changes) {
    if (value === undefined) entries.delete(key)
    else entries.set(key, value)
  }
}
