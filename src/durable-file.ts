// A small file that is replaced as a whole or not at all: the new file is written aside, fsynced,
// and renamed over the old one, and the directory is fsynced. A crash leaves the old or the new
// file, so damage to the file has another cause.

import type { Done, LogDirectory, SegmentFile } from './log/segment-file.ts'

/** The name under which a new file is written before it replaces the old one. */
const asideOf = (name: string): string => `${name}.new`

/**
 * Replaces a small file at once, for a caller that syncs the directory afterwards: the content is
 * durable on return, and the name after the directory's next sync.
 *
 * @throws what the file system throws
 */
export function replaceFileNow(directory: LogDirectory, name: string, bytes: Uint8Array): void {
  const file = directory.create(asideOf(name))
  try {
    file.write(bytes, 0)
    file.syncNow()
  } finally {
    file.close()
  }
  directory.rename(asideOf(name), name)
}

export class DurableFile {
  readonly #directory: LogDirectory
  readonly #name: string
  readonly #waiting: { readonly bytes: Uint8Array; readonly done: Done }[] = []
  #isReplacing = false
  #whenSettled: (() => void)[] = []

  constructor(directory: LogDirectory, name: string) {
    this.#directory = directory
    this.#name = name
  }

  /** its name in messages */
  get path(): string {
    return `${this.#directory.path}/${this.#name}`
  }

  /**
   * The returned bytes survive a power cut: a killed process may have renamed the file without
   * fsyncing the directory, and after the caller has acted on the new file, the old one must not
   * return.
   *
   * @returns undefined if there is none
   * @throws what the file system throws
   */
  read(): Buffer | undefined {
    if (!this.#directory.list().includes(this.#name)) return undefined
    const file = this.#directory.open(this.#name)
    try {
      const bytes = Buffer.alloc(file.sizeBytes())
      const found = bytes.subarray(0, file.read(bytes, 0))
      this.#directory.syncNow()
      return found
    } finally {
      file.close()
    }
  }

  /**
   * Replacements run one at a time, in order.
   *
   * @param bytes must not change until done
   * @param done called when the new file survives a power cut
   */
  replace(bytes: Uint8Array, done: Done): void {
    this.#waiting.push({ bytes, done })
    this.#next()
  }

  /** The same as a promise. @throws what the file system throws */
  replaced(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.replace(bytes, (error) => (error === null ? resolve() : reject(error)))
    })
  }

  /** Resolves when no replacement is pending: only then may the directory be closed. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenSettled.push(resolve)
      this.#next()
    })
  }

  #next(): void {
    if (this.#isReplacing) return
    const next = this.#waiting.shift()
    if (next === undefined) {
      for (const resolve of this.#whenSettled.splice(0)) resolve()
      return
    }
    this.#isReplacing = true
    this.#write(next.bytes, (error) => {
      this.#isReplacing = false
      next.done(error)
      this.#next()
    })
  }

  #write(bytes: Uint8Array, done: Done): void {
    const directory = this.#directory
    const aside = asideOf(this.#name)
    let file: SegmentFile | undefined
    try {
      file = directory.create(aside)
      const made = file
      made.write(bytes, 0)
      made.sync((error) => {
        made.close()
        if (error === null) this.#rename(aside, done)
        else done(error)
      })
    } catch (error) {
      file?.close()
      done(error as Error)
    }
  }

  #rename(aside: string, done: Done): void {
    const directory = this.#directory
    try {
      directory.rename(aside, this.#name)
      directory.sync(done)
    } catch (error) {
      done(error as Error)
    }
  }
}
