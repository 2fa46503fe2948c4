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
//
// Next on the path: session/server-sessions.ts.

import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { MsgpackReader } from '../../protocol/msgpack.ts'
import type { LeaderMessage, LearnerMessage } from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import type { Hello, Request } from '../../protocol/zk/messages.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { Ensemble, EnsembleListener, EnsembleRole } from '../ensemble/ensemble.ts'
import type { Metrics } from '../metrics.ts'
import type { AuditLog } from '../session/audit-log.ts'
import type { Client } from '../session/request.ts'
import { ServerSessions, type SessionOptions } from '../session/server-sessions.ts'
import { SessionTracker } from '../session/session-tracker.ts'
import { decodeTxn } from '../ztree/txn.ts'
import { WatchManager } from '../ztree/watch-manager.ts'
import type { ZTree } from '../ztree/ztree.ts'
import { Administrator, type DrainClients } from './administrator.ts'
import { CommitProcessor } from './commit.ts'
import { DigestCheck } from './digest-check.ts'
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
  /** See `Administrator`. */
  readonly drainClients: DrainClients
  /** undefined: nothing is audited */
  readonly audit?: AuditLog | undefined
}

export class RequestProcessors implements EnsembleListener {
  readonly #ensemble: Ensemble
  readonly #onApplied: () => void
  readonly #reader = new MsgpackReader()
  readonly #sessions: ServerSessions
  readonly #commit: CommitProcessor
  readonly #tracker: SessionTracker
  readonly #leader: LeaderProcessor
  readonly #digests: DigestCheck
  readonly watches = new WatchManager<Client>()

  /** The ensemble may call back from now on; it is not called before it reports a role. */
  constructor(ensemble: Ensemble, parts: ChainParts) {
    const { watches } = this
    const { tree, metrics, clock, logger, newPassword, outstandingMax, rules } = parts
    const { minSessionTimeoutMs, maxSessionTimeoutMs, audit } = parts

    const sessions = new ServerSessions(ensemble, parts)
    const final = new FinalProcessor({ tree, watches, metrics, ensemble, clock })
    const digests = new DigestCheck(ensemble, tree)
    const administrator = new Administrator(ensemble, parts.drainClients)
    const commit = new CommitProcessor(
      { ensemble, tree, sessions, final, administrator, audit, metrics, clock, outstandingMax },
      (zxid, result) => {
        digests.applied(zxid)
        leader.applied(zxid, result)
      },
    )

    const tracker = new SessionTracker({ tickMs: parts.tickTimeMs })
    const limitsMs = { minSessionTimeoutMs, maxSessionTimeoutMs }
    // biome-ignore lint/plugin/noObjectSpread: once per process
    const prep = new Prep({ tree, ensemble, sessions: tracker, ...limitsMs, rules })
    const reaper = new Reaper(tree, parts.reaping)
    const leader = new LeaderProcessor({
      ensemble,
      tree,
      sessions: tracker,
      prep,
      reaper,
      metrics,
      clock,
      logger,
      newPassword,
    })

    this.#ensemble = ensemble
    this.#onApplied = parts.onApplied
    this.#sessions = sessions
    this.#commit = commit
    this.#digests = digests
    this.#tracker = tracker
    this.#leader = leader
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
    this.watches.dropWatcher(client)
    this.#sessions.closed(client)
  }

  // --- from the ensemble --------------------------------------------------------------------------

  deliver(zxid: Zxid, payload: Buffer): void {
    this.#commit.deliver(zxid, decodeTxn(this.#reader.reset(payload, 0, payload.length)))
    this.#onApplied()
  }

  fromLearner(learner: ServerId, message: LearnerMessage): void {
    this.#leader.fromLearner(learner, message)
  }

  fromLeader(message: LeaderMessage): void {
    if (message.type === 'DIGEST') this.#digests.heard(message.zxid, message)
    else if (message.type === 'MOVED') this.#sessions.moved(message.session)
    else if (message.type === 'RETRY') this.#commit.retry(message.seq)
    else this.#commit.fromLeader(message)
  }

  roleChanged(role: EnsembleRole): void {
    if (role.type === 'leading') this.#leader.becomeLeading()
    else this.#leader.stopLeading()
    if (role.type === 'looking') this.#commit.leaderLost()
    this.#sessions.roleChanged(role)
  }

  activate(): void {
    this.#leader.activate()
  }

  resumed(): void {
    this.#sessions.resumed()
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

  // --- for connections and monitoring -------------------------------------------------------------

  /** See `ServerSessions`. */
  get serving(): boolean {
    return this.#sessions.serving
  }

  get readOnly(): boolean {
    return this.#sessions.readOnly
  }

  /** False while this server cannot know whether what it shows is current: requests wait. */
  get mayAnswer(): boolean {
    return this.#ensemble.mayAnswer
  }

  get outstanding(): number {
    return this.#commit.outstanding
  }

  /** When sessions expire, while this server leads. */
  get sessionDeadlines(): SessionTracker['deadlines'] {
    return this.#tracker.deadlines
  }

  /** Recent digests of the tree, for an operator to compare. */
  get digests(): DigestCheck['recent'] {
    return this.#digests.recent
  }
}
