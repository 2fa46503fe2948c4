#!/usr/bin/env node
// mimicqd: argv → configuration → broker → signals. Exit codes are in stoppable.ts.

import { systemClock } from '../clock.ts'
import { makeLogger } from '../logger.ts'
import { OptionError } from '../options.ts'
import { exitCodes, runUntilStopped, systemdNotifier } from '../stoppable.ts'
import { Broker } from './broker.ts'
import { type BrokerConfig, readConfig } from './config.ts'

const stopDeadlineMs = 10_000

function main(): void {
  try {
    const read = readConfig(process.argv.slice(2), process.env)
    if (read.type === 'config') run(read.config)
    else process.stdout.write(read.text)
  } catch (error) {
    if (!(error instanceof OptionError)) throw error
    process.stderr.write(`mimicqd: ${error.message}\n`)
    process.exitCode = exitCodes.usage
  }
}

function run(config: BrokerConfig): void {
  const { logLevel: level, logFormat: format, id } = config
  const logger = makeLogger({ program: 'mimicqd', level, format }).child({ broker: id })
  for (const warning of config.warnings) logger.warn({}, warning)
  const broker = new Broker({ config, clock: systemClock, logger, onFailure: endAtOnce })
  runUntilStopped({
    parts: [broker],
    logger,
    clock: systemClock,
    stopDeadlineMs,
    notify: systemdNotifier(process.env['NOTIFY_SOCKET'], logger),
  })
}

/** Nothing more is promised or written: what nobody catches ends the process with exit code 1. */
function endAtOnce(error: Error): void {
  process.nextTick(() => {
    throw error
  })
}

main()
