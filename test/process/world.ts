// Real processes for the acceptance tests: a cluster on free ports, its clients, and other
// programs. Every process is ended by its own id when the test ends, whatever the outcome.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import { Cluster, findBasePort, type Member } from '../../src/cli/cluster/cluster.ts'
import { untilReady } from '../../src/cli/cluster/cluster-ready.ts'
import type { ServerRole } from '../../src/cli/four-letter-word.ts'
import { askHealth } from '../../src/cli/four-letter-word.ts'
import { compareGoals, parseGoal } from '../../src/cli/goals/goal.ts'
import { ZkClient } from '../../src/client/zk/zk-client.ts'
import { ZkError } from '../../src/protocol/error-codes.ts'
import { Random } from '../../src/random.ts'
import { dist, program } from '../programs.ts'

/** Time-out of every wait: generous, since test machines are busy. */
export const patienceMs = 30_000

export interface World {
  readonly cluster: Cluster
  /** the `--data` directory */
  readonly dataDir: string
  readonly basePort: number
}

/** Prepares a cluster without starting any member. */
export async function prepareWorld(
  t: Test,
  {
    servers,
    brokers = 0,
    distOf = () => dist,
  }: {
    readonly servers: number
    readonly brokers?: number
    readonly distOf?: (member: Member) => URL
  },
): Promise<World> {
  let cluster: Cluster | undefined
  const said: string[] = []
  // Registered before `testdir`, so that members are stopped before tap removes their directory.
  t.teardown(async () => {
    await cluster?.killAll()
    if (!t.passing()) for (const line of said.slice(-120)) t.comment(line)
  })
  const dataDir = t.testdir()
  const basePort = await freeBasePort({ servers, brokers })
  cluster = new Cluster({ servers, brokers, dataDir, basePort, distOf })
  cluster.on('line', ({ name }, line) => {
    said.push(`${name} ${line}`)
    if (said.length > 500) said.shift()
  })
  cluster.on('exited', ({ name }, exit) => said.push(`${name} exited ${JSON.stringify(exit)}`))
  await cluster.prepare()
  return { cluster, dataDir, basePort }
}

export function freeBasePort(wanted: { servers: number; brokers: number }): Promise<number> {
  return findBasePort(new Random(process.pid ^ (Date.now() >>> 0)), wanted)
}

/** Prepares a cluster and starts it; all members serve. */
export async function startWorld(
  t: Test,
  size: { readonly servers: number; readonly brokers?: number },
): Promise<World> {
  const world = await prepareWorld(t, size)
  world.cluster.startAll()
  await untilReady(world.cluster, AbortSignal.timeout(patienceMs))
  return world
}

/** A client that knows only these servers. */
export async function connectTo(t: Test, ...servers: readonly Member[]): Promise<ZkClient> {
  const zk = new ZkClient({
    servers: servers.map(({ address }) => address),
    connectTimeoutMs: patienceMs,
  })
  t.teardown(() => zk.close())
  await zk.connect()
  return zk
}

// --- waiting -------------------------------------------------------------------------------------

/**
 * Retries until there is an answer.
 *
 * @throws Error with what was awaited
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > deadline) throw new Error(`Cannot wait any longer: until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

export function untilRole(member: Member, ...roles: readonly ServerRole[]): Promise<ServerRole> {
  return until(`${member.name} is ${roles.join(' or ')}`, async () => {
    const { role } = await askHealth(member.address)
    return roles.includes(role) ? role : undefined
  })
}

export interface Roles {
  readonly leader: Member
  readonly followers: readonly Member[]
  readonly others: readonly Member[]
}

export async function rolesOf(members: readonly Member[]): Promise<Roles | undefined> {
  const healths = await Promise.all(members.map(({ address }) => askHealth(address)))
  const are = (role: ServerRole) => members.filter((_, i) => healths[i]?.role === role)
  const [leader] = are('leader')
  const followers = are('follower')
  const others = members.filter((member) => member !== leader && !followers.includes(member))
  return leader === undefined ? undefined : { leader, followers, others }
}

/** Waits until one server leads and `followerCount` follow. */
export function untilRoles(cluster: Cluster, followerCount: number): Promise<Roles> {
  return until(`there are a leader and ${followerCount} followers`, async () => {
    const roles = await rolesOf(cluster.servers)
    return roles?.followers.length === followerCount ? roles : undefined
  })
}

