// One request of a simulated client and its outcome, as the client noted it; history.ts judges the
// notes.

import type { Txn } from '../../../src/daemon/ztree/txn.ts'
import { type ErrorCode, errorCodes } from '../../../src/protocol/error-codes.ts'
import type { SessionId } from '../../../src/protocol/records.ts'
import type { ReplyBody, Request, WatchEvent } from '../../../src/protocol/zk/messages.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'
import { textOf } from './tree-model.ts'

/** One request and its outcome. */
export interface Operation {
  readonly client: string
  /** 0 while the client had none */
  session: SessionId
  /** its number among the client's requests, and among its answers and events */
  readonly issued: number
  readonly request: Request
  readonly askedMs: number
  /** the last of the client's connections over which it was sent; 0: none */
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
      /** the client's connection over which it arrived */
      readonly connection: number
    }
  /** the outcome is unknown, unless `code` rules out an effect */
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly atMs: number }

export interface Watch {
  readonly operation: Operation
  readonly events: Heard[]
}

/** An event, with its time and connection. */
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
    case 'reconfig':
      return true
    default:
      return false
  }
}

/** Whether the transaction can be the leader's for this request. */
export function isEffectOf(body: Txn['body'], { request }: Operation): boolean {
  if (body.type === 'error')
    return body.partCount > 0 === (request.type === 'multi') || isOver(body.code)
  if (body.type !== request.type) return false
  switch (body.type) {
    case 'reconfig':
      return true // history.ts compares what it makes of the ensemble
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
