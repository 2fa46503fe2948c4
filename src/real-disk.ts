// A program's data directory on the file system.

import { closeSync, openSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { devNull } from 'node:os'
import { join } from 'node:path'
import { openDataDir } from './data-dir-option.ts'
import { openDiskDirectory } from './log/segment-file.ts'
import type { DescriptorReserve, Disk } from './world.ts'

/** @param quoted the option that named it, as the user gave it */
export function realDisk(path: string, quoted = path): Disk {
  return {
    path,
    lock: () => openDataDir(path, quoted),
    openFiles: () => openDiskDirectory(path),
    openLog: (name) => openDiskDirectory(join(path, name)),
    removeLog: async (name) => {
      await rm(join(path, name), { recursive: true, force: true })
      await syncDirectory(path)
    },
    reserve: holdDescriptors,
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function holdDescriptors(): DescriptorReserve {
  const held: number[] = []
  return {
    hold: (count) => {
      for (let i = 0; i < count; i++) held.push(openSync(devNull, 'r'))
    },
    release: () => {
      for (const descriptor of held.splice(0)) closeSync(descriptor)
    },
  }
}
