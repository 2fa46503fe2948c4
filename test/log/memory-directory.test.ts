import t from 'tap'
import { Random } from '../../src/random.ts'
import { MemoryDirectory } from './memory-directory.ts'

function contentOf(directory: MemoryDirectory, name: string): string {
  const file = directory.open(name)
  const bytes = Buffer.alloc(file.sizeBytes())
  file.read(bytes, 0)
  return bytes.toString()
}

t.test('a crash keeps what was synced, and nothing else', async (t) => {
  const directory = new MemoryDirectory()
  const file = directory.create('a')
  file.write(Buffer.from('synced'), 0)
  file.syncNow()
  t.same(directory.crash().list(), [], 'the name was not')
  directory.syncNow()
  file.write(Buffer.from('lost'), 0)
  directory.create('b')
  directory.rename('a', 'c')
  t.equal(contentOf(directory, 'c'), 'losted')
  t.same(directory.crash().list(), ['a'])
  t.equal(contentOf(directory.crash(), 'a'), 'synced')
  directory.syncNow()
  t.same(directory.crash().list().sort(), ['b', 'c'])
  t.equal(contentOf(directory.crash(), 'c'), 'synced')
})

t.test('a sync covers the writes before its request', async (t) => {
  const waiting: (() => void)[] = []
  const directory = new MemoryDirectory({ schedule: (run) => waiting.push(run) })
  const file = directory.create('a')
  directory.syncNow()
  file.write(Buffer.from('one'), 0)
  let isDone = false
  file.sync(() => {
    isDone = true
  })
  file.write(Buffer.from('two'), 3)
  t.equal(contentOf(directory.crash(), 'a'), '')
  waiting.shift()?.()
  t.equal(isDone, true)
  t.equal(contentOf(directory.crash(), 'a'), 'one')
})

t.test(
  'with chance, a crash keeps unsynced writes whole, in part, out of order, or not',
  async (t) => {
    const seed = 11
    t.comment(`seed ${seed}`)
    const random = new Random(seed)
    const directory = new MemoryDirectory()
    const file = directory.create('a')
    file.write(Buffer.alloc(4096, 'o'), 0)
    file.syncNow()
    directory.syncNow()
    file.write(Buffer.alloc(2048, '1'), 0)
    file.write(Buffer.alloc(2048, '2'), 2048)
    const seen = new Set<string>()
    for (let i = 0; i < 200; i++) {
      const content = contentOf(directory.crash(random), 'a')
      // one letter per sector
      seen.add(Array.from({ length: 8 }, (_, sector) => content.charAt(sector * 512)).join(''))
    }
    t.ok([...seen].every((each) => /^[o1]{4}[o2]{4}$/.test(each)))
    for (const want of ['oooooooo', '11112222', 'oooo2222', '1111oooo']) t.ok(seen.has(want), want)
    t.ok(
      [...seen].some((each) => /o1|1o/.test(each.slice(0, 4))),
      'torn',
    )
  },
)

t.test('a fault fails its operation', async (t) => {
  const error = new Error('EIO')
  const directory = new MemoryDirectory({
    fault: (operation, name) => (operation === 'sync' && name === 'a' ? error : null),
  })
  const file = directory.create('a')
  file.write(Buffer.from('x'), 0)
  t.throws(() => file.syncNow(), error)
  t.equal(await new Promise((resolve) => file.sync(resolve)), error)
  directory.syncNow()
  t.equal(contentOf(directory.crash(), 'a'), '')
})

t.test(
  'a failed sync drops the writes that it covers: only repeated writes reach the disk',
  async (t) => {
    let fails = true
    const directory = new MemoryDirectory({
      fault: (operation) => (operation === 'sync' && fails ? new Error('EIO') : null),
    })
    const file = directory.create('a')
    directory.syncNow()
    file.write(Buffer.from('one'), 0)
    t.throws(() => file.syncNow(), /EIO/)
    fails = false
    file.write(Buffer.from('two'), 3)
    file.syncNow()
    t.equal(contentOf(directory, 'a'), 'onetwo')
    t.equal(contentOf(directory.crash(), 'a'), '\0\0\0two')
    file.write(Buffer.from('one'), 0)
    file.syncNow()
    t.equal(contentOf(directory.crash(), 'a'), 'onetwo')
  },
)
