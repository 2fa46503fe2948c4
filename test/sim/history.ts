// Does what the clients saw fit what the servers agreed on? The order of committed transactions is known,
// so judging a run is one walk along it: every transaction is the effect of one request, in the order
// of its session, with the outcome that the model gives; every read shows the model at its zxid; every
// watch fires at the first change after it was set, and before the client is shown that change.

import type { Txn } from '../../src/daemon/ztree/txn.ts'
import { invariant } from '../../src/invariant.ts'
import { errorCodes } from '../../src/protocol/error-codes.ts'
import type { SessionId, Stat } from '../../src/protocol/records.ts'
import type { EventType, MultiResult, ReplyBody } from '../../src/protocol/zk/messages.ts'
import { formatZxid, type Zxid } from '../../src/protocol/zxid.ts'
import type { Heard, Operation, SimClient, Watch } from './client.ts'
import type { Committed } from './server-checker.ts'
import { type Change, type ModelWrite, TreeModel, textOf } from './tree-model.ts'

type Answered = Extract<Operation['outcome'], { type: 'answered' }>

interface Armed {
  readonly watch: Watch
  readonly path: string
  readonly kind: 'data' | 'exist' | 'child'
}

/** @returns the tree as it must be now, on every server. @throws InvariantError */
export function checkHistory(
  order: readonly Committed[],
  clients: readonly SimClient[],
): TreeModel {
  for (const client of clients) {
    checkOneByOne(client)
    checkEvents(client)
  }
  checkRealTime(clients)
  return new Walk(clients).along(order)
}

class Walk {
  readonly #model = new TreeModel()
  readonly #writes = new Map<SessionId, Operation[]>()
  /** of each session, how many of its writes lie behind */
  readonly #matched = new Map<SessionId, number>()
  readonly #reads = new Map<Zxid, Operation[]>()
  readonly #armed = new Map<string, Armed[]>()
  readonly #clients = new Map<string, SimClient>()
  /** sessions of which a transaction may be the effect of one of two requests */
  readonly #ambiguous = new Set<SessionId>()
  /** every change, and what each persistent watch is told */
  readonly #changes: { readonly change: Change; readonly zxid: Zxid }[] = []
  readonly #persistent: { readonly watch: Watch; readonly since: number }[] = []
  /** creations that a watch did not tell of, so far */
  #missed: { readonly path: string; readonly watch: Watch; readonly by: Zxid }[] = []

  constructor(clients: readonly SimClient[]) {
    for (const client of clients) {
      this.#clients.set(client.name, client)
      for (const operation of client.operations) this.#note(operation)
    }
  }

  along(order: readonly Committed[]): TreeModel {
    this.#readsAt(0 as Zxid)
    for (const { zxid, txn } of order) {
      this.#apply(zxid, txn)
      for (const change of this.#model.changes) {
        this.#changes.push({ change, zxid })
        this.#fire(change, zxid)
      }
      this.#checkMissed(zxid)
      this.#readsAt(zxid)
    }
    this.#nothingIsLeft()
    for (const { watch, since } of this.#persistent) this.#checkPersistent(watch, since)
    return this.#model
  }

  #note(operation: Operation): void {
    const { request, outcome, session } = operation
    if (isWrite(operation)) {
      const writes = this.#writes.get(session)
      if (writes === undefined) this.#writes.set(session, [operation])
      else writes.push(operation)
    } else if (outcome.type === 'answered' && request.type !== 'sync') {
      const reads = this.#reads.get(outcome.zxid)
      if (reads === undefined) this.#reads.set(outcome.zxid, [operation])
      else reads.push(operation)
    }
  }

