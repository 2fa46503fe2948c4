// Order: a state shown to one client is included in every answer that must not be behind it.
//
//   writes          come after everything that was known before they began: linearizable
//   synced reads    show everything that was known before they began: linearizable
//   any read        shows everything that its own session was shown before: never back in time
//   a session       is answered in the order of its requests, and its writes take effect in that order

import type { Zxid } from '../../src/protocol/zxid.ts'
import { byEnd, type Facts, shownBy, successor, type Violation } from './facts.ts'
import { type History, type Operation, sightsOf, writesOf } from './history.ts'

export function checkOrder(history: History, facts: Facts): Violation[] {
  const violations: Violation[] = []
  const answered = history.operations.filter(({ outcome }) => outcome.type === 'ok')
  for (const operation of answered) violations.push(...checkRealTime(operation, facts))
  for (const operations of bySession(history).values()) {
    violations.push(...checkSession(operations, history, facts))
  }
  return violations
}

function checkRealTime(operation: Operation, facts: Facts): Violation[] {
  const { id, call, begins } = operation
  const floor = facts.committedBefore(begins)
  if (writesOf(call).length > 0) {
    const sights = sightsOf(operation)
    const early = sights.find(({ stat }) => stat.mzxid <= floor)
    if (early === undefined) return staleness(operation, floor, facts, 'a write sees the present')
    const found = `${early.path} was written at ${hex(early.stat.mzxid)}, before ${hex(floor)}, which was known already`
    return [{ rule: 'writes in real time', operation: id, found }]
  }
  if ((call.type === 'getData' || call.type === 'getChildren') && call.synced) {
    return staleness(operation, floor, facts, 'synced reads are fresh')
  }
  return []
}

/** In the order of the answers, which must equal the order of the requests. */
function checkSession(
  operations: readonly Operation[],
  history: History,
  facts: Facts,
): Violation[] {
  const violations: Violation[] = []
  const { client, session } = operations[0] as Operation
  const notices = history.notices.filter(
    (notice) => notice.client === client && notice.session === session,
  )
  let next = 0
  /** The contents of events and answers. */
  let told = 0 as Zxid
  let shown = 0 as Zxid
  let before: Operation | undefined
  for (const operation of operations) {
    const { id, begins, ends } = operation
    for (; next < notices.length && (notices[next]?.at ?? 0) < ends; next++) {
      told = Math.max(told, notices[next]?.zxid ?? 0) as Zxid
    }
    if (before !== undefined && before.begins > begins) {
      const found = `it was answered after ${before.id}, which began later`
      violations.push({ rule: 'a session is first in, first out', operation: id, found })
    }
    before = operation
    const isWrite = writesOf(operation.call).length > 0
    for (const { path, stat } of isWrite ? sightsOf(operation) : []) {
      // The event of a client's own write comes before its answer.
      if (stat.mzxid > shown && stat.mzxid >= told) continue
      const found = `${path} was written at ${hex(stat.mzxid)}; the session had seen ${hex(shown)}`
      violations.push({ rule: "a session's writes in order", operation: id, found })
    }
    const floor = Math.max(told, shown) as Zxid
    violations.push(...staleness(operation, floor, facts, 'a session never goes back'))
    shown = Math.max(shown, ...sightsOf(operation).map(shownBy)) as Zxid
  }
  return violations
}

/** Whether its state had been replaced by `floor`, or by the time of its other contents. */
function staleness(operation: Operation, floor: Zxid, facts: Facts, rule: string): Violation[] {
  const sights = sightsOf(operation)
  const least = Math.max(floor, ...sights.map(shownBy)) as Zxid
  const violations: Violation[] = []
  for (const { path, stat } of sights) {
    const facets = [
      ['data', facts.dataChanges(path), stat.mzxid],
      ['children', facts.childChanges(path), stat.pzxid],
    ] as const
    for (const [facet, changes, shown] of facets) {
      const next = successor(changes, shown)
      if (next === undefined || next > least) continue
      const found = `${facet} of ${path} as of ${hex(shown)}, replaced at ${hex(next)}; ${hex(least)} was known`
      violations.push({ rule, operation: operation.id, found })
    }
  }
  return violations
}

/** Operations with an answer, by session, in the order of their answers. */
function bySession(history: History): Map<string, Operation[]> {
  const sessions = new Map<string, Operation[]>()
  for (const operation of [...history.operations].sort(byEnd)) {
    const { client, session, outcome } = operation
    if (outcome.type === 'unknown' || session === 0) continue
    const key = `${client} ${session}`
    const known = sessions.get(key)
    if (known === undefined) sessions.set(key, [operation])
    else known.push(operation)
  }
  return sessions
}

function hex(zxid: number): string {
  return `0x${zxid.toString(16)}`
}
