// A broker's data directory: whose it is, and of which cluster. It is refused for another broker or
// another cluster, since the logs in it would be taken for what they are not.
//
//   lock                        while a process uses it
//   broker.json                 { "version": 2, "brokerId": 1, "clusterId": "…" }
//   high-watermarks.json        partition/checkpoint.ts
//   <topic id>-<partition>/     partition/partition-directory.ts
//
// Version 1, of release 0.1.0, named partitions by topic; it is refused, not taken for an empty one.

import { DurableFile } from '../durable-file.ts'
import type { LogDirectory } from '../log/segment-file.ts'
import type { BrokerId } from '../protocol/mq/messages.ts'
import { RefusedStartError } from '../refused-start.ts'
import type { Disk } from '../world.ts'

const formatVersion = 2

/** This directory cannot be used, by this broker or in this cluster. */
export class DataDirError extends RefusedStartError {
  override readonly name = 'DataDirError'
}

export class DataDir {
  readonly disk: Disk
  /** high-watermarks.json */
  readonly highWatermarks: DurableFile
  readonly #brokerId: BrokerId
  readonly #unlock: () => void
  readonly #files: LogDirectory
  readonly #identity: DurableFile
  #clusterId: string | undefined

  /** @throws DataDirLockedError, DataDirError, RefusedStartError, or what the file system throws */
  constructor(disk: Disk, brokerId: BrokerId) {
    this.disk = disk
    this.#brokerId = brokerId
    this.#unlock = disk.lock()
    let files: LogDirectory | undefined
    try {
      files = disk.openFiles()
      this.#files = files
      this.#identity = new DurableFile(files, 'broker.json')
      this.highWatermarks = new DurableFile(files, 'high-watermarks.json')
      this.#clusterId = this.#read()
    } catch (error) {
      files?.close()
      this.#unlock()
      throw error
    }
  }

  /** What it belongs to; undefined for a new one. */
  get clusterId(): string | undefined {
    return this.#clusterId
  }

  /** Makes it belong to this cluster, if it belongs to none. @throws DataDirError */
  async claim(clusterId: string): Promise<void> {
    if (this.#clusterId === clusterId) return
    if (this.#clusterId !== undefined) {
      const found = `it belongs to cluster ${this.#clusterId}, and this is ${clusterId}`
      throw new DataDirError(`Cannot use data directory ${this.disk.path}: ${found}`)
    }
    const text = JSON.stringify({ version: formatVersion, brokerId: this.#brokerId, clusterId })
    await this.#identity.replaced(Buffer.from(`${text}\n`))
    this.#clusterId = clusterId
  }

  /** Gives it back when what is being written to its small files is there. */
  async release(): Promise<void> {
    await this.#identity.settled()
    await this.highWatermarks.settled()
    this.#files.close()
    this.#unlock()
  }

  #read(): string | undefined {
    const refuse = (found: string): never => {
      throw new DataDirError(`Cannot use data directory ${this.disk.path}: ${found}`)
    }
    const text = this.#identity.read()?.toString('utf8')
    if (text === undefined) return undefined
    let found: { version?: unknown; brokerId?: unknown; clusterId?: unknown }
    try {
      found = JSON.parse(text) as typeof found
    } catch {
      return refuse('its broker.json is damaged')
    }
    const { version, brokerId, clusterId } = found
    if (version === 1) {
      return refuse(
        'it was written by release 0.1.0, whose format 1 this release does not read. ' +
          'Start this broker with another data directory, or that release with this one',
      )
    }
    if (version !== formatVersion) {
      return refuse(`its format has version ${String(version)}, and this release reads 2`)
    }
    if (brokerId !== this.#brokerId) {
      return refuse(`it belongs to broker ${String(brokerId)}, and this is ${this.#brokerId}`)
    }
    return typeof clusterId === 'string' ? clusterId : refuse('its broker.json is damaged')
  }
}
