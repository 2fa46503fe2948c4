import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { toAscii } from '../../../src/cli/consumer/cells.ts'
import { drawFrame } from '../../../src/cli/consumer/consumer-frame.ts'
import { FrameCache, LineCache } from '../../../src/cli/consumer/frame-cache.ts'
import { type Frame, lineColumns, lineText } from '../../../src/cli/consumer/screen-lines.ts'
import { frameToSvg } from './frame-svg.ts'
import { nowMs, type Picture, pictures, readmePicture } from './screen-scenes.ts'

const golden = new URL('../../golden/screens/', import.meta.url)
const isUpdate = process.env['UPDATE_GOLDEN'] !== undefined

// Records are shown with the local time of day.
process.env['TZ'] = 'UTC'

function frameOf({ view, size }: Picture): Frame {
  return drawFrame(view(), size, nowMs, new FrameCache())
}

/** The text of a frame, with its ends marked, so that trailing blanks show. */
function textOf(frame: Frame): string {
  return frame.map((line) => `${lineText(line)}¶\n`).join('')
}

function asGolden(name: string, found: string, t: Test): void {
  const file = new URL(name, golden)
  if (isUpdate) writeFileSync(file, found)
  else t.equal(found, readFileSync(file, 'utf8'))
}

for (const picture of pictures) {
  const { name, size } = picture
  t.test(`the screen looks as in ${name}.txt`, async (t) => {
    asGolden(`${name}.txt`, textOf(frameOf(picture)), t)
  })

  t.test(
    `${name}: every line is as wide as the screen, and there are as many as rows`,
    async (t) => {
      const frame = frameOf(picture)
      t.equal(frame.length, size.rows)
      for (const line of frame) t.equal(lineColumns(line), size.columns, lineText(line))
    },
  )

  t.test(`${name}: in ASCII it has the same shape`, async (t) => {
    for (const line of frameOf(picture)) {
      const text = toAscii(lineText(line))
      t.match(text, /^[\x20-\x7e]*$/)
      t.equal(text.length, size.columns, text)
    }
  })
}

t.test('leaders are visible at every size, however many members there are', async (t) => {
  for (let columns = 40; columns <= 160; columns += 6) {
    for (let rows = 12; rows <= 60; rows += 3) {
      const view = pictures.find(({ name }) => name === 'nine-80x24')?.view()
      if (view === undefined) throw new Error('There is a picture of that name')
      const text = textOf(drawFrame(view, { columns, rows }, nowMs, new FrameCache()))
      const size = `${columns}x${rows}`
      t.match(text, /9 leader {3}127\.0\.0\.1:4009|9L/, size)
      t.match(text, /8 leader .*127\.0\.0\.1:4108|8 L {3}127\.0\.0\.1:4108|8L/, size)
      t.match(text, /9 (no copy +C|no copy +controller|-C)|9-C/, size)
    }
  }
})

t.test('at every size, lines have their full width and bars end between words', async (t) => {
  const words = new Set(
    pictures.flatMap(({ view }) => {
      const wide = drawFrame(view(), { columns: 400, rows: 30 }, nowMs, new FrameCache())
      return [wide[0], wide.at(-1)].flatMap((line) => lineText(line ?? []).split(/ +/))
    }),
  )
  for (const { name, view } of pictures) {
    for (let columns = 40; columns <= 200; columns += 7) {
      const size = { columns, rows: 10 + (columns % 41) }
      const frame = drawFrame(view(), size, nowMs, new FrameCache())
      t.equal(frame.length, size.rows)
      t.ok(frame.every((line) => lineColumns(line) === columns))
      const bars = [frame[0], frame.at(-1)].flatMap((line) => lineText(line ?? []).split(/ +/))
      const cut = bars.filter((word) => !words.has(word))
      t.same(cut, [], `${name} in ${columns} columns`)
    }
  }
})

t.test('the newest event is visible at every size', async (t) => {
  for (let columns = 40; columns <= 160; columns += 6) {
    for (let rows = 10; rows <= 40; rows += 2) {
      const view = readmePicture.view()
      view.tell('21:06:00', 'server-1 is back after 612 ms')
      const text = textOf(drawFrame(view, { columns, rows }, nowMs, new FrameCache()))
      t.match(text, /server-1 is back after\s/, `${columns}x${rows}`)
    }
  }
})

t.test('stale facts are grey, and lost members are red', async (t) => {
  const tonesOf = (name: string, like: RegExp) => {
    const picture = pictures.find((one) => one.name === name)
    if (picture === undefined) throw new Error('There is a picture of that name')
    return frameOf(picture).flatMap((line) =>
      line.flatMap(({ text, tone }) => (like.test(text) ? [tone] : [])),
    )
  }
  t.same(tonesOf('doubtful-80x24', /127\.0\.0\.1:41/), ['quiet', 'quiet', 'quiet'])
  t.same(tonesOf('dead-80x24', /127\.0\.0\.1:41/), ['bad', 'bad', 'bad'])
  t.same(tonesOf('dead-80x24', /127\.0\.0\.1:40/), ['bad', 'bad', 'warn'])
  t.same(tonesOf('calm-80x24', /127\.0\.0\.1:41/), ['good', 'text', 'here'])
  t.same(tonesOf('dead-80x24', /NO QUORUM|NO BROKER/), ['barBad', 'barBad'])
  t.same(tonesOf('calm-80x24', /HEALTHY/), ['barGood'])
})

t.test('an unchanged item is drawn once per width', async (t) => {
  const cache = new LineCache<object, string>()
  const [one, other] = [{}, {}]
  let count = 0
  const drawn = (item: object, key: string) => cache.of(item, key, () => `${key} ${++count}`)
  t.equal(drawn(one, '80'), '80 1')
  t.equal(drawn(other, '80'), '80 2')
  t.equal(drawn(one, '80'), '80 1')
  t.equal(drawn(one, '100'), '100 3')
})

t.test('a cached frame does not show in a frame of another size', async (t) => {
  for (const { view } of pictures) {
    const [kept, cache] = [view(), new FrameCache()]
    for (const columns of [80, 140, 60, 80]) {
      const size = { columns, rows: 30 }
      const fresh = drawFrame(view(), size, nowMs, new FrameCache())
      t.equal(textOf(drawFrame(kept, size, nowMs, cache)), textOf(fresh))
    }
  }
})

t.test('every golden picture belongs to a scene', async (t) => {
  const names = readdirSync(golden).filter((name) => name.endsWith('.txt'))
  t.same(names.sort(), pictures.map(({ name }) => `${name}.txt`).sort())
})

t.test('the picture in the README shows the current screen', async (t) => {
  const file = new URL('../../../docs/screen.svg', import.meta.url)
  const svg = frameToSvg(frameOf(readmePicture), readmePicture.size)
  if (isUpdate) writeFileSync(file, svg)
  else t.equal(svg, readFileSync(file, 'utf8'), 'UPDATE_GOLDEN=1 redraws it')
})
