import t from 'tap'
import { indexName } from '../../src/log/index-file.ts'
import { type Log, type LogOptions, openLog } from '../../src/log/log.ts'
import { LogDamagedError } from '../../src/log/log-errors.ts'
import { segmentName } from '../../src/log/segment.ts'
import { IndexMemory } from '../../src/log/segment-index.ts'
import { settled } from '../virtual-clock.ts'
import { MemoryDirectory } from './memory-directory.ts'
import { positionsOf, sampleFormat, sampleRecord } from './sample-format.ts'

const recordBytes = 1024
const record = (first: number) =>
  sampleRecord({ first, payload: Buffer.alloc(recordBytes - 20, first % 251) })

/** Records 0 to 249, 100 to a segment: the last one begins at 200. */
const segmentBytes = 100 * recordBytes
const recordCount = 250
const all = [...Array(recordCount).keys()]

function open(directory: MemoryDirectory, changed: Partial<LogOptions> = {}): Log {
  const { log } = openLog({
    directory,
    format: sampleFormat,
    segmentBytes,
    preallocate: false,
    memory: { indexes: new IndexMemory(1e6) },
    onDurable: () => undefined,
    onFailure: (error) => {
      throw error
    },
    ...changed,
  })
  return log
}

async function written(): Promise<{ readonly directory: MemoryDirectory; readonly log: Log }> {
  const directory = new MemoryDirectory()
  const log = open(directory)
  for (const first of all) {
    log.append(record(first))
    log.flush()
    await settled()
  }
  return { directory, log }
}

const closed = (log: Log): Promise<void> => new Promise((resolve) => log.close(resolve))

/** The same files, and the names of those that are read. */
function watched(directory: MemoryDirectory) {
  const reads = new Set<string>()
  const fault = (operation: string, name: string): null => {
    if (operation === 'read') reads.add(name)
    return null
  }
  const names = directory.list().map((name) => {
    const file = directory.open(name)
    const bytes = Buffer.alloc(file.sizeBytes())
    file.read(bytes, 0)
    return [name, bytes] as const
  })
  const copy = new MemoryDirectory({ fault })
  for (const [name, bytes] of names) {
    const file = copy.create(name)
    file.write(bytes, 0)
    file.syncNow()
  }
  copy.syncNow()
  reads.clear()
  const segmentsRead = () => [...reads].filter((name) => name.endsWith('.segment'))
  return { directory: copy, segmentsRead }
}

function flip(directory: MemoryDirectory, name: string, at: number): void {
  const file = directory.open(name)
  const byte = Buffer.alloc(1)
  file.read(byte, at)
  file.write(Buffer.of((byte[0] ?? 0) ^ 1), at)
  file.syncNow()
}

t.test('after a clean stop, a start looks for records behind the last one, no more', async (t) => {
  const { directory, log } = await written()
  await closed(log)
  const { directory: again, segmentsRead } = watched(directory)
  const opened = open(again, { knownDurable: 249 })
  t.same(segmentsRead(), [segmentName(200)])
  t.notOk(opened.isChecked, 'its records are not read')
  t.same([opened.firstPosition, opened.lastPosition], [0, 249])
  t.same(
    opened.segments.map(({ endBytes }) => endBytes / recordBytes),
    [100, 100, 50],
  )
  t.same(positionsOf(opened), all)
  t.same(positionsOf(opened, 77).slice(0, 2), [77, 78])
})

t.test('after a kill, it reads what lies behind the checkpoint, of one segment', async (t) => {
  const { directory } = await written()
  const { directory: again, segmentsRead } = watched(directory)
  const opened = open(again, { knownDurable: 230 })
  t.same(segmentsRead(), [segmentName(200)])
  t.same(positionsOf(opened), all)
  const unknown = watched(directory)
  const readWhole = open(unknown.directory)
  t.same(positionsOf(readWhole), all)
  readWhole.append(record(250))
  readWhole.flush()
  await closed(readWhole)
  t.same(positionsOf(open(unknown.directory.crash(), { knownDurable: 250 })), [...all, 250])
})

t.test('damage to what was not read is found when it is read, and by a check', async (t) => {
  const { directory, log } = await written()
  await closed(log)
  // Byte 8 of a record is its position, which its checksum covers here.
  for (const at of [3 * recordBytes + 500, 3 * recordBytes + 8]) {
    const { directory: again } = watched(directory)
    flip(again, segmentName(100), at)
    const opened = open(again, { knownDurable: 249 })
    const damage = { name: 'LogDamagedError', byteOffset: 3 * recordBytes }
    t.throws(() => opened.read({ from: 103, bytesMax: 10 }), damage)
    t.throws(() => opened.scan(100, () => true), damage)
    t.equal(opened.read({ from: 0, bytesMax: 10 }).length, recordBytes, 'the rest can be read')
    let checked = 0
    const check = () => {
      for (let read = -1; read !== 0; checked += Math.max(0, read)) read = opened.checkSome(5000)
    }
    t.throws(check, damage)
    t.ok(checked >= 100 * recordBytes)
    t.throws(() => open(again, { knownDurable: 249, readsAll: true }), damage)
  }
})

