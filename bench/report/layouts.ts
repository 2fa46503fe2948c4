// What the page says about each part, and which of its figures it shows: columns, ratios, goals and
// plots. Nothing here measures; page.ts puts the figures in.

import { mqGoals } from '../mq/goals.ts'
import { figure } from '../report.ts'
import type { PartName, Point } from './figures.ts'

export interface Column {
  readonly key: string
  readonly header: string
}

export interface Plot {
  /** the file is docs/benchmarks/NAME.svg */
  readonly name: string
  readonly title: string
  readonly x: Column
  readonly y: Column
  readonly isLogX: boolean
  readonly isLogY: boolean
  /** the points that it shows; all by default */
  readonly only?: (labels: Point['labels']) => boolean
}

/** A goal, and whether these figures (medians) meet it. */
export interface Verdict {
  readonly isMet: boolean
  readonly goal: string
}

export interface Layout {
  readonly title: string
  /** what was measured, and what each figure means */
  readonly about: string
  readonly labels: readonly Column[]
  readonly values: readonly Column[]
  /** the value of which ours is divided by each other system's, round by round */
  readonly ratio?: Column
  readonly goal?: (
    labels: Point['labels'],
    medians: Readonly<Record<string, number>>,
    ratios: readonly number[],
  ) => Verdict | undefined
  readonly plots: readonly Plot[]
}

const rate = { key: 'perSecond', header: 'ops/s' } as const
const latencies = [
  { key: 'p50', header: 'p50, µs' },
  { key: 'p99', header: 'p99, µs' },
] as const
const cpu = { key: 'cpuMicros', header: 'CPU, µs/op' } as const
const throughput = { key: 'perSecond', header: 'ours ÷ its' } as const
const operation = { key: 'load', header: 'load' } as const

/** Least ratio of operations per second to ZooKeeper's; the project's goals. */
const ratioGoals: Readonly<Record<string, number>> = {
  'set 12x64 100': 6,
  'create 12x64 100': 4,
  'set 12x4 100': 3,
  'create 12x4 100': 2.5,
  'set 252x1 100': 3,
  'get 252x1 100': 3,
  'mix 12x64 100': 8,
  'set 12x64 1000': 4,
  'set 1x1 100': 1 / 0.7,
}

/** Most milliseconds until a restarted server answers, by znodes. */
const startGoals: Readonly<Record<number, number>> = { 100000: 500, 1000000: 3000 }

/** Most milliseconds without a write, of the median. */
const gapGoals: Readonly<Record<string, number>> = { SIGKILL: 150, SIGSTOP: 1000 }

