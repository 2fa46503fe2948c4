// The logger that parts receive, and the one place that makes it with pino.

import { pino } from 'pino'
import { logFormatter } from './pretty-log.ts'
import { hasColors } from './terminal.ts'

/** Constant sentence, facts as fields: `log.info({ epoch }, 'Became leading')`. */
export interface Logger {
  child(fields: Record<string, unknown>): Logger
  debug(fields: Record<string, unknown>, message: string): void
  info(fields: Record<string, unknown>, message: string): void
  warn(fields: Record<string, unknown>, message: string): void
  error(fields: Record<string, unknown>, message: string): void
}

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** `json` for machines (one line each, on stdout), `pretty` for people. */
export function makeLogger(options: {
  readonly program: string
  readonly level: LogLevel
  readonly format: 'json' | 'pretty'
}): Logger {
  const { program, level, format } = options
  const base = { name: program, pid: process.pid }
  if (format === 'json') return pino({ level, base })
  const colorize = hasColors(process.stdout, process.env)
  const toText = logFormatter({ colorize, ignore: 'hostname,pid' })
  const write = (line: string) => void process.stdout.write(toText(line))
  return pino({ level, base: { name: program } }, { write })
}

const drop = () => undefined

export const silentLogger: Logger = {
  child: () => silentLogger,
  debug: drop,
  info: drop,
  warn: drop,
  error: drop,
}
