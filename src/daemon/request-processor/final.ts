// The last step of a request: committed transactions change the tree and notify the watchers; reads
// are answered from the tree. The same on every server.
//
// Watch events are queued to connections before any reply: a client must see the event for a znode
// it watches before it can see that znode's new state (ZooKeeper's guarantee on watches). A client
// without read permission on the znode, by its ACL at that moment, receives no event; its watch is
// still removed (CVE-2024-23944).
// As ZooKeeper's FinalRequestProcessor. Next on the path: ztree/ztree.ts.

import type { Clock } from '../../clock.ts'
import { limits } from '../../limits.ts'
import { type ErrorCode, errorCodes } from '../../protocol/error-codes.ts'
import { perms } from '../../protocol/records.ts'
import type {
  Listing,
  ReadOp,
  ReplyBody,
  ServedReply,
  ServedResult,
  SetWatches,
  WatchEvent,
} from '../../protocol/zk/messages.ts'
import { type Zxid, zxidZero } from '../../protocol/zxid.ts'
import type { Ensemble } from '../ensemble/ensemble.ts'
import type { Metrics } from '../metrics.ts'
import { withoutProof } from '../session/authentication.ts'
import type { Client, Readable } from '../session/request.ts'
import { isAllowed, maskedAcl } from '../ztree/acl.ts'
import type { Txn } from '../ztree/txn.ts'
import { rearmWatches, type WatchKind, type WatchManager } from '../ztree/watch-manager.ts'
import type { Znode } from '../ztree/znode.ts'
import { type Applied, configPath, type TreeEvent, type ZTree } from '../ztree/ztree.ts'

type Refusal = Extract<ReplyBody, { type: 'error' }>
type NamesAlone = Extract<ReplyBody, { type: 'getChildren' }>

export interface FinalParts {
  readonly tree: ZTree
  readonly watches: WatchManager<Client>
  readonly metrics: Metrics
  readonly ensemble: Pick<Ensemble, 'role'>
  readonly clock: Pick<Clock, 'wallMs'>
}

export class FinalProcessor {
  readonly #tree: ZTree
  readonly #watches: WatchManager<Client>
  readonly #metrics: Metrics
  readonly #ensemble: Pick<Ensemble, 'role'>
  readonly #clock: Pick<Clock, 'wallMs'>
  #events: TreeEvent[] = []

  constructor({ tree, watches, metrics, ensemble, clock }: FinalParts) {
    this.#tree = tree
    this.#watches = watches
    this.#metrics = metrics
    this.#ensemble = ensemble
    this.#clock = clock
  }

  /** @returns the answer to the transaction's request */
  apply(zxid: Zxid, txn: Txn): Applied {
    const events = this.#events
    const result = this.#tree.apply(zxid, txn, events)
    if (events.length > 0) {
      for (const event of events) {
        const fired = this.#watches.trigger(event, notifyReader)
        if (fired > 0) this.#metrics.watchesFired[event.type].observe(fired)
      }
      events.length = 0
    }
    this.#notePropagation(txn)
    return result
  }

