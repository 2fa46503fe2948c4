// The tree as it will be once all proposals are committed: the state that prep.ts validates
// against.
//
// A layer of records over the tree, one per path changed by a proposal in flight; the latest record
// of a path has its complete state. A record is dropped when the tree has applied its transaction.
// The changes of a request are undone if a later part of it fails. Where quotas are enforced, the
// additional usage of each quota is summed as well.
// As ZooKeeper's outstandingChanges in PrepRequestProcessor. Next on the path: ztree/txn.ts.

import { Fifo } from '../../fifo.ts'
import { parentOf } from '../../protocol/path.ts'
import { type Acl, noSession, type SessionId } from '../../protocol/records.ts'
import { type Zxid, zxidZero } from '../../protocol/zxid.ts'
import type { Usage } from '../ztree/quotas.ts'
import type { ZTree } from '../ztree/ztree.ts'

/** The fields of a znode that validation needs; the tree's own znodes have them too. */
export interface PendingZnode {
  readonly version: number
  readonly createCount: number
  readonly childCount: number
  readonly ephemeralOwner: SessionId
  readonly acl: readonly Acl[]
  readonly aversion: number
  readonly dataBytes: number
}

interface ChangeRecord {
  readonly path: string
  /** undefined: deleted */
  readonly znode: PendingZnode | undefined
  /** 0 until `commit` */
  zxid: Zxid
  /** the previous record of the path, until `commit` */
  replaced: ChangeRecord | undefined
  /** znodes more: 1, 0 or -1 */
  readonly more: number
  /** its addition to the usage of quotas; undefined: none */
  growth: Growth | undefined
}

interface Growth extends Usage {
  /** paths of the quotas */
  readonly of: readonly string[]
}

export class OutstandingChanges {
  readonly #tree: ZTree
  readonly #latest = new Map<string, ChangeRecord>()
  /** Records of the current request, in order. */
  readonly #uncommitted: ChangeRecord[] = []
  /** Every record not applied yet, in zxid order. */
  readonly #records = new Fifo<ChangeRecord>()
  /**
   * Ephemerals whose latest record is here and not a deletion, by owner: needed to close a session.
   */
  readonly #ephemerals = new Map<SessionId, Set<string>>()
  /** The sum of the records' `more`. */
  #more = 0
  /** By path of the quota; undefined if quotas are not enforced. */
  readonly #growth: Map<string, Usage> | undefined

  constructor(tree: ZTree, { countsQuotas }: { readonly countsQuotas: boolean }) {
    this.#tree = tree
    this.#growth = countsQuotas ? new Map() : undefined
  }

  get pathCount(): number {
    return this.#latest.size
  }

  /** Znodes once everything in flight is committed. */
  get znodeCount(): number {
    return this.#tree.nodeCount + this.#more
  }

  /** The znode as it will be; `path` is one that a create would accept, or does not exist. */
  find(path: string): PendingZnode | undefined {
    const record = this.#latest.get(path)
    return record === undefined ? this.#tree.get(path) : record.znode
  }

  /** Whether a proposal in flight changes, creates or deletes the znode. */
  touches(path: string): boolean {
    return this.#latest.has(path)
  }

  /** Usage of the quota at `path` in addition to what the tree shows. */
  growthOf(path: string): Usage {
    return this.#growth?.get(path) ?? { count: 0, bytes: 0 }
  }

