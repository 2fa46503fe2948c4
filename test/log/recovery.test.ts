import t from 'tap'
import { openLog } from '../../src/log/log.ts'
import type { LogDamagedError } from '../../src/log/log-errors.ts'
import type { RecoveryOptions, TornTail } from '../../src/log/recovery.ts'
import { segmentName } from '../../src/log/segment.ts'
import { MemoryDirectory } from './memory-directory.ts'
import { positionsOf, sampleFormat, sampleRecord } from './sample-format.ts'

/** A directory as a run left it: segments by first position, and other files by name. */
function onDisk(segments: Record<number, Buffer>, others: readonly string[] = []): MemoryDirectory {
  const directory = new MemoryDirectory()
  for (const [first, bytes] of Object.entries(segments)) {
    const file = directory.create(segmentName(Number(first)))
    file.write(bytes, 0)
    file.syncNow()
  }
  for (const name of others) directory.create(name)
  directory.syncNow()
  return directory
}

const unused = () => {
  throw new Error('a log that is only opened neither syncs nor fails')
}

function open(directory: MemoryDirectory, options: Partial<RecoveryOptions> = {}) {
  const callbacks = { onDurable: unused, onFailure: unused }
  const preallocate = false
  return openLog({ directory, format: sampleFormat, preallocate, ...callbacks, ...options })
}

function damageOf(directory: MemoryDirectory, options: Partial<RecoveryOptions> = {}) {
  const before = snapshot(directory)
  try {
    open(directory, options)
  } catch (error) {
    t.same(snapshot(directory), before, 'nothing was changed')
    const { name, file, byteOffset } = error as LogDamagedError
    return { name, file: file.split('/').at(-1), byteOffset }
  }
  return 'opened'
}

function snapshot(directory: MemoryDirectory): Record<string, string> {
  const contents: Record<string, string> = {}
  for (const name of directory.list()) {
    const file = directory.open(name)
    const bytes = Buffer.alloc(file.sizeBytes())
    file.read(bytes, 0)
    contents[name] = bytes.toString('base64')
  }
  return contents
}

const padding = Buffer.alloc(3 * 1024 * 1024) // more than one slice of zeros is looked through
const payload = Buffer.alloc(28, 9) // records of 48 bytes
const record = (first: number, durable?: number) => sampleRecord({ first, durable, payload })

t.test('a clean log opens whole, durable, with nothing to report', async (t) => {
  const directory = onDisk({
    0: Buffer.concat([record(0), record(1), padding]),
    5: Buffer.concat([record(5, 1), record(6, 5), padding]),
  })
  const { log, torn } = open(directory, { knownDurable: 6 })
  t.equal(torn, null)
  t.same(positionsOf(log), [0, 1, 5, 6])
  t.equal(log.durablePosition, 6)
})

t.test('a tail torn at every byte is cut, zeroed and reported', async (t) => {
  const good = Buffer.concat([record(1), record(2)])
  const torn = record(3, 2)
  for (let kept = 1; kept < torn.length; kept++) {
    for (const behind of [Buffer.alloc(0), padding.subarray(0, 64)]) {
      const directory = onDisk({ 1: Buffer.concat([good, torn.subarray(0, kept), behind]) })
      // What is zero anyway does not count.
      const bytes = torn.subarray(0, kept).findLastIndex((byte) => byte !== 0) + 1
      const opened = open(directory)
      const want: TornTail = {
        file: 'memory/0000000000000001.segment',
        byteOffset: 96,
        bytes,
        keptAs: undefined,
      }
      t.same(opened.torn, want, `${kept} bytes kept`)
      t.same(positionsOf(opened.log), [1, 2])
      const again = open(directory.crash())
      t.equal(again.torn, null, 'the cut is durable')
      t.same(positionsOf(again.log), [1, 2])
    }
  }
})

t.test('a batch that reached the disk out of order is torn, not damaged', async (t) => {
  // 3 and 4 were one batch, written when 2 was durable; of 3 nothing arrived
  const lost = Buffer.alloc(48)
  const directory = onDisk({ 1: Buffer.concat([record(1), record(2, 1), lost, record(4, 2)]) })
  const { log, torn } = open(directory)
  t.equal(torn?.byteOffset, 96)
  t.same(positionsOf(log), [1, 2])
  t.same(positionsOf(open(directory.crash()).log), [1, 2])
})

const good = [record(1), record(2, 1), record(3, 2), record(4, 3), record(5, 4)]
const segmentBytes = Buffer.concat([...good, padding])

