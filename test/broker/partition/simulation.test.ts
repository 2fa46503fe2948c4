import t from 'tap'
import { PartitionWorld } from './partition-world.ts'

const seeds = Array.from({ length: 100 }, (_, i) => 1000 + i)
const steps = 20_000

t.test('replicas agree, and nothing acked is lost, whatever crashes', async (t) => {
  t.comment(`seeds ${seeds[0]} to ${seeds.at(-1)}`)
  const totals = { elections: 0, truncations: 0, duplicates: 0, crashes: 0, isrChanges: 0 }
  let acked = 0
  for (const seed of seeds) {
    const world = new PartitionWorld(seed)
    try {
      for (let i = 0; i < steps; i++) world.step()
      world.heal()
    } catch (error) {
      t.fail(`seed ${seed}: ${(error as Error).stack}`)
      return
    }
    acked += world.acked.size
    for (const key of Object.keys(totals) as (keyof typeof totals)[]) {
      totals[key] += world.counts[key]
    }
  }
  t.comment(JSON.stringify({ acked, ...totals }))
  // The simulation must reach what it is there for.
  t.ok(acked > 1000, 'batches were acked')
  for (const [what, count] of Object.entries(totals)) t.ok(count > 50, `there were ${what}`)
})
