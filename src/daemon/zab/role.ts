// What the three roles of a server have in common: each takes the inputs that concern it and, when
// it ends, names the next role. The roles: looking.ts, leading.ts, following.ts.

import type { Notification, ZabMessage } from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'

/** `continues`: by a transfer of leadership, and not by an election. */
export type NextRole =
  | { readonly type: 'looking' }
  | { readonly type: 'leading'; readonly continues: boolean }
  | { readonly type: 'following'; readonly leader: ServerId; readonly continues: boolean }

export interface Role {
  readonly type: NextRole['type']
  /** Set once this role is over. */
  readonly next: NextRole | undefined
  /** This server's answer to a peer that is looking for a leader. */
  notification(): Notification
  tick(nowMs: number): void
  connected(nowMs: number, peer: ServerId): void
  disconnected(nowMs: number, peer: ServerId): void
  received(nowMs: number, from: ServerId, message: ZabMessage): void
  /** The log, the epochs or a cut became durable: takes the steps that waited for this. */
  persisted(nowMs: number): void
}
