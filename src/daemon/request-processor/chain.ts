// The request processors, in the order in which a request passes them, and their connection to the
// ensemble. Leader and follower run the same chain; a leader also answers its learners.
//
//   connection.ts ─ open ────▶ server-sessions.ts ─ create, attach ─┐
//                 ─ submit ──▶ commit.ts ◀──────────────────────────┘
//                               │ read ──────────────────────▶ final.ts ─ reply ─▶ connection.ts
//                               │ write, sync                     ▲
//                               ▼                                 │ apply, watch events, answer
//                         ensemble.sendToLeader             commit.ts ◀─ ensemble `deliver`
//                               ▼                                 ▲
//                  on the leader: leader.ts ─ prep.ts ─ ensemble.propose

import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { MsgpackReader } from '../../protocol/msgpack.ts'
import type { LeaderMessage, LearnerMessage } from '../../protocol/peer/messages.ts'
import type { ServerId, SessionId } from '../../protocol/records.ts'
import type { Hello, Request } from '../../protocol/zk/messages.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { Ensemble, EnsembleListener, EnsembleRole } from '../ensemble/ensemble.ts'
import type { Metrics } from '../metrics.ts'
import type { Client } from '../session/request.ts'
import { ServerSessions, type SessionOptions } from '../session/server-sessions.ts'
import { SessionTracker } from '../session/session-tracker.ts'
import { decodeTxn, type Txn } from '../ztree/txn.ts'
import { WatchManager } from '../ztree/watch-manager.ts'
import type { Applied, ZTree } from '../ztree/ztree.ts'
import { CommitProcessor } from './commit.ts'
import { DigestCheck, isDigestDue } from './digest-check.ts'
import { FinalProcessor } from './final.ts'
import { LeaderProcessor } from './leader.ts'
import { Prep, type WriteRules } from './prep.ts'
import { Reaper, type ReaperOptions } from './reaper.ts'

export interface ChainParts extends SessionOptions {
  readonly tree: ZTree
  readonly metrics: Metrics
  readonly clock: Clock
  readonly logger: Logger
  readonly rules: WriteRules
  /** How the leader deletes containers and znodes with a TTL. */
  readonly reaping: ReaperOptions
  /** See `CommitParts`. */
  readonly outstandingMax?: number | undefined
  /** called after each change of the tree */
  readonly onApplied: () => void
}

export class RequestProcessors implements EnsembleListener {
  readonly #ensemble: Ensemble
  readonly #parts: ChainParts
  readonly #reader = new MsgpackReader()
  readonly #watches = new WatchManager<Client>()
  readonly #sessions: ServerSessions
  readonly #commit: CommitProcessor
  readonly #tracker: SessionTracker
  readonly #leader: LeaderProcessor
  readonly #digests = new DigestCheck()