  /** The ephemerals that a session will own, sorted. */
  ephemeralsOf(session: SessionId): string[] {
    const owned = new Set(this.#ephemerals.get(session))
    for (const path of this.#tree.ephemeralsOf(session)) {
      if (this.find(path)?.ephemeralOwner === session) owned.add(path)
    }
    return [...owned].sort()
  }

  /** @returns the number of children ever created under the parent, including this one */
  create(
    path: string,
    parent: PendingZnode,
    fields: Pick<PendingZnode, 'ephemeralOwner' | 'acl' | 'dataBytes'>,
  ): number {
    const { ephemeralOwner, acl, dataBytes } = fields
    const after = copyOf(parent)
    after.createCount = (parent.createCount + 1) | 0
    after.childCount++
    this.#record(parentOf(path), after)
    const znode = {
      version: 0,
      createCount: 0,
      childCount: 0,
      ephemeralOwner,
      acl,
      aversion: 0,
      dataBytes,
    }
    this.#record(path, znode, 1)
    return after.createCount
  }

  delete(path: string, parent: PendingZnode): void {
    const after = copyOf(parent)
    after.childCount--
    this.#record(parentOf(path), after)
    this.#record(path, undefined, -1)
  }

  setData(
    path: string,
    znode: PendingZnode,
    { version, dataBytes }: Pick<PendingZnode, 'version' | 'dataBytes'>,
  ): void {
    const after = copyOf(znode)
    after.version = version
    after.dataBytes = dataBytes
    this.#record(path, after)
  }

  setAcl(
    path: string,
    znode: PendingZnode,
    { acl, aversion }: Pick<PendingZnode, 'acl' | 'aversion'>,
  ): void {
    const after = copyOf(znode)
    after.acl = acl
    after.aversion = aversion
    this.#record(path, after)
  }

  /** The changes since the last call belong to transaction `zxid`. */
  commit(zxid: Zxid): void {
    for (const record of this.#uncommitted) {
      record.zxid = zxid
      record.replaced = undefined
      this.#records.push(record)
    }
    this.#uncommitted.length = 0
  }

  /** Undoes the changes since the last `commit`. */
  abandon(): void {
    for (let record = this.#uncommitted.pop(); record; record = this.#uncommitted.pop()) {
      const { path, replaced } = record
      this.#more -= record.more
      this.#forgetGrowth(record)
      this.#forgetOwner(record)
      if (replaced === undefined) this.#latest.delete(path)
      else {
        this.#latest.set(path, replaced)
        this.#noteOwner(replaced)
      }
    }
  }

  /** The tree shows everything up to `zxid`. */
  applied(zxid: Zxid): void {
    const records = this.#records
    for (let record = records.head; record !== undefined; record = records.head) {
      if (record.zxid > zxid) break
      records.shift()
      this.#more -= record.more
      this.#forgetGrowth(record)
      if (this.#latest.get(record.path) !== record) continue
      this.#latest.delete(record.path)
      this.#forgetOwner(record)
    }
  }

  reset(): void {
    this.#uncommitted.length = 0
    this.#latest.clear()
    this.#records.clear()
    this.#ephemerals.clear()
    this.#growth?.clear()
    this.#more = 0
  }

  #record(path: string, znode: PendingZnode | undefined, more = 0): void {
    const replaced = this.#latest.get(path)
    const growth = this.#growth && this.#grow(this.#growth, path, znode)
    const record = { path, znode, zxid: zxidZero, replaced, more, growth }
    this.#more += more
    if (replaced !== undefined) this.#forgetOwner(replaced)
    this.#noteOwner(record)
    this.#latest.set(path, record)
    this.#uncommitted.push(record)
  }

  /** Called before the record is stored. */
  #grow(
    sums: Map<string, Usage>,
    path: string,
    znode: PendingZnode | undefined,
  ): Growth | undefined {
    const before = this.find(path)
    const count = (znode === undefined ? 0 : 1) - (before === undefined ? 0 : 1)
    const bytes = (znode?.dataBytes ?? 0) - (before?.dataBytes ?? 0)
    if (count === 0 && bytes === 0) return undefined
    const of = [...this.#tree.quotas.covering(path)].map((quota) => quota.path)
    for (const quota of of) {
      const sum = sums.get(quota)
      sums.set(quota, { count: (sum?.count ?? 0) + count, bytes: (sum?.bytes ?? 0) + bytes })
    }
    return of.length === 0 ? undefined : { of, count, bytes }
  }

  #forgetGrowth({ growth }: ChangeRecord): void {
    for (const quota of growth?.of ?? []) {
      const sum = this.#growth?.get(quota)
      if (growth === undefined || sum === undefined) continue
      sum.count -= growth.count
      sum.bytes -= growth.bytes
    }
  }

  #noteOwner({ path, znode }: ChangeRecord): void {
    if (znode === undefined || znode.ephemeralOwner === noSession) return
    const paths = this.#ephemerals.get(znode.ephemeralOwner)
    if (paths === undefined) this.#ephemerals.set(znode.ephemeralOwner, new Set([path]))
    else paths.add(path)
  }

  #forgetOwner({ path, znode }: ChangeRecord): void {
    if (znode === undefined || znode.ephemeralOwner === noSession) return
    const paths = this.#ephemerals.get(znode.ephemeralOwner)
    paths?.delete(path)
    if (paths?.size === 0) this.#ephemerals.delete(znode.ephemeralOwner)
  }
}

/** A mutable copy. Field by field: a znode of the tree has many more, and a spread is slow. */
function copyOf(znode: PendingZnode): { -readonly [K in keyof PendingZnode]: PendingZnode[K] } {
  const { version, createCount, childCount, ephemeralOwner, acl, aversion, dataBytes } = znode
  return { version, createCount, childCount, ephemeralOwner, acl, aversion, dataBytes }
}
