// Invariants of all servers at every step: there is one order of transactions, each server is at
// some point of it, and at the same point they have the same tree. The first delivery of a
// transaction on any server defines the order.

import { decodeTxn, type Txn } from '../../../src/daemon/ztree/txn.ts'
import type { ZTree } from '../../../src/daemon/ztree/ztree.ts'
import { invariant } from '../../../src/invariant.ts'
import { MsgpackReader } from '../../../src/protocol/msgpack.ts'
import type { ServerId, SessionId } from '../../../src/protocol/records.ts'
import { epochOf, type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'
import { EnsembleJudge, type Roles } from './ensemble-judge.ts'

export interface Committed {
  readonly zxid: Zxid
  readonly payload: Buffer
  readonly txn: Txn
  /** when it was first delivered */
  readonly atMs: number
}

/** How much faster than the world's a server's clock may run. */
export const fastestClock = 1.6

export class ServerChecker {
  readonly order: Committed[] = []
  readonly #indexOf = new Map<Zxid, number>()
  readonly #digests = new Map<Zxid, string>()
  readonly #leaders = new Map<number, ServerId>()
  readonly #establishedMs = new Map<number, number>()
  readonly #sessions = new Map<SessionId, { readonly timeoutMs: number; readonly atMs: number }>()
  readonly #reader = new MsgpackReader()
  readonly ensemble: EnsembleJudge

  /** @param roles of the servers when the ensemble begins */
  constructor(roles: Roles) {
    this.ensemble = new EnsembleJudge(roles)
  }

  establishedCount = 0
  establishedEpoch = 0

  get lastZxid(): Zxid {
    return this.order.at(-1)?.zxid ?? zxidZero
  }

  /** A server is about to deliver `payload` to its tree. */
  delivering(zxid: Zxid, payload: Buffer, parts: { readonly tree: ZTree; readonly atMs: number }) {
    const { lastApplied } = parts.tree
    const before = lastApplied === zxidZero ? -1 : this.#indexOf.get(lastApplied)
    invariant(before !== undefined, 'a tree shows only what was committed')
    const known = this.order[before + 1]
    if (known !== undefined) {
      invariant(known.zxid === zxid, 'a server delivers what all deliver, each once and in order')
      invariant(known.payload.equals(payload), 'one zxid names one transaction, for ever')
      return
    }
    invariant(zxid > this.lastZxid, 'deliveries are in order of zxid')
    const copy = Buffer.from(payload)
    const txn = decodeTxn(this.#reader.reset(copy, 0, copy.length))
    this.#checkExpiry(zxid, txn, parts.atMs)
    if (txn.body.type === 'reconfig') this.ensemble.changed(zxid, txn.body.data)
    this.#indexOf.set(zxid, this.order.push({ zxid, payload: copy, txn, atMs: parts.atMs }) - 1)
  }

  /** It has delivered it. `loggedBy`: the durable end of each server's log. */
  delivered(zxid: Zxid, tree: ZTree, loggedBy: (server: number) => Zxid): void {
    invariant(tree.lastApplied === zxid, 'a tree shows what it was given')
    const digest = `${tree.digest.high},${tree.digest.low}`
    const known = this.#digests.get(zxid)
    if (known === undefined) {
      const isHeld = this.ensemble.isQuorum(zxid, (server) => loggedBy(server) >= zxid)
      invariant(isHeld, 'what is committed is on the disks of a quorum')
      this.#digests.set(zxid, digest)
    } else invariant(known === digest, 'trees that show the same transactions are the same')
  }

  /** A session that was not closed gets its whole timeout, again under each new leader. */
  #checkExpiry(zxid: Zxid, { body, session, seq }: Txn, atMs: number): void {
    if (body.type === 'createSession') {
      const { timeoutMs } = body
      this.#sessions.set(zxid as number as SessionId, { timeoutMs, atMs })
    }
    const created = this.#sessions.get(session)
    if (body.type !== 'closeSession' || seq !== 0 || created === undefined) return
    const sinceMs = Math.max(created.atMs, this.#establishedMs.get(epochOf(zxid)) ?? 0)
    const atLeastMs = created.timeoutMs / fastestClock
    invariant(atMs - sinceMs >= atLeastMs, 'a session lasts as long as its time-out, at least')
  }

  established(
    leader: ServerId,
    epoch: number,
    { tree, atMs }: { readonly tree: ZTree; readonly atMs: number },
  ): void {
    const other = this.#leaders.get(epoch)
    invariant(other === undefined || other === leader, 'an epoch has one established leader')
    this.#leaders.set(epoch, leader)
    this.#establishedMs.set(epoch, atMs)
    this.establishedCount++
    if (epoch > this.establishedEpoch) this.establishedEpoch = epoch
    // One that stood still may learn late that its epoch began; another may have begun meanwhile.
    const before = this.order.findLast(({ zxid }) => epochOf(zxid) < epoch)?.zxid ?? zxidZero
    invariant(tree.lastApplied >= before, 'a new leader holds all that was committed')
    invariant(
      epochOf(tree.lastApplied) < epoch,
      'a new leader begins with the epochs before its own',
    )
  }

  /** Every ephemeral has a session, and every path has its parent. */
  checkTree(tree: ZTree): void {
    let ephemerals = 0
    for (const session of tree.sessions.keys()) {
      for (const path of tree.ephemeralsOf(session)) {
        invariant(
          tree.get(path)?.ephemeralOwner === session,
          'an ephemeral is where its owner says',
        )
        ephemerals++
      }
    }
    invariant(ephemerals === tree.ephemeralCount, 'an ephemeral lives as long as its session')
  }
}
