// Lines for the journal: systemd reads `<4>` at the beginning of a line as its priority; other
// lines are ordinary messages.
//
// Source: sd-daemon(3); systemd.exec(5) on JOURNAL_STREAM.

import { fstatSync } from 'node:fs'

/** syslog(3)'s numbers */
export const priorities = { error: 3, warn: 4, info: 6, debug: 7 } as const
export type Priority = (typeof priorities)[keyof typeof priorities]

/**
 * @param descriptor stdout or stderr
 * @param journalStream JOURNAL_STREAM of the environment. Children of a service inherit it even
 * when their output is redirected, so it names the device and the inode
 */
export function isJournal(descriptor: number, journalStream: string | undefined): boolean {
  if (journalStream === undefined) return false
  const { dev, ino } = fstatSync(descriptor, { bigint: true })
  return journalStream === `${dev}:${ino}`
}

/** @param text whole lines; each becomes one entry */
export function withPriority(text: string, priority: Priority): string {
  return text.replaceAll(/^(?=.)/gm, `<${priority}>`)
}
