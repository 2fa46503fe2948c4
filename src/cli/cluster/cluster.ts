// A cluster on this machine: servers and brokers as child processes on loopback, each with its own
// data directory, started, killed, frozen and revived individually.
//
//   DIR/zoo.cfg             one for all servers, written at each start
//   DIR/server-1 …          data directories
//   DIR/broker-1 …
//   DIR/tls                 with TLS: certificates (certificates.ts)
//
//   base port P: clients of server i at P+i, broker j at P+100+j, peers of server i at P+200+i
//
// No child outlives its parent: each gets a channel whose end stops it (orphan-guard.ts). Each is
// in its own process group, so that Ctrl-C reaches only the parent and brokers can stop before
// their servers.

import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Address, formatAddress } from '../../address.ts'
import type { TlsOptions } from '../../client/tls.ts'
import { systemClock } from '../../clock.ts'
import { DataDirLockedError, lockDataDir } from '../../data-dir-lock.ts'
import { invariant } from '../../invariant.ts'
import type { LogLevel } from '../../logger.ts'
import { makeDirectory } from '../../make-directory.ts'
import type { Random } from '../../random.ts'
import { readSecretFile } from '../../secret-file.ts'
import { type CertificateFiles, CertificatesError, makeCertificates } from './certificates.ts'

export type MemberKind = 'server' | 'broker'

export interface Member {
  /** `server-1`, `broker-3` */
  readonly name: string
  readonly kind: MemberKind
  readonly id: number
  /** its address for clients */
  readonly address: Address
}

interface ClusterOptions {
  readonly servers: number
  readonly brokers: number
  readonly dataDir: string
  readonly basePort: number
  readonly logLevel?: LogLevel
  /** whether all ports speak TLS, and nothing else */
  readonly isSecured?: boolean
  /** the directory of the build from which a member is started, if not the one of this file */
  readonly distOf?: (member: Member) => URL
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** whether the cluster ended it */
  readonly wanted: boolean
}

/**
 * `looking`: a server that answers and has no leader yet; `registered`: a broker known to the
 * ensemble.
 */
export type MemberProgress =
  | 'looking'
  | 'leader'
  | 'follower'
  | 'observer'
  | 'standalone'
  | 'registered'

interface ClusterEvents {
  exited: [member: Member, exit: Exit]
  /** its progress on the way to serving, and the time since the start */
  came: [member: Member, progress: MemberProgress, afterMs: number]
  /** a line of its standard output or error, unchanged */
  line: [member: Member, line: string]
}

/** The cluster cannot run with these options. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError'
}

export const membersMax = 99
const host = '127.0.0.1'
const portOffsets = { server: 0, broker: 100, election: 150, peer: 200 } as const
export const basePortMax = 65_535 - portOffsets.peer - membersMax

/**
 * A dead broker is replaced when its session has ended, which takes its time-out and up to two
 * ticks: less than two seconds. With a shorter time-out, a busy machine would lose live brokers.
 */
const brokerSessionTimeoutMs = 1300
const zooCfgSettings = [
  'tickTime=250',
  'initLimit=40',
  'syncLimit=10',
  'maxSessionTimeout=40000',
  'maxClientCnxns=0',
  // Only this machine can ask, so all words are enabled for experiments.
  '4lw.commands.whitelist=*',
]

/** A member that does not stop within this time is killed. */
const stopDeadlineMs = 15_000

interface Running {
  readonly process: ChildProcess
  readonly pid: number
  readonly exited: Promise<void>
  wanted: boolean
  frozen: boolean
}

export class Cluster extends EventEmitter<ClusterEvents> {
  readonly members: readonly Member[]
  readonly #options: ClusterOptions
  readonly #running = new Map<string, Running>()
  #unlock: () => void = () => undefined
  /** with TLS, once it is prepared */
  #certificates: CertificateFiles | undefined

  constructor(options: ClusterOptions) {
    super()
    this.#options = options
    const { servers, brokers, basePort } = options
    this.members = [
      ...members('server', servers, basePort),
      ...members('broker', brokers, basePort),
    ]
  }

