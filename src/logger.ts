// The logger that parts receive. pino-logger.ts makes that of a daemon; the client library, which does
// not load pino, logs with what its program gives it, or not at all.

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

const drop = () => undefined

/** The logger of a program that gave none. */
export const silentLogger: Logger = {
  child: () => silentLogger,
  debug: drop,
  info: drop,
  warn: drop,
  error: drop,
}
