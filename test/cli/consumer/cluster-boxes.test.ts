import t from 'tap'
import {
  brokersBox,
  choose,
  serversBox,
  shortCount,
} from '../../../src/cli/consumer/cluster-boxes.ts'
import { type Line, lineText } from '../../../src/cli/consumer/screen-lines.ts'
import { Scroll } from '../../../src/cli/consumer/scroll.ts'
import { nowMs, pictures } from './screen-scenes.ts'

function nineView() {
  const view = pictures.find(({ name }) => name === 'nine-80x24')?.view()
  if (view === undefined) throw new Error('There is a picture of that name')
  return view
}

function idsIn(lines: readonly Line[]): number[] {
  return lines.flatMap((line) => {
    const found = /^│.? *(\d+) /.exec(lineText(line))
    return found === null ? [] : [Number(found[1])]
  })
}

for (const [name, draw, always] of [
  ['servers', serversBox, [9]],
  ['brokers', brokersBox, [6, 8, 9]],
] as const) {
  t.test(`scrolling reaches all nine ${name}, and those that matter always show`, async (t) => {
    const view = nineView()
    const seen = new Set<number>()
    for (let i = 0; i < 9; i++) {
      const { lines, isCut } = draw(view, { width: 30, height: 8 }, nowMs)
      t.ok(isCut)
      t.match(lines.map(lineText).join('\n'), /\+\d more/)
      const ids = idsIn(lines)
      for (const id of always) t.ok(ids.includes(id), `${id} in ${ids}`)
      for (const id of ids) seen.add(id)
      view.scrolls[name].press('down')
    }
    t.equal(seen.size, 9)
  })
}

const items = ['a', 'b', 'c', 'd', 'e', 'f']
const choices = [
  { name: 'all that fit', room: 6, always: ['f'], rather: ['e'], want: 'abcdef' },
  { name: 'the first ones', room: 4, always: [], rather: [], want: 'abc' },
  { name: 'those that matter, in their order', room: 4, always: ['f'], rather: ['d'], want: 'adf' },
  { name: 'a line is left to scroll', room: 4, always: ['f'], rather: ['d', 'e'], want: 'adf' },
  { name: 'the most important of many', room: 3, always: ['f', 'e', 'd'], rather: [], want: 'ef' },
  { name: 'no room but for the count', room: 1, always: ['f'], rather: [], want: '' },
]
for (const { name, room, always, rather, want } of choices) {
  t.test(`items shown when not all fit: ${name}`, async (t) => {
    const { shown, hidden } = choose(items, room, { always, rather }, new Scroll('start'))
    t.equal(shown.join(''), want)
    t.same([...shown, ...hidden].sort(), items)
  })
}

const counts = [
  [0, '0'],
  [9999, '9999'],
  [10_000, '10k'],
  [999_499, '999k'],
  [999_500, '1.0M'],
  [9_940_000, '9.9M'],
  [9_960_000, '10M'],
  [5_000_000_000, '999M'],
] as const
for (const [count, want] of counts) {
  t.test(`${count} is ${want} in four columns`, async (t) => {
    t.equal(shortCount(count), want)
    t.ok(want.length <= 4)
  })
}
