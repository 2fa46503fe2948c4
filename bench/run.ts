// npm run bench [-- subject …] [--option …]: measures, and explains each number.

import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import yargs from 'yargs'
import { type Address, readAddress } from '../src/address.ts'
import { BenchEnsemble, type Subject } from './ensemble.ts'
import { fillKeys, type Measurement, measure } from './measure.ts'
import { runMicro } from './micro.ts'
import { runPartitions } from './mq/partitions.ts'
import { runMq } from './mq/report.ts'
import { dialectNames } from './raw-connection.ts'
import { RealZooKeeper } from './real-zookeeper.ts'
import { runReport } from './report/run-report.ts'
import { systemsDefault } from './report/systems.ts'
import { circumstances, figure, table } from './report.ts'
import { type Comparison, compare } from './workloads/compare.ts'
import { type Failure, failover, failures, type Gap } from './workloads/failover.ts'
import { mqTasks } from './workloads/mq.ts'
import { holdSessions } from './workloads/sessions.ts'
import { soak, soakLoads } from './workloads/soak.ts'
import { measureStarts } from './workloads/start.ts'
import { measureTrees, startForTrees } from './workloads/trees.ts'
import { type WorkloadName, workloadNames, workloads } from './workloads/zk-load.ts'
import { sequentialWrites } from './workloads/zk-sequential.ts'

const subjects = [
  'micro',
  'load',
  'sequential',
  'failover',
  'sessions',
  'mq',
  'partitions',
  'soak',
  'start',
  'trees',
  'report',
] as const
/** Not measured unless named: they take long, or need much. */
const onlyNamed: readonly string[] = ['mq', 'partitions', 'soak', 'start', 'trees', 'report']
const seed = 20_261_123

/** Connections × requests in flight on each. */
interface Shape {
  readonly connections: number
  readonly outstanding: number
}

/** Maximum µs of CPU per operation, all servers together; the project's goals. */
const targets: Readonly<Record<string, number>> = {
  'set 12x64': 20,
  'get 12x64': 5,
  'set 12x4': 80,
  'get 12x4': 12,
}

/** Minimum ratio of answers per second to ZooKeeper's. */
const ratioTargets: Readonly<Record<string, number>> = {
  'set 12x64': 3,
  'get 12x64': 3,
  'create 12x64': 2,
  'mix 12x64': 2,
  'set 12x4': 2,
  'get 12x4': 2,
  'set 1x1': 1,
  'get 1x1': 1,
}

/** Maximum ms without a write, median and worst. */
const gapTargets: Readonly<Record<Failure, readonly [number, number]>> = {
  SIGKILL: [150, 300],
  SIGSTOP: [1000, 1000],
}