  /** The ensemble may call back from now on; it is not called before it reports a role. */
  constructor(ensemble: Ensemble, parts: ChainParts) {
    this.#ensemble = ensemble
    this.#parts = parts
    const { tree, metrics, clock, logger, newPassword, outstandingMax, rules } = parts
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = parts
    const sessions = new ServerSessions(ensemble, parts)
    const final = new FinalProcessor(tree, this.#watches, metrics)
    const onApplied = (zxid: Zxid, txn: Txn, result: Applied) => this.#applied(zxid, txn, result)
    const commitParts = { ensemble, tree, sessions, final, metrics, clock, outstandingMax }
    this.#sessions = sessions
    this.#commit = new CommitProcessor(commitParts, onApplied)
    const tracker = new SessionTracker({ tickMs: parts.tickTimeMs })
    const prepParts = { tree, sessions: tracker, minSessionTimeoutMs, maxSessionTimeoutMs, rules }
    this.#tracker = tracker
    this.#leader = new LeaderProcessor({
      ensemble,
      tree,
      sessions: tracker,
      prep: new Prep(prepParts),
      reaper: new Reaper(tree, parts.reaping),
      metrics,
      clock,
      logger,
      newPassword,
    })
  }

  /** See `ServerSessions`. */
  get serving(): boolean {
    return this.#sessions.serving
  }

  get readOnly(): boolean {
    return this.#sessions.readOnly
  }

  /** False while this server cannot know whether its state is current: requests wait. */
  get mayAnswer(): boolean {
    return this.#ensemble.mayAnswer
  }

  get outstanding(): number {
    return this.#commit.outstanding
  }

  get watches(): WatchManager<Client> {
    return this.#watches
  }

  /** When sessions expire, while this server leads. */
  get sessionDeadlines(): SessionTracker['deadlines'] {
    return this.#tracker.deadlines
  }

  /** Recent digests of the tree, for comparing servers. */
  get digests(): DigestCheck['recent'] {
    return this.#digests.recent
  }

  // --- from connections ---------------------------------------------------------------------------

  /** See `ServerSessions.open`. */
  open(client: Client, hello: Hello): void {
    this.#sessions.open(client, hello, this.#commit)
  }

  /** Whether the client's next frame may be processed now; if not, `proceed` is called later. */
  mayTake(client: Client, bytes: number): boolean {
    return this.#commit.mayTake(client, bytes)
  }

  /** The next request of a welcomed client. */
  submit(client: Client, xid: number, request: Request, bytes: number): void {
    this.#commit.submit(client, xid, this.#sessions.admit(client, request), bytes)
  }

  /** A congested client has caught up. */
  advance(client: Client): void {
    this.#commit.advance(client)
  }

  /** A client is gone, even one that never sent a hello. */
  closed(client: Client): void {
    this.#commit.drop(client)
    this.#watches.dropWatcher(client)
    this.#sessions.closed(client)
  }

  // --- from the ensemble --------------------------------------------------------------------------

  deliver(zxid: Zxid, payload: Buffer): void {
    this.#commit.deliver(zxid, decodeTxn(this.#reader.reset(payload, 0, payload.length)))
    this.#parts.onApplied()
  }

  /** The tree shows the transaction; no client has been answered yet. */
  #applied(zxid: Zxid, { timeMs }: Txn, { type }: Applied): void {
    // Clocks of two machines may differ, and the transaction may be old.
    if (this.#sessions.serving) {
      const ageMs = Math.max(0, this.#parts.clock.wallMs() - timeMs)
      this.#parts.metrics.propagationLatency.observe(Math.round(ageMs))
    }
    if (isDigestDue(zxid)) this.#compareDigests(zxid)
    this.#leader.applied(zxid)
    if (type === 'createSession') this.#leader.sessionCreated(zxid as number as SessionId)
  }

  #compareDigests(zxid: Zxid): void {
    const { digest } = this.#parts.tree
    this.#digests.applied(zxid, digest)
    if (this.#ensemble.role.type !== 'leading') return
    const { high, low } = digest
    this.#ensemble.sendToLearners({ type: 'DIGEST', zxid, high, low })
  }

  roleChanged(role: EnsembleRole): void {
    if (role.type === 'leading') this.#leader.becomeLeading()
    else this.#leader.stopLeading()
    this.#sessions.roleChanged(role)
  }

  resumed(): void {
    this.#sessions.resumed()
  }

  fromLearner(learner: ServerId, message: LearnerMessage): void {
    this.#leader.fromLearner(learner, message)
  }

  fromLeader(message: LeaderMessage): void {
    if (message.type === 'DIGEST') this.#digests.heard(message.zxid, message)
    else if (message.type === 'MOVED') this.#sessions.moved(message.session)
    else this.#commit.fromLeader(message)
  }

  // --- from the clock -----------------------------------------------------------------------------

  /** Called every half tick. */
  reportTouched(): void {
    this.#sessions.reportTouched(this.#commit.noteTime())
  }

  /** Called every tick. */
  expireSessions(): void {
    this.#leader.expire()
  }

  /** The server stops. */
  close(): void {
    this.#sessions.close()
  }
}
