import t from 'tap'
import { Tail, TailMemory } from '../../src/log/tail.ts'

const bytes = (count: number, value: number) => Buffer.alloc(count, value)

t.test('what was written stays in memory for readers, in two pages', async (t) => {
  const tail = new Tail(new TailMemory(2 ** 20))
  for (let i = 0; i < 70; i++) {
    tail.append(bytes(1000, i))
    t.same(tail.unwritten(), bytes(1000, i))
    tail.wrote()
  }
  t.equal(tail.end, 70_000)
  t.equal(tail.view(31_000, 500), undefined, 'the page before the previous one is gone')
  t.same(tail.view(32_000, 500), bytes(500, 32))
  t.same(tail.view(69_500, 5000), bytes(500, 69))
})

t.test('a view keeps its bytes, whatever is appended or cut', async (t) => {
  const tail = new Tail(new TailMemory(2 ** 20))
  tail.append(bytes(100, 1))
  tail.wrote()
  tail.append(bytes(100, 2))
  const view = tail.view(0, 200)
  const before = Buffer.from(view ?? [])
  tail.cut(150)
  t.equal(tail.end, 150)
  t.same(tail.unwritten(), bytes(50, 2))
  tail.append(bytes(5000, 3))
  tail.cut(0)
  tail.append(bytes(5000, 4))
  t.same(view, before)
  t.equal(tail.written, 0)
})

t.test('a page is used again unless a reader was given a view of it to keep', async (t) => {
  const memory = new TailMemory(2 ** 20)
  const tail = new Tail(memory)
  const pages = new Set<ArrayBufferLike>()
  const fillPage = () => {
    for (let i = 0; i < 32; i++) {
      tail.append(bytes(1024, i))
      pages.add(tail.unwritten().buffer)
      tail.wrote()
    }
  }
  for (let i = 0; i < 10; i++) {
    fillPage()
    t.equal(tail.view(tail.end - 1024, 1024, true)?.length, 1024)
  }
  t.equal(pages.size, 3, 'three pages in turn')
  const kept = tail.view(tail.end - 1024, 1024)
  const keptToo = tail.view(tail.end - 40 * 1024, 1024)
  for (let i = 0; i < 10; i++) fillPage()
  t.same(kept, bytes(1024, 31))
  t.same(keptToo, bytes(1024, 24))
  t.equal(pages.size, 5, 'two of them were lent')
})

t.test('without memory for readers the page is used again once it is written', async (t) => {
  const tail = new Tail()
  tail.append(bytes(100, 1))
  const first = tail.unwritten()
  tail.wrote()
  t.equal(tail.view(0, 100), undefined)
  tail.append(bytes(100, 2))
  t.equal(tail.unwritten().buffer, first.buffer)
  t.same(first, bytes(100, 2))
})

t.test(
  'all tails together stay below a maximum: the quietest ones are read from files',
  async (t) => {
    const memory = new TailMemory(400_000)
    const tails = Array.from({ length: 10 }, () => new Tail(memory))
    for (const [i, tail] of tails.entries()) {
      tail.append(bytes(3000, i))
      tail.wrote()
      t.ok(memory.bytes <= 400_000)
    }
    const inMemory = tails.map((tail) => tail.view(0, 1) !== undefined)
    t.same(inMemory, [false, false, false, false, false, false, false, true, true, true])
    for (const tail of tails) tail.reset(0)
    t.equal(memory.bytes, 0)
  },
)

t.test('what is not written is kept, whatever the maximum', async (t) => {
  const memory = new TailMemory(5000)
  const [busy, quiet] = [new Tail(memory), new Tail(memory)]
  quiet.append(bytes(100, 1))
  busy.append(bytes(5000, 2))
  t.same(quiet.unwritten(), bytes(100, 1))
})

t.test('memory is kept for readers while they follow closely, and shared otherwise', async (t) => {
  const memory = new TailMemory(2 ** 20)
  const reading = { isClose: false }
  const tail = new Tail(memory, reading)
  tail.append(bytes(100, 1))
  const shared = tail.unwritten().buffer
  t.not(tail.view(0, 100)?.buffer, shared, 'a reader gets a copy')
  tail.wrote()
  t.equal(tail.view(0, 100), undefined)
  const other = new Tail(memory, { isClose: false })
  other.append(bytes(100, 7))
  t.equal(other.unwritten().buffer, shared)
  t.equal(memory.bytes, 0)

  tail.append(bytes(100, 2))
  reading.isClose = true
  tail.append(bytes(100, 3))
  t.same(tail.unwritten(), Buffer.concat([bytes(100, 2), bytes(100, 3)]))
  tail.wrote()
  const view = tail.view(100, 200)
  t.equal(tail.view(100, 200)?.buffer, view?.buffer)

  reading.isClose = false
  tail.append(bytes(100, 4))
  tail.wrote()
  tail.append(bytes(100, 5))
  t.same(tail.unwritten(), bytes(100, 5))
  t.equal(tail.view(100, 200), undefined, 'it is read from the file')
  t.same(view, Buffer.concat([bytes(100, 2), bytes(100, 3)]), 'a view that was given out stays')
  t.equal(memory.bytes, 0)
  t.equal(tail.end, 500)
})