const options = await yargs(process.argv.slice(2))
  .scriptName('npm run bench --')
  .usage(
    `$0 [subject …]

Subjects: ${subjects.join(', ')}; all but ${onlyNamed.join(', ')} without one. With --peer: load and sessions,
against ours and the peer in turn, in ZooKeeper's own protocol. mq: our brokers, Redis and NATS.`,
  )
  .options({
    servers: { type: 'number', default: 3, describe: 'size of the ensemble under load' },
    workloads: { type: 'string', default: 'set,get,mix,create', describe: 'the loads' },
    peer: {
      type: 'string',
      describe:
        "the system to compare with: addresses host:port,… of a ZooKeeper, or 'debian' to start one",
    },
    dialect: { choices: dialectNames, default: dialectNames[0], describe: 'protocol of the load' },
    shapes: {
      type: 'string',
      default: '12x64,12x4,252x1,1x1',
      describe: 'connections x requests in flight on each',
    },
    'value-bytes': { type: 'number', default: 100, describe: 'size of a value' },
    seconds: { type: 'number', default: 3, describe: 'seconds that are counted' },
    'warm-up': { type: 'number', default: 2, describe: 'seconds before counting' },
    generators: { type: 'number', default: 1, describe: 'processes that generate the load' },
    sizes: {
      type: 'string',
      default: '3,5,7,9',
      describe: 'ensemble sizes of the sequential table',
    },
    minutes: { type: 'number', default: 10, describe: 'duration of the soak' },
    burners: { type: 'number', default: 2, describe: 'processes that burn CPU beside the soak' },
    rounds: {
      type: 'number',
      describe: 'failovers of each kind (20), or measurements of each against a peer (3)',
    },
    sessions: { type: 'number', default: 10_000, describe: 'number of sessions held' },
    'hold-seconds': { type: 'number', default: 20, describe: 'how long they are held' },
    tasks: { type: 'string', default: mqTasks.join(), describe: 'mq: what is measured' },
    peers: {
      type: 'string',
      default: 'redis,nats',
      describe: "mq: the systems beside ours, or ''",
    },
    against: {
      type: 'string',
      describe: 'mq, trees: root of another built checkout of this project',
    },
    'record-bytes': {
      type: 'string',
      default: '100,1000,10000',
      describe: 'mq: sizes of a record',
    },
    partitions: { type: 'string', default: '1,3,100', describe: 'mq: numbers of partitions' },
    'batch-bytes': { type: 'number', default: 65_536, describe: 'mq: size of a batch' },
    'in-flight': { type: 'number', default: 5, describe: 'mq: batches in flight per partition' },
    rate: { type: 'number', default: 10_000, describe: 'mq: records per second, end to end' },
    'stored-mib': { type: 'number', default: 64, describe: 'mq: MiB that consumers read' },
    gigabytes: { type: 'number', default: 10, describe: 'start: size of all logs' },
    logs: { type: 'number', default: 1, describe: 'start: number of logs' },
    'segment-mib': { type: 'number', default: 1024, describe: 'start: size of a segment, in MiB' },
    'node-options': {
      type: 'string',
      default: '',
      describe: 'mq, partitions: for the first of our brokers',
    },
    children: { type: 'string', default: '100000,500000', describe: 'trees: of one parent' },
    total: { type: 'number', default: 10_000, describe: 'partitions: of all topics' },
    replicas: { type: 'number', default: 3, describe: 'partitions: replicas of each' },
    parts: {
      type: 'string',
      default: 'all',
      describe: "report: the parts that are measured, or '' to render the page only",
    },
    systems: {
      type: 'string',
      default: systemsDefault,
      describe: "report: the services beside ours, or ''",
    },
    quick: {
      type: 'boolean',
      default: false,
      describe: 'report: measures each part in short, for another --page',
    },
    page: { type: 'string', describe: 'report: directory of the page; docs by default' },
    dir: {
      type: 'string',
      default: fileURLToPath(new URL('./data', import.meta.url)),
      describe: "directory of the servers' data",
    },
    json: { type: 'string', describe: 'also write the figures to this file' },
  })
  .strictOptions()
  .parse()

const withPeer = options.peer !== undefined
const chosen =
  options._.length > 0
    ? options._.map((name) => oneOf(subjects, name))
    : withPeer
      ? (['load'] as const)
      : subjects.filter((name) => !onlyNamed.includes(name))
const chosenWorkloads = options.workloads.split(',').map((name) => oneOf(workloadNames, name))
const shapes = options.shapes.split(',').map(parseShape)
const sizes = options.sizes.split(',').map(Number)
const figures: unknown[] = []

