// The contents of LevelDB, key by key. Keys and values are strings: LevelDB hands strings to
// JavaScript faster than buffers, which matters at startup. The bytes of a value are encoded as
// Latin-1 characters, so those from 0x80 up take two bytes on the disk. They are decoded from
// pieces of many entries (tree-entries.ts).
//
//   key                      value
//   #                        u8 format | f64 lastApplied | u32 znodes | u32 sessions |
//                            u32 × 2 digest
//   the path of a znode      f64 czxid | f64 ctime | f64 mzxid | f64 mtime | f64 pzxid |
//                            f64 ephemeralOwner | i32 version | i32 createCount |
//                            u8: 1 if there is data + 2 if there is more | more | data …
//     more =                 i32 aversion | f64 lifetime | u32 bytes of the ACL |
//                            the ACL as JSON, UTF-8; nothing for an open one
//   s + session id as 14     u32 timeoutMs | password …
//       hex digits
//
// Each value begins with a u32 CRC32C over the key and the rest of the value: LevelDB does not
// notice a flipped bit. All numbers are big-endian; an f64 holds an integer below 2^53. In key
// order `#` comes first, and a parent precedes its children.

import { crc32c } from '../../protocol/crc32c.ts'
import { type Acl, openAcl, type SessionId } from '../../protocol/records.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import { aclText, parseAclText } from '../ztree/acl.ts'
import type { Digest } from '../ztree/digest.ts'
import { lifetimes } from '../ztree/uncommon.ts'
import type { ZnodeFields } from '../ztree/znode.ts'
import type { Session } from '../ztree/ztree.ts'
import type { EntryReader } from './tree-entries.ts'

export const metaKey = '#'
export const storeFormat = 4

export interface StoreMeta {
  readonly lastApplied: Zxid
  readonly znodeCount: number
  readonly sessionCount: number
  readonly digest: Digest
}

const metaBytes = 25

export type StoreKey =
  | { readonly type: 'meta' }
  | { readonly type: 'znode'; readonly path: string }
  | { readonly type: 'session'; readonly session: SessionId }

export function sessionKey(session: SessionId): string {
  return `s${session.toString(16).padStart(14, '0')}`
}

/** @returns undefined for an unknown key */
export function parseKey(key: string): StoreKey | undefined {
  if (key === metaKey) return { type: 'meta' }
  if (key.startsWith('/')) return { type: 'znode', path: key }
  if (!/^s[0-9a-f]{14}$/.test(key)) return undefined
  return { type: 'session', session: Number.parseInt(key.slice(1), 16) as SessionId }
}

const znodeHeaderBytes = 6 * 8 + 2 * 4 + 1
const moreHeaderBytes = 4 + 8 + 4
const checksumBytes = 4
const flags = { data: 1, more: 2 } as const

interface More extends Pick<ZnodeFields, 'acl' | 'aversion' | 'lifetime'> {
  /** where the data begins */
  readonly end: number
}

/** Encodes and decodes values. It keeps a buffer: one codec for one user at a time. */
export class StoreCodec {
  /** key | crc | rest of the value */
  #scratch = Buffer.allocUnsafeSlow(4096)
  /** start and end of the rest of the value */
  #start = 0
  #end = 0
  #lastAcl: { readonly text: string; readonly list: readonly Acl[] } = { text: '', list: openAcl }

