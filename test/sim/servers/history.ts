// Checks that what the clients saw fits what the servers agreed on. The order of committed
// transactions is known, so judging a run is one walk along it: every transaction is the effect of
// one request, in the order of its session, with the outcome that the model gives; every read shows
// the model at its zxid. client-order.ts and watches.ts judge the rest.

import type { Configuration } from '../../../src/daemon/zab/configuration.ts'
import type { Txn } from '../../../src/daemon/ztree/txn.ts'
import { invariant } from '../../../src/invariant.ts'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import type { SessionId } from '../../../src/protocol/records.ts'
import type { MultiResult, ReplyBody } from '../../../src/protocol/zk/messages.ts'
import { formatZxid, type Zxid } from '../../../src/protocol/zxid.ts'
import { same, sameStat } from './answers.ts'
import type { Committed } from './checker.ts'
import type { SimClient } from './client.ts'
import { checkClientOrder } from './client-order.ts'
import { changedRoles, changeIn, rolesIn, textOfRoles } from './ensemble-judge.ts'
import {
  type Answered,
  isEffectOf,
  isOver,
  isWrite,
  mayHaveHappened,
  nameOf,
  type Operation,
} from './operation.ts'
import { configPath, type ModelWrite, TreeModel, textOf } from './tree-model.ts'
import { WatchJudge } from './watches.ts'

/**
 * @param first of an ensemble that clients may change: what it began with
 * @returns the tree as it must be now, on every server
 * @throws InvariantError
 */
export function checkHistory(
  order: readonly Committed[],
  clients: readonly SimClient[],
  first?: Configuration,
): TreeModel {
  checkClientOrder(clients)
  return new Walk(clients, first).along(order)
}

/** The refusals that depend on the leader's links, or on changes in progress. */
const reconfigRefusals: ReadonlySet<number> = new Set([
  errorCodes.NEWCONFIGNOQUORUM,
  errorCodes.RECONFIGINPROGRESS,
  errorCodes.BADVERSION,
  errorCodes.BADARGUMENTS,
])

class Walk {
  readonly #model: TreeModel
  readonly #writes = new Map<SessionId, Operation[]>()
  /** by session: the number of its writes so far */
  readonly #matched = new Map<SessionId, number>()
  readonly #reads = new Map<Zxid, Operation[]>()
  readonly #watches: WatchJudge
  /** sessions with a transaction that may be the effect of either of two requests */
  readonly #ambiguous = new Set<SessionId>()

  constructor(clients: readonly SimClient[], first: Configuration | undefined) {
    this.#model = new TreeModel(first)
    this.#watches = new WatchJudge(clients)
    for (const { operations } of clients) {
      for (const operation of operations) this.#note(operation)
    }
  }

  along(order: readonly Committed[]): TreeModel {
    this.#readsAt(0 as Zxid)
    for (const { zxid, txn } of order) {
      this.#apply(zxid, txn)
      this.#watches.changed(this.#model.changes, zxid)
      this.#readsAt(zxid)
    }
    this.#nothingIsLeft()
    this.#watches.end()
    return this.#model
  }

