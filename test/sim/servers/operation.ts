// One request of a simulated client and what became of it, as the client noted it; history.ts judges the
// notes.

import type { Txn } from '../../../src/daemon/ztree/txn.ts'
import { type ErrorCode, errorCodes } from '../../../src/protocol/error-codes.ts'
import type { SessionId } from '../../../src/protocol/records.ts'
import type { ReplyBody, Request, WatchEvent } from '../../../src/protocol/zk/messages.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'
import { textOf } from './tree-model.ts'

/** One request and what became of it. */
export interface Operation {
  readonly client: string
  /** 0 while the client had none */
  session: SessionId
  /** of all requests of the client, and of all that it was answered or told */
  readonly issued: number
  readonly request: Request
  readonly askedMs: number
  /** which of the client's connections it was sent over last; 0: none */
  connection: number
  /** whether a sync was sent right before it on the same session */
  readonly synced: Operation | undefined
  outcome: Outcome
  /** its watch, if it set one */
  watch: Watch | undefined
}

export type Outcome =
  | { readonly type: 'pending' }
  | {
      readonly type: 'answered'
      readonly body: ReplyBody
      readonly zxid: Zxid
      readonly atMs: number
      readonly step: number
      /** which of the client's connections it came over */
      readonly connection: number
    }
  /** nobody knows whether it happened, unless `code` says that it cannot have */
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly atMs: number }

export interface Watch {
  readonly operation: Operation
  readonly events: Heard[]
}

/** An event, when it came, and over which connection. */
export interface Heard {
  readonly event: WatchEvent
  readonly step: number
  readonly connection: number
}

export type Answered = Extract<Outcome, { type: 'answered' }>

export function nameOf({ client, issued, request, session }: Operation): string {
  const path = 'path' in request ? ` ${request.path}` : ''
  return `${client}#${issued} ${request.type}${path} (session ${session.toString(16)})`
}

export function isWrite({ request }: Operation): boolean {
  switch (request.type) {
    case 'create':
    case 'delete':
    case 'setData':
    case 'multi':
      return true
    default:
      return false
  }
}

/** Whether the transaction could be what the leader made of the request. */
export function isEffectOf(body: Txn['body'], { request }: Operation): boolean {
  if (body.type === 'error')
    return body.partCount > 0 === (request.type === 'multi') || isOver(body.code)
  if (body.type !== request.type) return false
  switch (body.type) {
    case 'create':
      return request.type === 'create' && textOf(body.data) === textOf(request.data)
    case 'setData':
      return request.type === 'setData' && textOf(body.data) === textOf(request.data)
    case 'delete':
      return request.type === 'delete' && body.path === request.path
    case 'multi': {
      if (request.type !== 'multi' || body.changes.length !== request.ops.length) return false
      const dataOf = (one: object): string | null =>
        'data' in one ? textOf(one.data as Uint8Array | null) : ''
      return body.changes.every((change, i) => dataOf(change) === dataOf(request.ops[i] ?? {}))
    }
    default:
      return false
  }
}

export function isOver(code: number): boolean {
  return code === errorCodes.SESSIONEXPIRED || code === errorCodes.SESSIONMOVED
}

/** A request that failed without being sent cannot have happened. */
export function mayHaveHappened({ outcome }: Operation): boolean {
  return outcome.type !== 'failed' || outcome.code === 'CONNECTIONLOSS'
}
