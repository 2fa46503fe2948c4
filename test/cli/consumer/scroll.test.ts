import t from 'tap'
import { Scroll } from '../../../src/cli/consumer/scroll.ts'

const cases = [
  { name: 'begins at the start', home: 'start', keys: [], want: 0 },
  { name: 'begins at the end', home: 'end', keys: [], want: 15 },
  { name: 'a line down', home: 'start', keys: ['down', 'j'], want: 2 },
  { name: 'a line up from the end', home: 'end', keys: ['up', 'k'], want: 13 },
  { name: 'a page down', home: 'start', keys: ['pagedown'], want: 5 },
  { name: 'stops at the end', home: 'start', keys: ['end', 'pagedown', 'down'], want: 15 },
  { name: 'stops at the start', home: 'end', keys: ['g', 'pageup', 'up'], want: 0 },
  { name: 'to the end and to the start', home: 'start', keys: ['S-g', 'home'], want: 0 },
  { name: 'other keys do nothing', home: 'start', keys: ['x', 'space'], want: 0 },
] as const
for (const { name, home, keys, want } of cases) {
  t.test(`20 lines in 5: ${name}`, async (t) => {
    const scroll = new Scroll(home)
    scroll.show(20, 5)
    for (const key of keys) scroll.press(key)
    t.equal(scroll.top, want)
  })
}

t.test('at the end it follows new lines, and elsewhere it stays', async (t) => {
  const scroll = new Scroll('end')
  scroll.show(20, 5)
  t.equal(scroll.show(30, 5), 25)
  scroll.press('up')
  t.equal(scroll.show(40, 5), 24)
  scroll.press('end')
  t.equal(scroll.show(50, 5), 45)
})

t.test('with fewer lines than before, it shows the last ones', async (t) => {
  const scroll = new Scroll('start')
  scroll.show(20, 5)
  scroll.press('end')
  t.equal(scroll.show(7, 5), 2)
  t.equal(scroll.show(3, 5), 0)
})
