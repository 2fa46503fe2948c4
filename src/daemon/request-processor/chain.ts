// The request processors, in the order in which a request meets them, and where they meet the
// ensemble. Leader and follower run the same chain; a leader answers its learners besides.
//
//   connection.ts ─ submit ─▶ commit.ts ─ read ───────────────▶ final.ts ─ reply ─▶ connection.ts
//                               │ write, sync                      ▲
//                               ▼                                  │ apply, watch events, answer
//                         ensemble.sendToLeader              ensemble `deliver`
//                               ▼                                  ▲
//                  on the leader: leader.ts ─ prep.ts ─ ensemble.propose

import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { MsgpackReader } from '../../protocol/msgpack.ts'
import type { LeaderMessage, LearnerMessage } from '../../protocol/peer/messages.ts'
import type { ServerId, SessionId } from '../../protocol/records.ts'
import type { Hello, Request } from '../../protocol/zk/messages.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { Metrics } from '../admin/metrics.ts'
import { SessionTracker } from '../connection/session-tracker.ts'
import type { Ensemble, EnsembleListener, EnsembleRole } from '../ensemble/ensemble.ts'
import { decodeTxn } from '../ztree/txn.ts'
import { WatchManager } from '../ztree/watch-manager.ts'
import type { ZTree } from '../ztree/ztree.ts'
import { CommitProcessor } from './commit.ts'
import { DigestCheck, isDigestDue } from './digest-check.ts'
import { FinalProcessor } from './final.ts'
import { LeaderProcessor } from './leader.ts'
import { Prep, samePassword } from './prep.ts'
import type { Client } from './request.ts'

export interface ChainParts {
  readonly tree: ZTree
  readonly metrics: Metrics
  readonly clock: Clock
  readonly logger: Logger
  readonly tickTimeMs: number
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  /** 16 random bytes */
  readonly newPassword: () => Uint8Array
  /** told after each change of the tree */
  readonly onApplied: () => void
}

export class RequestProcessors implements EnsembleListener {
  readonly #ensemble: Ensemble
  readonly #tree: ZTree
  readonly #metrics: Metrics
  readonly #logger: Logger
  readonly #final: FinalProcessor
  readonly #commit: CommitProcessor
  readonly #leader: LeaderProcessor
  readonly #onApplied: () => void
  readonly #reader = new MsgpackReader()
  readonly #watches = new WatchManager<Client>()
  readonly #digests = new DigestCheck()
  /** Every client that has or asks for a session here; with the session, once it is known. */
  readonly #clients = new Set<Client>()
  readonly #bySession = new Map<SessionId, Client>()
  #serving = false

  /** The ensemble may call back from now on; it is not called before it reports a role. */
  constructor(ensemble: Ensemble, parts: ChainParts) {
    const { tree, metrics, clock, logger } = parts
    this.#ensemble = ensemble
    this.#tree = tree
    this.#metrics = metrics
    this.#logger = logger
    this.#onApplied = parts.onApplied
    this.#final = new FinalProcessor(tree, this.#watches)
    this.#commit = new CommitProcessor({ ensemble, tree, final: this.#final, metrics, clock })
    const sessions = new SessionTracker({ tickMs: parts.tickTimeMs })
    const { minSessionTimeoutMs, maxSessionTimeoutMs, newPassword } = parts
    const prep = new Prep({ tree, sessions, minSessionTimeoutMs, maxSessionTimeoutMs })
    const leaderParts = { ensemble, tree, sessions, prep, metrics, clock, logger, newPassword }
    this.#leader = new LeaderProcessor(leaderParts)
  }

  /** Whether this server follows or leads, and so may answer clients. */
  get serving(): boolean {
    return this.#serving
  }

  /** False while this server cannot know whether what it shows is current: requests wait. */
  get mayAnswer(): boolean {
    return this.#ensemble.mayAnswer
  }

  get outstanding(): number {
    return this.#commit.outstanding
  }

  get watchCount(): number {
    return this.#watches.watchCount
  }

  // --- from connections ---------------------------------------------------------------------------

