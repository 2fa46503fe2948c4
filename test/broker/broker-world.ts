// A standalone ZooWeeper server and brokers on it, all in this process, on free ports.

import { join } from 'node:path'
import type { Test } from 'tap'
import type { Address } from '../../src/address.ts'
import { assembleBroker, type Broker } from '../../src/broker/broker.ts'
import { readConfig as readBrokerConfig } from '../../src/broker/config.ts'
import { loadOpenBlock } from '../../src/broker/open-block.ts'
import { ZkClient } from '../../src/client/zk/zk-client.ts'
import type { Server } from '../../src/daemon/server.ts'
import { silentLogger } from '../../src/logger.ts'
import { Credentials, type CredentialsParts } from '../../src/protocol/tls/credentials.ts'
import { realDisk } from '../../src/real-disk.ts'
import { realWorld } from '../../src/real-world.ts'
import { realServer } from '../daemon/real-server.ts'
import { readSecret, testSecret } from './test-secret.ts'

const host = '127.0.0.1'

export class BrokerWorld {
  readonly dataDir: string
  #server: Server
  /** the last broker made for each id */
  readonly #brokers = new Map<number, Broker>()
  readonly #made: Broker[] = []
  readonly #flags: readonly string[]
  readonly #closes: (() => Promise<void> | void)[] = []

  constructor(dataDir: string, flags: readonly string[]) {
    this.dataDir = dataDir
    this.#flags = flags
    this.#server = makeServer(dataDir, 0)
  }

  get addresses(): Address[] {
    return [...this.#brokers.values()].flatMap(({ port }) =>
      port === undefined ? [] : { host, port },
    )
  }

  get zooweeper(): string {
    return `${host}:${this.#server.clientPort}`
  }

  broker(id: number): Broker {
    const found = this.#brokers.get(id)
    if (found === undefined) throw new Error(`There is no broker ${id}`)
    return found
  }

  async startServer(): Promise<void> {
    await this.#server.start()
  }

  /** @returns a way to start it again, on the same port with the same data */
  async stopServer(): Promise<() => Promise<void>> {
    const port = this.#server.clientPort
    await this.#server.stop()
    return async () => {
      this.#server = makeServer(this.dataDir, port)
      await this.#server.start()
    }
  }

  /** As `mimicqd --id N` with these flags, not started. */
  makeBroker(id: number, ...flags: string[]): Broker {
    const read = readBrokerConfig(
      [
        `--id=${id}`,
        '--port=0',
        `--zooweeper=${this.zooweeper}`,
        `--data-dir=${join(this.dataDir, `broker-${id}`)}`,
        '--session-timeout=500',
        '--replica.lag.time.max.ms=500',
        ...this.#flags,
        ...flags,
      ],
      {},
    )
    if (read.type !== 'config') throw new Error(String(read.text))
    const { config } = read
    const world = { ...realWorld(), logger: silentLogger, disk: realDisk(config.dataDir) }
    const reading = { readSecret, readCredentials, loadOpenBlock }
    const broker = assembleBroker({ config, world, ...reading, onFailure: fail })
    this.#brokers.set(id, broker)
    this.#made.push(broker)
    return broker
  }

  async startBroker(id: number, ...flags: string[]): Promise<Broker> {
    const broker = this.makeBroker(id, ...flags)
    await broker.start()
    return broker
  }

  async zk(): Promise<ZkClient> {
    const zk = new ZkClient({ servers: [{ host, port: this.#server.clientPort }] })
    await zk.connect()
    await zk.addAuth('digest', testSecret.credential)
    this.#closes.push(() => zk.close())
    return zk
  }

  /** Closes it after the test, before anything that it talks to. */
  use<T extends { close(): Promise<void> | void }>(client: T): T {
    this.#closes.push(() => client.close())
    return client
  }

  async stop(): Promise<void> {
    for (const close of this.#closes.reverse()) await close()
    await Promise.all(this.#made.map((broker) => broker.stop()))
    await this.#server.stop()
  }
}

function makeServer(dataDir: string, port: number): Server {
  return realServer([
    `--data-dir=${join(dataDir, 'zk')}`,
    `--client-port=${port}`,
    '--client-port-address=127.0.0.1',
    '--log-segment-bytes=4194304',
    '--tick-time=100',
  ])
}

const readCredentials = (parts: CredentialsParts): Credentials => new Credentials(parts)

function fail(error: Error): void {
  throw error
}

/** Runs `claim` with brokers 1 to `brokers`, and stops all before their data is removed. */
export function worldTest(
  t: Test,
  claim: string,
  options: { readonly brokers: number; readonly flags?: readonly string[] },
  run: (t: Test, world: BrokerWorld) => Promise<void>,
): void {
  t.test(claim, async (t) => {
    const world = new BrokerWorld(t.testdir(), options.flags ?? [])
    try {
      await world.startServer()
      const ids = Array.from({ length: options.brokers }, (_, i) => i + 1)
      await Promise.all(ids.map((id) => world.startBroker(id)))
      await run(t, world)
    } finally {
      await world.stop()
    }
  })
}

/** Repeats the question until the answer is as wanted, or the test times out. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setImmediate(resolve))
}
