// Children: znodes that are created once, under a unique name, sequential or not, ephemeral or not.
// Listings say which of them exist; the parent's pzxid says as of when.
//
// An acknowledged one exists exactly once, until it is deleted or its session ends; a refused one
// never; the rest at most once. Numbers are unique and rise. Ephemerals live exactly as long as
// their sessions.

import { basename, parentOf } from '../../src/protocol/path.ts'
import type { Zxid } from '../../src/protocol/zxid.ts'
import { byEnd, type Facts, sequenceOf, type Violation, writerOf } from './facts.ts'
import {
  type History,
  type Operation,
  type Sight,
  sightsOf,
  type Tick,
  writesOf,
} from './history.ts'

interface Child {
  readonly operation: Operation
  readonly ephemeral: boolean
  readonly sequential: boolean
  /** once acknowledged, or seen in another part of its multi */
  readonly created: { readonly name: string; readonly czxid: Zxid } | undefined
}

interface Listing {
  readonly operation: Operation
  readonly names: readonly string[]
  readonly pzxid: Zxid
}

export function checkChildren(history: History, facts: Facts): Violation[] {
  const children = childrenByParent(history, facts)
  const listings = listingsByParent(history)
  const deletes = deletesByPath(history)
  const lastActive = lastActivity(history)
  const violations: Violation[] = []
  for (const parent of new Set([...children.keys(), ...listings.keys()])) {
    const family = new Family(
      parent,
      children.get(parent) ?? new Map(),
      history,
      deletes,
      lastActive,
    )
    violations.push(...family.check(listings.get(parent) ?? []))
  }
  return violations
}

class Family {
  readonly #parent: string
  readonly #children: ReadonlyMap<number, Child>
  readonly #history: History
  readonly #deletes: ReadonlyMap<string, readonly Operation[]>
  readonly #lastActive: ReadonlyMap<number, Tick>
  readonly #violations: Violation[] = []
  /** The name under which each creator's child was seen. */
  readonly #nameOf = new Map<number, string>()
  readonly #creatorOf = new Map<number, number>()

  constructor(
    parent: string,
    children: ReadonlyMap<number, Child>,
    history: History,
    deletes: ReadonlyMap<string, readonly Operation[]>,
    lastActive: ReadonlyMap<number, Tick>,
  ) {
    this.#parent = parent
    this.#children = children
    this.#history = history
    this.#deletes = deletes
    this.#lastActive = lastActive
  }

  check(listings: readonly Listing[]): Violation[] {
    for (const [creator, { created }] of this.#children) {
      if (created !== undefined) this.#known(creator, created.name, creator)
    }
    this.#checkNumbers()
    for (const listing of listings) {
      this.#checkNames(listing)
      this.#checkCreated(listing)
      this.#checkRemoved(listing)
    }
    this.#checkSuccession(listings)
    return this.#violations
  }

  /** One creator, one name; one number, one creator. */
  #known(creator: number, name: string, operation: number): void {
    const before = this.#nameOf.get(creator)
    if (before === name) return
    if (before !== undefined) {
      return this.#report('at most once', operation, `${creator} created ${before} and ${name}`)
    }
    this.#nameOf.set(creator, name)
    if (this.#children.get(creator)?.sequential !== true) return
    const number = sequenceOf(name)
    const other = this.#creatorOf.get(number)
    if (other !== undefined) {
      this.#report('numbers are unique', operation, `${other} and ${creator} got number ${number}`)
    }
    this.#creatorOf.set(number, creator)
  }

  #checkNumbers(): void {
    const created = [...this.#children.values()]
      .filter(({ sequential }) => sequential)
      .flatMap(({ operation, created }) =>
        created === undefined ? [] : [{ operation, ...created }],
      )
      .sort((a, b) => a.czxid - b.czxid)
    for (const [i, { operation, name }] of created.entries()) {
      const before = created[i - 1]
      if (before === undefined || sequenceOf(before.name) < sequenceOf(name)) continue
      this.#report('numbers rise', operation.id, `${name} was created after ${before.name}`)
    }
  }

