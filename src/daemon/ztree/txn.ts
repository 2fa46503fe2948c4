// Transactions: the leader's decisions, expressed as results, so that applying one cannot fail and
// applying it twice changes nothing. Encoded once, by the leader; every log has these bytes.
//
//   [type, origin, seq, session, timeMs, ...fields]
//
// `origin` and `seq` identify the request that it answers: the client's server, and that server's
// number for the request. Next on the path: ensemble/driver.ts `propose`.

import { asBuffer } from '../../as-buffer.ts'
import { type ErrorNumber, ProtocolError } from '../../protocol/error-codes.ts'
import { MsgpackReader, type MsgpackWriter } from '../../protocol/msgpack.ts'
import { type Acl, openAcl, type ServerId, type SessionId } from '../../protocol/records.ts'
import { decodeAcl, encodeAcl } from '../../protocol/zk/by-hand.ts'
import type { Zxid } from '../../protocol/zxid.ts'

/** A session's id is the zxid of the transaction that creates it. */
export function sessionCreatedBy(zxid: Zxid): SessionId {
  return zxid as number as SessionId
}

/** One change of the tree, with the zxid and time of its transaction. */
export type Change =
  | {
      readonly type: 'create'
      readonly path: string
      readonly data: Uint8Array | null
      /** 0 for a persistent znode */
      readonly ephemeralOwner: SessionId
      /** number of children ever created under the parent, including this one */
      readonly parentCreateCount: number
      readonly acl: readonly Acl[]
      /** one of `lifetimes`, or a time to live in ms */
      readonly lifetime: number
    }
  | { readonly type: 'delete'; readonly path: string }
  | {
      readonly type: 'setData'
      readonly path: string
      readonly data: Uint8Array | null
      /** the version after the change */
      readonly version: number
    }
  /** A successful check: changes nothing, but has a result in its multi. */
  | { readonly type: 'check'; readonly path: string }

export type TxnBody =
  | Exclude<Change, { type: 'check' }>
  | {
      readonly type: 'setACL'
      readonly path: string
      readonly acl: readonly Acl[]
      /** the aversion after the change */
      readonly aversion: number
    }
  | { readonly type: 'multi'; readonly changes: readonly Change[] }
  | {
      readonly type: 'createSession'
      readonly timeoutMs: number
      readonly password: Uint8Array
    }
  /**
   * Deletes every ephemeral that the session owns when it is applied. A list of them would be as
   * long as clients make it, and a transaction larger than any frame would stop the ensemble for
   * good.
   */
  | { readonly type: 'closeSession' }
  /** Proposes a configuration of the ensemble, or activates it (daemon/membership/). */
  | { readonly type: 'reconfig'; readonly data: Uint8Array }
  /**
   * A refusal, ordered like every other answer. For a multi, `failedAt` is the index of the failed
   * part out of `partCount`; both are 0 otherwise.
   */
  | {
      readonly type: 'error'
      readonly code: ErrorNumber
      readonly failedAt: number
      readonly partCount: number
    }

export interface Txn {
  readonly origin: ServerId
  readonly seq: number
  /** the requesting session; a new session's id is the zxid, so this is 0 in a createSession */
  readonly session: SessionId
  /** the leader's wall clock, ms since 1970 */
  readonly timeMs: number
  readonly body: TxnBody
}

const types = {
  create: 1,
  delete: 2,
  setData: 5,
  setACL: 7,
  check: 13,
  multi: 14,
  reconfig: 16,
  createSession: -10,
  closeSession: -11,
  error: -1,
} as const

const typeNames = new Map(
  Object.entries(types).map(([name, number]) => [number as number, name as keyof typeof types]),
)

export function encodeTxn(out: MsgpackWriter, txn: Txn): void {
  out.arrayHeader(5 + fieldCount(txn.body))
  out.int(types[txn.body.type])
  out.int(txn.origin)
  out.int(txn.seq)
  out.int(txn.session)
  out.int(txn.timeMs)
  encodeFields(out, txn.body)
}

function fieldCount(body: TxnBody | Change): number {
  switch (body.type) {
    case 'create':
      return 6
    case 'setData':
    case 'setACL':
    case 'error':
      return 3
    case 'createSession':
      return 2
    case 'delete':
    case 'check':
    case 'multi':
    case 'reconfig':
      return 1
    case 'closeSession':
      return 0
  }
}

