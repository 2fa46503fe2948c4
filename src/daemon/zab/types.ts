// Inputs and effects of the Zab state machine: no sockets, files, timers or randomness.
//
// The shell performs effects strictly in the order given. Sends to one peer stay in order. `append`
// and `truncate` reach the log in order; `logged` and `truncated` report them once they survive a
// power cut. Likewise, `epochsSaved` reports `saveEpochs`, and `snapshotInstalled` reports
// `installSnapshot`.

import type { Entries } from '../../protocol/peer/entries.ts'
import type { ZabMessage } from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type {
  Configuration,
  ConfigurationChange,
  ConfigurationState,
  GroupsIn,
} from './configuration.ts'
import type { EpochRange } from './history.ts'
import type { TransferRequest } from './transfer.ts'

/** What survives a crash, apart from the log. `currentEpoch` is never above `acceptedEpoch`. */
export interface Epochs {
  /** newest epoch that this server promised to accept (f.p in the Zab paper, DSN 2011) */
  readonly acceptedEpoch: number
  /** newest epoch whose initial history this server holds on disk (f.a in the paper) */
  readonly currentEpoch: number
  /**
   * Whether this server remembers everything that it ever promised and held, so that it may count
   * in quorums. A new disk and a wiped one look alike, so a server with either counts in no quorum
   * until it has taken a leader's history, or every voter has reported none (docs/correctness.md,
   * I21). Until then none of its promises was counted, so `acceptedEpoch` does not bind it
   * and may decrease.
   */
  readonly initialised: boolean
  /** made with the first epoch; undefined before */
  readonly ensembleId: string | undefined
  /**
   * The first configuration of an ensemble that may change: the servers of its leader's files, with
   * the epoch in which NEWLEADER agreed on it as its version. undefined before.
   */
  readonly agreed?: Configuration | undefined
}

export interface ZabOptions {
  readonly self: ServerId
  /**
   * The voters of the servers' files, until a transaction changes them. Without this server, it is an
   * observer: it takes part in no election, and is never counted.
   */
  readonly voters: readonly ServerId[]
  /** `server.N` lines of the files, opaque to Zab */
  readonly text?: string
  /** what the tree shows; undefined as long as that of the files is in force */
  readonly configuration?: ConfigurationState | undefined
  /** changes in the log after `lastApplied`, in order */
  readonly changes?: readonly LoggedChange[]
  /** what a transaction does to the configuration; undefined for nothing */
  readonly changeIn?: (payload: Uint8Array) => ConfigurationChange | undefined
  /** undefined: a majority decides, whatever a text says */
  readonly groupsIn?: GroupsIn | undefined
  readonly epochs: Epochs
  readonly logBase: Zxid
  /** what the log holds after `logBase`, all of it durable */
  readonly logged: readonly EpochRange[]
  /** highest zxid that the tree has applied, and so is committed */
  readonly lastApplied: Zxid
  readonly timing: ZabTiming
  /** Past this counter, a leader that could not hand over steps down. */
  readonly epochCounterMax?: number
  /** See epoch-bound.ts. */
  readonly epochSkipsMax?: number
  /** The operator states that there is no ensemble yet: a majority may found one on its own. */
  readonly bootstrap: boolean
  /** the ensemble's id, if this server leads its first epoch */
  readonly newEnsembleId: string
}

export interface LoggedChange {
  readonly zxid: Zxid
  readonly change: ConfigurationChange
}

export interface ZabTiming {
  /** interval of a leader's pings */
  readonly pingMs: number
  /** silence after which a leader or a follower counts as dead, if no peer was late recently */
  readonly leaderTimeoutMs: number
  /** from winning an election to a quorum's promises */
  readonly discoveryTimeoutMs: number
  /** silence allowed to a learner that is synchronizing, and the most allowed on a busy machine */
  readonly syncTimeoutMs: number
  /** how long a looking server waits for a vote better than the one that a quorum agreed on */
  readonly quietMs: number
  /** a looking server resends its vote after this, doubling up to `renotifyMaxMs` */
  readonly renotifyMs: number
  readonly renotifyMaxMs: number
}

