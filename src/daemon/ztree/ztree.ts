// The tree of znodes and the table of sessions: the replicated state of an ensemble.
//
// Committed transactions go in, in zxid order: `apply` changes the tree, and returns the answer to
// the request and the watch events. It is total: request-processor/prep.ts made sure that a
// transaction fits the tree, and one that does not fit changes nothing, on every server alike. Next
// on the path: watch-manager.ts for the events, storage/tree-store.ts for the dirty keys.

import { errorCodes } from '../../protocol/error-codes.ts'
import { isChildOf, parentOf } from '../../protocol/path.ts'
import type { Acl, SessionId, Stat } from '../../protocol/records.ts'
import type { MultiResult, ReplyBody, WatchEvent } from '../../protocol/zk/messages.ts'
import { type Zxid, zxidZero } from '../../protocol/zxid.ts'
import { readOnlyAcl } from './acl.ts'
import { AclTable } from './acl-table.ts'
import { type Digest, DigestSum, Hash } from './digest.ts'
import { Expiry } from './expiry.ts'
import { Quotas } from './quotas.ts'
import { type Change, sessionCreatedBy, type Txn, type TxnBody } from './txn.ts'
import { lifetimes } from './uncommon.ts'
import { initialFields, shownData, statOf, type Znode, type ZnodeFields } from './znode.ts'
import { Znodes } from './znodes.ts'

export interface Session {
  readonly timeoutMs: number
  readonly password: Uint8Array
}

/** The answer to a request; a new session's id is its transaction's zxid. */
export type Applied = ReplyBody | { readonly type: 'createSession' }

/**
 * A watch event with the ACL that decides who receives it: clients that may read the znode, or
 * could before its deletion.
 */
export interface TreeEvent extends WatchEvent {
  readonly acl: readonly Acl[]
}

interface Parent {
  readonly path: string
  readonly znode: Znode | undefined
}

const noParent: Parent = { path: '', znode: undefined }

/** Keys whose value changed or was deleted. */
export interface Dirty {
  readonly paths: Set<string>
  readonly sessions: Set<SessionId>
}

export class ZTree {
  #znodes: Znodes
  #sessions = new Map<SessionId, Session>()
  #ephemerals = new Map<SessionId, Set<string>>()
  #lastApplied: Zxid
  #ephemeralCount = 0
  #dataBytes = 0
  #digest = new DigestSum()
  #acls = new AclTable()
  #expiry = new Expiry()
  #quotas: Quotas
  #membership: { readonly text: string; readonly version: Zxid } | undefined
  readonly #hash = new Hash()
  /** the parent of the znode restored last: often that of the next one */
  #restoredUnder = noParent
  #dirty: Dirty = { paths: new Set(), sessions: new Set() }

  /**
   * Without an argument, the initial tree of every ensemble. With one, no znode at all: the tree of
   * that zxid is about to be restored.
   *
   * @param znodeCount if it is known, how many will be: restoring them takes less time
   */
  constructor(restoring?: Zxid, { znodeCount = 0 } = {}) {
    this.#lastApplied = restoring ?? zxidZero
    this.#znodes = new Znodes(znodeCount)
    this.#quotas = new Quotas(this.#znodes)
    if (restoring !== undefined) return
    for (const path of ['/', '/zookeeper', configPath, '/zookeeper/quota']) {
      this.restore(path, path === configPath ? configFields : initialFields)
      this.#dirty.paths.add(path)
    }
  }

