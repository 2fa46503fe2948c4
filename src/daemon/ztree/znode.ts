// One znode: its value, its stat, the paths of its children. Stat arithmetic as in ZooKeeper's
// DataNode; ztree.ts holds the znodes. Value and numbers form one record in a slab's place:
//
//   f64 czxid | f64 ctime | f64 mzxid | f64 mtime | f64 pzxid | f64 ephemeralOwner |
//   i32 version | i32 createCount | i32 × 2: its part in the tree's digest | data …
//
// Long data is followed by its own hash, i32 × 2 at the next word: a parent changes with each child
// that is created or deleted, and is rehashed each time, but its data is not. Rare fields, such as
// children or a specific ACL, are in a separate object.

import type { EncodedNames } from '../../protocol/name-run.ts'
import { type Acl, noSession, openAcl, type SessionId, type Stat } from '../../protocol/records.ts'
import { type Zxid, zxidZero } from '../../protocol/zxid.ts'
import { type KnownAcl, knownOpenAcl } from './acl-table.ts'
import { type DigestSum, Hash } from './digest.ts'
import { ManyChildren, type NamesPage } from './many-children.ts'
import { type Page, placeBytes, type Slab } from './slab.ts'

export interface ZnodeFields {
  readonly data: Uint8Array | null
  readonly czxid: Zxid
  readonly ctime: number
  readonly mzxid: Zxid
  readonly mtime: number
  readonly pzxid: Zxid
  readonly version: number
  /** number of children ever created, as an int32: numbers its sequential children */
  readonly createCount: number
  readonly ephemeralOwner: SessionId
  readonly acl: readonly Acl[]
  /** setACL count */
  readonly aversion: number
  readonly lifetime: number
}

/** Whether the ensemble deletes a znode by itself; any other number is its time to live, in ms. */
export const lifetimes = { endless: 0, container: -1 } as const

/** The fields of a znode that has children, an ACL, or other rare properties. */
interface Uncommon {
  /** paths; undefined without any, and for a parent of many */
  children: Set<string> | undefined
  many: ManyChildren | undefined
  acl: KnownAcl
  aversion: number
  lifetime: number
  /** replaces the data in reads, for values that servers do not replicate */
  shown: (() => string) | undefined
  /** replaces an mzxid of 0 in reads: what is shown has no transaction, but a version */
  shownMzxid: Zxid
}

/** Encoding fewer names for an answer takes 0.3 ms at most. */
const manyChildrenMin = 1024

/** in 32-bit words: the hashed part, then the hash, then the value */
const hashedWords = 14
const headerBytes = 4 * (hashedWords + 2)
/** Data up to this size is hashed with the numbers each time; a separate hash would cost memory. */
const hashedDataBytesMax = 256

export class Znode implements ZnodeFields {
  #page: Page
  /** in doubles: the record's byte offset / 8 */
  #at: number
  /** -1: no value, which differs from an empty one */
  #dataLength: number
  #uncommon: Uncommon | undefined = undefined

