// The systems under comparison, as processes on this machine: three brokers of ours on one server of
// ZooWeeper, Debian's Redis, and three of Debian's NATS servers.

import type { ChildProcess } from 'node:child_process'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Address, formatAddress } from '../../src/address.ts'
import { MqAdmin } from '../../src/client/mq/mq-admin.ts'
import { readSecretFile } from '../../src/secret-file.ts'
import { BenchEnsemble, type Subject } from '../ensemble.ts'
import { cpuMicrosOf, freePorts, memoryMiBOf, run, stopProcess } from '../processes.ts'
import type { SystemKind } from './channel.ts'
import { NatsConnection } from './nats-channel.ts'
import { BenchSocket } from './socket.ts'
import { streamName } from './streams.ts'

const startMs = 60_000
const replicas = 3
/** Those of `zw up`: with longer ticks no session is as short as brokers ask for. */
const serverFlags = ['--tick-time=250', '--init-limit=40', '--sync-limit=10']
const host = '127.0.0.1'

export interface MqSystem extends Subject {
  readonly kind: SystemKind
  createTopic(topic: string, partitions: number): Promise<void>
}

/** Starts a system, or a build of ours; its data are in a new directory under `parent`. */
export type StartSystem = (parent: string) => Promise<MqSystem>

/** @returns why the program cannot run, or undefined */
export function programProblem(program: string, ...args: readonly string[]): string | undefined {
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return undefined
  } catch {
    return `${program} is missing: install the Debian package ${program}`
  }
}

/** Processes and the directory of their data. */
abstract class Processes {
  readonly addresses: readonly Address[]
  readonly #processes: ChildProcess[]
  readonly #directory: string

  protected constructor(started: Started) {
    this.addresses = started.addresses
    this.#processes = [...started.processes]
    this.#directory = started.directory
  }