export const layouts: Readonly<Record<PartName, Layout>> = {
  load: {
    title: 'Beside ZooKeeper and etcd',
    about: `Three servers each, every write fsynced by a quorum before its answer. A closed loop: each of C connections keeps N requests on
the way (C×N). \`get\` reads what the server at hand has, with etcd a serializable range.
CPU is user and system time of all servers of a system, per operation.`,
    labels: [operation, { key: 'shape', header: 'C×N' }, { key: 'valueBytes', header: 'bytes' }],
    values: [rate, ...latencies, cpu],
    ratio: throughput,
    goal: ({ load, shape, valueBytes }, _, ratios) =>
      atLeast(ratioGoals[`${load} ${shape} ${valueBytes}`], ratios[0]),
    plots: [],
  },
  open: {
    title: 'Latency at a given rate',
    about: `An open loop: requests are due at fixed times, and the latency of each counts from then, whether or not it could be sent: a stall
is seen by every request that was due meanwhile (no coordinated omission). Twelve connections, requests sent every millisecond.
A system that answers fewer than are due falls behind, and its latency grows with the duration of the run.`,
    labels: [operation, { key: 'rate', header: 'due/s' }],
    values: [
      { key: 'perSecond', header: 'answered/s' },
      ...latencies,
      { key: 'p999', header: 'p99.9, µs' },
    ],
    plots: [
      {
        name: 'open-set',
        title: 'set, open loop: p99 from when a request is due',
        x: { key: 'rate', header: 'requests due per second' },
        y: { key: 'p99', header: 'p99, µs' },
        isLogX: true,
        isLogY: true,
        only: ({ load }) => load === 'set',
      },
    ],
  },
  sequential: {
    title: 'One client, one write after the other',
    about: `The table of the original system: one client of a follower (with etcd: of the first server) writes 1, 10 and 100 values of 100 B, each after the answer to
the previous one, with 3, 5, 7 and 9 servers. The original system took 21 400 ms for 100 writes with 3 servers.`,
    labels: [{ key: 'servers', header: 'servers' }],
    values: [
      { key: 'ms1', header: '1 write, ms' },
      { key: 'ms10', header: '10 writes, ms' },
      { key: 'ms100', header: '100 writes, ms' },
    ],
    ratio: { key: 'ms100', header: '100 writes, ours ÷ its' },
    goal: (_, __, ratios) => atMost(0.6, ratios[0]),
    plots: [
      {
        name: 'sequential',
        title: '100 writes one after the other',
        x: { key: 'servers', header: 'servers' },
        y: { key: 'ms100', header: 'ms' },
        isLogX: false,
        isLogY: false,
      },
    ],
  },
  keeper: {
    title: 'A mixed workload',
    about: `As ClickHouse's keeper-bench mixes it: each connection draws its next request by weight (\`bench/workloads/keeper.ts\` has
them): reads, reads that leave a watch, lists of 100 children, sets, multis of a check and two sets, creates and deletes. An
answered watch counts as no operation.`,
    labels: [{ key: 'shape', header: 'C×N' }],
    values: [rate, ...latencies, cpu],
    ratio: throughput,
    plots: [],
  },
  connections: {
    title: 'By connections',
    about: `One request on the way on each connection.`,
    labels: [operation, { key: 'connections', header: 'connections' }],
    values: [rate, ...latencies, cpu],
    ratio: throughput,
    plots: ['set', 'get'].map((load) => ({
      name: `connections-${load}`,
      title: `${load}, one request in flight per connection`,
      x: { key: 'connections', header: 'connections' },
      y: { key: 'perSecond', header: 'operations per second' },
      isLogX: true,
      isLogY: true,
      only: (labels: Point['labels']) => labels['load'] === load,
    })),
  },
  values: {
    title: 'By the size of a value',
    about: `Twelve connections with four requests each on the way.`,
    labels: [operation, { key: 'valueBytes', header: 'bytes' }],
    values: [rate, ...latencies, cpu],
    ratio: throughput,
    plots: ['set', 'get'].map((load) => ({
      name: `values-${load}`,
      title: `${load} by the size of the value`,
      x: { key: 'valueBytes', header: 'bytes' },
      y: { key: 'perSecond', header: 'operations per second' },
      isLogX: true,
      isLogY: true,
      only: (labels: Point['labels']) => labels['load'] === load,
    })),
  },
  znodes: {
    title: 'By znodes, and memory per znode',
    about: `Three servers hold that many znodes of 100 B, 1 000 under each parent, and are loaded on the same thousand keys, 12×64. Memory
is what the largest server has in resident memory beyond what it had empty, divided by the znodes; a Java server keeps what its
heap once grew to. The systems are measured one after the other: all trees together need much memory.`,
    labels: [{ key: 'znodes', header: 'znodes' }],
    values: [
      { key: 'set', header: 'set/s' },
      { key: 'get', header: 'get/s' },
      { key: 'fill', header: 'creates/s while filled' },
      { key: 'bytesPerZnode', header: 'B/znode' },
      { key: 'residentMiB', header: 'largest server, MiB' },
    ],
    ratio: { key: 'get', header: 'get/s, ours ÷ its' },
    plots: [
      {
        name: 'znodes-get',
        title: 'get 12×64 on the same keys in a growing tree',
        x: { key: 'znodes', header: 'znodes' },
        y: { key: 'get', header: 'operations per second' },
        isLogX: true,
        isLogY: false,
      },
    ],
  },
  watches: {
    title: 'By watches',
    about: `A hundred sessions together hold that many data watches, each session one on every watched znode, while other keys are set,
12×64. Then each watched znode is set once: told/s is watch events that arrived per second until the last one. Memory is of all
servers together.`,
    labels: [{ key: 'watches', header: 'watches' }],
    values: [
      { key: 'set', header: 'set/s' },
      { key: 'toldPerSecond', header: 'told/s' },
      { key: 'bytesPerWatch', header: 'B/watch' },
    ],
    ratio: { key: 'set', header: 'set/s, ours ÷ its' },
    plots: [],
  },
  sessions: {
    title: 'Sessions',
    about: `So many sessions with a watch each on one of 1 000 znodes are held, idle but for their pings; then each znode is set once.`,
    labels: [{ key: 'sessions', header: 'sessions' }],
    values: [
      { key: 'connectMs', header: 'connected in, ms' },
      { key: 'kibPerSession', header: 'KiB/session, all servers' },
      { key: 'events', header: 'watches that fired' },
      { key: 'eventsMs', header: 'all told in, ms' },
    ],
    plots: [],
  },
  start: {
    title: 'Start',
    about: `A lone server with so many znodes of 100 B is stopped (SIGTERM) and started again; ms from the start of its process until a new
client has read a znode, on files that the operating system has in memory.`,
    labels: [{ key: 'znodes', header: 'znodes' }],
    values: [
      { key: 'ms', header: 'ms' },
      { key: 'residentMiB', header: 'MiB then' },
    ],
    ratio: { key: 'ms', header: 'ours ÷ its' },
    goal: ({ znodes }, { ms }) => atMost(startGoals[Number(znodes)], ms, ' ms'),
    plots: [],
  },
  failover: {
    title: 'Failover',
    about: `Three servers and a client with default settings at each of them; the clients write all the time. The leader is killed (SIGKILL)
or falls silent (SIGSTOP). The gap is between two successful writes of any client; the systems are measured one
after the other. Its parts are known of ours: noticed, until the
first server looks for a leader; elected; established, until the leader has a quorum's promise and its history on their disks;
written, until a client has its answer.`,
    labels: [{ key: 'failure', header: 'leader' }],
    values: [
      { key: 'gap', header: 'gap, ms' },
      { key: 'noticed', header: 'noticed' },
      { key: 'elected', header: 'elected' },
      { key: 'established', header: 'established' },
      { key: 'written', header: 'written' },
    ],
    ratio: { key: 'gap', header: 'ours ÷ its' },
    goal: ({ failure }, { gap }) => atMost(gapGoals[String(failure)], gap, ' ms'),
    plots: [],
  },
  trees: {
    title: 'One parent of many children',
    about: `A server of ours alone, with one parent of so many children of 100 B. A client lists them, each time after another child was created:
held is how long the server's event loop was held at most, by its own clock. Then it lists them while another client pings all the time: ping
is the slowest ping meanwhile, which waits for a processor as well, and idle the slowest one while nothing was listed. Then the
server is killed and started again, until it accepts a session.`,
    labels: [{ key: 'children', header: 'children' }],
    values: [
      { key: 'heldNative', header: 'held, native, ms' },
      { key: 'heldJute', header: 'held, jute, ms' },
      { key: 'pingNative', header: 'ping, native, ms' },
      { key: 'pingJute', header: 'ping, jute, ms' },
      { key: 'idle', header: 'idle, ms' },
      { key: 'listedNative', header: 'listed, native, ms' },
      { key: 'listedJute', header: 'listed, jute, ms' },
      { key: 'restarted', header: 'restart, ms' },
    ],
    goal: (_, { heldNative, heldJute }) =>
      atMost(5, Math.max(heldNative ?? Number.NaN, heldJute ?? Number.NaN), ' ms'),
    plots: [],
  },
  roles: {
    title: 'What an operation costs each server',
    about: `Ours, in its own protocol, 12×64, all clients at followers and observers, so that the leader only leads. Main is the one
thread that runs the protocol, others are those of Node.js for the disk and garbage collection: µs of CPU per operation of the
ensemble, of the leader and of the mean other server. 1 000 000 divided by the leader's main thread is the most that one ensemble
can write per second ([scale.md](scale.md)).`,
    labels: [
      operation,
      { key: 'voters', header: 'voters' },
      { key: 'observers', header: 'observers' },
    ],
    values: [
      rate,
      { key: 'leaderMain', header: 'leader, main' },
      { key: 'leaderOther', header: 'leader, others' },
      { key: 'learnerMain', header: 'other server, main' },
      { key: 'learnerOther', header: 'other server, others' },
    ],
    plots: [],
  },
  mq: {
    title: 'Mimic Queue beside Redis and NATS',
    about: `Three brokers of ours (acks=all, three replicas) and Redis Streams (one server) sync every batch before they acknowledge it;
NATS JetStream (three servers, three replicas) acknowledges what two of them have in memory. \`produce\`: batches of 65 536 B, five
in flight per partition (of at most three); \`single\`: one record at a time; \`consume\`: 64 MiB are read again and again;
\`endToEnd\`: 10 000 records per second, µs from when a record is due until it has arrived.`,
    labels: [
      operation,
      { key: 'recordBytes', header: 'bytes' },
      { key: 'partitions', header: 'partitions' },
    ],
    values: [
      { key: 'perSecond', header: 'records/s' },
      ...latencies,
      { key: 'cpuMicrosPerRecord', header: 'CPU, µs/record' },
      { key: 'cpuMicrosPerBatch', header: 'CPU, µs/batch' },
    ],
    goal: ({ load, recordBytes }, medians) => mqVerdict(`${load} ${recordBytes} B`, medians),
    plots: [],
  },
  partitions: {
    title: 'Many partitions',
    about: `Three brokers with so many partitions of three replicas, one server of ZooWeeper: made, left alone, one broker killed (the failover
includes the session's time-out), and started again.`,
    labels: [{ key: 'partitions', header: 'partitions' }],
    values: [
      { key: 'createMs', header: 'create, ms' },
      { key: 'idlePercent', header: 'idle, % of a core, most of a broker' },
      { key: 'failoverMs', header: 'failover, ms' },
      { key: 'led', header: 'of so many partitions' },
      { key: 'restartMs', header: 'restart, ms' },
    ],
    goal: (_, { failoverMs }) => atMost(5000, failoverMs, ' ms'),
    plots: [],
  },
  logs: {
    title: "A broker's start",
    about: `The opening of its logs, in a fresh process: after a clean stop, after a kill (with what is behind the checkpoints to be read), and as
if everything had to be read.`,
    labels: [
      { key: 'after', header: 'after' },
      { key: 'gigabytes', header: 'GB' },
    ],
    values: [
      { key: 'openMs', header: 'opened, ms' },
      { key: 'readMs', header: 'first read in the middle of each log, ms' },
      { key: 'residentMiB', header: 'memory, MiB' },
    ],
    plots: [],
  },
}

function atLeast(goal: number | undefined, value: number | undefined): Verdict | undefined {
  if (goal === undefined || value === undefined) return undefined
  return { isMet: value >= goal, goal: goal.toFixed(1) }
}

function atMost(
  goal: number | undefined,
  value: number | undefined,
  unit = '',
): Verdict | undefined {
  if (goal === undefined || value === undefined) return undefined
  return { isMet: value <= goal, goal: `${figure(goal).replace(/\.0+$/, '')}${unit}` }
}

function mqVerdict(name: string, medians: Readonly<Record<string, number>>): Verdict | undefined {
  const { perSecond, p50, p99 } = mqGoals[name] ?? {}
  const value = (key: string) => medians[key] ?? Number.NaN
  if (perSecond !== undefined) {
    return { isMet: value('perSecond') >= perSecond, goal: `${figure(perSecond)}/s` }
  }
  if (p50 !== undefined) return { isMet: value('p50') <= p50, goal: `p50 ${figure(p50)}` }
  if (p99 !== undefined) return { isMet: value('p99') <= p99, goal: `p99 ${figure(p99)}` }
  return undefined
}
