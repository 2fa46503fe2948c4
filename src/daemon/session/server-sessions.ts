// The sessions of the clients that are connected to this server. Whether a session lives is decided by
// the leader (session-tracker.ts); here is which connection has which session, who was heard from, and
// who is let in. Nothing else writes what a client is: its session, whether this server speaks for it,
// its identities.
//
//   hello ─▶ open ─┬ new ──────▶ createSession ─▶ created ─┬▶ welcome
//                  ├ known ────▶ ATTACH ─▶ ATTACHED ───────┘
//                  ├ no leader ▶ a session of this server alone (read-only-mode.ts)
//                  └ refused: another ensemble, or further than this server
//
// Next on the path: request-processor/commit.ts.

import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { type ErrorCode, errorCodes } from '../../protocol/error-codes.ts'
import type { SessionId } from '../../protocol/records.ts'
import type { Hello, Request } from '../../protocol/zk/messages.ts'
import { formatZxid } from '../../protocol/zxid.ts'
import { RareWarnings } from '../../rare-warnings.ts'
import type { Ensemble, EnsembleRole } from '../ensemble/ensemble.ts'
import type { Metrics } from '../metrics.ts'
import type { ZTree } from '../ztree/ztree.ts'
import {
  type AuthenticationOptions,
  authenticate,
  mayAsk,
  samePassword,
  superUser,
  tooMany,
} from './authentication.ts'
import { ExpiryQueue } from './expiry-queue.ts'
import { isReadOnlySession, ReadOnlyMode } from './read-only-mode.ts'
import type { Client, WritableClient } from './request.ts'

export interface SessionOptions {
  readonly tickTimeMs: number
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  readonly authentication: AuthenticationOptions
  /** Whether a server that has no quorum answers reads, for clients that allow it. */
  readonly readOnlyMode: boolean
  /** 16 random bytes */
  readonly newPassword: () => Uint8Array
}

export interface SessionParts extends SessionOptions {
  readonly tree: Pick<ZTree, 'lastApplied' | 'sessions'>
  readonly metrics: Metrics
  readonly clock: Clock
  readonly logger: Logger
}

/** What the leader is asked for a client, in the client's order. */
export interface SessionRequests {
  /** `created` follows. */
  create(client: Client, timeoutMs: number): void
  /** `heardOf`, then `welcome`, or the client's `refuse`. */
  attach(client: Client, hello: Hello): void
}

export class ServerSessions {
  readonly #parts: SessionParts
  readonly #ensemble: Ensemble
  readonly #tree: Pick<ZTree, 'lastApplied' | 'sessions'>
  readonly #metrics: Metrics
  readonly #clock: Clock
  readonly #logger: Logger
  /** of what clients can cause as often as they like */
  readonly #warnings: RareWarnings
  /** Every client that has or asks for a session here; with the session, once it is known. */
  readonly #clients = new Set<Client>()
  readonly #bySession = new Map<SessionId, Client>()
  /** When those that were heard from are to be heard from again. */
  readonly #silent: ExpiryQueue<Client>
  readonly #readOnlyMode: ReadOnlyMode
  #serving = false
  #checkedMs: number

  constructor(ensemble: Ensemble, parts: SessionParts) {
    const { tree, metrics, clock, logger, tickTimeMs: tickMs } = parts
    this.#parts = parts
    this.#ensemble = ensemble
    this.#tree = tree
    this.#metrics = metrics
    this.#clock = clock
    this.#logger = logger
    this.#warnings = new RareWarnings(logger, clock)
    this.#silent = new ExpiryQueue(tickMs)
    const nowMs = clock.nowMs()
    this.#checkedMs = nowMs
    const { readOnlyMode: enabled } = parts
    this.#readOnlyMode = new ReadOnlyMode(ensemble.self, { enabled, tickMs, nowMs })
  }

  /** Whether this server follows or leads, and so may answer clients. */
  get serving(): boolean {
    return this.#serving
  }

