// A client in a life of brokers that cannot wait: it asks each broker that starts for the topic of the
// load, again and again until it is answered. A broker that answers before it knows the cluster would
// say that there is no such topic (docs/correctness.md, B18).

import { MqConnection } from '../../../src/client/mq/mq-connection.ts'
import { invariant } from '../../../src/invariant.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import { noBroker } from '../../../src/protocol/mq/messages.ts'
import type { ClientWorld } from '../../../src/world.ts'
import { SimProcess } from '../process.ts'
import { simWorld } from '../sim-world.ts'
import { type LoadParts, topic } from './load.ts'
import { brokerPort, type SimBroker } from './sim-broker.ts'

const againMs = 2
const callMs = 1000

export class Asker {
  readonly #parts: LoadParts
  readonly #world: ClientWorld

  constructor(parts: LoadParts) {
    const { network, queue, random } = parts
    this.#parts = parts
    this.#world = simWorld({ network, process: new SimProcess(queue), random, host: 'c-asker' })
  }

  /** Asks it until it answers, or this life of it ends. */
  ask(broker: SimBroker): void {
    const { life } = broker
    const again = (): void => {
      if (broker.process === undefined || broker.life !== life) return
      this.#ask(broker).then(
        () => this.#parts.cover('starting broker asked'),
        (error: unknown) => {
          if (error instanceof BrokerError) this.#world.clock.after(againMs, again)
          else this.#parts.fail(error as Error)
        },
      )
    }
    again()
  }

  /** @throws BrokerError it does not answer; InvariantError */
  async #ask({ name, life }: SimBroker): Promise<void> {
    const { transport, clock } = this.#world
    const connection = new MqConnection({
      transport,
      clock,
      address: { host: name, port: brokerPort },
      hello: {
        role: 'client',
        clusterId: undefined,
        name: 'asker',
        brokerId: noBroker,
        brokerEpoch: 0,
      },
    })
    try {
      const { cluster } = await connection.call({ type: 'metadata', topics: [topic] }, callMs)
      const found = cluster.topics[0]?.partitions.length ?? 0
      const what = `${found} of ${this.#parts.partitions} partitions, by ${life}`
      invariant(found === this.#parts.partitions, `a broker that answers knows the topic: ${what}`)
    } finally {
      connection.close()
    }
  }
}
