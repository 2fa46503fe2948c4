// Every message between two servers, as one msgpack array in a frame: `[kind, ...fields]`.
//
// The first frame in each direction is a hello (hello.ts); votes, Zab's phases, and the requests
// that learners forward for their clients follow on the same link. One FIFO link carries all of
// them, so a leader's answer can never overtake a commit that it depends on. A link carries at most
// one learner session: the server that ends it closes the link, so no message of an older session
// can arrive later.
//
// Names as in Zab (Junqueira et al., DSN 2011) and ZooKeeper's Leader.java. docs/protocol.md has
// the table. Next on the path: peer/codec.ts, then daemon/ensemble/peer-link.ts.

import {
  boolean,
  bytes,
  choice,
  int,
  listOf,
  type MessageOf,
  Messages,
  named,
  natural,
  oneOf,
  optional,
  record,
  text,
  type ValuesOf,
} from '../fields.ts'
import { serverIdField, sessionIdField, zxidField } from '../records.ts'
import { writeRequests } from '../zk/messages.ts'
import { epochMax } from '../zxid.ts'
import { entriesField } from './entries.ts'
import { identitiesField } from './identities.ts'

/** No server reaches an epoch above `epochMax`: a peer that claims one is no server of ours. */
const epoch = named('epoch', natural({ max: epochMax }))
const initialised = boolean()
/** Unique per link; matches an answer with its request. */
const seq = natural()

/**
 * How the candidate stands by its own log: `voter`: it votes by the last configuration; `former`: by
 * an earlier one that may still be in force; `none`: it is not a candidate.
 */
const standings = { none: 0, former: 1, voter: 2 } as const
export type Standing = keyof typeof standings

const voteFields = {
  /** the candidate's currentEpoch */
  epoch,
  /** the end of the candidate's log, whether applied or not */
  zxid: zxidField,
  standing: named('standing', oneOf(standings)),
  id: serverIdField,
}

/** The candidate that a server votes for; compared by epoch, then zxid, then standing, then id. */
export type Vote = ValuesOf<typeof voteFields>

export const standingRank: Readonly<Record<Standing, number>> = standings

const roles = { looking: 0, following: 1, leading: 2 } as const
export type Role = keyof typeof roles