/** The epoch in a zxid; it rises with each election. */
export function epochOf(czxid: number): number {
  return Math.floor(czxid / 2 ** 32)
}

/**
 * Retries a write until it succeeds. An attempt with an unknown outcome may have been applied.
 *
 * @returns time until success, in ms
 */
export async function writeThrough(zk: ZkClient, path: string, data: string): Promise<number> {
  const startedMs = performance.now()
  await until(`${path} can be written`, async () => {
    try {
      return await zk.setData(path, data)
    } catch (error) {
      if (error instanceof ZkError && error.code === 'CONNECTIONLOSS') return undefined
      throw error
    }
  })
  return performance.now() - startedMs
}

// --- goals ---------------------------------------------------------------------------------------

/** The number of a goal within its run, from 1. */
export function nthOf(line: string): number | undefined {
  const goal = parseGoal(line)
  return goal === undefined ? undefined : Number(goal.id.split('-')[1])
}

/** Whether goals are in order of minute, as every run produces them. */
export function areInOrder(lines: readonly string[]): boolean {
  const goals = lines.flatMap((line) => parseGoal(line) ?? [])
  return goals.every((goal, i) => {
    const before = goals[i - 1]
    return before === undefined || compareGoals(before, goal) <= 0
  })
}

// --- programs ------------------------------------------------------------------------------------

/** A `zw` process. */
export class Zw {
  readonly #process: ChildProcess
  readonly #closed: Promise<number | null>
  readonly #output: Buffer[] = []
  /** lines of standard output */
  readonly lines: string[] = []
  errors = ''

  /** @param input standard input, closed afterwards unless `open` is set */
  constructor(
    t: Test,
    args: readonly string[],
    {
      input = '',
      open = false,
    }: { readonly input?: string | Uint8Array; readonly open?: boolean } = {},
  ) {
    this.#process = spawn(process.execPath, [program('cli'), ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1' },
    })
    const { stdin, stdout, stderr } = this.#process
    if (stdin === null || stdout === null || stderr === null) throw new Error('No pipes')
    stdin.on('error', () => undefined)
    stdin.write(input)
    if (!open) stdin.end()
    createInterface({ input: stdout }).on('line', (line) => this.lines.push(line))
    stdout.on('data', (chunk: Buffer) => this.#output.push(chunk))
    stderr.setEncoding('utf8').on('data', (text) => {
      this.errors += text
    })
    this.#closed = once(this.#process, 'close').then(([code]) => code as number | null)
    t.teardown(async () => {
      if (!t.passing()) {
        for (const line of this.lines.slice(-60)) t.comment(`zw ${args[0]}: ${line}`)
        if (this.errors !== '') t.comment(`zw ${args[0]}: ${this.errors}`)
      }
      await this.end('SIGKILL')
    })
  }

  /** The bytes of standard output. */
  get output(): Buffer {
    return Buffer.concat(this.#output)
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  /** Ids of its live child processes. */
  childPids(): number[] {
    const file = `/proc/${this.pid}/task/${this.pid}/children`
    return readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  }

  /** Waits for the exit. @returns the exit code */
  closed(): Promise<number | null> {
    return this.#closed
  }

  async end(signal: 'SIGTERM' | 'SIGKILL' | 'SIGINT'): Promise<number | null> {
    this.#process.kill(signal)
    return this.#closed
  }

  /** Waits for a number of lines, or for a matching line. */
  untilLine(like: RegExp | number): Promise<string> {
    return until(`zw prints ${like}`, () => {
      const { lines } = this
      return typeof like === 'number' ? lines[like - 1] : lines.find((line) => like.test(line))
    })
  }
}
