#!/usr/bin/env node
// zooweeperd: one server of a ZooWeeper ensemble.

import { runDaemon } from '../daemon-process.ts'
import { readConfig } from './config.ts'
import { Server } from './server.ts'

runDaemon({
  program: 'zooweeperd',
  readConfig,
  identity: ({ serverId }) => ({ server: serverId }),
  makePart: (parts) => new Server(parts),
  // Writing the rest of the tree takes most of it.
  stopDeadlineMs: 20_000,
})