  /** A transaction that comes before the role is one of long ago. Clocks of two machines may differ. */
  #notePropagation({ timeMs }: Txn): void {
    if (this.#ensemble.role.type === 'looking') return
    const ageMs = Math.max(0, this.#clock.wallMs() - timeMs)
    this.#metrics.propagationLatency.observe(Math.round(ageMs))
  }

  /**
   * Answers a read with the current state, and sets its watch in the same step. A client that fails
   * authentication gets the refusal, and is then disconnected.
   */
  answer(client: Client, xid: number, request: Readable): void {
    // Read first: `setWatches` sends events, which must precede its reply.
    const body = this.#read(client, request)
    if (body === refusals.THROTTLEDOP) this.#metrics.throttledOps++
    const ends = body.type === 'error' && endings.has(body.code)
    const isProof = request.type === 'auth' || request.type === 'sasl'
    const zxid = ends || isProof ? zxidZero : this.#tree.lastApplied
    client.reply(xid, zxid, body)
    if (ends) client.close()
  }

  /** Whether it may change how the ensemble works: as for ZooKeeper's reconfig. */
  mayAdminister(client: Client): boolean {
    const config = this.#tree.get(configPath)
    return config !== undefined && this.#may(client, config, perms.write)
  }

  #read(client: Client, request: Readable): ServedReply {
    const tree = this.#tree
    switch (request.type) {
      case 'getData': {
        const znode = this.#readable(client, request.path)
        if ('code' in znode) return znode
        if (request.watch && !this.#watch(client, request.path, 'data')) return refusals.THROTTLEDOP
        return { type: 'getData', data: tree.data(znode), stat: tree.stat(znode) }
      }
      case 'exists':
        return this.#exists(client, request.path, request.watch)
      case 'getChildren': {
        const znode = this.#readable(client, request.path)
        if ('code' in znode) return znode
        if (request.watch && !this.#watch(client, request.path, 'child')) {
          return refusals.THROTTLEDOP
        }
        return this.#list(znode, limits.answerBytesMax)
      }
      case 'getChildrenPage': {
        const znode = this.#readable(client, request.path)
        if ('code' in znode) return znode
        const { names, next } = znode.childrenPage(request.from, limits.childrenPageBytes)
        return { type: 'listingPage', names, next, stat: tree.stat(znode) }
      }
      case 'getACL':
        return this.#getACL(client, request.path)
      case 'getAllChildrenNumber': {
        const znode = this.#readable(client, request.path)
        if ('code' in znode) return znode
        return { type: 'getAllChildrenNumber', count: tree.descendantCount(request.path) }
      }
      case 'getEphemerals': {
        const prefix = request.prefix === '/' ? '' : request.prefix
        const all = [...tree.ephemeralsOf(client.session)]
        const paths = all.filter((path) => path.startsWith(prefix))
        if (listBytes(paths) > limits.answerBytesMax) return refusals.MARSHALLINGERROR
        return { type: 'getEphemerals', paths }
      }
      case 'multiRead':
        return { type: 'multiRead', results: this.#multiRead(client, request.ops) }
      case 'whoAmI':
        return { type: 'whoAmI', identities: client.identities.map(withoutProof) }
      case 'addWatch':
        return this.#watch(client, request.path, request.mode)
          ? done.addWatch
          : refusals.THROTTLEDOP
      case 'checkWatches':
        return this.#watches.has(request.path, request.watcherType, client)
          ? done.checkWatches
          : refusals.NOWATCHER
      case 'removeWatches':
        return this.#watches.remove(request.path, request.watcherType, client)
          ? done.removeWatches
          : refusals.NOWATCHER
      case 'setWatches':
        return this.#setWatches(client, request)
      // commit.ts answers these itself.
      case 'moveLeader':
      case 'drain':
        return refusals.UNIMPLEMENTED
      case 'refused':
        return { type: 'error', code: request.code }
      // server-sessions.ts has put the answer in place of the client's token.
      case 'sasl':
        return { type: 'sasl', token: request.token }
      case 'auth':
      case 'ping':
      case 'sync':
        return done[request.type]
    }
  }

  /** The only read that sets a watch on a missing znode, for its creation. */
  #exists(client: Client, path: string, watch: boolean): ReplyBody {
    if (path.includes('\0')) return refusals.BADARGUMENTS
    const znode = this.#tree.get(path)
    if (znode !== undefined && !this.#may(client, znode, perms.read)) return refusals.NOAUTH
    if (watch && !this.#watch(client, path, 'data')) return refusals.THROTTLEDOP
    return znode === undefined ? refusals.NONODE : { type: 'exists', stat: this.#tree.stat(znode) }
  }

  #getACL(client: Client, path: string): ReplyBody {
    const znode = this.#tree.get(path)
    if (znode === undefined) return refusals.NONODE
    if (!this.#may(client, znode, perms.read | perms.admin)) return refusals.NOAUTH
    const acl = this.#tree.acl(znode)
    const shownAcl = this.#may(client, znode, perms.admin) ? acl : maskedAcl(acl)
    return { type: 'getACL', acl: shownAcl, stat: this.#tree.stat(znode) }
  }

  /** Parts after the size limit of one answer are refused individually. */
  #multiRead(client: Client, ops: readonly ReadOp[]): ServedResult[] {
    let bytes = 0
    return ops.map((op): ServedResult => {
      if (bytes > limits.multiReadBytesMax) return refusals.THROTTLEDOP
      const znode = this.#readable(client, op.path)
      if ('code' in znode) return znode
      bytes += statBytes
      if (op.type === 'getData') {
        const data = this.#tree.data(znode)
        bytes += data?.length ?? 0
        return { type: 'getData', data, stat: this.#tree.stat(znode) }
      }
      const list = this.#list(znode, limits.answerBytesMax - bytes)
      if (list.type === 'listing') bytes += list.names.bytes
      else if (list.type === 'getChildren') bytes += listBytes(list.children)
      return list
    })
  }

  /** The children, unless their names take more than `bytesMax`. */
  #list(znode: Readonly<Znode>, bytesMax: number): Listing | NamesAlone | Refusal {
    const names = znode.manyNames
    if (names !== undefined) {
      if (names.bytes > bytesMax) return refusals.MARSHALLINGERROR
      return { type: 'listing', names, stat: this.#tree.stat(znode) }
    }
    const children = this.#tree.children(znode)
    if (listBytes(children) > bytesMax) return refusals.MARSHALLINGERROR
    return { type: 'getChildren', children, stat: this.#tree.stat(znode) }
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

  /** @returns the znode, or why the client may not see it */
  #readable(client: Client, path: string): Readonly<Znode> | Refusal {
    const znode = this.#tree.get(path)
    if (znode === undefined) return refusals.NONODE
    return this.#may(client, znode, perms.read) ? znode : refusals.NOAUTH
  }

  /** @param needed any of these bits is enough */
  #may(client: Client, znode: Readonly<Znode>, needed: number): boolean {
    return isAllowed(this.#tree.acl(znode), needed, client.identities)
  }

  /** @returns whether the client may have another watch */
  #watch(client: Client, path: string, kind: WatchKind): boolean {
    if (this.#watches.countOf(client) >= limits.watchesPerConnectionMax) return false
    this.#watches.add(path, kind, client)
    return true
  }
}

function notify(client: Client, event: WatchEvent): void {
  client.notify(event)
}

function notifyReader(client: Client, event: TreeEvent): void {
  if (isAllowed(event.acl, perms.read, client.identities)) client.notify(event)
}

const done = {
  addWatch: { type: 'addWatch' },
  removeWatches: { type: 'removeWatches' },
  checkWatches: { type: 'checkWatches' },
  setWatches: { type: 'setWatches' },
  auth: { type: 'auth' },
  ping: { type: 'ping' },
  sync: { type: 'sync' },
} as const

/** In jute, the longer of the dialects' forms. */
const statBytes = 68
const lengthBytes = 4

/** Of text up to U+FFFF, which is all that a path may have. */
const bytesPerUnitMax = 3

/** Exact where a limit could be near. */
function listBytes(names: readonly string[]): number {
  let units = 0
  for (const name of names) units += name.length
  const headers = lengthBytes * names.length
  if (headers + bytesPerUnitMax * units <= limits.multiReadBytesMax) return headers + units
  return names.reduce((sum, name) => sum + Buffer.byteLength(name), headers)
}

/** Refusals that end the connection. */
const endings: ReadonlySet<number> = new Set([
  errorCodes.AUTHFAILED,
  errorCodes.SESSIONCLOSEDREQUIRESASLAUTH,
])

function refusal(code: ErrorCode): Refusal {
  return { type: 'error', code: errorCodes[code] }
}

const refusals = {
  NONODE: refusal('NONODE'),
  NOAUTH: refusal('NOAUTH'),
  BADARGUMENTS: refusal('BADARGUMENTS'),
  NOWATCHER: refusal('NOWATCHER'),
  THROTTLEDOP: refusal('THROTTLEDOP'),
  UNIMPLEMENTED: refusal('UNIMPLEMENTED'),
  /** The answer does not fit a frame. */
  MARSHALLINGERROR: refusal('MARSHALLINGERROR'),
}
