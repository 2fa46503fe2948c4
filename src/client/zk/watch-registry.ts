// The watches of one client: which watchers watch which path. It outlives connections and is sent
// to the new server after each reconnect (`rearm`). Pure.
//
// The mapping from events to watches inverts section 10 of ZooKeeper's programmer's guide, as in
// ZKWatchManager.materialize.

import { parentOf } from '../../protocol/path.ts'
import type { EventType, SetWatches, WatchEvent, WatcherType } from '../../protocol/zk/messages.ts'
import type { Zxid } from '../../protocol/zxid.ts'

export type Watcher = (event: WatchEvent) => void

/**
 * `data` and `child` watch an existing znode, `exist` a missing one; these three are removed by
 * their first event. The persistent ones stay.
 */
export type WatchKind = 'data' | 'exist' | 'child' | 'persistent' | 'persistentRecursive'

const kindsOfEvent: Readonly<Record<EventType, readonly WatchKind[]>> = {
  NodeCreated: ['data', 'exist', 'persistent'],
  NodeDataChanged: ['data', 'exist', 'persistent'],
  NodeDeleted: ['data', 'exist', 'child', 'persistent'],
  NodeChildrenChanged: ['child', 'persistent'],
}

const kindsOfWatcherType: Readonly<Record<WatcherType, readonly WatchKind[]>> = {
  data: ['data', 'exist'],
  children: ['child'],
  persistent: ['persistent'],
  persistentRecursive: ['persistentRecursive'],
  any: ['data', 'exist', 'child', 'persistent', 'persistentRecursive'],
}

/** Bytes of paths in one setWatches: as in ZooKeeper's client, far below the frame limit. */
const rearmBytesMax = 128 * 1024

export class WatchRegistry {
  readonly #watchers: Readonly<Record<WatchKind, Map<string, Set<Watcher>>>> = {
    data: new Map(),
    exist: new Map(),
    child: new Map(),
    persistent: new Map(),
    persistentRecursive: new Map(),
  }

  add(kind: WatchKind, path: string, watcher: Watcher): void {
    const paths = this.#watchers[kind]
    const watchers = paths.get(path)
    if (watchers === undefined) paths.set(path, new Set([watcher]))
    else watchers.add(watcher)
  }

  /** The watchers of `event`, each once; one-shot watches are removed. */
  take(event: WatchEvent): Watcher[] {
    const told = new Set<Watcher>()
    for (const kind of kindsOfEvent[event.type]) {
      const paths = this.#watchers[kind]
      for (const watcher of paths.get(event.path) ?? []) told.add(watcher)
      if (kind !== 'persistent') paths.delete(event.path)
    }
    const recursive = this.#watchers.persistentRecursive
    if (recursive.size > 0 && event.type !== 'NodeChildrenChanged') {
      for (const path of selfAndAncestors(event.path)) {
        for (const watcher of recursive.get(path) ?? []) told.add(watcher)
      }
    }
    return [...told]
  }

  /** Whether `watcher`, or any watcher if undefined, has a watch of this type on this path. */
  has(path: string, type: WatcherType, watcher: Watcher | undefined): boolean {
    return kindsOfWatcherType[type].some((kind) => {
      const watchers = this.#watchers[kind].get(path)
      return watchers !== undefined && (watcher === undefined || watchers.has(watcher))
    })
  }

  /** Whether another watcher needs the same watch on the server. */
  isShared(path: string, type: WatcherType, watcher: Watcher): boolean {
    return kindsOfWatcherType[type].some((kind) => {
      const watchers = this.#watchers[kind].get(path)
      return watchers !== undefined && (watchers.size > 1 || !watchers.has(watcher))
    })
  }

  /** Removes one watcher, or all if undefined. */
  remove(path: string, type: WatcherType, watcher: Watcher | undefined): void {
    for (const kind of kindsOfWatcherType[type]) {
      const watchers = this.#watchers[kind].get(path)
      if (watchers === undefined) continue
      if (watcher !== undefined) watchers.delete(watcher)
      if (watcher === undefined || watchers.size === 0) this.#watchers[kind].delete(path)
    }
  }

  /** All watches as requests to a new server, each well under the frame limit; none if empty. */
  rearm(relativeZxid: Zxid): SetWatches[] {
    const requests: SetWatches[] = []
    let lists = emptyLists()
    let bytes = 0
    for (const [kind, paths] of Object.entries(this.#watchers)) {
      for (const path of paths.keys()) {
        lists[kind as WatchKind].push(path)
        bytes += Buffer.byteLength(path) + 5
        if (bytes < rearmBytesMax) continue
        // biome-ignore lint/plugin/noObjectSpread: once per reconnect
        requests.push({ type: 'setWatches', relativeZxid, ...lists })
        lists = emptyLists()
        bytes = 0
      }
    }
    // biome-ignore lint/plugin/noObjectSpread: once per reconnect
    if (bytes > 0) requests.push({ type: 'setWatches', relativeZxid, ...lists })
    return requests
  }
}

function emptyLists(): Record<WatchKind, string[]> {
  return { data: [], exist: [], child: [], persistent: [], persistentRecursive: [] }
}

function* selfAndAncestors(path: string): Generator<string> {
  let at = path
  while (at !== '/') {
    yield at
    at = parentOf(at)
  }
  yield at
}
