import t from 'tap'
import { parseFilter, type RecordFilter } from '../../../src/cli/browser/record-filter.ts'
import { RecordList } from '../../../src/cli/browser/record-list.ts'
import { recordOf, recordsOf } from './records.ts'

function listOf(count: number, countMax = 1000): RecordList {
  const list = new RecordList({ countMax })
  for (const record of recordsOf(count)) list.push(record)
  return list
}

function filterOf(text: string): RecordFilter {
  const filter = parseFilter(text)
  if (filter === undefined || 'problem' in filter) throw new Error(`${text} is no search`)
  return filter
}

/** Offsets of the page, the selected one in brackets, and the number below. */
function seen(list: RecordList, room: number): string {
  const { records, selected, below } = list.page(room)
  const offsets = records.map(({ offset }, i) => (i === selected ? `[${offset}]` : String(offset)))
  return `${offsets.join(' ')} +${below}`
}

t.test('it follows the newest record', async (t) => {
  const list = listOf(3)
  t.equal(seen(list, 5), '0 1 [2] +0')
  for (const record of recordsOf(7, 3)) list.push(record)
  t.equal(seen(list, 5), '5 6 7 8 [9] +0')
  t.equal(list.isFollowing, true)
})

t.test('scrolled up, the page stays while newer records are counted', async (t) => {
  const list = listOf(10)
  list.page(4)
  list.moveBy(-1)
  t.equal(seen(list, 4), '6 7 [8] 9 +0')
  list.moveBy(-3)
  t.equal(seen(list, 4), '[5] 6 7 8 +1')
  for (const record of recordsOf(5, 10)) list.push(record)
  t.equal(seen(list, 4), '[5] 6 7 8 +6')
  list.pageBy(1)
  t.equal(seen(list, 4), '5 6 7 [8] +6')
  list.follow()
  t.equal(seen(list, 4), '11 12 13 [14] +0')
})

t.test('moving down to the newest record follows again', async (t) => {
  const list = listOf(10)
  list.page(4)
  list.moveBy(-2)
  list.moveBy(1)
  t.equal(list.isFollowing, false)
  list.moveBy(1)
  t.equal(list.isFollowing, true)
})

t.test('when the selected record leaves, the oldest one is selected', async (t) => {
  const list = listOf(10, 10)
  list.page(4)
  list.toFirst()
  t.equal(seen(list, 4), '[0] 1 2 3 +6')
  for (const record of recordsOf(3, 10)) list.push(record)
  t.equal(seen(list, 4), '[3] 4 5 6 +6')
})

t.test('a search hides the others, now and later, and ends where it was', async (t) => {
  const list = listOf(10)
  list.page(4)
  list.moveBy(-4)
  t.equal(list.selected?.offset, 5)
  list.filterBy(filterOf('/[135]$/'))
  t.equal(seen(list, 4), '1 3 [5] +0')
  t.equal(list.matchCount, 3)
  for (const record of recordsOf(4, 10)) list.push(record)
  t.equal(seen(list, 9), '1 3 [5] 11 13 +0')
  list.filterBy(undefined)
  t.equal(list.selected?.offset, 5)
})

t.test('rare matches outlast the records around them', async (t) => {
  const list = new RecordList({ countMax: 5 })
  list.filterBy(filterOf('rare'))
  for (let offset = 0; offset < 100; offset++) {
    list.push(recordOf({ offset, value: offset % 40 === 0 ? 'rare' : 'common' }))
  }
  t.equal(seen(list, 5), '0 40 [80] +0')
})

t.test('the others shown again, matches are found one after another', async (t) => {
  const list = listOf(10)
  list.filterBy(filterOf('/[258]$/'))
  list.toggleHiding()
  t.equal(seen(list, 20), '0 1 2 3 4 5 6 7 8 [9] +0')
  t.equal(list.toMatch(-1), true)
  t.equal(list.selected?.offset, 8)
  t.equal(list.toMatch(-1), true)
  t.equal(list.selected?.offset, 5)
  t.equal(list.toMatch(1), true)
  t.equal(list.selected?.offset, 8)
  t.equal(list.toMatch(1), false)
  t.equal(list.selected?.offset, 8)
  list.toggleHiding()
  t.equal(seen(list, 20), '2 5 [8] +0')
})

t.test('a click selects a row, and tells whether it was selected', async (t) => {
  const list = listOf(10)
  list.page(4)
  t.equal(list.click(1), false)
  t.equal(seen(list, 4), '6 [7] 8 9 +0')
  t.equal(list.click(1), true)
  t.equal(list.click(7), false)
  t.equal(list.selected?.offset, 7)
})

t.test('an empty list takes every key', async (t) => {
  const list = listOf(0)
  list.moveBy(-1)
  list.moveBy(1)
  list.toFirst()
  list.stay()
  list.filterBy(filterOf('x'))
  list.toMatch(1)
  t.equal(list.selected, undefined)
  t.equal(seen(list, 4), ' +0')
})

t.test('cleared, it follows what comes next', async (t) => {
  const list = listOf(10)
  list.page(4)
  list.toFirst()
  list.clear()
  for (const record of recordsOf(2, 50)) list.push(record)
  t.equal(seen(list, 4), '50 [51] +0')
})
