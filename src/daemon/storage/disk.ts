// What storage.ts asks of a disk: directories of logs, and databases of trees, side by side in the data
// directory. Two exist: real-disk.ts, and the simulator's, in memory, which can lose what was not synced.

import type { LogDirectory } from '../../log/segment-file.ts'
import type { Disk } from '../../world.ts'

/** As much of LevelDB as a tree needs. */
export interface TreeDatabase {
  batch(): TreeBatch
  /** Of what is there now; what is written later it does not see. */
  iterator(options: { readonly highWaterMarkBytes: number }): {
    nextv(size: number): Promise<[string, string][]>
    close(): Promise<void>
  }
  close(): Promise<void>
}

export interface TreeBatch {
  put(key: string, value: string): unknown
  del(key: string): unknown
  /** All of it or nothing; durable when done if `sync`. */
  write(options: { readonly sync: boolean }): Promise<void>
}

export interface StorageDisk {
  readonly path: string
  /** Directories of trees and logs, in force or not. */
  list(): string[]
  /** Made if missing. */
  openTree(name: string): Promise<TreeDatabase>
  /** All that was written to a tree which is closed now. */
  syncTree(name: string): void
  /** Made if missing. */
  openLog(name: string): LogDirectory
  /** An empty one; its name, and all that were made before, are durable then. */
  makeLog(name: string): void
  /** Nothing happens if it is not there. */
  remove(name: string): void
  /** Of the files in a directory. */
  sizeBytes(name: string): number
}

/** The whole data directory of a server. */
export interface ServerDisk extends Disk, StorageDisk {}
