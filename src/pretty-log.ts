// Formats pino's JSON lines for a daemon on a terminal and for the members of `zw up`. Messages and
// fields contain text from clients and peers: none of it may reach a terminal as control
// characters.

import pretty from 'pino-pretty'
import { printable } from './printable.ts'

/** @returns a function from one JSON line to text that ends with a line feed */
export function logFormatter(options: {
  readonly colorize: boolean
  /** fields left out, separated by commas */
  readonly ignore: string
  readonly singleLine?: boolean
}): (line: string) => string {
  const format = pretty.prettyFactory({ ...options, translateTime: 'SYS:HH:MM:ss.l' })
  return (line) => format(withoutControls(line))
}

/** `JSON.parse` of any pino line succeeds; another program's line is escaped as text. */
function withoutControls(line: string): string {
  const text = line.trimEnd()
  // JSON itself escapes below U+0080: most lines need no work.
  if (!/\\u00|[^\x20-\x7e]/.test(text)) return text
  try {
    return JSON.stringify(JSON.parse(text, (_, value) => clean(value)))
  } catch {
    return printable(text)
  }
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') return printable(value)
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [printable(key), each]))
}