mkdirSync(options.dir, { recursive: true })
const command = ['npm run bench --', ...process.argv.slice(2)].join(' ')
print(circumstances(options.dir, command))
for (const subject of chosen) {
  print(`\n== ${subject}\n`)
  switch (subject) {
    case 'micro':
      await runMicro(options.dir, print)
      break
    case 'load':
      await (withPeer ? runComparison() : runLoad())
      break
    case 'sequential':
      await runSequential()
      break
    case 'failover':
      await runFailover()
      break
    case 'sessions':
      await runSessions()
      break
    case 'mq':
      await runMq(options, { seed, print, figures })
      break
    case 'partitions':
      await runPartitions(options, { print, figures })
      break
    case 'soak':
      await runSoak()
      break
    case 'start':
      await runStart()
      break
    case 'trees':
      await runTrees()
      break
    case 'report':
      await runReport(options, { seed, print })
      break
  }
}
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`)

async function runLoad(): Promise<void> {
  const { servers, generators } = options
  print(`${servers} servers, each write fsynced by a quorum; values of ${options.valueBytes} B. A closed loop: a connection
sends its next request after an answer. The generators share the machine with the servers.

load      what each operation is: ${workloadNames.map((name) => `${name}, ${workloads[name]}`).join('; ')}
shape     connections x requests that each keeps on the way
ops/s     answers without an error
p50, p99  µs from sending to the answer, with the wait for those ahead on the same connection
CPU µs    user and system time of all servers together, per operation; the goal beside it
`)
  const ensemble = await BenchEnsemble.start(servers, options.dir)
  try {
    await fill(ensemble)
    const rows: string[][] = []
    for (const workload of chosenWorkloads) {
      for (const shape of shapes) {
        const found = await measure({
          load: {
            servers: ensemble.addresses,
            protocol: options.dialect,
            workload,
            ...shape,
            valueBytes: options.valueBytes,
            seed,
          },
          generators,
          warmUpMs: options.warmUp * 1000,
          windowMs: options.seconds * 1000,
          name: `${workload}-${shapeText(shape)}`,
          cpuMicros: () => ensemble.cpuMicros(),
        })
        rows.push(loadRow(workload, shape, found))
        figures.push(loadFigures(workload, shape, found))
      }
    }
    print(table(['load', 'shape', 'ops/s', 'p50', 'p99', 'CPU µs', 'goal', 'errors'], rows))
    print(`\nlargest server: ${figure(Math.max(...(ensemble.memoryMiB() ?? [Number.NaN])))} MiB`)
  } finally {
    await ensemble.stop()
  }
}

function loadRow(workload: WorkloadName, shape: Shape, found: Measurement): string[] {
  const { perSecond, latency, cpuMicros, failed } = found
  return [
    workload,
    shapeText(shape),
    figure(perSecond),
    figure(latency.percentile(50)),
    figure(latency.percentile(99)),
    figure(cpuMicros),
    verdict(targets[`${workload} ${shapeText(shape)}`], cpuMicros),
    String(failed),
  ]
}

/** The goals are for three servers. */
function verdict(target: number | undefined, cpuMicros: number | undefined): string {
  if (target === undefined || cpuMicros === undefined || options.servers !== 3) return ''
  return `${cpuMicros <= target ? 'met' : 'MISSED'} ${target}`
}

function loadFigures(workload: WorkloadName, shape: Shape, found: Measurement): object {
  const { perSecond, latency, cpuMicros, failed } = found
  const percentiles = { p50: latency.percentile(50), p99: latency.percentile(99) }
  return { subject: 'load', workload, ...shape, perSecond, cpuMicros, failed, ...percentiles }
}

async function fill(subject: Subject): Promise<void> {
  const [first] = subject.addresses
  if (first === undefined) throw new Error('Cannot measure: no server is given')
  await fillKeys(first, { valueBytes: options.valueBytes, protocol: withPeer ? 'jute' : 'native' })
}

/**
 * A peer started for the run, or one already running, which is left unchanged except for /bench.
 */
async function startPeer(peer: string): Promise<Subject> {
  if (peer === 'debian') return RealZooKeeper.start(options.dir, { size: options.servers })
  return {
    addresses: peer.split(',').map(parseAddress),
    cpuMicros: () => undefined,
    memoryMiB: () => undefined,
    stop: async () => undefined,
  }
}

/** Our servers, and the peer if there is one. */
async function withSubjects(
  use: (ours: Subject, peer: Subject | undefined) => Promise<void>,
): Promise<void> {
  const started: Subject[] = []
  try {
    const ours = await BenchEnsemble.start(options.servers, options.dir)
    started.push(ours)
    const peer = options.peer === undefined ? undefined : await startPeer(options.peer)
    if (peer !== undefined) started.push(peer)
    for (const subject of started) await fill(subject)
    await use(ours, peer)
  } finally {
    for (const subject of started) await subject.stop()
  }
}

async function runComparison(): Promise<void> {
  const { servers, generators, rounds = 3 } = options
  print(`${servers} servers of ours, and the peer (${options.peer}); every write is fsynced by a quorum on both sides. The same
