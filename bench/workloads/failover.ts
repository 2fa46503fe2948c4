// How long no client can write after the leader fails: killed, so that its sockets close, or
// stopped, so that only its silence shows. Clients with default settings write all the time, one at
// each server: a client that knows them all could be connected to the leader, and then the
// measurement would be its session time-out.

import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Address } from '../../src/address.ts'
import { ZkClient } from '../../src/client/zk/zk-client.ts'
import { ZkError } from '../../src/protocol/error-codes.ts'
import { leaderOf, openSession, type StartedSubject, type SubjectServer } from '../ensemble.ts'
import { untilServing } from '../processes.ts'
import type { DialectName } from '../raw-connection.ts'

export const failures = ['SIGKILL', 'SIGSTOP'] as const
export type Failure = (typeof failures)[number]

/** Milliseconds of one failover, and its parts as logged by the servers. */
export interface Gap {
  /** from the last answer before to the first one after it */
  readonly total: number
  /**
   * until the first survivor looks for a leader; until one is elected; until it serves; the rest
   */
  readonly noticed: number
  readonly elected: number
  readonly established: number
  readonly written: number
}

const path = '/failover'

/** Pause between two rounds: long enough for a clean start of the next one. */
const restMs = 1000

/** A round that takes longer has failed. */
const patienceMs = 30_000

export interface FailoverOptions {
  readonly failure: Failure
  readonly rounds: number
  /** the protocol of the clients */
  readonly dialect?: DialectName
}

/** The parts of a gap are known of our own servers that log at level info; of others they are NaN. */
export async function failover(
  ensemble: StartedSubject,
  { failure, rounds, dialect = 'native' }: FailoverOptions,
): Promise<Gap[]> {
  const writers = new Writers(ensemble, dialect)
  const gaps: Gap[] = []
  await writers.start()
  try {
    while (gaps.length < rounds) {
      await delay(restMs)
      const leader = await leaderOf(ensemble.servers)
      if (leader === undefined) continue
      gaps.push(await round(ensemble, writers, leader, { failure, dialect }))
    }
  } finally {
    await writers.stop()
  }
  return gaps
}

async function round(
  ensemble: StartedSubject,
  writers: Writers,
  leader: SubjectServer,
  { failure, dialect }: { readonly failure: Failure; readonly dialect: DialectName },
): Promise<Gap> {
  const failedAt = Date.now()
  const beganMs = performance.now()
  leader.process.kill(failure)
  // An answer in flight at that moment is not from the next leader.
  const gap = await writers.gapAround(beganMs)
  const written = failedAt + (gap.endMs - beganMs)
  const milestones = milestonesOf(ensemble, leader, failedAt)
  if (failure === 'SIGKILL') leader.process = leader.start()
  else leader.process.kill('SIGCONT')
  await untilServing(leader, () => openSession(leader.client, dialect))
  const { looking, elected, leading } = milestones
  return {
    total: gap.endMs - gap.beginMs,
    noticed: looking - failedAt,
    elected: elected - looking,
    established: leading - elected,
    written: written - leading,
  }
}

/** Write continuously, and record when the last answer came. */
class Writers {
  readonly #clients: Map<Address, ZkClient>
  readonly #dialect: DialectName
  readonly #answers: number[] = []
  #stopped = false
  #lines: Promise<void>[] = []

  constructor({ addresses }: StartedSubject, dialect: DialectName) {
    this.#dialect = dialect
    this.#clients = new Map(addresses.map((address) => [address, this.#newClient(address)]))
  }

  async start(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.connect()))
    const [first] = this.#clients.values()
    if ((await first?.exists(path)) === undefined) await first?.create(path)
    this.#lines = [...this.#clients.keys()].map((address) => this.#write(address))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#lines)
    await Promise.all([...this.#clients.values()].map((client) => client.close()))
  }

  /** The longest gap between answers that began around or after `beganMs`, once it has ended. */
  async gapAround(beganMs: number): Promise<{ beginMs: number; endMs: number }> {
    const settleMs = 250
    const lateMs = 1500
    for (;;) {
      await delay(20)
      const nowMs = performance.now()
      if (nowMs > beganMs + patienceMs) throw new Error('No client could write any more')
      const from = this.#answers.findLastIndex((answer) => answer <= beganMs)
      const times = this.#answers.slice(Math.max(0, from))
      let longest = { beginMs: beganMs, endMs: beganMs }
      for (const [i, endMs] of times.entries()) {
        const beginMs = times[i - 1] ?? endMs
        if (endMs - beginMs > longest.endMs - longest.beginMs) longest = { beginMs, endMs }
      }
      const last = times.at(-1) ?? 0
      // A stopped leader is noticed late: answers may continue for a while, from servers that it
      // reached.
      if (nowMs > beganMs + lateMs && last > longest.endMs + settleMs) return longest
    }
  }

  #newClient(address: Address): ZkClient {
    return new ZkClient({ servers: [address], dialect: this.#dialect })
  }

  async #write(address: Address): Promise<void> {
    let isConnected = true
    while (!this.#stopped) {
      const client = this.#clients.get(address)
      try {
        if (!isConnected) await client?.connect()
        isConnected = true
        await client?.setData(path, 'x')
        this.#answers.push(performance.now())
      } catch (error) {
        if (!(error instanceof ZkError)) throw error
        if (error.code === 'CONNECTIONLOSS' && isConnected) continue
        if (error.code !== 'CONNECTIONLOSS' && error.code !== 'SESSIONEXPIRED') throw error
        // Its server was away for longer than the session lasts: the client begins anew.
        this.#clients.set(address, this.#newClient(address))
        isConnected = false
      }
    }
  }
}

/** When the survivors logged that they look, are elected, and lead; wall-clock ms. */
function milestonesOf(
  { servers }: StartedSubject,
  failed: SubjectServer,
  sinceMs: number,
): { looking: number; elected: number; leading: number } {
  const said = servers
    .filter((server) => server !== failed)
    .flatMap(({ log }) => readFileSync(log, 'utf8').split('\n'))
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { readonly time: number; readonly msg: string })
    .filter(({ time }) => time >= sinceMs)
  const timesOf = (sentence: string) => {
    return said.filter(({ msg }) => msg === sentence).map(({ time }) => time)
  }
  const first = (times: readonly number[]) => times.toSorted((a, b) => a - b)[0] ?? Number.NaN
  const leading = first(timesOf('Leading'))
  const elections = timesOf('Elected, preparing to lead').filter((time) => time <= leading)
  return {
    looking: first(timesOf('Looking for a leader')),
    elected: elections.toSorted((a, b) => b - a)[0] ?? Number.NaN,
    leading,
  }
}
