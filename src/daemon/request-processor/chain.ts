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
import { type ErrorCode, errorCodes } from '../../protocol/error-codes.ts'
import { MsgpackReader } from '../../protocol/msgpack.ts'
import type { LeaderMessage, LearnerMessage } from '../../protocol/peer/messages.ts'
import type { ServerId, SessionId } from '../../protocol/records.ts'
import type { Hello, Request } from '../../protocol/zk/messages.ts'
import { formatZxid, type Zxid } from '../../protocol/zxid.ts'
import { RareWarnings } from '../../rare-warnings.ts'
import type { Ensemble, EnsembleListener, EnsembleRole } from '../ensemble/ensemble.ts'
import type { Metrics } from '../metrics.ts'
import {
  type AuthenticationOptions,
  authenticate,
  mayAsk,
  superUser,
  tooMany,
} from '../session/authentication.ts'
import { ExpiryQueue } from '../session/expiry-queue.ts'
import type { Client } from '../session/request.ts'
import { SessionTracker } from '../session/session-tracker.ts'
import { decodeTxn } from '../ztree/txn.ts'
import { WatchManager } from '../ztree/watch-manager.ts'
import type { ZTree } from '../ztree/ztree.ts'
import { CommitProcessor } from './commit.ts'
import { DigestCheck, isDigestDue } from './digest-check.ts'
import { FinalProcessor } from './final.ts'
import { LeaderProcessor } from './leader.ts'
import { Prep, samePassword, type WriteRules } from './prep.ts'
import { isReadOnlySession, ReadOnlyMode } from './read-only-mode.ts'
import { Reaper, type ReaperOptions } from './reaper.ts'

export interface ChainParts {
  readonly tree: ZTree
  readonly metrics: Metrics
  readonly clock: Clock
  readonly logger: Logger
  readonly tickTimeMs: number
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  readonly authentication: AuthenticationOptions
  readonly rules: WriteRules
  /** How the leader deletes containers and znodes with a TTL. */
  readonly reaping: ReaperOptions
  /** Whether a server that has no quorum answers reads, for clients that allow it. */
  readonly readOnlyMode: boolean
  /** See `CommitParts`. */
  readonly outstandingMax?: number | undefined
  /** 16 random bytes */
  readonly newPassword: () => Uint8Array
  /** told after each change of the tree */
  readonly onApplied: () => void
}

export class RequestProcessors implements EnsembleListener {
  readonly #ensemble: Ensemble
  readonly #parts: ChainParts
  readonly #clock: Clock
  readonly #tree: ZTree
  readonly #metrics: Metrics
  readonly #logger: Logger
  /** of what clients can cause as often as they like */
  readonly #warnings: RareWarnings
  readonly #final: FinalProcessor
  readonly #commit: CommitProcessor
  readonly #leader: LeaderProcessor
  readonly #reader = new MsgpackReader()
  readonly #watches = new WatchManager<Client>()
  readonly #sessions: SessionTracker
  readonly #digests = new DigestCheck()
  /** Every client that has or asks for a session here; with the session, once it is known. */
  readonly #clients = new Set<Client>()
  /** When those that were heard from are to be heard from again. */
  readonly #silent: ExpiryQueue<Client>
  readonly #bySession = new Map<SessionId, Client>()
  #serving = false
  readonly #readOnlyMode: ReadOnlyMode
  #checkedMs: number