function encodeFields(out: MsgpackWriter, body: TxnBody | Change): void {
  switch (body.type) {
    case 'create':
      out.string(body.path)
      out.bytes(body.data)
      out.int(body.ephemeralOwner)
      out.int(body.parentCreateCount)
      encodeMaybeOpen(out, body.acl)
      out.int(body.lifetime)
      return
    case 'setACL':
      out.string(body.path)
      encodeMaybeOpen(out, body.acl)
      out.int(body.aversion)
      return
    case 'setData':
      out.string(body.path)
      out.bytes(body.data)
      out.int(body.version)
      return
    case 'delete':
    case 'check':
      out.string(body.path)
      return
    case 'multi':
      out.arrayHeader(body.changes.length)
      for (const change of body.changes) {
        out.arrayHeader(1 + fieldCount(change))
        out.int(types[change.type])
        encodeFields(out, change)
      }
      return
    case 'createSession':
      out.int(body.timeoutMs)
      out.bytes(body.password)
      return
    case 'closeSession':
      return
    case 'reconfig':
      out.bytes(body.data)
      return
    case 'error':
      out.int(body.code)
      out.int(body.failedAt)
      out.int(body.partCount)
      return
  }
}

/** Most znodes are open to all: encoded as one byte. */
function encodeMaybeOpen(out: MsgpackWriter, acl: readonly Acl[]): void {
  if (acl === openAcl) out.nil()
  else encodeAcl(out, acl)
}

function decodeMaybeOpen(reader: MsgpackReader): readonly Acl[] {
  return reader.nilOr(() => decodeAcl(reader)) ?? openAcl
}

/**
 * `data` and `password` are views: the receiver copies what it keeps.
 *
 * @throws ProtocolError for bytes that `encodeTxn` did not write
 */
export function decodeTxn(reader: MsgpackReader): Txn {
  reader.arrayHeader()
  const type = typeOf(reader)
  const origin = reader.natural('the origin') as ServerId
  const seq = reader.natural('the sequence')
  const session = reader.natural('the session id') as SessionId
  const timeMs = reader.int()
  const body = decodeFields(reader, type)
  reader.expectEnd()
  if (body.type === 'check') throw new ProtocolError('Cannot decode a transaction: a lone check')
  return { origin, seq, session, timeMs, body }
}

/** An array of six, and then the type. */
const reconfigBytes = [0x96, types.reconfig] as const

/** The data of a transaction that changes the configuration; undefined for any other one. */
export function configurationIn(payload: Uint8Array): Uint8Array | undefined {
  if (payload[0] !== reconfigBytes[0] || payload[1] !== reconfigBytes[1]) return undefined
  const bytes = asBuffer(payload)
  const { body } = decodeTxn(new MsgpackReader().reset(bytes, 0, bytes.length))
  return body.type === 'reconfig' ? body.data : undefined
}

function typeOf(reader: MsgpackReader): keyof typeof types {
  const number = reader.int()
  const type = typeNames.get(number)
  if (type === undefined) throw new ProtocolError(`Cannot decode a transaction of type ${number}`)
  return type
}

function decodeFields(reader: MsgpackReader, type: keyof typeof types): TxnBody | Change {
  switch (type) {
    case 'create':
      return {
        type,
        path: reader.string(),
        data: reader.bytes(),
        ephemeralOwner: reader.natural('the owner') as SessionId,
        parentCreateCount: reader.int(),
        acl: decodeMaybeOpen(reader),
        lifetime: reader.int(),
      }
    case 'setACL': {
      const path = reader.string()
      return { type, path, acl: decodeMaybeOpen(reader), aversion: reader.int() }
    }
    case 'setData':
      return { type, path: reader.string(), data: reader.bytes(), version: reader.int() }
    case 'delete':
    case 'check':
      return { type, path: reader.string() }
    case 'multi': {
      const count = reader.arrayHeader()
      const changes: Change[] = []
      for (let i = 0; i < count; i++) changes.push(decodeChange(reader))
      return { type, changes }
    }
    case 'createSession': {
      const timeoutMs = reader.natural('the session time-out')
      return { type, timeoutMs, password: reader.bytes() ?? new Uint8Array(0) }
    }
    case 'closeSession':
      return { type }
    case 'reconfig':
      return { type, data: reader.bytes() ?? new Uint8Array(0) }
    case 'error': {
      const code = reader.int() as ErrorNumber
      return { type, code, failedAt: reader.int(), partCount: reader.int() }
    }
  }
}

function decodeChange(reader: MsgpackReader): Change {
  reader.arrayHeader()
  const type = typeOf(reader)
  if (type !== 'create' && type !== 'delete' && type !== 'setData' && type !== 'check') {
    throw new ProtocolError(`Cannot decode a multi: ${type} cannot be part of one`)
  }
  return decodeFields(reader, type) as Change
}
