// The life of both daemons around their one part: argv → configuration → part, in the real world →
// signals. stoppable.ts has the exit codes.

import { isJournal, priorities, withPriority } from './journal.ts'
import type { LogLevel } from './logger.ts'
import { makeLogger } from './pino-logger.ts'
import { realWorld } from './real-world.ts'
import { RefusedStartError } from './refused-start.ts'
import { exitCodes, type Part, runUntilStopped } from './stoppable.ts'
import { systemdNotifier } from './systemd-notifier.ts'
import { setV8Flags } from './v8-flags.ts'
import type { Disk, World } from './world.ts'

/** Fields common to all daemons' configurations. */
export interface CommonConfig {
  readonly logLevel: LogLevel
  readonly logFormat: 'json' | 'pretty'
  /** each is logged once */
  readonly warnings: readonly string[]
}

export interface DaemonOptions<Config extends CommonConfig, OwnDisk extends Disk> {
  readonly program: string
  /** @throws OptionError */
  readonly readConfig: (
    args: string[],
    env: NodeJS.ProcessEnv,
  ) => { type: 'config'; config: Config } | { type: 'print'; text: string | Promise<string> }
  /** fields that identify this process in every log line */
  readonly identity: (config: Config) => Record<string, unknown>
  readonly openDisk: (config: Config) => OwnDisk
  readonly assemble: (parts: {
    readonly config: Config
    readonly world: World & { readonly disk: OwnDisk }
    /** Continuing could lose data: the process must end immediately. */
    readonly onFailure: (error: Error) => void
  }) => Part
  readonly stopDeadlineMs: number
}

export function runDaemon<Config extends CommonConfig, OwnDisk extends Disk>(
  options: DaemonOptions<Config, OwnDisk>,
): void {
  setV8Flags()
  // Every file written here is data or reveals something about it, including LevelDB's files: no
  // other user may read it, whatever the user's umask.
  process.umask(0o077)
  try {
    const read = options.readConfig(process.argv.slice(2), process.env)
    if (read.type === 'config') run(read.config, options)
    else void print(read.text)
  } catch (error) {
    if (!(error instanceof RefusedStartError)) throw error
    tellRefusal(options.program, error)
    process.exitCode = exitCodes.usage
  }
}

async function print(text: string | Promise<string>): Promise<void> {
  process.stdout.write(await text)
}

function run<Config extends CommonConfig, OwnDisk extends Disk>(
  config: Config,
  options: DaemonOptions<Config, OwnDisk>,
): void {
  const { program, identity, openDisk, assemble, stopDeadlineMs } = options
  const { logLevel: level, logFormat: format } = config
  const toJournal = isJournal(1, process.env['JOURNAL_STREAM'])
  const logger = makeLogger({ program, level, format, toJournal }).child(identity(config))
  const world = { ...realWorld(), logger, disk: openDisk(config) }
  const part = assemble({ config, world, onFailure: endAtOnce })
  const notify = systemdNotifier({
    environment: process.env,
    clock: world.clock,
    logger,
    pid: process.pid,
    status: () => part.status?.() ?? { state: 'running', detail: '' },
  })
  for (const warning of config.warnings) logger.warn({}, warning)
  runUntilStopped({
    parts: [part],
    logger,
    clock: world.clock,
    stopDeadlineMs,
    notify,
    onRefused: (error) => tellRefusal(program, error),
  })
}

/** On stderr, as one readable line: there is no log yet, or it would add nothing. */
function tellRefusal(program: string, error: RefusedStartError): void {
  const line = `${program}: ${error.message}\n`
  const toJournal = isJournal(2, process.env['JOURNAL_STREAM'])
  process.stderr.write(toJournal ? withPriority(line, priorities.error) : line)
}

/** Promises and writes nothing more: the uncaught error ends the process with exit code 1. */
function endAtOnce(error: Error): void {
  process.nextTick(() => {
    throw error
  })
}
