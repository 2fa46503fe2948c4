// A program's data directory on a file system.

import { join } from 'node:path'
import { lockDataDir } from './data-dir-lock.ts'
import { openDiskDirectory } from './log/segment-file.ts'
import type { Disk } from './world.ts'

export function realDisk(path: string): Disk {
  return {
    path,
    lock: () => lockDataDir(path),
    openFiles: () => openDiskDirectory(path),
    openLog: (name) => openDiskDirectory(join(path, name)),
  }
}
