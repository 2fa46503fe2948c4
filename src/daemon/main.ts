#!/usr/bin/env node
// zooweeperd: one server of a ZooWeeper ensemble.

import { runDaemon } from '../daemon-process.ts'
import { Credentials, type CredentialsParts } from '../protocol/tls/credentials.ts'
import { readGivenSecretFile } from '../secret-file.ts'
import { readConfig } from './config.ts'
import { assembleServer } from './server.ts'
import { realServerDisk } from './storage/real-disk.ts'

runDaemon({
  program: 'zooweeperd',
  readConfig,
  identity: ({ serverId }) => ({ server: serverId }),
  openDisk: ({ dataDir, origins }) => realServerDisk(dataDir, origins.dataDir),
  assemble: ({ config, world, onFailure }) => {
    const quoted = config.origins.peerSecretFile
    const readSecret = (path: string) => readGivenSecretFile({ path, quoted })
    const readCredentials = (parts: CredentialsParts) => new Credentials(parts)
    return assembleServer({ config, world, readSecret, readCredentials, onFailure })
  },
  // Writing the rest of the tree takes most of this time.
  stopDeadlineMs: 20_000,
})
