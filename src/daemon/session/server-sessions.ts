// The sessions of the clients connected to this server. The leader decides whether a session lives
// (session-tracker.ts); here is the mapping of connections to sessions, the record of live clients,
// and the admission of clients. This file is the only writer of a client's session, its ownership
// and its identities.
//
//   hello ─▶ open ─┬ new ──────▶ createSession ─▶ created ─┬▶ welcome
//                  ├ known ────▶ ATTACH ─▶ ATTACHED ───────┘
//                  ├ no leader ▶ a session of this server only (read-only-mode.ts)
//                  └ refused: another ensemble, or ahead of this server
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
  withIdentities,
} from './authentication.ts'
import { ClientSasl } from './client-sasl.ts'
import { ExpiryQueue } from './expiry-queue.ts'
import { isReadOnlySession, ReadOnlyMode } from './read-only-mode.ts'
import type { Client, WritableClient } from './request.ts'

export interface SessionOptions {
  readonly tickTimeMs: number
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  readonly authentication: AuthenticationOptions
  /** Whether a server without a quorum answers reads, for clients that allow it. */
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

/** The requests to the leader for a client, in the client's order. */
export interface SessionRequests {
  /** `created` follows. */
  create(client: Client, timeoutMs: number): void
  /** Leads to `heardOf`, then `welcome`, or the client's `refuse`. */
  attach(client: Client, hello: Hello): void
}

export class ServerSessions {
  readonly #parts: SessionParts
  readonly #ensemble: Ensemble
  readonly #tree: Pick<ZTree, 'lastApplied' | 'sessions'>
  readonly #metrics: Metrics
  readonly #clock: Clock
  readonly #logger: Logger
  /** warnings that clients can trigger repeatedly */
  readonly #warnings: RareWarnings
  /** Every client that has or requests a session here; by session, once it is known. */
  readonly #clients = new Set<Client>()
  readonly #bySession = new Map<SessionId, Client>()
  /** Deadlines by which clients must be heard from again. */
  readonly #silent: ExpiryQueue<Client>
  readonly #readOnlyMode: ReadOnlyMode
  readonly #sasl: ClientSasl | undefined
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
    const { newPassword, authentication } = parts
    const newNonce = (): string => Buffer.from(newPassword()).toString('hex')
    const { sasl } = authentication
    this.#sasl = sasl === undefined ? undefined : new ClientSasl(sasl, newNonce)
    const nowMs = clock.nowMs()
    this.#checkedMs = nowMs
    const { readOnlyMode: enabled } = parts
    this.#readOnlyMode = new ReadOnlyMode(ensemble.self, { enabled, tickMs, nowMs })
  }

  /** Whether this server follows or leads, and so may answer clients. */
  get serving(): boolean {
    return this.#serving
  }

  /** Whether it serves possibly stale reads without a quorum, for clients that allow it. */
  get readOnly(): boolean {
    return this.#readOnlyMode.active
  }

  // --- from connections ---------------------------------------------------------------------------

  /**
   * A client sent a hello: a new session is created, or the leader is asked whether the client may
   * continue its old one. The answer is the client's `welcome`, `refuse`, or `close`.
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
      // One connection per session. A client with a wrong password, which the leader will refuse,
      // must not disconnect the existing one.
      if (known === undefined || samePassword(known.password, hello.password)) {
        this.#bySession.get(hello.sessionId)?.close()
        this.#bySession.set(hello.sessionId, client)
      }
      this.#metrics.revalidations++
      leader.attach(client, hello)
    }
  }

  /** It would go back in time; another server, or this one shortly, is further ahead. */
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

