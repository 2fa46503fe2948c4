// `wchs`, `wchc`, `wchp`: the watches and their sessions. Like ZooKeeper's, they show watches of
// data and of whole subtrees, not those only for children.

import type { SessionId } from '../../protocol/records.ts'
import type { WatchedPath } from './server-view.ts'

export function watchSummary(watched: readonly WatchedPath[]): string {
  const sessions = new Set(watched.flatMap(({ sessions }) => sessions))
  const total = watched.reduce((sum, { sessions }) => sum + sessions.length, 0)
  return `${sessions.size} connections watching ${watched.length} paths\nTotal watches:${total}\n`
}

export function watchesByPath(watched: readonly WatchedPath[]): string {
  const lines = watched.flatMap(({ path, sessions }) => [
    path,
    ...sessions.map((session) => `\t0x${session.toString(16)}`),
  ])
  return [...lines, ''].map((line) => `${line}\n`).join('')
}

export function watchesBySession(watched: readonly WatchedPath[]): string {
  const bySession = new Map<SessionId, string[]>()
  for (const { path, sessions } of watched) {
    for (const session of sessions) {
      const paths = bySession.get(session)
      if (paths === undefined) bySession.set(session, [path])
      else paths.push(path)
    }
  }
  const lines = [...bySession].flatMap(([session, paths]) => [
    `0x${session.toString(16)}`,
    ...paths.map((path) => `\t${path}`),
  ])
  return [...lines, ''].map((line) => `${line}\n`).join('')
}