  /**
   * A client said hello: a new session is created, or the leader asked whether it may go on with its
   * old one. The answer is the client's `welcome`, `refuse`, or `close`.
   */
  open(client: Client, hello: Hello): void {
    const { ensembleId } = this.#ensemble
    if (!this.#serving) {
      client.close()
    } else if (hello.ensembleId !== undefined && hello.ensembleId !== ensembleId) {
      const facts = { theirs: hello.ensembleId, ours: ensembleId }
      this.#logger.warn(facts, 'Refused a client of another ensemble')
      client.close()
    } else if (hello.lastZxidSeen > this.#tree.lastApplied) {
      // It would see the past; another server, or this one a moment later, is further.
      client.close()
    } else if (hello.sessionId === 0) {
      this.#clients.add(client)
      const { timeoutMs } = hello
      this.#commit.submit(client, 0, { type: 'createSession', timeoutMs }, 0)
    } else {
      this.#clients.add(client)
      client.session = hello.sessionId
      const known = this.#tree.sessions.get(hello.sessionId)
      // One connection per session. With a wrong password, which the leader will refuse, nobody may
      // cut off the one there is.
      if (known === undefined || samePassword(known.password, hello.password)) {
        this.#bySession.get(hello.sessionId)?.close()
        this.#bySession.set(hello.sessionId, client)
      }
      this.#metrics.revalidations++
      this.#commit.attach(client, hello)
    }
  }

  /** The next request of a client that was welcomed. */
  submit(client: Client, xid: number, request: Request, bytes: number): void {
    this.#commit.submit(client, xid, request, bytes)
  }

  /** A client that was congested has caught up. */
  advance(client: Client): void {
    this.#commit.advance(client)
  }

  /** A client is gone; also one that never said hello. */
  closed(client: Client): void {
    this.#commit.drop(client)
    this.#watches.dropWatcher(client)
    this.#clients.delete(client)
    if (this.#bySession.get(client.session) === client) this.#bySession.delete(client.session)
  }

  // --- from the ensemble --------------------------------------------------------------------------

  deliver(zxid: Zxid, payload: Buffer): void {
    const txn = decodeTxn(this.#reader.reset(payload, 0, payload.length))
    const ours = txn.origin === this.#ensemble.self
    const pending = ours ? this.#commit.take(txn.seq) : undefined
    const result = this.#final.apply(zxid, txn)
    if (isDigestDue(zxid)) this.#compareDigests(zxid)
    this.#leader.applied(zxid)
    if (result.type === 'createSession') this.#leader.sessionCreated(zxid as number as SessionId)
    if (pending !== undefined) {
      if (result.type === 'createSession') {
        this.#bySession.set(zxid as number as SessionId, pending.client)
      }
      this.#commit.complete(pending, zxid, result)
    }
    // Expired, or closed by a connection that it has left.
    if (result.type === 'closeSession') this.#bySession.get(txn.session)?.close()
    this.#commit.reached()
    this.#onApplied()
  }

  /** Before anybody is answered with what the transaction made of the tree. */
  #compareDigests(zxid: Zxid): void {
    const { digest } = this.#tree
    this.#digests.applied(zxid, digest)
    if (this.#ensemble.role.type === 'leading') {
      this.#ensemble.sendToLearners({ type: 'DIGEST', zxid, ...digest })
    }
  }

  roleChanged(role: EnsembleRole): void {
    this.#serving = role.type !== 'looking'
    if (role.type === 'leading') this.#leader.becomeLeading()
    else this.#leader.stopLeading()
    if (role.type !== 'looking') return
    // Nothing pending is answered: it may or may not happen, and the next leader knows nothing of it.
    if (this.#clients.size > 0) {
      this.#logger.info({ count: this.#clients.size }, 'Closing client connections: no leader')
    }
    for (const client of [...this.#clients]) client.close()
  }

  resumed(): void {
    for (const client of [...this.#clients]) client.proceed()
  }

  fromLearner(learner: ServerId, message: LearnerMessage): void {
    this.#leader.fromLearner(learner, message)
  }

  fromLeader(message: LeaderMessage): void {
    if (message.type === 'DIGEST') {
      this.#digests.heard(message.zxid, message)
      return
    }
    if (message.type !== 'MOVED') {
      this.#commit.fromLeader(message)
      return
    }
    // One that has come back since, and waits for the leader's word, is not meant.
    const client = this.#bySession.get(message.session)
    if (client?.attached === true) client.close()
  }

  // --- from the clock -----------------------------------------------------------------------------

  /** Every half tick: tells the leader which sessions were heard from. */
  reportTouched(): void {
    if (!this.#serving) return
    const sessions: SessionId[] = []
    for (const [session, client] of this.#bySession) {
      if (client.attached && client.takeTouched()) sessions.push(session)
    }
    if (sessions.length > 0) this.#ensemble.sendToLeader({ type: 'TOUCH', sessions })
  }

  /** Every tick. */
  expireSessions(): void {
    this.#leader.expireSessions()
  }
}
