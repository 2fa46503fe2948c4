// One request of a client on its way, and what follows from its type alone: may it be sent twice, what
// does it cost, which watch does its answer leave. Pure.

import { errorCodes, ProtocolError } from '../protocol/error-codes.ts'
import type { Acl } from '../protocol/records.ts'
import type { CreateMode, ReadOp, ReplyBody, Request, WriteOp } from '../protocol/zk/messages.ts'
import type { Watcher, WatchKind } from './watch-registry.ts'

/** A request on its way; the shell of the session knows who waits for it. */
export interface Call {
  readonly request: Request
  /** joins the registry once the server has armed it; for removeWatches, the one to leave it */
  readonly watcher?: Watcher | undefined
}

/** Whether asking twice does no more than asking once. */
export function isRepeatable(request: Request): boolean {
  switch (request.type) {
    case 'create':
    case 'delete':
    case 'setData':
    case 'setACL':
    case 'multi':
    case 'createSession':
    case 'closeSession':
      return false
    case 'exists':
    case 'getData':
    case 'getChildren':
    case 'getACL':
    case 'getAllChildrenNumber':
    case 'getEphemerals':
    case 'multiRead':
    case 'whoAmI':
    case 'sync':
    case 'ping':
    case 'auth':
    case 'addWatch':
    case 'checkWatches':
    case 'removeWatches':
    case 'setWatches':
    case 'refused':
      return true
  }
}

/** Whether the path of what is created gets a number at its end. */
export function isSequential(mode: CreateMode): boolean {
  return mode.includes('Sequential')
}

/** What the server armed by answering `request` so. */
export function watchKindOf(request: Request, body: ReplyBody): WatchKind | undefined {
  if (body.type === 'error') {
    const absent = request.type === 'exists' && body.code === errorCodes.NONODE
    return absent ? 'exist' : undefined
  }
  switch (request.type) {
    case 'exists':
    case 'getData':
      return 'data'
    case 'getChildren':
      return 'child'
    case 'addWatch':
      return request.mode
    default:
      return undefined
  }
}

/** At most this many bytes is the frame of `request`, in either dialect, and hardly fewer. */
export function frameBytesOf(request: Request | WriteOp | ReadOp): number {
  switch (request.type) {
    case 'multi':
    case 'multiRead': {
      const parts: readonly (WriteOp | ReadOp)[] = request.ops
      return parts.reduce((bytes, part) => bytes + frameBytesOf(part), fieldBytes)
    }
    case 'create':
      return pathBytes(request.path) + (request.data?.length ?? 0) + aclBytes(request.acl)
    case 'setData':
      return pathBytes(request.path) + (request.data?.length ?? 0)
    case 'setACL':
      return pathBytes(request.path) + aclBytes(request.acl)
    case 'auth':
      return pathBytes(request.scheme) + request.credential.length
    case 'getEphemerals':
      return pathBytes(request.prefix)
    default:
      return pathBytes('path' in request ? request.path : '')
  }
}

/** xid, op, flags, version, an open ACL and all headers: taken generously. */
const fieldBytes = 80

function pathBytes(path: string): number {
  return fieldBytes + Buffer.byteLength(path)
}

function aclBytes(acl: readonly Acl[] | null | undefined): number {
  const entryBytes = 12
  const bytesOf = ({ scheme, id }: Acl) => Buffer.byteLength(scheme) + Buffer.byteLength(id)
  return (acl ?? []).reduce((bytes, entry) => bytes + entryBytes + bytesOf(entry), 0)
}

/** What an unanswered call costs beside its frame. */
const callBytes = 1024

/** What a call counts against `limits.clientCallBytesMax` until it is settled. */
export function bytesOf({ request }: Call): number {
  return callBytes + frameBytesOf(request)
}

type BodyOf<Type, Body = ReplyBody> = Body extends { type: infer Types }
  ? Type extends Types
    ? Body
    : never
  : never

/** The fields of an answer: its decoder read those of the request's type, so this holds. */
export function bodyOf<Type extends ReplyBody['type']>(body: ReplyBody, type: Type): BodyOf<Type> {
  if (body.type !== type) throw new ProtocolError(`Cannot use an answer: it is a ${body.type}`)
  return body as BodyOf<Type>
}