  /**
   * Restores a znode that is not there yet, after its parent, and before any transaction.
   *
   * @returns whether its parent exists
   */
  restore(path: string, fields: ZnodeFields): boolean {
    const isRoot = path === '/'
    if (!isRoot && !isChildOf(path, this.#restoredUnder.path)) {
      const parentPath = parentOf(path)
      this.#restoredUnder = { path: parentPath, znode: this.#znodes.get(parentPath) }
    }
    const { path: parentPath, znode: parent } = isRoot ? noParent : this.#restoredUnder
    if (parent === undefined && !isRoot) return false
    const znode = this.#znodes.restore(path, parent, fields, this.#acls.share(fields.acl))
    this.#count(path, znode)
    this.#changed(path, znode)
    if (parent !== undefined) this.#noteExpiry(parentPath, parent)
    return true
  }

  restoreSession(id: SessionId, session: Session): void {
    this.#sessions.set(id, session)
    this.#digest.add(this.#hashSession(id, session))
  }

  /** Takes over the contents of `other`, which must not be used any more. */
  become(other: ZTree): void {
    this.#znodes = other.#znodes
    this.#sessions = other.#sessions
    this.#ephemerals = other.#ephemerals
    this.#lastApplied = other.#lastApplied
    this.#ephemeralCount = other.#ephemeralCount
    this.#dataBytes = other.#dataBytes
    this.#digest = other.#digest
    this.#acls = other.#acls
    this.#expiry = other.#expiry
    this.#quotas = other.#quotas
    this.#dirty = other.#dirty
    const membership = this.#membership
    if (membership !== undefined) this.showMembership(membership.text, membership.version)
  }

  /**
   * Sets the contents of `/zookeeper/config` until a transaction changes it: the members, from this
   * server's configuration.
   *
   * @param version if the ensemble has agreed on it: the mzxid that clients see
   */
  showMembership(text: string, version: Zxid = zxidZero): void {
    this.#membership = { text, version }
    const znode = this.#znodes.get(configPath)
    if (znode === undefined) return
    znode.shown = () => shownConfiguration(this.configuration) ?? text
    znode.shownMzxid = version
  }

  /** A new configuration of the ensemble is not active yet. */
  get isReconfiguring(): boolean {
    return this.configuration?.includes(0) === true
  }

  /** What `/zookeeper/config` stores; null until a transaction changes the configuration. */
  get configuration(): Uint8Array | null {
    return this.#znodes.get(configPath)?.data ?? null
  }

  /** The last transaction applied to this tree. */
  get lastApplied(): Zxid {
    return this.#lastApplied
  }

  /** Of the tree at `lastApplied`. */
  get digest(): Digest {
    const { high, low } = this.#digest
    return { high, low }
  }

  get nodeCount(): number {
    return this.#znodes.size
  }

  get ephemeralCount(): number {
    return this.#ephemeralCount
  }

  /** Paths and values, counted like ZooKeeper's approximate_data_size. */
  get dataBytes(): number {
    return this.#dataBytes
  }

  get sessions(): ReadonlyMap<SessionId, Session> {
    return this.#sessions
  }

  /** For reads, the empty path is an alias of `/`. */
  get(path: string): Readonly<Znode> | undefined {
    return this.#znodes.get(path === '' ? '/' : path)
  }

  stat(znode: Readonly<Znode>): Stat {
    return statOf(znode)
  }

  /** The data in reads; a view, valid until the next transaction is applied. */
  data(znode: Readonly<Znode>): Uint8Array | null {
    return shownData(znode)
  }

  acl(znode: Readonly<Znode>): readonly Acl[] {
    return znode.acl
  }

  /** Names, in no particular order. */
  children(znode: Readonly<Znode>): string[] {
    return znode.names()
  }

  ephemeralsOf(session: SessionId): Iterable<string> {
    return this.#ephemerals.get(session) ?? []
  }

  /** The number of znodes below `path`, at any depth. */
  descendantCount(path: string): number {
    const root = this.get(path)
    if (root === undefined || path === '/' || path === '') return this.#znodes.size - 1
    let count = 0
    for (const _ of this.#znodes.below(root)) count++
    return count
  }

  /** The znodes that the ensemble deletes by itself. */
  get expiry(): Pick<Expiry, 'due' | 'isDue'> {
    return this.#expiry
  }

  get quotas(): Pick<Quotas, 'of' | 'covering' | 'takeCrossings'> {
    return this.#quotas
  }

  /** The changes since the last call; the caller now owns them. */
  takeDirty(): Dirty {
    const taken = this.#dirty
    this.#dirty = { paths: new Set(), sessions: new Set() }
    return taken
  }

  get isDirty(): boolean {
    return this.#dirty.paths.size > 0 || this.#dirty.sessions.size > 0
  }

  /**
   * Applies a committed transaction, the successor of `lastApplied`. A transaction that the tree
   * already shows changes nothing. Bytes that are kept are copied.
   *
   * @param events receives the watch events, in the order in which they fire
   */
  apply(zxid: Zxid, txn: Txn, events: TreeEvent[]): Applied {
    if (zxid <= this.#lastApplied) return misfit
    const result = this.#perform(zxid, txn, events)
    // Last, so that the tree is never labelled with a half-applied multi (ZOOKEEPER-3127).
    this.#lastApplied = zxid
    return result
  }

  #perform(zxid: Zxid, { body, session, timeMs }: Txn, events: TreeEvent[]): Applied {
    switch (body.type) {
      case 'create':
        return this.#create(zxid, timeMs, body, events)
      case 'delete':
        return this.#delete(zxid, body.path, events)
      case 'setData':
        return this.#setData(zxid, timeMs, body, events)
      case 'setACL':
        return this.#setAcl(body)
      case 'multi': {
        const results = body.changes.map((change) => this.#change(zxid, timeMs, change, events))
        return { type: 'multi', results }
      }
      case 'createSession': {
        const id = sessionCreatedBy(zxid)
        const password = Uint8Array.from(body.password)
        this.restoreSession(id, { timeoutMs: body.timeoutMs, password })
        this.#dirty.sessions.add(id)
        return { type: 'createSession' }
      }
      case 'closeSession':
        // Sorted: on a restarted server they are in another order.
        for (const path of [...this.ephemeralsOf(session)].sort()) this.#delete(zxid, path, events)
        this.#forgetSession(session)
        return { type: 'closeSession' }
      case 'reconfig':
        return this.#reconfigure(zxid, timeMs, body.data, events)
      case 'error': {
        const { code, failedAt, partCount } = body
        if (partCount === 0) return { type: 'error', code }
        return { type: 'multi', results: failedMulti(code, failedAt, partCount) }
      }
    }
  }

  #change(zxid: Zxid, timeMs: number, change: Change, events: TreeEvent[]): MultiResult {
    switch (change.type) {
      case 'create':
        return this.#create(zxid, timeMs, change, events)
      case 'delete':
        return this.#delete(zxid, change.path, events)
      case 'setData':
        return this.#setData(zxid, timeMs, change, events)
      case 'check':
        return { type: 'check' }
    }
  }

  #create(
    zxid: Zxid,
    timeMs: number,
    change: Extract<Change, { type: 'create' }>,
    events: TreeEvent[],
  ): Extract<MultiResult, { type: 'create' | 'error' }> {
    const { path, ephemeralOwner, lifetime } = change
    const parentPath = parentOf(path)
    const parent = this.#znodes.get(parentPath)
    if (parent === undefined) return misfit
    const acl = this.#acls.share(change.acl)
    const fields = {
      data: change.data,
      czxid: zxid,
      ctime: timeMs,
      mzxid: zxid,
      mtime: timeMs,
      pzxid: zxid,
      version: 0,
      createCount: 0,
      ephemeralOwner,
      aversion: 0,
      lifetime,
    }
    const znode = this.#znodes.add(path, parent, fields, acl)
    if (znode === undefined) {
      this.#acls.release(acl)
      return misfit
    }
    this.#count(path, znode)
    parent.createCount = change.parentCreateCount
    parent.pzxid = zxid
    this.#changed(path, znode)
    this.#changed(parentPath, parent)
    this.#dirty.paths.add(path)
    this.#dirty.paths.add(parentPath)
    events.push(
      { type: 'NodeCreated', path, zxid, acl: znode.acl },
      { type: 'NodeChildrenChanged', path: parentPath, zxid, acl: parent.acl },
    )
    return { type: 'create', path, stat: statOf(znode) }
  }

  #delete(
    zxid: Zxid,
    path: string,
    events: TreeEvent[],
  ): Extract<MultiResult, { type: 'delete' | 'error' }> {
    const parentPath = parentOf(path)
    const parent = this.#znodes.get(parentPath)
    const znode = parent && this.#znodes.childOf(parent, path)
    if (parent === undefined || znode === undefined || znode.childCount > 0) return misfit
    const { acl } = znode
    this.#discount(path, znode)
    znode.leaveDigest(this.#digest)
    this.#acls.release(znode.knownAcl)
    this.#znodes.remove(parent, znode)
    parent.pzxid = zxid
    this.#changed(parentPath, parent)
    this.#dirty.paths.add(path)
    this.#dirty.paths.add(parentPath)
    events.push(
      { type: 'NodeDeleted', path, zxid, acl },
      { type: 'NodeChildrenChanged', path: parentPath, zxid, acl: parent.acl },
    )
    return { type: 'delete' }
  }

  #setData(
    zxid: Zxid,
    timeMs: number,
    { path, data, version }: Extract<Change, { type: 'setData' }>,
    events: TreeEvent[],
  ): Extract<MultiResult, { type: 'setData' | 'error' }> {
    const znode = this.#znodes.get(path)
    if (znode === undefined) return misfit
    const bytes = znode.setData(data)
    this.#dataBytes += bytes
    this.#quotas.use(path, { count: 0, bytes })
    this.#quotas.noticed(path, znode)
    znode.version = version
    znode.mzxid = zxid
    znode.mtime = timeMs
    this.#changed(path, znode)
    this.#dirty.paths.add(path)
    events.push({ type: 'NodeDataChanged', path, zxid, acl: znode.acl })
    return { type: 'setData', stat: statOf(znode) }
  }

