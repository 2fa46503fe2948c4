// The client port: accepts links, creates a connection for each, and counts them.

import type { ListenAddress } from '../../address.ts'
import type { Clock } from '../../clock.ts'
import { limits } from '../../limits.ts'
import type { Logger } from '../../logger.ts'
import { ZooKeeperDialect } from '../../protocol/compat/zookeeper.ts'
import { ProtocolError } from '../../protocol/error-codes.ts'
import type { ServerId } from '../../protocol/records.ts'
import { kindOf } from '../../protocol/strangers.ts'
import type { TlsPort } from '../../protocol/tls/ends.ts'
import { Listeners } from '../../protocol/transport/listeners.ts'
import {
  HandshakeTimeoutError,
  type Link,
  type LinkListener,
  type Listener,
  type ListenOptions,
  type Transport,
} from '../../protocol/transport/transport.ts'
import { NativeDialect } from '../../protocol/zk/native-dialect.ts'
import { RareWarnings } from '../../rare-warnings.ts'
import type { Ensemble } from '../ensemble/ensemble.ts'
import type { Metrics } from '../metrics.ts'
import type { RequestProcessors } from '../request-processor/chain.ts'
import { Connection, type ConnectionServer } from './connection.ts'
import { drain } from './draining.ts'

export interface ClientPortParts {
  readonly transport: Transport
  readonly ensemble: Ensemble
  readonly processors: RequestProcessors
  readonly metrics: Metrics
  readonly clock: Clock
  readonly logger: Logger
  readonly serverId: ServerId
  /** Infinity is no limit, also for all addresses together */
  readonly connectionsPerAddressMax: number
  readonly connectionsMax?: number | undefined
  /** largest frame body accepted from a client */
  readonly frameBytesMax?: number | undefined
  /** time within which a connection must request a session */
  readonly handshakeMs?: number | undefined
  /** the name in the certificate of the super user */
  readonly x509SuperUser?: string | undefined
  /** @returns undefined if it is not a four-letter word */
  readonly answerWord: (word: string) => string | undefined
}

export class ClientPort {
  readonly #transport: Transport
  readonly #metrics: Metrics
  readonly #logger: Logger
  readonly #clock: Clock
  /** warnings that any client can trigger repeatedly */
  readonly #warnings: RareWarnings
  readonly #connectionsPerAddressMax: number
  readonly #connectionsMax: number
  readonly #handshakeMs: number
  readonly #server: ConnectionServer
  readonly #perAddress = new Map<string, number>()
  readonly #connections = new Set<Connection>()
  #plain: Listeners | undefined
  #secure: Listener | undefined
  #handshakeCount = 0
  #isLeaving = false
  #isClosed = false

  constructor(parts: ClientPortParts) {
    const { processors, ensemble, metrics, clock, serverId, answerWord } = parts
    this.#transport = parts.transport
    this.#metrics = metrics
    this.#logger = parts.logger
    this.#clock = clock
    this.#warnings = new RareWarnings(parts.logger, clock)
    this.#connectionsPerAddressMax = parts.connectionsPerAddressMax
    this.#connectionsMax = parts.connectionsMax ?? Number.POSITIVE_INFINITY
    this.#handshakeMs = parts.handshakeMs ?? limits.handshakeMs
    this.#server = {
      serverId,
      metrics,
      x509SuperUser: parts.x509SuperUser,
      wallMs: () => clock.wallMs(),
      answerWord,
      dialects: [new NativeDialect(), new ZooKeeperDialect()],
      frameBytesMax: parts.frameBytesMax ?? limits.clientFrameBytesMax,
      get ensembleId() {
        return processors.serving || processors.readOnly ? ensemble.ensembleId : undefined
      },
      get readOnly() {
        return processors.readOnly
      },
      get mayAnswer() {
        return processors.mayAnswer
      },
      open: (client, hello) => processors.open(client, hello),
      mayTake: (client, bytes) => processors.mayTake(client, bytes),
      submit: (client, xid, request, bytes) => processors.submit(client, xid, request, bytes),
      advance: (client) => processors.advance(client),
      closed: (client) => processors.closed(client),
    }
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  /** Every open connection, with or without a session. */
  get connections(): ReadonlySet<Connection> {
    return this.#connections
  }

  /** TLS handshakes that have begun and not ended. */
  get handshakeCount(): number {
    return this.#handshakeCount
  }

  /** The port for plaintext; 0 if there is none. */
  get port(): number {
    return this.#plain?.port ?? 0
  }

  /** The port for TLS only; 0 if there is none. */
  get securePort(): number {
    return this.#secure?.port ?? 0
  }

  /** @param tls for a port that takes TLS as well as plaintext @throws EADDRINUSE, EACCES … */
  async listen(address: ListenAddress, tls?: TlsPort): Promise<void> {
    this.#plain = new Listeners((each) => this.#listen(each, tls))
    await this.#plain.listen([address])
  }

