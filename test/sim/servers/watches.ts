// The rules of watches: each fires at the first change after it was set, before its client is shown
// that change; a persistent one fires at each change, in order, while its connection lasts.

import { invariant } from '../../../src/invariant.ts'
import type { EventType, ReplyBody } from '../../../src/protocol/zk/messages.ts'
import { formatZxid, type Zxid } from '../../../src/protocol/zxid.ts'
import type { SimClient } from './client.ts'
import { type Answered, nameOf, type Operation, type Watch } from './operation.ts'
import type { Change } from './tree-model.ts'

interface Armed {
  readonly watch: Watch
  readonly path: string
  readonly kind: 'data' | 'exist' | 'child'
}

export class WatchJudge {
  readonly #clients: ReadonlyMap<string, SimClient>
  readonly #armed = new Map<string, Armed[]>()
  /** every change, and from which on each persistent watch has to fire */
  readonly #changes: { readonly change: Change; readonly zxid: Zxid }[] = []
  readonly #persistent: { readonly watch: Watch; readonly since: number }[] = []
  /** creations for which no watch has fired so far */
  #missed: { readonly path: string; readonly watch: Watch; readonly by: Zxid }[] = []

  constructor(clients: readonly SimClient[]) {
    this.#clients = new Map(clients.map((client) => [client.name, client]))
  }

  /** The transaction at `zxid` changed this. */
  changed(changes: readonly Change[], zxid: Zxid): void {
    for (const change of changes) {
      this.#changes.push({ change, zxid })
      this.#fire(change, zxid)
    }
    this.#checkMissed(zxid)
  }

  end(): void {
    for (const armed of this.#armed.values()) {
      for (const { watch } of armed) {
        invariant(watch.events.length === 0, `${nameOf(watch.operation)} heard of a change`)
      }
    }
    for (const { watch, since } of this.#persistent) this.#checkPersistent(watch, since)
  }

  /** The read that set it was answered after the changes so far. */
  arm(watch: Watch, body: ReplyBody): void {
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
   * A client that waits for a znode, and has no connection while it appears and disappears, gets no
   * event: on its return the znode is missing, as before, and the watch is set again.
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
   * While its connection lasts, a persistent watch fires at each change, in order, before its
   * client is shown the change.
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

  /** The znode must have disappeared by the time the client was back. */
  #checkMissed(zxid: Zxid): void {
    for (const { by, watch } of this.#missed) {
      invariant(by > zxid, `the watch of ${nameOf(watch.operation)} misses nothing`)
    }
  }

  /** When the client of a watch was first shown this zxid. */
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
    // Events that a client missed without a connection have no zxid.
    if (event.zxid === 0) return
    invariant(event.zxid >= zxid, `the watch of ${name} tells of a change after it was set`)
    if (event.zxid !== zxid) return
    invariant(event.type === type, `the watch of ${name} tells of ${type}, not ${event.type}`)
  }
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

/** Whether the persistent watch that `operation` set fires at `change`. */
function isFor({ request }: Operation, change: Change): boolean {
  if (request.type !== 'addWatch') return false
  if (request.mode === 'persistent') return change.path === request.path
  if (change.type === 'children') return false
  return change.path === request.path || change.path.startsWith(`${request.path}/`)
}