t.test('everything is checked once, and appended records need no check', async (t) => {
  const { directory, log } = await written()
  t.ok(log.isChecked)
  await closed(log)
  const opened = open(directory, { knownDurable: 249 })
  t.notOk(opened.isChecked)
  let checked = 0
  for (let read = -1; read !== 0; checked += Math.max(0, read)) read = opened.checkSome(5000)
  t.equal(checked, recordCount * recordBytes)
  t.ok(opened.isChecked)
})

t.test('without a usable index file, the segment is read, and has one again', async (t) => {
  const { directory, log } = await written()
  await closed(log)
  const name = indexName(segmentName(100))
  const broken: readonly ((directory: MemoryDirectory) => void)[] = [
    (copy) => copy.remove(name),
    (copy) => copy.create(name).close(),
    ...Array.from({ length: 72 }, (_, at) => (copy: MemoryDirectory) => flip(copy, name, at)),
  ]
  for (const damage of broken) {
    const { directory: again, segmentsRead } = watched(directory)
    damage(again)
    t.same(positionsOf(open(again, { knownDurable: 249 })), all)
    t.ok(segmentsRead().includes(segmentName(100)))
    const next = watched(again)
    open(next.directory, { knownDurable: 249 })
    t.same(next.segmentsRead(), [segmentName(200)], 'what was not stopped cleanly')
  }
})

t.test('entries that fail their checksum are found again in the records', async (t) => {
  const { directory, log } = await written()
  await closed(log)
  flip(directory, indexName(segmentName(100)), 100)
  const opened = open(directory, { knownDurable: 249 })
  t.same(positionsOf(opened, 150), all.slice(150))
})

t.test(
  'a record that is out of place is found, though the entries fail their checksum',
  async (t) => {
    // A checksum that does not cover the position, as in Kafka's format.
    const format = { ...sampleFormat, isIntact: () => true, isGapless: true }
    const { directory, log } = await written()
    await closed(log)
    flip(directory, indexName(segmentName(0)), 80)
    for (const at of [8, 12]) flip(directory, segmentName(0), at)
    const opened = open(directory, { format, knownDurable: 249 })
    t.throws(() => opened.read({ from: 0, upTo: 0, bytesMax: 1e6 }), LogDamagedError)
  },
)

t.test('they are found, too, for records that a start writes again', async (t) => {
  const { directory, log } = await written()
  await closed(log)
  const killed = open(directory, { knownDurable: 249 })
  killed.append(record(250))
  killed.flush()
  await settled()
  flip(directory, indexName(segmentName(200)), 100)
  const opened = open(watched(directory).directory, { knownDurable: 249 })
  t.same(positionsOf(opened), [...all, 250])
})

t.test('a segment that was cut, replaced or removed leaves no index behind', async (t) => {
  const { directory, log } = await written()
  await new Promise<void>((resolve) => log.truncateAfter(149, resolve))
  const indexes = () => directory.list().filter((name) => name.endsWith('.index'))
  t.same(indexes(), [indexName(segmentName(0))])
  for (let first = 300; first < 420; first++) log.append(record(first))
  log.flush()
  await settled()
  const replacement = log.prepareReplacement(0)
  replacement?.append(record(0))
  replacement?.append(record(70))
  if (replacement !== undefined) await new Promise((resolve) => log.replace(replacement, resolve))
  await closed(log)
  const { directory: again, segmentsRead } = watched(directory)
  const opened = open(again, { knownDurable: 419 })
  t.same(segmentsRead(), [segmentName(350)])
  const left = [0, 70, ...all.slice(100, 150), ...Array.from({ length: 120 }, (_, i) => 300 + i)]
  t.same(positionsOf(opened), left)
  opened.dropBefore(100)
  await settled()
  t.notOk(again.list().includes(indexName(segmentName(0))))
})

t.test(
  'a disk without room for an index costs the next start time, and nothing else',
  async (t) => {
    const directory = new MemoryDirectory({
      fault: (operation, name) =>
        operation === 'create' && name.endsWith('.index') ? new Error('ENOSPC') : null,
    })
    const log = open(directory)
    for (const first of all) log.append(record(first))
    log.flush()
    await settled()
    await closed(log)
    t.same(positionsOf(open(directory, { knownDurable: 249 })), all)
  },
)
