// npm run bench -- partitions: three brokers with very many partitions. How long they take to make,
// what they cost while nothing happens, and how long a broker's partitions are without a leader when
// it is killed.

import { setTimeout as delay } from 'node:timers/promises'
import { formatAddress } from '../../src/address.ts'
import { Producer } from '../../src/client/mq/producer.ts'
import type { ClusterInfo } from '../../src/protocol/mq/metadata.ts'
import { cpuMicrosOf, fourLetterWord, memoryMiBOf, openFilesOf } from '../processes.ts'
import { figure, table } from '../report.ts'
import { Brokers } from './systems.ts'

/** Partitions of each topic: the most that one may have. */
const topicPartitions = 1000
/** How long brokers settle before a measurement. */
const settleMs = 6000
const idleMs = 20_000
/** How often the cluster is looked at while a broker returns. */
const checkMs = 500
/** The broker that is killed, by index. */
const victim = 0

/** Goals of the project: most ms of a failover, and most µs of CPU time per second without work. */
const goals = { failoverMs: 5000, idleMicrosPerSecond: 50_000 }

export interface PartitionsRunOptions {
  readonly total: number
  readonly replicas: number
  readonly servers: number
  readonly nodeOptions: string
  readonly dir: string
}

/** What each step found. */
export interface PartitionsFound {
  readonly create: Found
  readonly idle: Found
  readonly failover: Found
  readonly restart: Found
}

export async function runPartitions(
  { total, replicas, servers, nodeOptions, dir }: PartitionsRunOptions,
  { print, figures }: { readonly print: (text: string) => void; readonly figures: unknown[] },
): Promise<PartitionsFound> {
  print(`Three brokers and ${servers} ZooWeeper server(s), ${figure(total)} partitions of ${replicas} replicas in topics of up to ${figure(topicPartitions)}.

create    all topics, one after the other, until each partition has a leader
idle      CPU time of a broker, % of one core, over ${idleMs / 1000} s without clients
failover  from SIGKILL of broker ${victim + 1} until a record is stored (acks=all) in every partition that it led
restart   from its start until every replica is in sync again
writes    transactions of ZooWeeper
`)
  const brokers = await Brokers.start(dir, {
    servers,
    nodeOptions: nodeOptions.split(' ').filter((word) => word !== ''),
  })
  try {
    const cluster = new ManyPartitions(brokers, { total, replicas })
    const rows: string[][] = []
    const run = async (name: string, what: () => Promise<Found>): Promise<Found> => {
      const before = await cluster.transactions()
      const found = await what()
      const writes = (await cluster.transactions()) - before
      const files = openFilesOf(cluster.living)
      const memory = memoryMiBOf(cluster.living)
      figures.push({ subject: 'partitions', name, total, ...found, writes, files, memory })
      const worst = (values: readonly number[] | undefined) =>
        figure(values === undefined ? undefined : Math.max(...values))
      rows.push([name, found.shown, found.goal ?? '', figure(writes), worst(memory), worst(files)])
      print(`${name}: ${found.shown}`)
      return found
    }
    const create = await run('create', () => cluster.create())
    const idle = await run('idle', () => cluster.idle())
    const failover = await run('failover', () => cluster.failover())
    const restart = await run('restart', () => cluster.restart())
    await run('idle, after', () => cluster.idle())
    const header = ['', 'found', 'goal', 'writes', 'MiB, largest', 'open files, most']
    print(`\n${table(header, rows)}`)
    return { create, idle, failover, restart }
  } finally {
    await brokers.stop()
  }
}

interface Found {
  readonly shown: string
  readonly goal?: string
  readonly ms?: number
  readonly percent?: readonly number[]
  /** partitions that were without a leader */
  readonly led?: number
}

interface Place {
  readonly topic: string
  readonly partition: number
}

class ManyPartitions {
  readonly #brokers: Brokers
  readonly #total: number
  readonly #replicas: number

