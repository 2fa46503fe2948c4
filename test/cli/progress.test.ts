import t from 'tap'
import { progressLine } from '../../src/cli/progress.ts'

const cases = [
  {
    name: 'half done',
    state: { label: 'goals', done: 50, total: 100, elapsedMs: 1000 },
    width: 43,
    want: 'goals  [==========>         ]  50/100  50/s',
  },
  {
    name: 'all done',
    state: { label: 'goals', done: 4, total: 4, elapsedMs: 1000 },
    width: 38,
    want: 'goals  [=================]  4/4  4.0/s',
  },
  {
    name: 'nothing to do is done',
    state: { label: 'goals', done: 0, total: 0, elapsedMs: 0 },
    width: 30,
    want: 'goals  [=========]  0/0  0.0/s',
  },
  {
    name: 'unknown total',
    state: { label: 'lines', done: 1200, total: undefined, elapsedMs: 2000 },
    width: 40,
    want: 'lines  1200  600/s',
  },
  {
    name: 'no room for a bar',
    state: { label: 'goals', done: 5, total: 100, elapsedMs: 1000 },
    width: 20,
    want: 'goals  5/100  5.0/s',
  },
  {
    name: 'too narrow for the numbers',
    state: { label: 'goals', done: 5, total: 100, elapsedMs: 1000 },
    width: 9,
    want: 'goals  5/',
  },
]
for (const { name, state, width, want } of cases) {
  t.test(`progressLine: ${name}`, async (t) => {
    t.equal(progressLine(state, width), want)
    t.ok(want.length <= width)
  })
}
