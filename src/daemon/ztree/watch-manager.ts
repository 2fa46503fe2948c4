// The watches on each path. Kept by each server for its own connections, in memory only.
//
// A watcher has a set of modes on a path, as bits of one number:
//
//   data, child          one-shot: removed when they fire
//   persistent           data and child events of the path, until removed
//   persistentRecursive  data events of the path and of everything below it, until removed
//
// "Data events" are NodeCreated, NodeDeleted and NodeDataChanged; NodeDeleted is for child watches
// too. A watcher receives an event once, however many of its modes match. Semantics as in ZooKeeper's
// WatchManager and DataTree. Next on the path: the reply, then storage/tree-store.ts.

import { invariant } from '../../invariant.ts'
import { parentOf } from '../../protocol/path.ts'
import type { SetWatches, WatchEvent, WatcherType } from '../../protocol/zk/messages.ts'
import { zxidZero } from '../../protocol/zxid.ts'
import type { ZTree } from './ztree.ts'

const modes = { data: 1, child: 2, persistent: 4, persistentRecursive: 8 } as const
export type WatchKind = keyof typeof modes

const allModes = 15

const modesAsked = {
  children: modes.child,
  data: modes.data,
  any: allModes,
  persistent: modes.persistent,
  persistentRecursive: modes.persistentRecursive,
} as const satisfies Record<WatcherType, number>

/** Modes that an event type fires at its own path. */
const modesFired = {
  NodeCreated: modes.data | modes.persistent | modes.persistentRecursive,
  NodeDataChanged: modes.data | modes.persistent | modes.persistentRecursive,
  NodeDeleted: allModes,
  NodeChildrenChanged: modes.child | modes.persistent,
} as const satisfies Record<WatchEvent['type'], number>

const oneShots = modes.data | modes.child

export type Notify<W, E extends WatchEvent = WatchEvent> = (watcher: W, event: E) => void

/** @typeParam W the watcher, compared by identity: a connection */
export class WatchManager<W extends object> {
  readonly #byPath = new Map<string, Map<W, number>>()
  readonly #byWatcher = new Map<W, { readonly paths: Set<string>; watchCount: number }>()
  #watchCount = 0
  #recursiveCount = 0

  /** Watches of all watchers; each mode on a path counts as one. */
  get watchCount(): number {
    return this.#watchCount
  }

  get pathCount(): number {
    return this.#byPath.size
  }

  get watcherCount(): number {
    return this.#byWatcher.size
  }

  /** Watches of one watcher. */
  countOf(watcher: W): number {
    return this.#byWatcher.get(watcher)?.watchCount ?? 0
  }

  /** Paths with a watch that is not only for children, with its watchers; for reports. */
  *dataWatches(): Generator<{ readonly path: string; readonly watchers: readonly W[] }> {
    for (const [path, all] of this.#byPath) {
      const watchers = [...all].filter(([, kinds]) => kinds !== modes.child).map(([one]) => one)
      if (watchers.length > 0) yield { path, watchers }
    }
  }

  /** Idempotent. As in reads, the empty path is an alias of `/`. */
  add(asked: string, kind: WatchKind, watcher: W): void {
    const path = keyOf(asked)
    const watchers = this.#byPath.get(path)
    if (watchers === undefined) {
      this.#byPath.set(path, new Map([[watcher, 0]]))
    } else if (!watchers.has(watcher)) watchers.set(watcher, 0)
    let watching = this.#byWatcher.get(watcher)
    if (watching === undefined) {
      watching = { paths: new Set(), watchCount: 0 }
      this.#byWatcher.set(watcher, watching)
    }
    watching.paths.add(path)
    this.#set(path, watcher, this.#modesOf(path, watcher) | modes[kind])
  }