t.test('every flipped bit below the vouched position is damage at its record', async (t) => {
  const found = new Set<string>()
  for (let at = 0; at < 4 * 48; at++) {
    const bytes = Buffer.from(segmentBytes.subarray(0, 6 * 48))
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (at % 8)), at)
    const damage = damageOf(onDisk({ 1: bytes }))
    if (damage === 'opened') found.add(`opened with byte ${at} flipped`)
    else if (damage.byteOffset !== at - (at % 48)) found.add(`${at}: ${JSON.stringify(damage)}`)
  }
  t.same([...found], [])
})

const damages = [
  {
    name: 'zeros where a record was, and a later one vouches for it',
    segments: { 1: Buffer.concat([record(1), Buffer.alloc(48), record(3, 2)]) },
    want: { name: 'LogDamagedError', file: segmentName(1), byteOffset: 48 },
  },
  {
    name: 'the one that vouches lies across slices of the file',
    segments: {
      1: Buffer.concat([
        record(1),
        Buffer.alloc(48),
        Buffer.alloc(1024 * 1024 - 8, 1),
        record(9, 2),
        padding,
      ]),
    },
    want: { name: 'LogDamagedError', file: segmentName(1), byteOffset: 48 },
  },
  {
    name: 'a bad record in a segment that has a successor',
    segments: {
      1: Buffer.concat([record(1), record(2).fill(7, 30)]),
      3: record(3),
    },
    want: { name: 'LogDamagedError', file: segmentName(1), byteOffset: 48 },
  },
  {
    name: 'an empty segment that has a successor',
    segments: { 1: Buffer.alloc(96), 3: record(3) },
    want: { name: 'LogDamagedError', file: segmentName(1), byteOffset: 0 },
  },
  {
    name: 'the caller knows more to be durable',
    segments: { 1: Buffer.concat([record(1), record(2).fill(7, 30)]) },
    knownDurable: 2,
    want: { name: 'LogDamagedError', file: segmentName(1), byteOffset: 48 },
  },
  {
    name: 'the caller knows more to be durable than a clean log holds',
    segments: { 1: Buffer.concat([record(1), padding]) },
    knownDurable: 2,
    want: { name: 'LogDamagedError', file: segmentName(1), byteOffset: 48 },
  },
  {
    name: 'a segment that does not begin with what its name says',
    segments: { 1: record(2) },
    want: { name: 'LogDamagedError', file: segmentName(1), byteOffset: 0 },
  },
  {
    name: 'good records out of order',
    segments: { 1: Buffer.concat([record(1), record(5), record(4)]) },
    want: { name: 'LogDamagedError', file: segmentName(1), byteOffset: 96 },
  },
  {
    name: 'a segment that reaches into its successor',
    segments: { 1: Buffer.concat([record(1), record(5)]), 4: record(4) },
    want: { name: 'LogDamagedError', file: segmentName(1), byteOffset: 96 },
  },
  {
    name: 'no segments, where something was durable',
    segments: {},
    knownDurable: 0,
    want: { name: 'LogDamagedError', file: 'memory', byteOffset: 0 },
  },
  {
    name: 'a later version of the format',
    segments: { 1: Buffer.concat([record(1), Buffer.alloc(48, 0xff)]) },
    want: { name: 'LogVersionError', file: segmentName(1), byteOffset: 48 },
  },
  {
    name: 'a cut that was under way, and what it kept is gone',
    segments: { 1: Buffer.concat([record(1), record(2).fill(7, 30), record(3)]) },
    others: ['truncate-from-0000000000000003'],
    want: { name: 'LogDamagedError', file: segmentName(1), byteOffset: 48 },
  },
]
for (const { name, segments, others, knownDurable, want } of damages) {
  t.test(`refused: ${name}`, async (t) => {
    t.same(damageOf(onDisk(segments as Record<number, Buffer>, others), { knownDurable }), want)
  })
}

const crashes = [
  {
    name: 'a new segment was named and nothing written',
    segments: { 1: record(1), 2: Buffer.alloc(96) },
    want: [1],
  },
  {
    name: 'a new segment has an empty file',
    segments: { 1: record(1), 2: Buffer.alloc(0) },
    want: [1],
  },
  { name: 'the first segment has an empty file', segments: { 1: Buffer.alloc(0) }, want: [] },
  {
    name: 'a segment was being prepared',
    segments: { 1: record(1) },
    others: ['prepared'],
    want: [1],
  },
  {
    name: 'a cut in the middle, later segments still there',
    segments: {
      1: Buffer.concat([record(1), record(2), Buffer.alloc(48), record(4, 3)]),
      5: record(5, 4),
      9: record(9, 5),
    },
    others: ['truncate-from-0000000000000003'],
    want: [1, 2],
  },
  {
    name: 'a cut in the middle, some later segments gone',
    segments: { 1: Buffer.concat([record(1), record(2), record(3, 2)]), 9: record(9, 5) },
    others: ['truncate-from-0000000000000003'],
    want: [1, 2],
  },
  {
    name: 'a cut at the end of a segment',
    segments: { 1: Buffer.concat([record(1), record(2)]), 3: record(3) },
    others: ['truncate-from-0000000000000003'],
    want: [1, 2],
  },
  {
    name: 'a cut of everything',
    segments: { 1: record(1), 9: record(9) },
    others: ['truncate-from-0000000000000000'],
    want: [],
  },
]
for (const { name, segments, others, want } of crashes) {
  t.test(`a crash is recovered from: ${name}`, async (t) => {
    const directory = onDisk(segments as Record<number, Buffer>, others)
    const { log, torn } = open(directory)
    t.equal(torn, null)
    t.same(positionsOf(log), want)
    const left = directory.crash()
    t.ok(
      left.list().every((name) => name.endsWith('.segment')),
      `left: ${left.list()}`,
    )
    t.same(positionsOf(open(left).log), want)
  })
}

