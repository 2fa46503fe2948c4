// `zw consume TOPIC`: a live screen on a terminal, lines everywhere else.

import { once } from 'node:events'
import { type ConsumedRecord, Consumer } from '../client/consumer.ts'
import { MqAdmin } from '../client/mq-admin.ts'
import { formatServer, type ServerAddress } from '../client/servers.ts'
import { systemClock } from '../clock.ts'
import type { BrokerId } from '../protocol/mq/messages.ts'
import { BadUsage, cliCommand, countIn } from './cli-command.ts'
import { ConsumerView } from './consumer-view.ts'
import { counted } from './make-topic.ts'
import { type MqPlace, mqOptions, openMq } from './mq-options.ts'
import { recordFormatter } from './record-text.ts'
import { lookOf } from './screen-palette.ts'
import { stopSignal } from './stop-signal.ts'
import { TopicScreen } from './topic-screen.ts'

/** For what the screen shows: a broker that does not answer by then is shown as lost. */
const statusTimeoutMs = 1000

export interface FollowOptions {
  readonly consumer: Consumer
  readonly onRecords: (records: readonly ConsumedRecord[]) => Promise<void> | void
  /** Offsets are committed behind each turn of records, when it is done with them. */
  readonly commits: boolean
  readonly max?: number | undefined
  /** where to stop, by partition: the offset after the last one wanted */
  readonly ends?: ReadonlyMap<number, number> | undefined
}

/** Hands over records until there were enough, or the consumer is closed. @returns how many */
export async function follow(options: FollowOptions): Promise<number> {
  const { consumer, onRecords, commits, max = Number.POSITIVE_INFINITY, ends } = options
  await consumer.start()
  let count = 0
  while (count < max && !isAtEnd(consumer, ends)) {
    const taken = await consumer.take()
    if (taken.length === 0) break
    const records = taken.slice(0, max - count)
    await onRecords(records)
    count += records.length
    if (commits) await consumer.commit(offsetsAfter(records))
  }
  return count
}

function isAtEnd(consumer: Consumer, ends: ReadonlyMap<number, number> | undefined): boolean {
  if (ends === undefined) return false
  return consumer.progress.every(
    ({ partition, position }) => position >= (ends.get(partition) ?? 0),
  )
}

function offsetsAfter(records: readonly ConsumedRecord[]): Map<number, number> {
  return new Map(records.map(({ partition, offset }) => [partition, offset + 1]))
}

export const consume = cliCommand({
  command: 'consume <topic>',
  describe: 'show a topic as it grows: a screen on a terminal, lines elsewhere',
  builder: (cli) =>
    mqOptions(cli)
      .usage('zw consume TOPIC [--from-beginning] [--group G] [--max N] [--plain] …')
      .positional('topic', { type: 'string', demandOption: true })
      .option('from-beginning', {
        type: 'boolean',
        default: false,
        describe: 'all that is stored, not only what comes from now on',
      })
      .option('group', {
        alias: 'G',
        type: 'string',
        describe: 'go on where this group committed last (at first from the beginning), and commit',
      })
      .option('max', { alias: 'c', type: 'number', describe: 'stop after so many records' })
      .option('exit-at-end', {
        alias: 'e',
        type: 'boolean',
        default: false,
        describe: 'stop at what is the end now',
      })
      .option('partition', { alias: 'p', type: 'number', describe: 'this one only' })
      .option('plain', { type: 'boolean', default: false, describe: 'lines, on a terminal too' })
      .option('format', {
        alias: 'f',
        type: 'string',
        default: '%s\\n',
        describe: 'of a line: %t topic %p partition %o offset %k key %s value %T time',
      })
      .option('broker', {
        alias: 'b',
        type: 'string',
        describe: 'brokers to begin with, instead of asking ZooWeeper; of one alone is read',
      })
      .check(({ max, group, fromBeginning }) => {
        if (max !== undefined) countIn('--max', max, 1, Number.MAX_SAFE_INTEGER)
        if (group !== undefined && fromBeginning) {
          throw new BadUsage(
            'Cannot use --from-beginning with --group: the group knows where it was',
          )
        }
        return true
      }),
  async handler(options) {
    const format = recordFormatter(options.format)
    const place = await openMq(options)
    const admin = new MqAdmin({ ...place.client, timeoutMs: statusTimeoutMs })
    const consumer = new Consumer({
      ...place.client,
      topic: options.topic,
      from: options.group !== undefined ? 'committed' : options.fromBeginning ? 'beginning' : 'end',
      ...(options.group === undefined ? {} : { group: options.group }),
      ...(options.partition === undefined ? {} : { partitions: [options.partition] }),
      ...(await pinned(place, admin)),
    })
    const { signal } = stopSignal()
    signal.addEventListener('abort', () => void consumer.close())
    let screen: TopicScreen | undefined
    try {
      await consumer.start()
      const ends = options.exitAtEnd ? await endsOf(admin, options.topic) : undefined
      const terminal = { input: process.stdin, output: process.stdout }
      const look = options.plain ? undefined : lookOf(process.env, terminal)
      if (look !== undefined) {
        screen = new TopicScreen({
          view: new ConsumerView({ topic: options.topic, group: options.group }),
          look,
          consumer,
          servers: place.servers,
          client: place.client,
          admin,
          clock: systemClock,
          onQuit: () => void consumer.close(),
        })
      }
      const count = await follow({
        consumer,
        onRecords: (records) =>
          screen === undefined ? printAll(records.map(format)) : screen.received(records),
        commits: options.group !== undefined,
        max: options.max,
        ends,
      })
      if (screen !== undefined) {
        screen.close()
        const lag = consumer.lag === undefined ? '' : `, lag ${consumer.lag}`
        await printAll([`${counted(count, 'record')} read from ${options.topic}${lag}\n`])
      }
    } finally {
      screen?.close()
      await consumer.close()
      admin.close()
      await place.close()
    }
  },
})

async function printAll(texts: readonly string[]): Promise<void> {
  if (!process.stdout.write(texts.join(''))) await once(process.stdout, 'drain')
}

async function endsOf(admin: MqAdmin, topic: string): Promise<Map<number, number>> {
  const offsets = await admin.offsets(topic)
  return new Map(offsets.map(({ partition, latest }) => [partition, latest]))
}

/** One broker that was given alone is the one to read from. */
async function pinned(
  { brokers }: MqPlace,
  admin: MqAdmin,
): Promise<{ broker?: BrokerId; stayWithBroker?: boolean }> {
  const [wanted] = brokers
  if (wanted === undefined || brokers.length > 1) return {}
  const found = (await admin.cluster()).brokers.find((broker) => isSame(broker, wanted))
  if (found === undefined) {
    const address = formatServer(wanted)
    throw new Error(`Cannot read from ${address} alone: brokers know each other by other addresses`)
  }
  return { broker: found.id, stayWithBroker: true }
}

function isSame(one: ServerAddress, other: ServerAddress): boolean {
  const name = (host: string) => (host === 'localhost' ? '127.0.0.1' : host)
  return one.port === other.port && name(one.host) === name(other.host)
}
