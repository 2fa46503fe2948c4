// `zw bench`: how fast a topic is written and read from here, and how long a record takes.
//
//   produce      batches as fast as they are stored, or single records at a rate
//   consume      the stored records, from the beginning
//   end-to-end   records at a rate, timed from when they were due until they are handed out
//
// A record that is due and not sent yet is late already: its time runs from when it was due, so
// that a stall counts for every record that it delays.

import { once } from 'node:events'
import { Consumer } from '../../client/mq/consumer.ts'
import { MqAdmin } from '../../client/mq/mq-admin.ts'
import { Producer } from '../../client/mq/producer.ts'
import { systemClock } from '../../clock.ts'
import { codecNames } from '../../protocol/mq/compression.ts'
import { Random } from '../../random.ts'
import { exitCodes } from '../../stoppable.ts'
import { BadUsage, cliCommand, numberAbove0, outputOption, wholeNumber } from '../cli-command.ts'
import { counted, makeTopic } from '../make-topic.ts'
import { type MqPlace, mqOptions, openMq } from '../mq-options.ts'
import { toStderr, toStdout } from '../output.ts'
import { type Percentiles, percentilesOf, percentilesText } from '../percentiles.ts'
import { StoppedError, stopSignal } from '../stop-signal.ts'
import { newTopicOptions } from './new-topic-options.ts'
import { acksByName } from './produce.ts'

interface BenchOptions {
  readonly topic: string
  readonly count: number
  readonly size: number
  /** per second; undefined: as fast as possible */
  readonly rate: number | undefined
  readonly batch: number
  readonly producer: Producer
  readonly consumer: Consumer
  readonly signal: AbortSignal
}

interface Measured {
  readonly count: number
  readonly bytes: number
  readonly elapsedMs: number
  /** in ms; undefined where no single time was measured */
  readonly latencies: Float64Array | undefined
}

/** Calls of `sendBatch` on their way at the same time. */
const batchesAtATime = 8
const defaultRate = 1000

// --- produce -------------------------------------------------------------------------------------

async function produce(options: BenchOptions): Promise<Measured> {
  await options.producer.connect({ signal: options.signal })
  return options.rate === undefined ? produceBatches(options) : produceAtRate(options, options.rate)
}

async function produceBatches(options: BenchOptions): Promise<Measured> {
  const { producer, topic, count, size, batch, signal } = options
  const value = valueOfSize(size)
  const latencies = new Float64Array(Math.ceil(count / batch))
  const beganMs = systemClock.nowMs()
  let [sent, stored, calls] = [0, 0, 0]
  const work = async () => {
    while (sent < count && !signal.aborted) {
      const length = Math.min(batch, count - sent)
      sent += length
      const startedMs = systemClock.nowMs()
      await producer.sendBatch(Array.from({ length }, () => ({ topic, value })))
      latencies[calls++] = systemClock.nowMs() - startedMs
      stored += length
    }
  }
  await Promise.all(Array.from({ length: batchesAtATime }, work))
  const elapsedMs = systemClock.nowMs() - beganMs
  return { count: stored, bytes: stored * size, elapsedMs, latencies: latencies.slice(0, calls) }
}

async function produceAtRate(options: BenchOptions, rate: number): Promise<Measured> {
  const { producer, topic, count, size } = options
  const value = valueOfSize(size)
  const latencies = new Float64Array(count)
  let stored = 0
  const beganMs = systemClock.nowMs()
  const sending: Promise<void>[] = []
  await atRate(options, rate, (dueMs) => {
    const sent = producer.send({ topic, value }).then(() => {
      latencies[stored++] = systemClock.nowMs() - dueMs
    })
    sending.push(sent)
  })
  await Promise.all(sending)
  const elapsedMs = systemClock.nowMs() - beganMs
  return { count: stored, bytes: stored * size, elapsedMs, latencies: latencies.slice(0, stored) }
}

