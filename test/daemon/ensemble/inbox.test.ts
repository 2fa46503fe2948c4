import t from 'tap'
import { Inbox } from '../../../src/daemon/ensemble/inbox.ts'

t.test('an input that arises while another is taken waits until that one is done', async (t) => {
  const events: string[] = []
  const inbox: Inbox<string> = new Inbox(
    (input) => {
      events.push(`begin ${input}`)
      if (input === 'a') for (const next of ['b', 'c']) inbox.put(next)
      events.push(`end ${input}`)
    },
    () => events.push('empty'),
  )
  inbox.put('a')
  const [a, b, c] = ['a', 'b', 'c'].map((name) => [`begin ${name}`, `end ${name}`])
  t.same(events, [...(a ?? []), ...(b ?? []), ...(c ?? []), 'empty'])
})

t.test('what is put because nothing waits any more is taken, too', async (t) => {
  const taken: string[] = []
  const inbox: Inbox<string> = new Inbox(
    (input) => taken.push(input),
    () => {
      if (taken.length === 1) inbox.put('drained')
    },
  )
  inbox.put('a')
  t.same(taken, ['a', 'drained'])
})