generators load one and then the other, ${rounds} times each, in ZooKeeper's own protocol; medians. Values of ${options.valueBytes} B.

ratio     answers per second, ours divided by the peer's; with the goal
p50       µs from sending to the answer, including the wait for earlier requests on the connection
CPU µs    user and system time of all servers together, per operation
`)
  await withSubjects(async (ours, peer) => {
    if (peer === undefined) return
    const rows: string[][] = []
    for (const workload of chosenWorkloads) {
      for (const shape of shapes) {
        const load = { workload, ...shape, valueBytes: options.valueBytes, seed }
        const found = await compare(ours, peer, {
          load,
          generators,
          rounds,
          warmUpMs: options.warmUp * 1000,
          windowMs: options.seconds * 1000,
          name: `${workload}-${shapeText(shape)}`,
        })
        rows.push(comparisonRow(`${workload} ${shapeText(shape)}`, found))
        figures.push({ subject: 'peer', workload, ...shape, ...found })
      }
    }
    const both = ['ours/s', 'peer/s', 'ours p50', 'peer p50', 'ours CPU µs', 'peer CPU µs']
    print(table(['load', 'ratio', 'goal', ...both, 'errors'], rows))
  })
}

function comparisonRow(name: string, { ours, peer, ratio }: Comparison): string[] {
  const target = ratioTargets[name]
  return [
    name,
    ratio.toFixed(2),
    target === undefined ? '' : `${ratio >= target ? 'met' : 'MISSED'} ${target}`,
    figure(ours.perSecond),
    figure(peer.perSecond),
    figure(ours.p50),
    figure(peer.p50),
    figure(ours.cpuMicros),
    figure(peer.cpuMicros),
    `${ours.failed}, ${peer.failed}`,
  ]
}

async function runSessions(): Promise<void> {
  const { sessions: count, holdSeconds, servers, valueBytes } = options
  const dialect = withPeer ? 'jute' : options.dialect
  print(`${servers} servers hold ${count} sessions, each with a watch on one of 1000 znodes, for ${holdSeconds} s. Then each znode is set once.

connected  ms until all were connected with their watches
memory     KiB of resident memory that all servers together have more than before, per session
told       watches that fired
told in    ms from the first change until the last watch had fired
`)
  await withSubjects(async (ours, peer) => {
    const rows: string[][] = []
    const subjects = peer === undefined ? { ours } : { ours, peer }
    for (const [name, subject] of Object.entries(subjects)) {
      const found = await holdSessions(subject, {
        count,
        holdMs: holdSeconds * 1000,
        dialect,
        valueBytes,
      })
      const { connectMs, bytesPerSession, events, eventsMs } = found
      const kibibytes = bytesPerSession && bytesPerSession / 1024
      rows.push([name, ...[connectMs, kibibytes, events, eventsMs].map(figure)])
      figures.push({ subject: 'sessions', name, count, dialect, ...found })
    }
    print(table(['', 'connected', 'memory', 'told', 'told in'], rows))
  })
}

async function runSequential(): Promise<void> {
  const counts = [1, 10, 100]
  print(`One client of a follower writes that many values of ${options.valueBytes} B, each after the answer to the previous one.