  get servers(): readonly Member[] {
    return this.members.filter(({ kind }) => kind === 'server')
  }

  get brokers(): readonly Member[] {
    return this.members.filter(({ kind }) => kind === 'broker')
  }

  get serverAddresses(): readonly Address[] {
    return this.servers.map(({ address }) => address)
  }

  get brokerAddresses(): readonly Address[] {
    return this.brokers.map(({ address }) => address)
  }

  /** How its clients connect, once it is prepared; undefined: in plaintext. */
  get tls(): TlsOptions | undefined {
    return this.#certificates && { ca: this.#certificates.ca, cert: this.#certificates.client }
  }

  member(kind: MemberKind, id: number): Member {
    const found = this.members.find((member) => member.kind === kind && member.id === id)
    if (found === undefined) throw new ClusterError(`There is no ${kind} ${id} in this cluster`)
    return found
  }

  /** The state of the process: a member that hangs or recovers is running, too. */
  stateOf({ name }: Member): 'running' | 'frozen' | 'down' {
    const running = this.#running.get(name)
    if (running === undefined) return 'down'
    return running.frozen ? 'frozen' : 'running'
  }

  pidOf({ name }: Member): number | undefined {
    return this.#running.get(name)?.pid
  }

  // --- before anything runs ----------------------------------------------------------------------

  /**
   * Checks that the ports are free, and creates the directories, zoo.cfg and certificates.
   *
   * @throws ClusterError, DataDirLockedError
   */
  async prepare(): Promise<void> {
    for (const member of this.members) {
      for (const port of this.#portsOf(member)) {
        const problem = await portProblem(port)
        if (problem === undefined) continue
        throw new ClusterError(`Cannot start ${member.name} on port ${port}: ${problem}`)
      }
    }
    const { dataDir, servers, isSecured = false } = this.#options
    try {
      this.#unlock = lockDataDir(dataDir)
      for (const { name } of this.members) makeDirectory(join(dataDir, name))
      this.#claimEnsembleSize(servers)
      if (isSecured) {
        const directory = resolve(dataDir, 'tls')
        this.#certificates = await makeCertificates(directory, systemClock.wallMs())
      }
      writeFileSync(this.#zooCfg, this.#zooCfgText())
      for (const path of [this.#secretFile, this.#peerSecretFile]) {
        readSecretFile({ path, quoted: path, randomBytes })
      }
    } catch (error) {
      this.#unlock()
      if (error instanceof ClusterError || error instanceof DataDirLockedError) throw error
      if (error instanceof CertificatesError) {
        throw new ClusterError(error.message, { cause: error })
      }
      const found = (error as Error).message
      throw new ClusterError(`Cannot use the data directory ${dataDir}: ${found}`, { cause: error })
    }
  }

  /** A quorum of another ensemble size could decide without this data. */
  #claimEnsembleSize(servers: number): void {
    const file = join(this.#options.dataDir, 'ensemble-size')
    let found: string
    try {
      found = readFileSync(file, 'utf8').trim()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      writeFileSync(file, `${servers}\n`)
      return
    }
    if (Number(found) === servers) return
    const { dataDir } = this.#options
    const why = `it holds the data of ${found}, and the size of an ensemble is fixed`
    throw new ClusterError(`Cannot run ${servers} servers on ${dataDir}: ${why}`)
  }

  get #zooCfg(): string {
    return join(this.#options.dataDir, 'zoo.cfg')
  }

  get #secretFile(): string {
    return join(this.#options.dataDir, 'mimicq.secret')
  }

  get #peerSecretFile(): string {
    return join(this.#options.dataDir, 'zooweeper.secret')
  }

  #zooCfgText(): string {
    const servers = this.servers.map(({ id, address }) => {
      const peerPort = this.#options.basePort + portOffsets.peer + id
      // Not used, but Java's clients refuse a server whose ports are the same.
      const electionPort = this.#options.basePort + portOffsets.election + id
      // By TLS, the port for clients is a flag of each server.
      const clients = this.tls === undefined ? `;${host}:${address.port}` : ''
      return `server.${id}=${host}:${peerPort}:${electionPort}${clients}`
    })
    const head = '# Written by zw at each start. Each server also gets --myid and --data-dir.'
    const secret = `peerSecretFile=${this.#peerSecretFile}`
    const tls = this.#certificates === undefined ? [] : serverTls(this.#certificates)
    return `${[head, ...zooCfgSettings, secret, ...tls, ...servers].join('\n')}\n`
  }

  #portsOf({ kind, id, address }: Member): number[] {
    if (kind === 'broker') return [address.port]
    return [address.port, this.#options.basePort + portOffsets.peer + id]
  }

  // --- one member --------------------------------------------------------------------------------

  /** Starts a stopped member, with additional flags; does not wait until it serves. */
  start(member: Member, ...flags: readonly string[]): void {
    const { name, kind } = member
    invariant(!this.#running.has(name), 'a member is started only when it is down')
    const { distOf } = this.#options
    const program = distOf ? guardedProgram(kind, distOf(member), '.js') : programBeside(kind)
    const started = spawn(process.execPath, [...program, ...this.#flagsOf(member), ...flags], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
      // The user's variables for their own programs must not affect the members.
      env: withoutOptions(process.env),
    })
    this.#watch(member, started)
  }

  #watch(member: Member, child: ChildProcess): void {
    const { pid } = child
    invariant(pid !== undefined, 'node can be started')
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue
      createInterface({ input: stream }).on('line', (line) => this.emit('line', member, line))
    }
    // Not `exit`: it may come before the last lines, which have the reason.
    const exited = once(child, 'close').then(([code, signal]) => {
      this.#running.delete(member.name)
      this.emit('exited', member, { code, signal, wanted: running.wanted })
    })
    const running: Running = { process: child, pid, exited, wanted: false, frozen: false }
    this.#running.set(member.name, running)
  }

