// `npm run sim -- --mutants` tries whether each mutant is caught; that each still fits the sources is
// known here, on the day that they change.

import t from 'tap'
import { zabMutants } from './mutants.ts'
import { mutated } from './mutate.ts'

t.test('every mutant changes the sources as told', async (t) => {
  for (const mutant of zabMutants) t.ok(mutated(mutant).size > 0, mutant.name)
})

t.test('every mutant has its own name', async (t) => {
  t.equal(new Set(zabMutants.map(({ name }) => name)).size, zabMutants.length)
})
