import t from 'tap'
import { parseFilter } from '../../../src/cli/browser/record-filter.ts'
import { recordOf } from './records.ts'

const record = recordOf({
  partition: 3,
  key: 'User-7',
  value: 'Order accepted: {"total":12.50} {bold}',
  headers: { trace: 'abc=1', empty: null },
})

function isFound(search: string, within = record): boolean | string {
  const filter = parseFilter(search)
  if (filter === undefined) return 'no terms'
  return 'problem' in filter ? filter.problem : filter.matches(within)
}

const searches: readonly (readonly [string, boolean])[] = [
  ['accepted', true],
  ['ACCEPTED', false],
  ['order', true],
  ['Order', true],
  ['user-7', true],
  ['refused', false],
  ['order refused', false],
  ['order accepted', true],
  ['"order accepted"', true],
  ['"accepted order"', false],
  ['!refused', true],
  ['!accepted', false],
  ['{bold}', true],
  ['{"total":', true],
  ['/tot.l":\\d+/', true],
  ['/ORDER/', false],
  ['/ORDER/i', true],
  ['/order accepted/i', true],
  ['key:user', true],
  ['key:order', false],
  ['value:order', true],
  ['value:user', false],
  ['key:/^User-\\d$/', true],
  ['value:"order accepted"', true],
  ['header:trace', true],
  ['header:other', false],
  ['header:trace=abc', true],
  ['header:trace=abc=1', true],
  ['header:trace=/^abc=\\d$/', true],
  ['header:trace="abc="', true],
  ['header:trace=xyz', false],
  ['header:empty', true],
  ['header:empty=x', false],
  ['!header:other', true],
  ['partition:3', true],
  ['partition:0', false],
  ['partition:3 key:user !refused', true],
  ['http://x', false],
]
for (const [search, want] of searches) {
  t.test(`${search} ${want ? 'finds' : 'does not find'} the record`, async (t) => {
    t.equal(isFound(search), want)
  })
}

t.test('a null key or value contains nothing', async (t) => {
  const none = recordOf({ key: null, value: null })
  t.equal(isFound('x', none), false)
  t.equal(isFound('/.*/', none), false)
  t.equal(isFound('!x', none), true)
})

t.test('blanks search for nothing', async (t) => {
  t.equal(isFound('  '), 'no terms')
})

t.test('what cannot be searched for is told', async (t) => {
  t.match(isFound('/(/'), /regular expression/i)
  t.equal(isFound('header:'), 'header: needs a name')
  t.equal(isFound('partition:x'), 'partition:x names no partition')
  t.equal(isFound('key:'), 'a word is missing')
})

t.test('a regular expression looks at the start of a large value only', async (t) => {
  const large = recordOf({ value: `${'x'.repeat(64 * 1024)}END` })
  t.equal(isFound('/END/', large), false)
  t.equal(isFound('END', large), true)
})
