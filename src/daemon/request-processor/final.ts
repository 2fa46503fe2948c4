// The last step of a request: committed transactions change the tree and tell the watchers; reads are
// answered from the tree. The same on every server.
//
// Watch events are queued to connections before any reply: a client must see the event for a znode
// it watches before it can see that znode's new state (ZooKeeper's guarantee on watches).
// As ZooKeeper's FinalRequestProcessor. Next on the path: connection.ts, the reply as bytes.

import { limits } from '../../limits.ts'
import { type ErrorCode, errorCodes } from '../../protocol/error-codes.ts'
import type { ReadRequest, ReplyBody, SetWatches, WatchEvent } from '../../protocol/zk/messages.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { Txn } from '../ztree/txn.ts'
import { rearmWatches, type WatchKind, type WatchManager } from '../ztree/watch-manager.ts'
import type { Applied, ZTree } from '../ztree/ztree.ts'
import type { Client } from './request.ts'

export class FinalProcessor {
  readonly #tree: ZTree
  readonly #watches: WatchManager<Client>
  #events: WatchEvent[] = []

  constructor(tree: ZTree, watches: WatchManager<Client>) {
    this.#tree = tree
    this.#watches = watches
  }

  /** @returns what the request behind the transaction is answered with */
  apply(zxid: Zxid, txn: Txn): Applied {
    const events = this.#events
    const result = this.#tree.apply(zxid, txn, events)
    if (events.length > 0) {
      for (const event of events) this.#watches.trigger(event, notify)
      events.length = 0
    }
    return result
  }

  /** Answers a read with the state of this moment, and sets its watch in the same moment. */
  answer(client: Client, xid: number, request: ReadRequest): void {
    // Read first: `setWatches` sends events, which come before its reply.
    const body = this.#read(client, request)
    client.reply(xid, this.#tree.lastApplied, body)
  }

  #read(client: Client, request: ReadRequest): ReplyBody {
    const tree = this.#tree
    switch (request.type) {
      case 'getData': {
        const znode = tree.get(request.path)
        if (znode === undefined) return refusals.NONODE
        if (request.watch && !this.#watch(client, request.path, 'data')) return refusals.THROTTLEDOP
        return { type: 'getData', data: znode.data, stat: tree.stat(znode) }
      }
      case 'exists': {
        if (request.path.includes('\0')) return refusals.BADARGUMENTS
        // The only read that leaves a watch where there is nothing: it waits for the creation.
        if (request.watch && !this.#watch(client, request.path, 'data')) return refusals.THROTTLEDOP
        const znode = tree.get(request.path)
        return znode === undefined ? refusals.NONODE : { type: 'exists', stat: tree.stat(znode) }
      }
      case 'getChildren': {
        const znode = tree.get(request.path)
        if (znode === undefined) return refusals.NONODE
        if (request.watch && !this.#watch(client, request.path, 'child')) {
          return refusals.THROTTLEDOP
        }
        return { type: 'getChildren', children: tree.children(znode), stat: tree.stat(znode) }
      }
      case 'addWatch':
        return this.#watch(client, request.path, request.mode)
          ? done.addWatch
          : refusals.THROTTLEDOP
      case 'removeWatches': {
        const path = keyOf(request.path)
        const removed = this.#watches.remove(path, request.watcherType, client)
        return removed ? done.removeWatches : refusals.NOWATCHER
      }
      case 'setWatches':
        return this.#setWatches(client, request)
      case 'ping':
        return done.ping
    }
  }

  #setWatches(client: Client, request: SetWatches): ReplyBody {
    const { data, exist, child, persistent, persistentRecursive } = request
    const asked = [data, exist, child, persistent, persistentRecursive]
    const count = asked.reduce((sum, paths) => sum + paths.length, 0)
    if (this.#watches.countOf(client) + count > limits.watchesPerConnectionMax) {
      return refusals.THROTTLEDOP
    }
    rearmWatches(request, { tree: this.#tree, watches: this.#watches, watcher: client }, notify)
    return done.setWatches
  }

  /** @returns whether the client may have one more watch */
  #watch(client: Client, path: string, kind: WatchKind): boolean {
    if (this.#watches.countOf(client) >= limits.watchesPerConnectionMax) return false
    this.#watches.add(keyOf(path), kind, client)
    return true
  }
}

/** For reads, the empty path is an alias of `/`; events name the znode by its own path. */
function keyOf(path: string): string {
  return path === '' ? '/' : path
}

function notify(client: Client, event: WatchEvent): void {
  client.notify(event)
}

const done = {
  addWatch: { type: 'addWatch' },
  removeWatches: { type: 'removeWatches' },
  setWatches: { type: 'setWatches' },
  ping: { type: 'ping' },
} as const

function refusal(code: ErrorCode): ReplyBody {
  return { type: 'error', code: errorCodes[code] }
}

const refusals = {
  NONODE: refusal('NONODE'),
  BADARGUMENTS: refusal('BADARGUMENTS'),
  NOWATCHER: refusal('NOWATCHER'),
  THROTTLEDOP: refusal('THROTTLEDOP'),
}
