import t from 'tap'
import { attachValues } from '../../src/cli/short-options.ts'

const valued = 'Kcop'

const words: readonly (readonly [string, string])[] = [
  ['-K:', '-K=:'],
  ['-K=', '-K=='],
  ['-K=:', '-K=:'],
  ['-K', '-K'],
  ['-c5', '-c=5'],
  ['-o-10', '-o=-10'],
  ['-obeginning', '-o=beginning'],
  ['-os@1,e@2', '-o=s@1,e@2'],
  ['-eqc1', '-eqc=1'],
  ['-eq', '-eq'],
  ['--count', '--count'],
  ['-5', '-5'],
  ['-', '-'],
  ['K:', 'K:'],
]

for (const [word, found] of words) {
  t.test(`'${word}' is read as '${found}'`, async (t) => {
    t.same(attachValues([word], valued), [found])
  })
}

t.test('what follows -- is not an option', async (t) => {
  t.same(attachValues(['-c5', '--', '-c5'], valued), ['-c=5', '--', '-c5'])
})
