// A whole server in this process, on the real network and a real disk, as `zooweeperd` with these
// flags.

import { type ConfigOrText, readConfig } from '../../src/daemon/config.ts'
import { assembleServer, type Server } from '../../src/daemon/server.ts'
import { realServerDisk } from '../../src/daemon/storage/real-disk.ts'
import { silentLogger } from '../../src/logger.ts'
import { realWorld } from '../../src/real-world.ts'

/** Not started. */
export function realServer(flags: readonly string[]): Server {
  return serverOf(readConfig(flags, {}))
}

/** Not started. */
export function serverOf(read: ConfigOrText): Server {
  if (read.type !== 'config') throw new Error(read.text)
  const { config } = read
  const world = {
    ...realWorld(),
    logger: silentLogger,
    disk: realServerDisk(config.dataDir, config.origins.dataDir),
  }
  return assembleServer({ config, world, onFailure })
}

function onFailure(error: Error): void {
  throw error
}