  #apply(zxid: Zxid, { session, body }: Txn): void {
    const model = this.#model
    model.changes = []
    if (body.type === 'createSession') {
      model.sessions.add(zxid)
      return
    }
    if (body.type === 'closeSession') {
      model.closeSession(zxid, session)
      return
    }
    const refusal = body.type === 'error' ? body.code : errorCodes.OK
    // Sent over a connection that its session has left: it may come late, and is of no effect.
    if (refusal === errorCodes.SESSIONMOVED) return
    const operation = this.#operationOf(zxid, session, body)
    if (operation === undefined) return
    if (refusal === errorCodes.SESSIONEXPIRED) {
      invariant(!model.sessions.has(session), 'a session that is refused has ended')
      return
    }
    invariant(model.sessions.has(session), `nothing happens for a session that has ended: ${zxid}`)
    const expected = model.write(zxid, session, operation.request as ModelWrite)
    const { outcome } = operation
    if (outcome.type === 'answered') same(operation, outcome.body, expected)
    const fails =
      expected.type === 'multi' ? expected.results.some(isFailed) : expected.type === 'error'
    invariant(
      (body.type === 'error') === fails,
      `${nameOf(operation)} has the effect that it should at ${formatZxid(zxid)}`,
    )
  }

  /** A session's transactions are its writes, in order; those left out are of unknown outcome. */
  #operationOf(zxid: Zxid, session: SessionId, body: Txn['body']): Operation | undefined {
    const writes = this.#writes.get(session)
    if (writes === undefined) {
      // The answer that told the client its session was lost with everything it then asked.
      invariant(body.type === 'error', 'what happens was asked for')
      return undefined
    }
    let at = this.#matched.get(session) ?? 0
    for (; at < writes.length; at++) {
      const operation = writes[at] as Operation
      const { outcome } = operation
      if (outcome.type === 'answered') {
        invariant(
          outcome.zxid === zxid,
          `${nameOf(operation)}, answered at ${formatZxid(outcome.zxid)}, is next of its session, not ${formatZxid(zxid)} ${JSON.stringify(body)}`,
        )
        break
      }
      if (this.#answeredLater(writes, at, zxid)) continue
      if (isEffectOf(body, operation) && this.#mayBeRefused(zxid, body, operation)) break
    }
    const operation = writes[at]
    invariant(operation !== undefined, `what happens was asked for, once: ${formatZxid(zxid)}`)
    invariant(isEffectOf(body, operation), `${nameOf(operation)} has its own effect`)
    invariant(
      outcomeAllows(operation),
      `${nameOf(operation)} was never sent, and has no effect: ${formatZxid(zxid)}`,
    )
    this.#checkFirstInFirstOut(writes, at, body)
    this.#matched.set(session, at + 1)
    return operation
  }

  /** Of what was sent over one connection nothing happens if something sent before it did not. */
  #checkFirstInFirstOut(writes: readonly Operation[], at: number, body: Txn['body']): void {
    const operation = writes[at] as Operation
    const { session, outcome, connection } = operation
    // A refusal, or a delete, might be that of a later request which is just like this one.
    if (outcome.type === 'answered') this.#ambiguous.delete(session)
    else if (body.type === 'error' || body.type === 'delete') this.#ambiguous.add(session)
    const ambiguous = this.#ambiguous.has(session)
    for (const skipped of writes.slice(this.#matched.get(session) ?? 0, at)) {
      invariant(
        ambiguous || skipped.connection !== connection || !outcomeAllows(skipped),
        `${nameOf(operation)} happens behind ${nameOf(skipped)}, which did not`,
      )
    }
  }

  /** A refusal does not say of what: only what the model refuses in the same way can be meant. */
  #mayBeRefused(zxid: Zxid, body: Txn['body'], { request, session }: Operation): boolean {
    if (body.type !== 'error' || isOver(body.code)) return true
    const expected = this.#model.tryWrite(zxid, session, request as ModelWrite)
    if (expected.type === 'error') return expected.code === body.code
    const part = expected.type === 'multi' ? expected.results[body.failedAt] : undefined
    return part?.type === 'error' && part.code === body.code
  }

  #answeredLater(writes: readonly Operation[], at: number, zxid: Zxid): boolean {
    for (let i = at + 1; i < writes.length; i++) {
      const { outcome } = writes[i] as Operation
      if (outcome.type === 'answered') return outcome.zxid === zxid
    }
    return false
  }

  #nothingIsLeft(): void {
    for (const [session, writes] of this.#writes) {
      for (const operation of writes.slice(this.#matched.get(session) ?? 0)) {
        const { outcome } = operation
        const found = outcome.type === 'answered' ? formatZxid(outcome.zxid) : ''
        invariant(outcome.type !== 'answered', `${nameOf(operation)} is kept: ${found}`)
      }
    }
    for (const [zxid, [read]] of this.#reads) {
      invariant(read === undefined, `what ${read && nameOf(read)} saw was committed: ${zxid}`)
    }
    for (const armed of this.#armed.values()) {
      for (const { watch } of armed) {
        invariant(watch.events.length === 0, `${nameOf(watch.operation)} heard of a change`)
      }
    }
  }

  // --- reads and watches -------------------------------------------------------------------------

  #readsAt(zxid: Zxid): void {
    const reads = this.#reads.get(zxid)
    if (reads === undefined) return
    this.#reads.delete(zxid)
    for (const operation of reads) {
      const { body } = operation.outcome as Answered
      this.#checkRead(operation, body)
      if (operation.watch !== undefined) this.#arm(operation.watch, body)
    }
  }

  #checkRead(operation: Operation, body: ReplyBody): void {
    const { request } = operation
    const absent = this.#model.read(request)
    if (absent !== undefined || body.type === 'error') {
      return same(operation, body, absent ?? { type: 'ok' })
    }
    if (!('path' in request) || !('stat' in body)) return
    const node = this.#model.nodes.get(request.path)
    sameStat(operation, body.stat, this.#model.stat(request.path))
    if (body.type === 'getData') {
      invariant(textOf(body.data) === node?.data, `${nameOf(operation)} shows the data of its zxid`)
    } else if (body.type === 'getChildren') {
      invariant(
        [...body.children].sort().join() === [...(node?.children ?? [])].sort().join(),
        `${nameOf(operation)} shows the children of its zxid`,
      )
    }
  }

  #arm(watch: Watch, body: ReplyBody): void {
    const { request } = watch.operation
    if (!('path' in request)) return
    if (request.type === 'addWatch') {
      this.#persistent.push({ watch, since: this.#changes.length })
      return
    }
    const absent = body.type === 'error'
    if (absent && request.type !== 'exists') return
    const kind = absent ? 'exist' : request.type === 'getChildren' ? 'child' : 'data'
    const armed = this.#armed.get(request.path) ?? []
    this.#armed.set(request.path, armed)
    armed.push({ watch, path: request.path, kind })
  }

  /** One-shot watches end at their first change. */
  #fire(change: Change, zxid: Zxid): void {
    if (change.type === 'deleted') {
      this.#missed = this.#missed.filter(({ path }) => path !== change.path)
    }
    const armed = this.#armed.get(change.path)
    if (armed === undefined) return
    const left: Armed[] = []
    for (const one of armed) {
      const type = eventOf(change, one.kind)
      if (type === undefined || this.#mayBeMissed(one, zxid)) left.push(one)
      else this.#checkFired(one.watch, type, zxid)
    }
    this.#armed.set(change.path, left)
  }

  /**
   * Who waits for a znode to appear, and has no connection while it comes and goes, cannot be told: on
   * return there is nothing, as before, and the watch is set again.
   */
  #mayBeMissed({ kind, path, watch }: Armed, zxid: Zxid): boolean {
    const { operation, events } = watch
    const shown = this.#shown(watch, zxid)
    const { connection } = operation.outcome as Answered
    if (kind !== 'exist' || shown === undefined || shown.connection === connection) return false
    const [first] = events
    if (first !== undefined && first.step < shown.step) return false
    this.#missed.push({ path, watch, by: shown.zxid })
    return true
  }

  /**
   * As long as its connection lasts, a persistent watch is told of each change, in order, and before
   * its client is shown it.
   */
  #checkPersistent({ operation, events }: Watch, since: number): void {
    const { connection } = operation.outcome as Answered
    const heard = events.filter((one) => one.connection === connection)
    const due = this.#changes.slice(since).filter(({ change }) => isFor(operation, change))
    const name = nameOf(operation)
    for (const [i, { event }] of heard.entries()) {
      const next = due[i]
      invariant(next !== undefined, `the watch of ${name} tells of what happened`)
      const { change, zxid } = next
      invariant(
        event.zxid === zxid && event.path === change.path && event.type === eventTypes[change.type],
        `the watch of ${name} tells of ${change.type} ${change.path} at ${formatZxid(zxid)}, not of ${event.type} ${event.path} at ${formatZxid(event.zxid)}`,
      )
    }
    const shown = this.#clients
      .get(operation.client)
      ?.progress.filter((seen) => seen.connection === connection)
    for (const [i, { zxid }] of due.entries()) {
      const first = shown?.find((seen) => seen.zxid >= zxid)
      if (first === undefined) return
      invariant(
        (heard[i]?.step ?? Number.POSITIVE_INFINITY) < first.step,
        `the watch of ${name} tells of ${formatZxid(zxid)} before it is shown`,
      )
    }
  }

  /** It must have gone by when the client was back. */
  #checkMissed(zxid: Zxid): void {
    for (const { by, watch } of this.#missed) {
      invariant(by > zxid, `the watch of ${nameOf(watch.operation)} misses nothing`)
    }
  }

  /** When the client of a watch was first shown so much. */
  #shown({ operation }: Watch, zxid: Zxid): SimClient['progress'][number] | undefined {
    const { step } = operation.outcome as Answered
    return this.#clients
      .get(operation.client)
      ?.progress.find(
        (seen) => seen.session === operation.session && seen.step > step && seen.zxid >= zxid,
      )
  }

  #checkFired(watch: Watch, type: EventType, zxid: Zxid): void {
    const { operation, events } = watch
    const [first, ...more] = events
    const name = nameOf(operation)
    invariant(more.length === 0, `the watch of ${name} fires once`)
    const shown = this.#shown(watch, zxid)
    if (first === undefined) {
      invariant(shown === undefined, `the watch of ${name} misses nothing: ${formatZxid(zxid)}`)
      return
    }
    invariant(
      shown === undefined || first.step < shown.step,
      `the watch of ${name} fires before its client is shown ${formatZxid(zxid)}`,
    )
    const { event } = first
    // What a client missed while it had no connection is told without its zxid.
    if (event.zxid === 0) return
    invariant(event.zxid >= zxid, `the watch of ${name} tells of a change after it was set`)
    if (event.zxid !== zxid) return
    invariant(event.type === type, `the watch of ${name} tells of ${type}, not ${event.type}`)
  }
}

