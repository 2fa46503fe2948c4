// What both daemons do around their one part: argv → configuration → part, in the real world → signals.
// Exit codes are in stoppable.ts.

import { type LogLevel, makeLogger } from './logger.ts'
import { OptionError } from './options.ts'
import { realWorld } from './real-world.ts'
import { exitCodes, type Part, runUntilStopped, systemdNotifier } from './stoppable.ts'
import type { Disk, World } from './world.ts'

/** What every daemon's configuration holds. */
export interface CommonConfig {
  readonly logLevel: LogLevel
  readonly logFormat: 'json' | 'pretty'
  /** each goes into the log, once */
  readonly warnings: readonly string[]
}

export interface DaemonOptions<Config extends CommonConfig, OwnDisk extends Disk> {
  readonly program: string
  /** @throws OptionError */
  readonly readConfig: (
    args: string[],
    env: NodeJS.ProcessEnv,
  ) => { type: 'config'; config: Config } | { type: 'print'; text: string }
  /** what names this process in every line of the log */
  readonly identity: (config: Config) => Record<string, unknown>
  readonly openDisk: (config: Config) => OwnDisk
  readonly assemble: (parts: {
    readonly config: Config
    readonly world: World & { readonly disk: OwnDisk }
    /** Going on could lose data: the process must end, and at once. */
    readonly onFailure: (error: Error) => void
  }) => Part
  readonly stopDeadlineMs: number
}

export function runDaemon<Config extends CommonConfig, OwnDisk extends Disk>(
  options: DaemonOptions<Config, OwnDisk>,
): void {
  try {
    const read = options.readConfig(process.argv.slice(2), process.env)
    if (read.type === 'config') run(read.config, options)
    else process.stdout.write(read.text)
  } catch (error) {
    if (!(error instanceof OptionError)) throw error
    process.stderr.write(`${options.program}: ${error.message}\n`)
    process.exitCode = exitCodes.usage
  }
}

function run<Config extends CommonConfig, OwnDisk extends Disk>(
  config: Config,
  options: DaemonOptions<Config, OwnDisk>,
): void {
  const { program, identity, openDisk, assemble, stopDeadlineMs } = options
  const { logLevel: level, logFormat: format } = config
  const logger = makeLogger({ program, level, format }).child(identity(config))
  for (const warning of config.warnings) logger.warn({}, warning)
  const world = { ...realWorld(), logger, disk: openDisk(config) }
  runUntilStopped({
    parts: [assemble({ config, world, onFailure: endAtOnce })],
    logger,
    clock: world.clock,
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
