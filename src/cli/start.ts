// `npm start`: a cluster, a producer and a consumer in one, to see everything at work. On a terminal
// goals arrive on a live screen and keys kill and revive whom they like. Without one, so many goals
// are sent, and then every broker is asked for them from its own log.

import { randomInt } from 'node:crypto'
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Consumer } from '../client/consumer.ts'
import type { MqAdmin } from '../client/mq-admin.ts'
import { Producer } from '../client/producer.ts'
import { type Clock, systemClock } from '../clock.ts'
import { Random } from '../random.ts'
import { exitCodes } from '../stoppable.ts'
import { BadUsage, cliCommand } from './cli-command.ts'
import { basePortMax, Cluster, findBasePort } from './cluster.ts'
import { follow } from './consume.ts'
import { formatTime } from './consumer-frame.ts'
import { ConsumerView, type KeyAction } from './consumer-view.ts'
import { Demo, demoTopic } from './demo.ts'
import { formatGoal, type Goal, GoalSource, parseGoal } from './goal.ts'
import { counted } from './make-topic.ts'
import { goalRecords, oneByOne, sendAll } from './produce.ts'
import { textOf } from './record-text.ts'
import { TopicScreen } from './topic-screen.ts'
import { clusterOptions, countIn, stopSignal, whereabouts } from './up.ts'

const goalsDefault = 100
/** On the screen, where a person wants to read them. */
const rateDefault = 5
/** A goal waits for a leader as long as it takes: a person may be in no hurry to revive one. */
const deliveryTimeoutMs = 24 * 3_600_000
/** For each broker to serve goals that are stored already. */
const checkTimeoutMs = 30_000

interface Settings {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
  /** undefined: as long as somebody looks */
  readonly goals: number | undefined
  /** undefined: as fast as they are stored */
  readonly rate: number | undefined
}

const demoKeys: readonly (KeyAction & { readonly run: (demo: Demo) => Promise<void> })[] = [
  {
    key: 'l',
    label: 'kill the server that leads the ensemble',
    short: 'kill leader',
    run: (demo) => demo.killLeader(),
  },
  { key: 'o', label: 'kill a server that follows', run: (demo) => demo.killFollower() },
  { key: 's', label: 'kill any server', run: (demo) => demo.killAnyServer() },
  {
    key: 'b',
    label: 'kill the broker that leads the topic',
    short: 'kill broker',
    run: (demo) => demo.killLeadingBroker(),
  },
  { key: 'x', label: 'kill any broker', run: (demo) => demo.killAnyBroker() },
  {
    key: 'v',
    label: 'revive all that are down',
    short: 'revive',
    run: (demo) => demo.reviveAll(),
  },
]

export const start = cliCommand({
  command: 'start',
  describe: 'see it all at work: a cluster, goals, a screen with keys that kill and revive',
  builder: (cli) =>
    clusterOptions(cli)
      .usage('npm start -- [--servers 3] [--brokers 3] [--goals N] [--data DIR] …')
      .option('goals', {
        type: 'number',
        defaultDescription: `${goalsDefault} without a terminal, else no end`,
        describe: 'how many to send',
      })
      .option('rate', {
        type: 'number',
        defaultDescription: `${rateDefault} on a terminal, else no limit`,
        describe: 'goals a second',
      })
      .option('data', {
        type: 'string',
        describe: 'directory of all data, kept; else a temporary one',
      })
      .option('base-port', { type: 'number', describe: 'as of zw up; else one that is free' })
      .option('seed', { type: 'number', describe: 'of the goals: the same ones each time' })
      .option('plain', { type: 'boolean', default: false, describe: 'lines, on a terminal too' })
      .check(({ brokers, goals, rate, basePort, seed }) => {
        countIn('--brokers', brokers, 1, 99)
        if (goals !== undefined) countIn('--goals', goals, 1, 1_000_000_000)
        if (basePort !== undefined) countIn('--base-port', basePort, 1, basePortMax)
        if (seed !== undefined) countIn('--seed', seed, 0, 2 ** 32 - 1)
        if (rate !== undefined && !(Number(rate) > 0)) {
          throw new BadUsage(`Cannot use --rate ${rate}: it must be a number above 0`)
        }
        return true
      }),
  async handler({ servers, brokers, goals, rate, data, basePort, seed, plain }) {
    const random = new Random(seed ?? randomInt(2 ** 32))
    const dataDir = data ?? mkdtempSync(join(tmpdir(), 'zooweeper-'))
    const ports =
      basePort ?? (await findBasePort(new Random(randomInt(2 ** 32)), { servers, brokers }))
    const cluster = new Cluster({ servers, brokers, dataDir, basePort: ports })
    const { signal, again } = stopSignal()
    const onScreen = process.stdout.isTTY && !plain
    try {
      await cluster.prepare()
      keepLogs(cluster, dataDir)
      const shared = { cluster, clock: systemClock, random, signal }
      if (onScreen) await runScreen({ ...shared, goals, rate: rate ?? rateDefault })
      else await runPlain({ ...shared, goals: goals ?? goalsDefault, rate })
    } catch (error) {
      process.exitCode = exitCodes.failure
      if (!signal.aborted) throw error
    } finally {
      await Promise.race([cluster.stopAll(), again.then(() => cluster.killAll())])
      if (data === undefined) rmSync(dataDir, { recursive: true, force: true })
    }
  },
})

