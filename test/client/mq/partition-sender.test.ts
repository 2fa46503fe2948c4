import t from 'tap'
import { Producer } from '../../../src/client/mq/producer.ts'
import { liveMq, type MqWorld } from '../../sim/mq/life.ts'
import { topic } from '../../sim/mq/load.ts'
import { brokerPort } from '../../sim/mq/sim-broker.ts'
import { SimProcess } from '../../sim/process.ts'
import { simWorld } from '../../sim/sim-world.ts'

t.test(
  'no batch fails because its answer is late and those of later batches are not',
  async (t) => {
    const script = async (world: MqWorld) => {
      const [slow] = world.brokers
      if (slow === undefined) return
      // Its answers arrive after the time-out of a request.
      world.network.slow(slow.name, host, 5000)
      const producer = makeProducer(world)
      const outcomes: Promise<PromiseSettledResult<unknown>[]> = Promise.allSettled(
        Array.from({ length: 300 }, (_, i) => {
          const value = `late-${i}`
          world.show({ type: 'sent', producer: host, partition: 0, value })
          return producer.send({ topic, partition: 0, value })
        }),
      )
      let settled: PromiseSettledResult<unknown>[] | undefined
      void outcomes.then((all) => {
        settled = all
      })
      await world.until('all records are settled', () => settled !== undefined)
      const failed = settled?.filter(({ status }) => status === 'rejected')
      t.same(failed, [], 'every record is stored')
      await producer.close()
    }
    for (const seed of [1, 2, 3]) await liveMq(seed, { script })
  },
)

const host = 'late'

function makeProducer({ network, queue, random, brokers }: MqWorld): Producer {
  return new Producer({
    brokers: brokers.map(({ name }) => ({ host: name, port: brokerPort })),
    world: simWorld({ network, process: new SimProcess(queue), random, host }),
    sendTo: 'random',
    batchBytes: 1,
    inFlightMax: 64,
    requestTimeoutMs: 1000,
    deliveryTimeoutMs: 60_000,
  })
}
