import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import {
  BrowserCache,
  browserKeys,
  byteText,
  drawBrowser,
} from '../../../src/cli/browser/browser-frame.ts'
import { hitAt } from '../../../src/cli/browser/browser-layout.ts'
import { toAscii } from '../../../src/cli/consumer/cells.ts'
import {
  type Frame,
  lineColumns,
  lineText,
  type Size,
} from '../../../src/cli/consumer/screen-lines.ts'
import { frameToSvg } from '../consumer/frame-svg.ts'
import { nowMs } from '../consumer/screen-scenes.ts'
import { docsPicture, events, pictures, press, tail } from './browser-scenes.ts'

const golden = new URL('../../golden/browser/', import.meta.url)
const isUpdate = process.env['UPDATE_GOLDEN'] !== undefined

// Records are shown with the local time of day.
process.env['TZ'] = 'UTC'

type Model = ReturnType<typeof tail>

function frameOf(model: Model, size: Size): Frame {
  return drawBrowser(model, size, nowMs, new BrowserCache())
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

for (const { name, model, size } of pictures) {
  t.test(`the browser looks as in ${name}.txt`, async (t) => {
    asGolden(`${name}.txt`, textOf(frameOf(model(), size)), t)
  })
}

t.test('every golden picture belongs to a scene', async (t) => {
  const names = readdirSync(golden)
  t.same(names.sort(), pictures.map(({ name }) => `${name}.txt`).sort())
})

t.test('the picture in docs/consumer.md shows the current screen', async (t) => {
  const file = new URL('../../../docs/consumer.svg', import.meta.url)
  const size = { columns: 120, rows: 24 }
  const title = 'The terminal consumer: a live table of records beside the partitions of the topic'
  const svg = frameToSvg(frameOf(docsPicture(), size), size, title)
  if (isUpdate) writeFileSync(file, svg)
  else t.equal(svg, readFileSync(file, 'utf8'), 'UPDATE_GOLDEN=1 redraws it')
})

t.test('at every size, the frame fills the terminal, in ASCII too', async (t) => {
  for (const { name, model } of pictures) {
    for (let columns = 20; columns <= 200; columns += 9) {
      const size = { columns, rows: 5 + (columns % 37) }
      const frame = frameOf(model(), size)
      t.equal(frame.length, size.rows, name)
      const isWrong = (line: Frame[number]) =>
        lineColumns(line) !== columns || toAscii(lineText(line)).length !== columns
      t.same(frame.filter(isWrong).map(lineText), [], `${name} in ${columns}x${size.rows}`)
    }
  }
})

t.test('no text of a record reaches the terminal unescaped', async (t) => {
  for (const { name, model, size } of pictures) {
    t.notMatch(textOf(frameOf(model(), size)).replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u, name)
  }
})

t.test('a frame drawn from the cache is the same as a fresh one', async (t) => {
  for (const { name, model } of pictures) {
    const [kept, cache] = [model(), new BrowserCache()]
    for (const columns of [80, 140, 60, 80]) {
      const size = { columns, rows: 30 }
      const fresh = frameOf(model(), size)
      t.equal(textOf(drawBrowser(kept, size, nowMs, cache)), textOf(fresh), name)
    }
  }
})

t.test('a click hits the tab and the row that are drawn there', async (t) => {
  for (const size of [
    { columns: 80, rows: 24 },
    { columns: 140, rows: 40 },
    { columns: 44, rows: 14 },
  ]) {
    const model = tail()
    const lines = frameOf(model, size).map(lineText)
    const tabs = lines[1] ?? ''
    for (const [number, view] of [
      ['2', 'partitions'],
      ['4', 'topics'],
    ] as const) {
      t.same(hitAt(model, size, { x: tabs.indexOf(number), y: 1 }), { type: 'tab', view })
    }
    const last = lines.length - 4
    t.match(lines[last], /1013/, 'the newest record is in the last row')
    const hit = hitAt(model, size, { x: size.columns - 2, y: last })
    t.equal(hit.type, 'row')
    model.step({ type: 'mouse', event: 'click', hit })
    model.step({ type: 'mouse', event: 'click', hit })
    t.equal(model.detail?.record, model.records.selected, 'clicked again, it opens')
    for (const y of [0, 2, 3, last + 1, last + 2, last + 3]) {
      t.same(hitAt(model, size, { x: 60, y }).type, 'none', `row ${y} of ${size.rows}`)
    }
  }
})

t.test('beside the records, a click selects a partition', async (t) => {
  const size = { columns: 140, rows: 40 }
  const model = tail()
  frameOf(model, size)
  const hit = hitAt(model, size, { x: 5, y: 5 })
  t.same(hit, { type: 'row', view: 'partitions', row: 1 })
  model.step({ type: 'mouse', event: 'click', hit })
  t.equal(model.cursors.partitions.at, 1)
  t.equal(model.view, 'records')
})

t.test('100 000 records are taken and drawn within a fraction of a second', async (t) => {
  const model = tail(0)
  const cache = new BrowserCache()
  const records = events(1000)
  const size = { columns: 140, rows: 40 }
  const startMs = performance.now()
  for (let batch = 0; batch < 100; batch++) {
    model.step({ type: 'records', records, nowMs: nowMs - 1000 })
    drawBrowser(model, size, nowMs, cache)
  }
  // Far above what it takes, so that a busy machine does not fail it; a rescan of all records would.
  t.ok(performance.now() - startMs < 5000)
  t.equal(model.receivedCount, 100_000)
  t.equal(model.records.page(10).count, 10_000)
})

t.test('the page of the keys lists every one of them', async (t) => {
  const page = readFileSync(new URL('../../../docs/consumer.md', import.meta.url), 'utf8')
  for (const [key] of browserKeys) t.ok(page.includes(`| ${key} |`), key)
  t.ok(press(tail(), '?').isHelpShown)
})

t.test('bytes per second take at most seven columns', async (t) => {
  for (const bytes of [0, 999, 999.6, 1000, 999_949, 999_950, 12_345_678, 999_949_999]) {
    t.ok(byteText(bytes).length <= 8, byteText(bytes))
  }
  t.equal(byteText(12_345), '12.3 kB')
})
