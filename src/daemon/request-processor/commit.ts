// The order that one session sees, and nothing else: its requests take effect and are answered in
// the order in which they arrived.
//
// Writes and syncs go to the leader at once, many in flight. A read with nothing before it is
// answered at once; otherwise it waits in its client's queue, and runs when the write before it has
// been applied here and the write after it has not. Sessions do not wait for one another.
//
// A sync, and a read that is to be linearizable, is answered once this server shows all that was
// answered anywhere before it was asked. The leader says so, with its leadership confirmed; a later
// write of the same session says so too when it is committed, for what comes before it is.
//
// The leader's answers are matched by `seq` alone: a transaction that names this server as its
// origin, or an ATTACHED or SYNCED, which hold once the tree has reached their zxid.
// As ZooKeeper's CommitProcessor. Next on the path: final.ts for a read, ensemble/ensemble.ts for a write.

import type { Clock } from '../../clock.ts'
import { invariant } from '../../invariant.ts'
import { limits } from '../../limits.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import type { LeaderMessage } from '../../protocol/peer/messages.ts'
import type { Hello, ReplyBody, Request, WriteRequest } from '../../protocol/zk/messages.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { Ensemble } from '../ensemble/ensemble.ts'
import type { Metrics } from '../metrics.ts'
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
import type { FinalProcessor } from './final.ts'
import { Turns } from './turns.ts'

type Answer = Extract<LeaderMessage, { type: 'ATTACHED' | 'SYNCED' }>

export interface CommitParts {
  readonly ensemble: Ensemble
  readonly tree: ZTree
  readonly sessions: ServerSessions
  readonly final: FinalProcessor
  readonly metrics: Metrics
  readonly clock: Clock
  /** requests on their way to the leader and back, beyond which clients that ask for more wait */
  readonly outstandingMax?: number | undefined
}

/** The tree shows the transaction, and its watchers know; its client does not yet. */
export type OnApplied = (zxid: Zxid, result: Applied) => void

export class CommitProcessor implements SessionRequests {
  readonly #ensemble: Ensemble
  readonly #tree: ZTree
  readonly #sessions: ServerSessions
  readonly #final: FinalProcessor
  readonly #metrics: Metrics
  readonly #clock: Clock
  readonly #onApplied: OnApplied
  readonly #outstandingMax: number
  /** When the clock was last looked at. */
  #nowMs: number
  /** Never used twice by this process, so an answer from an earlier epoch matches nothing. */
  #seq = 0
  /** What the leader was asked and has not answered, by seq. */
  readonly #asked = new Map<number, PendingRequest>()
  /** How clients share what may be on its way to the leader in bytes. */
  readonly #turns = new Turns<Client>()
  /** Answers that hold once the tree has reached their zxid. */
  #reaching: { readonly answer: Answer; readonly pending: PendingRequest }[] = []
  readonly #throttled = new Set<Client>()

  constructor(parts: CommitParts, onApplied: OnApplied) {
    const { ensemble, tree, sessions, final, metrics, clock, outstandingMax } = parts
    this.#ensemble = ensemble
    this.#tree = tree
    this.#sessions = sessions
    this.#onApplied = onApplied
    this.#final = final
    this.#metrics = metrics
    this.#clock = clock
    this.#outstandingMax = outstandingMax ?? limits.proposalsInFlightMax
    this.#nowMs = clock.nowMs()
  }

  /** Requests that wait for the leader's answer. */
  get outstanding(): number {
    return this.#asked.size
  }

  /** See `Turns.mayTake`. */
  mayTake(client: Client, bytes: number): boolean {
    return this.#turns.mayTake(client, bytes)
  }

