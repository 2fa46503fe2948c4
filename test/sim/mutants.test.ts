// `npm run sim -- --mutants` checks that each mutant is caught; this test checks that each still
// fits the sources, as soon as they change.

import t from 'tap'
import { mutated } from './mutate.ts'
import { serverMutants } from './servers/mutants.ts'
import { zabMutants } from './zab/mutants.ts'

for (const [world, mutants] of Object.entries({ zab: zabMutants, servers: serverMutants })) {
  t.test(`${world}: every mutant changes the sources as told`, async (t) => {
    for (const mutant of mutants) t.ok(mutated(mutant).size > 0, mutant.name)
  })

  t.test(`${world}: every mutant has its own name`, async (t) => {
    t.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length)
  })
}
