// A generator process for logs of records. Its parent says when to start and to stop counting, as in
// ../generator.ts; what was stored before that, for readers, is not counted.

import type { Address } from '../../src/address.ts'
import { Fifo } from '../../src/fifo.ts'
import type { FromGenerator, ToGenerator } from '../generator-process.ts'
import { Histogram, type HistogramJson } from '../histogram.ts'
import { type Channel, openChannel, type SystemKind } from './channel.ts'

export type MqTask =
  /** A closed loop: a batch is sent when another is stored. */
  | { readonly type: 'produce'; readonly batchRecords: number; readonly inFlight: number }
  /** Reads records that were stored before, again and again. */
  | { readonly type: 'consume'; readonly storedRecords: number }
  /** Sends at a fixed rate, whether or not earlier records have arrived, and reads them. */
  | { readonly type: 'endToEnd'; readonly perSecond: number }

export interface MqLoad {
  readonly system: SystemKind
  readonly addresses: readonly Address[]
  readonly topic: string
  readonly partitions: number
  readonly recordBytes: number
  readonly seed: number
  readonly task: MqTask
}

export interface MqLoadResult {
  readonly records: number
  /** stored, or arrived in one piece */
  readonly batches: number
  readonly failed: number
  readonly elapsedMs: number
  /** of a batch until it is stored; end to end, of a record until it has arrived */
  readonly latency: HistogramJson
}

interface Counters {
  records: number
  batches: number
  failed: number
  readonly latency: Histogram
}

/** Batches by which a topic is filled for readers. */
const fillBatchBytes = 256 * 1024
const fillInFlight = 4

/** Interval at which records that are due are sent. */
const tickMs = 1

let counters = newCounters()
let beganAt = 0
let ending = false

function newCounters(): Counters {
  return { records: 0, batches: 0, failed: 0, latency: new Histogram() }
}

function tell(message: FromGenerator<MqLoadResult>, then: () => void = () => undefined): void {
  process.send?.(message, then)
}

function failed(error: Error): void {
  if (ending) return
  ending = true
  tell({ type: 'failed', message: error.message }, () => process.exit(1))
}

async function start({ system, task, ...options }: MqLoad): Promise<void> {
  const channel = await openChannel(system, { ...options, failed })
  switch (task.type) {
    case 'produce':
      produce(channel, options, task)
      break
    case 'consume':
      await fill(channel, options, task.storedRecords)
      await channel.read('all', (_, count) => {
        counters.records += count
        counters.batches += 1
      })
      break
    case 'endToEnd':
      await endToEnd(channel, options, task)
      break
  }
  tell({ type: 'ready' })
}

type Shape = Pick<MqLoad, 'partitions' | 'recordBytes'>

function produce(
  channel: Channel,
  { partitions }: Shape,
  { batchRecords, inFlight }: { readonly batchRecords: number; readonly inFlight: number },
): void {
  let next = 0
  const send = () => {
    const sentAt = performance.now()
    channel.send(next++ % partitions, batchRecords, (refused) => {
      const current = counters
      current.records += batchRecords - refused
      current.failed += refused
      current.batches += 1
      current.latency.record((performance.now() - sentAt) * 1000)
      send()
      flushLater(channel)
    })
  }
  for (let i = 0; i < inFlight; i++) send()
  channel.flush()
}

let isFlushing = false

/** After all that arrived in this turn. */
function flushLater(channel: Channel): void {
  if (isFlushing) return
  isFlushing = true
  setImmediate(() => {
    isFlushing = false
    channel.flush()
  })
}

function fill(
  channel: Channel,
  { partitions, recordBytes }: Shape,
  storedRecords: number,
): Promise<void> {
  const batchRecords = Math.max(1, Math.floor(fillBatchBytes / recordBytes))
  const batchCount = Math.ceil(storedRecords / batchRecords)
  return new Promise((resolve, reject) => {
    let sent = 0
    let stored = 0
    const send = () => {
      if (sent === batchCount) return
      channel.send(sent++ % partitions, batchRecords, (refused) => {
        if (refused > 0) reject(new Error(`Cannot fill the topic: ${refused} records were refused`))
        stored += 1
        if (stored === batchCount) resolve()
        send()
        flushLater(channel)
      })
    }
    for (let i = 0; i < fillInFlight; i++) send()
    channel.flush()
  })
}

/** The records of a partition arrive in the order in which they were sent. */
async function endToEnd(
  channel: Channel,
  { partitions }: Shape,
  { perSecond }: { readonly perSecond: number },
): Promise<void> {
  /** when each record was due that has not arrived, by partition */
  const dueAt = Array.from({ length: partitions }, () => new Fifo<number>())
  await channel.read('new', (partition, count) => {
    const now = performance.now()
    const current = counters
    for (let i = 0; i < count; i++) {
      const due = dueAt[partition]?.shift()
      if (due === undefined) throw new Error('A record arrived that was not sent')
      current.latency.record((now - due) * 1000)
    }
    current.records += count
    current.batches += 1
  })
  const beginMs = performance.now()
  let sent = 0
  const counts = dueAt.map(() => 0)
  setInterval(() => {
    const due = Math.floor(((performance.now() - beginMs) / 1000) * perSecond)
    for (; sent < due; sent++) {
      const partition = sent % partitions
      dueAt[partition]?.push(beginMs + (sent / perSecond) * 1000)
      counts[partition] = (counts[partition] ?? 0) + 1
    }
    for (const [partition, count] of counts.entries()) {
      if (count === 0) continue
      counts[partition] = 0
      channel.send(partition, count, (refused) => {
        if (refused > 0) failed(new Error(`${refused} records were refused`))
      })
    }
    channel.flush()
  }, tickMs)
}

function end(): void {
  ending = true
  const { latency, records, batches, failed } = counters
  const elapsedMs = performance.now() - beganAt
  const result = { records, batches, failed, elapsedMs, latency: latency.toJSON() }
  tell({ type: 'result', ...result }, () => process.exit(0))
}

process.on('message', (message: ToGenerator<MqLoad>) => {
  switch (message.type) {
    case 'start':
      start(message).catch(failed)
      return
    case 'begin':
      counters = newCounters()
      beganAt = performance.now()
      return
    case 'end':
      end()
      return
  }
})
process.on('disconnect', () => process.exit(1))
