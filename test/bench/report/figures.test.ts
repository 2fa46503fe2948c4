import { join } from 'node:path'
import t from 'tap'
import {
  type Figures,
  noFigures,
  type Point,
  partNames,
  type Run,
  ratiosOf,
  readFigures,
  spreadOf,
  valuesOf,
  withPart,
  writeFigures,
} from '../../../bench/report/figures.ts'
import { decades, plot, steps } from '../../../bench/report/plot.ts'
import { inRounds, known } from '../../../bench/report/rounds.ts'

const circumstances = { command: 'c', commit: 'x', date: '2026-01-02', cores: 2 }
const run = (system: string): Run => ({
  circumstances,
  points: [{ labels: { load: 'set' }, system, rounds: [{ perSecond: 1 }] }],
})

t.test('a part that is measured replaces that part, and leaves the others', async (t) => {
  const file = join(t.testdir(), 'figures.json')
  t.strictSame(readFigures(file), noFigures, 'before the first measurement')
  let figures: Figures = withPart(noFigures, 'mq', [run('a'), run('b')])
  figures = withPart(figures, 'load', [run('c')])
  figures = withPart(figures, 'mq', [run('d')])
  t.strictSame(figures.parts, { load: [run('c')], mq: [run('d')] })
  const order = Object.keys(figures.parts).map((name) => partNames.map(String).indexOf(name))
  t.strictSame(
    order,
    order.toSorted((a, b) => a - b),
    'in the order of the page',
  )
  writeFigures(file, figures)
  t.strictSame(readFigures(file), figures)
})

const spreads = [
  { name: 'none', values: [], want: undefined },
  { name: 'one', values: [3], want: { median: 3, least: 3, most: 3 } },
  { name: 'three', values: [9, 1, 4], want: { median: 4, least: 1, most: 9 } },
  {
    name: 'four: the lower middle one',
    values: [9, 1, 4, 5],
    want: { median: 4, least: 1, most: 9 },
  },
]
for (const { name, values, want } of spreads) {
  t.test(`spreadOf: ${name}`, async (t) => t.strictSame(spreadOf(values), want))
}

t.test('ratios are those of the same round; a failed round has none', async (t) => {
  const point = (rounds: Point['rounds']): Point => ({ labels: {}, system: 's', rounds })
  const ours = point([{ x: 6 }, { x: 8 }, { x: 9 }])
  t.strictSame(ratiosOf(ours, point([{ x: 2 }, {}, { x: 3 }]), 'x'), [3, 3])
  t.strictSame(ratiosOf(ours, point([{ x: 0 }]), 'x'), [])
  t.strictSame(valuesOf(point([{ x: 2 }, {}, { x: 3 }]), 'x'), [2, 3])
})

t.test('rounds begin with another system each, and a failure leaves an empty round', async (t) => {
  const order: string[] = []
  const failed: string[] = []
  const found = await inRounds({
    systems: ['a', 'b', 'c'],
    rounds: 4,
    measure: async (system, round) => {
      order.push(`${system}${round}`)
      if (system === 'b' && round === 1) throw new Error('it ended')
      return { round }
    },
    brokenOff: (system, { message }) => failed.push(`${system}: ${message}`),
  })
  t.equal(order.join(' '), 'a0 b0 c0 b1 c1 a1 c2 a2 b2 a3 b3 c3')
  t.strictSame(failed, ['b: it ended'])
  t.strictSame(found.get('b'), [{ round: 0 }, {}, { round: 2 }, { round: 3 }])
})

t.test('what is unknown is absent, and figures are cut to what they can say', async (t) => {
  const found = known({ a: undefined, b: Number.NaN, c: 0, d: 1.2345678, e: 123_456.7 })
  t.strictSame(found, { c: 0, d: 1.2346, e: 123_457 })
})

t.test('ticks hold the values between them', async (t) => {
  t.strictSame(decades(3, 2000), [1, 10, 100, 1000, 10_000])
  t.strictSame(decades(10, 10), [10, 100])
  t.strictSame(steps(0, 97), [0, 20, 40, 60, 80, 100])
  t.strictSame(steps(3, 9), [2, 4, 6, 8, 10])
  t.strictSame(steps(0, 0.3), [0, 0.1, 0.2, 0.3])
})

t.test('one point, or none, is no plot', async (t) => {
  const axis = { title: 'x', isLog: false }
  const options = { title: 't', x: axis, y: axis }
  const at = (x: number) => ({ x, y: 1, least: 1, most: 1 })
  t.equal(plot([], options), undefined)
  t.equal(plot([{ name: 'a', points: [at(1)] }], options), undefined)
  t.match(plot([{ name: 'a', points: [at(1), at(2)] }], options), /<svg/)
})
