// Many short lives of ensembles, each from one seed: servers crash and come back or stand still for a
// while, one loses its disk, connections drop or stall one way, partitions come and go while transactions
// are proposed; then the faults stop and all must agree.
// `ZAB_SEED=N npx tap test/sim/zab.test.ts` replays one seed with a trace.

import t from 'tap'
import { ZabWorld } from './zab-world.ts'

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

/** How long it takes at least to replace a disk: whoever had its promise has begun by then, or given up. */
const replacedMs = 3000

function live(seed: number): { committed: number; established: number; confirmed: number } {
  const trace = chosen === undefined ? {} : { trace: (line: string) => t.comment(line) }
  const world = new ZabWorld({
    seed,
    servers: seed % 3 === 0 ? 5 : 3,
    networkMs: [0.1, seed % 5 === 0 ? 40 : 4],
    diskMs: [0.1, seed % 7 === 0 ? 60 : 6],
    ...trace,
  })
  const { random, servers } = world
  const pick = (): number => random.pick(servers).id
  for (const { id } of servers) world.start(id)
  let wipeRound = seed % 4 === 0 ? random.below(60) : Number.POSITIVE_INFINITY
  for (let round = 0; round < 60; round++) {
    world.run(random.chance(0.3) ? random.next() * 1500 : random.next() * 20)
    // Two that know nothing are a new ensemble to each other: a third may not have been there yet.
    if (round >= wipeRound && world.formed) {
      wipeRound = Number.POSITIVE_INFINITY
      world.wipe(pick(), replacedMs)
    }
    const dice = random.next()
    if (random.chance(0.3)) world.confirmAll()
    if (dice < 0.5) world.proposeSome(1 + random.below(4))
    else if (dice < 0.6) world.crash(pick())
    else if (dice < 0.63) for (const { id } of servers) world.crash(id)
    else if (dice < 0.8) world.start(pick())
    else if (dice < 0.86) world.drop(pick(), pick())
    else if (dice < 0.87) world.stall(pick(), pick(), random.next() * 2500)
    else if (dice < 0.88) world.isolate(world.leader() ?? pick(), random.next() * 2500)
    else if (dice < 0.92) world.cut(pick(), pick())
    else if (dice < 0.95) {
      const id = pick()
      if (random.chance(0.3)) world.isolate(id, random.next() * 5000)
      world.pause(id, random.next() * 2500)
    } else if (dice < 0.97) world.healAll()
    else world.crash(world.leader() ?? pick())
  }
  world.healAll()
  world.run(replacedMs)
  for (const { id } of servers) world.start(id)
  for (let waited = 0; !world.converged(); waited++) {
    if (waited > 150) throw new Error('The ensemble has not converged 15 s after the last fault')
    world.run(100)
  }
  if (!world.proposeSome(1)) throw new Error('A converged ensemble has a leader')
  world.run(1000)
  if (!world.converged()) throw new Error('A converged ensemble commits what is proposed')
  return {
    committed: world.checker.committed.length,
    established: world.checker.establishedCount,
    confirmed: world.confirmedCount,
  }
}

t.test(`Zab keeps its promises under crashes, drops and partitions`, async (t) => {
  t.comment(`seeds 1 to ${fixedSeeds} and from ${firstRandom}`)
  let committed = 0
  let established = 0
  let confirmed = 0
  for (const seed of seeds) {
    try {
      const result = live(seed)
      committed += result.committed
      established += result.established
      confirmed += result.confirmed
    } catch (error) {
      t.comment(`seed ${seed} fails; replay it with ZAB_SEED=${seed}: ${error}`)
      throw error
    }
  }
  t.comment(`${committed} transactions committed, ${established} epochs established`)
  t.ok(committed > seeds.length * 10, 'the runs commit transactions')
  t.ok(established > seeds.length, 'the runs elect leaders')
  t.ok(confirmed > seeds.length, 'the runs confirm leaders')
})

function steadyWorld(seed: number): ZabWorld {
  const world = new ZabWorld({ seed, servers: 3, networkMs: [0.1, 4], diskMs: [0.1, 6] })
  for (const { id } of world.servers) world.start(id)
  world.run(2000)
  return world
}

const pauses = [
  { name: 'a leader that stood still, not long enough to be given up', who: 'leader', ms: 480 },
  { name: 'all servers that stood still at once', who: 'all', ms: 60_000 },
]
for (const { name, who, ms } of pauses) {
  t.test(`${name}: no election, because what waits is read before anybody is judged`, async (t) => {
    for (let seed = 1; seed <= 50; seed++) {
      const world = steadyWorld(seed)
      const { establishedCount } = world.checker
      world.run(world.random.next() * 100)
      for (const { id } of world.servers) {
        if (who === 'all' || id === world.leader()) world.pause(id, ms)
      }
      world.run(ms + 1000)
      world.proposeSome(1)
      world.run(100)
      const found = `${world.checker.establishedCount - establishedCount} elections`
      if (found !== '0 elections' || !world.converged()) t.fail(`seed ${seed}: ${found}`)
    }
    t.pass('in 50 ensembles')
  })
}
