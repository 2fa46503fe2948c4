// `dump`: the sessions, their expiry, and their ephemerals. As ZooKeeper's DumpCommand; exporters
// parse the part about ephemerals.

import type { ExpirySet, SessionsView } from './server-view.ts'

export function sessionsDump({ expiry, timeoutsMs, ephemerals }: SessionsView): string {
  const lines = [`Sessions with Ephemerals (${ephemerals.size}):\n`]
  for (const [session, paths] of ephemerals) {
    lines.push(`0x${session.toString(16)}:\n`, ...paths.map((path) => `\t${path}\n`))
  }
  const sessions =
    expiry === undefined
      ? globalSessions(timeoutsMs)
      : expirySets('Session', expiry, (session) => `0x${session.toString(16)}`)
  return `SessionTracker dump:\n${sessions}ephemeral nodes dump:\n${lines.join('')}`
}

/** A follower does not know when sessions expire. */
function globalSessions(timeoutsMs: SessionsView['timeoutsMs']): string {
  const lines = [...timeoutsMs]
    .sort(([a], [b]) => a - b)
    .map(([session, timeoutMs]) => `0x${session.toString(16)}\t${timeoutMs}ms\n`)
  return `Global Sessions(${timeoutsMs.size}):\n${lines.join('')}`
}

export function expirySets<T>(
  kind: 'Session' | 'Connections',
  sets: readonly ExpirySet<T>[],
  show: (item: T) => string,
): string {
  const count = sets.reduce((sum, { items }) => sum + items.length, 0)
  const lines = sets.map(({ atMs, items }) => {
    const head = `${items.length} expire at ${javaDate(atMs)}:\n`
    return head + items.map((item) => `\t${show(item)}\n`).join('')
  })
  return `${kind} Sets (${sets.length})/(${count}):\n${lines.join('')}`
}

/** In the format of `java.util.Date` in UTC: `Tue Nov 24 02:33:38 UTC 2026`. */
function javaDate(wallMs: number): string {
  const [day, date, month, year, time] = new Date(wallMs).toUTCString().split(/,? /)
  return `${day} ${month} ${date} ${time} UTC ${year}`
}
