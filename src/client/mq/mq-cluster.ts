// A client's access to a Mimic Queue cluster: finds it, from a list of brokers or through
// ZooWeeper, keeps its metadata, and has one connection per broker. Producer, consumer and admin
// build on it.

import { type Address, formatAddress } from '../../address.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { silentLogger } from '../../logger.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import type { MqRequest, MqResponse, ResponseOf } from '../../protocol/mq/apis.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { brokerErrorOf, noBroker } from '../../protocol/mq/messages.ts'
import type { BrokerInfo } from '../../protocol/mq/metadata.ts'
import { brokerIdsPath, registeredAddress } from '../../protocol/mq/registration.ts'
import type { Transport } from '../../protocol/transport/transport.ts'
import { type Random, seededBy } from '../../random.ts'
import { realWorld } from '../../real-world.ts'
import type { Turn } from '../../turn.ts'
import type { ClientWorld } from '../../world.ts'
import { Attempts, formatAttempts } from '../attempts.ts'
import { securedBy } from '../tls.ts'
import type { ZkClient } from '../zk/zk-client.ts'
import type { MqClientParts } from './argument-kinds.ts'
import { Codecs } from './compression/codecs.ts'
import { isRefusedUser, logIn, type SendToken } from './login.ts'
import { MetadataCache } from './metadata-cache.ts'
import { MqConnection } from './mq-connection.ts'

/** One attempt at a metadata request: a live broker answers immediately. */
const metadataMs = 2000
const retryMs = 50
/** A broker that does not answer within this time has its connection closed, when the user asks. */
const reconnectMs = 1000

/** What came of trying to reach a broker. */
export interface BrokerAttempt {
  readonly broker: Address
  /** undefined: it answered */
  readonly problem: string | undefined
}

export class MqCluster {
  readonly metadata = new MetadataCache()
  readonly clock: Clock
  readonly turn: Turn
  readonly random: Random
  readonly randomBytes: ClientWorld['randomBytes']
  readonly log: Logger
  readonly codecs = new Codecs()
  readonly #options: Partial<MqClientParts>
  readonly #transport: Transport
  readonly #connections = new Map<string, MqConnection>()
  #refreshing: Promise<void> | undefined
  /** The cluster was never reached, and nothing listened at its addresses in the last search. */
  #isNowhere = false
  #isClosed = false

