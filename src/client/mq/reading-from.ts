// The broker that a consumer reads: picked at random or given, for all partitions of which it has a
// replica; for the others it would only pass the request on, so they are read from their leaders. If it
// dies, another is picked.

import { type BrokerId, noBroker } from '../../protocol/mq/messages.ts'
import type { BrokerInfo } from '../../protocol/mq/metadata.ts'
import type { MqCluster } from './mq-cluster.ts'
import type { TopicPartition } from './options.ts'

interface ReadingFromOptions {
  readonly cluster: MqCluster
  /** the one to begin with */
  readonly broker: number | undefined
  /** Also while it is down. */
  readonly stayWithBroker: boolean
  readonly onMoved: (to: BrokerId) => void
}

export class ReadingFrom {
  readonly #options: ReadingFromOptions
  #broker: BrokerInfo | undefined

  constructor(options: ReadingFromOptions) {
    this.#options = options
  }

  get broker(): BrokerId | undefined {
    return this.#broker?.id
  }

  /** undefined if no broker is known */
  source({ topic, partition }: TopicPartition): BrokerInfo | undefined {
    const broker = this.#current()
    if (broker === undefined || this.#options.stayWithBroker) return broker
    const { metadata } = this.#options.cluster
    const found = metadata.topic(topic)?.partitions[partition]
    if (found === undefined || found.replicas.includes(broker.id)) return broker
    return found.leader === noBroker ? broker : (metadata.broker(found.leader) ?? broker)
  }

  /** Its partitions notice separately; the first moves all of them. */
  lost(broker: BrokerInfo): void {
    if (this.#broker?.id !== broker.id) return
    if (this.#options.stayWithBroker) {
      this.#broker = undefined // it may return with another address
      return
    }
    const { metadata, random } = this.#options.cluster
    this.#moveTo(metadata.pick(random, broker.id))
  }

  #current(): BrokerInfo | undefined {
    if (this.#broker !== undefined) return this.#broker
    const { cluster, broker: wanted, stayWithBroker } = this.#options
    const { metadata, random } = cluster
    const preferred = wanted === undefined ? undefined : metadata.broker(wanted as BrokerId)
    const isFree = wanted === undefined || !stayWithBroker
    const chosen = preferred ?? (isFree ? metadata.pick(random) : undefined)
    this.#moveTo(chosen)
    return chosen
  }

  #moveTo(broker: BrokerInfo | undefined): void {
    const before = this.#broker?.id
    this.#broker = broker
    if (broker !== undefined && broker.id !== before) this.#options.onMoved(broker.id)
  }
}
