// Scripted lives (scenarios.ts): configs that change while brokers fail, compaction, planned restarts.

import t from 'tap'
import { liveScenario, scenarios } from './scenarios.ts'

const seeds = [1, 2]

for (const scenario of scenarios) {
  t.test(`all promises are kept when ${scenario.name}`, async (t) => {
    for (const seed of seeds) await t.resolves(liveScenario(scenario, seed), `seed ${seed}`)
  })
}
