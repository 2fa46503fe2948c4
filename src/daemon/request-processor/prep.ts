// Decides whether a write is allowed and possible, the leader's first step: a request becomes a
// transaction that cannot fail, or one that carries the refusal.
//
// Validated against the tree plus the outstanding changes, and against the live sessions, in the
// order of ZooKeeper's PrepRequestProcessor: the first failing check is the error that the client
// sees. Permissions are checked against the identities of the client's connection, which travel with
// the request. Pure; no request makes it throw.
// Next on the path: outstanding-changes.ts, then ztree/txn.ts.

import { limits } from '../../limits.ts'
import { type ErrorNumber, errorCodes } from '../../protocol/error-codes.ts'
import { parentOf, pathProblem, sequentialSuffix } from '../../protocol/path.ts'
import {
  type Acl,
  type Id,
  noSession,
  openAcl,
  perms,
  type ServerId,
  type SessionId,
} from '../../protocol/records.ts'
import type { RequestedMode, WriteOp, WriteRequest } from '../../protocol/zk/messages.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { Ensemble } from '../ensemble/ensemble.ts'
import {
  encodeState,
  membersText,
  noMembers,
  parseMembers,
  votersOf,
} from '../membership/membership.ts'
import { samePassword } from '../session/authentication.ts'
import type { SessionTracker } from '../session/session-tracker.ts'
import { isAllowed, normalizeAcl } from '../ztree/acl.ts'
import type { DueAt } from '../ztree/expiry.ts'
import { exceeds, type Usage } from '../ztree/quotas.ts'
import { type Change, sessionCreatedBy, type Txn, type TxnBody } from '../ztree/txn.ts'
import { lifetimes } from '../ztree/uncommon.ts'
import { nextVersion } from '../ztree/znode.ts'
import { configPath, type Session, type ZTree } from '../ztree/ztree.ts'
import { Fullness } from './fullness.ts'
import { OutstandingChanges, type PendingZnode } from './outstanding-changes.ts'
import { nextMembers, type Reconfig } from './reconfiguration.ts'

export interface WriteRules {
  /** Whether znodes may have a time to live. */
  readonly extendedTypesEnabled: boolean
  /** Whether a write above a hard limit is refused. */
  readonly enforceQuota: boolean
  /** Whether the ensemble may be changed; the fewest voters that a change may leave. */
  readonly reconfiguration?: 'enabled' | 'disabled' | 'standalone'
  readonly votersMin?: number
  /** Whether an ACL may name users of SASL. */
  readonly hasSasl?: boolean
  /** Creates above are refused; `limits.znodesMax` if absent. */
  readonly znodesMax?: number
}

export interface PrepOptions {
  readonly tree: ZTree
  readonly ensemble: Pick<Ensemble, 'self' | 'configuration' | 'judgeConfiguration'>
  readonly sessions: SessionTracker
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  readonly rules: WriteRules
}

export interface Preparation {
  /** zxid of the proposal; the successor of the previous one */
  readonly zxid: Zxid
  /** the client's server, and its number for the request */
  readonly origin: ServerId
  readonly seq: number
  /** 0 for a createSession */
  readonly session: SessionId
  /** of the client's connection */
  readonly identities: readonly Id[]
  readonly request: WriteRequest
  readonly wallMs: number
  /** 16 random bytes */
  readonly newPassword: () => Uint8Array
}

export interface Attached {
  readonly timeoutMs: number
  /** the server that owned the session until now, if it is another one */
  readonly movedFrom: ServerId | undefined
}

/** The session and identities that a change is made for. */
type Asker = Pick<Preparation, 'session' | 'identities'>

const undeletable = new Set(['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config'])

/** Why a change of the ensemble is not possible yet. */
export type Obstacle =
  /** This leader is not to vote; these servers vote before and after, and so may propose it. */
  | { readonly type: 'leader'; readonly successors: readonly ServerId[] }
  /** The epoch has just begun, and followers are about to be in step. */
  | { readonly type: 'followers' }

