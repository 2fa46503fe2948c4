// Lines for the journal: systemd reads `<4>` at the beginning of a line as its priority, and takes
// every other line for an ordinary message.
//
// Source: sd-daemon(3); systemd.exec(5) on JOURNAL_STREAM.

import { fstatSync } from 'node:fs'

/** syslog(3)'s numbers */
export const priorities = { error: 3, warn: 4, info: 6, debug: 7 } as const
export type Priority = (typeof priorities)[keyof typeof priorities]

/**
 * @param descriptor stdout or stderr
 * @param journalStream JOURNAL_STREAM of the environment, which children of a service have, too,
 *   after their output went elsewhere: so it names the device and the inode
 */
export function isJournal(descriptor: number, journalStream: string | undefined): boolean {
  if (journalStream === undefined) return false
  const { dev, ino } = fstatSync(descriptor, { bigint: true })
  return journalStream === `${dev}:${ino}`
}

/** @param text whole lines, each of which becomes one entry */
export function withPriority(text: string, priority: Priority): string {
  return text.replaceAll(/^(?=.)/gm, `<${priority}>`)
}