  /**
   * Listens there, and no more where it did. Open connections stay. Where that cannot be, everything
   * stays.
   */
  async moveTo(address: ListenAddress): Promise<void> {
    this.#plain ??= new Listeners((each) => this.#listen(each, undefined))
    const { port: former } = this
    const facts = { host: address.host, port: address.port, former }
    try {
      if (!(await this.#plain.listen([address]))) return
      this.#logger.info(facts, 'Listening for clients on another address')
    } catch (err) {
      this.#logger.error(
        Object.assign(facts, { err }),
        'Cannot listen for clients where the ensemble lists this server: the former port stays',
      )
    }
  }

  /** @throws EADDRINUSE, EACCES … */
  async listenSecurely(address: ListenAddress, tls: TlsPort): Promise<void> {
    this.#secure = await this.#listen(address, tls)
  }

  #listen(address: ListenAddress, tls: TlsPort | undefined): Promise<Listener> {
    const options: ListenOptions = {
      frameBytesMax: this.#server.frameBytesMax,
      queueBytesMax: limits.connectionQueueBytesMax,
      handshakeMs: this.#handshakeMs,
      pauseWhenCongested: true,
      reusesBuffers: true,
      slicesOutput: true,
      port: 'client',
      tls: tls && Object.assign({}, tls, { onHandshake: this.#handshaken }),
    }
    return this.#transport.listen(address, options, (link) => this.#accept(link))
  }

  readonly #handshaken = (state: 'begun' | 'done' | 'failed'): void => {
    this.#handshakeCount += state === 'begun' ? 1 : -1
    if (state === 'failed') this.#metrics.handshakesFailed++
  }

  /**
   * Begins to close so many of the clients' connections, those that are open longest first.
   *
   * @returns how many
   */
  drainSome(percent: number, except: unknown): number {
    const others = [...this.#connections].filter((connection) => connection !== except)
    const chosen = others.slice(0, Math.ceil((others.length * percent) / 100))
    this.#logger.info({ count: chosen.length, of: others.length }, 'Draining client connections')
    void drain(this.#clock, chosen, () => this.#isClosed)
    return chosen.length
  }

  /** Closes the connections of all clients, and takes no new ones. */
  async leave(withinMs: number): Promise<void> {
    this.refuseNew()
    const connections = [...this.#connections]
    if (connections.length === 0) return
    this.#logger.info({ count: connections.length }, 'Draining client connections')
    const endMs = this.#clock.nowMs() + withinMs
    await drain(this.#clock, connections, () => this.#clock.nowMs() > endMs)
  }

  /** Takes no more clients from here on: they find other servers. */
  refuseNew(): void {
    this.#isLeaving = true
  }

  /** Stops listening and disconnects every client. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([this.#plain?.close(), this.#secure?.close()])
    this.#warnings.close()
  }

  #accept(link: Link): LinkListener | undefined {
    if (this.#isLeaving) return undefined
    const address = link.remoteAddress
    const before = this.#perAddress.get(address) ?? 0
    if (before >= this.#connectionsPerAddressMax) {
      this.#metrics.connectionsRejected++
      const message = 'Refused a connection: its address has too many connections'
      this.#warnings.warn(`too many of ${address}`, { address, open: before }, message)
      return undefined
    }
    if (this.connectionCount >= this.#connectionsMax) {
      this.#metrics.connectionsRejected++
      const message = 'Refused a connection: there are too many connections'
      this.#warnings.warn('too many', { open: this.connectionCount }, message)
      return undefined
    }
    this.#perAddress.set(address, before + 1)
    const connection = new Connection(link, this.#server)
    this.#connections.add(connection)
    return {
      firstBytes: (bytes) => connection.firstBytes(bytes),
      frame: (buffer, start, end) => connection.frame(buffer, start, end),
      drained: () => connection.drained(),
      closed: (reason) => {
        connection.closed()
        this.#connections.delete(connection)
        this.#left(address)
        if (reason !== undefined) this.#report(link, reason)
      },
    }
  }

  #left(address: string): void {
    const left = (this.#perAddress.get(address) ?? 1) - 1
    if (left === 0) this.#perAddress.delete(address)
    else this.#perAddress.set(address, left)
  }

  /** A client that breaks the protocol is logged as a warning; a lost client is normal. */
  #report({ remoteAddress: address, remotePort: port }: Link, reason: Error): void {
    const { message } = reason
    if (reason instanceof HandshakeTimeoutError) this.#metrics.sessionlessConnectionsExpired++
    else this.#metrics.connectionsDropped++
    if (reason instanceof ProtocolError) {
      const facts = { address, port, reason: message }
      this.#warnings.warn(kindOf(reason), facts, 'Closed a client connection')
    } else this.#logger.debug({ address, port, reason: message }, 'Lost a client connection')
  }
}
