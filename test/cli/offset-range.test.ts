import t from 'tap'
import { BadUsage } from '../../src/cli/cli-command.ts'
import { offsetRange } from '../../src/cli/offset-range.ts'

const cases = [
  { given: 'beginning', want: { isStored: false, start: 'beginning' } },
  { given: 'end', want: { isStored: false, start: 'end' } },
  { given: 'stored', want: { isStored: true, start: 'end' } },
  { given: '7', want: { isStored: false, start: 7 } },
  { given: '-7', want: { isStored: false, start: { last: 7 } } },
  { given: 's@1700', want: { isStored: false, start: { timestampMs: 1700 } } },
  { given: 's@17,e@18', want: { isStored: false, start: { timestampMs: 17 }, endMs: 18 } },
]
for (const { given, want } of cases) {
  t.test(`-o ${given}`, async (t) => {
    t.same(offsetRange(given), want)
  })
}

for (const given of [
  '',
  'x',
  's@',
  's@1,2',
  'e@5',
  '1.5',
  '--1',
  '1e3',
  '9007199254740993',
  ['1', '2'],
]) {
  t.test(`-o ${given} is refused`, async (t) => {
    t.throws(() => offsetRange(given), BadUsage)
  })
}
