// How each part of the report is measured: a function per part, which returns its points. Those of
// brokers are in measure-brokers.ts; the loads are those of the single commands (../workloads).

import type { Address } from '../../src/address.ts'
import { BenchEnsemble, leaderOf, type StartedSubject } from '../ensemble.ts'
import type { Load } from '../generator.ts'
import { connect, type ProtocolName } from '../load-connection.ts'
import { fillKeys, measure } from '../measure.ts'
import { settleDisk, stopProcess, threadMicrosOf, untilServing } from '../processes.ts'
import { failover, failures } from '../workloads/failover.ts'
import { fillTree, treePath } from '../workloads/fill-tree.ts'
import { holdSessions } from '../workloads/sessions.ts'
import { measureTrees, startForTrees } from '../workloads/trees.ts'
import { fillWatched, holdWatches } from '../workloads/watches.ts'
import { sequentialWrites } from '../workloads/zk-sequential.ts'
import type { PartName, Point } from './figures.ts'
import { measureLogs, measurePartitions, measureQueues } from './measure-brokers.ts'
import type { MeasurePart, PartContext } from './part-context.ts'
import { type Found, inRounds, known } from './rounds.ts'
import { type SystemKind, withSystems } from './systems.ts'

type Started = ReadonlyMap<SystemKind, StartedSubject>

const smallBytes = 100

export const measureParts: Readonly<Record<PartName, MeasurePart>> = {
  load: (context) =>
    withFilled(context, async (started) => {
      const points: Point[] = []
      let filled = smallBytes
      for (const { load, connections, outstanding, valueBytes } of context.plan.loads) {
        if (valueBytes !== filled) await fillAll(started, valueBytes)
        filled = valueBytes
        const labels = { load, shape: `${connections}x${outstanding}`, valueBytes }
        const one = { workload: load, connections, outstanding, valueBytes }
        points.push(...(await loadPoints(context, started, labels, one)))
      }
      return points
    }),
  open: (context) =>
    withFilled(context, async (started) => {
      const points: Point[] = []
      for (const load of ['set', 'get'] as const) {
        for (const rate of context.plan.openRates[load]) {
          const shape = { connections: 12, outstanding: 1, valueBytes: smallBytes }
          const one = { workload: load, ...shape, ratePerSecond: rate }
          points.push(...(await loadPoints(context, started, { load, rate }, one)))
        }
      }
      return points
    }),
  sequential: measureSequential,
  keeper: (context) =>
    withFilled(withoutEtcd(context), async (started) => {
      const points: Point[] = []
      for (const outstanding of [64, 4]) {
        const one = {
          workload: 'keeper',
          connections: 12,
          outstanding,
          valueBytes: smallBytes,
        } as const
        points.push(...(await loadPoints(context, started, { shape: `12x${outstanding}` }, one)))
      }
      return points
    }),
  connections: (context) =>
    withFilled(context, async (started) => {
      const points: Point[] = []
      for (const load of ['set', 'get'] as const) {
        for (const connections of context.plan.connections) {
          const one = { workload: load, connections, outstanding: 1, valueBytes: smallBytes }
          points.push(...(await loadPoints(context, started, { load, connections }, one)))
        }
      }
      return points
    }),
  values: (context) =>
    withFilled(context, async (started) => {
      const points: Point[] = []
      for (const load of ['set', 'get'] as const) {
        for (const valueBytes of context.plan.valueBytes) {
          await fillAll(started, valueBytes)
          const one = { workload: load, connections: 12, outstanding: 4, valueBytes }
          points.push(...(await loadPoints(context, started, { load, valueBytes }, one)))
        }
      }
      return points
    }),
  znodes: measureZnodes,
  watches: measureWatches,
  sessions: measureSessions,
  start: measureServerStarts,
  failover: measureFailovers,
  trees: measureChildren,
  roles: measureRoles,
  mq: measureQueues,
  partitions: measurePartitions,
  logs: measureLogs,
}

type OneLoad = Omit<Load, 'servers' | 'protocol' | 'name' | 'seed'>

/** One load on each system in turn. */
async function loadPoints(
  context: PartContext,
  started: Started,
  labels: Point['labels'],
  load: OneLoad,
): Promise<Point[]> {
  const name = Object.values(labels).join('-')
  return pointsOf(context, [...started.keys()], labels, (kind, round) => {
    const subject = started.get(kind)
    if (subject === undefined) throw new Error(`Could not measure ${kind.name}: it is not started`)
    return measureLoad(context, subject, {
      ...load,
      protocol: kind.protocol,
      name: `${name}-${round}`,
    })
  })
}

