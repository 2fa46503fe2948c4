import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { type Log, type LogOptions, openLog } from '../../src/log/log.ts'
import type { LogFailedError } from '../../src/log/log-errors.ts'
import { segmentName } from '../../src/log/segment.ts'
import { openDiskDirectory } from '../../src/log/segment-file.ts'
import type { LogSync } from '../../src/log/sync-pace.ts'
import { type DiskOperation, MemoryDirectory } from './memory-directory.ts'
import { positionsOf, sampleFormat, sampleRecord } from './sample-format.ts'

/** A log on a memory disk whose completions wait until `disk.complete()`. */
function makeDisk() {
  const waiting: (() => void)[] = []
  const counts = new Map<DiskOperation, number>()
  const failing = new Map<DiskOperation, Error>()
  const directory = new MemoryDirectory({
    schedule: (run) => waiting.push(run),
    fault: (operation) => {
      counts.set(operation, (counts.get(operation) ?? 0) + 1)
      return failing.get(operation) ?? null
    },
  })
  return {
    directory,
    failing,
    count: (operation: DiskOperation) => counts.get(operation) ?? 0,
    /** Runs one completion, if there is one. */
    step: () => waiting.shift()?.(),
    /** Runs completions until there are none. */
    complete() {
      for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) run()
    },
  }
}

function open(directory: MemoryDirectory, options: Partial<LogOptions> = {}) {
  const durable: number[] = []
  const failures: LogFailedError[] = []
  const { log, torn } = openLog({
    directory,
    format: sampleFormat,
    segmentBytes: 256,
    mainThreadSync: false,
    onDurable: (position) => durable.push(position),
    onFailure: (error) => failures.push(error),
    ...options,
  })
  return { log, torn, durable, failures }
}

