// The order within each session, and nothing else: its requests take effect and are answered in the
// order in which they arrived.
//
// Writes and syncs go to the leader immediately, many in flight. A read with nothing before it is
// answered immediately; otherwise it waits in its client's queue, and runs when the write before it
// has been applied here and the write after it has not. Sessions do not wait for each other.
//
// A sync, or a linearizable read, is answered once this server reflects every write that was
// acknowledged anywhere before its arrival. The leader confirms this, together with its leadership;
// a later write of the same session also confirms it when it commits, for everything before it.
//
// The leader's answers are matched by `seq` alone: a transaction that names this server as its
// origin, or an ATTACHED or SYNCED, which are valid once the tree has reached their zxid.
// As ZooKeeper's CommitProcessor. Next on the path: final.ts for a read, ensemble/ensemble.ts for a write.

import type { Clock } from '../../clock.ts'
import { invariant } from '../../invariant.ts'
import { limits } from '../../limits.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import type { LeaderMessage, LearnerMessage } from '../../protocol/peer/messages.ts'
import type { Hello, ReplyBody, Request, WriteRequest } from '../../protocol/zk/messages.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { Ensemble } from '../ensemble/ensemble.ts'
import type { Metrics } from '../metrics.ts'
import type { AuditLog } from '../session/audit-log.ts'
import type { OpType } from '../session/connection-stats.ts'
import {
  type Client,
  isWrite,
  needsSync,
  type PendingRequest,
  type Readable,
} from '../session/request.ts'
import type { ServerSessions, SessionRequests } from '../session/server-sessions.ts'
import { sessionCreatedBy, type Txn } from '../ztree/txn.ts'
import type { Applied, ZTree } from '../ztree/ztree.ts'
import type { Administration, Administrator } from './administrator.ts'
import type { FinalProcessor } from './final.ts'
import { Turns } from './turns.ts'

type Answer = Extract<LeaderMessage, { type: 'ATTACHED' | 'SYNCED' }>

export interface CommitParts {
  readonly ensemble: Ensemble
  readonly tree: ZTree
  readonly sessions: ServerSessions
  readonly final: FinalProcessor
  readonly administrator: Administrator
  readonly audit?: AuditLog | undefined
  readonly metrics: Metrics
  readonly clock: Clock
  /** requests in flight to the leader; above, clients that send more wait */
  readonly outstandingMax?: number | undefined
}

/** The tree and its watchers have the transaction; its client does not yet. */
export type OnApplied = (zxid: Zxid, result: Applied) => void

/** Longer than a leader takes to begin its handover, and unnoticed in a change of the ensemble. */
const retryMs = 10

interface Unfinished {
  readonly pending: PendingRequest
  readonly zxid: Zxid
  readonly result: Applied
}

export class CommitProcessor implements SessionRequests {
  readonly #ensemble: Ensemble
  readonly #tree: ZTree
  readonly #sessions: ServerSessions
  readonly #final: FinalProcessor
  readonly #administrator: Administrator
  readonly #audit: AuditLog | undefined
  readonly #metrics: Metrics
  readonly #clock: Clock
  readonly #onApplied: OnApplied
  readonly #outstandingMax: number
  /** The latest reading of the clock. */
  #nowMs: number
  /** Never reused by this process, so an answer from an earlier epoch matches nothing. */
  #seq = 0
  /** Requests to the leader without an answer, by seq. */
  readonly #asked = new Map<number, PendingRequest>()
  /** Of these, the ones that a leader may have to leave to the next one. */
  readonly #retried = new Map<number, LearnerMessage>()
  /** Shares the bytes in flight to the leader among clients. */
  readonly #turns = new Turns<Client>()
  /** Answers that become valid once the tree has reached their zxid. */
  #reaching: { readonly answer: Answer; readonly pending: PendingRequest }[] = []
  readonly #throttled = new Set<Client>()
  /** A change of the ensemble that is committed, but not active yet. */
  #unfinished: Unfinished | undefined
  /** Clients that wait for an administrative request: what they send meanwhile waits too. */
  readonly #administering = new Set<Client>()

