// The tree as it will be once everything proposed is committed: what prep.ts validates against.
//
// A layer of records over the tree, one per path that a proposal in flight touches; the latest
// record of a path says everything about it. A record goes when the tree has applied its
// transaction. What one request changes is taken back if a later part of it fails.
// As ZooKeeper's outstandingChanges in PrepRequestProcessor.

import { parentOf } from '../../protocol/path.ts'
import { noSession, type SessionId } from '../../protocol/records.ts'
import { type Zxid, zxidZero } from '../../protocol/zxid.ts'
import type { ZTree } from '../ztree/ztree.ts'

/** What validation needs of a znode; the tree's own znodes have it too. */
export interface PendingZnode {
  readonly version: number
  readonly createCount: number
  readonly childCount: number
  readonly ephemeralOwner: SessionId
}

interface ChangeRecord {
  readonly path: string
  /** undefined: deleted */
  readonly znode: PendingZnode | undefined
  /** 0 until `commit` */
  zxid: Zxid
  /** the latest record of the path before this one, until `commit` */
  replaced: ChangeRecord | undefined
}

export class OutstandingChanges {
  readonly #tree: ZTree
  readonly #latest = new Map<string, ChangeRecord>()
  /** Of the request at hand, in the order in which they were made. */
  readonly #uncommitted: ChangeRecord[] = []
  /** Every record not applied yet, in zxid order; those before #first are gone already. */
  #records: ChangeRecord[] = []
  #first = 0
  /** Ephemerals whose latest record is here and alive, by owner: closing a session needs them. */
  readonly #ephemerals = new Map<SessionId, Set<string>>()

  constructor(tree: ZTree) {
    this.#tree = tree
  }

  get pathCount(): number {
    return this.#latest.size
  }

  /** The znode as it will be; `path` is one that a create would accept, or just not there. */
  find(path: string): PendingZnode | undefined {
    const record = this.#latest.get(path)
    return record === undefined ? this.#tree.get(path) : record.znode
  }

  /** The ephemerals that a session will own, sorted. */
  ephemeralsOf(session: SessionId): string[] {
    const owned = new Set(this.#ephemerals.get(session))
    for (const path of this.#tree.ephemeralsOf(session)) {
      if (this.find(path)?.ephemeralOwner === session) owned.add(path)
    }
    return [...owned].sort()
  }

  create(path: string, { parent, owner }: { parent: PendingZnode; owner: SessionId }): number {
    const createCount = (parent.createCount + 1) | 0
    this.#record(parentOf(path), {
      ...fieldsOf(parent),
      createCount,
      childCount: parent.childCount + 1,
    })
    this.#record(path, { version: 0, createCount: 0, childCount: 0, ephemeralOwner: owner })
    return createCount
  }

  delete(path: string, parent: PendingZnode): void {
    this.#record(parentOf(path), { ...fieldsOf(parent), childCount: parent.childCount - 1 })
    this.#record(path, undefined)
  }

  setVersion(path: string, znode: PendingZnode, version: number): void {
    this.#record(path, { ...fieldsOf(znode), version })
  }

  /** What was changed since the last call is the transaction `zxid`. */
  commit(zxid: Zxid): void {
    for (const record of this.#uncommitted) {
      record.zxid = zxid
      record.replaced = undefined
      this.#records.push(record)
    }
    this.#uncommitted.length = 0
  }

  /** Takes back what was changed since the last `commit`: it will not happen. */
  abandon(): void {
    for (let record = this.#uncommitted.pop(); record; record = this.#uncommitted.pop()) {
      const { path, replaced } = record
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
    let first = this.#first
    for (let record = records[first]; record !== undefined; record = records[++first]) {
      if (record.zxid > zxid) break
      if (this.#latest.get(record.path) !== record) continue
      this.#latest.delete(record.path)
      this.#forgetOwner(record)
    }
    if (first === records.length) {
      this.#records = []
      first = 0
    } else if (first > 1024 && first * 2 > records.length) {
      this.#records = records.slice(first)
      first = 0
    }
    this.#first = first
  }

  reset(): void {
    this.#uncommitted.length = 0
    this.#latest.clear()
    this.#records = []
    this.#first = 0
    this.#ephemerals.clear()
  }

  #record(path: string, znode: PendingZnode | undefined): void {
    const replaced = this.#latest.get(path)
    const record = { path, znode, zxid: zxidZero, replaced }
    if (replaced !== undefined) this.#forgetOwner(replaced)
    this.#noteOwner(record)
    this.#latest.set(path, record)
    this.#uncommitted.push(record)
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

/** Field by field: a spread of a znode would take its value and children along. */
function fieldsOf(znode: PendingZnode): PendingZnode {
  const { version, createCount, childCount, ephemeralOwner } = znode
  return { version, createCount, childCount, ephemeralOwner }
}