  /** Copies `fields.data`. */
  constructor(slab: Slab, fields: Omit<ZnodeFields, 'acl'>, acl = knownOpenAcl) {
    const { data } = fields
    const { page, offset } = slab.allocate(recordBytes(lengthOf(data)))
    this.#page = page
    this.#at = offset / 8
    this.#dataLength = -1
    page.doubles[this.#at] = fields.czxid
    page.doubles[this.#at + 1] = fields.ctime
    page.doubles[this.#at + 5] = fields.ephemeralOwner
    this.mzxid = fields.mzxid
    this.mtime = fields.mtime
    this.pzxid = fields.pzxid
    this.version = fields.version
    this.createCount = fields.createCount
    page.ints[this.#at * 2 + hashedWords] = 0
    page.ints[this.#at * 2 + hashedWords + 1] = 0
    this.#put(data)
    const { aversion, lifetime } = fields
    if (aversion === 0 && lifetime === lifetimes.endless && acl === knownOpenAcl) return
    this.#uncommon = {
      children: undefined,
      many: undefined,
      acl,
      aversion,
      lifetime,
      shown: undefined,
      shownMzxid: zxidZero,
    }
  }

  get czxid(): Zxid {
    return this.#page.doubles[this.#at] as Zxid
  }

  get ctime(): number {
    return this.#page.doubles[this.#at + 1] as number
  }

  get mzxid(): Zxid {
    return this.#page.doubles[this.#at + 2] as Zxid
  }

  set mzxid(zxid: Zxid) {
    this.#page.doubles[this.#at + 2] = zxid
  }

  get mtime(): number {
    return this.#page.doubles[this.#at + 3] as number
  }

  set mtime(timeMs: number) {
    this.#page.doubles[this.#at + 3] = timeMs
  }

  get pzxid(): Zxid {
    return this.#page.doubles[this.#at + 4] as Zxid
  }

  set pzxid(zxid: Zxid) {
    this.#page.doubles[this.#at + 4] = zxid
  }

  get ephemeralOwner(): SessionId {
    return this.#page.doubles[this.#at + 5] as SessionId
  }

  get version(): number {
    return this.#page.ints[this.#at * 2 + 12] as number
  }

  set version(version: number) {
    this.#page.ints[this.#at * 2 + 12] = version
  }

  get createCount(): number {
    return this.#page.ints[this.#at * 2 + 13] as number
  }

  set createCount(count: number) {
    this.#page.ints[this.#at * 2 + 13] = count
  }

  get acl(): readonly Acl[] {
    return this.#uncommon === undefined ? openAcl : this.#uncommon.acl.list
  }

  get knownAcl(): KnownAcl {
    return this.#uncommon === undefined ? knownOpenAcl : this.#uncommon.acl
  }

  get aversion(): number {
    return this.#uncommon === undefined ? 0 : this.#uncommon.aversion
  }

  get lifetime(): number {
    return this.#uncommon === undefined ? lifetimes.endless : this.#uncommon.lifetime
  }

  get shown(): (() => string) | undefined {
    return this.#uncommon?.shown
  }

  set shown(shown: (() => string) | undefined) {
    this.#makeUncommon().shown = shown
  }

  get shownMzxid(): Zxid {
    return this.#uncommon?.shownMzxid ?? zxidZero
  }

  set shownMzxid(zxid: Zxid) {
    this.#makeUncommon().shownMzxid = zxid
  }

  setAcl(acl: KnownAcl, aversion: number): void {
    const uncommon = this.#makeUncommon()
    uncommon.acl = acl
    uncommon.aversion = aversion
  }

  /** A view, valid until the next transaction is applied: copy it to keep it. */
  get data(): Uint8Array | null {
    if (this.#dataLength < 0) return null
    const start = this.#at * 8 + headerBytes
    return this.#page.bytes.subarray(start, start + this.#dataLength)
  }

  get dataBytes(): number {
    return Math.max(this.#dataLength, 0)
  }

  /** Copies `data`. */
  setData(slab: Slab, data: Uint8Array | null): void {
    const before = recordBytes(this.#dataLength)
    const after = recordBytes(lengthOf(data))
    if (placeBytes(after) !== placeBytes(before)) {
      const { page, offset } = slab.allocate(after)
      const start = this.#at * 8
      page.bytes.set(this.#page.bytes.subarray(start, start + headerBytes), offset)
      this.free(slab)
      this.#page = page
      this.#at = offset / 8
    }
    this.#put(data)
  }

  /**
   * Updates the znode's part in `digest` to its current state. The cost does not depend on the size
   * of the data.
   */
  digestInto(digest: DigestSum, path: string, hash: Hash): void {
    const { ints } = this.#page
    const at = this.#at * 2
    this.leaveDigest(digest)
    hash.reset()
    hash.text(path)
    hash.words(ints, at, 4 * hashedWords)
    this.#hashUncommon(hash)
    hash.word(this.#dataLength)
    if (this.#dataLength <= hashedDataBytesMax) hash.words(ints, this.#dataAt, this.dataBytes)
    else hash.words(ints, this.#dataHashAt, 8)
    hash.finish()
    ints[at + hashedWords] = hash.high
    ints[at + hashedWords + 1] = hash.low
    digest.add(hash)
  }

  leaveDigest(digest: DigestSum): void {
    const { ints } = this.#page
    const at = this.#at * 2 + hashedWords
    digest.subtract({ high: ints[at] as number, low: ints[at + 1] as number })
  }

  /** Frees the record; the znode must not be used any more. */
  free(slab: Slab): void {
    slab.free({ page: this.#page, offset: this.#at * 8 }, recordBytes(this.#dataLength))
  }

  /** Paths, not names: the tree's own keys, which cost no further memory, as long as they are few. */
  get children(): Iterable<string> {
    return this.#uncommon?.many ?? this.#uncommon?.children ?? []
  }

  get childCount(): number {
    const uncommon = this.#uncommon
    return uncommon?.many?.size ?? uncommon?.children?.size ?? 0
  }

  /** The names of the children where they are many; valid until the next transaction is applied. */
  get manyNames(): EncodedNames | undefined {
    return this.#uncommon?.many?.names
  }

  /** Some of the names of the children, likewise. See `ManyChildren.page`. */
  childrenPage(from: number, bytesMax: number): NamesPage {
    const many = this.#uncommon?.many ?? new ManyChildren(this.children)
    return many.page(from, bytesMax)
  }

  /** A path that is not there yet. */
  addChild(path: string): void {
    const uncommon = this.#makeUncommon()
    const { children, many } = uncommon
    if (many !== undefined) many.add(path)
    else if (children === undefined) uncommon.children = new Set([path])
    else {
      children.add(path)
      if (children.size < manyChildrenMin) return
      uncommon.many = new ManyChildren(children)
      uncommon.children = undefined
    }
  }

  removeChild(path: string): void {
    const uncommon = this.#uncommon
    if (uncommon === undefined) return
    const { children, many } = uncommon
    if (many !== undefined) {
      many.delete(path)
      // Half of the limit, so that a parent at the limit does not change with each child.
      if (many.size > manyChildrenMin / 2) return
      uncommon.children = new Set(many)
      uncommon.many = undefined
    } else {
      children?.delete(path)
      if (children?.size === 0) uncommon.children = undefined
    }
  }

  #makeUncommon(): Uncommon {
    this.#uncommon ??= {
      children: undefined,
      many: undefined,
      acl: knownOpenAcl,
      aversion: 0,
      lifetime: lifetimes.endless,
      shown: undefined,
      shownMzxid: zxidZero,
    }
    return this.#uncommon
  }

  /** Depends only on the contents, not on whether the object exists. */
  #hashUncommon(hash: Hash): void {
    if (this.#uncommon === undefined) return
    const { acl, aversion, lifetime } = this.#uncommon
    if (aversion === 0 && lifetime === lifetimes.endless && acl === knownOpenAcl) return
    hash.word(aversion)
    hash.word(lifetime)
    hash.word(lifetime / 2 ** 32)
    hash.word(acl.digest.high)
    hash.word(acl.digest.low)
  }

  #put(data: Uint8Array | null): void {
    this.#dataLength = lengthOf(data)
    if (data !== null) this.#page.bytes.set(data, this.#at * 8 + headerBytes)
    if (this.#dataLength > hashedDataBytesMax) this.#hashData()
  }

  #hashData(): void {
    const { ints } = this.#page
    const hash = new Hash().reset()
    hash.words(ints, this.#dataAt, this.#dataLength)
    hash.finish()
    ints[this.#dataHashAt] = hash.high
    ints[this.#dataHashAt + 1] = hash.low
  }

  /** in words, as `#dataHashAt` */
  get #dataAt(): number {
    return this.#at * 2 + headerBytes / 4
  }

  get #dataHashAt(): number {
    return this.#dataAt + ((this.#dataLength + 3) >>> 2)
  }
}

/** -1 for none */
function lengthOf(data: Uint8Array | null): number {
  return data === null ? -1 : data.length
}

function recordBytes(dataLength: number): number {
  if (dataLength <= hashedDataBytesMax) return headerBytes + Math.max(dataLength, 0)
  return headerBytes + ((dataLength + 3) & ~3) + 8
}

/**
 * A znode of the initial tree. Neither it nor its children were created by a transaction, so all
 * its numbers are 0, and a new `/` shows ZooKeeper's cversion of -1.
 */
export const initialFields: ZnodeFields = {
  data: new Uint8Array(0),
  czxid: zxidZero,
  ctime: 0,
  mzxid: zxidZero,
  mtime: 0,
  pzxid: zxidZero,
  version: 0,
  createCount: 0,
  ephemeralOwner: noSession,
  acl: openAcl,
  aversion: 0,
  lifetime: lifetimes.endless,
}

/** The data in reads. A view, like `data`. */
export function shownData(znode: Readonly<Znode>): Uint8Array | null {
  return znode.shown === undefined ? znode.data : Buffer.from(znode.shown())
}

export function statOf(znode: Readonly<Znode>): Stat {
  const { mzxid } = znode
  return {
    czxid: znode.czxid,
    mzxid: mzxid === zxidZero ? znode.shownMzxid : mzxid,
    ctime: znode.ctime,
    mtime: znode.mtime,
    version: znode.version,
    // Creates and deletes: of the children ever created, those not present now were deleted.
    cversion: (2 * znode.createCount - znode.childCount) | 0,
    aversion: znode.aversion,
    ephemeralOwner: znode.ephemeralOwner,
    dataLength: znode.shown === undefined ? znode.dataBytes : Buffer.byteLength(znode.shown()),
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