// --- one client, and all of them, by the clock ---------------------------------------------------

/** Each session is answered in the order of its requests, and never taken back. */
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

/** What one connection tells, it tells in the order in which it happened. */
function checkEvents({ operations }: SimClient): void {
  const heard = operations.flatMap(({ watch }) => watch?.events ?? [])
  let last: Heard | undefined
  for (const one of heard.sort((a, b) => a.step - b.step)) {
    // What was missed meanwhile is told without its zxid.
    if (one.event.zxid === 0) continue
    if (last?.connection === one.connection) {
      invariant(one.event.zxid >= last.event.zxid, 'events come in the order of the changes')
    }
    last = one
  }
}

/** Who begins after another has ended comes after it: writes always, reads behind a sync too. */
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

// --- small things --------------------------------------------------------------------------------

function isWrite({ request }: Operation): boolean {
  switch (request.type) {
    case 'create':
    case 'delete':
    case 'setData':
    case 'multi':
      return true
    default:
      return false
  }
}

/** Whether the transaction could be what the leader made of the request. */
function isEffectOf(body: Txn['body'], { request }: Operation): boolean {
  if (body.type === 'error')
    return body.partCount > 0 === (request.type === 'multi') || isOver(body.code)
  if (body.type !== request.type) return false
  switch (body.type) {
    case 'create':
      return request.type === 'create' && textOf(body.data) === textOf(request.data)
    case 'setData':
      return request.type === 'setData' && textOf(body.data) === textOf(request.data)
    case 'delete':
      return request.type === 'delete' && body.path === request.path
    case 'multi': {
      if (request.type !== 'multi' || body.changes.length !== request.ops.length) return false
      const dataOf = (one: object): string | null =>
        'data' in one ? textOf(one.data as Uint8Array | null) : ''
      return body.changes.every((change, i) => dataOf(change) === dataOf(request.ops[i] ?? {}))
    }
    default:
      return false
  }
}

