// `npm start`: a cluster, a producer and a consumer in one. On a terminal, goals arrive on a live
// screen and keys kill and revive members. Without one, a number of goals is sent, and then read
// from every broker's own log.

import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Consumer } from '../../client/mq/consumer.ts'
import { Producer } from '../../client/mq/producer.ts'
import { type Clock, systemClock } from '../../clock.ts'
import { Random } from '../../random.ts'
import { exitCodes } from '../../stoppable.ts'
import { cliCommand, numberAbove0, wholeNumber } from '../cli-command.ts'
import { goalRecords, oneByOne, sendAll } from '../commands/produce.ts'
import { ConsumerView, type KeyAction } from '../consumer/consumer-view.ts'
import { follow } from '../consumer/follow.ts'
import { type Look, lookOf } from '../consumer/screen-palette.ts'
import { formatTime } from '../consumer/time-text.ts'
import { TopicScreen } from '../consumer/topic-screen.ts'
import { formatGoal, parseGoal } from '../goals/goal.ts'
import { GoalSource } from '../goals/goal-source.ts'
import { toStderr } from '../output.ts'
import { textOf } from '../record-text.ts'
import { stopSignal } from '../stop-signal.ts'
import { basePortMax, Cluster, findBasePort } from './cluster.ts'
import { clusterOptions, progressText, sizeOf, whereabouts } from './cluster-options.ts'
import { abortable } from './cluster-ready.ts'
import { Demo, demoTopic } from './demo.ts'
import { checkBrokers, StoredGoals } from './goal-check.ts'
import { keepLogs } from './member-files.ts'

const goalsDefault = 100
/** On the screen, at a readable rate. */
const rateDefault = 5
/** A goal waits for a leader as long as it takes: the user may revive one much later. */
const deliveryTimeoutMs = 24 * 3_600_000
/** After `q`, for goals in flight. */
const settleMs = 1000

interface Settings {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
  /** undefined: until the screen is closed */
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
    label: 'revive all stopped members',
    short: 'revive',
    run: (demo) => demo.reviveAll(),
  },
]

export const start = cliCommand({
  command: 'start',
  usage: 'npm start -- [--servers 3] [--brokers 3] [--goals N] [--data DIR] …',
  describe: 'run a demonstration: a cluster, goals, a screen with keys that kill and revive',
  builder: (cli) =>
    clusterOptions(cli, { leastBrokers: 1 })
      .option('goals', {
        coerce: wholeNumber('--goals', { min: 1, max: 1_000_000_000 }),
        defaultDescription: `${goalsDefault} without a terminal, else no end`,
        describe: 'number of goals to send',
      })
      .option('rate', {
        coerce: numberAbove0('--rate'),
        defaultDescription: `${rateDefault} on a terminal, else no limit`,
        describe: 'goals a second',
      })
      .option('data', {
        type: 'string',
        describe: 'directory of all data, which is kept; default: a temporary one',
      })
      .option('base-port', {
        coerce: wholeNumber('--base-port', { min: 1, max: basePortMax }),
        describe: 'as in zw up; default: a free one',
      })
      .option('seed', {
        coerce: wholeNumber('--seed', { min: 0, max: 2 ** 32 - 1 }),
        describe: 'seed of the goals: the same seed makes the same goals',
      })
      .option('plain', {
        type: 'boolean',
        default: false,
        describe: 'print lines even on a terminal',
      }),
  async handler({ servers, brokers, goals, rate, data, basePort, seed, plain }) {
    const random = new Random(seed ?? randomInt(2 ** 32))
    const ports =
      basePort ?? (await findBasePort(new Random(randomInt(2 ** 32)), { servers, brokers }))
    const dataDir = data ?? mkdtempSync(join(tmpdir(), 'zooweeper-'))
    const cluster = new Cluster({ servers, brokers, dataDir, basePort: ports })
    const { signal, again } = stopSignal()
    const terminal = { input: process.stdin, output: process.stdout }
    const look = plain ? undefined : lookOf(process.env, terminal)
    try {
      await cluster.prepare()
      keepLogs(cluster, dataDir, (problem) => toStderr(`zw: ${problem}\n`))
      const shared = { cluster, clock: systemClock, random, signal }
      if (look === undefined) await runPlain({ ...shared, goals: goals ?? goalsDefault, rate })
      else await runScreen({ ...shared, look, goals, rate: rate ?? rateDefault })
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
    const stored = new StoredGoals()
    const sending = sendAll({
      producer,
      topic: demoTopic,
      records: goalRecords(new GoalSource(random, goals), goals),
      perSecond: rate,
      signal,
      onStored: ({ value }, offset) => {
        stored.add(value, offset)
        demo.stored()
      },
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
    const verdict = await checkBrokers({ cluster, admin: demo.admin, stored, tell })
    if (!verdict.isFine) process.exitCode = exitCodes.failure
    say(verdict.text)
  } finally {
    producer.abort()
    await consumer.close()
    await demo.close()
  }
}

// --- the screen ----------------------------------------------------------------------------------

async function runScreen(settings: Settings & { readonly look: Look }): Promise<void> {
  const { cluster, clock, random, signal, look, goals, rate } = settings
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
  const stored = new StoredGoals()
  try {
    await demo.start(signal)
    const shown = new TopicScreen({
      view: new ConsumerView({ topic: demoTopic, actions: demoKeys }),
      look,
      consumer,
      servers: cluster.serverAddresses,
      client: { brokers: cluster.brokerAddresses },
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
    const sending = sendAll({
      producer,
      topic: demoTopic,
      records: goalRecords(new GoalSource(random, goals), goals ?? Number.POSITIVE_INFINITY),
      perSecond: rate,
      signal: over.signal,
      onStored: ({ value }, offset) => {
        stored.add(value, offset)
        demo.stored()
      },
    }).then(({ error }) => {
      if (!over.signal.aborted) tell(error?.message ?? `all ${stored.count} goals are stored`)
    })
    await follow({ consumer, commits: false, onRecords: (batch) => shown.received(batch) })
    screen.close()
    if (signal.aborted) return
    tell = (event) => early(`${formatTime(clock.wallMs())} ${event}`)
    // Goals in flight are stored shortly, or have no broker to go to.
    const giveUp = clock.after(settleMs, () => producer.abort())
    await sending.finally(giveUp)
    const check = checkBrokers({ cluster, admin: demo.admin, stored, tell })
    const verdict = await abortable(check, signal)
    if (!verdict.isFine) process.exitCode = exitCodes.failure
    early(verdict.text)
  } finally {
    screen?.close()
    producer.abort()
    await consumer.close()
    await demo.close()
    if (screen !== undefined) early('stopping …')
  }
}
