// The order of what clients saw, by their own clocks and by the world's: each session in its order
// and never backwards, each connection's events in order, and an operation that begins after
// another has ended comes after it.

import { invariant } from '../../../src/invariant.ts'
import type { SessionId } from '../../../src/protocol/records.ts'
import type { SimClient } from './client.ts'
import { type Answered, type Heard, isWrite, nameOf, type Operation } from './operation.ts'

export function checkClientOrder(clients: readonly SimClient[]): void {
  for (const client of clients) {
    checkOneByOne(client)
    checkEvents(client)
  }
  checkRealTime(clients)
}

/** Each session is answered in the order of its requests, and its zxids never decrease. */
function checkOneByOne({ operations }: SimClient): void {
  const last = new Map<SessionId, Answered>()
  for (const operation of operations) {
    const { outcome, session } = operation
    if (outcome.type !== 'answered') continue
    const before = last.get(session)
    const name = nameOf(operation)
    if (before !== undefined && outcome.connection === before.connection) {
      invariant(outcome.step > before.step, `${name} is answered in its turn`)
    }
    if (before !== undefined && outcome.step > before.step) {
      invariant(outcome.zxid >= before.zxid, `${name} is not taken back to the past`)
      if (isWrite(operation)) {
        invariant(outcome.zxid > before.zxid, `${name} comes after what was answered before it`)
      }
    }
    if (before === undefined || outcome.zxid > before.zxid) last.set(session, outcome)
  }
}

/** Each connection shows changes in the order in which they happened. */
function checkEvents({ operations }: SimClient): void {
  const heard = operations.flatMap(({ watch }) => watch?.events ?? [])
  let last: Heard | undefined
  for (const one of heard.sort((a, b) => a.step - b.step)) {
    // An event missed meanwhile comes without its zxid.
    if (one.event.zxid === 0) continue
    if (last?.connection === one.connection) {
      invariant(one.event.zxid >= last.event.zxid, 'events come in the order of the changes')
    }
    last = one
  }
}

/**
 * An operation that begins after another has ended comes after it: writes always, reads only after
 * a sync.
 */
function checkRealTime(clients: readonly SimClient[]): void {
  const answered: { readonly operation: Operation; readonly outcome: Answered }[] = []
  for (const { operations } of clients) {
    for (const operation of operations) {
      const { outcome } = operation
      if (outcome.type === 'answered') answered.push({ operation, outcome })
    }
  }
  const ends = [...answered].sort((a, b) => a.outcome.atMs - b.outcome.atMs)
  const begins = [...answered]
    .map((one) => ({ ...one, sinceMs: startOf(one.operation) }))
    .sort((a, b) => a.sinceMs - b.sinceMs)
  let seen = 0
  let next = 0
  for (const { operation, outcome, sinceMs } of begins) {
    for (; next < ends.length; next++) {
      const end = ends[next]
      if (end === undefined || end.outcome.atMs >= sinceMs) break
      if (end.outcome.zxid > seen) seen = end.outcome.zxid
    }
    const name = nameOf(operation)
    if (isWrite(operation)) {
      invariant(outcome.zxid > seen, `${name} comes after what was seen before it was asked`)
    } else if (operation.synced?.outcome.type === 'answered') {
      invariant(outcome.zxid >= seen, `${name}, synced, shows what was seen before its sync`)
    }
  }
}

function startOf({ synced, askedMs }: Operation): number {
  return synced?.askedMs ?? askedMs
}
