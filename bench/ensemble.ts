// Servers under measurement, as separate processes: `node dist/daemon/main.js` configured by flags.

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Address } from '../src/address.ts'
import {
  cpuMicrosOf,
  fourLetterWord,
  freePorts,
  memoryMiBOf,
  run,
  stopProcess,
} from './processes.ts'
import { RawConnection } from './raw-connection.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

const startMs = 30_000
const sessionTimeoutMs = 30_000

export interface BenchServer {
  readonly id: number
  readonly client: Address
  /** the command, and the file of its output */
  readonly args: readonly string[]
  readonly program: string
  readonly log: string
  process: ChildProcess
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

interface EnsembleOptions {
  readonly logLevel?: 'warn' | 'info'
  /** further flags of each server */
  readonly flags?: readonly string[]
  /** the root of a built checkout; this one by default */
  readonly checkout?: string | undefined
}

export class BenchEnsemble implements Subject {
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
    { logLevel = 'warn', flags = [], checkout = root }: EnsembleOptions = {},
  ): Promise<BenchEnsemble> {
    const program = join(checkout, 'dist/daemon/main.js')
    const directory = mkdtempSync(join(parent, `ensemble-${size}-`))
    const ports = await freePorts(size * 2)
    const members = Array.from({ length: size }, (_, i) => ({
      id: i + 1,
      clientPort: ports[i] ?? 0,
      peerPort: ports[size + i] ?? 0,
    }))
    const lines = members.map(
      ({ id, peerPort }) => `--server.${id}=127.0.0.1:${peerPort}:${peerPort}`,
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
      return { id, client, args, program, log, process: runServer(program, args, log) }
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
    for (const server of this.servers) {
      if (server.process.exitCode !== null || server.process.signalCode !== null) continue
      if (/^Mode: leader$/m.test(await fourLetterWord(server.client, 'srvr'))) return server
    }
    return undefined
  }

  /** Kills it with SIGKILL, and waits for its exit. */
  async kill({ process }: BenchServer): Promise<void> {
    const ended = once(process, 'exit')
    process.kill('SIGKILL')
    await ended
  }

  /** Restarts a killed server, and waits until it serves. */
  async revive(server: BenchServer): Promise<void> {
    server.process = runServer(server.program, server.args, server.log)
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
  async untilServing({ client, process, log }: BenchServer): Promise<void> {
    const deadline = performance.now() + startMs
    for (;;) {
      try {
        const options = { timeoutMs: sessionTimeoutMs, failed: () => undefined }
        const connection = await RawConnection.connect(client, options)
        await connection.request({ type: 'closeSession' })
        connection.close()
        return
      } catch (cause) {
        if (process.exitCode !== null || performance.now() > deadline) {
          const said = readFileSync(log, 'utf8').slice(-2000)
          throw new Error(`A server does not serve; its output: ${said}`, { cause })
        }
        await delay(20)
      }
    }
  }
}

function runServer(program: string, args: readonly string[], log: string): ChildProcess {
  return run(process.execPath, [program, ...args], log)
}
