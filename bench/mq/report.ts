// npm run bench -- mq: our brokers beside Redis and NATS, case by case in one table.

import { resolve } from 'node:path'
import type { Point } from '../report/figures.ts'
import { known } from '../report/rounds.ts'
import { figure, table } from '../report.ts'
import {
  casesOf,
  type MqCase,
  type MqMeasured,
  type MqTaskName,
  measureCase,
  middle,
  mqTasks,
} from '../workloads/mq.ts'
import { mqGoals } from './goals.ts'
import { Brokers, Nats, programProblem, Redis, type StartSystem } from './systems.ts'

export interface MqRunOptions {
  readonly tasks: string
  readonly peers: string
  readonly against: string | undefined
  readonly recordBytes: string
  readonly partitions: string
  readonly batchBytes: number
  readonly inFlight: number
  readonly rate: number
  readonly storedMib: number
  readonly nodeOptions: string
  readonly rounds: number | undefined
  readonly seconds: number
  readonly warmUp: number
  readonly dir: string
}

interface To {
  readonly seed: number
  readonly print: (text: string) => void
}

export async function runMq(
  options: MqRunOptions,
  to: To & { readonly figures: unknown[] },
): Promise<void> {
  const { batchBytes, inFlight, rate, rounds = 3 } = options
  to.print(`Three brokers of ours: acks=all, three replicas, each batch fdatasynced before it is acknowledged. Redis Streams: one server, an
fsync before each answer (appendfsync always). NATS JetStream: three servers, three replicas, synced when the server pleases.
${rounds} rounds, the systems in turn in each; medians. One generator process, on the same machine.

produce   batches of ${figure(batchBytes)} B, ${inFlight} in flight per partition (of at most 3): p50 and p99 are µs from sending a batch until it is stored
single    one record at a time, the next when it is stored
consume   ${options.storedMib} MiB are read again and again
endToEnd  ${figure(rate)} records per second, sent every ms: µs from the time when a record is due until it has arrived at a reader
CPU µs    user and system time of all processes of the system, per record and per batch; a batch is what was stored or arrived as one
`)
  const rows: string[][] = []
  await measureCases(options, to, (what, measured) => {
    for (const [system, rounds] of measured) {
      const found = middle(rounds)
      rows.push(rowOf(what, system, found))
      to.figures.push({ subject: 'mq', ...what, system, ...found })
    }
  })
  const header = ['load', 'partitions', 'system', 'records/s', 'p50', 'p99', 'p99.9']
  to.print(table([...header, 'CPU µs/record', '/batch', 'goal', 'refused'], rows))
}

/** The same cases, every round of each. */
export async function measureMq(options: MqRunOptions, to: To): Promise<readonly Point[]> {
  const points: Point[] = []
  await measureCases(options, to, (what, measured) => {
    const { task, recordBytes, partitions } = what
    const labels = { load: taskName(what), recordBytes, partitions }
    for (const [system, found] of measured) {
      const rounds = found.map((round) =>
        task.type === 'consume' ? known({ ...round, ...noLatency }) : known({ ...round }),
      )
      points.push({ labels, system, rounds })
    }
  })
  return points
}

/** A consumer reads what is there: no record waits. */
const noLatency = { p50: undefined, p99: undefined, p999: undefined } as const

async function measureCases(
  options: MqRunOptions,
  { seed, print }: To,
  use: (what: MqCase, measured: ReadonlyMap<string, readonly MqMeasured[]>) => void,
): Promise<void> {
  const systems = systemsOf(options, print)
  for (const what of casesOf({
    tasks: options.tasks.split(',').map(taskNamed),
    recordBytes: numbers(options.recordBytes),
    partitions: numbers(options.partitions),
    batchBytes: options.batchBytes,
    inFlight: options.inFlight,
    storedMiB: options.storedMib,
    perSecond: options.rate,
  })) {
    print(nameOf(what))
    const measured = await measureCase(what, {
      systems,
      rounds: options.rounds ?? 3,
      warmUpMs: options.warmUp * 1000,
      windowMs: options.seconds * 1000,
      directory: options.dir,
      seed,
      brokenOff: (system, { message }) => print(`${system} broke off: ${message}`),
    })
    use(what, measured)
  }
}

function systemsOf(
  { peers, against, nodeOptions }: MqRunOptions,
  print: (text: string) => void,
): ReadonlyMap<string, StartSystem> {
  const node = nodeOptions.split(' ').filter((word) => word !== '')
  const systems = new Map<string, StartSystem>([
    ['ours', (parent) => Brokers.start(parent, { nodeOptions: node })],
  ])
  if (against !== undefined) {
    const checkout = resolve(against)
    systems.set('other build', (parent) => Brokers.start(parent, { checkout }))
  }
  for (const name of peers.split(',').filter((word) => word !== '')) {
    const peer = peerNamed(name)
    const problem = programProblem(peer.program, '--version')
    if (problem === undefined) systems.set(name, peer.start)
    else print(`Without ${name}: ${problem}\n`)
  }
  return systems
}

function peerNamed(name: string): { readonly program: string; readonly start: StartSystem } {
  switch (name) {
    case 'redis':
      return { program: 'redis-server', start: (parent) => Redis.start(parent) }
    case 'nats':
      return { program: 'nats-server', start: (parent) => Nats.start(parent) }
  }
  throw new Error(`Cannot compare with '${name}': it must be redis or nats`)
}

function rowOf(what: MqCase, system: string, found: MqMeasured): string[] {
  const name = nameOf(what)
  return [
    name,
    String(what.partitions),
    system,
    figure(found.perSecond),
    ...(what.task.type === 'consume'
      ? ['', '', '']
      : [found.p50, found.p99, found.p999].map(figure)),
    figure(found.cpuMicrosPerRecord),
    figure(found.cpuMicrosPerBatch),
    system === 'ours' ? verdict(name, found) : '',
    String(found.failed),
  ]
}

function nameOf(what: MqCase): string {
  return `${taskName(what)} ${what.recordBytes} B`
}

function taskName({ task }: MqCase): string {
  const isSingle = task.type === 'produce' && task.batchRecords === 1 && task.inFlight === 1
  return isSingle ? 'single' : task.type
}

function verdict(name: string, found: MqMeasured): string {
  const { perSecond, p50, p99 } = mqGoals[name] ?? {}
  if (perSecond !== undefined) return `${met(found.perSecond >= perSecond)} ${figure(perSecond)}/s`
  if (p50 !== undefined) return `${met(found.p50 <= p50)} p50 ${figure(p50)}`
  if (p99 !== undefined) return `${met(found.p99 <= p99)} p99 ${figure(p99)}`
  return ''
}

function met(isMet: boolean): string {
  return isMet ? 'met' : 'MISSED'
}

function taskNamed(name: string): MqTaskName {
  const found = mqTasks.find((one) => one === name)
  if (found === undefined) throw new Error(`Cannot measure '${name}': one of ${mqTasks.join()}`)
  return found
}

function numbers(text: string): number[] {
  return text.split(',').map((word) => {
    const value = Number(word)
    if (Number.isInteger(value) && value > 0) return value
    throw new Error(`Cannot use '${word}': it must be a whole number above 0`)
  })
}