  #flagsOf({ name, kind, id, address }: Member): string[] {
    const { dataDir, logLevel } = this.#options
    const level = logLevel === undefined ? [] : ['--log-level', logLevel]
    const own = ['--data-dir', join(dataDir, name), '--log-format', 'json', ...level]
    const certificates = this.#certificates
    if (kind === 'server') {
      const secured =
        certificates === undefined
          ? []
          : ['--secureClientPortAddress', host, '--secureClientPort', String(address.port)]
      return ['--config', this.#zooCfg, '--myid', String(id), ...secured, ...own]
    }
    const servers = this.serverAddresses.map(formatAddress).join(',')
    const listens =
      certificates === undefined
        ? ['--host', host, '--port', String(address.port)]
        : brokerTls(certificates, address)
    return [
      ...['--id', String(id), ...listens],
      ...['--zooweeper', servers, '--session-timeout', String(brokerSessionTimeoutMs)],
      ...['--secret-file', this.#secretFile, ...own],
    ]
  }

  /** SIGKILL: like a machine that loses power, except that the system still writes its cache. */
  async kill(member: Member): Promise<void> {
    await this.#end(member, 'SIGKILL')
  }

  /** SIGTERM, then SIGKILL after a time-out. */
  async stop(member: Member): Promise<void> {
    const timer = setTimeout(() => void this.kill(member), stopDeadlineMs)
    try {
      await this.#end(member, 'SIGTERM')
    } finally {
      clearTimeout(timer)
    }
  }

  async #end(member: Member, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const running = this.#running.get(member.name)
    if (running === undefined) return
    running.wanted = true
    running.process.kill(signal)
    if (running.frozen && signal === 'SIGTERM') this.thaw(member)
    await running.exited
  }

  /** SIGSTOP: it keeps its sockets, but sends nothing. */
  freeze(member: Member): void {
    const running = this.#running.get(member.name)
    if (running === undefined) return
    running.frozen = true
    running.process.kill('SIGSTOP')
  }

  thaw(member: Member): void {
    const running = this.#running.get(member.name)
    if (running === undefined) return
    running.frozen = false
    running.process.kill('SIGCONT')
  }

