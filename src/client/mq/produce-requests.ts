// The produce requests of one producer: batches that are ready in the same turn and go to the same
// broker share one request, whatever their partitions.
//
// Next on the path: mq-connection.ts.

import { limits } from '../../limits.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { brokerErrorOf } from '../../protocol/mq/messages.ts'
import type { BrokerInfo } from '../../protocol/mq/metadata.ts'
import type { Produced, ProducePartition, RequiredAcks } from '../../protocol/mq/produce.ts'
import type { MqCluster } from './mq-cluster.ts'
import type { MqConnection } from './mq-connection.ts'

/** After this time without an answer, metadata are refreshed to see whether the broker is alive. */
const suspectMs = 1000
/** Allowance for an answer beyond the leader's wait for acks. */
const slackMs = 500

interface ProduceRequestsOptions {
  readonly cluster: Pick<MqCluster, 'clock' | 'turn' | 'refresh'> & {
    connectionTo(broker: BrokerInfo): Pick<MqConnection, 'call' | 'post'>
  }
  readonly acks: RequiredAcks
}

interface Draft {
  readonly broker: BrokerInfo
  readonly timeoutMs: number
  readonly partitions: ProducePartition[]
  readonly waiters: Waiter[]
  bytes: number
}

interface Waiter {
  readonly resolve: (baseOffset: number) => void
  readonly reject: (error: unknown) => void
}

export class ProduceRequests {
  readonly #options: ProduceRequestsOptions
  /** by broker, the requests of this turn; batches are added to the last one */
  readonly #drafts = new Map<number, Draft[]>()
  readonly #seal = () => this.#sendAll()

  constructor(options: ProduceRequestsOptions) {
    this.#options = options
  }

  /**
   * Batches for one partition leave in the order of the calls.
   *
   * @param timeoutMs how long the broker may wait for acks
   * @returns offset of the first record; -1 with acks none
   * @throws BrokerError
   */
  send(broker: BrokerInfo, asked: ProducePartition, timeoutMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const draft = this.#draft(broker, asked.batch.length, timeoutMs)
      draft.partitions.push(asked)
      draft.waiters.push({ resolve, reject })
      draft.bytes += asked.batch.length
      this.#options.cluster.turn.seal(this.#seal)
    })
  }

  #draft(broker: BrokerInfo, bytes: number, timeoutMs: number): Draft {
    const drafts = this.#drafts.get(broker.id) ?? []
    this.#drafts.set(broker.id, drafts)
    const last = drafts.at(-1)
    const fits =
      last !== undefined &&
      last.timeoutMs === timeoutMs &&
      last.bytes + bytes <= limits.produceRequestBytesMax
    if (fits) return last
    const draft: Draft = { broker, timeoutMs, partitions: [], waiters: [], bytes: 0 }
    drafts.push(draft)
    return draft
  }

  #sendAll(): void {
    for (const drafts of this.#drafts.values()) {
      for (const draft of drafts) void this.#sendOne(draft)
    }
    this.#drafts.clear()
  }

  async #sendOne({ broker, timeoutMs, partitions, waiters }: Draft): Promise<void> {
    try {
      const produced = await this.#call(broker, timeoutMs, partitions)
      for (const [i, waiter] of waiters.entries()) settle(waiter, produced[i])
    } catch (error) {
      for (const { reject } of waiters) reject(error)
    }
  }

  async #call(
    broker: BrokerInfo,
    timeoutMs: number,
    partitions: readonly ProducePartition[],
  ): Promise<readonly Produced[]> {
    const { cluster, acks } = this.#options
    const request = { type: 'produce', acks, timeoutMs, passedOn: false, partitions } as const
    const connection = cluster.connectionTo(broker)
    if (acks === 'none') {
      connection.post(request)
      return partitions.map(({ topic, partition }) => {
        return { topic, partition, error: undefined, baseOffset: -1, logStart: -1 }
      })
    }
    const suspect = () => void cluster.refresh().catch(() => undefined)
    const cancel = cluster.clock.after(suspectMs, suspect)
    try {
      return (await connection.call(request, timeoutMs + slackMs)).partitions
    } finally {
      cancel()
    }
  }
}

function settle({ resolve, reject }: Waiter, produced: Produced | undefined): void {
  if (produced === undefined) {
    reject(new BrokerError('UNKNOWN_SERVER_ERROR', 'Cannot use an answer: it lacks a partition'))
  } else if (produced.error !== undefined) reject(brokerErrorOf(produced.error))
  else resolve(produced.baseOffset)
}
