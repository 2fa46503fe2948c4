#!/usr/bin/env node
// zooweeperd: argv → configuration → server → signals. Exit codes are in stoppable.ts.

import { systemClock } from '../clock.ts'
import { type Logger, makeLogger } from '../logger.ts'
import { OptionError } from '../options.ts'
import { exitCodes, runUntilStopped, systemdNotifier } from '../stoppable.ts'
import { type DaemonConfig, readConfig } from './config.ts'
import { Server } from './server.ts'

/** Writing the rest of the tree takes most of it. */
const stopDeadlineMs = 20_000

function main(): void {
  try {
    const read = readConfig(process.argv.slice(2), process.env)
    if (read.type === 'config') run(read.config)
    else process.stdout.write(read.text)
  } catch (error) {
    if (!(error instanceof OptionError)) throw error
    process.stderr.write(`zooweeperd: ${error.message}\n`)
    process.exitCode = exitCodes.usage
  }
}

function run(config: DaemonConfig): void {
  const { logLevel: level, logFormat: format, serverId } = config
  const logger = makeLogger({ program: 'zooweeperd', level, format }).child({ server: serverId })
  for (const warning of config.warnings) logger.warn({}, warning)
  const server = new Server({ config, clock: systemClock, logger, onFailure: endAtOnce })
  runUntilStopped({
    parts: [server],
    logger,
    clock: systemClock,
    stopDeadlineMs,
    notify: notifier(logger),
  })
}

function notifier(logger: Logger): ReturnType<typeof systemdNotifier> {
  return systemdNotifier(process.env['NOTIFY_SOCKET'], logger)
}

/** Nothing more is promised or written: what nobody catches ends the process with exit code 1. */
function endAtOnce(error: Error): void {
  process.nextTick(() => {
    throw error
  })
}

main()
