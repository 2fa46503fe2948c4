// Short lives of whole brokers on whole servers, with producers and consumers, each from one seed;
// mq/life.ts describes a life. `npm run sim -- --world mq --seed N` replays one with a trace.

import t from 'tap'
import { countsOf, leastPerThousand } from './mq/counts.ts'
import { drawFaults, faultNames, losesDisks, mqFaults } from './mq/faults.ts'
import { liveMq } from './mq/life.ts'
import { lostDiskMutants, mqMutants, scenarioMutants } from './mq/mutants.ts'
import { mutated } from './mutate.ts'

/** Seeds that once failed, with what they found. They change as the simulator changes. */
const keptSeeds = [
  { seed: 92, found: 'after a failed fsync, what a log read counted as durable and was not' },
  { seed: 38, found: 'a session that expired while it was opened was opened twice' },
  { seed: 339, found: 'a leader that was gone itself lost its last follower to the controller' },
  {
    seed: 343,
    found: 'a commit that lay behind another consumer’s put the group back the second time',
  },
  { seed: 43, found: 'a timer of repeated warnings came due again and again at the same time' },
  { seed: 46, found: 'a log that began anew was damaged by the checkpoint of the one before' },
  { seed: 553, found: 'a broker led on while its failed session was closed' },
  { seed: 166, found: 'a log that ended where its leader’s began was taken for equal' },
  { seed: 500_001, found: 'a broker left while the offsets topic was made, and clients gave up' },
  { seed: 100_126, found: 'a choice named a loss when the logs of all members were gone' },
  { seed: 1768, found: 'a record of another version, by a flipped bit, was not taken for damage' },
  { seed: 100_859, found: 'a truncated log recognised fewer batches than it held' },
]
/** A range whose lives have enough of each fault: chance left 1 to 60 with few reassignments. */
const firstFixed = 1001
const fixedSeeds = 60
const randomSeeds = 6
const firstRandom = Math.floor(Math.random() * 1e9)

t.test('brokers keep all promises while disks, networks, sessions and clocks fail', async (t) => {
  t.comment(`${fixedSeeds} seeds from ${firstFixed}, and ${randomSeeds} from ${firstRandom}`)
  const seeds = [
    ...keptSeeds.map(({ seed }) => seed),
    ...Array.from({ length: fixedSeeds }, (_, i) => firstFixed + i),
  ]
  const counted = new Set(seeds)
  seeds.push(...Array.from({ length: randomSeeds }, (_, i) => firstRandom + i))
  const sum = { operations: 0, stored: 0, shown: 0 }
  const covered = new Map<string, number>()
  for (const seed of seeds) {
    try {
      const life = await liveMq(seed)
      sum.operations += life.operations
      sum.stored += life.stored
      sum.shown += life.shown
      if (!counted.has(seed)) continue
      for (const [what, count] of life.coverage) covered.set(what, (covered.get(what) ?? 0) + count)
    } catch (error) {
      t.comment(`replay it with npm run sim -- --world mq --seed ${seed}: ${error}`)
      throw error
    }
  }
  t.comment(`${sum.operations} operations, ${sum.stored} acknowledged, ${sum.shown} shown`)
  t.ok(sum.stored > 100 * seeds.length, 'many records are acknowledged')
  t.ok(sum.shown > sum.stored, 'and shown')
  // Of few lives, and the same in each run: what is rare is for the long exploration to count.
  for (const { what, count, least } of countsOf(covered, counted.size)) {
    if (least < 3) continue
    t.ok(count >= least, `the lives have enough: ${what}, ${count} of at least ${least}`)
  }
})

t.test('a seed decides everything', async (t) => {
  const traces = []
  for (let i = 0; i < 2; i++) {
    const lines: string[] = []
    const { operations } = await liveMq(7, { trace: (line) => lines.push(line) })
    traces.push({ operations, lines })
  }
  const [one, other] = traces
  t.ok((one?.lines.length ?? 0) > 1000, 'the trace has every event')
  t.same(one, other)
})

t.test(
  'an override changes the faults of a life, and nothing else that its seed decides',
  async (t) => {
    const overrides = mqFaults.parse(['pauses=0', 'powerCuts=9'])
    t.same(drawFaults(7, overrides), { ...drawFaults(7), pauses: 0, powerCuts: 9 })
    for (const wrong of ['pauses', 'pauses=', 'pauses=x', 'pauses=-1', 'pausing=1']) {
      t.throws(() => mqFaults.parse([wrong]), /Cannot use --fault/, wrong)
    }
  },
)

t.test(
  'disks are lost in about a quarter of the lives, whatever else goes wrong in them',
  async (t) => {
    const drawn = Array.from({ length: 1000 }, (_, seed) => drawFaults(seed))
    const lost = drawn.filter(losesDisks)
    t.ok(lost.length > 200 && lost.length < 300, `${lost.length} of 1000`)
    const beyond = drawn.filter(({ lostIsrs }) => lostIsrs > 0)
    t.ok(beyond.length > 30 && beyond.length < 80, `${beyond.length} go beyond the budget`)
  },
)

t.test('each kind of fault has a minimum count', async (t) => {
  for (const name of faultNames) t.ok(name in leastPerThousand, name)
})

t.test('every mutant fits the sources', async (t) => {
  const mutants = [...mqMutants, ...lostDiskMutants, ...scenarioMutants]
  for (const mutant of mutants) t.doesNotThrow(() => mutated(mutant), mutant.name)
  t.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length)
  t.ok(mutants.length >= 42)
})
