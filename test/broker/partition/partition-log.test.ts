import { strict as assert } from 'node:assert'
import t from 'tap'
import { forgetLoss, hasCutTail } from '../../../src/broker/partition/partition-directory.ts'
import {
  PartitionLog,
  type PartitionLogOptions,
  recordBatchFormat,
} from '../../../src/broker/partition/partition-log.ts'
import type { LogDamagedError } from '../../../src/log/log-errors.ts'
import { otherVersion } from '../../../src/log/record-format.ts'
import { segmentName } from '../../../src/log/segment.ts'
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

function open(
  directory: MemoryDirectory,
  onDurable: (end: number) => void = () => undefined,
  changed: Partial<PartitionLogOptions> = {},
) {
  const onFailure = (error: Error): void => {
    throw error
  }
  const nowMs = () => 0
  const callbacks = { nowMs, onDurable, onFailure }
  return new PartitionLog({
    directory,
    segmentBytes: 1000,
    flush: 'group',
    ...callbacks,
    ...changed,
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

t.test('whole batches are read back, from the one that holds the offset', async (t) => {
  const { log } = await filled()
  t.same([log.firstOffset, log.end], [0, 30])
  const read = log.read({ from: 4, end: 9, bytesMax: 10_000 })
  const bases: number[] = []
  forEachBatch(read, (at) => bases.push(readBatchHeader(read, at).baseOffset))
  t.same(bases, [3, 6])
  t.equal(log.read({ from: 4, end: 9, bytesMax: 1 }).length, batch(3, 3).length, 'at least one')
  t.equal(log.read({ from: 30, end: 30, bytesMax: 1000 }).length, 0)
  const seen: number[] = []
  log.forEachHeader(0, ({ baseOffset }) => seen.push(baseOffset))
  t.same(seen, [0, 3, 6, 9, 12, 15, 18, 21, 24, 27])
})

t.test('a truncated tail is gone, and can be written again', async (t) => {
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

const size = batch(0, 1).length
const name = segmentName(0)

/** Six batches of one record in one segment. */
function six(): Buffer {
  return Buffer.concat([0, 1, 2, 3, 4, 5].map((offset) => batch(offset, 1)))
}

function onDisk(segments: Readonly<Record<string, Buffer>>): MemoryDirectory {
  const directory = new MemoryDirectory()
  for (const [name, bytes] of Object.entries(segments)) {
    const file = directory.create(name)
    file.write(bytes, 0)
    file.syncNow()
  }
  directory.syncNow()
  return directory
}

function contentOf(directory: MemoryDirectory, name: string): Buffer {
  const file = directory.open(name)
  const bytes = Buffer.alloc(file.sizeBytes())
  file.read(bytes, 0)
  return bytes
}

t.test(
  'a flipped bit below the checkpoint is damage, and the files stay as they are',
  async (t) => {
    const opened = new Set<number>()
    for (let at = 0; at < 6 * size; at++) {
      const bytes = six()
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8))
      const directory = onDisk({ [name]: bytes })
      try {
        open(directory, undefined, { durableBefore: 6 })
        opened.add(at)
      } catch (error) {
        const { name: kind, file, byteOffset } = error as LogDamagedError
        assert.match(kind, /^Log(Damaged|Version)Error$/)
        assert.match(file, new RegExp(name))
        // A raised epoch is noticed at the next record, which has a lower one.
        const record = Math.floor(at / size) * size
        assert.ok(byteOffset === record || byteOffset === record + size, `byte ${at}`)
        assert.ok(contentOf(directory, name).equals(bytes))
      }
    }
    // No checksum covers the epoch, so only its neighbours show that it is wrong.
    const epochs = [0, 5].flatMap((i) => [12, 13, 14, 15].map((at) => i * size + at))
    t.same(
      [...opened].filter((at) => !epochs.includes(at)),
      [],
    )
  },
)

t.test('a bad tail above the checkpoint is cut, and kept beside the log', async (t) => {
  const bytes = six()
  bytes[4 * size - 1] = 7
  const directory = onDisk({ [name]: bytes })
  const log = open(directory, undefined, { durableBefore: 3 })
  t.equal(log.end, 3)
  const keptAs = 'cut-0000000000000003'
  const behind = bytes.subarray(3 * size, 6 * size - 1) // a batch ends in a zero
  t.match(log.torn, { byteOffset: 3 * size, bytes: behind.length, keptAs })
  const crashed = directory.crash()
  t.ok(contentOf(crashed, keptAs).equals(behind), 'it is durable')
  t.ok(hasCutTail(crashed))
  t.equal(open(crashed).torn, null, 'there is nothing left to cut')
  forgetLoss(crashed)
  t.notOk(hasCutTail(crashed))
})

t.test('a later tail that is cut at the same offset does not replace an earlier one', async (t) => {
  const bytes = six()
  bytes[4 * size - 1] = 7
  const directory = onDisk({ [name]: bytes })
  for (const keptAs of ['cut-0000000000000003', 'cut-0000000000000003-2']) {
    const file = directory.open(name)
    file.write(bytes, 0)
    file.syncNow()
    t.equal(open(directory).torn?.keptAs, keptAs)
  }
})

t.test('a crash between keeping a tail and cutting it keeps it again', async (t) => {
  const bytes = six()
  bytes[4 * size - 1] = 7
  const directory = onDisk({ [name]: bytes, 'cut-0000000000000003': bytes.subarray(3 * size) })
  t.equal(open(directory).end, 3)
  t.ok(hasCutTail(directory))
})

t.test('a log that ends below the checkpoint, or misses a segment, is damaged', async (t) => {
  const damaged = { name: 'LogDamagedError' }
  const short = onDisk({ [name]: six().subarray(0, 5 * size) })
  t.throws(() => open(short, undefined, { durableBefore: 6 }), damaged)
  t.throws(() => open(onDisk({}), undefined, { durableBefore: 1 }), damaged)
  const holey = onDisk({
    [name]: six(),
    [segmentName(7)]: batch(7, 1),
  })
  t.throws(() => open(holey), damaged, 'offset 6 is in no segment')
})

t.test('a gap is damage, except where compaction left some', async (t) => {
  const directory = new MemoryDirectory()
  await new Promise<void>((resolve) => {
    const log = open(directory, (end) => end === 12 && resolve())
    for (const base of [0, 3, 9]) log.append(batch(base, 3))
    log.flush()
  })
  const reopen = (gapsBelow: number) => {
    const options = { segmentBytes: 1000, flush: 'group', nowMs: () => 0, gapsBelow } as const
    const ignore = () => undefined
    const directoryNow = directory.crash()
    return new PartitionLog({
      ...options,
      directory: directoryNow,
      onDurable: ignore,
      onFailure: ignore,
    })
  }
  t.equal(reopen(9).end, 12)
  t.equal(reopen(9).torn, null)
  t.equal(reopen(8).end, 6, 'behind it, a batch that does not follow is torn')
})
