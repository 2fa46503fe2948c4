// A broker's data directory: whose it is, and of which cluster. It is refused for another broker or
// another cluster, since the logs in it would be taken for what they are not.
//
//   lock                        while a process uses it
//   broker.json                 { "version": 2, "brokerId": 1, "clusterId": "…" }
//   high-watermarks.json        partition/checkpoint.ts
//   <topic id>-<partition>/     partition/partition-directory.ts
//
// Version 1, of release 0.1.0, named partitions by topic; it is refused, not taken for an empty one.

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { lockDataDir } from '../data-dir-lock.ts'
import type { BrokerId } from '../protocol/mq/messages.ts'

const formatVersion = 2

/** This directory cannot be used, by this broker or in this cluster. */
export class DataDirError extends Error {
  override readonly name = 'DataDirError'
}

export class DataDir {
  readonly path: string
  readonly #brokerId: BrokerId
  readonly #unlock: () => void
  #clusterId: string | undefined

  /** @throws DataDirLockedError, DataDirError, or what the file system throws */
  constructor(path: string, brokerId: BrokerId) {
    this.path = path
    this.#brokerId = brokerId
    this.#unlock = lockDataDir(path)
    try {
      this.#clusterId = this.#read()
    } catch (error) {
      this.#unlock()
      throw error
    }
  }

  /** What it belongs to; undefined for a new one. */
  get clusterId(): string | undefined {
    return this.#clusterId
  }

  /** Makes it belong to this cluster, if it belongs to none. @throws DataDirError */
  claim(clusterId: string): void {
    if (this.#clusterId === clusterId) return
    if (this.#clusterId !== undefined) {
      const found = `it belongs to cluster ${this.#clusterId}, and this is ${clusterId}`
      throw new DataDirError(`Cannot use data directory ${this.path}: ${found}`)
    }
    const text = JSON.stringify({ version: formatVersion, brokerId: this.#brokerId, clusterId })
    const file = join(this.path, 'broker.json')
    const temporary = openSync(`${file}.new`, 'w')
    writeSync(temporary, `${text}\n`)
    fsyncSync(temporary)
    closeSync(temporary)
    renameSync(`${file}.new`, file)
    const directory = openSync(this.path, 'r')
    fsyncSync(directory)
    closeSync(directory)
    this.#clusterId = clusterId
  }

  release(): void {
    this.#unlock()
  }

  #read(): string | undefined {
    const file = join(this.path, 'broker.json')
    const refuse = (found: string): never => {
      throw new DataDirError(`Cannot use data directory ${this.path}: ${found}`)
    }
    let text: string
    try {
      text = readFileSync(file, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
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