async function measureLoad(
  { plan, generators, seed }: PartContext,
  subject: StartedSubject,
  { name, ...load }: OneLoad & { readonly protocol: ProtocolName; readonly name: string },
): Promise<Found> {
  const { perSecond, failed, latency, cpuMicros } = await measure({
    load: { ...load, servers: subject.addresses, seed },
    generators,
    warmUpMs: plan.warmUpMs,
    windowMs: plan.windowMs,
    name,
    cpuMicros: () => subject.cpuMicros(),
  })
  return known({
    perSecond,
    p50: latency.percentile(50),
    p99: latency.percentile(99),
    p999: latency.percentile(99.9),
    cpuMicros,
    failed,
  })
}

async function measureSequential(context: PartContext): Promise<readonly Point[]> {
  const { systems, plan, parent } = context
  const counts = [1, 10, 100]
  const points: Point[] = []
  for (const size of plan.ensembleSizes) {
    const measured = await withSystems(systems, { size, parent }, (started) =>
      pointsOf(context, systems, { servers: size }, async (kind) => {
        const subject = started.get(kind)
        if (subject === undefined) throw new Error('Could not write: no server is started')
        const server = await followerOf(kind, subject)
        const options = { counts, runs: 5, valueBytes: smallBytes, protocol: kind.protocol }
        const medians = await sequentialWrites(server, options)
        return known(Object.fromEntries(medians.map((ms, i) => [`ms${counts[i]}`, ms])))
      }),
    )
    points.push(...measured)
  }
  return points
}

/** Of etcd, whose roles no four-letter word tells, the first server, which may lead. */
async function followerOf({ name }: SystemKind, { servers }: StartedSubject): Promise<Address> {
  const leader = name === 'etcd' ? undefined : await leaderOf(servers)
  const follower = servers.find((server) => server !== leader)
  if (follower === undefined) throw new Error('Could not write: no server follows')
  return follower.client
}

async function measureZnodes(context: PartContext): Promise<readonly Point[]> {
  const { systems, plan, parent } = context
  const points: Point[] = []
  // One system at a time: the trees of all of them together need much memory.
  for (const kind of systems) {
    await withSystems([kind], { size: 3, parent }, async (started) => {
      const subject = started.get(kind)
      if (subject === undefined) return
      await fill(kind, subject, smallBytes)
      const empty = largest(subject)
      let held = 0
      for (const znodes of plan.znodes) {
        const tree = { protocol: kind.protocol, from: held, to: znodes, valueBytes: smallBytes }
        const created = await fillTree(subject.addresses, tree)
        held = znodes
        const residentMiB = largest(subject)
        const measured = await pointsOf(context, [kind], { znodes }, async (_, round) => {
          const shape = { connections: 12, outstanding: 64, valueBytes: smallBytes }
          const load = { ...shape, protocol: kind.protocol, name: `${znodes}-${round}` }
          const set = await measureLoad(context, subject, { ...load, workload: 'set' })
          const get = await measureLoad(context, subject, { ...load, workload: 'get' })
          const grown =
            residentMiB === undefined || empty === undefined ? undefined : residentMiB - empty
          return known({
            set: set['perSecond'],
            get: get['perSecond'],
            // Of the one fill and the memory after it, each round has the same.
            fill: created,
            bytesPerZnode: grown && (grown * 2 ** 20) / znodes,
            residentMiB,
          })
        })
        points.push(...measured)
      }
    })
  }
  return byLabel(points, 'znodes')
}

async function measureWatches(context: PartContext): Promise<readonly Point[]> {
  const { plan } = context
  const most = Math.max(...plan.watches)
  return withFilled(withoutEtcd(context), async (started) => {
    for (const subject of started.values()) {
      await fillWatched(subject, { most, dialect: 'jute', valueBytes: smallBytes })
    }
    const points: Point[] = []
    for (const watches of plan.watches) {
      const measured = await pointsOf(
        context,
        [...started.keys()],
        { watches },
        async (kind, round) => {
          const subject = started.get(kind)
          if (subject === undefined) throw new Error('Could not watch: no server is started')
          const held = await holdWatches(subject, { count: watches, dialect: 'jute' })
          try {
            const shape = { connections: 12, outstanding: 64, valueBytes: smallBytes }
            const load = { ...shape, workload: 'set', protocol: 'jute' } as const
            const name = `watches-${watches}-${round}`
            const { perSecond } = await measureLoad(context, subject, { ...load, name })
            const toldPerSecond = watches === 0 ? undefined : await held.fire()
            return known({ set: perSecond, toldPerSecond, bytesPerWatch: held.bytesPerWatch })
          } finally {
            held.close()
          }
        },
      )
      points.push(...measured)
    }
    return points
  })
}

