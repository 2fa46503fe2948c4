#!/usr/bin/env node
// zooweeperd: one server of a ZooWeeper ensemble.

import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { runDaemon } from '../daemon-process.ts'
import { Credentials, type CredentialsParts } from '../protocol/tls/credentials.ts'
import { replaceFile } from '../replace-file.ts'
import { readGivenSecretFile } from '../secret-file.ts'
import { openAuditFile } from './audit-file.ts'
import { readConfig } from './config.ts'
import { assembleServer } from './server.ts'
import { realServerDisk } from './storage/real-disk.ts'

const configStore = { read: (path: string) => readFile(path, 'utf8'), replace: replaceFile }

/** A user may have a number and no name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}

runDaemon({
  program: 'zooweeperd',
  readConfig,
  identity: ({ serverId }) => ({ server: serverId }),
  openDisk: ({ dataDir, origins }) => realServerDisk(dataDir, origins.dataDir),
  assemble: ({ config, world, onFailure }) => {
    const quoted = config.origins.peerSecretFile
    const readSecret = (path: string) => readGivenSecretFile({ path, quoted })
    const openAudit = (path: string, onError: (error: Error) => void) =>
      openAuditFile({ path, quoted: config.origins.auditFile }, onError)
    const readCredentials = (parts: CredentialsParts) => new Credentials(parts)
    const systemUser = userName()
    const files = { readSecret, readCredentials, openAudit, configStore }
    return assembleServer({ config, world, ...files, systemUser, onFailure })
  },
  // Writing the rest of the tree takes most of this time.
  stopDeadlineMs: 20_000,
})
