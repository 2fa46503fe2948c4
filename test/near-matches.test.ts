import t from 'tap'
import { editDistance, nearMatches } from '../src/near-matches.ts'

const distances = [
  { a: '', b: '', want: 0 },
  { a: '', b: 'abc', want: 3 },
  { a: 'tickTime', b: 'tickTime', want: 0 },
  { a: 'tickTmie', b: 'tickTime', want: 1 },
  { a: 'tickTim', b: 'tickTime', want: 1 },
  { a: 'kitten', b: 'sitting', want: 3 },
]
for (const { a, b, want } of distances) {
  t.test(`from '${a}' to '${b}' it is ${want}, either way`, async (t) => {
    t.equal(editDistance(a, b), want)
    t.equal(editDistance(b, a), want)
  })
}

const names = ['tickTime', 'initLimit', 'syncLimit', 'clientPort', 'clientPortAddress', 'skipACL']
const cases = [
  { word: 'tickTmie', want: ['tickTime'] },
  { word: 'TICKTIME', want: ['tickTime'] },
  { word: 'tick', want: ['tickTime'] },
  { word: 'clientport', want: ['clientPort', 'clientPortAddress'] },
  { word: 'sincLimit', want: ['syncLimit', 'initLimit'] },
  { word: 'x', want: [] },
  { word: 'somethingElse', want: [] },
]
for (const { word, want } of cases) {
  t.test(`${word} may mean ${want.join(' or ') || 'none of them'}`, async (t) => {
    t.same(nearMatches(word, names), want)
  })
}