  /**
   * Takes the next request of a client. Bytes in the request are used during the call only.
   *
   * @param bytes of its frame
   */
  submit(client: Client, xid: number, request: Request, bytes: number): void {
    const write = isWrite(request)
    if (!write && !needsSync(request)) {
      if (client.queue.length > 0) this.#enqueue(client, xid, { read: request })
      else this.#answer(client, xid, request)
    } else if (this.#ensemble.role.type === 'looking') this.#refuse(client, xid, request)
    else if (write) this.#askToWrite(client, xid, request, bytes)
    else {
      const seq = this.#enqueue(client, xid, { read: request, asks: true })
      this.#ensemble.sendToLeader({ type: 'SYNC', seq })
    }
  }

  /** Asks the leader for a new session. */
  create(client: Client, timeoutMs: number): void {
    this.submit(client, 0, { type: 'createSession', timeoutMs }, 0)
  }

  /** Asks the leader whether the client may go on with its session here. */
  attach(client: Client, { sessionId, password, timeoutMs }: Hello): void {
    const seq = this.#enqueue(client, 0, {})
    this.#ensemble.sendToLeader({ type: 'ATTACH', seq, session: sessionId, password, timeoutMs })
  }

  /** A committed transaction, in its turn: take, apply, complete, reached. */
  deliver(zxid: Zxid, txn: Txn): void {
    const ours = txn.origin === this.#ensemble.self
    const pending = ours ? this.#take(txn.seq) : undefined
    const result = this.#final.apply(zxid, txn)
    this.#onApplied(zxid, result)
    if (pending !== undefined) this.#complete(pending, zxid, result)
    if (result.type === 'closeSession') this.#sessions.ended(txn.session)
    this.#reached()
  }

  /**
   * Finds whom a transaction answers, before it is applied: the reads that the client sent before it
   * run now, so that they do not see it.
   *
   * @returns undefined if no client waits for it any more
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

  /** Answers, once the transaction is applied and the watchers know; then goes on behind it. */
  #complete(pending: PendingRequest, zxid: Zxid, result: Applied): void {
    const { client, xid } = pending
    this.#leave(pending)
    if (result.type === 'createSession') {
      this.#sessions.created(client, sessionCreatedBy(zxid))
      return
    }
    const code = result.type === 'error' ? result.code : errorCodes.OK
    // A client whose session is somewhere else by now must not learn more than that we are gone.
    const unanswered = code === errorCodes.SESSIONMOVED || !client.attached
    if (!unanswered) client.reply(xid, zxid, result)
    const ended = result.type === 'closeSession' || code === errorCodes.SESSIONEXPIRED
    if (unanswered || ended) client.close()
    else this.advance(client)
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

  /** The tree has moved on: after each transaction and its answer. */
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

  /** Answers what nothing waits before any more, as far as the client keeps up with reading. */
  advance(client: Client): void {
    for (let head = client.queue.head; head?.read !== undefined; head = client.queue.head) {
      if (!head.settled || client.congested) return
      this.#answerHead(head, head.read)
    }
  }

  /** To be called now and then: statistics of reads have the time from here. */
  noteTime(): number {
    this.#nowMs = this.#clock.nowMs()
    return this.#nowMs
  }

  /** The client is gone: nobody waits for its answers. */
  drop(client: Client): void {
    for (const { seq } of client.queue.takeAll()) this.#takeAsked(seq)
    this.#throttled.delete(client)
    this.#turns.leave(client)
    if (this.#reaching.length > 0) {
      this.#reaching = this.#reaching.filter(({ pending }) => pending.client !== client)
    }
    // Without a leader all of them go, one after the other; none is to be asked and refused before.
    if (this.#ensemble.role.type !== 'looking') this.#turns.callUp()
  }

  /** 1 is as many requests as may be on their way to the leader and back. */
  get #load(): number {
    return Math.max(this.#ensemble.inFlight, this.#asked.size) / this.#outstandingMax
  }

  /** A server without a leader has clients that read; nothing of theirs waits for anything. */
  #refuse(client: Client, xid: number, { type }: Request): void {
    const ends = type === 'closeSession'
    client.reply(xid, this.#tree.lastApplied, ends ? { type } : notReadOnly)
    if (ends) client.close()
  }

  #askToWrite(client: Client, xid: number, request: WriteRequest, bytes: number): void {
    const { session, identities } = client
    const seq = this.#enqueue(client, xid, { op: request.type, bytes })
    this.#ensemble.sendToLeader({ type: 'REQUEST', seq, session, identities, request })
    if (this.#load < 1) return
    this.#throttled.add(client)
    client.throttle()
  }

  /** @returns the seq of what the leader is to be asked: all but a read, unless it `asks` */
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
    const pending = { client, xid, read, op, seq, receivedMs, bytes, settled: !asks }
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
    // Not even the time of day: a read that waits for nothing is cheap.
    client.stats.answered(read.type, 0, this.#nowMs)
  }

  #answerHead(head: PendingRequest, read: Readable): void {
    this.#leave(head)
    this.#final.answer(head.client, head.xid, read)
  }

  #leave({ client, read, op, receivedMs }: PendingRequest): void {
    client.queue.shift()
    const nowMs = this.noteTime()
    this.#metrics.answered(read !== undefined, nowMs - receivedMs)
    client.stats.answered(op, nowMs - receivedMs, nowMs)
  }
}

const notReadOnly: ReplyBody = { type: 'error', code: errorCodes.NOTREADONLY }
