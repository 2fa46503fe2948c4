// Inputs and effects of a session's state machine, and the states that its owner sees.
// zk-session.ts decides; session-driver.ts performs the effects in the order given.

import type { Address } from '../../address.ts'
import type { ErrorCode } from '../../protocol/error-codes.ts'
import type { Hello, ReplyBody, Request, WatchEvent, Welcome } from '../../protocol/zk/messages.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { Call } from './call.ts'
import type { Watcher } from './watch-registry.ts'

export type SessionState =
  | 'connecting'
  | 'connected'
  /** to a server without a quorum: reads may be stale, and writes are refused */
  | 'connectedReadOnly'
  | 'suspended'
  | 'expired'
  | 'closed'
  /** a server refused a credential of this client */
  | 'authFailed'

/** The error of calls made once the session is over; undefined while it lasts. */
const codeOnceOver: Readonly<Record<SessionState, ErrorCode | undefined>> = {
  connecting: undefined,
  connected: undefined,
  connectedReadOnly: undefined,
  suspended: undefined,
  expired: 'SESSIONEXPIRED',
  closed: 'SESSIONEXPIRED',
  authFailed: 'AUTHFAILED',
}

/** @returns the code that calls fail with; undefined while the session lasts */
export function codeWhenOver(state: SessionState): ErrorCode | undefined {
  return codeOnceOver[state]
}

/** `opened` to `notified` come from the link dialled last; older links are ignored. */
export type SessionInput<C extends Call> =
  | { readonly type: 'start' }
  | { readonly type: 'opened' }
  | { readonly type: 'lost' }
  | { readonly type: 'welcomed'; readonly welcome: Welcome }
  | {
      readonly type: 'replied'
      readonly xid: number
      readonly zxid: Zxid
      readonly body: ReplyBody
    }
  | { readonly type: 'notified'; readonly event: WatchEvent }
  | { readonly type: 'called'; readonly call: C }
  /** the result of a `probe` */
  | { readonly type: 'probed'; readonly server: Address; readonly readWrite: boolean }
  | { readonly type: 'tick' }
  | { readonly type: 'close' }

export type SessionEffect<C extends Call> =
  | { readonly type: 'dial'; readonly server: Address }
  /** @param reason why the link ends, such as what the server did */
  | { readonly type: 'hangUp'; readonly reason: string }
  | { readonly type: 'greet'; readonly hello: Hello }
  | { readonly type: 'send'; readonly xid: number; readonly request: Request }
  | { readonly type: 'answer'; readonly call: C; readonly body: ReplyBody }
  | { readonly type: 'fail'; readonly call: C; readonly code: ErrorCode }
  | { readonly type: 'notify'; readonly watchers: Watcher[]; readonly event: WatchEvent }
  /** Asks a server, on a separate link, whether it has a quorum; always answered by `probed`. */
  | { readonly type: 'probe'; readonly server: Address }
  | { readonly type: 'became'; readonly state: SessionState }

export function fail<C extends Call>(call: C, code: ErrorCode): SessionEffect<C> {
  return { type: 'fail', call, code }
}
