import t from 'tap'
import { openTxnLog, type TxnLog, txnFormat } from '../../../src/daemon/storage/txn-log.ts'
import { notARecord, otherVersion } from '../../../src/log/record-format.ts'
import type { Entries } from '../../../src/protocol/peer/entries.ts'
import { makeZxid, type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'
import { MemoryDirectory } from '../../log/memory-directory.ts'

const z = (epoch: number, counter: number) => makeZxid({ epoch, counter })

function entriesOf(first: Zxid, payloads: readonly (string | Buffer)[]): Entries {
  const parts = payloads.flatMap((payload) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(Buffer.byteLength(payload))
    return [length, Buffer.from(payload)]
  })
  return { first, count: payloads.length, bytes: Buffer.concat(parts) }
}

function payloadsOf(entries: Entries): string[] {
  const bytes = Buffer.from(entries.bytes)
  const payloads: string[] = []
  let at = 0
  while (at < bytes.length) {
    const end = at + 4 + bytes.readUInt32BE(at)
    payloads.push(bytes.toString('utf8', at + 4, end))
    at = end
  }
  return payloads
}

function makeDisk(survivor?: MemoryDirectory) {
  const waiting: (() => void)[] = []
  const schedule = (run: () => void) => waiting.push(run)
  const directory = survivor?.crash(undefined, { schedule }) ?? new MemoryDirectory({ schedule })
  const complete = () => {
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) run()
  }
  return { directory, complete }
}

function open(
  directory: MemoryDirectory,
  options: { readonly baseZxid?: Zxid; readonly lastApplied?: Zxid } = {},
) {
  const { baseZxid = zxidZero, lastApplied = baseZxid } = options
  const durable: Zxid[] = []
  const opened = openTxnLog({
    directory,
    baseZxid,
    lastApplied,
    segmentBytes: 1024,
    mainThreadSync: false,
    onDurable: (zxid) => durable.push(zxid),
    onFailure: (error) => {
      throw error
    },
  })
  return { ...opened, durable }
}

/** All payloads behind `after`, read in pieces. */
function readAll(log: TxnLog, after: Zxid, bytesMax = 100): string[] {
  const payloads: string[] = []
  for (let at = after; at < log.lastZxid; ) {
    const entries = log.readEntries({ after: at, upTo: log.lastZxid, bytesMax })
    payloads.push(...payloadsOf(entries))
    at = (entries.first + entries.count - 1) as Zxid
  }
  return payloads
}

t.test('the record is laid out as drawn', async (t) => {
  const { directory, complete } = makeDisk()
  const { log } = open(directory)
  log.append(entriesOf(z(3, 1), ['hello']))
  log.flush()
  complete()
  const record = Buffer.alloc(40)
  directory.open('0000000300000001.segment').read(record, 0)
  t.equal(record.toString('latin1', 0, 4), 'ZWT1')
  t.equal(
    record.subarray(8).toString('hex'),
    [
      '00000005', // payload length
      '0000000300000001', // zxid
      '0000000000000000', // nothing was durable yet
      '68656c6c6f', // hello
      '00000000000000', // to a multiple of 8
    ].join(''),
  )
  t.equal(txnFormat.isIntact(record, 0, 40), true)
})

const lengths = [
  { name: 'a payload of 0', header: '5a575431 00000000 00000000', want: 32 },
  { name: 'a payload of 4', header: '5a575431 00000000 00000004', want: 32 },
  { name: 'a payload of 5', header: '5a575431 00000000 00000005', want: 40 },
  { name: 'zeros', header: '00000000 00000000 00000000', want: 0 },
  { name: 'another version', header: '5a575432 00000000 00000005', want: otherVersion },
  { name: 'another magic', header: '5a585431 00000000 00000005', want: notARecord },
]
for (const { name, header, want } of lengths) {
  t.test(`length of ${name}`, async (t) => {
    t.equal(txnFormat.wholeLength(Buffer.from(header.replaceAll(' ', ''), 'hex'), 0), want)
  })
}

t.test('transactions appended in batches are read in batches of one epoch', async (t) => {
  const { directory, complete } = makeDisk()
  const { log, durable } = open(directory)
  log.append(entriesOf(z(1, 1), ['a', 'bb', '']))
  log.append(entriesOf(z(1, 4), ['dddd']))
  log.append(entriesOf(z(3, 1), ['e', 'f']))
  log.flush()
  complete()
  t.equal(durable.at(-1), z(3, 2))
  t.equal(log.firstZxid, z(1, 1))
  t.equal(log.lastZxid, z(3, 2))
  t.equal(log.durableZxid, z(3, 2))
  const read = (after: Zxid, upTo: Zxid, bytesMax = 10_000) => {
    const entries = log.readEntries({ after, upTo, bytesMax })
    return { first: entries.first, count: entries.count, payloads: payloadsOf(entries) }
  }
  const all = { first: z(1, 1), count: 4, payloads: ['a', 'bb', '', 'dddd'] }
  t.same(read(zxidZero, z(3, 2)), all)
  t.same(read(z(1, 2), z(1, 3)), { first: z(1, 3), count: 1, payloads: [''] })
  t.same(read(z(1, 4), z(3, 2)), { first: z(3, 1), count: 2, payloads: ['e', 'f'] })
  t.same(read(z(1, 1), z(3, 2), 1), { first: z(1, 2), count: 1, payloads: ['bb'] })
})

