// The logger that parts receive, and the one place that makes it with pino.

import { pino } from 'pino'
import pretty from 'pino-pretty'

export { silentLogger } from './silent-logger.ts'

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
  return pino(
    { level, base: { name: program } },
    pretty({ sync: true, ignore: 'hostname,pid', translateTime: 'SYS:HH:MM:ss.l' }),
  )
}
