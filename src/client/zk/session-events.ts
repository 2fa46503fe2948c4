// What goes into a session's state machine and what comes out, and the states that its owner sees.
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
  /** at a server without a quorum: what it answers may be old, and it refuses writes */
  | 'connectedReadOnly'
  | 'suspended'
  | 'expired'
  | 'closed'
  /** a server did not accept a credential of ours */
  | 'authFailed'

/** After one of these states nothing can be asked any more; each says what calls fail with. */
const codeOnceOver: Readonly<Record<SessionState, ErrorCode | undefined>> = {
  connecting: undefined,
  connected: undefined,
  connectedReadOnly: undefined,
  suspended: undefined,
  expired: 'SESSIONEXPIRED',
  closed: 'SESSIONEXPIRED',
  authFailed: 'AUTHFAILED',
}

/** @returns what calls fail with; undefined while the session goes on */
export function codeWhenOver(state: SessionState): ErrorCode | undefined {
  return codeOnceOver[state]
}

/** `opened` to `notified` concern the link dialled last; older links are heard no more. */
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
  /** what became of a `probe` */
  | { readonly type: 'probed'; readonly server: Address; readonly readWrite: boolean }
  | { readonly type: 'tick' }
  | { readonly type: 'close' }

export type SessionEffect<C extends Call> =
  | { readonly type: 'dial'; readonly server: Address }
  /** @param reason what the server did, or what else ends the link */
  | { readonly type: 'hangUp'; readonly reason: string }
  | { readonly type: 'greet'; readonly hello: Hello }
  | { readonly type: 'send'; readonly xid: number; readonly request: Request }
  | { readonly type: 'answer'; readonly call: C; readonly body: ReplyBody }
  | { readonly type: 'fail'; readonly call: C; readonly code: ErrorCode }
  | { readonly type: 'notify'; readonly watchers: Watcher[]; readonly event: WatchEvent }
  /** Ask this server, beside the link, whether it has a quorum; always followed by `probed`. */
  | { readonly type: 'probe'; readonly server: Address }
  | { readonly type: 'became'; readonly state: SessionState }

export function fail<C extends Call>(call: C, code: ErrorCode): SessionEffect<C> {
  return { type: 'fail', call, code }
}
