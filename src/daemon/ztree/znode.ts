// One znode: a view of its record in the table, and of its rare fields. Stat arithmetic as in
// ZooKeeper's DataNode; znodes.ts makes the views, ztree.ts changes what they show.
//
// A view is made for each look-up, and costs as little as any short-lived object. It is for one step:
// once its znode is deleted, the id, and so the view, may be another znode's.

import type { EncodedNames } from '../../protocol/name-run.ts'
import { type Acl, noSession, openAcl, type SessionId, type Stat } from '../../protocol/records.ts'
import { type Zxid, zxidZero } from '../../protocol/zxid.ts'
import { type KnownAcl, knownOpenAcl } from './acl-table.ts'
import type { DigestSum, Hash } from './digest.ts'
import { ManyChildren, type NamesPage } from './many-children.ts'
import type { Page } from './slab.ts'
import { wordsFor } from './stored-name.ts'
import { lifetimes, type Uncommon } from './uncommon.ts'
import {
  childCountWord,
  createCountWord,
  dataOffset,
  digestWord,
  hashedDataBytesMax,
  parentWord,
  placeWord,
  versionWord,
  type ZnodeTable,
} from './znode-table.ts'

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

/** The hashed words that begin a record. */
const hashedWords = 14

export class Znode implements ZnodeFields {
  readonly id: number
  readonly #table: ZnodeTable
  readonly #doubles: Float64Array
  readonly #ints: Int32Array
  /** the record, in words */
  readonly #at: number
  #page: Page
  /** the place, in words */
  #start: number

  constructor(table: ZnodeTable, id: number) {
    const { doubles, ints } = table.chunk(id)
    this.id = id
    this.#table = table
    this.#doubles = doubles
    this.#ints = ints
    const at = table.at(id)
    this.#at = at
    const place = ints[at + placeWord] as number
    this.#page = table.slab.page(place)
    this.#start = table.slab.offset(place) >>> 2
  }

  /** Sets the numbers of a new record. */
  restore(fields: Omit<ZnodeFields, 'acl' | 'data'>): void {
    const at = this.#at / 2
    this.#doubles[at] = fields.czxid
    this.#doubles[at + 1] = fields.ctime
    this.#doubles[at + 2] = fields.mzxid
    this.#doubles[at + 3] = fields.mtime
    this.#doubles[at + 4] = fields.pzxid
    this.#doubles[at + 5] = fields.ephemeralOwner
    this.version = fields.version
    this.createCount = fields.createCount
  }

  get czxid(): Zxid {
    return this.#doubles[this.#at / 2] as Zxid
  }

  get ctime(): number {
    return this.#doubles[this.#at / 2 + 1] as number
  }

  get mzxid(): Zxid {
    return this.#doubles[this.#at / 2 + 2] as Zxid
  }

  set mzxid(zxid: Zxid) {
    this.#doubles[this.#at / 2 + 2] = zxid
  }

  get mtime(): number {
    return this.#doubles[this.#at / 2 + 3] as number
  }

  set mtime(timeMs: number) {
    this.#doubles[this.#at / 2 + 3] = timeMs
  }

  get pzxid(): Zxid {
    return this.#doubles[this.#at / 2 + 4] as Zxid
  }

  set pzxid(zxid: Zxid) {
    this.#doubles[this.#at / 2 + 4] = zxid
  }

  get ephemeralOwner(): SessionId {
    return this.#doubles[this.#at / 2 + 5] as SessionId
  }

  get version(): number {
    return this.#ints[this.#at + versionWord] as number
  }

  set version(version: number) {
    this.#ints[this.#at + versionWord] = version
  }

  get createCount(): number {
    return this.#ints[this.#at + createCountWord] as number
  }

  set createCount(count: number) {
    this.#ints[this.#at + createCountWord] = count
  }

  get acl(): readonly Acl[] {
    const uncommon = this.#uncommon
    return uncommon === undefined ? openAcl : uncommon.acl.list
  }

  get knownAcl(): KnownAcl {
    const uncommon = this.#uncommon
    return uncommon === undefined ? knownOpenAcl : uncommon.acl
  }

  get aversion(): number {
    const uncommon = this.#uncommon
    return uncommon === undefined ? 0 : uncommon.aversion
  }