async function measureSessions(context: PartContext): Promise<readonly Point[]> {
  const { count, holdMs } = context.plan.sessions
  return withFilled(withoutEtcd(context), (started) =>
    pointsOf(
      { ...context, plan: { ...context.plan, rounds: 1 } },
      [...started.keys()],
      { sessions: count },
      async (kind) => {
        const subject = started.get(kind)
        if (subject === undefined) throw new Error('Could not hold sessions: no server is started')
        const options = { count, holdMs, dialect: 'jute', valueBytes: smallBytes } as const
        const { connectMs, bytesPerSession, events, eventsMs } = await holdSessions(
          subject,
          options,
        )
        return known({
          connectMs,
          kibPerSession: bytesPerSession && bytesPerSession / 1024,
          events,
          eventsMs,
        })
      },
    ),
  )
}

async function measureServerStarts(context: PartContext): Promise<readonly Point[]> {
  const { systems, plan, parent } = context
  return withSystems(systems, { size: 1, parent }, async (started) => {
    const points: Point[] = []
    let held = 0
    for (const znodes of plan.startZnodes) {
      for (const [{ protocol }, { addresses }] of started) {
        const tree = { protocol, from: held, to: znodes, valueBytes: smallBytes }
        await fillTree(addresses, tree)
      }
      held = znodes
      const measured = await pointsOf(context, systems, { znodes }, async (kind) => {
        const subject = started.get(kind)
        const [server] = subject?.servers ?? []
        if (server === undefined) throw new Error('Could not restart: no server is started')
        await stopProcess(server.process)
        const beganMs = performance.now()
        server.process = server.start()
        const read = () => readOnce(kind.protocol, server.client, treePath(0))
        await untilServing(server, read, { pauseMs: 5 })
        const ms = performance.now() - beganMs
        return known({ ms, residentMiB: subject?.memoryMiB()?.[0] })
      })
      points.push(...measured)
    }
    return points
  })
}

/** A server that accepts a connection while it starts may never answer on it. */
const answerMs = 1000

async function readOnce(
  protocol: ProtocolName,
  server: { readonly host: string; readonly port: number },
  path: string,
): Promise<void> {
  let giveUp: (error: Error) => void = () => undefined
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = reject
  })
  const timer = setTimeout(() => giveUp(new Error('It does not answer')), answerMs)
  const read = async () => {
    const connection = await connect(server, { protocol, timeoutMs: 30_000, failed: giveUp })
    try {
      const answer = connection.request({ type: 'getData', path, watch: false })
      await Promise.race([answer, givenUp])
    } finally {
      connection.close()
    }
  }
  try {
    await Promise.race([read(), givenUp])
  } finally {
    clearTimeout(timer)
  }
}

async function measureFailovers(context: PartContext): Promise<readonly Point[]> {
  const { plan, parent } = context
  const { systems } = withoutEtcd(context)
  const points: Point[] = []
  for (const failure of failures) {
    // A failure of one system would disturb another that is measured meanwhile: one after the other.
    for (const kind of systems) {
      await withSystems([kind], { size: 3, parent }, async (started) => {
        const subject = started.get(kind)
        if (subject === undefined) return
        const dialect = kind.name === 'ours' ? 'native' : 'jute'
        const gaps = await failover(subject, { failure, rounds: plan.failovers, dialect })
        const rounds = gaps.map(({ total, noticed, elected, established, written }) =>
          known({ gap: total, noticed, elected, established, written }),
        )
        points.push({ labels: { failure }, system: kind.name, rounds })
        context.print(`${failure} ${kind.name}`)
      })
    }
  }
  return points
}

