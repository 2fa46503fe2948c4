import t from 'tap'
import { PartitionWorld } from './partition-world.ts'

const seeds = Array.from({ length: 110 }, (_, i) => 1000 + i)
const steps = 20_000

t.test(
  'replicas agree, and nothing acked is lost, whatever crashes or loses its disk',
  async (t) => {
    t.comment(`seeds ${seeds[0]} to ${seeds.at(-1)}`)
    const totals = new Map<string, number>()
    let acked = 0
    for (const seed of seeds) {
      const world = new PartitionWorld(seed)
      try {
        for (let i = 0; i < steps; i++) world.step()
        world.heal()
      } catch (error) {
        t.comment(world.history.join('\n'))
        t.fail(`seed ${seed}: ${(error as Error).stack}`)
        return
      }
      acked += world.acked.size
      for (const [what, count] of Object.entries(world.counts)) {
        totals.set(what, (totals.get(what) ?? 0) + count)
      }
    }
    t.comment(JSON.stringify({ acked, ...Object.fromEntries(totals) }))
    // The simulation must reach the cases that it exists for.
    t.ok(acked > 1000, 'batches were acked')
    for (const [what, count] of totals) t.ok(count > 50, `there were ${what}`)
  },
)