  #note(operation: Operation): void {
    const { request, outcome, session } = operation
    if (isWrite(operation)) {
      const writes = this.#writes.get(session)
      if (writes === undefined) this.#writes.set(session, [operation])
      else writes.push(operation)
    } else if (outcome.type === 'answered' && request.type !== 'sync') {
      const reads = this.#reads.get(outcome.zxid)
      if (reads === undefined) this.#reads.set(outcome.zxid, [operation])
      else reads.push(operation)
    }
  }

  #apply(zxid: Zxid, { session, body }: Txn): void {
    const model = this.#model
    model.changes = []
    if (body.type === 'createSession') {
      model.sessions.add(zxid)
      return
    }
    if (body.type === 'closeSession') {
      model.closeSession(zxid, session)
      return
    }
    const refusal = body.type === 'error' ? body.code : errorCodes.OK
    // Sent over a connection that its session has left: it may arrive late, without effect.
    if (refusal === errorCodes.SESSIONMOVED) return
    // The leader's own, when a change is committed: clients see nothing of it.
    if (body.type === 'reconfig' && changeIn(body.data).before === undefined) return
    const operation = this.#operationOf(zxid, session, body)
    if (operation === undefined) return
    if (refusal === errorCodes.SESSIONEXPIRED) {
      invariant(!model.sessions.has(session), 'a session that is refused has ended')
      return
    }
    invariant(model.sessions.has(session), `nothing happens for a session that has ended: ${zxid}`)
    const { outcome } = operation
    if (operation.request.type === 'reconfig') return this.#reconfigured(zxid, body, operation)
    const expected = model.write(zxid, session, operation.request as ModelWrite)
    if (outcome.type === 'answered') same(operation, outcome.body, expected)
    const fails =
      expected.type === 'multi' ? expected.results.some(isFailed) : expected.type === 'error'
    invariant(
      (body.type === 'error') === fails,
      `${nameOf(operation)} has the effect that it should at ${formatZxid(zxid)}`,
    )
  }

  #reconfigured(zxid: Zxid, body: Txn['body'], operation: Operation): void {
    const model = this.#model
    const { outcome, request } = operation
    const name = nameOf(operation)
    const answer = outcome.type === 'answered' ? outcome.body : undefined
    if (body.type === 'error') {
      invariant(reconfigRefusals.has(body.code), `${name} may be refused so: ${body.code}`)
      const expected = { type: 'error', code: body.code }
      if (answer !== undefined) same(operation, answer, expected)
      return
    }
    invariant(body.type === 'reconfig' && request.type === 'reconfig', `${name} has its own effect`)
    const { version } = request
    const known = Number.parseInt(/version=(.*)$/.exec(model.configuration)?.[1] ?? '', 16)
    invariant(version === -1 || version === known, `${name} happens in its version alone`)
    const { shown } = changeIn(body.data)
    model.reconfigure(zxid, shown)
    invariant(shown.endsWith(`\nversion=${zxid.toString(16)}`), `${name} has its zxid as version`)
    if (answer === undefined) return
    invariant(answer.type === 'reconfig', `${name} is answered with ${answer.type}`)
    invariant(textOf(answer.data) === shown, `${name} is answered with what it made`)
    sameStat(operation, answer.stat, model.stat(configPath))
  }

  /** Whether a transaction may be the effect of a request, now. */
  #fits(zxid: Zxid, body: Txn['body'], operation: Operation): boolean {
    if (!isEffectOf(body, operation)) return false
    const { request } = operation
    if (body.type !== 'reconfig' || request.type !== 'reconfig') {
      return this.#mayBeRefused(zxid, body, operation)
    }
    const made = changedRoles(rolesIn(this.#model.configuration), request)
    return textOfRoles(made) === textOfRoles(changeIn(body.data).roles)
  }

  /** A session's transactions are its writes, in order; skipped writes have an unknown outcome. */
  #operationOf(zxid: Zxid, session: SessionId, body: Txn['body']): Operation | undefined {
    const writes = this.#writes.get(session)
    if (writes === undefined) {
      // The answer with the session id was lost, and so was everything requested then.
      invariant(body.type === 'error', 'what happens was asked for')
      return undefined
    }
    let at = this.#matched.get(session) ?? 0
    for (; at < writes.length; at++) {
      const operation = writes[at] as Operation
      const { outcome } = operation
      if (outcome.type === 'answered') {
        invariant(
          outcome.zxid === zxid,
          `${nameOf(operation)}, answered at ${formatZxid(outcome.zxid)}, is next of its session, not ${formatZxid(zxid)} ${JSON.stringify(body)}`,
        )
        break
      }
      if (this.#answeredLater(writes, at, zxid)) continue
      if (this.#fits(zxid, body, operation)) break
    }
    const operation = writes[at]
    invariant(operation !== undefined, `what happens was asked for, once: ${formatZxid(zxid)}`)
    // A refusal for another reason than the model's is found below.
    const hasEffect = body.type === 'error' || this.#fits(zxid, body, operation)
    invariant(hasEffect && isEffectOf(body, operation), `${nameOf(operation)} has its own effect`)
    invariant(
      mayHaveHappened(operation),
      `${nameOf(operation)} was never sent, and has no effect: ${formatZxid(zxid)}`,
    )
    this.#checkFirstInFirstOut(writes, at, body)
    this.#matched.set(session, at + 1)
    return operation
  }

  /** A request has an effect only if all requests before it on its connection had theirs. */
  #checkFirstInFirstOut(writes: readonly Operation[], at: number, body: Txn['body']): void {
    const operation = writes[at] as Operation
    const { session, outcome, connection } = operation
    // A refusal or a delete may belong to a later, equal request.
    if (outcome.type === 'answered') this.#ambiguous.delete(session)
    else if (body.type === 'error' || body.type === 'delete') this.#ambiguous.add(session)
    const ambiguous = this.#ambiguous.has(session)
    for (const skipped of writes.slice(this.#matched.get(session) ?? 0, at)) {
      invariant(
        ambiguous || skipped.connection !== connection || !mayHaveHappened(skipped),
        `${nameOf(operation)} happens behind ${nameOf(skipped)}, which did not`,
      )
    }
  }

  /**
   * A refusal does not name its request: only one that the model refuses in the same way can be
   * meant.
   */
  #mayBeRefused(zxid: Zxid, body: Txn['body'], { request, session }: Operation): boolean {
    if (body.type !== 'error' || isOver(body.code)) return true
    if (request.type === 'reconfig') return reconfigRefusals.has(body.code)
    const expected = this.#model.tryWrite(zxid, session, request as ModelWrite)
    if (expected.type === 'error') return expected.code === body.code
    const part = expected.type === 'multi' ? expected.results[body.failedAt] : undefined
    return part?.type === 'error' && part.code === body.code
  }

  #answeredLater(writes: readonly Operation[], at: number, zxid: Zxid): boolean {
    for (let i = at + 1; i < writes.length; i++) {
      const { outcome } = writes[i] as Operation
      if (outcome.type === 'answered') return outcome.zxid === zxid
    }
    return false
  }

  #nothingIsLeft(): void {
    for (const [session, writes] of this.#writes) {
      for (const operation of writes.slice(this.#matched.get(session) ?? 0)) {
        const { outcome } = operation
        const found = outcome.type === 'answered' ? formatZxid(outcome.zxid) : ''
        invariant(outcome.type !== 'answered', `${nameOf(operation)} is kept: ${found}`)
      }
    }
    for (const [zxid, [read]] of this.#reads) {
      invariant(read === undefined, `what ${read && nameOf(read)} saw was committed: ${zxid}`)
    }
  }

  // --- reads -------------------------------------------------------------------------------------

  #readsAt(zxid: Zxid): void {
    const reads = this.#reads.get(zxid)
    if (reads === undefined) return
    this.#reads.delete(zxid)
    for (const operation of reads) {
      const { body } = operation.outcome as Answered
      this.#checkRead(operation, body)
      if (operation.watch !== undefined) this.#watches.arm(operation.watch, body)
    }
  }

  #checkRead(operation: Operation, body: ReplyBody): void {
    const { request } = operation
    const absent = this.#model.read(request)
    if (absent !== undefined || body.type === 'error') {
      return same(operation, body, absent ?? { type: 'ok' })
    }
    if (!('path' in request) || !('stat' in body)) return
    const node = this.#model.nodes.get(request.path)
    sameStat(operation, body.stat, this.#model.stat(request.path))
    if (body.type === 'getData') {
      invariant(textOf(body.data) === node?.data, `${nameOf(operation)} shows the data of its zxid`)
    } else if (body.type === 'getChildren') {
      invariant(
        [...body.children].sort().join() === [...(node?.children ?? [])].sort().join(),
        `${nameOf(operation)} shows the children of its zxid`,
      )
    }
  }
}

function isFailed(result: MultiResult): boolean {
  return result.type === 'error' && result.code !== errorCodes.OK
}
