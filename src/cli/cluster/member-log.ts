// The output of a cluster's members in readable form: pino's JSON formatted, each line prefixed
// with the name of the process.

import { logFormatter } from '../../pretty-log.ts'
import { printable } from '../../printable.ts'
import type { Member } from './cluster.ts'

export class MemberLog {
  readonly #format: (line: string) => string
  readonly #colorize: boolean

  constructor({ colorize }: { readonly colorize: boolean }) {
    this.#colorize = colorize
    const ignore = 'pid,hostname,name,server,broker'
    this.#format = logFormatter({ colorize, ignore, singleLine: true })
  }

  /** One line, or several for an error with its stack; ends with a line feed. */
  lines(member: Member, line: string): string {
    const prefix = this.#colored(`${member.name.padEnd(9)} | `, colorOf(member))
    const text = line.startsWith('{') ? this.#format(line).trimEnd() : printable(line)
    return text
      .split('\n')
      .map((each) => `${prefix}${each}\n`)
      .join('')
  }

  #colored(text: string, color: number): string {
    return this.#colorize ? `\x1b[${color}m${text}\x1b[0m` : text
  }
}

/** Servers in warm colours, brokers in cold ones. */
function colorOf({ kind, id }: Member): number {
  const colors = kind === 'server' ? [33, 93, 31, 91] : [36, 94, 35, 96]
  return colors[(id - 1) % colors.length] ?? 37
}

/** Whether a line needs attention: a warning, an error, or not a log line at all. */
export function isAlarming(line: string): boolean {
  if (!line.startsWith('{')) return true
  const level = /"level":(\d+)/.exec(line)?.[1]
  return level === undefined || Number(level) >= warnLevel
}

/** pino's */
const warnLevel = 40

/** The reason in a member's last line: the error's message, or the line's own. */
export function reasonIn(line: string | undefined): string {
  if (line === undefined) return 'it logged nothing'
  try {
    const { err, msg } = JSON.parse(line) as { err?: { message?: string }; msg?: string }
    return err?.message ?? msg ?? line
  } catch {
    return line
  }
}