  constructor(brokers: Brokers, { total, replicas }: { total: number; replicas: number }) {
    this.#brokers = brokers
    this.#total = total
    this.#replicas = replicas
  }

  /** The processes of brokers that run. */
  get living() {
    return this.#brokers.processes.filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    )
  }

  /** Of the ensemble so far. */
  async transactions(): Promise<number> {
    const leader = await this.#brokers.ensemble.leader()
    const client = leader?.client ?? this.#brokers.ensemble.addresses[0]
    if (client === undefined) return Number.NaN
    const [, hex = ''] = /^Zxid: 0x([0-9a-f]+)$/m.exec(await fourLetterWord(client, 'srvr')) ?? []
    return Number.parseInt(hex.slice(-8), 16)
  }

  async create(): Promise<Found> {
    const startMs = performance.now()
    await this.#brokers.asAdmin(async (admin) => {
      for (let made = 0; made < this.#total; made += topicPartitions) {
        const partitions = Math.min(topicPartitions, this.#total - made)
        const topic = `many-${made / topicPartitions}`
        await admin.createTopic({ topic, partitions, replicas: this.#replicas })
      }
    })
    const ms = performance.now() - startMs
    return { ms, shown: `${figure(ms)} ms` }
  }

  async idle(): Promise<Found> {
    await delay(settleMs)
    const used = () => this.living.map((process) => cpuMicrosOf([process]) ?? Number.NaN)
    const before = used()
    const startMs = performance.now()
    await delay(idleMs)
    const seconds = (performance.now() - startMs) / 1000
    const perSecond = used().map((micros, i) => (micros - (before[i] ?? 0)) / seconds)
    const percent = perSecond.map((micros) => micros / 10_000)
    const isMet = Math.max(...perSecond) <= goals.idleMicrosPerSecond
    const goal = `${isMet ? 'met' : 'MISSED'} ${goals.idleMicrosPerSecond / 10_000} %`
    return { percent, shown: `${percent.map(figure).join(', ')} %`, goal }
  }

  async failover(): Promise<Found> {
    const led = ledBy(await this.#brokers.asAdmin((admin) => admin.cluster()), victim + 1)
    const producer = new Producer({
      brokers: this.#brokers.addresses.map(formatAddress),
      deliveryTimeoutMs: 120_000,
    })
    try {
      await Promise.all(led.map((place) => store(producer, place)))
      await delay(settleMs)
      const startMs = performance.now()
      await this.#brokers.kill(victim)
      const storedMs: number[] = await Promise.all(
        led.map(async (place) => {
          await store(producer, place)
          return performance.now() - startMs
        }),
      )
      const [first, ms] = [Math.min(...storedMs), Math.max(...storedMs)]
      const shown = `${figure(ms)} ms (${figure(led.length)} partitions, the first ${figure(first)})`
      const goal = `${ms <= goals.failoverMs ? 'met' : 'MISSED'} ${figure(goals.failoverMs)}`
      return { ms, shown, goal, led: led.length }
    } finally {
      await producer.close()
    }
  }

  async restart(): Promise<Found> {
    const startMs = performance.now()
    this.#brokers.restart(victim)
    for (;;) {
      await delay(checkMs)
      const cluster = await this.#brokers.asAdmin((admin) => admin.cluster())
      const isWhole = cluster.topics.every(({ partitions }) =>
        partitions.every(({ isr, replicas }) => isr.length === replicas.length),
      )
      if (isWhole) break
    }
    const ms = performance.now() - startMs
    return { ms, shown: `${figure(ms)} ms` }
  }
}

async function store(producer: Producer, { topic, partition }: Place): Promise<void> {
  await producer.send({ topic, partition, value: 'stored' })
}

function ledBy({ topics }: ClusterInfo, broker: number): readonly Place[] {
  return topics.flatMap(({ topic, partitions }) =>
    partitions.flatMap(({ partition, leader }) => (leader === broker ? { topic, partition } : [])),
  )
}
