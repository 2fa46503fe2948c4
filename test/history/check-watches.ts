// Watches: a watcher of a znode receives its change, once for a one-shot watch, before any answer
// of its session shows a state as late as that change; and receives changes in order.
//
// A session that lost its connection receives what it missed when it reconnects, in one event per
// watch: the order of these events is that of the comparison, and is not checked.

import { parentOf } from '../../src/protocol/path.ts'
import type { SessionId } from '../../src/protocol/records.ts'
import type { Zxid } from '../../src/protocol/zxid.ts'
import { byEnd, type Facts, shownBy, successor, type Violation } from './facts.ts'
import { type History, type Notice, type Operation, sightsOf, type Tick } from './history.ts'

export function checkWatches(history: History, facts: Facts): Violation[] {
  const violations: Violation[] = []
  const notices = noticesByWatch(history)
  const progress = progressOf(history)
  for (const operation of history.operations) {
    const { call, outcome } = operation
    if (outcome.type !== 'ok' || !('watch' in call) || call.watch === undefined) continue
    const told = notices.get(call.watch) ?? []
    const shows = (progress.get(operation.session) ?? []).filter(({ at }) => at > operation.ends)
    violations.push(
      ...(call.type === 'addWatch'
        ? checkPersistent({ operation, path: call.path, told, shows }, history)
        : checkOneShot({ operation, path: call.path, told, shows }, facts)),
    )
  }
  return violations
}

interface Armed {
  readonly operation: Operation
  readonly path: string
  readonly told: readonly Notice[]
  /** the progress of the session's answers after the watch was set */
  readonly shows: readonly Shown[]
}

interface Shown {
  readonly at: Tick
  readonly zxid: Zxid
}

function checkOneShot({ operation, path, told, shows }: Armed, facts: Facts): Violation[] {
  const report = (rule: string, found: string): Violation[] => [
    { rule, operation: operation.id, found: `${path}: ${found}` },
  ]
  const [first, ...more] = told
  if (more.length > 0) return report('a one-shot watch fires once', `it fired ${told.length} times`)
  const sight = sightsOf(operation).find((sight) => sight.path === path)
  if (sight === undefined) return []
  const ofChildren = operation.call.type === 'getChildren'
  const armed = ofChildren ? sight.stat.pzxid : sight.stat.mzxid
  const changes = ofChildren ? facts.childChanges(path) : facts.dataChanges(path)
  const next = successor(changes, armed)
  if (first !== undefined) {
    const wanted = ofChildren ? 'NodeChildrenChanged' : 'NodeDataChanged'
    const fits = first.type === wanted && first.path === path
    if (!fits) return report('watches tell what happened', `${first.type} of ${first.path}`)
    if (first.zxid !== 0 && first.zxid <= armed) {
      return report('watches tell what happened', 'the event is older than the watch')
    }
  }
  if (next === undefined) return []
  const shown = shows.find(({ zxid }) => zxid >= next)
  if (shown === undefined || (first !== undefined && first.at < shown.at)) return []
  const found = `the change at 0x${next.toString(16)} showed in an answer before the event`
  return report(first === undefined ? 'no watch is missed' : 'watch before data', found)
}

/** Between its creation and the first loss of the connection: every creation below it, in order. */
function checkPersistent({ operation, path, told, shows }: Armed, history: History): Violation[] {
  const violations: Violation[] = []
  const { id, client, ends } = operation
  const lost = history.suspensions.find((suspension) => {
    return suspension.client === client && suspension.at > ends
  })
  const until = lost?.at ?? Number.POSITIVE_INFINITY
  const created = told.filter(({ type, at }) => type === 'NodeCreated' && at < until)
  for (const [i, { path: child, zxid }] of created.entries()) {
    const before = created[i - 1]
    if (before === undefined || before.zxid < zxid) continue
    // One multi may create several, but not the same one twice.
    if (before.zxid === zxid && before.path !== child) continue
    violations.push({
      rule: 'watches in order',
      operation: id,
      found: `${child} after ${before.path}`,
    })
  }
  const reached = shows.filter(({ at }) => at < until)
  const toldAt = new Map(created.map((notice) => [notice.path, notice.at]))
  for (const creation of history.operations) {
    if (creation.begins < ends) continue
    for (const sight of creation.call.type === 'create' ? sightsOf(creation) : []) {
      if (parentOf(sight.path) !== path) continue
      const shown = reached.find(({ zxid }) => zxid >= sight.stat.czxid)
      if (shown === undefined || (toldAt.get(sight.path) ?? Number.POSITIVE_INFINITY) < shown.at) {
        continue
      }
      const rule = toldAt.has(sight.path) ? 'watch before data' : 'no watch is missed'
      violations.push({ rule, operation: id, found: `${sight.path} showed before the event` })
    }
  }
  return violations
}

function noticesByWatch(history: History): Map<number, Notice[]> {
  const notices = new Map<number, Notice[]>()
  for (const notice of history.notices) {
    const known = notices.get(notice.watch)
    if (known === undefined) notices.set(notice.watch, [notice])
    else known.push(notice)
  }
  return notices
}

/** For each session, the steps by which its answers showed more of the history. */
function progressOf(history: History): Map<SessionId, Shown[]> {
  const progress = new Map<SessionId, Shown[]>()
  for (const operation of [...history.operations].sort(byEnd)) {
    const zxid = Math.max(0, ...sightsOf(operation).map(shownBy)) as Zxid
    const shows = progress.get(operation.session)
    if (shows === undefined) progress.set(operation.session, [{ at: operation.ends, zxid }])
    else if (zxid > (shows.at(-1)?.zxid ?? 0)) shows.push({ at: operation.ends, zxid })
  }
  return progress
}