  constructor(options: Partial<MqClientParts>) {
    this.#options = options
    const { transport, turn, clock, randomBytes } = securedBy(
      options.tls,
      options.world ?? realWorld(),
    )
    this.clock = clock
    this.turn = turn
    this.random = seededBy(randomBytes)
    this.randomBytes = randomBytes
    this.log = options.logger ?? silentLogger
    this.#transport = transport
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** @throws BrokerError INVALID_REQUEST once the client is closed */
  checkOpen(what: string): void {
    if (this.#isClosed) throw closedError(what)
  }

  /**
   * Asks the brokers one after another until one returns metadata; concurrent callers share one
   * request.
   *
   * @throws BrokerError BROKER_NOT_AVAILABLE with the result for each broker; their refusal of our user
   */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  /**
   * Gives up connections that are being made or do not answer, so that nothing waits for them any longer,
   * and tries every broker now.
   */
  async reconnect(): Promise<readonly BrokerAttempt[]> {
    this.checkOpen('reconnect')
    for (const connection of [...this.#connections.values()]) {
      if (connection.brokerId === undefined) connection.close()
    }
    const { addresses } = await this.#candidates()
    const attempts = await Promise.all(addresses.map((broker) => this.#tried(broker)))
    if (attempts.some(({ problem }) => problem === undefined)) await this.refresh()
    return attempts
  }

  async #tried(broker: Address): Promise<BrokerAttempt> {
    const connection = this.connectionTo(broker)
    try {
      await connection.call({ type: 'metadata', topics: undefined }, reconnectMs)
      return { broker, problem: undefined }
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      const problem = connection.foundBy(error, reconnectMs)
      connection.close()
      return { broker, problem }
    }
  }

  /** The connection to this broker, created if needed. */
  connectionTo(address: Address): MqConnection {
    this.checkOpen('send')
    const key = formatAddress(address)
    const known = this.#connections.get(key)
    if (known !== undefined) return known
    const { sasl } = this.#options
    const connection = new MqConnection({
      transport: this.#transport,
      address: { host: address.host, port: address.port },
      hello: {
        role: 'client',
        clusterId: this.metadata.cluster?.clusterId,
        name: this.#options.name ?? `client ${process.pid}`,
        brokerId: noBroker,
        brokerEpoch: 0,
      },
      // biome-ignore lint/plugin/noObjectSpread: once per connection
      ...(sasl && { logIn: (send: SendToken) => logIn(sasl, send, this.randomBytes) }),
      clock: this.clock,
      onClosed: (closed) => {
        if (this.#connections.get(key) === closed) this.#connections.delete(key)
      },
    })
    this.#connections.set(key, connection)
    return connection
  }

  /**
   * Asks any broker, and others when one fails, until the time is up. It fails immediately if the
   * cluster was never reached and nothing listens at any address.
   *
   * @param request a value, or a function that builds it for each broker from the remaining time
   * @param tryMs time after which a broker that does not answer is abandoned for another
   * @returns an answer without failed parts
   * @throws BrokerError the last one, of the request or of its first failed part
   */
  call<T extends MqRequest>(
    request: T | ((timeoutMs: number) => T),
    timeoutMs: number,
    tryMs = timeoutMs,
  ): Promise<ResponseOf<T['type']>> {
    return this.#call(request, { timeoutMs, tryMs, check: throwFailure })
  }

  /** The same, but failed parts of the answer are the caller's. */
  callForParts<T extends MqRequest>(request: T, timeoutMs: number): Promise<ResponseOf<T['type']>> {
    return this.#call(request, { timeoutMs, tryMs: timeoutMs, check: () => undefined })
  }

  async #call<T extends MqRequest>(
    request: T | ((timeoutMs: number) => T),
    { timeoutMs, tryMs, check }: CallRules,
  ): Promise<ResponseOf<T['type']>> {
    this.checkOpen('call a broker')
    const deadlineMs = this.clock.nowMs() + timeoutMs
    let last: BrokerInfo | undefined
    let asked: T | undefined
    for (;;) {
      try {
        if (this.metadata.brokers.length === 0) await this.refresh()
        last = this.metadata.pick(this.random, last?.id)
        if (last === undefined)
          throw new BrokerError('BROKER_NOT_AVAILABLE', 'Cannot call a broker: no broker is alive')
        const leftMs = Math.ceil(Math.max(1, Math.min(deadlineMs - this.clock.nowMs(), tryMs)))
        asked = typeof request === 'function' ? request(leftMs) : request
        const answer = await this.connectionTo(last).call(asked, leftMs)
        check(answer)
        return answer
      } catch (error) {
        const isLate = this.clock.nowMs() + retryMs >= deadlineMs
        const isOver = this.#isClosed || this.#isNowhere || isLate
        if (isFinal(asked, error)) throw error
        if (!(error instanceof BrokerError) || !error.retriable || isOver) throw error
        await this.pause()
        await this.refresh().catch(() => undefined)
      }
    }
  }

  /**
   * Why the metadata have no such topic: there is none or, for a client with a name, rules hide it.
   *
   * @param attempted what cannot be done
   */
  async whyMissing(topic: string, attempted: string): Promise<BrokerError> {
    const message = `Cannot ${attempted}: the topic does not exist`
    const missing = new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', message)
    if (this.#options.sasl === undefined && this.#options.tls === undefined) return missing
    try {
      await this.call({ type: 'metadata', topics: [topic] }, metadataMs)
    } catch (error) {
      if (error instanceof BrokerError && error.code === 'TOPIC_AUTHORIZATION_FAILED') return error
    }
    return missing
  }

  /** A pause before a retry. */
  pause(delayMs = retryMs): Promise<void> {
    return new Promise((resolve) => this.clock.after(delayMs, resolve))
  }

  /** Resolves with the promise, or when the time is up. */
  async within(timeoutMs: number, promise: Promise<void>): Promise<void> {
    let cancel: () => void = () => undefined
    const late = new Promise<void>((resolve) => {
      cancel = this.clock.after(timeoutMs, resolve)
    })
    await Promise.race([promise, late])
    cancel()
  }

  close(): void {
    this.#isClosed = true
    for (const connection of [...this.#connections.values()]) connection.close()
  }

  async #refresh(): Promise<void> {
    const attempts = new Attempts()
    const { addresses, found } = await this.#candidates()
    let areRefused = addresses.length > 0
    let refusal: BrokerError | undefined
    for (const address of addresses) {
      if (this.#isClosed) throw closedError('find the cluster')
      const connection = this.connectionTo(address)
      try {
        const { cluster } = await connection.call(
          { type: 'metadata', topics: undefined },
          metadataMs,
        )
        if (cluster.brokers.length > 0) {
          this.#isNowhere = false
          this.metadata.update(cluster)
          this.#closeConnectionsToTheGone(address)
          return
        }
        areRefused = false
        attempts.failed(address, 'it is starting, and knows no brokers yet')
      } catch (error) {
        areRefused &&= connection.isRefused
        attempts.failed(address, connection.foundBy(error, metadataMs))
        if (error instanceof BrokerError && isRefusedUser(error)) refusal = error
      }
    }
    if (refusal !== undefined) throw refusal
    this.#isNowhere = areRefused && this.metadata.cluster === undefined
    const tried = attempts.count === 0 ? found : `tried ${formatAttempts(attempts.all)}`
    throw new BrokerError('BROKER_NOT_AVAILABLE', `Cannot find the cluster: ${tried}`)
  }

  /** A hanging broker gives no sign: its pending calls fail once the other brokers drop it. */
  #closeConnectionsToTheGone(asked: Address): void {
    const living = new Set([asked, ...this.metadata.brokers].map(formatAddress))
    for (const [key, connection] of [...this.#connections]) {
      if (!living.has(key)) connection.close()
    }
  }

  /** The brokers known to be alive, in random order, then the initial ones. */
  async #candidates(): Promise<Candidates> {
    const candidates: readonly Address[] = this.random.shuffled(this.metadata.brokers)
    const { addresses, found } = await this.#firstAddresses()
    const known = new Set(candidates.map(formatAddress))
    const others = addresses.filter((one) => !known.has(formatAddress(one)))
    return { addresses: [...candidates, ...others], found }
  }

  async #firstAddresses(): Promise<Candidates> {
    const { brokers = [], zk } = this.#options
    if (brokers.length > 0 || zk === undefined) return { addresses: brokers, found: '' }
    // Without a connection its calls wait for one; ours must fail in time.
    let cancel: () => void = () => undefined
    const late = new Promise<Candidates>((resolve) => {
      const found = `ZooWeeper did not answer within ${metadataMs} ms`
      cancel = this.clock.after(metadataMs, () => resolve({ addresses: [], found }))
    })
    try {
      return await Promise.race([registered(zk), late])
    } finally {
      cancel()
    }
  }
}

interface CallRules {
  readonly timeoutMs: number
  readonly tryMs: number
  /** throws what makes an answer a failure */
  readonly check: (answer: MqResponse) => void
}

interface Candidates {
  readonly addresses: readonly Address[]
  /** the reason, if there are none */
  readonly found: string
}

async function registered(zk: ZkClient): Promise<Candidates> {
  try {
    const { children } = await zk.getChildren(brokerIdsPath)
    const found = await Promise.all(children.map((id) => zk.getData(`${brokerIdsPath}/${id}`)))
    const addresses = found.flatMap(({ data }) => registeredAddress(data) ?? [])
    return { addresses, found: `no broker is registered in ${brokerIdsPath}` }
  } catch (error) {
    if (!(error instanceof ZkError)) throw error
    // No broker has ever registered, or one has just gone.
    const isNone = error.code === 'NONODE'
    const found = isNone ? `no broker is registered in ${brokerIdsPath}` : error.message
    return { addresses: [], found }
  }
}

/** A retry would not help. */
function closedError(what: string): BrokerError {
  return new BrokerError('INVALID_REQUEST', `Cannot ${what}: the client is closed`)
}

/** @throws BrokerError the error of the first failed part of a request, if there is one */
function throwFailure(response: MqResponse): void {
  for (const outcome of outcomesOf(response)) {
    if ('error' in outcome && outcome.error !== undefined) throw brokerErrorOf(outcome.error)
  }
}

function outcomesOf(response: MqResponse) {
  if ('partitions' in response) return response.partitions
  if ('topics' in response) return response.topics
  return 'entities' in response ? response.entities : []
}

/**
 * What was done in time, but not seen to be done, would look different to a retry; and a broker that
 * changes a topic has read the latest state of it.
 */
function isFinal(asked: MqRequest | undefined, error: unknown): boolean {
  if (!(error instanceof BrokerError) || asked === undefined || !changes.has(asked.type))
    return false
  return error.code === 'REQUEST_TIMED_OUT' || error.code === 'UNKNOWN_TOPIC_OR_PARTITION'
}

const changes: ReadonlySet<MqRequest['type']> = new Set<MqRequest['type']>([
  'alterConfigs',
  'alterPartitionReassignments',
  'createPartitions',
  'createTopics',
  'deleteTopics',
])