  constructor(parts: CommitParts, onApplied: OnApplied) {
    const { ensemble, tree, sessions, final, administrator } = parts
    const { metrics, clock, outstandingMax } = parts
    this.#ensemble = ensemble
    this.#tree = tree
    this.#sessions = sessions
    this.#onApplied = onApplied
    this.#final = final
    this.#administrator = administrator
    this.#audit = parts.audit
    this.#metrics = metrics
    this.#clock = clock
    this.#outstandingMax = outstandingMax ?? limits.proposalsInFlightMax
    this.#nowMs = clock.nowMs()
  }

  /** Requests waiting for the leader's answer. */
  get outstanding(): number {
    return this.#asked.size
  }

  /** See `Turns.mayTake`. */
  mayTake(client: Client, bytes: number): boolean {
    if (this.#administering.has(client)) return false
    return this.#turns.mayTake(client, bytes)
  }

  /**
   * Accepts the next request of a client. Bytes of the request are used during the call only.
   *
   * @param bytes of its frame
   */
  submit(client: Client, xid: number, request: Request, bytes: number): void {
    const write = isWrite(request)
    if (request.type === 'moveLeader' || request.type === 'drain') {
      this.#administer(client, xid, request)
    } else if (!write && !needsSync(request)) {
      if (client.queue.length > 0) this.#enqueue(client, xid, { read: request })
      else this.#answer(client, xid, request)
    } else if (this.#ensemble.role.type === 'looking') this.#refuse(client, xid, request)
    else if (write) this.#askToWrite(client, xid, request, bytes)
    else {
      const seq = this.#enqueue(client, xid, { read: request, asks: true })
      this.#ensemble.sendToLeader({ type: 'SYNC', seq })
    }
  }

  /** Requests a new session from the leader. */
  create(client: Client, timeoutMs: number): void {
    this.submit(client, 0, { type: 'createSession', timeoutMs }, 0)
  }

  /** Asks the leader whether the client may continue its session here. */
  attach(client: Client, { sessionId, password, timeoutMs }: Hello): void {
    const seq = this.#enqueue(client, 0, {})
    this.#ensemble.sendToLeader({ type: 'ATTACH', seq, session: sessionId, password, timeoutMs })
  }

  /** A committed transaction, in order: take, apply, complete, reached. */
  deliver(zxid: Zxid, txn: Txn): void {
    const ours = txn.origin === this.#ensemble.self
    const ended = this.#audit === undefined ? [] : this.#ephemeralsEndedBy(txn)
    const pending = ours ? this.#take(txn.seq) : undefined
    const result = this.#final.apply(zxid, txn)
    if (ours) this.#audit?.applied(txn.seq, result)
    this.#audit?.ephemeralsDeleted(txn.session, ended)
    this.#onApplied(zxid, result)
    if (pending !== undefined) {
      if (result.type === 'reconfig') this.#unfinished = { pending, zxid, result }
      else this.#complete(pending, zxid, result)
    }
    this.#maybeFinish()
    if (result.type === 'closeSession') this.#sessions.ended(txn.session)
    this.#reached()
  }

  /** A change of the ensemble is answered once the former voters are not needed any more. */
  #maybeFinish(): void {
    if (this.#unfinished === undefined || this.#tree.isReconfiguring) return
    const { pending, zxid, result } = this.#unfinished
    this.#unfinished = undefined
    this.#complete(pending, zxid, result)
  }

  /** Not of a session that ended before this server started. */
  #ephemeralsEndedBy({ body, session }: Txn): readonly string[] {
    if (body.type !== 'closeSession' || this.#ensemble.role.type === 'looking') return []
    return [...this.#tree.ephemeralsOf(session)]
  }

  /** The leader is lost, and with it what it was asked for. */
  leaderLost(): void {
    this.#audit?.forget()
  }

  /**
   * Finds the request that a transaction answers, before it is applied: earlier reads of the client
   * run now, so that they do not see it.
   *
   * @returns undefined if no client waits for it
   */
  #take(seq: number): PendingRequest | undefined {
    const pending = this.#takeAsked(seq)
    if (pending === undefined) return undefined
    const { queue } = pending.client
    for (let head = queue.head; head !== pending; head = queue.head) {
      // One of its reads ended the connection.
      if (head === undefined) return undefined
      invariant(head.read !== undefined, 'the writes of a session are applied in its order')
      this.#takeAsked(head.seq)
      this.#answerHead(head, head.read)
    }
    return pending
  }

  /**
   * Answers, once the transaction is applied and the watchers are notified; then continues after
   * it.
   */
  #complete(pending: PendingRequest, zxid: Zxid, result: Applied): void {
    const { client, xid } = pending
    this.#leave(pending)
    if (result.type === 'createSession') {
      this.#sessions.created(client, sessionCreatedBy(zxid))
      return
    }
    const code = result.type === 'error' ? result.code : errorCodes.OK
    // A client whose session has moved elsewhere must learn only that the connection is closed.
    const unanswered = code === errorCodes.SESSIONMOVED || !client.attached
    if (!unanswered) client.reply(xid, zxid, result)
    const ended = result.type === 'closeSession' || code === errorCodes.SESSIONEXPIRED
    if (unanswered || ended) return client.close()
    this.advance(client)
    // Writes before it are answered first: only it ends the wait of what was sent after it.
    if (pending.op === 'reconfig' && this.#administering.delete(client)) client.proceed()
  }

  /**
   * The leader hands over first, or waits for its followers: the request is sent again, to the leader
   * of then. Without a leader, its client is disconnected by then.
   */
  retry(seq: number): void {
    this.#clock.after(retryMs, () => {
      const message = this.#retried.get(seq)
      if (message !== undefined) this.#ensemble.sendToLeader(message)
    })
  }

