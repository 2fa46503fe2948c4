#!/usr/bin/env node
// mimicqd: one broker of Mimic Queue.

import { runDaemon } from '../daemon-process.ts'
import { Credentials, type CredentialsParts } from '../protocol/tls/credentials.ts'
import { realDisk } from '../real-disk.ts'
import { readSecretFile } from '../secret-file.ts'
import { assembleBroker } from './broker.ts'
import { readConfig } from './config.ts'
import { loadOpenBlock } from './open-block.ts'

runDaemon({
  program: 'mimicqd',
  readConfig,
  identity: ({ id }) => ({ broker: id }),
  openDisk: ({ dataDir, origins }) => realDisk(dataDir, origins.dataDir),
  assemble: ({ config, world, onFailure }) => {
    const { secretFile: path, origins } = config
    const { randomBytes } = world
    const readSecret = () => readSecretFile({ path, quoted: origins.secretFile, randomBytes })
    const readCredentials = (parts: CredentialsParts) => new Credentials(parts)
    const reading = { readSecret, readCredentials }
    return assembleBroker({ config, world, ...reading, onFailure, loadOpenBlock })
  },
  stopDeadlineMs: 10_000,
})
