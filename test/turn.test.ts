import t from 'tap'
import { Turn } from '../src/turn.ts'

/** A turn whose end comes when the test says so; what happens is noted. */
function turnByHand(): { turn: Turn; end: () => void; scheduled: () => number; seen: string[] } {
  const ends: (() => void)[] = []
  const turn = new Turn((end) => ends.push(end))
  return {
    turn,
    end: () => ends.shift()?.(),
    scheduled: () => ends.length,
    seen: [],
  }
}

t.test('what a turn gathered is sealed, then sent, then synced', async (t) => {
  const { turn, end, seen } = turnByHand()
  turn.sync(() => seen.push('sync'))
  turn.send(() => seen.push('send'))
  turn.seal(() => seen.push('seal'))
  t.same(seen, [], 'nothing happens within the turn')
  end()
  t.same(seen, ['seal', 'send', 'sync'])
})

t.test('a task runs once a turn, however often it is asked for', async (t) => {
  const { turn, end, scheduled, seen } = turnByHand()
  const task = () => seen.push('sent')
  for (let i = 0; i < 3; i++) turn.send(task)
  t.equal(scheduled(), 1)
  end()
  t.same(seen, ['sent'])
  t.equal(scheduled(), 0, 'a turn that gathers nothing is not ended')
  turn.send(task)
  end()
  t.same(seen, ['sent', 'sent'])
})

t.test('what sealing leads to belongs to the same turn', async (t) => {
  const { turn, end, scheduled, seen } = turnByHand()
  turn.seal(() => {
    seen.push('seal')
    turn.sync(() => seen.push('sync'))
    turn.send(() => seen.push('send'))
    turn.seal(() => seen.push('seal more'))
  })
  end()
  t.same(seen, ['seal', 'seal more', 'send', 'sync'])
  t.equal(scheduled(), 0)
})

t.test('what a sync leads to is for the next turn: it is sent before it is synced', async (t) => {
  const { turn, end, scheduled, seen } = turnByHand()
  turn.sync(() => {
    seen.push('sync')
    turn.sync(() => seen.push('next sync'))
    turn.send(() => seen.push('next send'))
    turn.seal(() => seen.push('next seal'))
  })
  end()
  t.same(seen, ['sync'])
  t.equal(scheduled(), 1)
  end()
  t.same(seen, ['sync', 'next seal', 'next send', 'next sync'])
})

t.test('what is sealed while messages leave is for the next turn', async (t) => {
  const { turn, end, seen } = turnByHand()
  turn.send(() => {
    seen.push('send')
    turn.seal(() => seen.push('next seal'))
  })
  end()
  t.same(seen, ['send'])
  end()
  t.same(seen, ['send', 'next seal'])
})

t.test('a task that throws does not take the others with it', async (t) => {
  const { turn, end, scheduled, seen } = turnByHand()
  turn.seal(() => {
    throw new Error('Cannot seal')
  })
  turn.seal(() => seen.push('seal'))
  turn.send(() => seen.push('send'))
  t.throws(end, { message: 'Cannot seal' })
  t.equal(scheduled(), 1)
  end()
  t.same(seen, ['seal', 'send'])
  t.equal(scheduled(), 0)
})

t.test('a sync that throws does not take the others with it', async (t) => {
  const { turn, end, seen } = turnByHand()
  turn.sync(() => {
    throw new Error('Cannot sync')
  })
  turn.sync(() => seen.push('sync'))
  t.throws(end, { message: 'Cannot sync' })
  end()
  t.same(seen, ['sync'])
})

t.test('long work that lets others go on comes back after them', async (t) => {
  const turn = new Turn(setImmediate)
  const seen: string[] = []
  setImmediate(() => seen.push('another'))
  await turn.next()
  t.same(seen, ['another'])
})