ms, the median of 9 runs. The original system took 21 400 ms for 100 with 3 servers, ZooKeeper 80 ms.
`)
  const rows: string[][] = []
  for (const size of sizes) {
    const ensemble = await BenchEnsemble.start(size, options.dir)
    try {
      const medians = await sequentialWrites(await ensemble.follower(), {
        counts,
        runs: 9,
        valueBytes: options.valueBytes,
      })
      rows.push([`${size} servers`, ...medians.map(figure)])
      figures.push({ subject: 'sequential', servers: size, counts, milliseconds: medians })
    } finally {
      await ensemble.stop()
    }
  }
  print(table(['', ...counts.map((count) => `${count} writes`)], rows))
}

async function runFailover(): Promise<void> {
  const { servers, rounds = 20 } = options
  print(`${servers} servers and a client at each of them, all with default settings; the clients write all the time. The leader
is killed (SIGKILL) or falls silent (SIGSTOP), ${rounds} times each. ZooKeeper: 522 ms after a kill, etcd: 1 173 ms.

gap       ms between two successful writes of any client
noticed   ms of that until the first server looks for a leader
elected   from then on until one of them is elected
leads     from then until it has a quorum's promise and its history on their disks, and serves
written   from then until a client has reconnected and received its answer
`)
  const rows: string[][] = []
  const ensemble = await BenchEnsemble.start(servers, options.dir, { logLevel: 'info' })
  try {
    for (const failure of failures) {
      const gaps = await failover(ensemble, { failure, rounds })
      const sorted = gaps.toSorted((a, b) => a.total - b.total)
      const [medianGoal, worstGoal] = gapTargets[failure]
      rows.push(gapRow(`${failure}, median`, sorted[Math.floor(sorted.length / 2)], medianGoal))
      rows.push(gapRow(`${failure}, worst`, sorted.at(-1), worstGoal))
      figures.push({ subject: 'failover', failure, gaps })
    }
  } finally {
    await ensemble.stop()
  }
  print(table(['leader', 'gap', 'noticed', 'elected', 'leads', 'written', 'goal'], rows))
}

function gapRow(name: string, gap: Gap | undefined, goal: number): string[] {
  const parts = [gap?.total, gap?.noticed, gap?.elected, gap?.established, gap?.written]
  return [name, ...parts.map(figure), verdict(goal, gap?.total)]
}

async function runSoak(): Promise<void> {
  const { servers, minutes, burners } = options
  print(`${servers} servers under full load for ${minutes} min, and ${burners} processes that burn CPU beside them. Nothing fails, so no
server has a reason to look for a leader or to drop a peer: the run fails if one does.

ops/s     of the slowest and of the fastest ten seconds
p99       µs, the worst of all ten seconds
`)
  const ensemble = await BenchEnsemble.start(servers, options.dir, { logLevel: 'info' })
  try {
    await fillKeys(ensemble.addresses[0] ?? { host: '', port: 0 }, options)
    const { measurements, brokenOff, troubles } = await soak(ensemble, { minutes, burners, seed })
    const rows = soakLoads.map(({ workload, ...shape }, i) => {
      const rates = (measurements[i] ?? []).map(({ perSecond }) => perSecond)
      const worst = Math.max(
        ...(measurements[i] ?? []).map(({ latency }) => latency.percentile(99)),
      )
      const [least, most] = [Math.min(...rates), Math.max(...rates)]
      return [workload, shapeText(shape), figure(least), figure(most), figure(worst)]
    })
    print(table(['load', 'shape', 'ops/s, least', 'most', 'p99'], rows))
    const elections = troubles.filter(({ said }) => said === 'Leading')
    print(`\n${elections.length} elections; loads that failed: ${brokenOff.length}`)
    for (const { atMs, server, said } of troubles) {
      print(`${(atMs / 1000).toFixed(1).padStart(7)} s  server ${server}  ${said}`)
    }
    figures.push({ subject: 'soak', elections: elections.length, brokenOff, troubles })
    if (troubles.length > 0 || brokenOff.length > 0) process.exitCode = 1
  } finally {
    await ensemble.stop()
  }
}

async function runTrees(): Promise<void> {
  const { rounds = 5, against, dir } = options
  print(`A server alone, with one parent of many children of 100 B. A client lists them, each time after another child was created,
