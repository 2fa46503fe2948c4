// `zw produce TOPIC`: sends lines, or generated goals, each stored exactly once.
//
// Goals go individually to randomly picked brokers, many at a time, to show that they are stored in
// order anyway.

import { randomInt } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { MqAdmin } from '../../client/mq/mq-admin.ts'
import { Producer, type ProducerOptions } from '../../client/mq/producer.ts'
import { systemClock } from '../../clock.ts'
import { limits } from '../../limits.ts'
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
import { type LineRules, parseRecordLine } from '../record-text.ts'
import { StoppedError, stopSignal } from '../stop-signal.ts'

interface OutRecord {
  readonly key: Uint8Array | string | null
  readonly value: Uint8Array | string | null
  /** its line number, from 1 */
  readonly line?: number
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
  readonly perSecond?: number | undefined
  readonly signal?: AbortSignal
  readonly onStored?: (record: OutRecord, offset: number) => void
}): Promise<SendResult> {
  const { producer, topic, partition, records, perSecond, signal, onStored } = options
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
    const { key, value } = record
    const place = partition === undefined ? { topic } : { topic, partition }
    try {
      const { offset } = await producer.send({ ...place, key, value })
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
  const bytesMax = valueBytesMax + Buffer.byteLength(rules.keySeparator ?? '')
  signal.addEventListener('abort', () => input.destroy())
  try {
    for await (const { number, bytes } of linesOf(input, bytesMax)) {
      yield { ...parseRecordLine(bytes, rules), line: number }
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

/** The largest value of a record batch without a key. */
const valueBytesMax =
  limits.recordBatchBytesMax -
  batchHeaderBytes -
  recordBytesMax({ key: null, value: null, headers: [], timestampMs: 0 })

function nameOf(file: string | undefined): string {
  return file ?? 'standard input'
}

const acksByName: Readonly<Record<string, RequiredAcks>> = {
  all: 'all',
  '-1': 'all',
  leader: 'leader',
  '1': 'leader',
  none: 'none',
  '0': 'none',
}

export const produce = cliCommand({
  command: 'produce <topic> [file]',
  usage: 'zw produce TOPIC [FILE] [--goals N] [--create] …',
  describe: 'send lines, or generated goals, to a topic',
  builder: (cli) =>
    mqOptions(cli)
      .positional('topic', { type: 'string', demandOption: true })
      .positional('file', {
        type: 'string',
        describe: 'file with the lines; default: standard input',
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
        describe: 'the part of a line before this is the key',
      })
      .option('null', { alias: 'Z', type: 'boolean', describe: 'send an empty value as null' })
      .option('create', {
        type: 'boolean',
        defaultDescription: 'for goals',
        describe: 'create the topic if it is missing',
      })
      .option('partitions', {
        coerce: wholeNumber('--partitions', { min: 1, max: limits.partitionsPerTopicMax }),
        defaultDescription: '1',
        describe: 'partitions of a created topic',
      })
      .option('replicas', {
        coerce: wholeNumber('--replicas', { min: 1, max: 100 }),
        defaultDescription: '3, or as many as there are brokers',
        describe: 'replicas of a created topic',
      })
      .epilogue(
        'A record is the bytes of a line without the line feed; a carriage return belongs to it. ' +
          'Exit codes: 0 all sent, 1 a record was not stored or a line is too long (both are named), ' +
          '2 bad usage, 130 stopped by Ctrl-C. More: docs/shell.md',
      )
      .check(({ goals, keySeparator, file }) => {
        if (goals !== undefined && file !== undefined) {
          throw new BadUsage('Cannot send --goals and a file: use one of them')
        }
        if (keySeparator === '') throw new BadUsage('Cannot use --key-separator: it is empty')
        return true
      }),
  async handler(options) {
    const { topic, file, goals, rate, partition, partitions, replicas } = options
    const { randomBroker = goals !== undefined, create = goals !== undefined } = options
    const say = (text: string) => toStderr(`zw: ${text}\n`)
    const place = await openMq(options)
    const admin = new MqAdmin(place.client)
    const sending: Partial<ProducerOptions> = {
      acks: acksByName[options.acks] ?? 'all',
      ...(randomBroker ? { sendTo: 'random' } : {}),
      ...(goals !== undefined && randomBroker ? oneByOne : {}),
    }
    const producer = new Producer({ ...place.client, ...sending })
    const { signal, again } = stopSignal()
    void again.then(() => producer.abort())
    const noun = goals === undefined ? 'record' : 'goal'
    const clock = systemClock
    const progress = new Progress({ label: `${noun}s`, total: goals, out: process.stderr, clock })
    try {
      const made = create ? await makeTopic(admin, { topic, partitions, replicas }) : undefined
      if (made !== undefined) say(made)
      const random = new Random(options.seed ?? randomInt(2 ** 32))
      const rules = { keySeparator: options.keySeparator, emptyIsNull: options.null === true }
      const { stored, error, failed, elapsedMs } = await sendAll({
        producer,
        topic,
        partition,
        records:
          goals === undefined
            ? lineRecords(file, rules, signal)
            : goalRecords(new GoalSource(random, goals), goals),
        perSecond: rate,
        signal,
        onStored: () => progress.advance(),
      })
      progress.end()
      const perSecond = Math.round((stored * 1000) / Math.max(1, elapsedMs))
      const how = sending.acks === 'none' ? 'sent to' : 'stored in'
      say(`${counted(stored, noun)} ${how} ${topic}, ${perSecond} a second`)
      if (error !== undefined) {
        const missing = error instanceof BrokerError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION'
        const where = failed?.line === undefined ? '' : `line ${failed.line} of ${nameOf(file)}: `
        say(`${where}${error.message}${missing ? ' (--create creates it)' : ''}`)
        process.exitCode = exitCodes.failure
      } else if (signal.aborted && signal.reason instanceof StoppedError) {
        process.exitCode = signal.reason.exitCode
      }
    } finally {
      progress.end()
      await producer.close()
      admin.close()
      await place.close()
    }
  },
})
