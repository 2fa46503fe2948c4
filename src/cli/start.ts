// `npm start`: a cluster, a producer and a consumer in one, to see everything at work. On a terminal
// goals arrive on a live screen and keys kill and revive whom they like. Without one, so many goals
// are sent, and then every broker is asked for them from its own log.

import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Consumer } from '../client/consumer.ts'
import { Producer } from '../client/producer.ts'
import { type Clock, systemClock } from '../clock.ts'
import { Random } from '../random.ts'
import { exitCodes } from '../stoppable.ts'
import { canDraw } from '../terminal.ts'
import { cliCommand, numberAbove0, wholeNumber } from './cli-command.ts'
import { basePortMax, Cluster, findBasePort } from './cluster.ts'
import { clusterOptions, progressText, sizeOf, whereabouts } from './cluster-options.ts'
import { follow } from './consume.ts'
import { formatTime } from './consumer-frame.ts'
import { ConsumerView, type KeyAction } from './consumer-view.ts'
import { Demo, demoTopic } from './demo.ts'
import { formatGoal, type Goal, GoalSource, parseGoal } from './goal.ts'
import { checkBrokers } from './goal-check.ts'
import { counted } from './make-topic.ts'
import { keepLogs } from './member-files.ts'
import { toStderr } from './output.ts'
import { goalRecords, oneByOne, sendAll } from './produce.ts'
import { textOf } from './record-text.ts'
import { stopSignal } from './stop-signal.ts'
import { TopicScreen } from './topic-screen.ts'

const goalsDefault = 100
/** On the screen, where a person wants to read them. */
const rateDefault = 5
/** A goal waits for a leader as long as it takes: a person may be in no hurry to revive one. */
const deliveryTimeoutMs = 24 * 3_600_000

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
  usage: 'npm start -- [--servers 3] [--brokers 3] [--goals N] [--data DIR] …',
  describe: 'see it all at work: a cluster, goals, a screen with keys that kill and revive',
  builder: (cli) =>
    clusterOptions(cli, { leastBrokers: 1 })
      .option('goals', {
        coerce: wholeNumber('--goals', { min: 1, max: 1_000_000_000 }),
        defaultDescription: `${goalsDefault} without a terminal, else no end`,
        describe: 'how many to send',
      })
      .option('rate', {
        coerce: numberAbove0('--rate'),
        defaultDescription: `${rateDefault} on a terminal, else no limit`,
        describe: 'goals a second',
      })
      .option('data', {
        type: 'string',
        describe: 'directory of all data, kept; else a temporary one',
      })
      .option('base-port', {
        coerce: wholeNumber('--base-port', { min: 1, max: basePortMax }),
        describe: 'as of zw up; else one that is free',
      })
      .option('seed', {
        coerce: wholeNumber('--seed', { min: 0, max: 2 ** 32 - 1 }),
        describe: 'of the goals: the same seed makes the same goals',
      })
      .option('plain', {
        type: 'boolean',
        default: false,
        describe: 'print lines on a terminal, too',
      }),
  async handler({ servers, brokers, goals, rate, data, basePort, seed, plain }) {
    const random = new Random(seed ?? randomInt(2 ** 32))
    const ports =
      basePort ?? (await findBasePort(new Random(randomInt(2 ** 32)), { servers, brokers }))
    const dataDir = data ?? mkdtempSync(join(tmpdir(), 'zooweeper-'))
    const cluster = new Cluster({ servers, brokers, dataDir, basePort: ports })
    const { signal, again } = stopSignal()
    const onScreen = canDraw(process.stdout, process.env) && !plain
    try {
      await cluster.prepare()
      keepLogs(cluster, dataDir, (problem) => toStderr(`zw: ${problem}\n`))
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

function consumerOf({ brokerAddresses }: Cluster): Consumer {
  return new Consumer({ brokers: brokerAddresses, topic: demoTopic, from: 'beginning' })
}

// --- lines ---------------------------------------------------------------------------------------

async function runPlain(settings: Settings & { readonly goals: number }): Promise<void> {
  const { cluster, clock, random, signal, goals, rate } = settings
  const say = (text: string) => void process.stdout.write(`${text}\n`)
  const tell = (event: string) => say(`${formatTime(clock.wallMs())} ${event}`)
  tell(`starting ${sizeOf(cluster)}`)
  cluster.on('came', (...came) => tell(progressText(...came)))
  const demo = new Demo({ cluster, tell, clock, random })
  const producer = new Producer({ brokers: cluster.brokerAddresses, ...oneByOne })
  const consumer = consumerOf(cluster)
  consumer.on('broker', (id) => tell(`reading from broker ${id}`))
  signal.addEventListener('abort', () => void consumer.close())
  try {
    await demo.start(signal)
    tell(whereabouts(cluster))
    const [before] = await demo.admin.offsets(demoTopic)
    const from = before?.latest ?? 0
    const sent: Goal[] = []
    const sending = sendAll({
      producer,
      topic: demoTopic,
      records: remember(goalRecords(new GoalSource(random), goals), sent),
      perSecond: rate,
      signal,
      onStored: () => demo.stored(),
    }).then(({ error }) => {
      if (error !== undefined) throw error
    })
    const showing = follow({
      consumer,
      commits: false,
      max: from + goals,
      onRecords: (records) => {
        for (const { offset, value } of records) {
          const goal = parseGoal(textOf(value) ?? '')
          if (offset >= from && goal !== undefined) say(formatGoal(goal))
        }
      },
    })
    await Promise.all([sending, showing])
    signal.throwIfAborted()
    tell(`${counted(goals, 'goal')} stored, each sent to a broker picked at random`)
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
    await consumer.close()
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

// --- the screen ----------------------------------------------------------------------------------

async function runScreen(settings: Settings): Promise<void> {
  const { cluster, clock, random, signal, goals, rate } = settings
  const early = (text: string) => void process.stdout.write(`${text}\n`)
  let tell: (event: string) => void = early
  early(`starting ${sizeOf(cluster)} …`)
  cluster.on('came', (...came) => tell(progressText(...came)))
  const demo = new Demo({ cluster, tell: (event) => tell(event), clock, random })
  const producer = new Producer({
    brokers: cluster.brokerAddresses,
    ...oneByOne,
    deliveryTimeoutMs,
  })
  const consumer = consumerOf(cluster)
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
    tell(whereabouts(cluster))
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