  /** @returns whether the watcher has such a watch on exactly this path */
  has(path: string, type: WatcherType, watcher: W): boolean {
    return (this.#modesOf(keyOf(path), watcher) & modesAsked[type]) !== 0
  }

  /** @returns whether the watcher had such a watch on exactly this path */
  remove(asked: string, type: WatcherType, watcher: W): boolean {
    const path = keyOf(asked)
    const before = this.#modesOf(path, watcher)
    const after = before & ~modesAsked[type]
    if (after === before) return false
    this.#set(path, watcher, after)
    return true
  }

  /** Removes a watcher that is gone, with all its watches. */
  dropWatcher(watcher: W): void {
    const watching = this.#byWatcher.get(watcher)
    if (watching === undefined) return
    for (const path of [...watching.paths]) this.#set(path, watcher, 0)
  }

  /**
   * Calls `notify` once for each watcher of `event`, and removes one-shot watches.
   *
   * @returns the number of watchers
   */
  trigger<E extends WatchEvent>(event: E, notify: Notify<W, E>): number {
    if (this.#watchCount === 0) return 0
    if (this.#recursiveCount > 0 && event.type !== 'NodeChildrenChanged') {
      return this.#triggerUpwards(event, notify)
    }
    const watchers = this.#byPath.get(event.path)
    if (watchers === undefined) return 0
    const hearing = this.#fire(event, watchers)
    for (const watcher of hearing) notify(watcher, event)
    return hearing.length
  }

  /** The same with recursive watches on any ancestor: a walk up the path, not a scan. */
  #triggerUpwards<E extends WatchEvent>(event: E, notify: Notify<W, E>): number {
    const notified = new Set<W>()
    const own = this.#byPath.get(event.path)
    if (own !== undefined) for (const watcher of this.#fire(event, own)) notified.add(watcher)
    for (let path = event.path; path !== '/'; ) {
      path = parentOf(path)
      const watchers = this.#byPath.get(path)
      if (watchers === undefined) continue
      for (const [watcher, kinds] of watchers) {
        if ((kinds & modes.persistentRecursive) !== 0) notified.add(watcher)
      }
    }
    for (const watcher of notified) notify(watcher, event)
    return notified.size
  }

  /** Collected before the first notification: a watcher may add or drop watches in reaction. */
  #fire(event: WatchEvent, watchers: Map<W, number>): W[] {
    const fired = modesFired[event.type]
    const hearing: W[] = []
    for (const [watcher, kinds] of watchers) {
      if ((kinds & fired) === 0) continue
      hearing.push(watcher)
      if ((kinds & fired & oneShots) !== 0) {
        this.#set(event.path, watcher, kinds & ~(fired & oneShots))
      }
    }
    return hearing
  }

  #modesOf(path: string, watcher: W): number {
    return this.#byPath.get(path)?.get(watcher) ?? 0
  }

  /** The only place that changes modes, so that tables and counts agree; 0 removes the pair. */
  #set(path: string, watcher: W, after: number): void {
    const watchers = this.#byPath.get(path)
    const watching = this.#byWatcher.get(watcher)
    invariant(watchers !== undefined && watching !== undefined, 'both tables know a watch')
    const before = watchers.get(watcher) ?? 0
    const added = bitCount(after) - bitCount(before)
    this.#watchCount += added
    watching.watchCount += added
    const recursive = modes.persistentRecursive
    this.#recursiveCount += ((after & recursive) - (before & recursive)) / recursive
    if (after !== 0) {
      watchers.set(watcher, after)
      return
    }
    watchers.delete(watcher)
    if (watchers.size === 0) this.#byPath.delete(path)
    watching.paths.delete(path)
    if (watching.paths.size === 0) this.#byWatcher.delete(watcher)
  }
}

function keyOf(path: string): string {
  return path === '' ? '/' : path
}

function bitCount(kinds: number): number {
  return (kinds & 1) + ((kinds >> 1) & 1) + ((kinds >> 2) & 1) + ((kinds >> 3) & 1)
}

/**
 * Takes over a reconnected client's watches. A watch whose znode changed after `relativeZxid`, the
 * last zxid that the client saw, fires immediately and is not armed; persistent ones are only
 * armed.
 */
export function rearmWatches<W extends object>(
  request: SetWatches,
  { tree, watches, watcher }: { tree: ZTree; watches: WatchManager<W>; watcher: W },
  notify: Notify<W>,
): void {
  const fire = (type: WatchEvent['type'], path: string): void => {
    notify(watcher, { type, path, zxid: zxidZero })
  }
  const seen = request.relativeZxid
  for (const path of request.data) {
    const znode = tree.get(path)
    if (znode === undefined) fire('NodeDeleted', path)
    else if (znode.mzxid > seen) fire('NodeDataChanged', path)
    else watches.add(path, 'data', watcher)
  }
  for (const path of request.exist) {
    if (tree.get(path) !== undefined) fire('NodeCreated', path)
    else watches.add(path, 'data', watcher)
  }
  for (const path of request.child) {
    const znode = tree.get(path)
    if (znode === undefined) fire('NodeDeleted', path)
    else if (znode.pzxid > seen) fire('NodeChildrenChanged', path)
    else watches.add(path, 'child', watcher)
  }
  for (const path of request.persistent) watches.add(path, 'persistent', watcher)
  for (const path of request.persistentRecursive) watches.add(path, 'persistentRecursive', watcher)
}