  get lifetime(): number {
    const uncommon = this.#uncommon
    return uncommon === undefined ? lifetimes.endless : uncommon.lifetime
  }

  get shown(): (() => string) | undefined {
    return this.#uncommon?.shown
  }

  set shown(shown: (() => string) | undefined) {
    this.#table.makeUncommon(this.id).shown = shown
  }

  get shownMzxid(): Zxid {
    return this.#uncommon?.shownMzxid ?? zxidZero
  }

  set shownMzxid(zxid: Zxid) {
    this.#table.makeUncommon(this.id).shownMzxid = zxid
  }

  setAcl(acl: KnownAcl, aversion: number): void {
    const uncommon = this.#table.makeUncommon(this.id)
    uncommon.acl = acl
    uncommon.aversion = aversion
  }

  /** A view, valid until the next transaction is applied: copy it to keep it. */
  get data(): Uint8Array | null {
    const length = this.#page.ints[this.#start] as number
    if (length < 0) return null
    const at = 4 * this.#dataAt
    return this.#page.bytes.subarray(at, at + length)
  }

  get dataBytes(): number {
    return Math.max(this.#page.ints[this.#start] as number, 0)
  }

  /** Copies `data`. @returns the bytes that it has more than the data before */
  setData(data: Uint8Array | null): number {
    const table = this.#table
    const before = this.dataBytes
    const place = table.setData(this.id, data)
    this.#page = table.slab.page(place)
    this.#start = table.slab.offset(place) >>> 2
    return this.dataBytes - before
  }

  /**
   * Updates the znode's part in `digest` to its current state. The cost does not depend on the size
   * of the data.
   */
  digestInto(digest: DigestSum, path: string, hash: Hash): void {
    const ints = this.#ints
    const at = this.#at
    this.leaveDigest(digest)
    hash.reset()
    hash.text(path)
    hash.words(ints, at, 4 * hashedWords)
    this.#hashUncommon(hash)
    const { ints: stored } = this.#page
    const length = stored[this.#start] as number
    hash.word(length)
    if (length > hashedDataBytesMax) hash.words(stored, this.#dataAt + wordsFor(length), 8)
    else if (length > 0) hash.words(stored, this.#dataAt, length)
    hash.finish()
    ints[at + digestWord] = hash.high
    ints[at + digestWord + 1] = hash.low
    digest.add(hash)
  }

  leaveDigest(digest: DigestSum): void {
    const at = this.#at + digestWord
    digest.subtract({ high: this.#ints[at] as number, low: this.#ints[at + 1] as number })
  }

  /** The names of its children, in no particular order. */
  names(): string[] {
    const names: string[] = []
    for (const id of this.#table.children(this.id)) names.push(this.#table.name(id))
    return names
  }

  get childCount(): number {
    return this.#ints[this.#at + childCountWord] as number
  }

  /** The names of the children where they are many; valid until the next transaction is applied. */
  get manyNames(): EncodedNames | undefined {
    return this.#uncommon?.many?.names
  }

  /** Some of the names of the children, likewise. See `ManyChildren.page`. */
  childrenPage(from: number, bytesMax: number): NamesPage {
    const many = this.#uncommon?.many ?? new ManyChildren(this.names())
    return many.page(from, bytesMax)
  }

  get #uncommon(): Uncommon | undefined {
    const isUncommon = ((this.#ints[this.#at + parentWord] as number) & 1) === 1
    return isUncommon ? this.#table.uncommon(this.id) : undefined
  }

  /** in words, from the start of the page */
  get #dataAt(): number {
    return this.#start + dataOffset(this.#page.ints[this.#start + 1] as number)
  }

  /** Depends only on the contents, not on whether the object exists. */
  #hashUncommon(hash: Hash): void {
    const uncommon = this.#uncommon
    if (uncommon === undefined) return
    const { acl, aversion, lifetime } = uncommon
    if (aversion === 0 && lifetime === lifetimes.endless && acl === knownOpenAcl) return
    hash.word(aversion)
    hash.word(lifetime)
    hash.word(lifetime / 2 ** 32)
    hash.word(acl.digest.high)
    hash.word(acl.digest.low)
  }
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
