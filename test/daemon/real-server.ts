// A whole server in this process, on the real network and a real disk, as `zooweeperd` with these
// flags.

import { type AuditFile, openAuditFile } from '../../src/daemon/audit-file.ts'
import { type ConfigOrText, readConfig } from '../../src/daemon/config.ts'
import type { FileStore } from '../../src/daemon/dynamic-config.ts'
import { assembleServer, type Server } from '../../src/daemon/server.ts'
import { realServerDisk } from '../../src/daemon/storage/real-disk.ts'
import { type Logger, silentLogger } from '../../src/logger.ts'
import { Credentials, type CredentialsParts } from '../../src/protocol/tls/credentials.ts'
import { realWorld } from '../../src/real-world.ts'

/** Not started. */
export function realServer(flags: readonly string[], logger?: Logger): Server {
  return serverOf(readConfig(flags, {}), logger)
}

/** Not started. */
export function serverOf(
  read: ConfigOrText,
  logger: Logger = silentLogger,
  configStore?: FileStore,
): Server {
  if (read.type !== 'config') throw new Error(String(read.text))
  const { config } = read
  const world = {
    ...realWorld(),
    logger,
    disk: realServerDisk(config.dataDir, config.origins.dataDir),
  }
  const openAudit = (path: string, onError: (error: Error) => void): AuditFile =>
    openAuditFile({ path, quoted: config.origins.auditFile }, onError)
  return assembleServer({
    config,
    world,
    readCredentials,
    openAudit,
    ...(configStore && { configStore }),
    systemUser: 'root',
    onFailure,
  })
}

const readCredentials = (parts: CredentialsParts): Credentials => new Credentials(parts)

function onFailure(error: Error): void {
  throw error
}