t.test('many batches survive a power cut, with their epochs', async (t) => {
  const { directory, complete } = makeDisk()
  const { log } = open(directory)
  const want: string[] = []
  const epochs: { epoch: number; firstCounter: number; lastCounter: number }[] = []
  for (const epoch of [1, 2, 5]) {
    for (let counter = 1; counter < 100; counter += 3) {
      const payloads = [counter, counter + 1, counter + 2].map((c) => `${epoch}:${c}`)
      log.append(entriesOf(z(epoch, counter), payloads))
      want.push(...payloads)
      log.flush()
      complete()
    }
    epochs.push({ epoch, firstCounter: 1, lastCounter: 99 })
  }
  const survivor = makeDisk(directory)
  const reopened = open(survivor.directory, { lastApplied: z(2, 50) })
  t.equal(reopened.torn, null)
  t.same(reopened.epochs, epochs)
  t.same(readAll(reopened.log, zxidZero), want)
  reopened.log.append(entriesOf(z(5, 100), ['5:100']))
  t.same(readAll(reopened.log, z(5, 98)), ['5:99', '5:100'])
})

t.test('a gap is our own mistake', async (t) => {
  const { log } = open(makeDisk().directory, { baseZxid: z(2, 7) })
  t.equal(log.lastZxid, z(2, 7))
  for (const first of [z(2, 9), z(2, 7), z(1, 8), z(3, 2), z(3, 0)]) {
    t.throws(() => log.append(entriesOf(first, ['x'])), /no gaps/)
  }
  log.append(entriesOf(z(2, 8), ['x']))
  t.throws(() => log.append({ ...entriesOf(z(2, 9), ['x', 'y']), count: 1 }), /last payload/)
  t.throws(() => log.append({ ...entriesOf(z(2, 9), ['x', 'y']), bytes: Buffer.alloc(7, 1) }))
  t.equal(log.lastZxid, z(2, 8))
})

t.test('truncateAfter, then another history in its place', async (t) => {
  const { directory, complete } = makeDisk()
  const { log } = open(directory)
  for (let counter = 1; counter <= 60; counter++) {
    log.append(entriesOf(z(1, counter), [`old ${counter}`]))
    log.flush()
    complete()
  }
  let isDone = false
  log.truncateAfter(z(1, 20), () => {
    isDone = true
  })
  complete()
  t.equal(isDone, true)
  t.equal(log.lastZxid, z(1, 20))
  t.equal(log.durableZxid, z(1, 20))
  log.append(entriesOf(z(2, 1), ['new 1']))
  log.flush()
  complete()
  const reopened = open(makeDisk(directory).directory, { lastApplied: z(1, 20) })
  t.equal(reopened.torn, null)
  t.same(readAll(reopened.log, z(1, 19)), ['old 20', 'new 1'])
})

t.test('a log cut to nothing ends at its base', async (t) => {
  const { directory, complete } = makeDisk()
  const { log } = open(directory, { baseZxid: z(4, 9) })
  log.append(entriesOf(z(4, 10), ['a', 'b']))
  log.flush()
  complete()
  log.truncateAfter(z(4, 9), () => undefined)
  complete()
  t.equal(log.lastZxid, z(4, 9))
  t.equal(log.firstZxid, undefined)
  const reopened = open(makeDisk(directory).directory, { baseZxid: z(4, 9) })
  t.same(reopened.epochs, [])
  reopened.log.append(entriesOf(z(5, 1), ['c']))
  t.equal(reopened.log.lastZxid, z(5, 1))
})

t.test('the tree is ahead of the log: refused', async (t) => {
  const { directory, complete } = makeDisk()
  const { log } = open(directory)
  log.append(entriesOf(z(1, 1), ['a', 'b']))
  log.flush()
  complete()
  const after = (lastApplied: Zxid) => () => open(makeDisk(directory).directory, { lastApplied })
  t.doesNotThrow(after(z(1, 2)))
  t.throws(after(z(1, 3)), { name: 'LogDamagedError', file: /0000000100000001\.segment$/ })
  const lost = () => open(makeDisk().directory, { lastApplied: z(1, 3) })
  t.throws(lost, { name: 'LogDamagedError' }, 'no segments at all')
})

