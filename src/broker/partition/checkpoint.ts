// The high watermarks of all replicas, written now and then. After a restart a replica serves what
// it knew to be committed before it has heard from a leader; being behind does no harm.
//
// One file, replaced as a whole: `{ "version": 1, "highWatermarks": { "<topic id>-<partition>": 120 } }`.

import type { DurableFile } from '../../durable-file.ts'

export class Checkpoint {
  readonly #file: DurableFile
  readonly #known: Map<string, number>
  #written = ''

  /** A file that cannot be read as one counts as none: it only ever saves time. */
  constructor(file: DurableFile) {
    this.#file = file
    this.#known = read(file)
  }

  /** 0 for what was never written. */
  get(name: string): number {
    return this.#known.get(name) ?? 0
  }

  /** Replaces all of it; does nothing if nothing changed. @throws what the file system throws */
  async write(highWatermarks: ReadonlyMap<string, number>): Promise<void> {
    const highWatermarksByName = Object.fromEntries(highWatermarks)
    const text = JSON.stringify({ version: 1, highWatermarks: highWatermarksByName })
    if (text === this.#written) return
    await this.#file.replaced(Buffer.from(text))
    this.#written = text
  }
}

function read(file: DurableFile): Map<string, number> {
  try {
    const found = JSON.parse(file.read()?.toString('utf8') ?? '{}') as { highWatermarks?: object }
    const entries = Object.entries(found.highWatermarks ?? {})
    return new Map(entries.filter(([, offset]) => Number.isSafeInteger(offset) && offset >= 0))
  } catch {
    return new Map()
  }
}
