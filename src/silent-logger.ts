// The logger of a program that gave none. A file of its own, so that the client library does not
// load pino.

import type { Logger } from './logger.ts'

const drop = () => undefined

export const silentLogger: Logger = {
  child: () => silentLogger,
  debug: drop,
  info: drop,
  warn: drop,
  error: drop,
}
