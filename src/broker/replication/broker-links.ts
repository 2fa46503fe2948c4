// Links from this broker to the others, one per broker, opened on first use: they pass clients'
// requests on and fetch from leaders. A link belongs to one life of the other broker and one life
// of this broker, which its hello names.

import type { Address } from '../../address.ts'
import {
  type Introduction,
  type LinkProver,
  MqConnection,
  type Outcome,
} from '../../client/mq/mq-connection.ts'
import type { Clock } from '../../clock.ts'
import type { MqRequest, ResponseOf } from '../../protocol/mq/apis.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import type { Transport } from '../../protocol/transport/transport.ts'
import type { ClusterImage } from '../cluster/cluster-image.ts'

interface BrokerLinksOptions {
  readonly image: ClusterImage
  readonly transport: Transport
  /** to brokers that are registered with TLS; undefined: as to the others */
  readonly secureTransport?: Transport | undefined
  readonly clock: Clock
  /** this broker's hello in its current life */
  readonly hello: () => Introduction
  /** a new prover for each link */
  readonly prover: (acceptor: BrokerId) => LinkProver
}

interface Life {
  readonly epoch: number
  readonly ownEpoch: number
  readonly connection: MqConnection
}

export class BrokerLinks {
  readonly #options: BrokerLinksOptions
  readonly #lives = new Map<BrokerId, Life>()

  constructor(options: BrokerLinksOptions) {
    this.#options = options
  }

  /** @throws BrokerError as `MqConnection.call`, or BROKER_NOT_AVAILABLE if it is not registered */
  call<T extends MqRequest>(
    id: BrokerId,
    request: T,
    timeoutMs: number,
  ): Promise<ResponseOf<T['type']>> {
    const connection = this.#connection(id)
    return connection?.call(request, timeoutMs) ?? Promise.reject(unregistered(id))
  }

  /** As `MqConnection.ask`; BROKER_NOT_AVAILABLE if the broker is not registered. */
  ask<T extends MqRequest>(
    id: BrokerId,
    request: T,
    timeoutMs: number,
    outcome: Outcome<ResponseOf<T['type']>>,
  ): void {
    const connection = this.#connection(id)
    if (connection === undefined) outcome.failed(unregistered(id))
    else connection.ask(request, timeoutMs, outcome)
  }

  /** Sends a request that has no response. */
  post(id: BrokerId, request: MqRequest): void {
    this.#connection(id)?.post(request)
  }

  /** Closes the links to brokers that are gone or have restarted. */
  imageChanged(): void {
    for (const [id, { epoch, connection }] of this.#lives) {
      if (this.#options.image.brokers.get(id)?.epoch !== epoch) connection.close()
    }
  }

  close(): void {
    for (const { connection } of this.#lives.values()) connection.close()
  }

  #connection(id: BrokerId): MqConnection | undefined {
    const { image, transport, secureTransport = transport, clock, hello, prover } = this.#options
    const broker = image.brokers.get(id)
    if (broker === undefined) return undefined
    const life = this.#lives.get(id)
    const introduction = hello()
    const { brokerEpoch: ownEpoch } = introduction
    const isCurrent = life?.epoch === broker.epoch && life.ownEpoch === ownEpoch
    if (isCurrent && !life.connection.isClosed) return life.connection
    life?.connection.close()
    const address: Address = broker
    const onClosed = (closed: MqConnection) => {
      if (this.#lives.get(id)?.connection === closed) this.#lives.delete(id)
    }
    const connection = new MqConnection({
      transport: broker.isSecure === true ? secureTransport : transport,
      address,
      clock,
      hello: introduction,
      prover: prover(id),
      onClosed,
    })
    this.#lives.set(id, { epoch: broker.epoch, ownEpoch, connection })
    return connection
  }
}

function unregistered(id: BrokerId): BrokerError {
  const message = `Cannot reach broker ${id}: it is not registered`
  return new BrokerError('BROKER_NOT_AVAILABLE', message)
}