function appendAll(log: Log, positions: readonly number[]): void {
  for (const first of positions) log.append(sampleRecord({ first, durable: log.durablePosition }))
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

t.test('an empty log has no positions and nothing to read', async (t) => {
  const { log } = open(makeDisk().directory)
  t.equal(log.isEmpty, true)
  t.equal(log.firstPosition, undefined)
  t.equal(log.lastPosition, undefined)
  t.equal(log.durablePosition, undefined)
  t.equal(log.read({ from: 0, bytesMax: 100 }).length, 0)
})

t.test(
  'each fdatasync is told: for how many records, how long they waited, how long it took',
  async (t) => {
    const disk = makeDisk()
    const syncs: LogSync[] = []
    let now = 0
    const { log } = open(disk.directory, { nowMs: () => now, onSync: (sync) => syncs.push(sync) })
    disk.complete()
    appendAll(log, [0])
    log.flush()
    disk.complete()
    t.match(syncs, [{ records: 1, queuedMs: 0, tookMs: 0 }])
    appendAll(log, [1])
    now = 5
    appendAll(log, [2, 3])
    now = 7
    log.flush()
    now = 8
    appendAll(log, [4])
    log.flush()
    now = 17
    disk.complete()
    t.same(syncs.slice(1), [
      { records: 3, queuedMs: 7, tookMs: 10 },
      { records: 1, queuedMs: 9, tookMs: 0 },
    ])
  },
)

t.test('appended records can be read at once and are durable after one fdatasync', async (t) => {
  const disk = makeDisk()
  const { log, durable } = open(disk.directory)
  disk.complete()
  appendAll(log, [3, 4])
  t.same(positionsOf(log), [3, 4])
  log.flush()
  t.equal(log.durablePosition, undefined)
  disk.complete()
  t.equal(log.durablePosition, 4)
  t.same(durable, [4])
})

t.test('everything appended during one fdatasync is one write and one fdatasync', async (t) => {
  const disk = makeDisk()
  const { log, durable } = open(disk.directory, { segmentBytes: 100_000, preallocate: false })
  appendAll(log, [1])
  log.flush()
  disk.step() // the directory: the first segment has its name; its write and fdatasync begin
  const writes = disk.count('write')
  for (const first of range(2, 1000)) {
    appendAll(log, [first])
    log.flush()
  }
  disk.complete()
  t.same(durable, [1, 999])
  t.equal(disk.count('write'), writes + 1)
  t.equal(disk.count('sync'), 2)
})

for (const mainThreadSync of [false, true]) {
  const where = mainThreadSync ? 'on the main thread' : 'in the pool'
  t.test(`a log that grows in steps seldom changes the size of its file, ${where}`, async (t) => {
    const disk = makeDisk()
    const options = { preallocate: 'in steps', segmentBytes: 10 ** 6, mainThreadSync } as const
    const { log, durable } = open(disk.directory, { ...options, nowMs: () => 0 })
    const sizes = new Set<number>()
    for (const first of range(1, 1000)) {
      appendAll(log, [first])
      log.flush()
      disk.complete()
      sizes.add(disk.directory.open(segmentName(1)).sizeBytes())
    }
    t.equal(durable.at(-1), 999)
    t.ok(sizes.size < 40, `it had ${sizes.size} sizes`)
    const [used = 0] = log.segments.map(({ endBytes }) => endBytes)
    t.ok(Math.max(...sizes) <= used + 4096 * 2, 'a small log wastes little')
    const { torn, log: again } = open(disk.directory, options)
    t.equal(torn, null, 'zeros are no torn tail')
    t.equal(again.lastPosition, 999)
  })
}

t.test('the longer a log of small writes, the more rarely its file grows', async (t) => {
  const disk = makeDisk()
  const options = { preallocate: 'in steps', segmentBytes: 10 ** 6 } as const
  const { log, durable } = open(disk.directory, { ...options, mainThreadSync: false })
  const sizes = new Set<number>()
  for (const first of range(1, 10_000)) {
    appendAll(log, [first])
    log.flush()
    disk.complete()
    sizes.add(disk.directory.open(segmentName(1)).sizeBytes())
  }
  t.equal(durable.at(-1), 9999)
  t.ok(sizes.size < 25, `it had ${sizes.size} sizes`)
  const [used = 0] = log.segments.map(({ endBytes }) => endBytes)
  t.ok(Math.max(...sizes) <= used * 1.25 + 4096, 'it wastes a quarter at most')
})

t.test('a step for which there is no space is done without', async (t) => {
  let writes = 0
  const directory = new MemoryDirectory({
    schedule: (run) => run(),
    // Every other write is a step of zeros.
    fault: (operation) => (operation === 'write' && writes++ % 2 === 1 ? new Error('full') : null),
  })
  const { log, durable, failures } = open(directory, { preallocate: 'in steps' })
  for (const first of range(1, 6)) {
    appendAll(log, [first])
    log.flush()
  }
  t.same(durable, [1, 2, 3, 4, 5])
  t.same(failures, [])
  t.equal(writes, 10)
})

t.test('the next segment is filled with zeros at the pace of the log', async (t) => {
  const disk = makeDisk()
  const MiB = 1024 * 1024
  const { log } = open(disk.directory, { segmentBytes: 16 * MiB })
  disk.complete()
  const prepared = () =>
    disk.directory.list().includes('prepared') ? disk.directory.open('prepared').sizeBytes() : 0
  const used = () => log.segments.at(-1)?.endBytes ?? 0
  const payload = Buffer.alloc(MiB / 2)
  let first = 1
  const grow = () => {
    log.append(sampleRecord({ first: first++, payload }))
    log.flush()
    const before = prepared()
    disk.complete()
    return prepared() - before
  }
  t.equal(prepared(), 2 * MiB, 'no more than is needed at first')
  grow()
  const zeros: number[] = []
  while (used() < 15 * MiB) {
    zeros.push(grow())
    t.ok(prepared() <= 2 * MiB + 1.25 * used())
  }
  t.ok(Math.max(...zeros) <= 2 * MiB, 'never much at once')
  t.equal(prepared(), 16 * MiB, 'ready before it is needed')
  const syncs = disk.count('sync')
  while (log.segments.length === 1) grow()
  t.equal(
    disk.directory.open(segmentName(log.segments[1]?.firstPosition ?? 0)).sizeBytes(),
    16 * MiB,
  )
  t.ok(disk.count('sync') > syncs)
  t.equal(prepared(), 2 * MiB, 'and the one after it is begun')
})

t.test('a log that is opened does not catch up on zeros', async (t) => {
  const MiB = 1024 * 1024
  const disk = makeDisk()
  const options = { segmentBytes: 16 * MiB }
  const { log } = open(disk.directory, { ...options, preallocate: false })
  const payload = Buffer.alloc(MiB)
  for (const first of range(1, 9)) log.append(sampleRecord({ first, payload }))
  log.close(() => undefined)
  disk.complete()
  const { log: again } = open(disk.directory, options)
  const prepared = () => disk.directory.open('prepared').sizeBytes()
  disk.complete()
  t.equal(prepared(), 2 * MiB)
  for (const first of range(9, 15)) again.append(sampleRecord({ first, payload }))
  again.flush()
  disk.complete()
  t.equal(prepared(), 16 * MiB, 'and is ready before they are needed')
})

t.test('a segment that was needed before it was prepared grows in steps', async (t) => {
  const disk = makeDisk()
  const { log, durable } = open(disk.directory, { segmentBytes: 64 * 1024 * 1024 })
  const payload = Buffer.alloc(4096)
  const sizes = new Set<number>()
  for (const first of range(1, 1000)) {
    log.append(sampleRecord({ first, payload }))
    log.flush()
    disk.complete()
    sizes.add(disk.directory.open(segmentName(1)).sizeBytes())
  }
  t.equal(durable.at(-1), 999)
  t.ok(Math.min(...sizes) < 2 * 1024 * 1024, 'the first write came too early for it')
  t.ok(sizes.size < 20, `it had ${sizes.size} sizes`)
})

t.test('an idle log syncs on the main thread once the disk proved fast', async (t) => {
  const disk = makeDisk()
  let nowMs = 0
  const { log, durable } = open(disk.directory, { mainThreadSync: true, nowMs: () => nowMs })
  disk.complete()
  for (const first of range(1, 5)) {
    appendAll(log, [first])
    log.flush()
    t.notOk(durable.includes(first), 'in the pool')
    disk.complete()
    t.ok(durable.includes(first))
  }
  appendAll(log, [6, 7])
  log.flush()
  t.equal(durable.at(-1), 7, 'on the main thread')
  appendAll(log, [8, 9, 10])
  log.flush()
  t.equal(durable.at(-1), 7, 'three records are load: in the pool')
  nowMs += 5
  disk.complete()
  appendAll(log, [11])
  log.flush()
  t.equal(durable.at(-1), 10, 'after a slow one in the pool')
})

t.test(
  'records go on in further segments, and each is synced before the next begins',
  async (t) => {
    const disk = makeDisk()
    const { log, durable } = open(disk.directory)
    disk.complete()
    log.append(Buffer.concat(range(0, 50).map((first) => sampleRecord({ first }))))
    log.flush()
    for (;;) {
      // A crash at any instant leaves a prefix that includes everything reported durable.
      const crashed = disk.directory.crash({ next: () => 0.999 })
      const survivor = open(crashed, { preallocate: false })
      t.same(positionsOf(survivor.log), range(0, (survivor.log.lastPosition ?? -1) + 1))
      t.ok((survivor.log.lastPosition ?? -1) >= (durable.at(-1) ?? -1))
      if (log.durablePosition === 49) break
      disk.step()
    }
    disk.complete()
    t.ok(disk.directory.list().filter((name) => name.endsWith('.segment')).length > 5)
    t.same(positionsOf(log), range(0, 50))
  },
)

t.test('read: bounds', async (t) => {
  const disk = makeDisk()
  const { log } = open(disk.directory, { segmentBytes: 100_000 })
  // 32 bytes each, positions 10-19, 20-29, … of which half are written
  for (const [i, first] of range(1, 11).entries()) {
    const payload = Buffer.alloc(12, first)
    log.append(sampleRecord({ first: first * 10, last: first * 10 + 9, payload }))
    if (i === 4) {
      log.flush()
      disk.complete()
    }
  }
  const all = Number.MAX_SAFE_INTEGER
  const cases = [
    { name: 'from the start', from: 0, upTo: all, bytesMax: 64, want: [10, 20] },
    { name: 'from inside a record', from: 35, upTo: all, bytesMax: 64, want: [30, 40] },
    {
      name: 'across written and not yet written',
      from: 40,
      upTo: all,
      bytesMax: 128,
      want: [40, 50, 60, 70],
    },
    { name: 'one record at least', from: 20, upTo: all, bytesMax: 1, want: [20] },
    { name: 'only whole records', from: 20, upTo: all, bytesMax: 95, want: [20, 30] },
    { name: 'up to a position', from: 20, upTo: 39, bytesMax: 1000, want: [20, 30] },
    { name: 'up to a position inside a record', from: 20, upTo: 38, bytesMax: 1000, want: [20] },
    { name: 'nothing up to there', from: 20, upTo: 25, bytesMax: 1000, want: [] },
    { name: 'behind the end', from: 110, upTo: all, bytesMax: 1000, want: [] },
    { name: 'the last', from: 109, upTo: all, bytesMax: 1000, want: [100] },
  ]
  for (const { name, want, ...bounds } of cases) {
    const bytes = log.read({ ...bounds, verify: true })
    const found = range(0, bytes.length / 32).map((i) => sampleFormat.firstPosition(bytes, i * 32))
    t.same(found, want, name)
  }
})

t.test('a read finds its record among many segments and index entries', async (t) => {
  const disk = makeDisk()
  const { log } = open(disk.directory, { segmentBytes: 50_000 })
  for (const first of range(0, 10_000)) log.append(sampleRecord({ first: 2 * first }))
  log.flush()
  disk.complete()
  for (let from = 0; from < 20_000; from += 97) {
    const bytes = log.read({ from, bytesMax: 1 })
    t.equal(sampleFormat.firstPosition(bytes, 0), from + (from % 2))
  }
})

t.test('a record larger than a segment gets one of its own', async (t) => {
  const disk = makeDisk()
  const { log } = open(disk.directory)
  const payload = Buffer.alloc(700_000, 7)
  log.append(Buffer.concat([sampleRecord({ first: 1 }), sampleRecord({ first: 2, payload })]))
  log.append(sampleRecord({ first: 3 }))
  log.flush()
  disk.complete()
  t.equal(log.durablePosition, 3)
  t.equal(log.read({ from: 2, bytesMax: 1, verify: true }).length, 700_024)
  const survivor = open(disk.directory.crash())
  t.same(positionsOf(survivor.log), [1, 2, 3])
})

t.test(
  'sync os: durable when written, a full segment is synced before its successor',
  async (t) => {
    const disk = makeDisk()
    const { log, durable } = open(disk.directory, { sync: 'os', preallocate: false })
    appendAll(log, [1])
    log.flush()
    disk.complete()
    t.same(durable, [1])
    t.equal(disk.count('sync'), 0)
    appendAll(log, [2])
    log.flush()
    t.same(durable, [1, 2], 'at once')
    appendAll(log, range(3, 20))
    log.flush()
    disk.complete()
    t.equal(durable.at(-1), 19)
    const segments = disk.directory.list().filter((name) => name.endsWith('.segment')).length
    t.equal(disk.count('sync'), segments - 1)
  },
)

for (const operation of ['write', 'sync', 'directorySync'] as const) {
  t.test(`a failed ${operation} ends the log permanently, and is reported once`, async (t) => {
    const disk = makeDisk()
    const { log, durable, failures } = open(disk.directory, { preallocate: false })
    appendAll(log, [1])
    log.flush()
    disk.complete()
    disk.failing.set(operation, Object.assign(new Error('EIO: i/o error'), { code: 'EIO' }))
    appendAll(log, range(2, 30))
    log.flush()
    disk.complete()
    disk.failing.clear()
    t.equal(failures.length, 1)
    t.match(failures[0], { name: 'LogFailedError', code: 'EIO' })
    t.match(failures[0]?.file, /segment$/)
    t.throws(() => log.append(sampleRecord({ first: 30 })), { name: 'LogFailedError' })
    t.throws(() => log.flush(), { name: 'LogFailedError' })
    disk.complete()
    t.equal(failures.length, 1)
    t.ok((durable.at(-1) ?? 0) < 29, 'nothing more is reported durable')
  })
}

t.test('a missing room for the next segment is reported, and the log continues', async (t) => {
  const disk = makeDisk()
  const shortages: Error[] = []
  const error = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' })
  disk.failing.set('write', error)
  const { log, failures } = open(disk.directory, { onShortage: (e) => shortages.push(e) })
  disk.complete()
  t.same(shortages, [error])
  t.same(disk.directory.list(), [], 'its room is given back')
  disk.failing.clear()
  appendAll(log, [1])
  log.flush()
  disk.complete()
  t.equal(log.durablePosition, 1)
  t.same(failures, [])
})

const truncations = [
  { name: 'to a record in the last segment', to: 48, want: 48 },
  { name: 'to a record in an early segment', to: 7, want: 7 },
  { name: 'to nothing', to: -1, want: -1 },
  { name: 'to where it ends', to: 49, want: 49 },
  { name: 'to beyond its end', to: 1000, want: 49 },
  { name: 'to the first record', to: 0, want: 0 },
]
for (const { name, to, want } of truncations) {
  for (const flushed of [true, false]) {
    t.test(`truncateAfter ${name}, ${flushed ? 'on the disk' : 'in memory'}`, async (t) => {
      const disk = makeDisk()
      const { log } = open(disk.directory)
      appendAll(log, range(0, 20))
      log.flush()
      if (flushed) disk.complete()
      appendAll(log, range(20, 50))
      if (flushed) {
        log.flush()
        disk.complete()
      }
      let isDone = false
      log.truncateAfter(to, () => {
        isDone = true
      })
      t.same(positionsOf(log), range(0, want + 1), 'gone from memory at once')
      t.equal(isDone, false)
      t.throws(() => appendAll(log, [100]), /truncated/)
      disk.complete()
      t.equal(isDone, true)
      t.equal(log.durablePosition ?? -1, want)
      t.same(positionsOf(open(disk.directory.crash()).log), range(0, want + 1), 'and from the disk')
      // Shorter records in their place, so that anything left would begin behind one of them.
      log.append(sampleRecord({ first: 2000, payload: Buffer.alloc(1) }))
      log.flush()
      disk.complete()
      const { log: reopened } = open(disk.directory.crash())
      t.same(positionsOf(reopened), [...range(0, want + 1), 2000])
    })
  }
}

t.test('a truncated position is not durable because an older fdatasync ends', async (t) => {
  const disk = makeDisk()
  const { log, durable } = open(disk.directory, { preallocate: false, segmentBytes: 10_000 })
  appendAll(log, [1, 2])
  log.flush()
  disk.complete()
  appendAll(log, [3, 4, 5])
  log.flush()
  log.truncateAfter(2, () => {
    appendAll(log, [3, 4])
    t.equal(log.lastPosition, 4)
    t.equal(log.durablePosition, 2)
    t.same(durable, [2])
  })
  disk.complete()
  t.same(durable, [2, 4])
})

t.test('dropBefore removes whole segments that hold only older records', async (t) => {
  const disk = makeDisk()
  const { log } = open(disk.directory)
  appendAll(log, range(0, 50))
  log.flush()
  disk.complete()
  log.dropBefore(20)
  disk.complete()
  const first = log.firstPosition ?? 0
  t.ok(first > 10 && first <= 20, `begins at ${first}`)
  t.same(positionsOf(log), range(first, 50))
  t.same(positionsOf(open(disk.directory.crash()).log), range(first, 50))
  log.dropBefore(1_000_000)
  disk.complete()
  t.ok(log.lastPosition === 49 && !log.isEmpty, 'the last segment stays')
})

t.test('dropBefore keeps a segment until its successor has durable records', async (t) => {
  const disk = makeDisk()
  const { log, durable } = open(disk.directory, { preallocate: false })
  appendAll(log, range(0, 12))
  log.flush()
  while (disk.directory.list().length < 2) disk.step()
  disk.step() // the second segment has its name, and nothing in it is durable
  t.ok((durable.at(-1) ?? 0) > 5)
  log.dropBefore(1000)
  t.equal(open(disk.directory.crash()).log.lastPosition, durable.at(-1))
  t.equal(log.firstPosition, 0)
  disk.complete()
  log.dropBefore(1000)
  disk.complete()
  t.equal(open(disk.directory.crash()).log.lastPosition, 11)
  t.ok((log.firstPosition ?? 0) > 5)
})

t.test('a truncation waits for every segment that is being dropped', async (t) => {
  const disk = makeDisk()
  const { log } = open(disk.directory, { preallocate: false })
  appendAll(log, range(0, 50))
  log.flush()
  disk.complete()
  log.dropBefore(40)
  appendAll(log, range(50, 60)) // a new segment is being placed when the first drop is done
  log.flush()
  let left: string[] | undefined
  log.truncateAfter(-1, () => {
    left = disk.directory.crash().list()
  })
  disk.complete()
  t.same(left, [])
})

t.test('close makes everything durable, under os too, and refuses later appends', async (t) => {
  for (const sync of ['group', 'os'] as const) {
    const disk = makeDisk()
    const { log } = open(disk.directory, { sync })
    appendAll(log, range(0, 30))
    let isClosed = false
    log.close(() => {
      isClosed = true
    })
    disk.complete()
    t.equal(isClosed, true)
    t.throws(() => log.append(sampleRecord({ first: 30 })))
    t.same(positionsOf(open(disk.directory.crash()).log), range(0, 30))
  }
})

t.test('on a disk: append, roll, reopen, truncate, drop', async (t) => {
  const path = t.testdir()
  const make = () => {
    let onDurable: (position: number) => void = () => undefined
    const { log, torn } = openLog({
      directory: openDiskDirectory(path),
      format: sampleFormat,
      segmentBytes: 4096,
      onDurable: (position) => onDurable(position),
      onFailure: (error) => t.fail(error),
    })
    const durableUpTo = (wanted: number) =>
      new Promise<void>((resolve) => {
        onDurable = (position) => position >= wanted && resolve()
        log.flush()
      })
    return { log, torn, durableUpTo }
  }
  const one = make()
  for (const first of range(0, 500)) {
    appendAll(one.log, [first])
    one.log.flush()
    if (first % 10 === 0) await turn()
  }
  await one.durableUpTo(499)
  await new Promise<void>((resolve) => one.log.close(resolve))
  const two = make()
  t.equal(two.torn, null)
  t.same(positionsOf(two.log), range(0, 500))
  await new Promise<void>((resolve) => two.log.truncateAfter(250, resolve))
  two.log.dropBefore(200)
  appendAll(two.log, range(251, 300))
  await two.durableUpTo(299)
  await new Promise<void>((resolve) => two.log.close(resolve))
  const three = make()
  t.same(positionsOf(three.log), range(three.log.firstPosition ?? 0, 300))
  t.ok((three.log.firstPosition ?? 0) > 100)
  await new Promise<void>((resolve) => three.log.close(resolve))
})
