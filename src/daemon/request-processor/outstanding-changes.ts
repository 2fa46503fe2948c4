// The tree as it will be once everything proposed is committed: what prep.ts validates against.
//
// A layer of records over the tree, one per path that a proposal in flight touches; the latest
// record of a path says everything about it. A record goes when the tree has applied its
// transaction. What one request changes is staged first: a multi that fails part-way leaves nothing.
// As ZooKeeper's outstandingChanges in PrepRequestProcessor.

import { parentOf } from '../../protocol/path.ts'
import type { SessionId } from '../../protocol/records.ts'
import type { Zxid } from '../../protocol/zxid.ts'
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
  /** 0 while it is staged */
  zxid: Zxid
}

export class OutstandingChanges {
  readonly #tree: ZTree
  readonly #staged = new Map<string, ChangeRecord>()
  readonly #latest = new Map<string, ChangeRecord>()
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
    const record = this.#staged.get(path) ?? this.#latest.get(path)
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
    this.#stage(parentOf(path), {
      ...fieldsOf(parent),
      createCount,
      childCount: parent.childCount + 1,
    })
    this.#stage(path, { version: 0, createCount: 0, childCount: 0, ephemeralOwner: owner })
    return createCount
  }

  delete(path: string, parent: PendingZnode): void {
    this.#stage(parentOf(path), { ...fieldsOf(parent), childCount: parent.childCount - 1 })
    this.#stage(path, undefined)
  }

  setVersion(path: string, znode: PendingZnode, version: number): void {
    this.#stage(path, { ...fieldsOf(znode), version })
  }

  /** What was staged is part of the transaction `zxid`. */
  commit(zxid: Zxid): void {
    for (const record of this.#staged.values()) {
      record.zxid = zxid
      this.#noteOwner(record)
      this.#latest.set(record.path, record)
      this.#records.push(record)
    }
    this.#staged.clear()
  }

  /** What was staged will not happen. */
  abandon(): void {
    this.#staged.clear()
  }

  /** The tree shows everything up to `zxid`. */
  applied(zxid: Zxid): void {
    const records = this.#records
    let first = this.#first
    for (let record = records[first]; record !== undefined; record = records[++first]) {
      if (record.zxid > zxid) break
      if (this.#latest.get(record.path) !== record) continue
      this.#latest.delete(record.path)
      this.#forgetOwner(record.path, record.znode)
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
    this.#staged.clear()
    this.#latest.clear()
    this.#records = []
    this.#first = 0
    this.#ephemerals.clear()
  }

  #stage(path: string, znode: PendingZnode | undefined): void {
    this.#staged.set(path, { path, znode, zxid: 0 as Zxid })
  }

  #noteOwner({ path, znode }: ChangeRecord): void {
    const before = this.#latest.get(path)?.znode
    if (before !== undefined && before.ephemeralOwner !== znode?.ephemeralOwner) {
      this.#forgetOwner(path, before)
    }
    const owner = znode?.ephemeralOwner ?? 0
    if (owner === 0) return
    const paths = this.#ephemerals.get(owner as SessionId)
    if (paths === undefined) this.#ephemerals.set(owner as SessionId, new Set([path]))
    else paths.add(path)
  }

  #forgetOwner(path: string, znode: PendingZnode | undefined): void {
    if (znode === undefined || znode.ephemeralOwner === 0) return
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
