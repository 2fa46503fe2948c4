// What both daemons do around their one part: argv → configuration → part → signals.
// Exit codes are in stoppable.ts.

import { systemClock } from './clock.ts'
import { type Logger, type LogLevel, makeLogger } from './logger.ts'
import { OptionError } from './options.ts'
import { exitCodes, type Part, runUntilStopped, systemdNotifier } from './stoppable.ts'

/** What every daemon's configuration holds. */
export interface CommonConfig {
  readonly logLevel: LogLevel
  readonly logFormat: 'json' | 'pretty'
  /** each goes into the log, once */
  readonly warnings: readonly string[]
}

export interface DaemonOptions<Config extends CommonConfig> {
  readonly program: string
  /** @throws OptionError */
  readonly readConfig: (
    args: string[],
    env: NodeJS.ProcessEnv,
  ) => { type: 'config'; config: Config } | { type: 'print'; text: string }
  /** what names this process in every line of the log */
  readonly identity: (config: Config) => Record<string, unknown>
  /** @param onFailure going on could lose data: the process must end, and at once */
  readonly makePart: (parts: {
    readonly config: Config
    readonly clock: typeof systemClock
    readonly logger: Logger
    readonly onFailure: (error: Error) => void
  }) => Part
  readonly stopDeadlineMs: number
}

export function runDaemon<Config extends CommonConfig>(options: DaemonOptions<Config>): void {
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

function run<Config extends CommonConfig>(config: Config, options: DaemonOptions<Config>): void {
  const { program, identity, makePart, stopDeadlineMs } = options
  const { logLevel: level, logFormat: format } = config
  const logger = makeLogger({ program, level, format }).child(identity(config))
  for (const warning of config.warnings) logger.warn({}, warning)
  const clock = systemClock
  runUntilStopped({
    parts: [makePart({ config, clock, logger, onFailure: endAtOnce })],
    logger,
    clock,
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
