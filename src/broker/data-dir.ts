// A broker's data directory. It names its broker, its cluster and its own identity, which is random
// and made with it. It is refused for another broker or another cluster, as its logs would be taken
// for those of other partitions.
//
//   lock                        while a process uses it
//   broker.json                 { "version": 2, "brokerId": 1, "clusterId": …, "directoryId": … }
//   mark.json                   { "version": 1, "life": 42949, "counter": 7 }: cluster/identity.ts
//   checkpoints.json            partition/checkpoint.ts
//   <topic id>-<partition>/     partition/partition-directory.ts
//
// Version 1, of release 0.1.0, named partitions by topic; it is refused, not treated as empty.

import { DurableFile } from '../durable-file.ts'
import { objectOf } from '../json.ts'
import type { LogDirectory } from '../log/segment-file.ts'
import type { BrokerId, DirectoryId } from '../protocol/mq/messages.ts'
import { RefusedStartError } from '../refused-start.ts'
import type { Disk } from '../world.ts'
import { decodeMark, encodeMark, type Mark, noMark } from './cluster/identity.ts'

const formatVersion = 2

/** This broker cannot use the directory, or not in this cluster. */
export class DataDirError extends RefusedStartError {
  override readonly name = 'DataDirError'
}

interface Owner {
  readonly clusterId: string
  readonly directoryId: DirectoryId
}

export class DataDir {
  readonly disk: Disk
  /** checkpoints.json */
  readonly checkpoints: DurableFile
  readonly #brokerId: BrokerId
  readonly #makeId: () => string
  readonly #unlock: () => void
  readonly #files: LogDirectory
  readonly #owner: DurableFile
  readonly #markFile: DurableFile
  #owned: Owner | undefined
  #mark: Mark

  /**
   * @param makeId makes directory ids, each a different one
   * @throws DataDirLockedError, DataDirError, RefusedStartError, or what the file system throws
   */
  constructor(disk: Disk, brokerId: BrokerId, makeId: () => string) {
    this.disk = disk
    this.#brokerId = brokerId
    this.#makeId = makeId
    this.#unlock = disk.lock()
    let files: LogDirectory | undefined
    try {
      files = disk.openFiles()
      this.#files = files
      this.#owner = new DurableFile(files, 'broker.json')
      this.#markFile = new DurableFile(files, 'mark.json')
      this.checkpoints = new DurableFile(files, 'checkpoints.json')
      this.#owned = this.#readOwner()
      this.#mark = decodeMark(this.#markFile.read()) ?? noMark
    } catch (error) {
      files?.close()
      this.#unlock()
      throw error
    }
  }

  /** its name in messages */
  get path(): string {
    return this.disk.path
  }

  /** The cluster that it belongs to; undefined for a new directory. */
  get clusterId(): string | undefined {
    return this.#owned?.clusterId
  }

  /** undefined for a new directory */
  get directoryId(): DirectoryId | undefined {
    return this.#owned?.directoryId
  }

  /** The lowest mark if its file is missing or unreadable. */
  get mark(): Mark {
    return this.#mark
  }

  /** Assigns the directory to this cluster if it belongs to none. @throws DataDirError */
  async claim(clusterId: string): Promise<void> {
    const before = this.clusterId
    if (before === clusterId) return
    if (before !== undefined) {
      const found = `it belongs to cluster ${before}, and this is ${clusterId}`
      throw new DataDirError(`Cannot use data directory ${this.path}: ${found}`)
    }
    await this.#own({ clusterId, directoryId: this.#newId() })
  }

  /** Gives the directory a new identity: its logs stay, but no ISR names them any more. */
  async takeNewIdentity(): Promise<void> {
    const { clusterId } = this.#owned ?? {}
    if (clusterId !== undefined) await this.#own({ clusterId, directoryId: this.#newId() })
  }

  async raise(mark: Mark): Promise<void> {
    await this.#markFile.replaced(Buffer.from(`${encodeMark(mark)}\n`))
    this.#mark = mark
  }

  /** Releases the directory once the writes to its small files have finished. */
  async release(): Promise<void> {
    for (const file of [this.#owner, this.#markFile, this.checkpoints]) await file.settled()
    this.#files.close()
    this.#unlock()
  }

  #newId(): DirectoryId {
    return this.#makeId() as DirectoryId
  }

  async #own(owned: Owner): Promise<void> {
    const text = JSON.stringify({ version: formatVersion, brokerId: this.#brokerId, ...owned })
    await this.#owner.replaced(Buffer.from(`${text}\n`))
    this.#owned = owned
  }

  #readOwner(): Owner | undefined {
    const refuse = (found: string): never => {
      throw new DataDirError(`Cannot use data directory ${this.path}: ${found}`)
    }
    const bytes = this.#owner.read()
    if (bytes === undefined) return undefined
    const { version, brokerId, clusterId, directoryId } = objectOf(bytes)
    if (version === undefined) return refuse('its broker.json is damaged')
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
    if (typeof clusterId !== 'string' || typeof directoryId !== 'string') {
      return refuse('its broker.json is damaged')
    }
    return { clusterId, directoryId: directoryId as DirectoryId }
  }
}