async function measureRoles(context: PartContext): Promise<readonly Point[]> {
  const { plan, parent, generators, seed } = context
  const points: Point[] = []
  for (const [voters, observers] of plan.roles) {
    const ensemble = await BenchEnsemble.start(voters + observers, parent, { observers })
    try {
      const leader = await ensemble.leader()
      const [first] = ensemble.addresses
      if (leader === undefined || first === undefined) throw new Error('No server leads')
      const learners = ensemble.servers.filter((server) => server !== leader)
      const servers = learners.map(({ client }) => client)
      await fillKeys(first, { valueBytes: smallBytes })
      for (const load of ['set', 'create', 'get'] as const) {
        const labels = { load, voters, observers }
        const rounds: Found[] = []
        for (let round = 0; round < plan.rounds; round++) {
          const samples: { readonly leader: Threads; readonly learners: Threads }[] = []
          const shape = { connections: 12, outstanding: 64, valueBytes: smallBytes, seed }
          const { perSecond, latency } = await measure({
            load: { ...shape, servers, protocol: 'native', workload: load },
            generators,
            warmUpMs: plan.warmUpMs,
            windowMs: plan.windowMs,
            name: `roles-${load}-${round}`,
            cpuMicros: () => {
              samples.push({ leader: threadsOf([leader]), learners: threadsOf(learners) })
              return undefined
            },
          })
          const [before, after] = samples
          if (before === undefined || after === undefined) throw new Error('No CPU time is known')
          // A thread that ended meanwhile takes its time along.
          const per = (micros: number) => Math.max(0, micros) / latency.count
          const ofLearner = (micros: number) => per(micros) / learners.length
          rounds.push(
            known({
              perSecond,
              leaderMain: per(after.leader.main - before.leader.main),
              leaderOther: per(after.leader.other - before.leader.other),
              learnerMain: ofLearner(after.learners.main - before.learners.main),
              learnerOther: ofLearner(after.learners.other - before.learners.other),
            }),
          )
        }
        points.push({ labels, system: 'ours', rounds })
        context.print(Object.values(labels).join(' '))
      }
    } finally {
      await ensemble.stop()
    }
  }
  return points
}

interface Threads {
  readonly main: number
  readonly other: number
}

function threadsOf(servers: StartedSubject['servers']): Threads {
  let [main, other] = [0, 0]
  for (const { process } of servers) {
    const micros = threadMicrosOf(process)
    main += micros?.main ?? Number.NaN
    other += micros === undefined ? Number.NaN : micros.all - micros.main
  }
  return { main, other }
}

async function measureChildren({ plan, parent }: PartContext): Promise<readonly Point[]> {
  const points: Point[] = []
  for (const children of plan.children) {
    const ensemble = await startForTrees(parent)
    try {
      const [found] = await measureTrees([ensemble], { children, rounds: plan.rounds })
      const rounds = (found?.idle ?? []).map((idle, i) =>
        known({
          heldNative: found?.held.native[i],
          heldJute: found?.held.jute[i],
          pingNative: found?.ping.native[i],
          pingJute: found?.ping.jute[i],
          idle,
          listedNative: found?.listed.native[i],
          listedJute: found?.listed.jute[i],
          restarted: found?.restarted[i],
        }),
      )
      points.push({ labels: { children }, system: 'ours', rounds })
    } finally {
      await ensemble.stop()
    }
  }
  return points
}

/** Three servers of each system, with the znodes of the loads. */
function withFilled(
  { systems, parent }: PartContext,
  use: (started: Started) => Promise<readonly Point[]>,
): Promise<readonly Point[]> {
  return withSystems(systems, { size: 3, parent }, async (started) => {
    await fillAll(started, smallBytes)
    return use(started)
  })
}

/** A get reads values of this size from now on. */
async function fillAll(started: Started, valueBytes: number): Promise<void> {
  for (const [kind, subject] of started) await fill(kind, subject, valueBytes)
}

async function fill(
  { protocol }: SystemKind,
  { addresses: [first] }: StartedSubject,
  valueBytes: number,
): Promise<void> {
  if (first !== undefined) await fillKeys(first, { valueBytes, protocol })
}

/** For what etcd has nothing like. */
function withoutEtcd(context: PartContext): PartContext {
  return { ...context, systems: context.systems.filter(({ name }) => name !== 'etcd') }
}

async function pointsOf(
  { plan, print, parent }: PartContext,
  systems: readonly SystemKind[],
  labels: Point['labels'],
  measureOne: (kind: SystemKind, round: number) => Promise<Found>,
): Promise<Point[]> {
  print(Object.values(labels).join(' '))
  const found = await inRounds({
    systems,
    rounds: plan.rounds,
    measure: (kind, round) => {
      settleDisk(parent)
      return measureOne(kind, round)
    },
    brokenOff: ({ name }, { message }) => print(`${name} broke off: ${message}`),
  })
  return [...found].map(([{ name }, rounds]) => ({ labels, system: name, rounds }))
}

/** The systems of a case beside each other, though they were measured one after the other. */
function byLabel(points: readonly Point[], key: string): Point[] {
  return points.toSorted((a, b) => Number(a.labels[key]) - Number(b.labels[key]))
}

function largest(subject: StartedSubject): number | undefined {
  const memory = subject.memoryMiB()
  return memory === undefined ? undefined : Math.max(...memory)
}