function filled(count = 60) {
  const disk = makeDisk()
  const { log } = open(disk.directory)
  for (let counter = 1; counter <= count; counter++) {
    log.append(entriesOf(z(1, counter), ['payload']))
  }
  log.flush()
  disk.complete()
  return { ...disk, log }
}

t.test(
  'a purge drops whole segments that the tree covers, and keeps the configured number',
  async (t) => {
    // 25 transactions to a segment: (1,1)–(1,25), (1,26)–(1,50), (1,51)–(1,75), (1,76)–
    const { directory, complete, log } = filled(90)
    const points = [
      { covered: z(1, 90), kept: { segments: 1, bytes: 0 }, base: z(1, 50) },
      { covered: z(1, 90), kept: { segments: 2, bytes: 0 }, base: z(1, 25) },
      { covered: z(1, 90), kept: { segments: 3, bytes: 0 }, base: undefined },
      { covered: z(1, 90), kept: { segments: 1, bytes: 1601 }, base: z(1, 25) },
      { covered: z(1, 50), kept: { segments: 1, bytes: 0 }, base: z(1, 50) },
      { covered: z(1, 49), kept: { segments: 1, bytes: 0 }, base: z(1, 25) },
      { covered: z(1, 24), kept: { segments: 1, bytes: 0 }, base: undefined },
    ]
    for (const { covered, kept, base } of points) {
      t.equal(log.purgePoint(covered, kept)?.base, base, JSON.stringify({ covered, kept }))
    }
    const point = log.purgePoint(z(1, 90), { segments: 1, bytes: 0 })
    if (point === undefined) throw new Error('There is something to drop')
    log.purge(point)
    complete()
    t.equal(log.baseZxid, z(1, 50))
    t.equal(log.firstZxid, z(1, 51))
    t.equal(log.purgePoint(z(1, 90), { segments: 1, bytes: 0 }), undefined, 'once')
    const again = (baseZxid: Zxid, lastApplied: Zxid) =>
      open(makeDisk(directory).directory, { baseZxid, lastApplied })
    t.same(again(z(1, 50), z(1, 60)).epochs, [{ epoch: 1, firstCounter: 51, lastCounter: 90 }])
    t.same(
      again(z(1, 75), z(1, 80)).epochs,
      [{ epoch: 1, firstCounter: 51, lastCounter: 90 }],
      'a crash came between meta and the drop',
    )
    t.throws(() => again(z(1, 49), z(1, 60)), { name: 'LogDamagedError' }, 'a gap behind the base')
    t.throws(() => again(z(1, 50), z(1, 49)), { name: 'LogDamagedError' }, 'a tree that is older')
    t.throws(() => again(z(1, 91), z(1, 91)), { name: 'LogDamagedError' }, 'a log that is older')
  },
)

t.test('a purged log that is cut to nothing ends at its base', async (t) => {
  const { complete, log } = filled(90)
  const point = log.purgePoint(z(1, 75), { segments: 1, bytes: 0 })
  if (point === undefined) throw new Error('There is something to drop')
  log.purge(point)
  log.truncateAfter(point.base, () => undefined)
  complete()
  t.equal(log.lastZxid, z(1, 50))
  log.append(entriesOf(z(1, 51), ['another']))
  t.same(readAll(log, z(1, 50)), ['another'])
})

t.test('a missing segment is refused by the gap it leaves', async (t) => {
  const { directory, complete } = makeDisk()
  const { log } = open(directory)
  for (let counter = 1; counter <= 90; counter++) log.append(entriesOf(z(1, counter), ['payload']))
  log.flush()
  complete()
  const survivor = makeDisk(directory)
  const names = survivor.directory.list().filter((name) => name.endsWith('.segment'))
  survivor.directory.remove(names.sort()[1] ?? '')
  t.throws(() => open(survivor.directory), {
    name: 'LogDamagedError',
    file: new RegExp(names[2] ?? ''),
  })
})

t.test('a record from a later version is refused, not cut', async (t) => {
  const { directory, complete } = makeDisk()
  const { log } = open(directory)
  log.append(entriesOf(z(1, 1), ['a', 'b']))
  log.flush()
  complete()
  const survivor = makeDisk(directory)
  survivor.directory.open('0000000100000001.segment').write(Buffer.from('ZWT2'), 32)
  t.throws(() => open(survivor.directory), { name: 'LogVersionError', byteOffset: 32 })
})

t.test('a flipped bit that is read is refused by file and offset', async (t) => {
  const { directory, complete } = makeDisk()
  const { log } = open(directory)
  log.append(entriesOf(z(1, 1), ['a', 'b', 'c']))
  log.flush()
  complete()
  directory.open('0000000100000001.segment').write(Buffer.from('x'), 32 + 28)
  const read = () => log.readEntries({ after: zxidZero, upTo: z(1, 3), bytesMax: 1000 })
  t.throws(read, { name: 'LogDamagedError', byteOffset: 32 })
})