export const peerMessages = new Messages('peer message', {
  // --- between Zab cores
  NOTIFICATION: {
    code: 1,
    fields: {
      vote: record(voteFields),
      /** logical clock of the sender's election */
      round: natural(),
      role: named('role', oneOf(roles)),
      /** epoch that the sender follows or leads in; 0 while it is not established */
      establishedEpoch: epoch,
      /** whether the sender counts in quorums; see `Epochs` in daemon/zab/types.ts */
      initialised,
      /** version of the last configuration in the sender's log */
      configuration: zxidField,
    },
  },
  CEPOCH: { code: 2, fields: { acceptedEpoch: epoch, currentEpoch: epoch, initialised } },
  /**
   * `founds` is the id of the ensemble that begins with this epoch: no server holds a history yet,
   * so a server that promises the epoch counts in quorums from now on. undefined for all later
   * epochs.
   */
  NEWEPOCH: {
    code: 3,
    fields: {
      epoch,
      founds: optional(text()),
      /** whether the receiver votes; otherwise it may have promised a later epoch */
      asksForPromise: boolean(),
    },
  },
  ACKEPOCH: {
    code: 4,
    fields: {
      currentEpoch: epoch,
      lastZxid: zxidField,
      /** false if this epoch was accepted before: a promise counts once */
      counts: boolean(),
    },
  },
  /** Followed by the transactions after it as PROPOSALs, then NEWLEADER. */
  DIFF: { code: 5, fields: { after: zxidField } },
  /** Tells the learner to cut its log after this zxid; continues as DIFF. */
  TRUNC: { code: 6, fields: { to: zxidField } },
  PROPOSAL: {
    code: 7,
    fields: {
      entries: entriesField,
    },
  },
  NEWLEADER: { code: 8, fields: { epoch, ensembleId: text() } },
  ACKNEWLEADER: { code: 9, fields: { epoch } },
  UPTODATE: { code: 10, fields: { committed: zxidField } },
  ACK: { code: 11, fields: { zxid: zxidField } },
  COMMIT: { code: 12, fields: { zxid: zxidField } },
  /** To an observer, in place of PROPOSAL and COMMIT: the entries are committed. */
  INFORM: { code: 25, fields: { entries: entriesField } },
  /** To a server that looks for a leader and knows an earlier configuration. */
  CONFIGURATION: {
    code: 28,
    fields: {
      version: zxidField,
      voters: listOf(serverIdField),
      /** all servers, as in /zookeeper/config */
      text: text(),
    },
  },
  /** `round` counts the leader's pings; a PONG of a round proves leadership after its PING. */
  PING: { code: 13, fields: { round: natural() } },
  PONG: { code: 14, fields: { round: natural() } },
  /**
   * A transfer of leadership begins (daemon/zab/transfer.ts): the learner keeps its clients' requests
   * back until RESUME, or until it follows another leader or leads itself. It answers HELD, behind
   * the requests that it has sent. `attempt` counts the leader's transfers.
   */
  HOLD: { code: 50, fields: { attempt: natural() } },
  HELD: { code: 51, fields: { attempt: natural() } },
  /** The transfer is given up. */
  RESUME: { code: 52, fields: {} },
  /**
   * The last message of a leader: this server leads from now on. It begins at once, the others
   * follow it at once. `zxid` is the end of the leader's log, which is all committed.
   */
  SUCCESSOR: { code: 53, fields: { successor: serverIdField, zxid: zxidField } },
  /** The learner's log is too old: the tree follows in pieces, and a DIFF after ACKSNAP. */
  SNAP: { code: 15, fields: {} },
  /** The learner has installed the tree, with an empty log after it. */
  ACKSNAP: { code: 16, fields: { lastZxid: zxidField } },

  // --- between the two ends of a link
  /**
   * The sender belongs to this ensemble: it learned the id after its hello, or answers a MEMBER.
   */
  MEMBER: { code: 17, fields: { ensembleId: text() } },
  /** The sender closes this link. */
  REFUSED: { code: 18, fields: { reason: text() } },
  /** Another process claims the receiver's id: PROBED proves that the receiver is still there. */
  PROBE: { code: 19, fields: {} },
  PROBED: { code: 24, fields: {} },

  // --- from a learner to its leader
  REQUEST: {
    code: 20,
    fields: {
      seq,
      session: sessionIdField,
      /** of the client's connection; the leader checks permissions against them */
      identities: identitiesField,
      request: named('write request', choice(writeRequests)),
    },
  },
  ATTACH: {
    code: 21,
    fields: {
      seq,
      session: sessionIdField,
      password: bytes({ copied: true }),
      timeoutMs: int(),
    },
  },
  SYNC: { code: 22, fields: { seq } },
  /** Sessions heard from since the last TOUCH. */
  TOUCH: { code: 23, fields: { sessions: listOf(sessionIdField) } },
  /**
   * Sessions that go on at the learner under a new leader, to which no leader has attached them.
   * The first message of a learner after a transfer of leadership.
   */
  OWNED: { code: 26, fields: { sessions: listOf(sessionIdField) } },

  // --- from the leader to one learner
  ATTACHED: {
    code: 30,
    fields: {
      seq,
      zxid: zxidField,
      /** the session's negotiated time-out; 0: it is expired, unknown, or the password is wrong */
      timeoutMs: natural(),
    },
  },
  SYNCED: { code: 31, fields: { seq, zxid: zxidField } },
  /** The session now belongs to another server: the receiver closes its connection. */
  MOVED: { code: 32, fields: { session: sessionIdField } },
  /** The receiver sends the request again, to the next leader: this one is about to hand over. */
  RETRY: { code: 34, fields: { seq } },
  /** The digest of the leader's tree at this zxid, which must equal the learner's. */
  DIGEST: { code: 33, fields: { zxid: zxidField, high: natural(), low: natural() } },

  // --- the tree that SNAP announced; daemon/storage/tree-entries.ts has the format of a piece
  SNAPCHUNK: { code: 40, fields: { bytes: bytes() } },
  /** `checksum` is the CRC32C over all pieces. */
  SNAPEND: { code: 41, fields: { zxid: zxidField, count: natural(), checksum: natural() } },
  /** `count` pieces are written: the sender may send more. */
  SNAPTAKEN: { code: 42, fields: { count: natural() } },
})

export type PeerMessage = MessageOf<typeof peerMessages>
type Of<N extends PeerMessage['type']> = MessageOf<typeof peerMessages, N>

export type Notification = Of<'NOTIFICATION'>

/** Between the two ends of a link; peer-link.ts handles them. */
export type LinkMessage = Of<'MEMBER' | 'REFUSED' | 'PROBE' | 'PROBED'>

/** From a learner to its leader, for clients. */
export type LearnerMessage = Of<'REQUEST' | 'ATTACH' | 'SYNC' | 'TOUCH' | 'OWNED'>

/**
 * From the leader to one learner, outside the order of transactions. A REQUEST is answered by its
 * transaction, which echoes (origin, seq). The others apply once the learner has applied `zxid`.
 */
export type LeaderMessage = Of<'ATTACHED' | 'SYNCED' | 'DIGEST' | 'MOVED' | 'RETRY'>

export type SnapshotMessage = Of<'SNAPCHUNK' | 'SNAPEND' | 'SNAPTAKEN'>

/** Messages for the parts behind the link. */
export type RoutedMessage = Exclude<PeerMessage, LinkMessage>

/** Between Zab cores. */
export type ZabMessage = Exclude<RoutedMessage, LearnerMessage | LeaderMessage | SnapshotMessage>
