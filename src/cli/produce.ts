// `zw produce TOPIC`: lines, or goals made up on the spot, each stored exactly once.
//
// Goals go one by one to brokers picked at random, many at a time: that they are stored in order all
// the same is what they are to show.

import { randomInt } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { MqAdmin } from '../client/mq-admin.ts'
import { Producer, type ProducerOptions } from '../client/producer.ts'
import { systemClock } from '../clock.ts'
import { BrokerError } from '../protocol/mq/error-codes.ts'
import type { RequiredAcks } from '../protocol/mq/messages.ts'
import { Random } from '../random.ts'
import { exitCodes } from '../stoppable.ts'
import { BadUsage, cliCommand, countIn } from './cli-command.ts'
import { GoalSource } from './goal-source.ts'
import { counted, makeTopic } from './make-topic.ts'
import { mqOptions, openMq } from './mq-options.ts'
import { Progress } from './progress.ts'
import { type LineRules, parseRecordLine } from './record-text.ts'
import { stopSignal } from './stop-signal.ts'

export interface OutRecord {
  readonly key: string | null
  readonly value: string | null
}

export interface SendResult {
  readonly stored: number
  /** the first failure, after which nothing more was sent */
  readonly error: Error | undefined
  readonly elapsedMs: number
}

/** Records on their way at a time. */
const unsettledMax = 2000

/** A batch holds one record: each goes to a broker of its own. */
export const oneByOne = { sendTo: 'random', batchBytes: 1, inFlightMax: 64 } as const

/**
 * Sends everything, in order, at most `perSecond`.
 *
 * @param onStored for each record; later than for those behind it when its first answer was lost
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
  let onSettled: () => void = () => undefined
  const untilSettled = () =>
    new Promise<void>((resolve) => {
      onSettled = resolve
    })
  const send = async (record: OutRecord) => {
    const place = partition === undefined ? { topic } : { topic, partition }
    try {
      const { offset } = await producer.send({ ...place, ...record })
      stored++
      onStored?.(record, offset)
    } catch (reason) {
      error ??= reason as Error
    }
    unsettled--
    onSettled()
  }
  for await (const record of records) {
    if (perSecond !== undefined) await sleepUntil(startedMs + (sent * 1000) / perSecond)
    while (unsettled >= unsettledMax) await untilSettled()
    if (error !== undefined || signal?.aborted) break
    sent++
    unsettled++
    void send(record)
  }
  while (unsettled > 0) await untilSettled()
  return { stored, error, elapsedMs: systemClock.nowMs() - startedMs }
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

async function* lineRecords(
  file: string | undefined,
  rules: LineRules,
  signal: AbortSignal,
): AsyncGenerator<OutRecord> {
  const input = file === undefined ? process.stdin : createReadStream(file)
  try {
    for await (const line of createInterface({ input, signal })) yield parseRecordLine(line, rules)
  } catch (error) {
    const name = file ?? 'standard input'
    throw new Error(`Cannot read ${name}: ${(error as Error).message}`, { cause: error })
  }
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
  describe: 'send lines, or made-up goals, to a topic',
  builder: (cli) =>
    mqOptions(cli)
      .usage('zw produce TOPIC [FILE] [--goals N] [--create] …')
      .positional('topic', { type: 'string', demandOption: true })
      .positional('file', { type: 'string', describe: 'its lines; standard input when left out' })
      .option('goals', { type: 'number', describe: 'send so many goals instead of lines' })
      .option('seed', { type: 'number', describe: 'of the goals: the same ones each time' })
      .option('rate', { type: 'number', describe: 'at most so many a second' })
      .option('random-broker', {
        type: 'boolean',
        defaultDescription: 'for goals',
        describe: 'send each to a broker picked at random, which passes it on',
      })
      .option('acks', {
        type: 'string',
        choices: Object.keys(acksByName),
        default: 'all',
        describe: 'who must have it on disk: all replicas in sync, the leader, or nobody',
      })
      .option('partition', { alias: 'p', type: 'number' })
      .option('key-separator', {
        alias: 'K',
        type: 'string',
        describe: 'what stands in a line before it is the key',
      })
      .option('null', { alias: 'Z', type: 'boolean', describe: 'an empty value is null' })
      .option('create', {
        type: 'boolean',
        defaultDescription: 'for goals',
        describe: 'make the topic if it is missing',
      })
      .option('partitions', { type: 'number', describe: 'of a topic that is made: default 1' })
      .option('replicas', { type: 'number', describe: 'of a topic that is made: default 3' })
      .check(({ goals, seed, rate, keySeparator, partitions, replicas, file }) => {
        if (goals !== undefined) countIn('--goals', goals, 1, 1_000_000_000)
        if (goals !== undefined && file !== undefined) {
          throw new BadUsage('Cannot send --goals and a file: give one of them')
        }
        if (seed !== undefined) countIn('--seed', seed, 0, 2 ** 32 - 1)
        if (rate !== undefined && !(Number(rate) > 0)) {
          throw new BadUsage(`Cannot use --rate ${rate}: it must be a number above 0`)
        }
        if (keySeparator === '') throw new BadUsage('Cannot use --key-separator: it is empty')
        if (partitions !== undefined) countIn('--partitions', partitions, 1, 1000)
        if (replicas !== undefined) countIn('--replicas', replicas, 1, 100)
        return true
      }),
  async handler(options) {
    const { topic, file, goals, rate, partition, partitions, replicas } = options
    const { randomBroker = goals !== undefined, create = goals !== undefined } = options
    const say = (text: string) => void process.stderr.write(`zw: ${text}\n`)
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
      const { stored, error, elapsedMs } = await sendAll({
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
        say(`${error.message}${missing ? ' (--create makes it)' : ''}`)
        process.exitCode = exitCodes.failure
      }
    } finally {
      progress.end()
      await producer.close()
      admin.close()
      await place.close()
    }
  },
})
