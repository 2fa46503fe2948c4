// Creates a daemon's logger, with pino.

import { pino } from 'pino'
import { type Priority, priorities, withPriority } from './journal.ts'
import type { Logger, LogLevel } from './logger.ts'
import { logFormatter } from './pretty-log.ts'
import { hasColors } from './terminal.ts'

/**
 * Writes to stdout; each line is written before the call returns.
 *
 * @param options.format `json` for machines, one line each; `pretty` for a terminal
 * @param options.toJournal marks each line with its priority
 */
export function makeLogger(options: {
  readonly program: string
  readonly level: LogLevel
  readonly format: 'json' | 'pretty'
  readonly toJournal?: boolean
}): Logger {
  const { program, level, format, toJournal = false } = options
  const out = pino.destination({ fd: 1, sync: true })
  if (format === 'json' && !toJournal)
    return pino({ level, base: { name: program, pid: process.pid } }, out)
  const colorize = !toJournal && hasColors(process.stdout, process.env)
  const print =
    format === 'json' ? (line: string) => line : logFormatter({ colorize, ignore: 'hostname,pid' })
  const base = { name: program, ...(format === 'json' ? { pid: process.pid } : {}) }
  const stream = {
    // pino then sets `lastLevel` before each line.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 0,
    write(line: string): void {
      const text = print(line)
      out.write(toJournal ? withPriority(text, priorityOf(this.lastLevel)) : text)
    },
  }
  return pino({ level, base }, stream)
}

/** @param level pino's: 20 is debug, 30 info, 40 warn, 50 error */
function priorityOf(level: number): Priority {
  if (level >= 50) return priorities.error
  if (level >= 40) return priorities.warn
  return level >= 30 ? priorities.info : priorities.debug
}
