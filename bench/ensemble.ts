// Servers under measurement, as separate processes: `node dist/daemon/main.js` configured by flags.

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Address } from '../src/address.ts'
import {
  cpuMicrosOf,
  fourLetterWord,
  freePorts,
  memoryMiBOf,
  run,
  stopProcess,
  untilServing,
} from './processes.ts'
import { type DialectName, RawConnection } from './raw-connection.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

const sessionTimeoutMs = 30_000

/** A server of a system that this program started. */
export interface SubjectServer {
  readonly client: Address
  /** the file of its output */
  readonly log: string
  /** Runs it on its data, once the process before has ended. */
  readonly start: () => ChildProcess
  process: ChildProcess
}

export interface BenchServer extends SubjectServer {
  readonly id: number
}

/** A system under measurement. */
export interface Subject {
  readonly addresses: readonly Address[]
  /** User and system time of all servers so far; undefined if unknown. */
  cpuMicros(): number | undefined
  /** Resident memory of each server, in MiB; undefined if unknown. */
  memoryMiB(): readonly number[] | undefined
  stop(): Promise<void>
}

/** One whose servers can be observed and restarted each. */
export interface StartedSubject extends Subject {
  readonly servers: readonly SubjectServer[]
}

interface EnsembleOptions {
  readonly logLevel?: 'warn' | 'info'
  /** how many of the servers are observers: the last ones */
  readonly observers?: number
  /** further flags of each server */
  readonly flags?: readonly string[]
  /** options of node for each server */
  readonly nodeOptions?: readonly string[]
  /** the root of a built checkout; this one by default */
  readonly checkout?: string | undefined
}

export class BenchEnsemble implements StartedSubject {
  readonly servers: readonly BenchServer[]
  readonly #directory: string

  private constructor(servers: readonly BenchServer[], directory: string) {
    this.servers = servers
    this.#directory = directory
  }

  /**
   * Starts the servers and waits until each one serves.
   *
   * @param parent directory for their data until `stop`; on the disk to be measured
   */
  static async start(
    size: number,
    parent: string,
    options: EnsembleOptions = {},
  ): Promise<BenchEnsemble> {
    const { logLevel = 'warn', observers = 0, flags = [], nodeOptions = [] } = options
    const { checkout = root } = options
    const program = join(checkout, 'dist/daemon/main.js')
    const directory = mkdtempSync(join(parent, `ensemble-${size}-`))
    const ports = await freePorts(size * 2)
    const members = Array.from({ length: size }, (_, i) => ({
      id: i + 1,
      clientPort: ports[i] ?? 0,
      peerPort: ports[size + i] ?? 0,
    }))
    const lines = members.map(
      ({ id, peerPort }) =>
        `--server.${id}=127.0.0.1:${peerPort}:${peerPort}${id > size - observers ? ':observer' : ''}`,
    )
    const servers = members.map(({ id, clientPort }) => {
      const log = join(directory, `server-${id}.log`)
      const args = [
        ...(size === 1 ? [] : lines),
        `--myid=${id}`,
        `--data-dir=${join(directory, String(id))}`,
        `--client-port=${clientPort}`,
        '--client-port-address=127.0.0.1',
        '--max-client-cnxns=0',
        `--log-level=${logLevel}`,
        ...flags,
      ]
      const client = { host: '127.0.0.1', port: clientPort }
      const start = () => run(process.execPath, [...nodeOptions, program, ...args], log)
      return { id, client, log, start, process: start() }
    })
    const ensemble = new BenchEnsemble(servers, directory)
    try {
      await Promise.all(servers.map((server) => ensemble.untilServing(server)))
    } catch (error) {
      await ensemble.stop()
      throw error
    }
    return ensemble
  }

  get addresses(): Address[] {
    return this.servers.map(({ client }) => client)
  }

  cpuMicros(): number | undefined {
    return cpuMicrosOf(this.#processes)
  }

  memoryMiB(): readonly number[] | undefined {
    return memoryMiBOf(this.#processes)
  }

  get #processes(): ChildProcess[] {
    return this.servers.map(({ process }) => process)
  }

  /** The current leader, if there is one. */
  async leader(): Promise<BenchServer | undefined> {
    return leaderOf(this.servers)
  }

  /** Kills it with SIGKILL, and waits for its exit. */
  async kill({ process }: BenchServer): Promise<void> {
    const ended = once(process, 'exit')
    process.kill('SIGKILL')
    await ended
  }

  /** Restarts a killed server, and waits until it serves. */
  async revive(server: BenchServer): Promise<void> {
    server.process = server.start()
    await this.untilServing(server)
  }

  /** A server that does not lead; the only one, if it stands alone. */
  async follower(): Promise<Address> {
    for (const { client } of this.servers) {
      if (!/^Mode: leader$/m.test(await fourLetterWord(client, 'srvr'))) return client
    }
    return this.addresses[0] as Address
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map(({ process }) => stopProcess(process)))
    rmSync(this.#directory, { recursive: true, force: true })
  }

  /** Resolves once it accepts a new session. */
  async untilServing(server: BenchServer): Promise<void> {
    await untilServing(server, () => openSession(server.client, 'native'))
  }
}

/** The server that says it leads, in the words of ZooKeeper. */
export async function leaderOf<Server extends SubjectServer>(
  servers: readonly Server[],
): Promise<Server | undefined> {
  for (const server of servers) {
    if (server.process.exitCode !== null || server.process.signalCode !== null) continue
    if (/^Mode: leader$/m.test(await fourLetterWord(server.client, 'srvr'))) return server
  }
  return undefined
}

/** Opens a session and closes it. */
export async function openSession(client: Address, dialect: DialectName): Promise<void> {
  const options = { dialect, timeoutMs: sessionTimeoutMs, failed: () => undefined }
  const connection = await RawConnection.connect(client, options)
  await connection.request({ type: 'closeSession' })
  connection.close()
}