t.test('a torn first record of a segment leaves the log as before it', async (t) => {
  const torn = record(3, 2)
  const directory = onDisk({ 1: Buffer.concat([record(1), record(2)]), 3: torn.subarray(0, 20) })
  const opened = open(directory)
  t.match(opened.torn, { file: /0000000000000003\.segment$/, byteOffset: 0 })
  t.same(positionsOf(opened.log), [1, 2])
  t.same(directory.crash().list(), [segmentName(1)])
})

t.test('after a kill, what was read is synced before it counts as durable', async (t) => {
  const directory = onDisk({ 1: Buffer.concat([record(1), Buffer.alloc(480)]) })
  directory.open(segmentName(1)).write(record(2, 1), 48) // written, never synced; the machine lives
  const { log } = open(directory)
  t.equal(log.durablePosition, 2)
  t.same(positionsOf(open(directory.crash()).log), [1, 2])
})

t.test('a log that is refused leaves no file open', async (t) => {
  const damaged = Buffer.from(record(2))
  damaged[30] = 0xff
  const directory = onDisk({ 1: record(1), 2: damaged, 3: record(3) })
  const open = directory.open.bind(directory)
  const isOpen = new Map<string, boolean>()
  directory.open = (name) => {
    const file = open(name)
    isOpen.set(name, true)
    const close = file.close.bind(file)
    file.close = () => {
      isOpen.set(name, false)
      close()
    }
    return file
  }
  t.throws(
    () =>
      openLog({
        directory,
        format: sampleFormat,
        preallocate: false,
        onDurable: unused,
        onFailure: unused,
      }),
    {
      name: 'LogDamagedError',
    },
  )
  t.same([...isOpen.values()], [false, false])
})

const { durablePosition: _, ...unvouchingFormat } = sampleFormat
const formatsAfterFailure = [
  { name: 'of records that vouch', format: sampleFormat },
  { name: 'of records that vouch for nothing', format: unvouchingFormat },
]
for (const { name, format } of formatsAfterFailure) {
  t.test(
    `after a failed fsync, a log ${name} is written again before it counts as durable`,
    async (t) => {
      let isBroken = true
      const directory = onDisk({ 1: Buffer.concat([record(1), Buffer.alloc(480)]) }).crash(
        undefined,
        {
          fault: (operation) => (operation === 'sync' && isBroken ? new Error('EIO') : null),
        },
      )
      const file = directory.open(segmentName(1))
      file.write(record(2, 1), 48)
      t.throws(() => file.syncNow(), /EIO/)
      isBroken = false
      t.equal(open(directory, { format }).log.durablePosition, 2)
      t.same(positionsOf(open(directory.crash(), { format }).log), [1, 2])
    },
  )
}

const cutsThatFail = [
  {
    name: 'of a torn tail',
    behind: Buffer.concat([record(2).subarray(0, 40), Buffer.alloc(8), record(3, 1)]),
    others: [],
  },
  {
    name: 'of a truncation',
    behind: Buffer.concat([record(2), record(3, 1)]),
    others: ['truncate-from-0000000000000002'],
  },
]
for (const { name, behind, others } of cutsThatFail) {
  t.test(`a cut ${name} whose fsync failed is made again, although it reads as done`, async (t) => {
    let isBroken = true
    const bytes = Buffer.concat([record(1), behind, Buffer.alloc(480)])
    const directory = onDisk({ 1: bytes }, others).crash(undefined, {
      fault: (operation) => (operation === 'sync' && isBroken ? new Error('EIO') : null),
    })
    t.throws(() => open(directory), /EIO/)
    isBroken = false
    t.same(positionsOf(open(directory).log), [1])
    const left = directory.crash()
    const zeros = Buffer.alloc(bytes.length - 48)
    left.open(segmentName(1)).read(zeros, 48)
    t.equal(zeros.findIndex(Boolean), -1, 'nothing of what was cut comes back')
  })
}
