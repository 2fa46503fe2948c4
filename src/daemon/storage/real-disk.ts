// A server's data directory on the file system: logs in directories, trees in LevelDB.

import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Level } from 'level'
import { syncPath } from '../../make-directory.ts'
import { realDisk } from '../../real-disk.ts'
import type { ServerDisk, TreeDatabase } from './disk.ts'

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
  const db = new Level<string, string>(directory, {
    // Nothing is read after loading: a block cache would waste memory.
    cacheSize: 512 * 1024,
    // With LevelDB's own 4 MiB, a create takes an eighth more CPU time, for compaction.
    writeBufferSize: 16 * 1024 * 1024,
  })
  await db.open()
  return db
}

/** Files may appear and disappear meanwhile. */
function sizeOf(directory: string): number {
  let bytes = 0
  for (const name of readdirSync(directory)) {
    bytes += statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0
  }
  return bytes
}
