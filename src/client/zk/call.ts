// One request of a client, and properties that follow from its type: whether it may be sent twice,
// its size, and the watch that its answer sets. Pure.

import { errorCodes, ProtocolError } from '../../protocol/error-codes.ts'
import type { Acl } from '../../protocol/records.ts'
import type { CreateMode, ReadOp, ReplyBody, Request, WriteOp } from '../../protocol/zk/messages.ts'
import type { Watcher, WatchKind } from './watch-registry.ts'

/** A pending request; the shell of the session has its caller. */
export interface Call {
  readonly request: Request
  /** registered once the server has armed it; for removeWatches, the one to unregister */
  readonly watcher?: Watcher | undefined
}

/** Whether sending it twice has the same effect as sending it once. */
export function isRepeatable(request: Request): boolean {
  switch (request.type) {
    case 'create':
    case 'delete':
    case 'setData':
    case 'setACL':
    case 'multi':
    case 'createSession':
    case 'closeSession':
    case 'moveLeader':
    case 'reconfig':
      return false
    case 'exists':
    case 'getData':
    case 'getChildren':
    case 'getChildrenPage':
    case 'getACL':
    case 'getAllChildrenNumber':
    case 'getEphemerals':
    case 'multiRead':
    case 'whoAmI':
    case 'drain':
    case 'sync':
    case 'ping':
    case 'sasl':
    case 'auth':
    case 'addWatch':
    case 'checkWatches':
    case 'removeWatches':
    case 'setWatches':
    case 'refused':
      return true
  }
}

/** Whether a number is appended to the path of the created znode. */
export function isSequential(mode: CreateMode): boolean {
  return mode.includes('Sequential')
}

/** The watch that the server armed with this answer to `request`. */
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

/** Upper bound on the size of a frame with `request`, in either dialect, close to exact. */
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

/** xid, op, flags, version, an open ACL and all headers: an upper bound. */
const fieldBytes = 80

function pathBytes(path: string): number {
  return fieldBytes + Buffer.byteLength(path)
}

function aclBytes(acl: readonly Acl[] | null | undefined): number {
  const entryBytes = 12
  const bytesOf = ({ scheme, id }: Acl) => Buffer.byteLength(scheme) + Buffer.byteLength(id)
  return (acl ?? []).reduce((bytes, entry) => bytes + entryBytes + bytesOf(entry), 0)
}

/** The overhead of an unanswered call in addition to its frame. */
const callBytes = 1024

/** The size of a call towards `limits.clientCallBytesMax` until it is settled. */
export function bytesOf({ request }: Call): number {
  return callBytes + frameBytesOf(request)
}

type BodyOf<Type, Body = ReplyBody> = Body extends { type: infer Types }
  ? Type extends Types
    ? Body
    : never
  : never

/** The fields of an answer: decoded by the type of its request. */
export function bodyOf<Type extends ReplyBody['type']>(body: ReplyBody, type: Type): BodyOf<Type> {
  if (body.type !== type) throw new ProtocolError(`Cannot use an answer: it is a ${body.type}`)
  return body as BodyOf<Type>
}
