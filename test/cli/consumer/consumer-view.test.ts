import t from 'tap'
import { ConsumerView, type ViewRecord } from '../../../src/cli/consumer/consumer-view.ts'
import { Random } from '../../../src/random.ts'
import { clusterOf, viewOf } from './screen-scenes.ts'

function record(offset: number, value: string): ViewRecord {
  return { partition: 0, offset, value }
}

function goal(minute: number, offset = minute - 1): ViewRecord {
  const fields = { id: `r-${minute}`, minute, player: 'Ada Park', club: 'Ajax', score: '1:0' }
  return record(offset, JSON.stringify(fields))
}

function goals(from: number, to: number): ViewRecord[] {
  return Array.from({ length: to - from + 1 }, (_, i) => goal(from + i))
}

function minutes(view: ConsumerView, count: number): (number | undefined)[] {
  return view.page(count).map((row) => row.goal?.minute)
}

function viewWith(count: number, page: number): ConsumerView {
  const view = new ConsumerView({ topic: 'goals' })
  view.received(goals(1, count), 0)
  view.page(page)
  return view
}

t.test('goals are ordered by minute, whatever their order of arrival', async (t) => {
  const seed = Math.floor(performance.now() * 1000)
  t.comment(`seed ${seed}`)
  const random = new Random(seed)
  const view = new ConsumerView({ topic: 'goals' })
  const waiting = goals(1, 200)
  while (waiting.length > 0) {
    view.received(waiting.splice(random.below(waiting.length), 1 + random.below(5)), 0)
  }
  t.same(
    minutes(view, 200),
    goals(1, 200).map((_, i) => i + 1),
  )
})

t.test('only goals are shown, and others are told', async (t) => {
  const view = new ConsumerView({ topic: 'goals' })
  t.ok(view.received([goal(3, 0), goal(1, 1)], 0))
  t.notOk(view.received([record(2, 'half time'), goal(2, 3)], 0))
  t.same(minutes(view, 9), [1, 2, 3])
  t.equal(view.receivedCount, 3)
})

t.test('the newest rows are followed until the user scrolls up', async (t) => {
  const view = viewWith(20, 5)
  t.same(minutes(view, 5), [16, 17, 18, 19, 20])
  view.press('up')
  t.same(minutes(view, 5), [15, 16, 17, 18, 19])
  view.received(goals(21, 23), 0)
  t.same(minutes(view, 5), [15, 16, 17, 18, 19])
  t.equal(view.unseen, 4)
})

t.test('a late goal of an earlier minute does not move the page that is scrolled to', async (t) => {
  const view = new ConsumerView({ topic: 'goals' })
  view.received(
    goals(1, 20).filter(({ offset }) => offset !== 0),
    0,
  )
  view.page(5)
  view.press('pageup')
  t.same(minutes(view, 5), [11, 12, 13, 14, 15])
  view.received([goal(1)], 0)
  t.same(minutes(view, 5), [11, 12, 13, 14, 15])
})

t.test('the page follows a new goal to its place among earlier minutes', async (t) => {
  const view = viewWith(100, 5)
  view.received([goal(30, 100)], 0)
  t.same(minutes(view, 5), [27, 28, 29, 30, 30])
  t.equal(view.newest?.offset, 100)
  view.received([goal(101)], 0)
  t.same(minutes(view, 5), [97, 98, 99, 100, 101])
})

const scrolls = [
  { name: 'to the start', keys: ['home'], want: [1, 2, 3, 4, 5] },
  { name: 'not above the start', keys: ['home', 'up', 'pageup'], want: [1, 2, 3, 4, 5] },
  { name: 'by pages and lines', keys: ['g', 'pagedown', 'down'], want: [7, 8, 9, 10, 11] },
  { name: 'a page up from the end', keys: ['pageup'], want: [11, 12, 13, 14, 15] },
  { name: 'back to the end', keys: ['g', 'S-g'], want: [16, 17, 18, 19, 20] },
]
for (const { name, keys, want } of scrolls) {
  t.test(`scroll: ${name}`, async (t) => {
    const view = viewWith(20, 5)
    for (const key of keys) view.press(key)
    t.same(minutes(view, 5), want)
  })
}

t.test('scrolling down to the end follows again', async (t) => {
  const view = viewWith(20, 5)
  view.press('up')
  t.notOk(view.following)
  view.press('down')
  t.ok(view.following)
  view.press('f')
  t.notOk(view.following)
  view.press('f')
  t.ok(view.following)
})

