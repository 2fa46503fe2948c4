// A server's data directory on the file system: logs in directories, trees in LevelDB.

import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { syncPath } from '../../make-directory.ts'
import { realDisk } from '../../real-disk.ts'
import type { ServerDisk, TreeDatabase } from './disk.ts'
import { openLevel, piecesOf } from './level.ts'
import { TreeReaderThreads } from './tree-reader-threads.ts'

/**
 * The size on the disk of a tree that a thread reads. It starts while nothing else can be done, which
 * costs more than it saves with 100 000 znodes, and saves half a second of three with a million.
 */
const threadBytesMin = 16 * 1024 * 1024

/**
 * @param dataDir created when it is locked
 * @param quoted the option that named it, as the user gave it
 */
export function realServerDisk(dataDir: string, quoted = dataDir): ServerDisk {
  return {
    // biome-ignore lint/plugin/noObjectSpread: once per server
    ...realDisk(dataDir, quoted),
    list: () => readdirSync(dataDir).filter((name) => /^(tree|log)(-\d+)?$/.test(name)),
    openTree: (name) => openTreeDatabase(join(dataDir, name)),
    syncTree: (name) => {
      const directory = join(dataDir, name)
      for (const file of readdirSync(directory)) syncPath(join(directory, file))
      syncPath(directory)
    },
    makeLog: (name) => {
      mkdirSync(join(dataDir, name))
      syncPath(dataDir)
    },
    remove: (name) => rmSync(join(dataDir, name), { recursive: true, force: true }),
    sizeBytes: (name) => sizeOf(join(dataDir, name)),
  }
}

/** @throws LevelDB's error */
export async function openTreeDatabase(directory: string): Promise<TreeDatabase> {
  const db = openLevel(directory)
  const threads = new TreeReaderThreads(directory)
  await db.open()
  return {
    batch: () => db.batch(),
    pieces: () => (sizeOf(directory) < threadBytesMin ? piecesOf(db) : threads.pieces()),
    close: async () => {
      await threads.close()
      await db.close()
    },
  }
}

/** Files may appear and disappear meanwhile. */
function sizeOf(directory: string): number {
  let bytes = 0
  for (const name of readdirSync(directory)) {
    bytes += statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0
  }
  return bytes
}
