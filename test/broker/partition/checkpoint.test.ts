import t from 'tap'
import { Checkpoint, noCheckpoint } from '../../../src/broker/partition/checkpoint.ts'
import { DurableFile } from '../../../src/durable-file.ts'
import { MemoryDirectory } from '../../log/memory-directory.ts'

const name = 'checkpoints.json'
const open = (directory: MemoryDirectory) => new Checkpoint(new DurableFile(directory, name))

const log = (durableEnd: number, highWatermark = 0, lastEpoch = 0) => {
  return { durableEnd, highWatermark, lastEpoch }
}

t.test('it is read as written, also after a crash', async (t) => {
  const directory = new MemoryDirectory()
  const made = open(directory)
  t.same(made.get('x-0'), noCheckpoint)
  await made.write(new Map([['x-0', log(10, 8, 3)]]))
  await made.write(new Map([['x-1', log(2)]]))
  const again = open(directory.crash())
  t.same(again.get('x-0'), log(10, 8, 3), 'an entry that a later write does not name stays')
  t.same(again.get('x-1'), log(2))
  t.notOk(again.isDamaged)
})

t.test('an entry is lowered durably, and only where it is too high', async (t) => {
  const directory = new MemoryDirectory()
  const made = open(directory)
  await made.write(new Map([['x-0', log(10, 8, 3)]]))
  await made.lower('x-0', 20)
  t.same(made.get('x-0'), log(10, 8, 3))
  await made.lower('x-0', 7)
  t.same(open(directory.crash()).get('x-0'), log(7, 7, 3))
})

t.test('what has not changed is not written again', async (t) => {
  const directory = new MemoryDirectory()
  const made = open(directory)
  await made.write(new Map([['x-0', log(10, 8, 3)]]))
  directory.remove(name)
  await made.write(new Map([['x-0', log(10, 8, 3)]]))
  t.notOk(directory.list().includes(name))
  await made.write(new Map([['x-0', log(10, 9, 3)]]))
  t.same(open(directory).get('x-0'), log(10, 9, 3))
})

t.test('one write serves every caller that waits for it', async (t) => {
  const directory = new MemoryDirectory()
  let count = 0
  const create = directory.create.bind(directory)
  directory.create = (each) => {
    count += 1
    return create(each)
  }
  const made = open(directory)
  const names = Array.from({ length: 50 }, (_, i) => `x-${i}`)
  const all = new Map(names.map((each) => [each, log(10)]))
  await Promise.all([made.write(all), ...names.map((each) => made.lower(each, 5))])
  t.equal(count, 2)
  const again = open(directory.crash())
  for (const each of names) t.same(again.get(each), log(5))
})

t.test('any flipped bit is noticed, and then there are no entries', async (t) => {
  const directory = new MemoryDirectory()
  await open(directory).write(new Map([['x-0', log(10, 8, 3)]]))
  const file = directory.open(name)
  const bytes = Buffer.alloc(file.sizeBytes())
  file.read(bytes, 0)
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes)
    flipped[at] = (flipped[at] ?? 0) ^ 1
    file.write(flipped, 0)
    const found = open(directory)
    t.ok(found.isDamaged, `byte ${at}`)
    t.same(found.get('x-0'), noCheckpoint)
  }
})

t.test('a failed write rejects the callers that waited for it, and not later ones', async (t) => {
  const directory = new MemoryDirectory()
  const create = directory.create.bind(directory)
  const made = open(directory)
  directory.create = () => {
    throw new Error('no room')
  }
  await t.rejects(made.write(new Map([['x-0', log(10)]])), { message: 'no room' })
  directory.create = create
  await made.write(new Map())
  t.same(open(directory.crash()).get('x-0'), log(10))
})
