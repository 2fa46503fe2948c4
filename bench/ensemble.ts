// Servers to measure, as processes of their own: `node dist/daemon/main.js` with everything by flags.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Address, RawConnection } from './raw-connection.ts'

const program = fileURLToPath(new URL('../dist/daemon/main.js', import.meta.url))

const startMs = 30_000
const stopMs = 10_000
const sessionTimeoutMs = 30_000

/** Kernel ticks per second in /proc, on every Linux there is. */
const clockTicks = 100

export interface BenchServer {
  readonly id: number
  readonly client: Address
  /** what is run, and where it says what it has to say */
  readonly args: readonly string[]
  readonly log: string
  process: ChildProcess
}

export class BenchEnsemble {
  readonly servers: readonly BenchServer[]
  readonly #directory: string

  private constructor(servers: readonly BenchServer[], directory: string) {
    this.servers = servers
    this.#directory = directory
  }

  /**
   * Starts them and waits until each one serves.
   *
   * @param parent where their data lies until `stop`; on the disk that is to be measured
   */
  static async start(
    size: number,
    parent: string,
    { logLevel = 'warn' }: { readonly logLevel?: 'warn' | 'info' } = {},
  ): Promise<BenchEnsemble> {
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
      ]
      const client = { host: '127.0.0.1', port: clientPort }
      return { id, client, args, log, process: run(args, log) }
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

  /** User and system time of all servers so far; undefined where there is no /proc. */
  cpuMicros(): number | undefined {
    let micros = 0
    for (const { process } of this.servers) {
      const used = cpuMicrosOf(process.pid)
      if (used === undefined) return undefined
      micros += used
    }
    return micros
  }

  /** Resident memory of the largest server, in MiB; undefined where there is no /proc. */
  memoryMiB(): number | undefined {
    const sizes = this.servers.map(({ process }) => residentMiB(process.pid))
    return sizes.includes(undefined) ? undefined : Math.max(...(sizes as number[]))
  }

  /** The one that leads, if one does now. */
  async leader(): Promise<BenchServer | undefined> {
    for (const server of this.servers) {
      if (server.process.exitCode !== null || server.process.signalCode !== null) continue
      if (/^Mode: leader$/m.test(await fourLetterWord(server.client, 'srvr'))) return server
    }
    return undefined
  }

  /** SIGKILL, once it is gone. */
  async kill({ process }: BenchServer): Promise<void> {
    const ended = once(process, 'exit')
    process.kill('SIGKILL')
    await ended
  }

  /** Starts one that was killed, and waits until it serves. */
  async revive(server: BenchServer): Promise<void> {
    server.process = run(server.args, server.log)
    await this.untilServing(server)
  }

  /** Some server that does not lead; the only one, when it stands alone. */
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

  /** Until it takes a new session. */
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
          throw new Error(`A server does not serve; it said: ${said}`, { cause })
        }
        await delay(20)
      }
    }
  }
}

function run(args: readonly string[], log: string): ChildProcess {
  const file = openSync(log, 'a')
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', file, file] })
  closeSync(file)
  return child
}

function cpuMicrosOf(pid: number | undefined): number | undefined {
  try {
    // The name in parentheses may hold anything; utime and stime are the 14th and 15th field.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return ((Number(fields[11]) + Number(fields[12])) * 1e6) / clockTicks
  } catch {
    return undefined
  }
}

function residentMiB(pid: number | undefined): number | undefined {
  try {
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kibibytes === undefined ? undefined : Number(kibibytes) / 1024
  } catch {
    return undefined
  }
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMs)
  await ended
  clearTimeout(timer)
}

/** All held at once, so they differ; a moment later somebody else could take one. */
async function freePorts(count: number): Promise<number[]> {
  const listeners = await Promise.all(
    Array.from({ length: count }, async () => {
      const listener = net.createServer()
      listener.listen(0, '127.0.0.1')
      await once(listener, 'listening')
      return listener
    }),
  )
  const ports = listeners.map((listener) => (listener.address() as net.AddressInfo).port)
  await Promise.all(
    listeners.map((listener) => new Promise((resolve) => listener.close(() => resolve(undefined)))),
  )
  return ports
}

async function fourLetterWord({ host, port }: Address, word: string): Promise<string> {
  const socket = net.connect({ host, port })
  socket.write(word)
  let answer = ''
  for await (const chunk of socket) answer += String(chunk)
  return answer
}
