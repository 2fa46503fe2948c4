// Real servers, clients that use them, a nemesis, and the check of the clients' history.
//
//   start ─▶ clients and nemesis at work ─▶ all revived ─▶ every session reads everything once more
//         ─▶ sessions end, and time out ─▶ an auditor lists all ─▶ each server's tree is read
//         ─▶ test/history/check.ts

import { Cluster, findBasePort, type Member } from '../../src/cli/cluster/cluster.ts'
import { untilReady } from '../../src/cli/cluster/cluster-ready.ts'
import { ZkClient } from '../../src/client/zk/zk-client.ts'
import { Random } from '../../src/random.ts'
import { checkHistory, type Violation } from '../history/check.ts'
import { Recorder, type Replica, type Sight } from '../history/history.ts'
import { dist } from '../programs.ts'
import { paths, pause, Session } from './load.ts'
import { Nemesis } from './nemesis.ts'

export interface TortureOptions {
  readonly seed: number
  readonly seconds: number
  readonly servers: number
  readonly clients: number
  readonly sessionTimeoutMs: number
  readonly dataDir: string
  readonly say: (line: string) => void
}

export interface TortureResult {
  readonly history: Recorder
  readonly violations: readonly Violation[]
  /** lines of servers that ended unexpectedly */
  readonly deaths: readonly string[]
  readonly nemesis: Nemesis
}

const readyMs = 60_000

/** Of a client's life: it then closes properly, is cut off, or continues. */
const shiftMs = { least: 2000, most: 9000 }

export async function torture(options: TortureOptions): Promise<TortureResult> {
  const { seed, seconds, servers, clients, sessionTimeoutMs, dataDir, say } = options
  const random = new Random(seed)
  const fork = () => new Random(random.below(2 ** 32))
  const basePort = await findBasePort(new Random(seed ^ process.pid), { servers, brokers: 0 })
  const cluster = new Cluster({ servers, brokers: 0, dataDir, basePort, distOf: () => dist })
  const deaths = watchOver(cluster)
  const violations: Violation[] = []
  const history = new Recorder()
  const nemesis = new Nemesis(cluster, fork(), say)
  const begin = async (name: string, random: Random) => {
    const servers = cluster.serverAddresses
    const session = new Session({ name, servers, sessionTimeoutMs, recorder: history, random })
    await session.connect()
    return session
  }
  await cluster.prepare()
  try {
    cluster.startAll()
    await untilReady(cluster, AbortSignal.timeout(readyMs))
    await prepareZnodes(await begin('setup', fork()))

    const endMs = performance.now() + seconds * 1000
    const isOver = () => performance.now() > endMs
    const lives = Array.from({ length: clients }, (_, i) => {
      const random = fork()
      return live((n) => begin(`c${i + 1}.${n}`, new Random(random.below(2 ** 32))), random, isOver)
    })
    await Promise.all([nemesis.work(isOver), ...lives])
    say('everything is revived')
    await untilReady(cluster, AbortSignal.timeout(readyMs))
    say('every session has ended or runs out of time')
    // A new leader restarts every session's time-out.
    await pause(sessionTimeoutMs * 2 + 1500)
    for (const { session } of history.operations) if (session !== 0) history.sessionOver(session)

    const auditor = await begin('auditor', fork())
    await readEverything(auditor)
    await auditor.close()
    for (const server of cluster.servers) history.replicas.push(await replicaOf(server))
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error)
    violations.push({ rule: 'the ensemble serves again', operation: undefined, found })
  } finally {
    await cluster.killAll()
  }
  violations.push(...checkHistory(history))
  return { history, violations, deaths, nemesis }
}

async function prepareZnodes(session: Session): Promise<void> {
  const { root, registers, queues, things, ephemerals } = paths
  for (const path of [root, ...registers, ...queues, things, ephemerals]) {
    await session.createAs(path)
  }
  await session.close()
}

/** One session after another, until the end; the last one sees the end. */
async function live(
  begin: (life: number) => Promise<Session>,
  random: Random,
  isOver: () => boolean,
): Promise<void> {
  const { least, most } = shiftMs
  for (let life = 1; ; life++) {
    const session = await begin(life)
    const shiftEndMs = performance.now() + least + random.below(most - least)
    await session.work(() => isOver() || performance.now() > shiftEndMs)
    if (isOver()) {
      if (!session.over) await readEverything(session)
      if (!session.over) await session.close()
      return
    }
    if (session.over) continue
    if (random.chance(0.5)) await session.close()
    else session.cut()
  }
}

async function readEverything(session: Session): Promise<void> {
  for (const path of paths.registers) await session.read('getData', path, { synced: true })
  for (const path of [...paths.queues, paths.things, paths.ephemerals]) {
    await session.read('getChildren', path, { synced: true })
  }
}

/** One server's tree, read from that server. */
async function replicaOf({ name, address }: Member): Promise<Replica> {
  const zk = new ZkClient({ servers: [address] })
  await zk.connect()
  await zk.sync()
  const znodes = new Map<string, Sight>()
  const read = async (path: string): Promise<void> => {
    const [{ data, stat }, { children }] = await Promise.all([
      zk.getData(path),
      zk.getChildren(path),
    ])
    znodes.set(path, { path, stat, data: String(data), children })
    await Promise.all(children.map((child) => read(`${path}/${child}`)))
  }
  await read(paths.root)
  await zk.close()
  return { server: name, znodes }
}

/** @returns filled with the last output of servers that ended unexpectedly */
function watchOver(cluster: Cluster): string[] {
  const deaths: string[] = []
  const last = new Map<string, string>()
  cluster.on('line', ({ name }, line) => {
    if (!line.startsWith('{') || /"level":[56]0/.test(line)) last.set(name, line)
  })
  cluster.on('exited', ({ name }, { wanted, code, signal }) => {
    if (!wanted) deaths.push(`${name} ended (${code ?? signal}): ${last.get(name) ?? ''}`)
  })
  return deaths
}
