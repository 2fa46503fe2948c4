// A leader without an ensemble, for tests: requests are prepared, held as proposals as long as a
// test wants, and applied from the bytes that the log would hold.

import { Prep, type WriteRules } from '../../src/daemon/request-processor/prep.ts'
import { SessionTracker } from '../../src/daemon/session/session-tracker.ts'
import { decodeTxn, encodeTxn, type Txn } from '../../src/daemon/ztree/txn.ts'
import { type Applied, type TreeEvent, ZTree } from '../../src/daemon/ztree/ztree.ts'
import { invariant } from '../../src/invariant.ts'
import { MsgpackReader, MsgpackWriter } from '../../src/protocol/msgpack.ts'
import { type Id, noSession, type ServerId, type SessionId } from '../../src/protocol/records.ts'
import type { CreateMode, WriteOp, WriteRequest } from '../../src/protocol/zk/messages.ts'
import { makeZxid, nextZxid, type Zxid } from '../../src/protocol/zxid.ts'
import { FakeCluster } from './fake-ensemble.ts'

export const self = 1 as ServerId
export const other = 2 as ServerId

export interface Proposal {
  readonly zxid: Zxid
  readonly txn: Txn
}

export class TreeWorld {
  readonly tree: ZTree
  readonly sessions = new SessionTracker({ tickMs: 1000 })
  readonly prep: Prep
  readonly events: TreeEvent[] = []
  readonly proposals: Proposal[] = []
  /** of the requesting client */
  identities: readonly Id[] = [{ scheme: 'ip', id: '127.0.0.1' }]
  nowMs = 0
  wallMs = 1_700_000_000_000
  #zxid: Zxid

  /** what prep finds when it is asked to change the ensemble */
  readonly ensemble = new FakeCluster().member(1)

  constructor(tree = new ZTree(), rules: Partial<WriteRules> = {}) {
    this.tree = tree
    this.prep = new Prep({
      tree,
      ensemble: this.ensemble,
      sessions: this.sessions,
      minSessionTimeoutMs: 4000,
      maxSessionTimeoutMs: 40_000,
      rules: {
        ...{ extendedTypesEnabled: true, enforceQuota: true },
        ...{ reconfiguration: 'enabled', votersMin: 2 },
        ...rules,
      },
    })
    this.#zxid = tree.lastApplied > 0 ? tree.lastApplied : makeZxid({ epoch: 1, counter: 0 })
    this.sessions.reset(tree.sessions, this.nowMs)
  }

  propose(session: SessionId, request: WriteRequest, origin = self): Proposal {
    const zxid = nextZxid(this.#zxid)
    const txn = this.prep.prepare({
      zxid,
      origin,
      seq: zxid % 1000,
      session,
      identities: this.identities,
      request,
      wallMs: ++this.wallMs,
      newPassword: () => new Uint8Array(16).fill(7),
    })
    return this.#push(zxid, txn)
  }

  expire(session: SessionId): Proposal {
    const zxid = nextZxid(this.#zxid)
    const wallMs = ++this.wallMs
    return this.#push(zxid, this.prep.expire({ zxid, origin: self, session, wallMs }))
  }

  /** Deletes a znode as the leader does on its own. @returns undefined if it is not due */
  deleteDue(path: string, neverUsedMs = 0): Proposal | undefined {
    const zxid = nextZxid(this.#zxid)
    const dueAt = { wallMs: ++this.wallMs, neverUsedMs }
    const txn = this.prep.deleteDue({ zxid, origin: self, path, dueAt })
    return txn && this.#push(zxid, txn)
  }

  /** Applies the oldest proposal. */
  applyNext(): Applied {
    const proposal = this.proposals.shift()
    invariant(proposal !== undefined, 'there is a proposal to apply')
    const result = this.tree.apply(proposal.zxid, throughBytes(proposal.txn), this.events)
    this.prep.applied(proposal.zxid)
    return result
  }

  settle(): Applied[] {
    const results: Applied[] = []
    while (this.proposals.length > 0) results.push(this.applyNext())
    return results
  }

  /** Proposes and applies. */
  request(session: SessionId, request: WriteRequest, origin = self): Applied {
    this.propose(session, request, origin)
    const result = this.settle().at(-1)
    invariant(result !== undefined, 'every proposal has a result')
    return result
  }

  open(timeoutMs = 10_000): SessionId {
    this.request(noSession, { type: 'createSession', timeoutMs })
    return this.#zxid as number as SessionId
  }

  takeEvents(): string[] {
    return this.events.splice(0).map(({ type, path }) => `${type} ${path}`)
  }

  #push(zxid: Zxid, txn: Txn): Proposal {
    this.#zxid = zxid
    const proposal = { zxid, txn }
    this.proposals.push(proposal)
    return proposal
  }
}

/** The transaction as every server receives it: decoded from the leader's bytes. */
function throughBytes(txn: Txn): Txn {
  const out = new MsgpackWriter()
  encodeTxn(out, txn)
  const bytes = Buffer.from(out.view())
  return decodeTxn(new MsgpackReader().reset(bytes, 0, bytes.length))
}

export function create(path: string, data = '', mode: CreateMode = 'persistent') {
  return { type: 'create', path, data: Buffer.from(data), mode } as const
}

export function remove(path: string, version = -1) {
  return { type: 'delete', path, version } as const
}

export function setData(path: string, data = '', version = -1) {
  return { type: 'setData', path, data: Buffer.from(data), version } as const
}

export function check(path: string, version = -1) {
  return { type: 'check', path, version } as const
}

export function multi(...ops: readonly WriteOp[]) {
  return { type: 'multi', ops } as const
}

/** The whole contents of a tree, in a comparable form. */
export function image(tree: ZTree): unknown {
  const znodes: unknown[] = []
  const walk = (path: string): void => {
    const znode = tree.get(path)
    if (znode === undefined) throw new Error(`${path} is missing`)
    const data = znode.data === null ? null : Buffer.from(znode.data).toString('latin1')
    const shown = tree.data(znode)
    znodes.push([
      path,
      data,
      shown === null ? null : Buffer.from(shown).toString('latin1'),
      tree.stat(znode),
      tree.acl(znode),
      znode.lifetime,
    ])
    const names = tree.children(znode).sort()
    for (const name of names) walk(path === '/' ? `/${name}` : `${path}/${name}`)
  }
  walk('/')
  const sessions = [...tree.sessions]
    .sort(([a], [b]) => a - b)
    .map(([id, { timeoutMs, password }]) => [
      id,
      timeoutMs,
      [...password],
      [...tree.ephemeralsOf(id)].sort(),
    ])
  const { lastApplied, nodeCount, ephemeralCount, dataBytes } = tree
  return { lastApplied, nodeCount, ephemeralCount, dataBytes, znodes, sessions }
}
