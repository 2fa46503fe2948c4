// Is it allowed and possible? The leader's first step with a write: a request becomes a transaction
// that cannot fail, or one that carries the refusal.
//
// Validated against the tree plus the changes still outstanding, and against the sessions that are
// alive, in the order of ZooKeeper's PrepRequestProcessor: the first check that fails is the error
// that the client sees. Pure; whatever a client sends, nothing is thrown.
// Next on the path: ensemble/ensemble.ts `propose`; on every server, ztree/ztree.ts `apply`.

import { timingSafeEqual } from 'node:crypto'
import { type ErrorNumber, errorCodes } from '../../protocol/error-codes.ts'
import { parentOf, pathProblem, sequentialSuffix } from '../../protocol/path.ts'
import { noSession, type ServerId, type SessionId } from '../../protocol/records.ts'
import type { WriteOp, WriteRequest } from '../../protocol/zk/messages.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { SessionTracker } from '../connection/session-tracker.ts'
import type { Change, Txn, TxnBody } from '../ztree/txn.ts'
import { nextVersion } from '../ztree/znode.ts'
import type { Session, ZTree } from '../ztree/ztree.ts'
import { OutstandingChanges, type PendingZnode } from './outstanding-changes.ts'

export interface PrepOptions {
  readonly tree: ZTree
  readonly sessions: SessionTracker
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
}

export interface Preparation {
  /** what the transaction will be proposed as; one more than the one before it */
  readonly zxid: Zxid
  /** the server that the client is connected to, and its number for the request */
  readonly origin: ServerId
  readonly seq: number
  /** 0 for a createSession */
  readonly session: SessionId
  readonly request: WriteRequest
  readonly wallMs: number
  /** 16 random bytes */
  readonly newPassword: () => Uint8Array
}

export interface Attached {
  readonly timeoutMs: number
  /** the server that spoke for the session until now, if it is another one */
  readonly movedFrom: ServerId | undefined
}

const undeletable = new Set(['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config'])

export class Prep {
  readonly #tree: ZTree
  readonly #sessions: SessionTracker
  readonly #minTimeoutMs: number
  readonly #maxTimeoutMs: number
  readonly #outstanding: OutstandingChanges
  /** Sessions whose createSession the tree does not show yet. */
  readonly #newSessions = new Map<SessionId, Session>()

  constructor(options: PrepOptions) {
    this.#tree = options.tree
    this.#sessions = options.sessions
    this.#minTimeoutMs = options.minSessionTimeoutMs
    this.#maxTimeoutMs = options.maxSessionTimeoutMs
    this.#outstanding = new OutstandingChanges(options.tree)
  }

  /** Paths that proposals in flight change. */
  get outstandingCount(): number {
    return this.#outstanding.pathCount
  }

  /**
   * Bytes in the transaction are those of the request, not copied. Its changes count as outstanding
   * from here on, so it must be proposed.
   */
  prepare(preparation: Preparation): Txn {
    const { zxid, origin, seq, session, wallMs } = preparation
    const body = this.#decide(preparation)
    if (body.type === 'error') this.#outstanding.abandon()
    else this.#outstanding.commit(zxid)
    return { origin, seq, session, timeMs: wallMs, body }
  }

  /** Closes a session that the tracker's `expire` returned; no request waits for it: its seq is 0. */
  expire({
    zxid,
    origin,
    session,
    wallMs,
  }: Pick<Preparation, 'zxid' | 'origin' | 'session' | 'wallMs'>): Txn {
    const body = this.#close(session)
    this.#outstanding.commit(zxid)
    return { origin, seq: 0, session, timeMs: wallMs, body }
  }