/** Calls back for each record when it is due, or as soon after as possible. */
async function atRate(
  { count, signal }: BenchOptions,
  rate: number,
  send: (dueMs: number) => void,
): Promise<void> {
  const beganMs = systemClock.nowMs()
  for (let i = 0; i < count && !signal.aborted; ) {
    const nowMs = systemClock.nowMs()
    for (; i < count && beganMs + (i * 1000) / rate <= nowMs; i++) send(beganMs + (i * 1000) / rate)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

// --- consume -------------------------------------------------------------------------------------

async function consume({ consumer, count, signal }: BenchOptions): Promise<Measured> {
  await consumer.start({ signal })
  const atEnd = await consumer.offsetsAt('end')
  const ends = new Map(atEnd.map(({ partition, offset }) => [partition, offset]))
  const isOver = () =>
    consumer.progress.every(({ partition, position }) => position >= (ends.get(partition) ?? 0))
  let [seen, bytes] = [0, 0]
  const beganMs = systemClock.nowMs()
  while (seen < count && !isOver() && !signal.aborted) {
    for (const { key, value } of await consumer.take()) {
      seen++
      bytes += (key?.length ?? 0) + (value?.length ?? 0)
    }
  }
  return { count: seen, bytes, elapsedMs: systemClock.nowMs() - beganMs, latencies: undefined }
}

// --- end to end ----------------------------------------------------------------------------------

/** A run knows its records by what begins their values: its mark and the time when one was due. */
const markBytes = 16

async function endToEnd(options: BenchOptions): Promise<Measured> {
  const { producer, consumer, topic, count, size, rate = defaultRate, signal } = options
  const mark = Math.random()
  const filling = valueOfSize(Math.max(0, size - markBytes))
  const latencies = new Float64Array(count)
  let seen = 0
  await Promise.all([producer.connect({ signal }), consumer.start({ signal })])
  const beganMs = systemClock.nowMs()
  let sentCount = Number.POSITIVE_INFINITY
  const reading = (async () => {
    while (seen < sentCount) {
      const records = await consumer.take()
      if (records.length === 0) return
      const nowMs = systemClock.nowMs()
      for (const { value } of records) {
        if (value === null || value.length < markBytes) continue
        const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
        if (bytes.readDoubleBE(0) === mark) latencies[seen++] = nowMs - bytes.readDoubleBE(8)
      }
    }
  })()
  const sending: Promise<unknown>[] = []
  await atRate(options, rate, (dueMs) => {
    const head = Buffer.alloc(markBytes)
    head.writeDoubleBE(mark, 0)
    head.writeDoubleBE(dueMs, 8)
    sending.push(producer.send({ topic, value: Buffer.concat([head, filling]) }))
  })
  await Promise.all(sending)
  sentCount = sending.length
  if (seen >= sentCount) await consumer.close() // it waits for records that do not come
  await reading
  const elapsedMs = systemClock.nowMs() - beganMs
  const bytes = seen * Math.max(size, markBytes)
  return { count: seen, bytes, elapsedMs, latencies: latencies.slice(0, seen) }
}

/** Letters, which compression makes somewhat smaller. */
function valueOfSize(size: number): Buffer {
  const random = new Random(size)
  return Buffer.from(Array.from({ length: size }, () => 97 + random.below(26)))
}

// --- the command ---------------------------------------------------------------------------------

const kinds = { produce, consume, 'end-to-end': endToEnd } as const
type Kind = keyof typeof kinds
const kindNames = Object.keys(kinds) as readonly Kind[]

export const bench = cliCommand({
  command: 'bench <kind> <topic>',
  valued: 'nzs',
  usage: 'zw bench produce|consume|end-to-end TOPIC [-n COUNT] [--size BYTES] [--rate N] …',
  describe: 'measure how fast a topic is written and read, and how long a record takes',
  builder: (cli) =>
    mqOptions(cli)
      .positional('kind', {
        type: 'string',
        choices: kindNames,
        demandOption: true,
        describe: 'what is measured',
      })
      .positional('topic', { type: 'string', demandOption: true, describe: 'name of the topic' })
      .option('count', {
        alias: 'n',
        coerce: wholeNumber('--count', { min: 1, max: 10_000_000 }),
        defaultDescription: '100000; at a rate: for 10 seconds',
        describe: 'records',
      })
      .option('size', {
        coerce: wholeNumber('--size', { min: 0, max: 1_000_000 }),
        defaultDescription: '100',
        describe: 'bytes of each value',
      })
      .option('rate', {
        coerce: numberAbove0('--rate'),
        defaultDescription: 'end-to-end: 1000',
        describe: 'records per second, sent one by one, instead of as fast as possible',
      })
      .option('batch', {
        coerce: wholeNumber('--batch', { min: 1, max: 100_000 }),
        defaultDescription: '500',
        describe: 'records of one call, without a rate',
      })
      .option('acks', {
        type: 'string',
        choices: Object.keys(acksByName),
        default: 'all',
        describe: 'which replicas must have a record on disk: all in sync, the leader, or none',
      })
      .option('compression', {
        alias: 'z',
        type: 'string',
        choices: codecNames,
        default: 'none' as const,
        describe: 'of batches',
      })
      .option('create', {
        type: 'boolean',
        default: false,
        describe: 'create the topic if missing',
      })
      .options(newTopicOptions)
      .option('json', {
        alias: 'J',
        type: 'boolean',
        default: false,
        describe: 'print the result as a line of JSON',
      })
      .option('output', outputOption)
      .epilogue('The measurements of this project are made by `npm run bench`.')
      .check(({ kind, rate }) => {
        if (kind === 'consume' && rate !== undefined) {
          throw new BadUsage('Cannot use --rate: records are consumed as fast as possible')
        }
        return true
      }),
  async handler(options) {
    const { kind, topic, partitions, replicas, create } = options
    const json = options.json || options.output === 'json'
    const place = await openMq(options)
    const { signal } = stopSignal()
    const admin = new MqAdmin(place.client)
    const tools = toolsFor(kind, topic, options, place)
    const stop = () => void tools.consumer.close()
    signal.addEventListener('abort', stop)
    try {
      const made = create ? await makeTopic(admin, { topic, partitions, replicas }) : undefined
      if (made !== undefined) toStderr(`zw: ${made}\n`)
      const { rate = kind === 'end-to-end' ? defaultRate : undefined } = options
      const count = options.count ?? (rate === undefined ? 100_000 : Math.ceil(10 * rate))
      const { size = 100, batch = 500 } = options
      const measured = await kinds[kind]({ topic, count, size, rate, batch, signal, ...tools })
      report(kind, measured, json)
      if (signal.reason instanceof StoppedError) process.exitCode = signal.reason.exitCode
      if (measured.count === 0) process.exitCode ||= exitCodes.failure
    } finally {
      await Promise.all([tools.producer.close(), tools.consumer.close()])
      admin.close()
      await place.close()
      if (process.stdout.writableLength > 0) await once(process.stdout, 'drain')
    }
  },
})

function toolsFor(
  kind: Kind,
  topic: string,
  options: { readonly acks: string; readonly compression: (typeof codecNames)[number] },
  { client }: MqPlace,
): Pick<BenchOptions, 'producer' | 'consumer'> {
  const from = kind === 'consume' ? 'beginning' : 'end'
  const { compression } = options
  const acks = acksByName[options.acks] ?? 'all'
  return {
    producer: new Producer({ ...client, acks, compression }),
    consumer: new Consumer({ ...client, topic, from }),
  }
}

function report(kind: Kind, { count, bytes, elapsedMs, latencies }: Measured, json: boolean): void {
  const seconds = Math.max(0.001, elapsedMs / 1000)
  const latencyMs: Percentiles | undefined =
    latencies === undefined || latencies.length === 0 ? undefined : percentilesOf(latencies)
  if (json) {
    const perSecond = { recordsPerSecond: count / seconds, bytesPerSecond: bytes / seconds }
    toStdout(`${JSON.stringify({ kind, count, bytes, seconds, ...perSecond, latencyMs })}\n`)
    return
  }
  const rate = Math.round(count / seconds)
  const megabytes = (bytes / seconds / 1e6).toFixed(1)
  const verb = kind === 'consume' ? 'read' : 'stored'
  toStdout(
    `${counted(count, 'record')} ${verb} in ${seconds.toFixed(2)} s: ${rate} a second, ${megabytes} MB/s\n`,
  )
  if (latencyMs !== undefined) toStdout(`ms: ${percentilesText(latencyMs)}\n`)
}
