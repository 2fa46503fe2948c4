// `zw consume TOPIC`: a live screen on a terminal, lines everywhere else.

import { once } from 'node:events'
import { type Address, formatAddress } from '../../address.ts'
import { type ConsumedRecord, Consumer } from '../../client/mq/consumer.ts'
import { MqAdmin } from '../../client/mq/mq-admin.ts'
import { systemClock } from '../../clock.ts'
import { limits } from '../../limits.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import { BadUsage, cliCommand, wholeNumber } from '../cli-command.ts'
import { follow } from '../consumer/follow.ts'
import { lookOf } from '../consumer/screen-palette.ts'
import { resetText } from '../consumer/topic-screen.ts'
import { counted } from '../make-topic.ts'
import { type MqPlace, mqOptions, openMq } from '../mq-options.ts'
import { recordFormatter } from '../record-text.ts'
import { stopSignal } from '../stop-signal.ts'
import { browse } from './browser-screen.ts'

/** For the screen's status: a broker that does not answer within this time is shown as lost. */
const statusTimeoutMs = 1000
/** Of a topic that is opened on the screen, this many records of each partition are read first. */
const openedLast = 100

export const consume = cliCommand({
  command: 'consume <topic>',
  usage: 'zw consume TOPIC [--from-beginning] [--group G] [--max N] [--plain] …',
  describe: 'show the records of a topic: a screen on a terminal, lines elsewhere',
  builder: (cli) =>
    mqOptions(cli, { brokerNote: '; one alone is the one to read from' })
      .positional('topic', { type: 'string', demandOption: true })
      .option('from-beginning', {
        type: 'boolean',
        default: false,
        describe: 'read the records stored so far, too',
      })
      .option('group', {
        alias: 'G',
        type: 'string',
        describe: 'resume where this group committed last (at first, the beginning), and commit',
      })
      .option('max', {
        alias: 'c',
        coerce: wholeNumber('--max', { min: 1, max: Number.MAX_SAFE_INTEGER }),
        describe: 'stop after this many records',
      })
      .option('exit-at-end', {
        alias: 'e',
        type: 'boolean',
        default: false,
        describe: 'stop at the current end of the topic',
      })
      .option('partition', {
        alias: 'p',
        coerce: wholeNumber('--partition', { min: 0, max: limits.partitionsPerTopicMax - 1 }),
        describe: 'read only this partition',
      })
      .option('plain', {
        type: 'boolean',
        default: false,
        describe: 'print lines even on a terminal',
      })
      .option('mouse', {
        type: 'boolean',
        default: true,
        describe: 'use the mouse; --no-mouse leaves it to the terminal, to select text',
      })
      .option('out-of-range', {
        type: 'string',
        choices: ['stop', 'earliest', 'latest'] as const,
        default: 'stop' as const,
        describe: 'where to continue when the offset to read does not exist',
      })
      .option('format', {
        alias: 'f',
        type: 'string',
        default: '%s\\n',
        describe:
          'of a record: %t topic %p partition %o offset %k key %s value %T time in ms ' +
          '%K %S length of key and value in bytes, -1 for null; \\n \\t \\r \\\\ %%',
      })
      .option('null', {
        alias: 'Z',
        type: 'string',
        default: '',
        describe: 'text that %k and %s print for null',
      })
      .epilogue(
        'A terminal shows control characters escaped; a pipe or a file gets the exact bytes of keys ' +
          'and values. More: docs/shell.md',
      )
      .check(({ group, fromBeginning }) => {
        if (group !== undefined && fromBeginning) {
          throw new BadUsage(
            'Cannot use --from-beginning with --group: the group resumes where it committed last',
          )
        }
        return true
      }),
  async handler(options) {
    const escapes = process.stdout.isTTY === true
    const format = recordFormatter(options.format, { escapes, nullText: options.null })
    const place = await openMq(options)
    const admin = new MqAdmin({ ...place.client, timeoutMs: statusTimeoutMs })
    const { topic, group, outOfRange, partition, max } = options
    const where = await pinned(place, admin)
    const start = group !== undefined ? 'committed' : options.fromBeginning ? 'beginning' : 'end'
    const consumer = new Consumer({
      ...place.client,
      ...where,
      topic,
      from: start,
      outOfRange,
      ...(group === undefined ? {} : { group }),
      ...(partition === undefined ? {} : { partitions: [partition] }),
    })
    const { signal } = stopSignal()
    const terminal = { input: process.stdin, output: process.stdout }
    const look = options.plain ? undefined : lookOf(process.env, terminal)
    try {
      signal.addEventListener('abort', () => void consumer.close())
      if (look === undefined) {
        const say = (text: string) => process.stderr.write(`zw: ${text}\n`)
        consumer.on('reset', (...reset) => say(resetText(...reset)))
        consumer.on('unavailable', (_, { message }) => say(message))
      }
      await consumer.start()
      const ends = options.exitAtEnd ? await endsOf(admin, topic) : undefined
      if (look === undefined) {
        const onRecords = (records: readonly ConsumedRecord[]) => printAll(records.map(format))
        await follow({ consumer, onRecords, commits: group !== undefined, max, ends })
        return
      }
      const browsed = await browse({
        look,
        mouse: options.mouse,
        consumer,
        consumerOf: (topic) =>
          new Consumer({
            ...place.client,
            ...where,
            topic,
            from: { last: openedLast },
            outOfRange: 'latest',
          }),
        group,
        servers: place.servers,
        client: place.client,
        admin,
        clock: systemClock,
        max,
        ends,
        signal,
      })
      const lag = browsed.lag === undefined ? '' : `, lag ${browsed.lag}`
      const read = `${counted(browsed.count, 'record')} read from ${browsed.topic}${lag}`
      await printAll([Buffer.from(`${read}\n`)])
    } finally {
      await consumer.close()
      admin.close()
      await place.close()
    }
  },
})

/** The formatter's output is safe for a terminal. */
async function printAll(records: readonly Buffer[]): Promise<void> {
  if (!process.stdout.write(Buffer.concat(records))) await once(process.stdout, 'drain')
}

async function endsOf(admin: MqAdmin, topic: string): Promise<Map<number, number>> {
  const offsets = await admin.offsets(topic)
  return new Map(offsets.map(({ partition, latest }) => [partition, latest]))
}

/** If exactly one broker was given, read from that one. */
async function pinned(
  { brokers }: MqPlace,
  admin: MqAdmin,
): Promise<{ broker?: BrokerId; stayWithBroker?: boolean }> {
  const [wanted] = brokers
  if (wanted === undefined || brokers.length > 1) return {}
  const found = (await admin.cluster()).brokers.find((broker) => isSame(broker, wanted))
  if (found === undefined) {
    const address = formatAddress(wanted)
    throw new Error(`Cannot read from ${address} alone: the brokers know it by another address`)
  }
  return { broker: found.id, stayWithBroker: true }
}

function isSame(one: Address, other: Address): boolean {
  const name = (host: string) => (host === 'localhost' ? '127.0.0.1' : host)
  return one.port === other.port && name(one.host) === name(other.host)
}
