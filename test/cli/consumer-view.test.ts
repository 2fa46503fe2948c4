import t from 'tap'
import { columns } from '../../src/cli/cells.ts'
import { drawFrame, type Frame, RowLines } from '../../src/cli/consumer-frame.ts'
import { ConsumerView, type ViewRecord } from '../../src/cli/consumer-view.ts'
import { Random } from '../../src/random.ts'

function record(offset: number, value: string): ViewRecord {
  return { partition: 0, offset, timestampMs: 0, key: null, value }
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

t.test('goals are ordered by minute, in whatever order they come', async (t) => {
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

t.test('something else among the goals: everything is shown as it came', async (t) => {
  const view = new ConsumerView({ topic: 'goals' })
  view.received([goal(3, 0), goal(1, 1)], 0)
  t.same(minutes(view, 9), [1, 3])
  view.received([record(2, 'half time'), goal(2, 3)], 0)
  t.notOk(view.goalsOnly)
  t.same(
    view.page(9).map(({ offset }) => offset),
    [0, 1, 2, 3],
  )
})

t.test('the newest rows are followed until a person scrolls up', async (t) => {
  const view = viewWith(20, 5)
  t.same(minutes(view, 5), [16, 17, 18, 19, 20])
  view.press('up')
  t.same(minutes(view, 5), [15, 16, 17, 18, 19])
  view.received(goals(21, 23), 0)
  t.same(minutes(view, 5), [15, 16, 17, 18, 19])
  t.equal(view.unseen, 4)
})

t.test('an earlier minute that comes late does not move what is being read', async (t) => {
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

t.test('what comes in between earlier minutes is followed there', async (t) => {
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
  { name: 'and back to the end', keys: ['g', 'S-g'], want: [16, 17, 18, 19, 20] },
]
for (const { name, keys, want } of scrolls) {
  t.test(`scroll: ${name}`, async (t) => {
    const view = viewWith(20, 5)
    for (const key of keys) view.press(key)
    t.same(minutes(view, 5), want)
  })
}

t.test('whoever scrolls down to the end follows again', async (t) => {
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
  t.equal(view.press('l'), undefined, 'a key in the help closes it, and kills nobody')
  t.notOk(view.helpShown)
  view.press('?')
  t.same(view.press('q'), { type: 'quit' })
})

t.test('only so many rows are kept, and the page stays where it is', async (t) => {
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

t.test('the rate is that of the last three seconds', async (t) => {
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

// --- the frame -----------------------------------------------------------------------------------

/** As the terminal shows it. */
function plain(line: string): string {
  const unmarked = line.replaceAll(/\{(?!open\}|close\})[^{}]*\}/g, '')
  return unmarked.replaceAll('{open}', '{').replaceAll('{close}', '}')
}

function textOf(frame: Frame): string {
  const boxes = [frame.table, frame.servers, frame.brokers, frame.events, frame.help]
  const lines = boxes.flatMap((box) => (box === undefined ? [] : [box.label, ...box.lines]))
  return [frame.header, ...lines, frame.footer].map(plain).join('\n')
}

function busyView(): ConsumerView {
  const view = new ConsumerView({
    topic: 'goals',
    actions: [{ key: 'l', label: 'kill the leader', short: 'kill leader' }],
  })
  view.received(goals(1, 40), 0)
  view.lagging(0, 7)
  view.readingFrom(2)
  view.clusterIs({
    servers: [1, 2, 3].map((id) => ({
      id,
      address: `127.0.0.1:${20_000 + id}`,
      role: id === 1 ? 'lost' : id === 2 ? 'leader' : 'follower',
    })),
    brokers: [1, 2, 3].map((id) => ({
      id,
      address: `127.0.0.1:${20_100 + id}`,
      alive: id !== 3,
      controller: id === 1,
      leads: id === 1 ? 1 : 0,
    })),
  })
  view.tell('12:00:00 killed server 1')
  return view
}

const frameSizes = [
  { columns: 80, rows: 24 },
  { columns: 200, rows: 60 },
  { columns: 74, rows: 20 },
  { columns: 73, rows: 19 },
  { columns: 40, rows: 10 },
]
for (const size of frameSizes) {
  t.test(`${size.columns}x${size.rows}: boxes tile the screen and lines fit them`, async (t) => {
    const view = busyView()
    for (const helpShown of [false, true]) {
      if (helpShown) view.press('?')
      const frame = drawFrame(view, size, 0, new RowLines())
      t.equal(columns(plain(frame.header)), size.columns)
      t.equal(columns(plain(frame.footer)), size.columns)
      const { table, servers, brokers, events, help } = frame
      let area = 0
      for (const box of [table, servers, brokers, events, help]) {
        if (box === undefined) continue
        if (box !== help) area += box.width * box.height
        t.ok(box.left + box.width <= size.columns && box.top + box.height <= size.rows)
        t.ok(box.lines.length <= box.height - 2, box.label)
        for (const line of box.lines) t.ok(columns(plain(line)) <= box.width - 2, line)
      }
      t.equal(area, size.columns * (size.rows - 2))
    }
  })
}

t.test('80x24 shows what a person came for', async (t) => {
  const text = textOf(drawFrame(busyView(), { columns: 80, rows: 24 }, 0, new RowLines()))
  t.match(text, /goals +LIVE +40 goals +broker 2 +13\.3\/s +lag 7 +no group/)
  t.match(text, / 40' +1:0 +Ajax +Ada Park/)
  t.match(text, / 1 lost +127\.0\.0\.1:20001/)
  t.match(text, / 2 leader +127\.0\.0\.1:20002/)
  t.match(text, / 1 leader, controller/)
  t.match(text, / 2 follower, read here/)
  t.match(text, / 3 lost/)
  t.match(text, /12:00:00 killed server 1/)
  t.match(text, /l kill leader +space pause .*q quit/)
})

t.test('paused, scrolled and asked for help, it says so', async (t) => {
  const view = busyView()
  drawFrame(view, { columns: 80, rows: 24 }, 0, new RowLines())
  view.press('space')
  view.press('home')
  view.press('?')
  const text = textOf(drawFrame(view, { columns: 80, rows: 24 }, 0, new RowLines()))
  t.match(text, /PAUSED/)
  t.match(text, /goals by minute, 2\d below/)
  t.match(text, /pause and resume reading/)
})

t.test('what a record holds cannot mark up or move anything', async (t) => {
  const view = new ConsumerView({ topic: 'chat' })
  view.received([record(0, '{red-bg}a\x1b[2J\n{/}')], 0)
  const frame = drawFrame(view, { columns: 80, rows: 24 }, 0, new RowLines())
  t.match(textOf(frame), '{red-bg}a␛[2J␊{/}')
  t.notOk(frame.table.lines.some((line) => line.includes('{red-bg}')))
})

t.test('a row is drawn anew when its width or the kind of table changes', async (t) => {
  const lines = new RowLines()
  const view = new ConsumerView({ topic: 'goals' })
  view.received([goal(1)], 0)
  const [row] = view.page(1)
  if (row === undefined) throw new Error('There is a row')
  t.equal(lines.of(row, 70, true), lines.of(row, 70, true))
  t.equal(columns(lines.of(row, 50, true)), 50)
  t.notSame(lines.of(row, 50, true), lines.of(row, 50, false))
})
