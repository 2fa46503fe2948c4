#!/usr/bin/env node
// mimicqd: one broker of Mimic Queue.

import { runDaemon } from '../daemon-process.ts'
import { Broker } from './broker.ts'
import { readConfig } from './config.ts'

runDaemon({
  program: 'mimicqd',
  readConfig,
  identity: ({ id }) => ({ broker: id }),
  makePart: (parts) => new Broker(parts),
  stopDeadlineMs: 10_000,
})