  /** Every name has a creator that could have created it. */
  #checkNames({ operation, names, pzxid }: Listing): void {
    if (new Set(names).size !== names.length) {
      this.#report('at most once', operation.id, 'a name is listed twice')
    }
    for (const name of names) {
      const creator = writerOf(name)
      const child = creator === undefined ? undefined : this.#children.get(creator)
      if (creator === undefined || child === undefined) {
        this.#report('nothing from nowhere', operation.id, `no operation created ${name}`)
        continue
      }
      this.#known(creator, name, operation.id)
      const { outcome, begins } = child.operation
      if (outcome.type === 'refused') {
        this.#report('refused is never', operation.id, `${name} was refused (${outcome.code})`)
      } else if (begins > operation.ends) {
        this.#report('nothing from nowhere', operation.id, `${name} was not asked for yet`)
      } else if (child.created !== undefined && child.created.czxid > pzxid) {
        this.#report('one history', operation.id, `${name} is listed before it was created`)
      }
    }
  }

  /** A child created by the time of the listing is in it, unless something can have removed it. */
  #checkCreated({ operation, names, pzxid }: Listing): void {
    const present = new Set(names)
    for (const child of this.#children.values()) {
      const { created } = child
      if (created === undefined || created.czxid > pzxid || present.has(created.name)) continue
      if (this.#maybeRemoved(child, created.name, operation.ends)) continue
      const rule = child.ephemeral ? 'ephemerals live with their session' : 'acknowledged is kept'
      this.#report(rule, operation.id, `${created.name} is missing`)
    }
  }

  #maybeRemoved({ operation, ephemeral }: Child, name: string, by: Tick): boolean {
    if (this.#deletesOf(name).some((del) => del.outcome.type !== 'refused' && del.begins < by)) {
      return true
    }
    // A session with a later answered request was alive.
    return ephemeral && (this.#lastActive.get(operation.session) ?? 0) < by
  }

  /** A child removed before a synced listing began is not in it. */
  #checkRemoved({ operation, names }: Listing): void {
    const { call, begins } = operation
    if (call.type !== 'getChildren' || !call.synced) return
    for (const name of names) {
      const child = this.#children.get(writerOf(name) ?? 0)
      if (child === undefined) continue
      if (this.#deletesOf(name).some((del) => del.outcome.type === 'ok' && del.ends < begins)) {
        this.#report('acknowledged is kept', operation.id, `${name} was deleted`)
      }
      const over = this.#history.sessionsOver.get(child.operation.session)
      if (child.ephemeral && over !== undefined && over < begins) {
        this.#report('ephemerals go with their session', operation.id, `${name} is still there`)
      }
    }
  }

  /**
   * In the order of the parent's changes: equal changes, equal names; a removed child stays
   * removed.
   */
  #checkSuccession(listings: readonly Listing[]): void {
    const gone = new Set<string>()
    let before: { readonly names: ReadonlySet<string>; readonly pzxid: Zxid } | undefined
    for (const { operation, names, pzxid } of [...listings].sort((a, b) => a.pzxid - b.pzxid)) {
      const present = new Set(names)
      for (const name of before?.names ?? []) if (!present.has(name)) gone.add(name)
      const back = names.find((name) => gone.has(name))
      if (back !== undefined) this.#report('one history', operation.id, `${back} came back`)
      if (before?.pzxid === pzxid && !sameSet(before.names, present)) {
        this.#report('one history', operation.id, `two lists as of 0x${pzxid.toString(16)}`)
      }
      before = { names: present, pzxid }
    }
  }

  #deletesOf(name: string): readonly Operation[] {
    const parent = this.#parent === '/' ? '' : this.#parent
    return this.#deletes.get(`${parent}/${name}`) ?? []
  }

  #report(rule: string, operation: number, found: string): void {
    this.#violations.push({ rule, operation, found: `${this.#parent}: ${found}` })
  }
}

/** By parent, then creator. */
function childrenByParent(history: History, facts: Facts): Map<string, Map<number, Child>> {
  const byParent = new Map<string, Map<number, Child>>()
  for (const operation of history.operations) {
    for (const write of writesOf(operation.call)) {
      if (write.type !== 'create' || writerOf(childName(write.path)) === undefined) continue
      const sequential = write.mode.endsWith('Sequential')
      const sight = sightsOf(operation).find(({ path }) => path.startsWith(write.path))
      // All parts of a multi have one zxid: a part that was seen proves this one.
      const seen = sequential ? undefined : facts.seenAt.get(operation.id)
      const czxid = sight?.stat.czxid ?? seen
      const created = czxid && { name: basename(sight?.path ?? write.path), czxid }
      const parent = parentOf(write.path)
      const family = byParent.get(parent) ?? new Map<number, Child>()
      byParent.set(parent, family)
      family.set(operation.id, {
        operation,
        ephemeral: write.mode.startsWith('ephemeral'),
        sequential,
        created,
      })
    }
  }
  return byParent
}

/** As it would be named with a number, if it is sequential. */
function childName(path: string): string {
  return path.endsWith('-') ? `${basename(path)}0000000000` : basename(path)
}

function listingsByParent(history: History): Map<string, Listing[]> {
  const byParent = new Map<string, Listing[]>()
  for (const operation of [...history.operations].sort(byEnd)) {
    for (const sight of sightsOf(operation)) {
      const listing = listingOf(operation, sight)
      if (listing === undefined) continue
      const known = byParent.get(sight.path)
      if (known === undefined) byParent.set(sight.path, [listing])
      else known.push(listing)
    }
  }
  return byParent
}

function listingOf(operation: Operation, { children, stat }: Sight): Listing | undefined {
  return children && { operation, names: children, pzxid: stat.pzxid }
}

function deletesByPath(history: History): Map<string, Operation[]> {
  const deletes = new Map<string, Operation[]>()
  for (const operation of history.operations) {
    for (const write of writesOf(operation.call)) {
      if (write.type !== 'delete') continue
      const known = deletes.get(write.path)
      if (known === undefined) deletes.set(write.path, [operation])
      else known.push(operation)
    }
  }
  return deletes
}

/** When each session last began an operation that was then answered. */
function lastActivity(history: History): Map<number, Tick> {
  const last = new Map<number, Tick>()
  for (const { session, begins, outcome, call } of history.operations) {
    if (outcome.type !== 'ok' || call.type === 'closeSession') continue
    last.set(session, Math.max(last.get(session) ?? 0, begins))
  }
  return last
}

function sameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((name) => b.has(name))
}
