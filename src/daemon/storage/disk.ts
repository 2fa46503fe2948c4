// The disk interface of storage.ts: directories of logs and databases of trees, side by side in the
// data directory. There are two implementations: real-disk.ts, and the simulator's, in memory,
// which can lose unsynced data.

import type { LogDirectory } from '../../log/segment-file.ts'
import type { Disk } from '../../world.ts'

/** The part of LevelDB that a tree needs. */
export interface TreeDatabase {
  batch(): TreeBatch
  /**
   * The current contents in key order, a few thousand entries at a time (tree-entries.ts); later writes
   * are not visible. It throws when the database is closed meanwhile.
   */
  pieces(): AsyncGenerator<Uint8Array>
  close(): Promise<void>
}

export interface TreeBatch {
  put(key: string, value: string): unknown
  del(key: string): unknown
  /** Atomic; durable when done if `sync`. */
  write(options: { readonly sync: boolean }): Promise<void>
}

export interface StorageDisk {
  readonly path: string
  /** Directories of trees and logs, in force or not. */
  list(): string[]
  /** Created if missing. */
  openTree(name: string): Promise<TreeDatabase>
  /** Makes a closed tree's files durable. */
  syncTree(name: string): void
  /** Created if missing. */
  openLog(name: string): LogDirectory
  /** Creates an empty one; its name, and all earlier ones, are then durable. */
  makeLog(name: string): void
  /** Does nothing if it does not exist. */
  remove(name: string): void
  /** Total size of the files in a directory. */
  sizeBytes(name: string): number
}

/** The whole data directory of a server. */
export interface ServerDisk extends Disk, StorageDisk {}
