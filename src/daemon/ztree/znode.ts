// One znode: its value, its stat, the paths of its children. Stat arithmetic as in ZooKeeper's
// DataNode; the tree that holds it is ztree.ts.

import { noSession, type SessionId, type Stat } from '../../protocol/records.ts'
import { type Zxid, zxidZero } from '../../protocol/zxid.ts'

export interface ZnodeFields {
  /** kept as it is, never written to: the znode owns it from here on */
  readonly data: Uint8Array | null
  readonly czxid: Zxid
  readonly ctime: number
  readonly mzxid: Zxid
  readonly mtime: number
  readonly pzxid: Zxid
  readonly version: number
  /** how many children it ever got, as an int32: numbers its sequential children */
  readonly createCount: number
  readonly ephemeralOwner: SessionId
}

export class Znode implements ZnodeFields {
  data: Uint8Array | null
  readonly czxid: Zxid
  readonly ctime: number
  mzxid: Zxid
  mtime: number
  pzxid: Zxid
  version: number
  createCount: number
  readonly ephemeralOwner: SessionId
  /** Paths, not names: they are the tree's own keys and cost no further memory. */
  children: Set<string> | undefined = undefined

  constructor(fields: ZnodeFields) {
    this.data = fields.data
    this.czxid = fields.czxid
    this.ctime = fields.ctime
    this.mzxid = fields.mzxid
    this.mtime = fields.mtime
    this.pzxid = fields.pzxid
    this.version = fields.version
    this.createCount = fields.createCount
    this.ephemeralOwner = fields.ephemeralOwner
  }

  get dataBytes(): number {
    return this.data === null ? 0 : this.data.length
  }

  get childCount(): number {
    return this.children === undefined ? 0 : this.children.size
  }

  addChild(path: string): void {
    if (this.children === undefined) this.children = new Set([path])
    else this.children.add(path)
  }

  removeChild(path: string): void {
    this.children?.delete(path)
    if (this.children?.size === 0) this.children = undefined
  }
}

/**
 * One of the znodes that every tree begins with. Nobody created it or its children, so all its
 * numbers are 0, and a fresh `/` shows ZooKeeper's cversion of -1.
 */
export function initialZnode(): Znode {
  return new Znode({
    data: new Uint8Array(0),
    czxid: zxidZero,
    ctime: 0,
    mzxid: zxidZero,
    mtime: 0,
    pzxid: zxidZero,
    version: 0,
    createCount: 0,
    ephemeralOwner: noSession,
  })
}

export function statOf(znode: Readonly<Znode>): Stat {
  return {
    czxid: znode.czxid,
    mzxid: znode.mzxid,
    ctime: znode.ctime,
    mtime: znode.mtime,
    version: znode.version,
    // Creates and deletes: of the children ever created, those not here now were deleted.
    cversion: (2 * znode.createCount - znode.childCount) | 0,
    aversion: 0,
    ephemeralOwner: znode.ephemeralOwner,
    dataLength: znode.dataBytes,
    numChildren: znode.childCount,
    pzxid: znode.pzxid,
  }
}

/**
 * The version after `version`. It wraps as an int32 and skips -1: that is every client's wildcard,
 * so a znode at -1 could no longer be changed conditionally (ZOOKEEPER-4743).
 */
export function nextVersion(version: number): number {
  return version === -2 ? 0 : (version + 1) | 0
}
