// A broker's data directory: whose it is, of which cluster, and which directory: its identity is random
// and made with it. It is refused for another broker or another cluster, since the logs in it would be
// taken for what they are not.
//
//   lock                        while a process uses it
//   broker.json                 { "version": 2, "brokerId": 1, "clusterId": "…", "directoryId": "…" }
//   mark.json                   { "version": 1, "life": 4294967301, "counter": 7 }   cluster/identity.ts
//   checkpoints.json            partition/checkpoint.ts
//   <topic id>-<partition>/     partition/partition-directory.ts
//
// Version 1, of release 0.1.0, named partitions by topic; it is refused, not taken for an empty one.

import { DurableFile } from '../durable-file.ts'
import { objectOf } from '../json.ts'
import type { LogDirectory } from '../log/segment-file.ts'
import type { BrokerId, DirectoryId } from '../protocol/mq/messages.ts'
import { RefusedStartError } from '../refused-start.ts'
import type { Disk } from '../world.ts'
import { decodeMark, encodeMark, type Mark, noMark } from './cluster/identity.ts'

const formatVersion = 2

/** This directory cannot be used, by this broker or in this cluster. */
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
   * @param makeId for directory ids: must not make one twice
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

  /** how it is named in messages */
  get path(): string {
    return this.disk.path
  }

  /** What it belongs to; undefined for a new one. */
  get clusterId(): string | undefined {
    return this.#owned?.clusterId
  }

  /** undefined for a new one. */
  get directoryId(): DirectoryId | undefined {
    return this.#owned?.directoryId
  }

  /** How far it has come; nothing where that cannot be read. */
  get mark(): Mark {
    return this.#mark
  }

  /** Makes it belong to this cluster, if it belongs to none. @throws DataDirError */
  async claim(clusterId: string): Promise<void> {
    const before = this.clusterId
    if (before === clusterId) return
    if (before !== undefined) {
      const found = `it belongs to cluster ${before}, and this is ${clusterId}`
      throw new DataDirError(`Cannot use data directory ${this.path}: ${found}`)
    }
    await this.#own({ clusterId, directoryId: this.#newId() })
  }

  /** Makes it another directory, with the same logs in it: what it promised it promises no more. */
  async takeNewIdentity(): Promise<void> {
    const { clusterId } = this.#owned ?? {}
    if (clusterId !== undefined) await this.#own({ clusterId, directoryId: this.#newId() })
  }

  async raise(mark: Mark): Promise<void> {
    await this.#markFile.replaced(Buffer.from(`${encodeMark(mark)}\n`))
    this.#mark = mark
  }

  /** Gives it back when what is being written to its small files is there. */
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
