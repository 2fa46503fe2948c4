// `zw produce TOPIC`: sends lines, whole files, or generated goals, each stored exactly once.
//
// Goals go individually to randomly picked brokers, many at a time, to show that they are stored in
// order anyway.

import { randomInt } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { MqAdmin } from '../../client/mq/mq-admin.ts'
import { Producer, type ProducerOptions } from '../../client/mq/producer.ts'
import { systemClock } from '../../clock.ts'
import { limits } from '../../limits.ts'
import { codecNames } from '../../protocol/mq/compression.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { RequiredAcks } from '../../protocol/mq/produce.ts'
import { batchHeaderBytes } from '../../protocol/mq/record-batch.ts'
import { recordBytesMax } from '../../protocol/mq/records.ts'
import { Random } from '../../random.ts'
import { exitCodes } from '../../stoppable.ts'
import { BadUsage, cliCommand, numberAbove0, wholeNumber } from '../cli-command.ts'
import { GoalSource } from '../goals/goal-source.ts'
import { LineTooLongError, linesOf } from '../lines.ts'
import { counted, makeTopic } from '../make-topic.ts'
import { mqOptions, openMq } from '../mq-options.ts'
import { toStderr } from '../output.ts'
import { Progress } from '../progress.ts'
import {
  type HeaderText,
  type LineRules,
  parseHeader,
  parseRecordLine,
  unescaped,
} from '../record-text.ts'
import { StoppedError, stopSignal } from '../stop-signal.ts'
import { newTopicOptions } from './new-topic-options.ts'

interface OutRecord {
  readonly key: Uint8Array | string | null
  readonly value: Uint8Array | string | null
  /** for messages: `line 7 of goals.txt` */
  readonly from?: string
}

interface SendResult {
  readonly stored: number
  /** the first failure, of a record or of the input; nothing was sent after it */
  readonly error: Error | undefined
  /** the first record that failed */
  readonly failed: OutRecord | undefined
  readonly elapsedMs: number
}

/** Maximum records in flight. */
const unsettledMax = 2000

/** A batch holds one record: each goes to a broker picked for it. */
export const oneByOne = { sendTo: 'random', batchBytes: 1, inFlightMax: 64 } as const

/**
 * Sends all records, in order, at most `perSecond`.
 *
 * @param onStored called for each record; after later records if its first answer was lost
 */
export async function sendAll(options: {
  readonly producer: Producer
  readonly topic: string
  readonly partition?: number | undefined
  readonly records: Iterable<OutRecord> | AsyncIterable<OutRecord>
  /** of each record */
  readonly headers?: readonly HeaderText[]
  /** of records without one of their own */
  readonly key?: string | null
  /** Sends at most this many. */
  readonly max?: number | undefined
  readonly perSecond?: number | undefined
  readonly signal?: AbortSignal
  readonly onStored?: (record: OutRecord, offset: number) => void
}): Promise<SendResult> {
  const { producer, topic, partition, records, perSecond, signal, onStored } = options
  const { headers = [], key: fixedKey = null, max = Number.POSITIVE_INFINITY } = options
  const startedMs = systemClock.nowMs()
  let sent = 0
  let unsettled = 0
  let stored = 0
  let error: Error | undefined
  let failed: OutRecord | undefined
  let onSettled: () => void = () => undefined
  const untilSettled = () =>
    new Promise<void>((resolve) => {
      onSettled = resolve
    })
  const send = async (record: OutRecord) => {
    const key = record.key ?? fixedKey
    const place = partition === undefined ? { topic } : { topic, partition }
    try {
      const { offset } = await producer.send({ ...place, key, value: record.value, headers })
      stored++
      onStored?.(record, offset)
    } catch (reason) {
      failed ??= error === undefined ? record : undefined
      error ??= reason as Error
    }
    unsettled--
    onSettled()
  }
  try {
    for await (const record of records) {
      if (perSecond !== undefined) await sleepUntil(startedMs + (sent * 1000) / perSecond)
      while (unsettled >= unsettledMax) await untilSettled()
      if (error !== undefined || signal?.aborted) break
      sent++
      unsettled++
      void send(record)
      if (sent >= max) break
    }
  } catch (reason) {
    error ??= reason as Error
  }
  while (unsettled > 0) await untilSettled()
  return { stored, error, failed, elapsedMs: systemClock.nowMs() - startedMs }
}

function sleepUntil(atMs: number): Promise<void> | undefined {
  const delayMs = atMs - systemClock.nowMs()
  return delayMs < 1 ? undefined : new Promise((resolve) => setTimeout(resolve, delayMs))
}

export function* goalRecords(
  source: GoalSource,
  count: number,
): Generator<{ key: null; value: string }> {
  for (let i = 0; i < count; i++) yield { key: null, value: JSON.stringify(source.next()) }
}

