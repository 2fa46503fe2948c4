// Whole servers, whole brokers and the shipped clients, in the simulator's world and nothing else:
// each seed gives one life.

import t from 'tap'
import { assembleBroker } from '../../src/broker/broker.ts'
import { readConfig as readBrokerConfig } from '../../src/broker/config.ts'
import { Consumer } from '../../src/client/mq/consumer.ts'
import { MqAdmin } from '../../src/client/mq/mq-admin.ts'
import { Producer } from '../../src/client/mq/producer.ts'
import { readConfig } from '../../src/daemon/config.ts'
import { assembleServer } from '../../src/daemon/server.ts'
import { silentLogger } from '../../src/logger.ts'
import { Random } from '../../src/random.ts'
import type { World } from '../../src/world.ts'
import { readSecret } from '../broker/test-secret.ts'
import { SimDisk } from './disk.ts'
import { EventQueue } from './event-queue.ts'
import { Network } from './network.ts'
import { SimProcess } from './process.ts'
import { simWorld } from './sim-world.ts'

const ids = [1, 2, 3]
const clientPort = 2181
const brokerPort = 9092
const patienceMs = 60_000

class Life {
  readonly queue = new EventQueue()
  readonly random: Random
  readonly network: Network
  readonly #disks = new Map<string, SimDisk>()
  readonly #processes = new Map<string, SimProcess>()
  #failure: unknown

  constructor(seed: number) {
    this.random = new Random(seed)
    this.network = new Network(this.queue, this.random)
    this.network.onViolation = (error) => this.#fail(error)
  }

  /** The world of a new process; the disk stays with the host. */
  #worldOf(host: string) {
    const { network, queue, random } = this
    const process = new SimProcess(queue)
    const disk = this.#disks.get(host) ?? new SimDisk(queue, random)
    this.#disks.set(host, disk)
    this.#processes.set(host, process)
    network.hostIsBack(host)
    return {
      ...simWorld({ network, process, random, host }),
      logger: silentLogger,
      disk: disk.diskFor(process, () => undefined),
    }
  }

  readonly #fail = (error: unknown): void => {
    this.#failure ??= error
  }

  startServer(id: number): void {
    const read = readConfig(
      [
        ...[`--data-dir=/s${id}`, `--myid=${id}`, '--tick-time=500', '--bootstrap=true'],
        ...[`--client-port=${clientPort}`, `--client-port-address=s${id}`],
        ...ids.map((peer) => `--server.${peer}=s${peer}:1:1`),
      ],
      {},
    )
    if (read.type !== 'config') throw new Error(String(read.text))
    const config = { ...read.config, logSegmentBytes: 16_384 }
    const world = this.#worldOf(`s${id}`)
    assembleServer({ config, world, onFailure: this.#fail }).start().catch(this.#fail)
  }

  /** Resolves when the broker is registered. */
  startBroker(id: number): Promise<void> {
    const servers = ids.map((server) => `s${server}:${clientPort}`).join()
    const read = readBrokerConfig(
      [
        ...[`--id=${id}`, `--host=b${id}`, `--port=${brokerPort}`, `--advertised-host=b${id}`],
        ...[`--zooweeper=${servers}`, `--data-dir=/b${id}`],
      ],
      {},
    )
    if (read.type !== 'config') throw new Error(String(read.text))
    const world: World = this.#worldOf(`b${id}`)
    return assembleBroker({
      config: read.config,
      world,
      readSecret,
      onFailure: this.#fail,
    }).start()
  }

  /** A host loses power: its process is gone, and so is what it did not sync. */
  cut(host: string): void {
    const process = this.#processes.get(host)
    if (process === undefined) throw new Error(`There is no ${host}`)
    process.end()
    this.network.processEnded(process, { silent: false })
    this.#disks.get(host)?.powerCut()
  }

  clientWorld() {
    const { network, queue, random } = this
    return simWorld({ network, process: new SimProcess(queue), random, host: 'c1' })
  }

  /** Lets time pass until the promise is settled. */
  async until<T>(what: Promise<T>): Promise<T> {
    let isSettled = false
    const settled = what.finally(() => {
      isSettled = true
    })
    settled.catch(() => undefined)
    const untilMs = this.queue.nowMs + patienceMs
    for (;;) {
      // Promises that need no event proceed first.
      await new Promise((resolve) => setImmediate(resolve))
      if (this.#failure !== undefined) throw this.#failure
      if (isSettled) return settled
      const run = this.queue.take(untilMs)
      if (run === undefined) throw new Error(`It takes more than ${patienceMs} ms`)
      run()
    }
  }
}

async function live(seed: number) {
  const life = new Life(seed)
  for (const id of ids) life.startServer(id)
  await life.until(Promise.all(ids.map((id) => life.startBroker(id))))
  const world = life.clientWorld()
  const brokers = ids.map((id) => ({ host: `b${id}`, port: brokerPort }))
  const admin = new MqAdmin({ brokers, world, timeoutMs: 30_000 })
  await life.until(admin.createTopic({ topic: 'goals', partitions: 2, replicas: 3 }))

  const producer = new Producer({ brokers, world, sendTo: 'random' })
  const send = async (from: number, to: number) => {
    const stored = []
    for (let i = from; i < to; i++) {
      stored.push(producer.send({ topic: 'goals', partition: i % 2, value: `goal ${i}` }))
    }
    await life.until(Promise.all(stored))
  }
  await send(0, 20)
  life.cut('b2')
  await send(20, 40)
  await life.until(life.startBroker(2))
  for (const id of ids) life.cut(`s${id}`)
  for (const id of ids) life.startServer(id)
  await send(40, 60)

  const consumer = new Consumer({ brokers, world, topic: 'goals', from: 'beginning' })
  const values: string[][] = [[], []]
  while (values.flat().length < 60) {
    for (const { partition, value } of await life.until(consumer.take())) {
      values[partition]?.push(Buffer.from(value ?? []).toString())
    }
  }
  await life.until(producer.close())
  await life.until(consumer.close())
  admin.close()
  return { values, events: life.queue.eventCount, atMs: life.queue.nowMs }
}

t.test('records go through whole brokers on whole servers, over power cuts', async (t) => {
  const { values } = await live(1)
  const wanted = (partition: number) =>
    Array.from({ length: 30 }, (_, i) => `goal ${2 * i + partition}`)
  t.same(values, [wanted(0), wanted(1)], 'each once, in order')
})

t.test('a seed decides all of it', async (t) => {
  t.same(await live(7), await live(7))
})
