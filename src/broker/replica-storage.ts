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
   * Holds descriptors while replicas are opened, so that one replica too many is refused before the
   * broker has none left for its connections and for the next segments of its logs.
   */
  reserve(): DescriptorReserve
}

export interface DescriptorReserve {
  /** @throws EMFILE when there are not as many */
  hold(count: number): void
  release(): void
}

export function diskStorage(dataDir: string): ReplicaStorage {
  return { open: (name) => openDiskDirectory(join(dataDir, name)), reserve: holdDescriptors }
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