  /** The activation of a configuration does not change what clients see. */
  #reconfigure(zxid: Zxid, timeMs: number, data: Uint8Array, events: TreeEvent[]): ReplyBody {
    const znode = this.#znodes.get(configPath)
    if (znode === undefined) return misfit
    this.#dataBytes += znode.setData(data)
    if (data.includes(0)) {
      znode.mzxid = zxid
      znode.mtime = timeMs
      events.push({ type: 'NodeDataChanged', path: configPath, zxid, acl: znode.acl })
    }
    this.#changed(configPath, znode)
    this.#dirty.paths.add(configPath)
    return { type: 'reconfig', data: Buffer.from(shownData(znode) ?? ''), stat: statOf(znode) }
  }

  #setAcl({ path, acl, aversion }: Extract<TxnBody, { type: 'setACL' }>): ReplyBody {
    const znode = this.#znodes.get(path)
    if (znode === undefined) return misfit
    const before = znode.knownAcl
    znode.setAcl(this.#acls.share(acl), aversion)
    this.#acls.release(before)
    this.#changed(path, znode)
    this.#dirty.paths.add(path)
    return { type: 'setACL', stat: statOf(znode) }
  }

  #forgetSession(id: SessionId): void {
    const session = this.#sessions.get(id)
    if (session !== undefined) this.#digest.subtract(this.#hashSession(id, session))
    this.#sessions.delete(id)
    this.#dirty.sessions.add(id)
  }

  #changed(path: string, znode: Znode): void {
    znode.digestInto(this.#digest, path, this.#hash)
    this.#noteExpiry(path, znode)
  }

  #noteExpiry(path: string, znode: Znode): void {
    if (znode.lifetime !== lifetimes.endless) this.#expiry.update(path, znode)
  }

  #hashSession(id: SessionId, { timeoutMs, password }: Session): Digest {
    const hash = this.#hash.reset()
    hash.text(`${id} ${timeoutMs}`)
    for (const byte of password) hash.word(byte)
    hash.finish()
    return hash
  }

  #count(path: string, znode: Znode): void {
    this.#dataBytes += path.length + znode.dataBytes
    this.#quotas.use(path, { count: 1, bytes: znode.dataBytes })
    this.#quotas.noticed(path, znode)
    const owner = znode.ephemeralOwner
    if (owner === 0) return
    this.#ephemeralCount++
    const paths = this.#ephemerals.get(owner)
    if (paths === undefined) this.#ephemerals.set(owner, new Set([path]))
    else paths.add(path)
  }

  #discount(path: string, znode: Znode): void {
    this.#dataBytes -= path.length + znode.dataBytes
    this.#quotas.use(path, { count: -1, bytes: -znode.dataBytes })
    this.#quotas.removed(path)
    if (znode.lifetime !== lifetimes.endless) this.#expiry.remove(path)
    const owner = znode.ephemeralOwner
    if (owner === 0) return
    this.#ephemeralCount--
    const paths = this.#ephemerals.get(owner)
    paths?.delete(path)
    if (paths?.size === 0) this.#ephemerals.delete(owner)
  }
}

/** What clients see of the stored bytes; undefined as long as no transaction stored any. */
function shownConfiguration(stored: Uint8Array | null): string | undefined {
  if (stored === null || stored.length === 0) return undefined
  const [shown] = Buffer.from(stored).toString().split('\0')
  return shown
}

/** Every client may read it, only the super user may write it. */
/** What may be written there only by clients that may administer the ensemble. */
export const configPath = '/zookeeper/config'
// biome-ignore lint/plugin/noObjectSpread: once per process
const configFields = { ...initialFields, version: -1, aversion: -1, acl: readOnlyAcl }

/** The answer to a change that does not fit the tree; prep never makes one. */
const misfit = { type: 'error', code: errorCodes.RUNTIMEINCONSISTENCY } as const

/** 0 for the parts before the failed one, its code, RUNTIMEINCONSISTENCY after it. */
function failedMulti(
  code: Extract<MultiResult, { type: 'error' }>['code'],
  failedAt: number,
  partCount: number,
): MultiResult[] {
  const results: MultiResult[] = []
  for (let i = 0; i < partCount; i++) {
    if (i < failedAt) results.push({ type: 'error', code: errorCodes.OK })
    else results.push({ type: 'error', code: i === failedAt ? code : misfit.code })
  }
  return results
}