/**
 * One record per line: its bytes, without the line feed and the key separator. Ends at the signal.
 */
async function* lineRecords(
  file: string | undefined,
  rules: LineRules,
  signal: AbortSignal,
): AsyncGenerator<OutRecord> {
  const input = file === undefined ? process.stdin : createReadStream(file)
  const name = nameOf(file)
  const bytesMax = valueBytesMax + (rules.keySeparator?.length ?? 0)
  signal.addEventListener('abort', () => input.destroy())
  try {
    for await (const { number, bytes } of linesOf(input, bytesMax)) {
      yield { ...parseRecordLine(bytes, rules), from: `line ${number} of ${name}` }
    }
  } catch (error) {
    if (signal.aborted) return
    if (!(error instanceof LineTooLongError)) {
      throw new Error(`Cannot read ${name}: ${(error as Error).message}`, { cause: error })
    }
    const found = `it has ${error.bytes} bytes, and a record holds at most ${error.bytesMax}`
    throw new Error(
      `Cannot send line ${error.line} of ${name}: ${found}; the lines after it were not sent`,
    )
  }
}

/** One record per file: its bytes. */
async function* fileRecords(
  files: readonly string[],
  { emptyIsNull }: LineRules,
): AsyncGenerator<OutRecord> {
  for (const file of files) {
    const { size } = await stat(file)
    if (size > valueBytesMax) {
      const found = `it has ${size} bytes, and a record holds at most ${valueBytesMax}`
      throw new Error(`Cannot send ${file}: ${found}`)
    }
    const bytes = await readFile(file)
    yield { key: null, value: bytes.length === 0 && emptyIsNull ? null : bytes, from: file }
  }
}

/** Of the files one after another, or of standard input. */
async function* allLines(
  files: readonly string[],
  rules: LineRules,
  signal: AbortSignal,
): AsyncGenerator<OutRecord> {
  const sources = files.length === 0 ? [undefined] : files
  for (const file of sources) yield* lineRecords(file === '-' ? undefined : file, rules, signal)
}

/** The largest value of a record batch without a key. */
const valueBytesMax =
  limits.recordBatchBytesMax -
  batchHeaderBytes -
  recordBytesMax({ key: null, value: null, headers: [], timestampMs: 0 })

function nameOf(file: string | undefined): string {
  return file ?? 'standard input'
}

export const acksByName: Readonly<Record<string, RequiredAcks>> = {
  all: 'all',
  '-1': 'all',
  leader: 'leader',
  '1': 'leader',
  none: 'none',
  '0': 'none',
}