  encodeMeta(meta: StoreMeta): string {
    const bytes = this.#begin(metaKey, metaBytes)
    let at = bytes.writeUInt8(storeFormat, this.#start)
    at = bytes.writeDoubleBE(meta.lastApplied, at)
    at = bytes.writeUInt32BE(meta.znodeCount, at)
    at = bytes.writeUInt32BE(meta.sessionCount, at)
    at = bytes.writeUInt32BE(meta.digest.high, at)
    bytes.writeUInt32BE(meta.digest.low, at)
    return this.#finish()
  }

  encodeZnode(path: string, znode: Readonly<ZnodeFields>): string {
    const { data, acl, aversion, lifetime } = znode
    const aclJson = acl === openAcl ? '' : aclText(acl)
    const aclBytes = Buffer.byteLength(aclJson)
    const more = aclBytes > 0 || aversion !== 0 || lifetime !== lifetimes.endless
    const moreBytes = more ? moreHeaderBytes + aclBytes : 0
    const dataBytes = data === null ? 0 : data.length
    const bytes = this.#begin(path, znodeHeaderBytes + moreBytes + dataBytes)
    let at = bytes.writeDoubleBE(znode.czxid, this.#start)
    at = bytes.writeDoubleBE(znode.ctime, at)
    at = bytes.writeDoubleBE(znode.mzxid, at)
    at = bytes.writeDoubleBE(znode.mtime, at)
    at = bytes.writeDoubleBE(znode.pzxid, at)
    at = bytes.writeDoubleBE(znode.ephemeralOwner, at)
    at = bytes.writeInt32BE(znode.version, at)
    at = bytes.writeInt32BE(znode.createCount, at)
    at = bytes.writeUInt8((data === null ? 0 : flags.data) + (more ? flags.more : 0), at)
    if (more) {
      at = bytes.writeInt32BE(aversion, at)
      at = bytes.writeDoubleBE(lifetime, at)
      at = bytes.writeUInt32BE(aclBytes, at)
      at += bytes.write(aclJson, at, 'utf8')
    }
    if (data !== null) bytes.set(data, at)
    return this.#finish()
  }

  encodeSession(key: string, { timeoutMs, password }: Session): string {
    const bytes = this.#begin(key, 4 + password.length)
    bytes.set(password, bytes.writeUInt32BE(timeoutMs, this.#start))
    return this.#finish()
  }

  /** @returns undefined, as in the other two, for a damaged value */
  decodeMeta(entry: EntryReader): StoreMeta | { readonly otherFormat: number } | undefined {
    if (!isIntact(entry, 1)) return undefined
    const { view } = entry
    const at = entry.valueStart + checksumBytes
    const format = view.getUint8(at)
    if (format !== storeFormat || entry.valueEnd - at !== metaBytes) return { otherFormat: format }
    return {
      lastApplied: view.getFloat64(at + 1) as Zxid,
      znodeCount: view.getUint32(at + 9),
      sessionCount: view.getUint32(at + 13),
      digest: { high: view.getUint32(at + 17), low: view.getUint32(at + 21) },
    }
  }

  /** `data` is a view of the entry's piece. */
  decodeZnode(entry: EntryReader): ZnodeFields | undefined {
    if (!isIntact(entry, znodeHeaderBytes)) return undefined
    const { view } = entry
    const at = entry.valueStart + checksumBytes
    const found = view.getUint8(at + 56)
    const more = this.#decodeMore(entry, at + znodeHeaderBytes, (found & flags.more) !== 0)
    if (more === undefined) return undefined
    const { acl, aversion, lifetime, end } = more
    return {
      czxid: view.getFloat64(at) as Zxid,
      ctime: view.getFloat64(at + 8),
      mzxid: view.getFloat64(at + 16) as Zxid,
      mtime: view.getFloat64(at + 24),
      pzxid: view.getFloat64(at + 32) as Zxid,
      ephemeralOwner: view.getFloat64(at + 40) as SessionId,
      version: view.getInt32(at + 48),
      createCount: view.getInt32(at + 52),
      data: (found & flags.data) === 0 ? null : entry.bytes.subarray(end, entry.valueEnd),
      acl,
      aversion,
      lifetime,
    }
  }

  #decodeMore({ bytes, view, valueEnd }: EntryReader, at: number, more: boolean): More | undefined {
    if (!more) return { acl: openAcl, aversion: 0, lifetime: lifetimes.endless, end: at }
    const start = at + moreHeaderBytes
    if (start > valueEnd) return undefined
    const end = start + view.getUint32(at + 12)
    if (end > valueEnd) return undefined
    const acl = this.#parseAcl(bytes.toString('utf8', start, end))
    return { acl, aversion: view.getInt32(at), lifetime: view.getFloat64(at + 4), end }
  }

  /**
   * Reuses the list of the previous znode if the text is equal: parsed once, and the same object.
   */
  #parseAcl(text: string): readonly Acl[] {
    if (text !== this.#lastAcl.text) {
      this.#lastAcl = { text, list: text === '' ? openAcl : parseAclText(text) }
    }
    return this.#lastAcl.list
  }

  decodeSession(entry: EntryReader): Session | undefined {
    if (!isIntact(entry, 4)) return undefined
    const at = entry.valueStart + checksumBytes
    const password = new Uint8Array(entry.bytes.subarray(at + 4, entry.valueEnd))
    return { timeoutMs: entry.view.getUint32(at), password }
  }

  /** Writes the key and reserves `restBytes` after the checksum. */
  #begin(key: string, restBytes: number): Buffer {
    const needed = key.length * 3 + checksumBytes + restBytes
    if (needed > this.#scratch.length) this.#scratch = Buffer.allocUnsafeSlow(needed * 2)
    this.#start = this.#scratch.write(key, 0, 'utf8') + checksumBytes
    this.#end = this.#start + restBytes
    return this.#scratch
  }

  #finish(): string {
    const bytes = this.#scratch
    const valueStart = this.#start - checksumBytes
    const checksum = checksumOf({
      bytes,
      keyStart: 0,
      keyEnd: valueStart,
      valueStart,
      valueEnd: this.#end,
    })
    bytes.writeUInt32BE(checksum, valueStart)
    return bytes.toString('latin1', valueStart, this.#end)
  }
}

/** Where a key and its value, which begins with the checksum of both, are in `bytes`. */
type Places = Pick<EntryReader, 'bytes' | 'keyStart' | 'keyEnd' | 'valueStart' | 'valueEnd'>

/** Whether the value has so many bytes after its checksum, and the checksum is correct. */
function isIntact(entry: EntryReader, restBytesMin: number): boolean {
  if (entry.valueEnd - entry.valueStart < checksumBytes + restBytesMin) return false
  return entry.view.getUint32(entry.valueStart) === checksumOf(entry)
}

function checksumOf({ bytes, keyStart, keyEnd, valueStart, valueEnd }: Places): number {
  return crc32c(bytes, valueStart + checksumBytes, valueEnd, crc32c(bytes, keyStart, keyEnd))
}
