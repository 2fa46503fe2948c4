// Many short lives of ensembles of Zab cores, each from one seed; zab-life.ts says what happens in
// one. `ZAB_SEED=N npx tap test/sim/zab.test.ts` replays one seed with a trace.

import t from 'tap'
import { liveZab } from './zab-life.ts'

const fixedSeeds = 4000
const chosen = process.env['ZAB_SEED']
const firstRandom = Math.floor(Math.random() * 1e9)
const seeds =
  chosen === undefined
    ? [
        ...Array.from({ length: fixedSeeds }, (_, i) => i + 1),
        ...Array.from({ length: 100 }, (_, i) => firstRandom + i),
      ]
    : [Number(chosen)]

t.test(`Zab keeps its promises under crashes, drops and partitions`, async (t) => {
  t.comment(`seeds 1 to ${fixedSeeds} and from ${firstRandom}`)
  let committed = 0
  let established = 0
  const covered = new Map<string, number>()
  for (const seed of seeds) {
    try {
      const life = liveZab(seed, chosen === undefined ? undefined : (line) => t.comment(line))
      committed += life.committed
      established += life.established
      for (const [what, count] of life.coverage) covered.set(what, (covered.get(what) ?? 0) + count)
    } catch (error) {
      t.comment(`seed ${seed} fails; replay it with ZAB_SEED=${seed}: ${error}`)
      throw error
    }
  }
  t.comment(`${committed} transactions committed, ${established} epochs established`)
  for (const [what, count] of [...covered].sort()) t.comment(`${what}: ${count}`)
  if (chosen !== undefined) return
  t.ok(committed > seeds.length * 10, 'the runs commit transactions')
  t.ok(established > seeds.length, 'the runs elect leaders')
})