/** What each member says goes to DIR/NAME.log: there is no room for it here. */
function keepLogs(cluster: Cluster, dataDir: string): void {
  const files = new Map(
    cluster.members.map(({ name }) => [
      name,
      createWriteStream(join(dataDir, `${name}.log`), { flags: 'a' }),
    ]),
  )
  cluster.on('line', ({ name }, line) => files.get(name)?.write(`${line}\n`))
}

function producerFor(cluster: Cluster): Producer {
  return new Producer({ brokers: cluster.brokerAddresses, ...oneByOne, deliveryTimeoutMs })
}

// --- lines ---------------------------------------------------------------------------------------

async function runPlain(settings: Settings & { readonly goals: number }): Promise<void> {
  const { cluster, clock, random, signal, goals, rate } = settings
  const say = (text: string) => void process.stdout.write(`${text}\n`)
  const tell = (event: string) => say(`${formatTime(clock.wallMs())} ${event}`)
  tell(`starting ${cluster.servers.length} servers and ${cluster.brokers.length} brokers`)
  const demo = new Demo({ cluster, tell, clock, random })
  const producer = producerFor(cluster)
  const source = new GoalSource(random)
  try {
    await demo.start(signal)
    tell(whereabouts(cluster))
    const [before] = await demo.admin.offsets(demoTopic)
    const from = before?.latest ?? 0
    const sent: Goal[] = []
    const shown = showLines({ cluster, count: goals, from, say, tell, signal })
    const { stored, error } = await sendAll({
      producer,
      topic: demoTopic,
      records: remember(goalRecords(source, goals), sent),
      perSecond: rate,
      signal,
      onStored: () => demo.stored(),
    })
    if (error !== undefined) throw error
    signal.throwIfAborted()
    await shown
    tell(`${stored} goals are stored, each sent to a broker picked at random`)
    const served = await checkBrokers({ cluster, admin: demo.admin, from, sent, tell })
    if (!served) process.exitCode = exitCodes.failure
    const brokerCount = cluster.brokers.length
    say(
      served
        ? `${counted(goals, 'goal')} in order of minute on ${counted(brokerCount, 'broker')}`
        : 'the brokers do not serve the goals that were sent',
    )
  } finally {
    producer.abort()
    await demo.close()
  }
}

function* remember(records: Iterable<{ key: null; value: string }>, goals: Goal[]) {
  for (const record of records) {
    const goal = parseGoal(record.value)
    if (goal !== undefined) goals.push(goal)
    yield record
  }
}

/** Prints goals as they come from a broker picked at random. */
async function showLines(options: {
  readonly cluster: Cluster
  readonly count: number
  readonly from: number
  readonly say: (text: string) => void
  readonly tell: (event: string) => void
  readonly signal: AbortSignal
}): Promise<void> {
  const { cluster, count, from, say, tell, signal } = options
  const consumer = new Consumer({
    brokers: cluster.brokerAddresses,
    topic: demoTopic,
    from: 'beginning',
  })
  signal.addEventListener('abort', () => void consumer.close())
  consumer.on('broker', (id) => tell(`reading from broker ${id}`))
  try {
    await follow({
      consumer,
      commits: false,
      max: from + count,
      onRecords: (records) => {
        for (const { offset, value } of records) {
          const goal = parseGoal(textOf(value) ?? '')
          if (offset >= from && goal !== undefined) say(formatGoal(goal))
        }
      },
    })
  } finally {
    await consumer.close()
  }
}

