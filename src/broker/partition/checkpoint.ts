// The high watermarks of all replicas, written now and then. After a restart a replica serves what
// it knew to be committed before it has heard from a leader; being behind does no harm.
//
// One file, replaced as a whole: `{ "version": 1, "highWatermarks": { "<topic id>-<partition>": 120 } }`.

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'

export class Checkpoint {
  readonly #path: string
  readonly #known: Map<string, number>
  #written = ''

  /** A file that cannot be read as one counts as none: it only ever saves time. */
  constructor(path: string) {
    this.#path = path
    this.#known = existsSync(path) ? read(path) : new Map()
  }

  /** 0 for what was never written. */
  get(name: string): number {
    return this.#known.get(name) ?? 0
  }

  /** Replaces all of it; does nothing if nothing changed. */
  write(highWatermarks: ReadonlyMap<string, number>): void {
    const highWatermarksByName = Object.fromEntries(highWatermarks)
    const text = JSON.stringify({ version: 1, highWatermarks: highWatermarksByName })
    if (text === this.#written) return
    const temporary = `${this.#path}.new`
    writeFileSync(temporary, text)
    renameSync(temporary, this.#path)
    this.#written = text
  }
}

function read(path: string): Map<string, number> {
  try {
    const found = JSON.parse(readFileSync(path, 'utf8')) as { highWatermarks?: object }
    const entries = Object.entries(found.highWatermarks ?? {})
    return new Map(entries.filter(([, offset]) => Number.isSafeInteger(offset) && offset >= 0))
  } catch {
    return new Map()
  }
}