export type ZabInput =
  /** Time passed; every other input carries the time too. At least one per `pingMs`. */
  | { readonly type: 'tick' }
  /**
   * A link opened. An earlier link to this peer was reported as `disconnected` before. `isMember`:
   * the peer named our ensemble, or we hold no history and so have no ensemble to compare. The
   * votes, epochs and zxids of a peer that is not a member do not count.
   */
  | {
      readonly type: 'connected'
      readonly peer: ServerId
      readonly isMember: boolean
      /** those of its file, if they differ from ours: servers are restarted with another list */
      readonly voters?: readonly ServerId[] | undefined
    }
  /** A connected peer has now named our ensemble. */
  | { readonly type: 'member'; readonly peer: ServerId }
  | { readonly type: 'disconnected'; readonly peer: ServerId }
  | { readonly type: 'received'; readonly from: ServerId; readonly message: ZabMessage }
  | { readonly type: 'epochsSaved'; readonly epochs: Epochs }
  /** Everything appended up to `zxid` is durable. */
  | { readonly type: 'logged'; readonly zxid: Zxid }
  | { readonly type: 'truncated' }
  /** The tree that `receiveSnapshot` asked for is on the disk, whole and durable, beside ours. */
  | { readonly type: 'snapshotReceived'; readonly zxid: Zxid }
  /** The received tree is in force, with an empty log after it; the previous ones are gone. */
  | {
      readonly type: 'snapshotInstalled'
      readonly zxid: Zxid
      /** what it shows; undefined as long as the configuration of the files is in force */
      readonly configuration: ConfigurationState | undefined
    }
  /** The log may begin after `base` from now on: the tree on the disk holds everything up to it. */
  | { readonly type: 'purged'; readonly base: Zxid }
  /** While leading: transactions that this server created. */
  | { readonly type: 'proposed'; readonly entries: Entries }
  /**
   * While leading: asks for the next epoch. Ignored while transactions are in flight; ask again.
   */
  | { readonly type: 'handover' }
  /**
   * While leading: asks to hand leadership over. `transferRefused` follows if this server goes on
   * leading, and otherwise another role. Ignored while not leading.
   */
  | { readonly type: 'transfer'; readonly request: TransferRequest }
  /** After `drain`: nothing is in flight any more. */
  | { readonly type: 'drained' }
  /** While leading: asks whether a quorum still follows. Tokens rise. */
  | { readonly type: 'confirm'; readonly token: number }

export type ZabEffect =
  | { readonly type: 'send'; readonly to: ServerId; readonly message: ZabMessage }
  /** Sends the log's (after, upTo] as PROPOSALs; messages sent later arrive after them. */
  | {
      readonly type: 'sendHistory'
      readonly to: ServerId
      readonly after: Zxid
      readonly upTo: Zxid
    }
  /** Sends our tree with everything committed here; the learner answers `ACKSNAP`. */
  | { readonly type: 'sendSnapshot'; readonly to: ServerId }
  /** Receives the tree that `from` is about to send, until its link closes. */
  | { readonly type: 'receiveSnapshot'; readonly from: ServerId }
  /** Replaces our tree with the received one. Nothing is appended until `snapshotInstalled`. */
  | { readonly type: 'installSnapshot'; readonly zxid: Zxid }
  | { readonly type: 'append'; readonly entries: Entries }
  /** Nothing is appended until `truncated`. */
  | { readonly type: 'truncate'; readonly to: Zxid }
  | { readonly type: 'saveEpochs'; readonly epochs: Epochs }
  /** Committed, and durable in this server's own log. */
  | { readonly type: 'deliver'; readonly upTo: Zxid }
  /**
   * Closes the peer's link: no further input comes from it, not even `disconnected`. `violation`:
   * the peer violated the protocol.
   */
  | {
      readonly type: 'disconnect'
      readonly peer: ServerId
      readonly reason: string
      readonly violation: boolean
    }
  /**
   * `continues`: by a transfer of leadership. Until its epoch is established, this server may serve
   * its clients as in its former role, but holds their requests to the leader.
   */
  | { readonly type: 'role'; readonly role: ZabRole; readonly continues: boolean }
  /**
   * A transfer of leadership: this server's clients' requests to the leader wait, from here on until
   * `resume`, or until an epoch is established in which they can be sent.
   */
  | { readonly type: 'hold' }
  /** While leading: all other servers hold their requests. `drained` is to follow. */
  | { readonly type: 'drain' }
  /** The transfer is given up: held requests go to the same leader. */
  | { readonly type: 'resume' }
  /** This server goes on leading. */
  | { readonly type: 'transferRefused'; readonly reason: string }
  /** While leading: a proposed configuration is committed, and is to be activated. */
  | { readonly type: 'activate' }
  /** The last configuration in the log is another one, or a peer named a later one. */
  | { readonly type: 'configured' }
  /** Every token up to this one is confirmed. */
  | { readonly type: 'confirmed'; readonly token: number }
  /** Continuing could lose data: the process logs the reason and ends. */
  | { readonly type: 'fatal'; readonly reason: string }

/** `epoch` is 0 until it is established; nothing is served before that. */
export type ZabRole =
  | { readonly type: 'looking' }
  | { readonly type: 'following'; readonly leader: ServerId; readonly epoch: number }
  | { readonly type: 'leading'; readonly epoch: number }
