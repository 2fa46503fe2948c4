// Short lives of whole servers with clients, each from one seed; servers/life.ts describes a life.
// `npm run sim -- --seed N` replays one with a trace.

import t from 'tap'
import { Coverage } from './coverage.ts'
import { mutated } from './mutate.ts'
import { liveServers } from './servers/life.ts'
import { serverMutants } from './servers/mutants.ts'

/** Seeds that once failed, with what they found. They change as the simulator changes. */
const keptSeeds = [
  {
    seed: 2322,
    found: 'a server that led a first epoch that no server joined was kept out for ever',
  },
  { seed: 59, found: 'the judge took a refusal for that of an earlier request just like it' },
  { seed: 182, found: 'the judge wanted a write from where its session had been in order' },
  { seed: 429, found: 'the nemesis wiped a second disk before the first server counted again' },
  { seed: 239, found: 'meta was read, and acted on, that a power cut then took back' },
  { seed: 100808, found: 'the time-out of a session began before its client could know of it' },
  { seed: 201335, found: 'a tree brought what a client waited for, in a transfer of leadership' },
]
const fixedSeeds = 60
const randomSeeds = 15
const firstRandom = Math.floor(Math.random() * 1e9)

t.test('servers and clients keep all promises while disks, networks and clocks fail', async (t) => {
  t.comment(`seeds 1 to ${fixedSeeds}, and ${randomSeeds} from ${firstRandom}`)
  const seeds = [
    ...keptSeeds.map(({ seed }) => seed),
    ...Array.from({ length: fixedSeeds }, (_, i) => i + 1),
    ...Array.from({ length: randomSeeds }, (_, i) => firstRandom + i),
  ]
  let answered = 0
  let operations = 0
  const covered = new Coverage()
  for (const seed of seeds) {
    try {
      const life = await liveServers(seed)
      answered += life.answered
      operations += life.operations
      covered.add(life.coverage)
    } catch (error) {
      t.comment(`seed ${seed} fails; replay it with npm run sim -- --seed ${seed}: ${error}`)
      throw error
    }
  }
  t.comment(`${operations} operations, ${answered} answered`)
  t.ok(answered > operations / 2, 'most requests are answered')
  const faults = ['kill', 'power cut', 'wipe', 'bit flip', 'disk fault', 'partition']
  for (const what of [...faults, 'election', 'DIFF', 'SNAP', 'TRUNC', 'purge', 'expiry']) {
    t.ok(covered.countOf(what) > 0, `the lives have it: ${what}`)
  }
})

t.test('a seed decides everything', async (t) => {
  const traces = await Promise.all(
    [1, 2].map(async () => {
      const lines: string[] = []
      const { operations } = await liveServers(7, { trace: (line) => lines.push(line) })
      return { operations, lines }
    }),
  )
  const [one, other] = traces
  t.ok((one?.lines.length ?? 0) > 1000, 'the trace has every event')
  t.same(one, other)
})

t.test('every mutant fits the sources', async (t) => {
  for (const mutant of serverMutants) t.doesNotThrow(() => mutated(mutant), mutant.name)
  t.equal(new Set(serverMutants.map(({ name }) => name)).size, serverMutants.length)
})