  fromLeader(answer: Answer): void {
    const pending = this.#takeAsked(answer.seq)
    if (pending === undefined) return
    if (answer.type === 'ATTACHED') {
      this.#sessions.heardOf(pending.client, { isAlive: answer.timeoutMs > 0 })
    }
    this.#reaching.push({ answer, pending })
    this.#reached()
  }

  /** The tree has advanced: called after each transaction and its answer. */
  #reached(): void {
    if (this.#reaching.length > 0) {
      const { lastApplied } = this.#tree
      const holding = this.#reaching.filter(({ answer }) => answer.zxid <= lastApplied)
      this.#reaching = this.#reaching.filter(({ answer }) => answer.zxid > lastApplied)
      for (const { answer, pending } of holding) this.#settle(answer, pending)
    }
    if (this.#throttled.size > 0 && this.#load < 1 / 2) {
      const throttled = [...this.#throttled]
      this.#throttled.clear()
      for (const client of throttled) client.unthrottle()
    }
    this.#turns.callUp()
  }

  /** Answers reads that no longer wait, as far as the client keeps up with reading. */
  advance(client: Client): void {
    for (let head = client.queue.head; head?.read !== undefined; head = client.queue.head) {
      if (!head.settled || client.congested) return
      this.#answerHead(head, head.read)
    }
  }

  /** Called regularly: statistics of reads take the time from here. */
  noteTime(): number {
    this.#nowMs = this.#clock.nowMs()
    return this.#nowMs
  }

