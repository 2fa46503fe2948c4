// Where the replicas of a broker lie: a directory each below the broker's own, and the file
// descriptors that this takes.

import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import { join } from 'node:path'
import { type LogDirectory, openDiskDirectory } from '../log/segment-file.ts'

export interface ReplicaStorage {
  /** @throws what the file system throws */
  open(name: string): LogDirectory
  /**
   * Sets descriptors aside while replicas are opened, so that one too many is refused before the
   * broker has none left for its connections and for the next segments of its logs.
   */
  reserveDescriptors(count: number): DescriptorReserve
}

export interface DescriptorReserve {
  /** why there are fewer than asked for; then nothing should be opened */
  readonly shortage: Error | undefined
  release(): void
}

export function diskStorage(dataDir: string): ReplicaStorage {
  return { open: (name) => openDiskDirectory(join(dataDir, name)), reserveDescriptors }
}

function reserveDescriptors(count: number): DescriptorReserve {
  const held: number[] = []
  let shortage: Error | undefined
  try {
    while (held.length < count) held.push(openSync(devNull, 'r'))
  } catch (error) {
    shortage = error as Error
  }
  return {
    shortage,
    release: () => {
      for (const descriptor of held.splice(0)) closeSync(descriptor)
    },
  }
}
