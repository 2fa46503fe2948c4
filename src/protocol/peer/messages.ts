// Every message between two servers, as one msgpack array in a frame: `[kind, ...fields]`.
//
// The first frame either way is a hello (hello.ts); then, on the same link, votes, Zab's phases, and
// what learners ask their leader on behalf of clients. One FIFO link carries all of it, so a leader's
// answer can never overtake a commit that it depends on. A link carries at most one learner session:
// whoever leaves it closes the link, so nothing of an older one can arrive later.
//
// Names as in Zab (Junqueira et al., DSN 2011) and ZooKeeper's Leader.java.
// Next on the path: daemon/ensemble/peer-link.ts.

import { ProtocolError } from '../error-codes.ts'
import type { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import type { Id, ServerId, SessionId } from '../records.ts'
import type { WriteRequest } from '../zk/messages.ts'
import { readZxid as zxid } from '../zk/native-records.ts'
import { decodeWriteRequest, encodeRequest } from '../zk/native-requests.ts'
import { counterOf, counterRange, epochMax, formatZxid, type Zxid } from '../zxid.ts'
import { type Entries, entryCount } from './entries.ts'
import type { IdentitiesCodec } from './identities.ts'

/** Whom a server wants to lead; compared by epoch, then zxid, then id. */
export interface Vote {
  /** the candidate's currentEpoch */
  readonly epoch: number
  /** the end of the candidate's log, not what it applied */
  readonly zxid: Zxid
  readonly id: ServerId
}

export const roles = { looking: 0, following: 1, leading: 2 } as const
export type Role = keyof typeof roles

export interface Notification {
  readonly type: 'NOTIFICATION'
  readonly vote: Vote
  /** logical clock of the sender's election */
  readonly round: number
  readonly role: Role
  /** epoch that the sender follows or leads in; 0 while it is not established */
  readonly establishedEpoch: number
  /** whether the sender may be counted; see `Epochs` */
  readonly initialised: boolean
}

/** Between Zab cores. */
export type ZabMessage =
  | Notification
  | {
      readonly type: 'CEPOCH'
      readonly acceptedEpoch: number
      readonly currentEpoch: number
      readonly initialised: boolean
    }
  /**
   * `founds` is the id of the ensemble that begins with this epoch: no server has held a history
   * before, so a server that promises the epoch counts from now on. undefined for all later epochs.
   */
  | { readonly type: 'NEWEPOCH'; readonly epoch: number; readonly founds: string | undefined }
  | {
      readonly type: 'ACKEPOCH'
      readonly currentEpoch: number
      readonly lastZxid: Zxid
      /** false when this epoch had been accepted before: a promise counts once */
      readonly counts: boolean
    }
  /** Followed by the transactions after it as PROPOSALs, then NEWLEADER. */
  | { readonly type: 'DIFF'; readonly after: Zxid }
  /** Cut the log after this zxid; then as DIFF. */
  | { readonly type: 'TRUNC'; readonly to: Zxid }
  /** The log is of no use: the tree follows, in pieces; after ACKSNAP a DIFF. */
  | { readonly type: 'SNAP' }
  /** The tree is in place of what was there, and an empty log behind it. */
  | { readonly type: 'ACKSNAP'; readonly lastZxid: Zxid }
  | { readonly type: 'PROPOSAL'; readonly entries: Entries }
  | { readonly type: 'NEWLEADER'; readonly epoch: number; readonly ensembleId: string }
  | { readonly type: 'ACKNEWLEADER'; readonly epoch: number }
  | { readonly type: 'UPTODATE'; readonly committed: Zxid }
  | { readonly type: 'ACK'; readonly zxid: Zxid }
  | { readonly type: 'COMMIT'; readonly zxid: Zxid }
  /** `round` counts the leader's pings; a PONG of a round proves leadership after its PING. */
  | { readonly type: 'PING'; readonly round: number }
  | { readonly type: 'PONG'; readonly round: number }

/** What a learner asks its leader; `seq` is fresh per link and matches the answer. */
export type LearnerMessage =
  | {
      readonly type: 'REQUEST'
      readonly seq: number
      readonly session: SessionId
      /** of the client's connection: what it may do, the leader decides */
      readonly identities: readonly Id[]
      readonly request: WriteRequest
    }
  | {
      readonly type: 'ATTACH'
      readonly seq: number
      readonly session: SessionId
      readonly password: Uint8Array
      readonly timeoutMs: number
    }
  | { readonly type: 'SYNC'; readonly seq: number }
  /** Sessions heard from since the last TOUCH. */
  | { readonly type: 'TOUCH'; readonly sessions: readonly SessionId[] }

/**
 * What the leader tells one learner outside the order of transactions. A REQUEST is answered by its
 * transaction, which echoes (origin, seq). The others hold once the learner has applied `zxid`.
 */
export type LeaderMessage =
  | {
      readonly type: 'ATTACHED'
      readonly seq: number
      readonly zxid: Zxid
      /** as the session negotiated it; 0: it is expired, unknown, or the password is wrong */
      readonly timeoutMs: number
    }
  | { readonly type: 'SYNCED'; readonly seq: number; readonly zxid: Zxid }
  /** The digest of the leader's tree at this zxid: the learner's must be the same there. */
  | { readonly type: 'DIGEST'; readonly zxid: Zxid; readonly high: number; readonly low: number }
  /** This session now belongs to another server: close its connection here. */
  | { readonly type: 'MOVED'; readonly session: SessionId }

/** The tree that SNAP announced. What is in a piece, storage/tree-transfer.ts knows. */
export type SnapshotMessage =
  | { readonly type: 'SNAPCHUNK'; readonly bytes: Uint8Array }
  /** `checksum` is the CRC32C over all pieces. */
  | {
      readonly type: 'SNAPEND'
      readonly zxid: Zxid
      readonly count: number
      readonly checksum: number
    }
  /** So many pieces are written: the sender may send on. */
  | { readonly type: 'SNAPTAKEN'; readonly count: number }

/** Between the two ends of a link; peer-link.ts handles them. */
export type LinkMessage =
  /** The sender belongs to this ensemble: it learned the id after its hello, or answers one. */
  | { readonly type: 'MEMBER'; readonly ensembleId: string }
  /** The sender closes this link. */
  | { readonly type: 'REFUSED'; readonly reason: string }
  /** Another process says that it is the receiver: PROBED proves that the receiver is still there. */
  | { readonly type: 'PROBE' }
  | { readonly type: 'PROBED' }

/** What is for the parts behind the link. */
export type RoutedMessage = ZabMessage | LearnerMessage | LeaderMessage | SnapshotMessage

export type PeerMessage = RoutedMessage | LinkMessage

const kinds = {
  NOTIFICATION: 1,
  CEPOCH: 2,
  NEWEPOCH: 3,
  ACKEPOCH: 4,
  DIFF: 5,
  TRUNC: 6,
  PROPOSAL: 7,
  NEWLEADER: 8,
  ACKNEWLEADER: 9,
  UPTODATE: 10,
  ACK: 11,
  COMMIT: 12,
  PING: 13,
  PONG: 14,
  SNAP: 15,
  ACKSNAP: 16,
  MEMBER: 17,
  REFUSED: 18,
  PROBE: 19,
  REQUEST: 20,
  ATTACH: 21,
  SYNC: 22,
  TOUCH: 23,
  PROBED: 24,
  ATTACHED: 30,
  SYNCED: 31,
  MOVED: 32,
  DIGEST: 33,
  SNAPCHUNK: 40,
  SNAPEND: 41,
  SNAPTAKEN: 42,
} as const

const kindNames = new Map(
  Object.entries(kinds).map(([name, kind]) => [kind as number, name as keyof typeof kinds]),
)
const roleNames = new Map(
  Object.entries(roles).map(([name, role]) => [role as number, name as Role]),
)

export function encodePeerMessage(
  out: MsgpackWriter,
  message: PeerMessage,
  identities: IdentitiesCodec,
): void {
  const header = (fields: number): void => {
    out.arrayHeader(1 + fields)
    out.int(kinds[message.type])
  }
  switch (message.type) {
    case 'PROPOSAL':
      header(3)
      out.int(message.entries.first)
      out.int(message.entries.count)
      out.bytes(message.entries.bytes)
      return
    case 'ACK':
    case 'COMMIT':
      header(1)
      out.int(message.zxid)
      return
    case 'REQUEST':
      header(3)
      out.int(message.session)
      identities.encode(out, message.identities)
      // Last, so that the decoder can hand the rest of the frame to the client protocol's decoder.
      encodeRequest(out, message.seq, message.request)
      return
    case 'NOTIFICATION':
      header(7)
      out.int(message.vote.epoch)
      out.int(message.vote.zxid)
      out.int(message.vote.id)
      out.int(message.round)
      out.int(roles[message.role])
      out.int(message.establishedEpoch)
      out.boolean(message.initialised)
      return
    case 'CEPOCH':
      header(3)
      out.int(message.acceptedEpoch)
      out.int(message.currentEpoch)
      out.boolean(message.initialised)
      return
    case 'NEWEPOCH':
      header(2)
      out.int(message.epoch)
      if (message.founds === undefined) out.nil()
      else out.string(message.founds)
      return
    case 'ACKNEWLEADER':
      header(1)
      out.int(message.epoch)
      return
    case 'ACKEPOCH':
      header(3)
      out.int(message.currentEpoch)
      out.int(message.lastZxid)
      out.boolean(message.counts)
      return
    case 'DIFF':
      header(1)
      out.int(message.after)
      return
    case 'TRUNC':
      header(1)
      out.int(message.to)
      return
    case 'SNAP':
    case 'PROBE':
    case 'PROBED':
      header(0)
      return
    case 'MEMBER':
      header(1)
      out.string(message.ensembleId)
      return
    case 'REFUSED':
      header(1)
      out.string(message.reason)
      return
    case 'ACKSNAP':
      header(1)
      out.int(message.lastZxid)
      return
    case 'SNAPCHUNK':
      header(1)
      out.bytes(message.bytes)
      return
    case 'SNAPEND':
      header(3)
      out.int(message.zxid)
      out.int(message.count)
      out.int(message.checksum)
      return
    case 'SNAPTAKEN':
      header(1)
      out.int(message.count)
      return
    case 'NEWLEADER':
      header(2)
      out.int(message.epoch)
      out.string(message.ensembleId)
      return
    case 'UPTODATE':
      header(1)
      out.int(message.committed)
      return
    case 'PING':
    case 'PONG':
      header(1)
      out.int(message.round)
      return
    case 'ATTACH':
      header(4)
      out.int(message.seq)
      out.int(message.session)
      out.bytes(message.password)
      out.int(message.timeoutMs)
      return
    case 'SYNC':
      header(1)
      out.int(message.seq)
      return
    case 'TOUCH':
      header(1)
      out.arrayHeader(message.sessions.length)
      for (const session of message.sessions) out.int(session)
      return
    case 'ATTACHED':
      header(3)
      out.int(message.seq)
      out.int(message.zxid)
      out.int(message.timeoutMs)
      return
    case 'SYNCED':
      header(2)
      out.int(message.seq)
      out.int(message.zxid)
      return
    case 'DIGEST':
      header(3)
      out.int(message.zxid)
      out.int(message.high)
      out.int(message.low)
      return
    case 'MOVED':
      header(1)
      out.int(message.session)
      return
  }
}

/** Bytes in the message are views of the frame. */
export function decodePeerMessage(reader: MsgpackReader, identities: IdentitiesCodec): PeerMessage {
  reader.arrayHeader()
  const kind = reader.int()
  const type = kindNames.get(kind)
  if (type === undefined) throw new ProtocolError(`Cannot decode a peer message of kind ${kind}`)
  const message = decodeFields(reader, type, identities)
  reader.expectEnd()
  return message
}

function decodeFields(
  reader: MsgpackReader,
  type: keyof typeof kinds,
  identities: IdentitiesCodec,
): PeerMessage {
  switch (type) {
    case 'PROPOSAL': {
      const first = zxid(reader)
      const count = reader.natural('the entry count')
      if (counterOf(first) + count > counterRange) {
        throw new ProtocolError(`Cannot decode ${count} entries from ${formatZxid(first)} on`)
      }
      return { type, entries: { first, count, bytes: entryBytes(reader, count) } }
    }
    case 'ACK':
    case 'COMMIT':
      return { type, zxid: zxid(reader) }
    case 'REQUEST': {
      const session = reader.natural('the session id') as SessionId
      const ids = identities.decode(reader)
      const { xid, request } = decodeWriteRequest(reader)
      return { type, seq: xid, session, identities: ids, request }
    }
    case 'NOTIFICATION': {
      const voteEpoch = epoch(reader)
      const voteZxid = zxid(reader)
      const id = reader.natural('the server id') as ServerId
      const round = reader.natural('the round')
      const role = roleNames.get(reader.int())
      if (role === undefined) throw new ProtocolError('Cannot decode a notification: unknown role')
      const establishedEpoch = epoch(reader)
      const initialised = reader.boolean()
      const vote = { epoch: voteEpoch, zxid: voteZxid, id }
      return { type, vote, round, role, establishedEpoch, initialised }
    }
    case 'CEPOCH': {
      const acceptedEpoch = epoch(reader)
      const currentEpoch = epoch(reader)
      return { type, acceptedEpoch, currentEpoch, initialised: reader.boolean() }
    }
    case 'NEWEPOCH':
      return { type, epoch: epoch(reader), founds: reader.nilOr(() => reader.string()) }
    case 'ACKNEWLEADER':
      return { type, epoch: epoch(reader) }
    case 'ACKEPOCH': {
      const currentEpoch = epoch(reader)
      return { type, currentEpoch, lastZxid: zxid(reader), counts: reader.boolean() }
    }
    case 'DIFF':
      return { type, after: zxid(reader) }
    case 'TRUNC':
      return { type, to: zxid(reader) }
    case 'SNAP':
    case 'PROBE':
    case 'PROBED':
      return { type }
    case 'MEMBER':
      return { type, ensembleId: reader.string() }
    case 'REFUSED':
      return { type, reason: reader.string() }
    case 'ACKSNAP':
      return { type, lastZxid: zxid(reader) }
    case 'SNAPCHUNK':
      return { type, bytes: reader.bytes() ?? Buffer.alloc(0) }
    case 'SNAPEND': {
      const last = zxid(reader)
      const count = reader.natural('the number of pieces')
      return { type, zxid: last, count, checksum: reader.natural('the checksum') }
    }
    case 'SNAPTAKEN':
      return { type, count: reader.natural('the number of pieces') }
    case 'NEWLEADER':
      return { type, epoch: epoch(reader), ensembleId: reader.string() }
    case 'UPTODATE':
      return { type, committed: zxid(reader) }
    case 'PING':
    case 'PONG':
      return { type, round: reader.natural('the ping round') }
    case 'ATTACH': {
      const seq = reader.natural('the sequence')
      const session = reader.natural('the session id') as SessionId
      const password = Uint8Array.from(reader.bytes() ?? [])
      return { type, seq, session, password, timeoutMs: reader.int() }
    }
    case 'SYNC':
      return { type, seq: reader.natural('the sequence') }
    case 'TOUCH': {
      const count = reader.arrayHeader()
      const sessions: SessionId[] = []
      for (let i = 0; i < count; i++) sessions.push(reader.natural('the session id') as SessionId)
      return { type, sessions }
    }
    case 'ATTACHED': {
      const seq = reader.natural('the sequence')
      return { type, seq, zxid: zxid(reader), timeoutMs: reader.natural('the session time-out') }
    }
    case 'SYNCED':
      return { type, seq: reader.natural('the sequence'), zxid: zxid(reader) }
    case 'DIGEST': {
      const at = zxid(reader)
      const high = reader.natural('the digest')
      return { type, zxid: at, high, low: reader.natural('the digest') }
    }
    case 'MOVED':
      return { type, session: reader.natural('the session id') as SessionId }
  }
}

/** No server reaches an epoch above `epochMax`: whatever claims one is no server of ours. */
function epoch(reader: MsgpackReader): number {
  const value = reader.natural('the epoch')
  if (value <= epochMax) return value
  throw new ProtocolError(`Cannot take ${value} for an epoch: the last one is ${epochMax}`)
}

/** Checks that the payloads are as many as announced and fill the bytes. */
function entryBytes(reader: MsgpackReader, count: number): Buffer {
  const bytes = reader.bytes() ?? Buffer.alloc(0)
  const found = entryCount(bytes)
  if (found === count && count > 0) return bytes
  const held = found === undefined ? 'do not end with one' : `hold ${found}`
  throw new ProtocolError(`Cannot decode a proposal of ${count} entries: its bytes ${held}`)
}