while another client pings all the time; then the server is killed and started again. ms, medians and the worst of ${rounds} rounds.

held      how long the server's event loop was held at most, by its own clock, without the pings
ping      the slowest ping while a list was read, which waits for processors as well; 'idle': while none was
listed    from the request to the end of the answer, which the client does not decode
restart   from the start of the process until it accepts a session
`)
  const rows: string[][] = []
  const checkouts = against === undefined ? { ours: undefined } : { ours: undefined, against }
  for (const children of options.children.split(',').map(Number)) {
    const ensembles: BenchEnsemble[] = []
    try {
      for (const checkout of Object.values(checkouts)) {
        ensembles.push(await startForTrees(dir, checkout))
      }
      const all = await measureTrees(ensembles, { children, rounds })
      for (const [i, name] of Object.keys(checkouts).entries()) {
        const found = all[i]
        if (found === undefined) continue
        const { held, ping, listed, idle, restarted } = found
        const both = [held, ping, listed].flatMap(({ native, jute }) => [native, jute])
        const cells = [...both, idle, restarted]
        rows.push([`${name}, ${figure(children)}`, ...cells.map(medianAndWorst)])
        figures.push({ subject: 'trees', name, children, ...found })
      }
    } finally {
      for (const ensemble of ensembles) await ensemble.stop()
    }
  }
  const both = ['held', 'ping', 'listed'].flatMap((name) => [`${name}, native`, `${name}, jute`])
  print(table(['children', ...both, 'idle', 'restart'], rows))
}

function medianAndWorst(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  return `${figure(sorted[Math.floor(sorted.length / 2)])} (${figure(sorted.at(-1))})`
}

async function runStart(): Promise<void> {
  const { gigabytes, logs, segmentMib, dir } = options
  print(`A broker's start on ${gigabytes} GB in ${logs} logs, in segments of ${segmentMib} MiB: only the opening of its logs, in a fresh
process each time, on files of which the operating system may have some in memory.

opened    ms until all logs were open
read      ms of the first read in the middle of each log, all together
memory    MiB of resident memory of the process then; ${figure(process.memoryUsage.rss() / 2 ** 20)} for this one
`)
  const rows: string[][] = []
  const load = { dir, gigabytes, partitions: logs, segmentBytes: segmentMib * 2 ** 20, seed }
  await measureStarts(load, (name, { openMs, readMs, residentMiB, bytes }) => {
    rows.push([name, ...[openMs, readMs, residentMiB].map(figure)])
    figures.push({ subject: 'start', name, gigabytes, logs, segmentMib, openMs, readMs, bytes })
  })
  print(table(['', 'opened', 'read', 'memory'], rows))
}

function parseAddress(text: string): Address {
  const address = readAddress(text, 2181)
  if (typeof address === 'string') throw new Error(`Cannot use the peer '${text}': ${address}`)
  return address
}

function parseShape(text: string): Shape {
  const [, connections, outstanding] = /^(\d+)x(\d+)$/.exec(text) ?? []
  const shape = { connections: Number(connections), outstanding: Number(outstanding) }
  if (shape.connections >= 1 && shape.outstanding >= 1) return shape
  throw new Error(`Cannot use the shape '${text}': it must be like 12x64`)
}

function shapeText({ connections, outstanding }: Shape): string {
  return `${connections}x${outstanding}`
}

function oneOf<Name extends string>(names: readonly Name[], name: string | number): Name {
  const found = names.find((one) => one === name)
  if (found === undefined)
    throw new Error(`Cannot use '${name}': it must be one of ${names.join()}`)
  return found
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