/** Whether each broker serves what was sent, in order, out of its own replica. */
async function checkBrokers(options: {
  readonly cluster: Cluster
  readonly admin: MqAdmin
  readonly from: number
  readonly sent: readonly Goal[]
  readonly tell: (event: string) => void
}): Promise<boolean> {
  const { cluster, admin, from, sent, tell } = options
  const replicas = (await admin.topic(demoTopic))?.partitions[0]?.replicas ?? []
  const verdicts = await Promise.all(
    cluster.brokers.map(async ({ id }) => {
      if (!replicas.some((replica) => replica === id)) {
        tell(`broker ${id} has no replica of ${demoTopic}`)
        return false
      }
      const served = await goalsOf(cluster, id, from, sent.length)
      const problem = firstDifference(sent, served)
      tell(`broker ${id} serves ${problem ?? `the same ${served.length} goals from its own log`}`)
      return problem === undefined
    }),
  )
  return verdicts.every((verdict) => verdict)
}

/** As this broker has them in its own log; fewer when it does not have them in time. */
async function goalsOf(
  cluster: Cluster,
  broker: number,
  from: number,
  count: number,
): Promise<(Goal | undefined)[]> {
  const consumer = new Consumer({
    brokers: cluster.brokerAddresses,
    topic: demoTopic,
    from: 'beginning',
    broker,
    stayWithBroker: true,
  })
  const timer = setTimeout(() => void consumer.close(), checkTimeoutMs)
  const goals: (Goal | undefined)[] = []
  try {
    await follow({
      consumer,
      commits: false,
      max: from + count,
      onRecords: (records) => {
        for (const { offset, value } of records) {
          if (offset >= from) goals.push(parseGoal(textOf(value) ?? ''))
        }
      },
    })
  } finally {
    clearTimeout(timer)
    await consumer.close()
  }
  return goals
}

/** @returns undefined when both are the same, and minutes rise by one from 1 */
export function firstDifference(
  sent: readonly Goal[],
  served: readonly (Goal | undefined)[],
): string | undefined {
  for (const [i, goal] of sent.entries()) {
    const found = served[i]
    if (found === undefined) return `only ${i} of ${sent.length} goals`
    if (found.id !== goal.id || found.minute !== i + 1) {
      return `${found.id} of minute ${found.minute} where ${goal.id} of minute ${i + 1} belongs`
    }
  }
  return served.length > sent.length ? `${served.length - sent.length} goals too many` : undefined
}

// --- the screen ----------------------------------------------------------------------------------

async function runScreen(settings: Settings): Promise<void> {
  const { cluster, clock, random, signal, goals, rate } = settings
  const early = (text: string) => void process.stdout.write(`${text}\n`)
  let tell: (event: string) => void = early
  early(`starting ${cluster.servers.length} servers and ${cluster.brokers.length} brokers …`)
  const demo = new Demo({ cluster, tell: (event) => tell(event), clock, random })
  const producer = producerFor(cluster)
  const consumer = new Consumer({
    brokers: cluster.brokerAddresses,
    topic: demoTopic,
    from: 'beginning',
  })
  const over = new AbortController()
  signal.addEventListener('abort', () => over.abort())
  over.signal.addEventListener('abort', () => void consumer.close())
  let screen: TopicScreen | undefined
  try {
    await demo.start(signal)
    const shown = new TopicScreen({
      view: new ConsumerView({ topic: demoTopic, actions: demoKeys }),
      consumer,
      servers: cluster.serverAddresses,
      admin: demo.admin,
      clock,
      onQuit: () => over.abort(),
      onKey: (key) => {
        const run = demoKeys.find((each) => each.key === key)?.run(demo)
        run?.catch((error: Error) => tell(error.message))
      },
    })
    screen = shown
    tell = (event) => shown.tell(event)
    tell(`${whereabouts(cluster)}`)
    const records = goalRecords(new GoalSource(random), goals ?? Number.POSITIVE_INFINITY)
    void sendAll({
      producer,
      topic: demoTopic,
      records,
      perSecond: rate,
      signal: over.signal,
      onStored: () => demo.stored(),
    }).then(({ stored, error }) => {
      if (!over.signal.aborted) tell(error?.message ?? `all ${stored} goals are stored`)
    })
    await follow({ consumer, commits: false, onRecords: (batch) => shown.received(batch) })
  } finally {
    screen?.close()
    producer.abort()
    await consumer.close()
    await demo.close()
    if (screen !== undefined) early('stopping …')
  }
}
