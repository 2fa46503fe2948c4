import t from 'tap'
import { PartitionLog, recordBatchFormat } from '../../../src/broker/partition/partition-log.ts'
import { otherVersion } from '../../../src/log/record-format.ts'
import {
  encodeBatch,
  forEachBatch,
  noProducer,
  placeBatch,
  readBatchHeader,
} from '../../../src/protocol/mq/record-batch.ts'
import { Random } from '../../../src/random.ts'
import { MemoryDirectory } from '../../log/memory-directory.ts'

function batch(baseOffset: number, count: number): Buffer {
  const records = Array.from({ length: count }, (_, i) => ({
    key: null,
    value: Buffer.from(`record ${baseOffset + i}`),
    timestampMs: 1,
    headers: [],
  }))
  const made = encodeBatch({ producerId: noProducer, producerEpoch: -1, baseSequence: -1, records })
  placeBatch(made, baseOffset, 3)
  return made
}

function open(directory: MemoryDirectory, onDurable: (end: number) => void = () => undefined) {
  const onFailure = (error: Error): void => {
    throw error
  }
  const nowMs = () => 0
  return new PartitionLog({
    directory,
    segmentBytes: 1000,
    flush: 'group',
    nowMs,
    onDurable,
    onFailure,
  })
}

/** Ten batches of three records, over several segments, all durable. */
async function filled(): Promise<{ directory: MemoryDirectory; log: PartitionLog }> {
  const directory = new MemoryDirectory()
  await new Promise<void>((resolve) => {
    const log = open(directory, (end) => end === 30 && resolve())
    for (let i = 0; i < 10; i++) log.append(batch(i * 3, 3))
    log.flush()
  })
  return { directory, log: open(directory.crash()) }
}

t.test('batches are read back, whole, from the one that holds the offset', async (t) => {
  const { log } = await filled()
  t.same([log.start, log.end, log.durableEnd], [0, 30, 30])
  const read = log.read({ from: 4, end: 9, bytesMax: 10_000 })
  const bases: number[] = []
  forEachBatch(read, (at) => bases.push(readBatchHeader(read, at).baseOffset))
  t.same(bases, [3, 6])
  t.equal(log.read({ from: 4, end: 9, bytesMax: 1 }).length, batch(3, 3).length, 'one at least')
  t.equal(log.read({ from: 30, end: 30, bytesMax: 1000 }).length, 0)
  const seen: number[] = []
  log.forEachHeader(({ baseOffset }) => seen.push(baseOffset))
  t.same(seen, [0, 3, 6, 9, 12, 15, 18, 21, 24, 27])
})

t.test('what is cut off is gone, and is written again', async (t) => {
  const { log } = await filled()
  await log.truncate(12)
  t.equal(log.end, 12)
  log.append(batch(12, 1))
  t.equal(log.end, 13)
  await log.truncate(0)
  t.equal(log.end, 0)
})

t.test('a power cut leaves whole batches, in order, and all that was durable', async (t) => {
  const seed = 17
  t.comment(`seed ${seed}`)
  const random = new Random(seed)
  for (let i = 0; i < 30; i++) {
    const { directory } = await filled()
    const log = open(directory)
    log.append(batch(30, 2))
    log.append(batch(32, 2))
    log.flush()
    const after = open(directory.crash())
    t.ok([30, 32, 34].includes(after.end))
    log.append(batch(34, 1 + random.below(3)))
  }
})

t.test('a batch of a later format is not taken for damage', async (t) => {
  const later = batch(0, 1)
  later[16] = 3
  t.equal(recordBatchFormat.wholeLength(later, 0), otherVersion)
  t.equal(recordBatchFormat.wholeLength(Buffer.alloc(100), 0), 0)
})
