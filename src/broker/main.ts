#!/usr/bin/env node
// mimicqd: one broker of Mimic Queue.

import { runDaemon } from '../daemon-process.ts'
import { realDisk } from '../real-disk.ts'
import { assembleBroker } from './broker.ts'
import { readConfig } from './config.ts'

runDaemon({
  program: 'mimicqd',
  readConfig,
  identity: ({ id }) => ({ broker: id }),
  openDisk: ({ dataDir, origins }) => realDisk(dataDir, origins.dataDir),
  assemble: assembleBroker,
  stopDeadlineMs: 10_000,
})
