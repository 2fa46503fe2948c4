import t from 'tap'
import { EventList } from '../../../src/cli/consumer/event-list.ts'

function textsOf(list: EventList): string[] {
  return list.all.map(({ time, text, count }) => `${time} ${text} ${count}`)
}

t.test('a repeated event is counted, with the time of the last one', async (t) => {
  const list = new EventList()
  list.add('1', 'no member is down')
  list.add('2', 'no member is down')
  list.add('3', 'no member is down')
  t.same(textsOf(list), ['3 no member is down 3'])
})

t.test('an event that repeats after another one is a line of its own', async (t) => {
  const list = new EventList()
  list.add('1', 'killed server-1')
  list.add('2', 'revived server-1')
  list.add('3', 'killed server-1')
  t.same(textsOf(list), ['1 killed server-1 1', '2 revived server-1 1', '3 killed server-1 1'])
})

t.test('a state takes one line, however often it changes', async (t) => {
  const list = new EventList()
  list.add('1', 'killed broker-1')
  for (let i = 0; i < 500; i++) {
    list.add(String(i), `reading from broker ${1 + (i % 3)}`, 'reading')
    if (i === 100) list.add('100', 'there is no leading broker; v revives')
  }
  t.same(textsOf(list), [
    '1 killed broker-1 1',
    '100 there is no leading broker; v revives 1',
    '499 reading from broker 2 500',
  ])
})

t.test('a repeated event is counted, whatever states are reported in between', async (t) => {
  const list = new EventList()
  list.add('1', 'no member is down')
  list.add('2', 'reading from broker 1', 'reading')
  list.add('3', 'no member is down')
  t.same(textsOf(list), ['2 reading from broker 1 1', '3 no member is down 2'])
})

t.test('only the newest are kept, up to the limit', async (t) => {
  const list = new EventList()
  for (let i = 0; i < 1000; i++) list.add('', String(i))
  t.equal(list.all.length, 200)
  t.equal(list.all.at(-1)?.text, '999')
})
