// Parents with very many children: how long listing them holds the server's event loop, in either
// dialect, each time after one more child was created, and how long a killed server takes to serve
// them again.

import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Address } from '../../src/address.ts'
import { BenchEnsemble, type BenchServer } from '../ensemble.ts'
import { GeneratorProcess } from '../generator-process.ts'
import { type DialectName, dialectNames, RawConnection } from '../raw-connection.ts'
import type { FromPinger, ToPinger } from './ping-generator.ts'

const pinger = fileURLToPath(new URL('./ping-generator.ts', import.meta.url))
const loopMonitor = new URL('../loop-monitor.mjs', import.meta.url)
const timeoutMs = 30_000
const parent = '/trees'
const createsPerMulti = 2000

/** ms, one of each round. */
export interface TreeFound {
  /** of each dialect: how long the server's event loop was held at most while a list was read */
  readonly held: Readonly<Record<DialectName, number[]>>
  /** of each dialect: the slowest ping of another client, which waits for processors as well */
  readonly ping: Readonly<Record<DialectName, number[]>>
  /** of each dialect: from the request for a list to the end of its answer */
  readonly listed: Readonly<Record<DialectName, number[]>>
  /** the slowest ping without a list: what the machine's other work adds */
  readonly idle: number[]
  /** from the start of a killed server until it accepts a session */
  readonly restarted: number[]
}

/** A lone server that tells how long its event loop was held. */
export function startForTrees(parent: string, checkout?: string): Promise<BenchEnsemble> {
  return BenchEnsemble.start(1, parent, { checkout, nodeOptions: [`--import=${loopMonitor}`] })
}

/** Lists and restarts the lone servers of `startForTrees` in turn. @returns in their order */
export async function measureTrees(
  ensembles: readonly BenchEnsemble[],
  { children, rounds }: { readonly children: number; readonly rounds: number },
): Promise<TreeFound[]> {
  const found = ensembles.map(
    (): TreeFound => ({
      held: { native: [], jute: [] },
      ping: { native: [], jute: [] },
      listed: { native: [], jute: [] },
      idle: [],
      restarted: [],
    }),
  )
  for (const { servers } of ensembles) {
    for (const { client } of servers) await fillParent(client, children)
  }
  for (let round = 0; round < rounds; round++) {
    for (const [i, { servers }] of ensembles.entries()) {
      const into = found[i]
      const [server] = servers
      if (server !== undefined && into !== undefined) await list(server, round, into)
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const [i, ensemble] of ensembles.entries()) {
      const [server] = ensemble.servers
      if (server === undefined) continue
      await ensemble.kill(server)
      const beganMs = performance.now()
      await ensemble.revive(server)
      found[i]?.restarted.push(performance.now() - beganMs)
    }
  }
  return found
}

async function fillParent(server: Address, children: number): Promise<void> {
  const connection = await connect(server, 'native')
  const data = new Uint8Array(100)
  const mode = 'persistent'
  await connection.request({ type: 'create', path: parent, data, mode })
  for (let from = 0; from < children; from += createsPerMulti) {
    const count = Math.min(createsPerMulti, children - from)
    const ops = Array.from({ length: count }, (_, i) => {
      return { type: 'create', path: childPath(from + i), data, mode } as const
    })
    await connection.request({ type: 'multi', ops })
  }
  connection.close()
}

async function list(server: BenchServer, round: number, found: TreeFound): Promise<void> {
  for (const dialect of dialectNames) {
    const { client } = server
    // Without the other client, whose pings take a processor that the server may be waiting for.
    await listAnew(client, { dialect, name: `held-${dialect}-${round}` }, async (answered) => {
      await loopHeldMs(server)
      await answered()
      found.held[dialect].push(await loopHeldMs(server))
    })
  }
  const first = { type: 'start', server: server.client, timeoutMs } as const
  const generator = new GeneratorProcess<ToPinger, FromPinger>(pinger, first)
  const slowest = async (): Promise<number> => {
    generator.tell({ type: 'slowest' })
    return (await generator.next('result')).slowestMs
  }
  try {
    await generator.next('ready')
    for (const dialect of dialectNames) {
      const { client } = server
      await listAnew(client, { dialect, name: `ping-${dialect}-${round}` }, async (answered) => {
        await slowest()
        found.listed[dialect].push(await answered())
        found.ping[dialect].push(await slowest())
      })
    }
    await slowest()
    found.idle.push(await slowest())
  } finally {
    generator.kill()
  }
}

/** Creates another child, so that no list is the same as before. @param measure calls `answered` for a list */
async function listAnew(
  server: Address,
  { dialect, name }: { readonly dialect: DialectName; readonly name: string },
  measure: (answered: () => Promise<number>) => Promise<void>,
): Promise<void> {
  const connection = await connect(server, dialect)
  const data = new Uint8Array(0)
  await connection.request({ type: 'create', path: `${parent}/${name}`, data, mode: 'persistent' })
  await measure(() => answered(connection))
  connection.close()
}

/** ms that the event loop was held at most since the last time. */
async function loopHeldMs({ process, log }: BenchServer): Promise<number> {
  const told = (): string[] =>
    [...readFileSync(log, 'utf8').matchAll(/^loop held (.+) ms$/gm)].map(([, ms]) => ms ?? '')
  const before = told().length
  process.kill('SIGUSR2')
  for (;;) {
    const ms = told()[before]
    if (ms !== undefined) return Number(ms)
    await delay(1)
  }
}

/** Reads a list without decoding it. @returns how many ms it took */
function answered(connection: RawConnection): Promise<number> {
  const beganMs = performance.now()
  return new Promise((resolve, reject) => {
    connection.onReply = (err) => {
      if (err === 0) resolve(performance.now() - beganMs)
      else reject(new Error(`Error ${err}: getChildren`))
    }
    connection.send(connection.template({ type: 'getChildren', path: parent, watch: false }))
    connection.flush()
  })
}

function connect(server: Address, dialect: DialectName): Promise<RawConnection> {
  return RawConnection.connect(server, { dialect, timeoutMs, failed: () => undefined })
}

function childPath(i: number): string {
  return `${parent}/k${String(i).padStart(9, '0')}`
}
