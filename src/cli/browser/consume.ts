// `zw consume TOPIC`: a live screen on a terminal, lines everywhere else.

import { once } from 'node:events'
import { type Address, formatAddress } from '../../address.ts'
import { type ConsumedRecord, Consumer, type TopicPartition } from '../../client/mq/consumer.ts'
import { MqAdmin } from '../../client/mq/mq-admin.ts'
import { systemClock } from '../../clock.ts'
import { limits } from '../../limits.ts'
import { printable } from '../../printable.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import { BadUsage, cliCommand, wholeNumber } from '../cli-command.ts'
import { endsOf, follow } from '../consumer/follow.ts'
import { lookOf } from '../consumer/screen-palette.ts'
import { resetText } from '../consumer/topic-screen.ts'
import { counted } from '../make-topic.ts'
import { type MqPlace, mqOptions, openMq } from '../mq-options.ts'
import { offsetForms, offsetRange } from '../offset-range.ts'
import { toStderr } from '../output.ts'
import { recordFormatter, recordJson } from '../record-text.ts'
import { stopSignal } from '../stop-signal.ts'
import { browse } from './browser-screen.ts'

/** For the screen's status: a broker that does not answer within this time is shown as lost. */
const statusTimeoutMs = 1000
/** Of a topic that is opened on the screen, this many records of each partition are read first. */
const openedLast = 100