  /**
   * A client wants to go on with its session at `owner`, which from now on speaks for it.
   *
   * @returns undefined if it is unknown, expired, or the password is wrong
   */
  attach({
    session,
    password,
    owner,
    nowMs,
  }: {
    session: SessionId
    password: Uint8Array
    owner: ServerId
    nowMs: number
  }): Attached | undefined {
    // Another server may have applied, and answered, a createSession that this tree does not show.
    const known = this.#newSessions.get(session) ?? this.#tree.sessions.get(session)
    if (known === undefined || !samePassword(known.password, password)) return undefined
    if (!this.#sessions.touch(session, nowMs)) return undefined
    const before = this.#sessions.owner(session)
    this.#sessions.setOwner(session, owner)
    return { timeoutMs: known.timeoutMs, movedFrom: before === owner ? undefined : before }
  }

  /** The tree shows everything up to `zxid`: to be called after each `apply` on the leader. */
  applied(zxid: Zxid): void {
    this.#outstanding.applied(zxid)
    for (const session of this.#newSessions.keys()) {
      if (session > zxid) break
      this.#newSessions.delete(session)
    }
  }

  /** At a role change: nothing is outstanding. */
  reset(): void {
    this.#outstanding.reset()
    this.#newSessions.clear()
  }

  #decide(preparation: Preparation): TxnBody {
    const { request, session, origin } = preparation
    if (request.type === 'createSession') return this.#createSession(preparation, request.timeoutMs)
    // Session errors are the whole request's, a multi's too (ZOOKEEPER-2886).
    if (!this.#sessions.has(session)) return refusal('SESSIONEXPIRED')
    if (this.#sessions.owner(session) !== origin) return refusal('SESSIONMOVED')
    if (request.type === 'closeSession') return this.#close(session)
    if (request.type === 'multi') return this.#multi(request.ops, session)
    const change = this.#change(request, session)
    if (typeof change === 'number')
      return { type: 'error', code: change, failedAt: 0, partCount: 0 }
    return change as Exclude<Change, { type: 'check' }>
  }

  #createSession({ zxid, origin, newPassword }: Preparation, wantedMs: number): TxnBody {
    const timeoutMs = Math.min(Math.max(wantedMs, this.#minTimeoutMs), this.#maxTimeoutMs)
    const session = zxid as number as SessionId
    const password = newPassword()
    this.#newSessions.set(session, { timeoutMs, password })
    this.#sessions.add(session, { timeoutMs, owner: origin })
    return { type: 'createSession', timeoutMs, password }
  }

  /** From here on nothing more of this session is ordered. */
  #close(session: SessionId): TxnBody {
    this.#sessions.remove(session)
    for (const path of this.#outstanding.ephemeralsOf(session)) {
      const parent = this.#outstanding.find(parentOf(path))
      if (parent !== undefined) this.#outstanding.delete(path, parent)
    }
    return { type: 'closeSession' }
  }

  #multi(ops: readonly WriteOp[], session: SessionId): TxnBody {
    const changes: Change[] = []
    for (const [index, op] of ops.entries()) {
      const change = this.#change(op, session)
      if (typeof change === 'number') {
        return { type: 'error', code: change, failedAt: index, partCount: ops.length }
      }
      changes.push(change)
    }
    return { type: 'multi', changes }
  }

  /** Notes what `op` changes. @returns the number of the first error otherwise */
  #change(op: WriteOp, session: SessionId): Change | ErrorNumber {
    switch (op.type) {
      case 'create':
        return this.#create(op, session)
      case 'delete':
        return this.#delete(op)
      case 'setData': {
        const found = this.#versioned(op)
        if (typeof found === 'number') return found
        const version = nextVersion(found.version)
        this.#outstanding.setVersion(op.path, found, version)
        return { type: 'setData', path: op.path, data: op.data, version }
      }
      case 'check': {
        const found = this.#versioned(op)
        return typeof found === 'number' ? found : { type: 'check', path: op.path }
      }
    }
  }

  #create(op: Extract<WriteOp, { type: 'create' }>, session: SessionId): Change | ErrorNumber {
    const { mode, data } = op
    if (!hasParent(op.path)) return errorCodes.BADARGUMENTS
    const parent = this.#outstanding.find(parentOf(op.path))
    if (parent === undefined) return errorCodes.NONODE
    const sequential = mode === 'persistentSequential' || mode === 'ephemeralSequential'
    const path = sequential ? op.path + sequentialSuffix(parent.createCount) : op.path
    if (pathProblem(path) !== undefined) return errorCodes.BADARGUMENTS
    if (this.#outstanding.find(path) !== undefined) return errorCodes.NODEEXISTS
    if (parent.ephemeralOwner !== noSession) return errorCodes.NOCHILDRENFOREPHEMERALS
    const ephemeral = mode === 'ephemeral' || mode === 'ephemeralSequential'
    const ephemeralOwner = ephemeral ? session : noSession
    const parentCreateCount = this.#outstanding.create(path, { parent, owner: ephemeralOwner })
    return { type: 'create', path, data, ephemeralOwner, parentCreateCount }
  }

  #delete({ path, version }: Extract<WriteOp, { type: 'delete' }>): Change | ErrorNumber {
    if (!hasParent(path) || undeletable.has(path)) return errorCodes.BADARGUMENTS
    const parent = this.#outstanding.find(parentOf(path))
    if (parent === undefined) return errorCodes.NONODE
    const znode = this.#outstanding.find(path)
    if (znode === undefined) return errorCodes.NONODE
    if (!matches(version, znode.version)) return errorCodes.BADVERSION
    if (znode.childCount > 0) return errorCodes.NOTEMPTY
    this.#outstanding.delete(path, parent)
    return { type: 'delete', path }
  }

  #versioned({ path, version }: { path: string; version: number }): PendingZnode | ErrorNumber {
    if (pathProblem(path) !== undefined) return errorCodes.BADARGUMENTS
    const znode = this.#outstanding.find(path)
    if (znode === undefined) return errorCodes.NONODE
    return matches(version, znode.version) ? znode : errorCodes.BADVERSION
  }
}

function refusal(code: 'SESSIONEXPIRED' | 'SESSIONMOVED'): TxnBody {
  return { type: 'error', code: errorCodes[code], failedAt: 0, partCount: 0 }
}

/** -1 is any version. */
function matches(wanted: number, version: number): boolean {
  return wanted === -1 || wanted === version
}

/** Enough of a path to look for its parent; the whole of it is validated after that. */
function hasParent(path: string): boolean {
  return path.includes('/') && !path.includes('\0')
}

/** In a time that says nothing about where they differ. */
export function samePassword(known: Uint8Array, given: Uint8Array): boolean {
  return known.length === given.length && timingSafeEqual(known, given)
}