  /** The ensemble may call back from now on; it is not called before it reports a role. */
  constructor(ensemble: Ensemble, parts: ChainParts) {
    const { tree, metrics, clock, logger } = parts
    this.#ensemble = ensemble
    this.#tree = tree
    this.#metrics = metrics
    this.#logger = logger
    this.#warnings = new RareWarnings(logger, clock)
    this.#parts = parts
    this.#clock = clock
    this.#silent = new ExpiryQueue(parts.tickTimeMs)
    const nowMs = clock.nowMs()
    const { readOnlyMode: enabled, tickTimeMs: tickMs } = parts
    this.#readOnlyMode = new ReadOnlyMode(ensemble.self, { enabled, tickMs, nowMs })
    this.#checkedMs = nowMs
    this.#final = new FinalProcessor(tree, this.#watches, metrics)
    const { outstandingMax } = parts
    const commitParts = { ensemble, tree, final: this.#final, metrics, clock, outstandingMax }
    this.#commit = new CommitProcessor(commitParts)
    const sessions = new SessionTracker({ tickMs: parts.tickTimeMs })
    this.#sessions = sessions
    const { minSessionTimeoutMs, maxSessionTimeoutMs, newPassword } = parts
    const { rules } = parts
    const prep = new Prep({ tree, sessions, minSessionTimeoutMs, maxSessionTimeoutMs, rules })
    const reaper = new Reaper(tree, parts.reaping)
    this.#leader = new LeaderProcessor({
      ensemble,
      tree,
      sessions,
      prep,
      reaper,
      metrics,
      clock,
      logger,
      newPassword,
    })
  }

  /** Whether this server follows or leads, and so may answer clients. */
  get serving(): boolean {
    return this.#serving
  }

  /** Whether it answers reads without a quorum, which may be old, for clients that allow it. */
  get readOnly(): boolean {
    return this.#readOnlyMode.active
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

  /** Who watches what, for people. */
  get watches(): WatchManager<Client> {
    return this.#watches
  }

  /** When sessions expire, while this server leads. */
  get sessionDeadlines(): SessionTracker['deadlines'] {
    return this.#sessions.deadlines
  }

  /** What the tree was of late, for people to compare. */
  get digests(): DigestCheck['recent'] {
    return this.#digests.recent
  }

  // --- from connections ---------------------------------------------------------------------------

  /**
   * A client said hello: a new session is created, or the leader asked whether it may go on with its
   * old one. The answer is the client's `welcome`, `refuse`, or `close`.
   */
  open(client: Client, hello: Hello): void {
    const { ensembleId } = this.#ensemble
    if (this.#parts.authentication.skipAcl) client.identities = [...client.identities, superUser]
    if (!this.#serving && !(this.readOnly && hello.readOnly)) {
      client.close()
    } else if (hello.ensembleId !== undefined && hello.ensembleId !== ensembleId) {
      const facts = { address: addressOf(client), theirs: hello.ensembleId, ours: ensembleId }
      this.#warnings.warn('other ensemble', facts, 'Refused a client of another ensemble')
      client.close()
    } else if (hello.lastZxidSeen > this.#tree.lastApplied) {
      this.#refuseFromTheFuture(client, hello)
    } else if (this.readOnly) {
      this.#openReadOnly(client, hello)
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

  /** It would see the past; another server, or this one a moment later, is further. */
  #refuseFromTheFuture(client: Client, { sessionId, lastZxidSeen }: Hello): void {
    const facts = {
      address: addressOf(client),
      session: `0x${sessionId.toString(16)}`,
      seen: formatZxid(lastZxidSeen),
      ours: formatZxid(this.#tree.lastApplied),
    }
    const message =
      'Refused a client that has seen a later zxid than ours: it must try another server'
    this.#warnings.info('later zxid', facts, message)
    client.close()
  }

  /** The same without a leader. */
  #openReadOnly(client: Client, { sessionId, timeoutMs }: Hello): void {
    // It may be alive, which only a leader could tell.
    if (!isReadOnlySession(sessionId)) return client.close()
    this.#clients.add(client)
    if (sessionId !== 0) return client.refuse()
    const { minSessionTimeoutMs, maxSessionTimeoutMs, newPassword } = this.#parts
    const clampedMs = Math.min(Math.max(timeoutMs, minSessionTimeoutMs), maxSessionTimeoutMs)
    const session = this.#readOnlyMode.newSession()
    this.#bySession.set(session, client)
    client.attached = true
    client.welcome(session, clampedMs, newPassword())
  }

  /** Whether the client's next frame may be processed now; if not, it is told to `proceed` later. */
  mayTake(client: Client, bytes: number): boolean {
    return this.#commit.mayTake(client, bytes)
  }

  /** The next request of a client that was welcomed. */
  submit(client: Client, xid: number, request: Request, bytes: number): void {
    this.#commit.submit(client, xid, this.#admitted(client, request), bytes)
  }

  /**
   * What a client proves counts for everything it asks after that, though the answer may have to wait.
   *
   * @returns the request, or the refusal in its place
   */
  #admitted(client: Client, request: Request): Request {
    const { authentication } = this.#parts
    if (request.type !== 'auth') {
      return mayAsk(client.identities, authentication) ? request : unauthenticated
    }
    const identities = authenticate(client.identities, request, authentication)
    if (identities === undefined) {
      this.#metrics.authFailures++
      return authFailed
    }
    if (tooMany(identities)) return throttled
    client.identities = identities
    return request
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
    this.#silent.remove(client)
    if (this.#bySession.get(client.session) === client) this.#bySession.delete(client.session)
  }

  // --- from the ensemble --------------------------------------------------------------------------

  deliver(zxid: Zxid, payload: Buffer): void {
    const txn = decodeTxn(this.#reader.reset(payload, 0, payload.length))
    const ours = txn.origin === this.#ensemble.self
    const pending = ours ? this.#commit.take(txn.seq) : undefined
    const result = this.#final.apply(zxid, txn)
    // Clocks of two machines may differ, and it may be a transaction of long ago.
    if (this.#serving) {
      const ageMs = Math.max(0, this.#clock.wallMs() - txn.timeMs)
      this.#metrics.propagationLatency.observe(Math.round(ageMs))
    }
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
    this.#parts.onApplied()
  }

  /** Before anybody is answered with what the transaction made of the tree. */
  #compareDigests(zxid: Zxid): void {
    const { digest } = this.#tree
    this.#digests.applied(zxid, digest)
    if (this.#ensemble.role.type === 'leading') {
      const { high, low } = digest
      this.#ensemble.sendToLearners({ type: 'DIGEST', zxid, high, low })
    }
  }

  roleChanged(role: EnsembleRole): void {
    const wasServing = this.#serving
    this.#serving = role.type !== 'looking'
    if (role.type === 'leading') this.#leader.becomeLeading()
    else this.#leader.stopLeading()
    // An election that failed changes nothing for who reads meanwhile.
    if (!this.#serving && !wasServing) return
    this.#readOnlyMode.end(this.#clock.nowMs())
    // Nothing pending is answered: it may or may not happen, and the next leader knows nothing of it.
    if (!this.#serving) this.#closeClients('Closing client connections: no leader')
    else if (!wasServing) this.#closeClients('Closing read-only connections: there is a leader')
  }

  #closeClients(why: string): void {
    if (this.#clients.size > 0) this.#logger.info({ count: this.#clients.size }, why)
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

  /**
   * Every half tick: tells the leader which sessions were heard from, and closes connections that
   * were silent for the time-out of their session. A server that has no leader for long may begin to
   * answer reads.
   */
  reportTouched(): void {
    const nowMs = this.#commit.noteTime()
    const sessions: SessionId[] = []
    for (const [session, client] of this.#bySession) {
      if (!client.attached || !client.takeTouched()) continue
      sessions.push(session)
      this.#silent.update(client, nowMs + client.timeoutMs)
    }
    if (this.#serving && sessions.length > 0) {
      this.#ensemble.sendToLeader({ type: 'TOUCH', sessions })
    }
    this.#closeSilent(nowMs)
    this.#maybeServeReadOnly(nowMs)
  }

  /** After this process stood still, what clients sent meanwhile is yet to be read. */
  #closeSilent(nowMs: number): void {
    const stoodStill = nowMs - this.#checkedMs > 2 * this.#parts.tickTimeMs
    this.#checkedMs = nowMs
    if (!stoodStill) for (const client of this.#silent.poll(nowMs)) client.close()
  }

  /** Not if it never had a state worth showing. */
  #maybeServeReadOnly(nowMs: number): void {
    if (this.#serving || this.#ensemble.ensembleId === undefined) return
    if (!this.#readOnlyMode.maybeBegin(nowMs)) return
    this.#logger.warn({}, 'Serving reads only: there is no leader')
  }

  /** The server stops. */
  close(): void {
    this.#warnings.close()
  }

  /** Every tick. */
  expireSessions(): void {
    this.#leader.expire()
  }
}

function addressOf({ identities }: Client): string | undefined {
  return identities.find(({ scheme }) => scheme === 'ip')?.id
}

const authFailed = refused('AUTHFAILED')
const unauthenticated = refused('SESSIONCLOSEDREQUIRESASLAUTH')
const throttled = refused('THROTTLEDOP')

function refused(code: ErrorCode): Request {
  return { type: 'refused', code: errorCodes[code] }
}