  // --- all of them -------------------------------------------------------------------------------

  startAll(): void {
    for (const member of this.members) this.start(member)
  }

  /** Brokers first, so that they can close their sessions. */
  async stopAll(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => this.stop(broker)))
    await Promise.all(this.servers.map((server) => this.stop(server)))
    this.#unlock()
  }

  async killAll(): Promise<void> {
    await Promise.all(this.members.map((member) => this.kill(member)))
    this.#unlock()
  }
}

/** Lines of zoo.cfg: every client and server shows a certificate of the authority. */
function serverTls({ ca, server }: CertificateFiles): string[] {
  const stores = ['ssl', 'ssl.quorum'].flatMap((prefix) => [
    `${prefix}.keyStore.location=${server}`,
    `${prefix}.trustStore.location=${ca}`,
    `${prefix}.clientAuth=need`,
  ])
  return ['sslQuorum=true', ...stores]
}

/** Flags of a broker: the same, for its clients and for its session with the servers. */
function brokerTls({ ca, broker }: CertificateFiles, address: Address): string[] {
  const stores = ['ssl', 'zookeeper.ssl'].flatMap((prefix) => [
    ...[`--${prefix}.keystore.location`, broker],
    ...[`--${prefix}.truststore.location`, ca],
  ])
  const listener = `SSL://${formatAddress(address)}`
  return [
    ...['--listeners', listener, '--ssl.client.auth', 'required'],
    ...['--zookeeper.ssl.client.enable', 'true', ...stores],
  ]
}

function members(kind: MemberKind, count: number, basePort: number): Member[] {
  return Array.from({ length: count }, (_, i) => {
    const id = i + 1
    const address = { host, port: basePort + portOffsets[kind] + id }
    return { name: `${kind}-${id}`, kind, id, address }
  })
}

/** Arguments of node. Sources run as .ts under a loader, which the children inherit. */
function programBeside(kind: MemberKind): readonly string[] {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  const root = new URL('../../', import.meta.url)
  return [...process.execArgv, ...guardedProgram(kind, root, extension)]
}

function guardedProgram(kind: MemberKind, root: URL, extension: string): readonly string[] {
  const guard = new URL(`cli/cluster/orphan-guard${extension}`, root)
  const folder = kind === 'server' ? 'daemon' : 'broker'
  return [`--import=${guard.href}`, fileURLToPath(new URL(`${folder}/main${extension}`, root))]
}

function withoutOptions(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const entries = Object.entries(environment).filter(([name]) => !/^(ZW|MQ)_/.test(name))
  return Object.fromEntries(entries.filter(([name]) => name !== 'NOTIFY_SOCKET'))
}

/** @returns why the port is unusable, or undefined */
async function portProblem(port: number): Promise<string | undefined> {
  const server = createServer()
  try {
    server.listen({ host, port, exclusive: true })
    await once(server, 'listening')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === 'EADDRINUSE' ? 'another process is using it' : message
  }
  server.close()
  await once(server, 'close')
  return undefined
}

/** Below 32768, where Linux starts to allocate ports for outgoing connections. */
const freePorts = { from: 10_000, to: 32_000 } as const

/** A base port whose needed ports are free; another process may still take one. */
export async function findBasePort(
  random: Random,
  wanted: { readonly servers: number; readonly brokers: number },
): Promise<number> {
  const { from, to } = freePorts
  for (let tries = 0; tries < 100; tries++) {
    const base = from + random.below(to - from)
    const { server, broker, peer } = portOffsets
    const ports = [
      ...Array.from({ length: wanted.servers }, (_, i) => [server + i + 1, peer + i + 1]).flat(),
      ...Array.from({ length: wanted.brokers }, (_, i) => broker + i + 1),
    ]
    const problems = await Promise.all(ports.map((port) => portProblem(base + port)))
    if (problems.every((problem) => problem === undefined)) return base
  }
  throw new ClusterError(`Cannot find free ports between ${from} and ${to}: all tries failed`)
}
