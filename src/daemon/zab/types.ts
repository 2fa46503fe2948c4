// What goes into the Zab state machine and what comes out: no sockets, files, timers or chance.
//
// The shell performs effects strictly in the order given. Sends to one peer stay in order. `append`
// and `truncate` reach the log in order, and what they did is reported by `logged` and `truncated`
// once it survives a power cut. `saveEpochs` likewise by `epochsSaved`, `installSnapshot` by
// `snapshotInstalled`.

import type { Entries } from '../../protocol/peer/entries.ts'
import type { ZabMessage } from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { EpochRange } from './history.ts'

/** What outlives a crash, beside the log. `currentEpoch` is never above `acceptedEpoch`. */
export interface Epochs {
  /** newest epoch that this server promised itself to (the paper's f.p) */
  readonly acceptedEpoch: number
  /** newest epoch whose initial history this server holds on disk (the paper's f.a) */
  readonly currentEpoch: number
  /**
   * Whether this server has forgotten nothing that it promised or held, so that it may be counted. A
   * disk that is new, or was wiped, cannot tell: its server counts in no quorum until it has taken a
   * leader's history, or every voter was seen to have none (zab.md section 6.5). Until then no promise
   * of it was counted, so `acceptedEpoch` binds it to nothing, and may decrease.
   */
  readonly initialised: boolean
  /** made with the first epoch; undefined before */
  readonly ensembleId: string | undefined
}

export interface ZabOptions {
  readonly self: ServerId
  readonly voters: readonly ServerId[]
  readonly epochs: Epochs
  readonly logBase: Zxid
  /** what the log holds after `logBase`, all of it durable */
  readonly logged: readonly EpochRange[]
  /** highest zxid that the tree has applied, so that surely was committed */
  readonly lastApplied: Zxid
  readonly timing: ZabTiming
  /** An epoch whose counter has come so far, and that could not be handed over, ends. */
  readonly epochCounterMax?: number
  /** See epoch-bound.ts. */
  readonly epochSkipsMax?: number
  /** The operator says that there is no ensemble yet: a majority may begin one by itself. */
  readonly bootstrap: boolean
  /** the ensemble's name, should this server lead its first epoch */
  readonly newEnsembleId: string
}

export interface ZabTiming {
  /** between two pings of a leader */
  readonly pingMs: number
  /** silence after which a leader, or a quorum of followers, is given up, if none was late lately */
  readonly leaderTimeoutMs: number
  /** from winning an election to having a quorum's promise */
  readonly discoveryTimeoutMs: number
  /** silence allowed to a learner while it is brought up to date, and to anybody on a busy machine */
  readonly syncTimeoutMs: number
  /** how long a looking server waits for a better vote than the one a quorum agreed on */
  readonly quietMs: number
  /** a looking server repeats itself after this, doubling up to `renotifyMaxMs` */
  readonly renotifyMs: number
  readonly renotifyMaxMs: number
}

export type ZabInput =
  /** Time went by; inputs of other kinds carry it too. At least one per `pingMs`. */
  | { readonly type: 'tick' }
  /**
   * A link opened. If there was one to this peer before, `disconnected` came first. `isMember` tells
   * whether the peer named our ensemble, or we hold no history and have none to ask for; of a peer that
   * is no member no vote, epoch or zxid counts.
   */
  | { readonly type: 'connected'; readonly peer: ServerId; readonly isMember: boolean }
  /** A peer that is connected named our ensemble now. */
  | { readonly type: 'member'; readonly peer: ServerId }
  | { readonly type: 'disconnected'; readonly peer: ServerId }
  | { readonly type: 'received'; readonly from: ServerId; readonly message: ZabMessage }
  | { readonly type: 'epochsSaved'; readonly epochs: Epochs }
  /** Everything appended up to `zxid` is durable. */
  | { readonly type: 'logged'; readonly zxid: Zxid }
  | { readonly type: 'truncated' }
  /** The tree that `receiveSnapshot` asked for is on the disk, whole and durable, beside ours. */
  | { readonly type: 'snapshotReceived'; readonly zxid: Zxid }
  /** It is in force now, with an empty log behind it; what was there before is gone. */
  | { readonly type: 'snapshotInstalled'; readonly zxid: Zxid }
  /** The log may begin behind `base` from now on: the tree on the disk holds all up to it. */
  | { readonly type: 'purged'; readonly base: Zxid }
  /** While leading: transactions made here. */
  | { readonly type: 'proposed'; readonly entries: Entries }
  /** While leading: asks for the next epoch. Ignored while anything is on its way; ask again. */
  | { readonly type: 'handover' }
  /** While leading: asks whether a quorum still follows. Tokens rise. */
  | { readonly type: 'confirm'; readonly token: number }

export type ZabEffect =
  | { readonly type: 'send'; readonly to: ServerId; readonly message: ZabMessage }
  /** As PROPOSALs, what the log holds in (after, upTo]; whatever is sent next comes behind it. */
  | {
      readonly type: 'sendHistory'
      readonly to: ServerId
      readonly after: Zxid
      readonly upTo: Zxid
    }
  /** Sends our tree as it is committed here; `ACKSNAP` comes back. */
  | { readonly type: 'sendSnapshot'; readonly to: ServerId }
  /** Takes the tree that `from` is about to send, until its link closes. */
  | { readonly type: 'receiveSnapshot'; readonly from: ServerId }
  /** Puts the tree received in place of ours. Nothing is appended until `snapshotInstalled`. */
  | { readonly type: 'installSnapshot'; readonly zxid: Zxid }
  | { readonly type: 'append'; readonly entries: Entries }
  /** Nothing is appended until `truncated`. */
  | { readonly type: 'truncate'; readonly to: Zxid }
  | { readonly type: 'saveEpochs'; readonly epochs: Epochs }
  /** Committed, and durable in this server's own log. */
  | { readonly type: 'deliver'; readonly upTo: Zxid }
  /**
   * Closes the peer's link: nothing of it arrives any more, not even `disconnected`. With `violation`
   * the peer did what the protocol never has a peer do.
   */
  | {
      readonly type: 'disconnect'
      readonly peer: ServerId
      readonly reason: string
      readonly violation: boolean
    }
  | { readonly type: 'role'; readonly role: ZabRole }
  /** Every token up to this one is confirmed. */
  | { readonly type: 'confirmed'; readonly token: number }
  /** Going on would lose data; the process ends with this as its last word. */
  | { readonly type: 'fatal'; readonly reason: string }

/** `epoch` is 0 while it is not established: then nothing is served yet. */
export type ZabRole =
  | { readonly type: 'looking' }
  | { readonly type: 'following'; readonly leader: ServerId; readonly epoch: number }
  | { readonly type: 'leading'; readonly epoch: number }