  /** Whether it answers reads without a quorum, which may be old, for clients that allow it. */
  get readOnly(): boolean {
    return this.#readOnlyMode.active
  }

  // --- from connections ---------------------------------------------------------------------------

  /**
   * A client said hello: a new session is created, or the leader asked whether it may go on with its
   * old one. The answer is the client's `welcome`, `refuse`, or `close`.
   */
  open(client: WritableClient, hello: Hello, leader: SessionRequests): void {
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
      leader.create(client, hello.timeoutMs)
    } else {
      this.#clients.add(client)
      client.session = hello.sessionId
      const known = this.#tree.sessions.get(hello.sessionId)
      // One connection per session. With a wrong password, which the leader will refuse, a client may
      // not cut off the one there is.
      if (known === undefined || samePassword(known.password, hello.password)) {
        this.#bySession.get(hello.sessionId)?.close()
        this.#bySession.set(hello.sessionId, client)
      }
      this.#metrics.revalidations++
      leader.attach(client, hello)
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
  #openReadOnly(client: WritableClient, { sessionId, timeoutMs }: Hello): void {
    // It may be alive, which only a leader could tell.
    if (!isReadOnlySession(sessionId)) return client.close()
    this.#clients.add(client)
    if (sessionId !== 0) return client.refuse()
    const { minSessionTimeoutMs, maxSessionTimeoutMs, newPassword } = this.#parts
    const clampedMs = Math.min(Math.max(timeoutMs, minSessionTimeoutMs), maxSessionTimeoutMs)
    const session = this.#readOnlyMode.newSession()
    this.#bySession.set(session, client)
    this.#welcome(client, session, { timeoutMs: clampedMs, password: newPassword() })
  }

  /**
   * What a client proves counts for everything it asks after that, though the answer may have to wait.
   *
   * @returns the request, or the refusal in its place
   */
  admit(client: WritableClient, request: Request): Request {
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

  /** A client is gone; also one that never said hello. */
  closed(client: Client): void {
    this.#clients.delete(client)
    this.#silent.remove(client)
    if (this.#bySession.get(client.session) === client) this.#bySession.delete(client.session)
  }

  // --- from the leader ----------------------------------------------------------------------------

  /** The session that `client` asked for is created. */
  created(client: Client, session: SessionId): void {
    this.#bySession.set(session, client)
    this.welcome(client, session)
  }

  /** The leader's word on an old session, which holds here once the tree has come as far. */
  heardOf(client: WritableClient, { isAlive }: { readonly isAlive: boolean }): void {
    // From here on, and not only from the welcome on, a MOVED is about this connection.
    client.attached = isAlive
  }

  welcome(client: WritableClient, id: SessionId): void {
    const session = this.#tree.sessions.get(id)
    client.attached = true
    // Closed between the leader's word and now: the client comes again and hears that it is expired.
    if (session === undefined) client.close()
    else this.#welcome(client, id, session)
  }

  #welcome(
    client: WritableClient,
    id: SessionId,
    { timeoutMs, password }: { readonly timeoutMs: number; readonly password: Uint8Array },
  ): void {
    client.attached = true
    client.session = id
    client.timeoutMs = timeoutMs
    client.welcome(id, timeoutMs, password)
  }

  /** The session is expired, or was closed by a connection that it has left. */
  ended(session: SessionId): void {
    this.#bySession.get(session)?.close()
  }

  /** The session goes on at another server. */
  moved(session: SessionId): void {
    // One that has come back since, and waits for the leader's word, is not meant.
    const client = this.#bySession.get(session)
    if (client?.attached === true) client.close()
  }

  roleChanged(role: EnsembleRole): void {
    const wasServing = this.#serving
    this.#serving = role.type !== 'looking'
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

  // --- from the clock -----------------------------------------------------------------------------

  /**
   * Every half tick: tells the leader which sessions were heard from, and closes connections that
   * were silent for the time-out of their session. A server that has no leader for long may begin to
   * answer reads.
   */
  reportTouched(nowMs: number): void {
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
