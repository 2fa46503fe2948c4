import t from 'tap'
import { offsetByTime } from '../../../src/broker/partition/offset-by-time.ts'
import { PartitionLog } from '../../../src/broker/partition/partition-log.ts'
import { Codecs } from '../../../src/client/mq/compression/codecs.ts'
import {
  encodeBatch,
  noProducer,
  placeBatch,
  stampBatch,
} from '../../../src/protocol/mq/record-batch.ts'
import { MemoryDirectory } from '../../log/memory-directory.ts'

async function batch(base: number, timestamps: readonly number[], isGzip = false): Promise<Buffer> {
  const codecs = new Codecs()
  const records = timestamps.map((timestampMs) => {
    return { key: null, value: Buffer.alloc(50), timestampMs, headers: [] }
  })
  const none = { producerId: noProducer, producerEpoch: -1, baseSequence: -1 }
  const compressor = isGzip ? await codecs.load('gzip') : undefined
  const made = encodeBatch({ ...none, records }, compressor)
  placeBatch(made, base, 0)
  return made
}

/** Several segments. */
function logOf(batches: readonly Buffer[]): PartitionLog {
  const log = new PartitionLog({
    directory: new MemoryDirectory(),
    segmentBytes: 400,
    flush: 'group',
    nowMs: () => 0,
    onDurable: () => undefined,
    onFailure: (error) => t.error(error),
  })
  for (const each of batches) log.append(each)
  return log
}

const find = (log: PartitionLog, timestampMs: number, start = 0, end = 1000) =>
  offsetByTime(log, timestampMs, { start, end }, new Codecs())

t.test('the first record with at least the timestamp is found, in whatever order', async (t) => {
  const log = logOf([
    await batch(0, [10, 20]),
    await batch(2, [15, 40, 30]),
    await batch(5, [25]),
    await batch(6, [50, 60]),
  ])
  t.same(await find(log, 0), { offset: 0, timestampMs: 10 })
  t.same(await find(log, 11), { offset: 1, timestampMs: 20 })
  t.same(await find(log, 21), { offset: 3, timestampMs: 40 })
  t.same(await find(log, 51), { offset: 7, timestampMs: 60 })
  t.equal(await find(log, 61), undefined)
  t.equal(log.maxTimestampMs, 60)
  t.same(await find(log, 21, 4), { offset: 4, timestampMs: 30 }, 'behind the log start')
  t.equal(await find(log, 51, 0, 7), undefined, 'not above the high watermark')
})

t.test('records in a compressed batch are found', async (t) => {
  const log = logOf([await batch(0, [10, 20, 30, 40], true)])
  t.same(await find(log, 25), { offset: 2, timestampMs: 30 })
})

t.test('a batch that cannot be decompressed is found as a whole', async (t) => {
  const log = logOf([await batch(0, [10]), await batch(1, [20, 30, 40], true)])
  const broken = {
    load: async () => Promise.reject(new Error('missing')),
    decompress: () => Buffer.alloc(0),
  }
  t.same(await offsetByTime(log, 35, { start: 0, end: 9 }, broken), { offset: 1, timestampMs: 40 })
})

t.test('records with the time of their append are found by it', async (t) => {
  const stamped = await batch(0, [10, 20])
  stampBatch(stamped, 700)
  t.same(await find(logOf([stamped]), 600), { offset: 0, timestampMs: 700 })
})
