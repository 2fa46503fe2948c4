// What storage.ts asks of a disk: directories of logs, and databases of trees, side by side in the data
// directory. The simulator has a disk of its own, in memory, which can lose what was not synced.

import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Level } from 'level'
import { type LogDirectory, openDiskDirectory } from '../../log/segment-file.ts'

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
}

/** The directories in `dataDir`. */
export function openStorageDisk(dataDir: string): StorageDisk {
  return {
    path: dataDir,
    list: () => readdirSync(dataDir).filter((name) => /^(tree|log)(-\d+)?$/.test(name)),
    openTree: (name) => openTreeDatabase(join(dataDir, name)),
    syncTree: (name) => {
      const directory = join(dataDir, name)
      for (const file of readdirSync(directory)) sync(join(directory, file))
      sync(directory)
    },
    openLog: (name) => openDiskDirectory(join(dataDir, name)),
    makeLog: (name) => {
      mkdirSync(join(dataDir, name))
      sync(dataDir)
    },
    remove: (name) => rmSync(join(dataDir, name), { recursive: true, force: true }),
  }
}

/** @throws what LevelDB finds wrong with it */
export async function openTreeDatabase(directory: string): Promise<TreeDatabase> {
  // Nothing is read after loading: a block cache would hold memory for nothing.
  const db = new Level<string, string>(directory, { cacheSize: 512 * 1024 })
  await db.open()
  return db
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
