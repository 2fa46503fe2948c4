// A broker's data directory in memory. A test decides which directories cannot be opened.

import type { LogDirectory } from '../../src/log/segment-file.ts'
import type { DescriptorReserve, Disk } from '../../src/world.ts'
import { MemoryDirectory, type MemoryDirectoryOptions } from '../log/memory-directory.ts'

export class MemoryDisk implements Disk {
  readonly path = 'memory'
  /** error codes, by directory name */
  readonly refused = new Map<string, string>()
  /** Returns an error for an operation that shall fail, in any directory. */
  fault: MemoryDirectoryOptions['fault']
  readonly #files: MemoryDirectory
  readonly #logs = new Map<string, MemoryDirectory>()

  constructor() {
    this.#files = this.#make('memory')
  }

  #make(path: string): MemoryDirectory {
    return new MemoryDirectory({ path, fault: (...asked) => this.fault?.(...asked) ?? null })
  }

  /** The directory with this name; created if missing. */
  log(name: string): MemoryDirectory {
    const found = this.#logs.get(name) ?? this.#make(`memory/${name}`)
    this.#logs.set(name, found)
    return found
  }

  get logNames(): readonly string[] {
    return [...this.#logs.keys()]
  }

  lock(): () => void {
    return () => undefined
  }

  openFiles(): LogDirectory {
    return this.#files
  }

  openLog(name: string): LogDirectory {
    const code = this.refused.get(name)
    if (code !== undefined) throw Object.assign(new Error(`${code}: cannot open`), { code })
    return this.log(name)
  }

  async removeLog(name: string): Promise<void> {
    this.#logs.delete(name)
  }

  reserve(): DescriptorReserve {
    return { hold: () => undefined, release: () => undefined }
  }
}
