// The logger of a program that gave none. In a file of its own, so that the client library does not
// load what the others log with.

import type { Logger } from './logger.ts'

const drop = () => undefined

export const silentLogger: Logger = {
  child: () => silentLogger,
  debug: drop,
  info: drop,
  warn: drop,
  error: drop,
}
