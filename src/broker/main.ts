#!/usr/bin/env node
// mimicqd: one broker of Mimic Queue.

import { runDaemon } from '../daemon-process.ts'
import { realDisk } from '../real-disk.ts'
import { Broker } from './broker.ts'
import { readConfig } from './config.ts'

runDaemon({
  program: 'mimicqd',
  readConfig,
  identity: ({ id }) => ({ broker: id }),
  openDisk: ({ dataDir }) => realDisk(dataDir),
  assemble: ({ config, world, onFailure }) =>
    new Broker({ config, clock: world.clock, logger: world.logger, onFailure }),
  stopDeadlineMs: 10_000,
})