function isOver(code: number): boolean {
  return code === errorCodes.SESSIONEXPIRED || code === errorCodes.SESSIONMOVED
}

/** A request that failed without being sent cannot have happened. */
function outcomeAllows({ outcome }: Operation): boolean {
  return outcome.type !== 'failed' || outcome.code === 'CONNECTIONLOSS'
}

function isFailed(result: MultiResult): boolean {
  return result.type === 'error' && result.code !== errorCodes.OK
}

function eventOf({ type }: Change, kind: Armed['kind']): EventType | undefined {
  switch (type) {
    case 'created':
      return kind === 'child' ? undefined : 'NodeCreated'
    case 'deleted':
      return kind === 'exist' ? undefined : 'NodeDeleted'
    case 'data':
      return kind === 'child' ? undefined : 'NodeDataChanged'
    case 'children':
      return kind === 'child' ? 'NodeChildrenChanged' : undefined
  }
}

const eventTypes = {
  created: 'NodeCreated',
  deleted: 'NodeDeleted',
  data: 'NodeDataChanged',
  children: 'NodeChildrenChanged',
} as const satisfies Record<Change['type'], EventType>

/** Whether the persistent watch that `operation` set hears of `change`. */
function isFor({ request }: Operation, change: Change): boolean {
  if (request.type !== 'addWatch') return false
  if (request.mode === 'persistent') return change.path === request.path
  if (change.type === 'children') return false
  return change.path === request.path || change.path.startsWith(`${request.path}/`)
}