export const consume = cliCommand({
  command: 'consume [topic]',
  valued: 'tpKocGfZs',
  usage: 'zw consume TOPIC [-o OFFSET] [-G GROUP] [-c COUNT] [-e] [-f FORMAT | -J] [--plain] …',
  describe: 'show the records of a topic: a screen on a terminal, lines elsewhere',
  builder: (cli) =>
    mqOptions(cli, { brokerNote: '; one alone is the one to read from' })
      .positional('topic', { type: 'string', describe: 'name of the topic' })
      .option('topic-name', { alias: 't', type: 'string', describe: 'the same, as in kcat' })
      .option('offset', {
        alias: 'o',
        type: 'string',
        coerce: offsetRange,
        describe: `where to begin: ${offsetForms}`,
      })
      .option('from-beginning', {
        type: 'boolean',
        default: false,
        describe: 'the same as -o beginning',
      })
      .option('group', {
        alias: 'G',
        type: 'string',
        describe:
          'as a member of this group, or with -p without membership: resume where it committed last (at first, the beginning), and commit',
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
        defaultDescription: '%s\\n',
        describe:
          'of a record: %t topic %p partition %o offset %k key %s value %T time in ms ' +
          '%h headers %K %S length of key and value in bytes, -1 for null; ' +
          '%R the same of the value as 4 bytes; \\n \\t \\r \\0 \\xHH \\\\ %%',
      })
      .option('json', {
        alias: 'J',
        type: 'boolean',
        default: false,
        describe: 'print each record as a line of JSON',
      })
      .option('key-separator', {
        alias: 'K',
        type: 'string',
        describe: 'print the key and this before the value',
      })
      .option('unbuffered', {
        alias: 'u',
        type: 'boolean',
        default: false,
        describe: 'write each record on its own',
      })
      .option('quiet', {
        alias: 'q',
        type: 'boolean',
        default: false,
        describe: 'print records and errors only',
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
      .check(({ group, fromBeginning, offset, topic, topicName, json, format, keySeparator }) => {
        if (topic === undefined && topicName === undefined) {
          throw new BadUsage('Cannot consume: the topic is missing')
        }
        if (topic !== undefined && topicName !== undefined) {
          throw new BadUsage('Cannot consume two topics: use one of them')
        }
        if ([json, format !== undefined, keySeparator !== undefined].filter(Boolean).length > 1) {
          throw new BadUsage('Cannot use two of --format, --json and --key-separator')
        }
        if (offset !== undefined && (fromBeginning || (group !== undefined && !offset.isStored))) {
          const other = fromBeginning ? '--from-beginning' : '--group'
          throw new BadUsage(`Cannot use --offset with ${other}`)
        }
        if (offset?.isStored === true && group === undefined) {
          throw new BadUsage('Cannot use --offset stored without --group')
        }
        if (group !== undefined && fromBeginning) {
          throw new BadUsage(
            'Cannot use --from-beginning with --group: the group resumes where it committed last',
          )
        }
        return true
      }),
  async handler(options) {
    const topic = options.topicName ?? options.topic ?? ''
    const { format, json, keySeparator, quiet, group, partition, unbuffered } = options
    const rules = { escapes: process.stdout.isTTY === true, nullText: options.null }
    const print = json
      ? jsonLine(rules.escapes)
      : recordFormatter(format ?? formatWith(keySeparator), rules)
    const isPlain =
      options.plain || json || quiet || format !== undefined || keySeparator !== undefined
    const place = await openMq(options)
    const admin = new MqAdmin({ ...place.client, timeoutMs: statusTimeoutMs })
    const where = await pinned(place, admin)
    const { max, outOfRange } = options
    const start = options.fromBeginning ? 'beginning' : (options.offset?.start ?? 'end')
    const consumer = new Consumer({
      ...place.client,
      ...where,
      topic,
      from: group === undefined ? start : 'beginning',
      outOfRange,
      ...(group === undefined ? {} : { group }),
      ...(partition === undefined ? {} : { partitions: [partition] }),
    })
    const { signal } = stopSignal()
    const terminal = { input: process.stdin, output: process.stdout }
    const look = isPlain ? undefined : lookOf(process.env, terminal)
    if (look === undefined && !quiet) {
      consumer.on('reset', (...reset) => toStderr(`zw: ${resetText(...reset)}\n`))
      consumer.on('unavailable', (_, { message }) => toStderr(`zw: ${message}\n`))
      if (group !== undefined) tellRebalances(consumer)
    }
    try {
      await consumer.start({ signal })
      const endMs = options.offset?.endMs
      const ends =
        endMs !== undefined
          ? endsOf(await consumer.offsetsAt({ timestampMs: endMs }))
          : options.exitAtEnd
            ? endsOf(await consumer.offsetsAt('end'))
            : undefined
      if (look === undefined) {
        const onRecords = (records: readonly ConsumedRecord[]) =>
          printAll(records.map(print), unbuffered)
        await follow({ consumer, onRecords, commits: group !== undefined, max, ends, signal })
        return
      }
      const browsed = await browse({
        look,
        mouse: options.mouse,
        consumer,
        consumerOf: (topic) => {
          const from = { last: openedLast }
          return new Consumer({ ...place.client, ...where, topic, from, outOfRange: 'latest' })
        },
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
    } catch (error) {
      if (error !== signal.reason) throw error // an interrupt is no failure
    } finally {
      await consumer.close()
      admin.close()
      await place.close()
    }
  },
})

/** What the group gives to this member, and takes from it. */
function tellRebalances(consumer: Consumer): void {
  const namesOf = (places: readonly TopicPartition[]) =>
    places.map(({ topic, partition }) => `${topic}/${partition}`).join(' ')
  consumer.on('assigned', (places) => toStderr(`zw: assigned ${namesOf(places)}\n`))
  consumer.on('revoked', (places) => toStderr(`zw: revoked ${namesOf(places)}\n`))
  consumer.on('lost', (places) => toStderr(`zw: lost ${namesOf(places)}\n`))
}

/** @param escapes whether it goes to a terminal: JSON escapes only some control characters */
function jsonLine(escapes: boolean): (record: ConsumedRecord) => Buffer {
  return (record) => {
    const json = recordJson(record)
    return Buffer.from(`${escapes ? printable(json) : json}\n`)
  }
}

/** The key, if a separator is given, then the value. */
function formatWith(keySeparator: string | undefined): string {
  if (keySeparator === undefined) return '%s\\n'
  return `%k${keySeparator.replaceAll('%', '%%')}%s\\n`
}

/** The formatter's output is safe for a terminal. */
async function printAll(records: readonly Buffer[], unbuffered = false): Promise<void> {
  if (unbuffered) {
    for (const record of records) {
      if (!process.stdout.write(record)) await once(process.stdout, 'drain')
    }
    return
  }
  if (!process.stdout.write(Buffer.concat(records))) await once(process.stdout, 'drain')
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