  /** The client is gone: its answers are dropped. */
  drop(client: Client): void {
    for (const { seq } of client.queue.takeAll()) this.#takeAsked(seq)
    this.#throttled.delete(client)
    this.#administering.delete(client)
    if (this.#unfinished?.pending.client === client) this.#unfinished = undefined
    this.#turns.leave(client)
    if (this.#reaching.length > 0) {
      this.#reaching = this.#reaching.filter(({ pending }) => pending.client !== client)
    }
    // Without a leader all clients are closed in turn; none may be called up and refused before
    // that.
    if (this.#ensemble.role.type !== 'looking') this.#turns.callUp()
  }

  /** 1 is the maximum number of requests in flight to the leader. */
  get #load(): number {
    return Math.max(this.#ensemble.inFlight, this.#asked.size) / this.#outstandingMax
  }

  /** A server without a leader serves reads only; none of its clients' requests wait. */
  #refuse(client: Client, xid: number, { type }: Request): void {
    const ends = type === 'closeSession'
    client.reply(xid, this.#tree.lastApplied, ends ? { type } : notReadOnly)
    if (ends) client.close()
  }

  /** The answer may come much later, but still in the client's order. */
  #administer(client: Client, xid: number, request: Administration): void {
    if (!this.#final.mayAdminister(client)) {
      return this.submit(client, xid, { type: 'refused', code: errorCodes.NOAUTH }, 0)
    }
    const seq = this.#enqueue(client, xid, { read: request, asks: true })
    this.#administering.add(client)
    this.#administrator.perform(client, request, (answer) => {
      const pending = this.#takeAsked(seq)
      if (pending === undefined) return
      pending.settled = true
      pending.answer = answer
      this.#administering.delete(client)
      this.advance(client)
      client.proceed()
    })
  }

  #askToWrite(client: Client, xid: number, request: WriteRequest, bytes: number): void {
    const { session, identities } = client
    const seq = this.#enqueue(client, xid, { op: request.type, bytes })
    this.#audit?.asked(seq, client, request)
    const message = { type: 'REQUEST', seq, session, identities, request } as const
    if (request.type === 'reconfig') {
      this.#administering.add(client)
      this.#retried.set(seq, message)
    }
    this.#ensemble.sendToLeader(message)
    if (this.#load < 1) return
    this.#throttled.add(client)
    client.throttle()
  }

  /** @returns the seq of the request to the leader: for all but reads, unless `asks` is set */
  #enqueue(
    client: Client,
    xid: number,
    {
      read,
      op = read?.type ?? 'createSession',
      asks = read === undefined,
      bytes = 0,
    }: {
      readonly read?: Readable
      readonly op?: OpType
      readonly asks?: boolean
      readonly bytes?: number
    },
  ): number {
    const seq = asks ? ++this.#seq : 0
    const receivedMs = this.noteTime()
    const settled = !asks
    const answer = undefined
    const pending = { client, xid, read, op, seq, receivedMs, bytes, settled, answer }
    client.queue.push(pending)
    if (!asks) return seq
    this.#asked.set(seq, pending)
    this.#turns.taken(bytes)
    return seq
  }

  #takeAsked(seq: number): PendingRequest | undefined {
    const pending = this.#asked.get(seq)
    if (pending === undefined) return undefined
    this.#asked.delete(seq)
    this.#retried.delete(seq)
    this.#turns.released(pending.bytes)
    return pending
  }

  #settle(answer: Answer, pending: PendingRequest): void {
    const { client } = pending
    if (answer.type === 'SYNCED') {
      pending.settled = true
      this.advance(client)
      return
    }
    this.#leave(pending)
    if (answer.timeoutMs === 0) client.refuse()
    else this.#sessions.welcome(client, client.session)
  }

  #answer(client: Client, xid: number, read: Readable): void {
    this.#final.answer(client, xid, read)
    this.#metrics.answered(true, 0)
    // The clock is not even read: a read without a wait is cheap.
    client.stats.answered(read.type, 0, this.#nowMs)
  }

  #answerHead(head: PendingRequest, read: Readable): void {
    this.#leave(head)
    if (head.answer === undefined) this.#final.answer(head.client, head.xid, read)
    else head.client.reply(head.xid, this.#tree.lastApplied, head.answer)
  }

  #leave({ client, read, op, receivedMs }: PendingRequest): void {
    client.queue.shift()
    const nowMs = this.noteTime()
    this.#metrics.answered(read !== undefined, nowMs - receivedMs)
    client.stats.answered(op, nowMs - receivedMs, nowMs)
  }
}

const notReadOnly: ReplyBody = { type: 'error', code: errorCodes.NOTREADONLY }