t.test('keys become actions', async (t) => {
  const view = new ConsumerView({
    topic: 'goals',
    actions: [{ key: 'l', label: 'kill the leader', short: 'kill leader' }],
  })
  t.same(view.press('space'), { type: 'paused', paused: true })
  t.same(view.press('space'), { type: 'paused', paused: false })
  t.same(view.press('l'), { type: 'action', key: 'l' })
  t.equal(view.press('z'), undefined)
  t.same(view.press('C-c'), { type: 'quit' })
  view.press('?')
  t.ok(view.helpShown)
  t.equal(view.press('l'), undefined, 'any key closes the help and does nothing else')
  t.notOk(view.helpShown)
  view.press('?')
  t.same(view.press('q'), { type: 'quit' })
})

t.test('old rows are dropped at the limit, and the page does not move', async (t) => {
  const view = new ConsumerView({ topic: 'goals' })
  view.received(goals(1, 5000), 0)
  view.page(5)
  view.press('pageup')
  const before = minutes(view, 5)
  view.received(goals(5001, 5500), 0)
  t.equal(view.droppedCount, 500)
  t.same(minutes(view, 5), before)
  t.equal(view.receivedCount, 5500)
})

t.test('the rate is the average of the last three seconds', async (t) => {
  const view = new ConsumerView({ topic: 'goals' })
  view.received(goals(1, 30), 1000)
  t.equal(view.rate(2000), 10)
  view.received(goals(31, 60), 3000)
  t.equal(view.rate(3500), 20)
  t.equal(view.rate(5000), 10)
  t.equal(view.rate(9000), 0)
})

t.test('lag is summed over partitions, and unknown at first', async (t) => {
  const view = new ConsumerView({ topic: 'goals' })
  t.equal(view.lag, undefined)
  view.lagging(0, 3)
  view.lagging(1, 4)
  view.lagging(0, 1)
  t.equal(view.lag, 5)
})

t.test('goals are ordered by match day, minute and added minute, then by offset', async (t) => {
  const goals = [
    { day: 2, minute: 1 },
    { minute: 46 },
    { minute: 45, added: 2 },
    { minute: 45 },
    { minute: 45, added: 1 },
    { day: 2, minute: 1 },
  ]
  const records = goals.map((fields, offset) => {
    const shared = { id: `r-${offset}`, player: 'p', club: 'c', score: '1:0' }
    return record(offset, JSON.stringify({ ...shared, ...fields }))
  })
  const stored = [3, 4, 2, 1, 0, 5]
  for (const arrived of [records, records.toReversed()]) {
    const view = new ConsumerView({ topic: 'goals' })
    for (const one of arrived) view.received([one], 0)
    t.same(
      view.page(9).map(({ offset }) => offset),
      stored,
    )
    t.ok(view.hasDays)
  }
})

t.test('tab cycles through the boxes that do not fit', async (t) => {
  const view = viewWith(20, 5)
  view.press('tab')
  t.equal(view.focus, 'table', 'no other box needs scrolling')
  view.drawn(['servers', 'events'])
  const seen = Array.from({ length: 3 }, () => {
    view.press('tab')
    return view.focus
  })
  t.same(seen, ['servers', 'events', 'table'])
  view.press('S-tab')
  t.equal(view.focus, 'events')
  view.drawn(['servers'])
  t.equal(view.focus, 'table', 'all events are visible now')
})

t.test('scroll keys move only the focused box', async (t) => {
  const view = viewWith(20, 5)
  view.scrolls.servers.show(9, 4)
  view.drawn(['servers'])
  view.press('tab')
  view.press('down')
  t.equal(view.scrolls.servers.top, 1)
  t.ok(view.following)
  view.press('escape')
  view.press('up')
  t.notOk(view.following)
  t.equal(view.scrolls.servers.top, 1)
})

t.test('a key with an action scrolls the events back to the newest', async (t) => {
  const view = new ConsumerView({ topic: 'goals', actions: [{ key: 'l', label: 'kill' }] })
  view.scrolls.events.show(20, 4)
  view.drawn(['events'])
  view.press('tab')
  view.press('home')
  t.equal(view.scrolls.events.top, 0)
  view.press('l')
  t.ok(view.scrolls.events.isHome)
})

t.test('the help scrolls, and any other key closes it', async (t) => {
  const view = new ConsumerView({ topic: 'goals' })
  view.press('?')
  view.scrolls.help.show(30, 6)
  view.press('pagedown')
  t.ok(view.helpShown)
  t.equal(view.scrolls.help.top, 6)
  view.press('x')
  t.notOk(view.helpShown)
})

t.test('a broker that does not answer is not shown as the one being read', async (t) => {
  const view = viewOf(clusterOf(['standalone'], { count: 2, lost: [2] }), [])
  view.readingFrom(2)
  t.equal(view.reading, undefined)
  view.readingFrom(1)
  t.equal(view.reading, 1)
})