export const produce = cliCommand({
  command: 'produce [topic] [files..]',
  valued: 'tpKkHzcs',
  usage: 'zw produce TOPIC [FILE…] [-k KEY | -K SEPARATOR] [-H NAME=VALUE] [--goals N] …',
  describe: 'send lines, or generated goals, to a topic',
  builder: (cli) =>
    mqOptions(cli)
      .positional('topic', { type: 'string', describe: 'name of the topic' })
      .positional('files', {
        type: 'string',
        array: true,
        describe: 'files with the lines; default, and -: standard input',
      })
      .option('topic-name', {
        alias: 't',
        type: 'string',
        describe: 'name of the topic; then all words are files',
      })
      .option('whole', {
        type: 'boolean',
        default: false,
        describe: 'send each file as one record',
      })
      .option('goals', {
        coerce: wholeNumber('--goals', { min: 1, max: 1_000_000_000 }),
        describe: 'send this many goals instead of lines',
      })
      .option('seed', {
        coerce: wholeNumber('--seed', { min: 0, max: 2 ** 32 - 1 }),
        describe: 'seed of the goals: the same seed makes the same goals',
      })
      .option('rate', {
        coerce: numberAbove0('--rate'),
        describe: 'maximum records per second',
      })
      .option('random-broker', {
        type: 'boolean',
        defaultDescription: 'for goals',
        describe: 'send each to a randomly picked broker, which passes it on',
      })
      .option('acks', {
        type: 'string',
        choices: Object.keys(acksByName),
        default: 'all',
        describe: 'which replicas must have a record on disk: all in sync, the leader, or none',
      })
      .option('partition', {
        alias: 'p',
        coerce: wholeNumber('--partition', { min: 0, max: limits.partitionsPerTopicMax - 1 }),
        describe: 'send to this partition',
      })
      .option('key-separator', {
        alias: 'K',
        type: 'string',
        describe:
          'the part of a line before this is the key; \\n \\t \\r \\0 \\xHH \\\\ as in formats',
      })
      .option('key', {
        alias: 'k',
        type: 'string',
        describe: 'key of records that have none of their own',
      })
      .option('header', {
        alias: 'H',
        type: 'string',
        array: true,
        nargs: 1,
        describe: 'NAME=VALUE for each record, or NAME for null; may be repeated',
      })
      .option('null', { alias: 'Z', type: 'boolean', describe: 'send an empty value as null' })
      .option('compression', {
        alias: 'z',
        type: 'string',
        choices: codecNames,
        default: 'none' as const,
        describe: 'of batches',
      })
      .option('max', {
        alias: 'c',
        coerce: wholeNumber('--max', { min: 1, max: Number.MAX_SAFE_INTEGER }),
        describe: 'stop after this many records',
      })
      .option('quiet', {
        alias: 'q',
        type: 'boolean',
        default: false,
        describe: 'print errors only',
      })
      .option('create', {
        type: 'boolean',
        defaultDescription: 'for goals',
        describe: 'create the topic if it is missing',
      })
      .options(newTopicOptions)
      .epilogue(
        'A record is the bytes of a line without the line feed; a carriage return belongs to it. ' +
          'Exit codes: 0 all sent, 1 a record was not stored or a line is too long (both are named), ' +
          '2 bad usage, 130 stopped by Ctrl-C. More: docs/shell.md',
      )
      .check(({ goals, keySeparator, topic, topicName, files = [], whole, key }) => {
        if (topic === undefined && topicName === undefined) {
          throw new BadUsage('Cannot produce: the topic is missing')
        }
        const names = topicName === undefined || topic === undefined ? files : [topic, ...files]
        if (goals !== undefined && names.length > 0) {
          throw new BadUsage('Cannot send --goals and a file: use one of them')
        }
        if (whole && (names.length === 0 || goals !== undefined)) {
          throw new BadUsage('Cannot use --whole: the files are missing')
        }
        if (Array.isArray(key)) throw new BadUsage('Cannot use --key more than once')
        if (keySeparator === '') throw new BadUsage('Cannot use --key-separator: it is empty')
        return true
      }),
  async handler(options) {
    const { goals, rate, partition, partitions, replicas, quiet } = options
    const { randomBroker = goals !== undefined, create = goals !== undefined } = options
    const { topicName, files: words = [] } = options
    const topic = topicName ?? options.topic ?? ''
    // With -t the first word is a file, too.
    const files =
      topicName !== undefined && options.topic !== undefined ? [options.topic, ...words] : words
    const say = (text: string) => toStderr(`zw: ${text}\n`)
    const tell = quiet ? () => undefined : say
    const place = await openMq(options)
    const admin = new MqAdmin(place.client)
    const sending: Partial<ProducerOptions> = {
      acks: acksByName[options.acks] ?? 'all',
      compression: options.compression,
      ...(randomBroker ? { sendTo: 'random' } : {}),
      ...(goals !== undefined && randomBroker ? oneByOne : {}),
    }
    const producer = new Producer({ ...place.client, ...sending })
    const { signal, again } = stopSignal()
    void again.then(() => producer.abort())
    const noun = goals === undefined ? 'record' : 'goal'
    const clock = systemClock
    const label = `${noun}s`
    const progress = quiet
      ? undefined
      : new Progress({ label, total: goals, out: process.stderr, clock })
    try {
      const made = create ? await makeTopic(admin, { topic, partitions, replicas }) : undefined
      if (made !== undefined) tell(made)
      const random = new Random(options.seed ?? randomInt(2 ** 32))
      const { keySeparator: separator } = options
      const keySeparator =
        separator === undefined ? undefined : unescaped('--key-separator', separator)
      const rules = { keySeparator, emptyIsNull: options.null === true }
      const { stored, error, failed, elapsedMs } = await sendAll({
        producer,
        topic,
        partition,
        records:
          goals !== undefined
            ? goalRecords(new GoalSource(random, goals), goals)
            : options.whole
              ? fileRecords(files, rules)
              : allLines(files, rules, signal),
        headers: (options.header ?? []).map(parseHeader),
        key: options.key ?? null,
        max: options.max,
        perSecond: rate,
        signal,
        onStored: () => progress?.advance(),
      })
      progress?.end()
      const perSecond = Math.round((stored * 1000) / Math.max(1, elapsedMs))
      const how = sending.acks === 'none' ? 'sent to' : 'stored in'
      tell(`${counted(stored, noun)} ${how} ${topic}, ${perSecond} a second`)
      if (error !== undefined) {
        const missing = error instanceof BrokerError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION'
        const where = failed?.from === undefined ? '' : `${failed.from}: `
        say(`${where}${error.message}${missing ? ' (--create creates it)' : ''}`)
        process.exitCode = exitCodes.failure
      } else if (signal.aborted && signal.reason instanceof StoppedError) {
        process.exitCode = signal.reason.exitCode
      }
    } finally {
      progress?.end()
      await producer.close()
      admin.close()
      await place.close()
    }
  },
})