  cpuMicros(): number | undefined {
    return cpuMicrosOf(this.#processes)
  }

  memoryMiB(): readonly number[] | undefined {
    return memoryMiBOf(this.#processes)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map(stopProcess))
    rmSync(this.#directory, { recursive: true, force: true })
  }

  /** Of all of them, in the order of their addresses. */
  get processes(): readonly ChildProcess[] {
    return this.#processes
  }

  /** Puts a process in the place of one that has ended. */
  protected replaceProcess(index: number, process: ChildProcess): void {
    this.#processes[index] = process
  }

  /** Tries again until it succeeds, all processes have ended, or it takes too long. */
  protected async untilServing(serves: () => Promise<void>): Promise<void> {
    const deadline = performance.now() + startMs
    for (;;) {
      try {
        await serves()
        return
      } catch (cause) {
        const haveEnded = this.#processes.every(({ exitCode }) => exitCode !== null)
        if (haveEnded || performance.now() > deadline) {
          await this.stop()
          throw new Error(`Cannot measure: a system does not serve`, { cause })
        }
        await delay(50)
      }
    }
  }
}

interface Started {
  readonly addresses: readonly Address[]
  readonly processes: readonly ChildProcess[]
  readonly directory: string
}

/** Three brokers of Mimic Queue; the CPU time of the ensemble beneath is not counted. */
export class Brokers extends Processes implements MqSystem {
  readonly kind = 'mimic queue'
  readonly ensemble: BenchEnsemble
  readonly #runBroker: (index: number) => ChildProcess

  private constructor(
    started: Started,
    ensemble: BenchEnsemble,
    runBroker: (index: number) => ChildProcess,
  ) {
    super(started)
    this.ensemble = ensemble
    this.#runBroker = runBroker
  }

  /**
   * @param checkout the root of a built checkout of this project; by default this one
   * @param nodeOptions options of node for the first broker, such as `--cpu-prof`
   */
  static async start(
    parent: string,
    { checkout, nodeOptions = [], servers = 1 }: BrokersOptions = {},
  ): Promise<Brokers> {
    const root = checkout ?? fileURLToPath(new URL('../..', import.meta.url))
    const program = join(root, 'dist/broker/main.js')
    const ensemble = await BenchEnsemble.start(servers, parent, { flags: serverFlags })
    const directory = mkdtempSync(join(parent, 'brokers-'))
    const secret = join(directory, 'secret')
    readSecretFile({ path: secret, quoted: secret, randomBytes })
    const ports = await freePorts(replicas)
    const runBroker = (i: number) => {
      const args = [
        ...(i === 0 ? nodeOptions : []),
        program,
        ...['--id', String(i + 1), '--host', host, '--port', String(ports[i])],
        ...['--zooweeper', ensemble.addresses.map(formatAddress).join(',')],
        ...['--secret-file', secret, '--data-dir', join(directory, String(i + 1))],
        ...['--log-level', 'warn'],
      ]
      return run(process.execPath, args, join(directory, `${i + 1}.log`))
    }
    const processes = ports.map((_, i) => runBroker(i))
    const addresses = ports.map((port) => ({ host, port }))
    const brokers = new Brokers({ addresses, processes, directory }, ensemble, runBroker)
    await brokers.untilServing(async () => {
      const { brokers: live } = await brokers.asAdmin((admin) => admin.cluster())
      if (live.length < replicas) throw new Error(`only ${live.length} brokers are registered`)
    })
    return brokers
  }

  async createTopic(topic: string, partitions: number): Promise<void> {
    await this.asAdmin((admin) => admin.createTopic({ topic, partitions, replicas }))
  }

  /** Ends one broker with SIGKILL, and waits for its exit. */
  async kill(index: number): Promise<void> {
    const process = this.processes[index]
    if (process === undefined) return
    const ended = once(process, 'exit')
    process.kill('SIGKILL')
    await ended
  }

  /** Starts a broker again that has ended. */
  restart(index: number): void {
    this.replaceProcess(index, this.#runBroker(index))
  }

  override async stop(): Promise<void> {
    await super.stop()
    await this.ensemble.stop()
  }

  async asAdmin<T>(use: (admin: MqAdmin) => Promise<T>): Promise<T> {
    const brokers = this.addresses.map(formatAddress)
    const admin = new MqAdmin({ brokers, timeoutMs: startMs })
    try {
      return await use(admin)
    } finally {
      admin.close()
    }
  }
}

export interface BrokersOptions {
  readonly checkout?: string
  readonly nodeOptions?: readonly string[]
  /** of ZooWeeper beneath them */
  readonly servers?: number
}

/** One server, since Redis has no acks of replicas that say what is on their disks. */
export class Redis extends Processes implements MqSystem {
  readonly kind = 'redis'

  private constructor(started: Started) {
    super(started)
  }

  static async start(parent: string): Promise<Redis> {
    const directory = mkdtempSync(join(parent, 'redis-'))
    const [port = 0] = await freePorts(1)
    const args = [
      ...['--bind', host, '--port', String(port), '--dir', directory, '--save', ''],
      ...['--appendonly', 'yes', '--appendfsync', 'always'],
    ]
    const processes = [run('redis-server', args, join(directory, 'log'))]
    const redis = new Redis({ addresses: [{ host, port }], processes, directory })
    await redis.untilServing(async () => {
      const ignore = () => undefined
      const socket = await BenchSocket.connect({ host, port }, ignore, ignore)
      socket.close()
    })
    return redis
  }

  /** A stream exists once it has an entry. */
  async createTopic(): Promise<void> {
    return undefined
  }
}

/** Three servers; a message is acknowledged when two have it, and synced when they please. */
export class Nats extends Processes implements MqSystem {
  readonly kind = 'nats'

  private constructor(started: Started) {
    super(started)
  }

  static async start(parent: string): Promise<Nats> {
    const directory = mkdtempSync(join(parent, 'nats-'))
    const ports = await freePorts(replicas * 2)
    const routes = ports.slice(replicas).map((port) => `nats-route://${host}:${port}`)
    const processes = Array.from({ length: replicas }, (_, i) => {
      const own = join(directory, String(i + 1))
      mkdirSync(own)
      const file = join(own, 'nats.conf')
      const lines = [
        `server_name: n${i + 1}`,
        `listen: ${host}:${ports[i]}`,
        `jetstream { store_dir: ${own} }`,
        `cluster { name: bench, listen: ${host}:${ports[replicas + i]}, routes: [${routes}] }`,
      ]
      writeFileSync(file, `${lines.join('\n')}\n`)
      return run('nats-server', ['-c', file], join(own, 'log'))
    })
    const addresses = ports.slice(0, replicas).map((port) => ({ host, port }))
    const nats = new Nats({ addresses, processes, directory })
    // The same stream again is no error.
    await nats.untilServing(() => nats.createTopic('first', 1))
    return nats
  }

  async createTopic(topic: string, partitions: number): Promise<void> {
    const connection = await NatsConnection.connect({
      addresses: this.addresses,
      failed: () => undefined,
    })
    for (let partition = 0; partition < partitions; partition++) {
      const name = streamName({ topic }, partition)
      await connection.request(`$JS.API.STREAM.CREATE.${name}`, {
        name,
        subjects: [name],
        storage: 'file',
        num_replicas: replicas,
      })
    }
    connection.close()
  }
}