export class Prep {
  readonly fullness: Fullness
  readonly #tree: ZTree
  readonly #ensemble: Pick<Ensemble, 'self' | 'configuration' | 'judgeConfiguration'>
  readonly #sessions: SessionTracker
  /** A change of the ensemble that the tree does not show yet. */
  #reconfiguring: Zxid | undefined
  #obstacle: Obstacle | undefined
  readonly #minTimeoutMs: number
  readonly #maxTimeoutMs: number
  readonly #rules: WriteRules
  readonly #outstanding: OutstandingChanges
  /** Sessions whose createSession the tree does not show yet. */
  readonly #newSessions = new Map<SessionId, Session>()

  constructor(options: PrepOptions) {
    this.#tree = options.tree
    this.#ensemble = options.ensemble
    this.#sessions = options.sessions
    this.#minTimeoutMs = options.minSessionTimeoutMs
    this.#maxTimeoutMs = options.maxSessionTimeoutMs
    this.#rules = options.rules
    this.fullness = new Fullness(options.rules.znodesMax ?? limits.znodesMax)
    const countsQuotas = options.rules.enforceQuota
    this.#outstanding = new OutstandingChanges(options.tree, { countsQuotas })
  }

  /** Paths changed by proposals in flight. */
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

  /**
   * Closes a session returned by the tracker's `expire`; no request waits for it, so its seq is 0.
   */
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
   * Deletes a container or a znode with a TTL that reaper.ts found due; its seq is 0.
   *
   * @returns undefined if it is no longer due, or will not be once everything is committed
   */
  deleteDue({
    zxid,
    origin,
    path,
    dueAt,
  }: Pick<Preparation, 'zxid' | 'origin'> & { path: string; dueAt: DueAt }): Txn | undefined {
    if (this.#outstanding.touches(path) || !this.#tree.expiry.isDue(path, dueAt)) return undefined
    const parent = this.#outstanding.find(parentOf(path))
    if (parent === undefined) return undefined
    this.#outstanding.delete(path, parent)
    this.#outstanding.commit(zxid)
    const body = { type: 'delete', path } as const
    return { origin, seq: 0, session: noSession, timeMs: dueAt.wallMs, body }
  }

  /**
   * A client wants to continue its session at `owner`, which owns the session from now on.
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
    // Another server may have applied, and answered, a createSession that this tree does not show
    // yet.
    const known = this.#newSessions.get(session) ?? this.#tree.sessions.get(session)
    if (known === undefined || !samePassword(known.password, password)) return undefined
    if (!this.#sessions.touch(session, nowMs)) return undefined
    const before = this.#sessions.owner(session)
    this.#sessions.setOwner(session, owner)
    return { timeoutMs: known.timeoutMs, movedFrom: before === owner ? undefined : before }
  }

  /** The tree shows everything up to `zxid`: called after each `apply` on the leader. */
  applied(zxid: Zxid): void {
    this.#outstanding.applied(zxid)
    if (this.#reconfiguring !== undefined && this.#reconfiguring <= zxid) {
      this.#reconfiguring = undefined
    }
    for (const session of this.#newSessions.keys()) {
      if (session > zxid) break
      this.#newSessions.delete(session)
    }
  }

  /** At a role change: nothing is outstanding. */
  reset(): void {
    this.#outstanding.reset()
    this.#newSessions.clear()
    this.#reconfiguring = undefined
  }

  #decide(preparation: Preparation): TxnBody {
    const { request, session, origin } = preparation
    if (request.type === 'createSession') return this.#createSession(preparation, request.timeoutMs)
    const wrong = request.type === 'create' ? this.#modeProblem(request) : undefined
    if (wrong !== undefined) return refusal(wrong)
    // Session errors apply to the whole request, even a multi (ZOOKEEPER-2886).
    if (!this.#sessions.has(session)) return refusal(errorCodes.SESSIONEXPIRED)
    if (this.#sessions.owner(session) !== origin) return refusal(errorCodes.SESSIONMOVED)
    switch (request.type) {
      case 'closeSession':
        return this.#close(session)
      case 'multi':
        return this.#multi(request.ops, preparation)
      case 'setACL':
        return this.#setAcl(request, preparation)
      case 'reconfig':
        return this.#reconfig(request, preparation)
    }
    const change = this.#change(request, preparation)
    return typeof change === 'number' ? refusal(change) : lone(change)
  }

  /** Of a reconfig that was just refused: what has to happen before it may be possible. */
  takeObstacle(): Obstacle | undefined {
    const obstacle = this.#obstacle
    this.#obstacle = undefined
    return obstacle
  }

  /** Ends the change that is proposed: the former voters have no say any more. */
  activation(): TxnBody {
    const { last } = this.#ensemble.configuration
    return { type: 'reconfig', data: encodeState({ last, before: undefined }) }
  }

  /** The checks of ZooKeeper's PrepRequestProcessor, in its order. */
  #reconfig(request: Reconfig, { zxid, identities }: Preparation): TxnBody {
    const { reconfiguration = 'disabled', votersMin = 1 } = this.#rules
    if (reconfiguration === 'disabled') return refusal(errorCodes.RECONFIGDISABLED)
    if (reconfiguration === 'standalone') return refusal(errorCodes.UNIMPLEMENTED)
    const { last: before } = this.#ensemble.configuration
    const isBusy = this.#ensemble.judgeConfiguration(before) === 'in progress'
    if (isBusy || this.#reconfiguring !== undefined) return refusal(errorCodes.RECONFIGINPROGRESS)
    if (!matches(request.version, before.version)) return refusal(errorCodes.BADVERSION)
    const members = nextMembers(parseMembers(before.text) ?? noMembers, request)
    const voters = votersOf(members ?? noMembers)
    if (members === undefined || voters.length < votersMin) return refusal(errorCodes.BADARGUMENTS)
    const next = { voters, text: membersText(members) }
    const verdict = this.#ensemble.judgeConfiguration(next)
    if (verdict === 'not yet') this.#obstacle = { type: 'followers' }
    if (verdict !== 'possible') return refusal(errorCodes.NEWCONFIGNOQUORUM)
    const znode = this.#outstanding.find(configPath)
    if (znode === undefined || !isAllowed(znode.acl, perms.write, identities)) {
      return refusal(errorCodes.NOAUTH)
    }
    if (!voters.includes(this.#ensemble.self)) {
      const successors = voters.filter((voter) => before.voters.includes(voter))
      this.#obstacle = { type: 'leader', successors }
      return refusal(errorCodes.NEWCONFIGNOQUORUM)
    }
    this.#reconfiguring = zxid
    const last = { version: zxid, voters, text: next.text }
    return { type: 'reconfig', data: encodeState({ last, before }) }
  }

  #createSession({ zxid, origin, newPassword }: Preparation, wantedMs: number): TxnBody {
    const timeoutMs = Math.min(Math.max(wantedMs, this.#minTimeoutMs), this.#maxTimeoutMs)
    const session = sessionCreatedBy(zxid)
    const password = newPassword()
    this.#newSessions.set(session, { timeoutMs, password })
    this.#sessions.add(session, { timeoutMs, owner: origin })
    return { type: 'createSession', timeoutMs, password }
  }

  /** From here on no further request of this session is ordered. */
  #close(session: SessionId): TxnBody {
    this.#sessions.remove(session)
    for (const path of this.#outstanding.ephemeralsOf(session)) {
      const parent = this.#outstanding.find(parentOf(path))
      if (parent !== undefined) this.#outstanding.delete(path, parent)
    }
    return { type: 'closeSession' }
  }

  #multi(ops: readonly WriteOp[], asker: Asker): TxnBody {
    const changes: Change[] = []
    let bytes = 0
    for (const [index, op] of ops.entries()) {
      const wrong = op.type === 'create' ? this.#modeProblem(op) : undefined
      const change = wrong ?? this.#change(op, asker)
      if (typeof change === 'number') {
        return { type: 'error', code: change, failedAt: index, partCount: ops.length }
      }
      changes.push(change)
      bytes += bytesOf(change)
      if (bytes > limits.txnBytesMax) return refusal(errorCodes.MARSHALLINGERROR)
    }
    return { type: 'multi', changes }
  }

  /** Records the change of `op`, or returns the first error. */
  #change(op: WriteOp, asker: Asker): Change | ErrorNumber {
    switch (op.type) {
      case 'create':
        return this.#create(op, asker)
      case 'delete':
        return this.#delete(op, asker)
      case 'setData':
        return this.#setData(op, asker)
      case 'check': {
        const znode = this.#existing(op.path, perms.read, asker)
        if (typeof znode === 'number') return znode
        if (!matches(op.version, znode.version)) return errorCodes.BADVERSION
        return { type: 'check', path: op.path }
      }
    }
  }

  /** Errors of a create that do not depend on the tree. */
  #modeProblem({ mode, ttlMs = 0 }: CreateOp): ErrorNumber | undefined {
    if (mode === 'unknown') return errorCodes.BADARGUMENTS
    if (!traits[mode].ttl) return ttlMs === 0 ? undefined : errorCodes.BADARGUMENTS
    if (!this.#rules.extendedTypesEnabled) return errorCodes.UNIMPLEMENTED
    return ttlMs >= 1 && ttlMs <= ttlMsMax ? undefined : errorCodes.BADARGUMENTS
  }

  #create(op: CreateOp, { session, identities }: Asker): Change | ErrorNumber {
    const { mode, data } = op
    if (!hasParent(op.path)) return errorCodes.BADARGUMENTS
    const acl = op.acl === undefined ? openAcl : normalizeAcl(op.acl, identities, this.#rules)
    if (acl === undefined) return errorCodes.INVALIDACL
    const parent = this.#outstanding.find(parentOf(op.path))
    if (parent === undefined) return errorCodes.NONODE
    if (!isAllowed(parent.acl, perms.create, identities)) return errorCodes.NOAUTH
    const { sequential, ephemeral, ttl } = traits[mode]
    const path = sequential ? op.path + sequentialSuffix(parent.createCount) : op.path
    if (pathProblem(path) !== undefined) return errorCodes.BADARGUMENTS
    if (this.#outstanding.find(path) !== undefined) return errorCodes.NODEEXISTS
    if (parent.ephemeralOwner !== noSession) return errorCodes.NOCHILDRENFOREPHEMERALS
    const dataBytes = data === null ? 0 : data.length
    if (this.fullness.refuses(this.#outstanding.znodeCount)) return errorCodes.QUOTAEXCEEDED
    if (this.#isBeyondQuota(path, { count: 1, bytes: dataBytes })) return errorCodes.QUOTAEXCEEDED
    const ephemeralOwner = ephemeral ? session : noSession
    const fields = { ephemeralOwner, acl, dataBytes }
    const parentCreateCount = this.#outstanding.create(path, parent, fields)
    const other = mode === 'container' ? lifetimes.container : lifetimes.endless
    const lifetime = ttl ? (op.ttlMs ?? 0) : other
    return { type: 'create', path, data, ephemeralOwner, parentCreateCount, acl, lifetime }
  }

  #delete(
    { path, version }: Extract<WriteOp, { type: 'delete' }>,
    { identities }: Asker,
  ): Change | ErrorNumber {
    if (!hasParent(path) || undeletable.has(path)) return errorCodes.BADARGUMENTS
    const parent = this.#outstanding.find(parentOf(path))
    if (parent === undefined) return errorCodes.NONODE
    if (!isAllowed(parent.acl, perms.delete, identities)) return errorCodes.NOAUTH
    const znode = this.#outstanding.find(path)
    if (znode === undefined) return errorCodes.NONODE
    if (!matches(version, znode.version)) return errorCodes.BADVERSION
    if (znode.childCount > 0) return errorCodes.NOTEMPTY
    this.#outstanding.delete(path, parent)
    return { type: 'delete', path }
  }

  #setData(op: Extract<WriteOp, { type: 'setData' }>, asker: Asker): Change | ErrorNumber {
    const { path, data } = op
    const znode = this.#existing(path, perms.write, asker)
    if (typeof znode === 'number') return znode
    const dataBytes = data === null ? 0 : data.length
    const more = { count: 0, bytes: dataBytes - znode.dataBytes }
    if (this.#isBeyondQuota(path, more)) return errorCodes.QUOTAEXCEEDED
    if (!matches(op.version, znode.version)) return errorCodes.BADVERSION
    // It is written by reconfig alone: other bytes would be no configuration.
    if (path === configPath) return errorCodes.BADARGUMENTS
    const version = nextVersion(znode.version)
    this.#outstanding.setData(path, znode, { version, dataBytes })
    return { type: 'setData', path, data, version }
  }

  #setAcl(op: Extract<WriteRequest, { type: 'setACL' }>, asker: Asker): TxnBody {
    const { path } = op
    if (pathProblem(path) !== undefined) return refusal(errorCodes.BADARGUMENTS)
    const acl = normalizeAcl(op.acl, asker.identities, this.#rules)
    if (acl === undefined) return refusal(errorCodes.INVALIDACL)
    const znode = this.#existing(path, perms.admin, asker)
    if (typeof znode === 'number') return refusal(znode)
    if (!matches(op.version, znode.aversion)) return refusal(errorCodes.BADVERSION)
    const aversion = nextVersion(znode.aversion)
    this.#outstanding.setAcl(path, znode, { acl, aversion })
    return { type: 'setACL', path, acl, aversion }
  }

  /** The znode, if the asker has the permission. */
  #existing(path: string, needed: number, { identities }: Asker): PendingZnode | ErrorNumber {
    if (pathProblem(path) !== undefined) return errorCodes.BADARGUMENTS
    const znode = this.#outstanding.find(path)
    if (znode === undefined) return errorCodes.NONODE
    return isAllowed(znode.acl, needed, identities) ? znode : errorCodes.NOAUTH
  }

  /**
   * Exact, including everything in flight, for every quota in the tree: a quota created or changed
   * by a proposal in flight counts once it is applied.
   */
  #isBeyondQuota(path: string, more: Usage): boolean {
    if (!this.#rules.enforceQuota) return false
    const quota = this.#tree.quotas.of(path)
    if (quota === undefined) return false
    const growth = this.#outstanding.growthOf(quota.path)
    const count = quota.usage.count + growth.count
    const bytes = quota.usage.bytes + growth.bytes
    return exceeds(quota.limits, { count, bytes }, more)
  }
}

type CreateOp = Extract<WriteOp, { type: 'create' }>

interface ModeTraits {
  readonly sequential: boolean
  readonly ephemeral: boolean
  readonly ttl: boolean
}

const traits: Readonly<Record<RequestedMode, ModeTraits>> = {
  unknown: { sequential: false, ephemeral: false, ttl: false },
  persistent: { sequential: false, ephemeral: false, ttl: false },
  ephemeral: { sequential: false, ephemeral: true, ttl: false },
  persistentSequential: { sequential: true, ephemeral: false, ttl: false },
  ephemeralSequential: { sequential: true, ephemeral: true, ttl: false },
  container: { sequential: false, ephemeral: false, ttl: false },
  persistentTtl: { sequential: false, ephemeral: false, ttl: true },
  persistentSequentialTtl: { sequential: true, ephemeral: false, ttl: true },
}

/** ZooKeeper's limit: a TTL has five bytes of the owner field. */
const ttlMsMax = 2 ** 40 - 1

/** Upper bound on the size of the change in the transaction. */
function bytesOf(change: Change): number {
  const data = change.type === 'create' || change.type === 'setData' ? change.data : null
  const acl = change.type === 'create' ? aclBytesOf(change.acl) : 0
  return 32 + Buffer.byteLength(change.path) + (data === null ? 0 : data.length) + acl
}

function aclBytesOf(acl: readonly Acl[]): number {
  if (acl === openAcl) return 0
  return acl.reduce((sum, { scheme, id }) => sum + 16 + 3 * (scheme.length + id.length), 5)
}

/** A change that is a transaction by itself; a check is allowed only in a multi. */
function lone(change: Change): TxnBody {
  if (change.type === 'check') return refusal(errorCodes.UNIMPLEMENTED)
  return change
}

function refusal(code: ErrorNumber): TxnBody {
  return { type: 'error', code, failedAt: 0, partCount: 0 }
}

/** -1 is any version. */
function matches(wanted: number, version: number): boolean {
  return wanted === -1 || wanted === version
}

/** The minimum for finding the parent; the full path is validated afterwards. */
function hasParent(path: string): boolean {
  return path.includes('/') && !path.includes('\0')
}