function same(operation: Operation, answer: ReplyBody, expected: { readonly type: string }): void {
  const [a, b] = [describe(answer), describe(expected)]
  invariant(a === b, `${nameOf(operation)} is answered with ${b}, not ${a}`)
}

function sameStat(operation: Operation, stat: Stat, expected: object | undefined): void {
  const [a, b] = [describeStat(stat), describeStat(expected)]
  invariant(a === b, `${nameOf(operation)} shows the stat of its zxid, ${b}, not ${a}`)
}

function describe(body: object & { readonly type: string }): string {
  const parts: string[] = [body.type]
  if ('code' in body) parts.push(String(body.code))
  if ('path' in body && body.type === 'create') parts.push(String(body.path))
  if ('stat' in body) parts.push(describeStat(body.stat as Stat))
  if ('results' in body) parts.push(...(body.results as { readonly type: string }[]).map(describe))
  return parts.join(' ')
}

function describeStat(stat: object | undefined): string {
  if (stat === undefined) return 'none'
  const { czxid, mzxid, pzxid, version, ephemeralOwner, numChildren } = stat as Stat
  return [czxid, mzxid, pzxid, version, ephemeralOwner, numChildren].join('/')
}

export function nameOf({ client, issued, request, session }: Operation): string {
  const path = 'path' in request ? ` ${request.path}` : ''
  return `${client}#${issued} ${request.type}${path} (session ${session.toString(16)})`
}
