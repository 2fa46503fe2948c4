import t from 'tap'
import { Turns } from '../../../src/daemon/request-processor/turns.ts'
import { limits } from '../../../src/limits.ts'

const long = 1_000_000
const short = 100

/** Clients that send frames as fast as allowed, and whose requests were taken, in order. */
class World {
  readonly turns = new Turns<Taker>()
  readonly taken: string[] = []
  readonly inFlight: { readonly client: Taker; readonly bytes: number }[] = []

  client(name: string): Taker {
    return new Taker(this, name)
  }

  /** Answers the oldest requests. */
  answer(count = 1): void {
    for (const { client, bytes } of this.inFlight.splice(0, count)) {
      client.queue.length--
      this.turns.released(bytes)
    }
    this.turns.callUp()
  }
}

class Taker {
  readonly queue = { length: 0 }
  readonly #world: World
  readonly #name: string
  readonly frames: number[] = []

  constructor(world: World, name: string) {
    this.#world = world
    this.#name = name
  }

  send(...frames: readonly number[]): void {
    this.frames.push(...frames)
    if (this.frames.length === frames.length) this.proceed()
  }

  proceed(): void {
    const { turns, taken, inFlight } = this.#world
    for (let bytes = this.frames[0]; bytes !== undefined; bytes = this.frames[0]) {
      if (!turns.mayTake(this, bytes)) return
      this.frames.shift()
      this.queue.length++
      turns.taken(bytes)
      inFlight.push({ client: this, bytes })
      taken.push(this.#name)
    }
  }
}

t.test('long requests of several clients take turns, one request each', async (t) => {
  const world = new World()
  const [a, b, c] = [world.client('a'), world.client('b'), world.client('c')]
  a.send(long, long, long)
  b.send(long, long)
  c.send(long)
  t.same(world.taken, ['a'], 'as much as is in flight at once')
  world.answer()
  t.same(world.taken, ['a', 'a'], 'it was the first to wait')
  while (world.inFlight.length > 0) world.answer()
  t.same(world.taken, ['a', 'a', 'b', 'c', 'a', 'b'])
})

t.test('short requests do not wait for long ones', async (t) => {
  const world = new World()
  const [a, b] = [world.client('a'), world.client('b')]
  a.send(long, long)
  b.send(short, short, short)
  t.same(world.taken, ['a', 'b', 'b', 'b'])
})

t.test('a short request keeps its place after its own client’s long ones', async (t) => {
  const world = new World()
  const a = world.client('a')
  a.send(long, long, short)
  t.same(a.frames, [long, short])
  world.answer()
  t.same(a.frames, [])
})

t.test('a request larger than the bound is taken alone', async (t) => {
  const world = new World()
  const [a, b] = [world.client('a'), world.client('b')]
  const larger = 4 * limits.longBytesInFlightMax
  a.send(long)
  b.send(larger)
  t.same(world.taken, ['a'])
  world.answer()
  t.same(world.taken, ['a', 'b'])
  a.send(long)
  world.answer()
  t.same(world.taken, ['a', 'b', 'a'])
})

t.test('a client whose request fits does not overtake one that has waited longer', async (t) => {
  const world = new World()
  const [a, b, c] = [world.client('a'), world.client('b'), world.client('c')]
  a.send(limits.longBytesInFlightMax / 2)
  b.send(long)
  c.send(limits.longBytesInFlightMax / 4)
  t.same(world.taken, ['a'])
  world.answer()
  t.same(world.taken, ['a', 'b'])
})

t.test(
  'many short requests take turns too, except those of a client without waiting requests',
  async (t) => {
    const world = new World()
    const [a, b, c] = [world.client('a'), world.client('b'), world.client('c')]
    const count = limits.shortBytesInFlightMax / limits.shortRequestBytesMax
    const most = limits.shortRequestBytesMax
    a.send(...new Array<number>(count + 2).fill(most))
    t.equal(world.taken.length, count)
    b.send(most, most)
    c.send(most)
    t.same(world.taken.slice(count), ['b', 'c'], 'one request of each goes at once')
    while (world.inFlight.length > 0) world.answer()
    t.same(world.taken.slice(count), ['b', 'c', 'a', 'b', 'a'])
  },
)

t.test('a client that is gone gets no turn, and blocks no other', async (t) => {
  const world = new World()
  const [a, b, c] = [world.client('a'), world.client('b'), world.client('c')]
  a.send(long)
  b.send(long)
  c.send(long)
  world.turns.leave(b)
  world.answer()
  t.same(world.taken, ['a', 'c'])
  t.same(b.frames, [long])
})

t.test('a client that cannot use its turn leaves it to the next', async (t) => {
  const world = new World()
  const [a, b, c] = [world.client('a'), world.client('b'), world.client('c')]
  a.send(long)
  b.send(long)
  c.send(long)
  b.proceed = () => undefined
  world.answer()
  t.same(world.taken, ['a', 'c'])
})