  /** Opens a session without a leader. */
  #openReadOnly(client: WritableClient, { sessionId, timeoutMs }: Hello): void {
    // It may be alive, which only a leader knows.
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
   * A new identity applies to all later requests, even if the answer to `auth` has to wait.
   *
   * @returns the request, or the refusal in its place
   */
  admit(client: WritableClient, request: Request): Request {
    const { authentication } = this.#parts
    if (request.type === 'sasl') return this.#saslStep(client, request.token)
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

  /** @returns the request with the server's token in place of the client's, or the refusal */
  #saslStep(client: WritableClient, token: Uint8Array | null): Request {
    if (this.#sasl === undefined) return { type: 'sasl', token: null }
    const step = this.#sasl.step(client, token ?? new Uint8Array(0))
    switch (step.type) {
      case 'challenge':
        return { type: 'sasl', token: step.token }
      case 'authenticated': {
        const identities = withIdentities(client.identities, step.identities)
        if (tooMany(identities)) return throttled
        client.identities = identities
        this.#logger.debug(
          { address: addressOf(client), user: step.user },
          'A client proved its name',
        )
        return { type: 'sasl', token: step.token }
      }
      case 'refused': {
        this.#metrics.authFailures++
        const facts = { address: addressOf(client), reason: step.reason }
        this.#warnings.warn('sasl', facts, 'A client failed to authenticate')
        const { requiredSchemes, sasl } = this.#parts.authentication
        if (requiredSchemes?.includes('sasl') === true) return unauthenticated
        return sasl?.allowsFailed === true ? { type: 'sasl', token: null } : authFailed
      }
    }
  }

  /** A client is gone, even one that never sent a hello. */
  closed(client: Client): void {
    this.#clients.delete(client)
    this.#silent.remove(client)
    if (this.#bySession.get(client.session) === client) this.#bySession.delete(client.session)
  }

  // --- from the leader ----------------------------------------------------------------------------

  /** The session requested by `client` is created. */
  created(client: Client, session: SessionId): void {
    this.#bySession.set(session, client)
    this.welcome(client, session)
  }

  /** The leader's answer about an existing session, valid here once the tree has reached it. */
  heardOf(client: WritableClient, { isAlive }: { readonly isAlive: boolean }): void {
    // From here on, not only from the welcome on, a MOVED concerns this connection.
    client.attached = isAlive
  }

  welcome(client: WritableClient, id: SessionId): void {
    const session = this.#tree.sessions.get(id)
    client.attached = true
    // The session was closed since the leader's answer: the client reconnects and learns that it
    // expired.
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

  /** The session has expired, or was closed through another connection. */
  ended(session: SessionId): void {
    this.#closeAttached(session)
  }

  /** The session continues at another server. */
  moved(session: SessionId): void {
    this.#closeAttached(session)
  }

  /** A client that asks to go on with the session is not affected: the leader answers it. */
  #closeAttached(session: SessionId): void {
    const client = this.#bySession.get(session)
    if (client?.attached === true) client.close()
  }

  roleChanged(role: EnsembleRole): void {
    const wasServing = this.#serving
    this.#serving = role.type !== 'looking'
    // A failed election changes nothing for clients that are reading meanwhile.
    if (!this.#serving && !wasServing) return
    this.#readOnlyMode.end(this.#clock.nowMs())
    // Pending requests are not answered: their outcome is unknown, and the next leader does not
    // know them.
    if (!this.#serving) this.#closeClients('Closing client connections: no leader')
    else if (!wasServing) this.#closeClients('Closing read-only connections: there is a leader')
    else this.#keepSessions()
  }

  /** Another leader, and all clients stay: it learns which sessions go on here. */
  #keepSessions(): void {
    const sessions = [...this.#bySession].flatMap(([session, { attached }]) =>
      attached ? [session] : [],
    )
    if (sessions.length > 0) this.#ensemble.sendToLeader({ type: 'OWNED', sessions })
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
   * Every half tick: reports the sessions that were heard from to the leader, and closes
   * connections that were silent for their session time-out. A server that has had no leader for
   * long may start to answer reads.
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

  /** After this process was stopped, the clients' messages of that time are still unread. */
  #closeSilent(nowMs: number): void {
    const stoodStill = nowMs - this.#checkedMs > 2 * this.#parts.tickTimeMs
    this.#checkedMs = nowMs
    if (!stoodStill) for (const client of this.#silent.poll(nowMs)) client.close()
  }

  /** Not if it never had a state to serve. */
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
