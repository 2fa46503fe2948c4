// One life of an ensemble of Zab cores, decided by its seed: servers crash and come back, stand still
// and wake, links break or fall silent, elections go to whomever, disks stall, while transactions are
// proposed; then the faults stop, and all must agree within bounded time.

import { invariant } from '../../src/invariant.ts'
import type { Random } from '../../src/random.ts'
import { crashPoints, ZabWorld } from './zab-world.ts'

export interface ZabLife {
  readonly committed: number
  readonly established: number
  readonly coverage: ReadonlyMap<string, number>
}

/** How long the ensemble may take to agree once all faults are gone. */
const convergenceMs = 15_000

/** @throws InvariantError when a promise is broken */
export function liveZab(seed: number, trace?: (line: string) => void): ZabLife {
  const world = new ZabWorld({
    seed,
    servers: seed % 3 === 0 ? 5 : 3,
    networkMs: [0.1, seed % 5 === 0 ? 40 : 4],
    diskMs: [0.1, seed % 7 === 0 ? 60 : 6],
    treeMs: seed % 11 === 0 ? [1500, 3000] : [0.1, 4],
    ...(seed % 13 === 0 ? { epochCounterMax: 10 } : {}),
    ...(seed % 2 === 0 ? { halfOpenMs: 1500 } : {}),
    traceLinks: true,
    ...(trace === undefined ? {} : { trace: timed(() => world.nowMs, trace) }),
  })
  const { random, servers } = world
  const pick = (): number => random.pick(servers).id
  // What this life is made of: a fault that never happens leaves room for longer chains of others.
  const forges = random.chance(0.4)
  const blocks = random.chance(0.4)
  const stalls = random.chance(0.4)
  const crashes = random.chance(0.8)
  const pauses = random.chance(0.3)
  const wipes = random.chance(0.3)
  const purges = random.chance(0.4)
  const drifts = random.chance(0.3)
  const lies = random.chance(0.3)
  let farLies = 0

  const faults: (() => void)[] = [
    () => world.drop(pick(), pick()),
    () => world.cut(pick(), pick()),
    () => world.healAll(),
    () => world.handover(),
    () => {
      // What a leader proposes alone is cut off its log later, or becomes history after all.
      const leader = world.leader()
      if (leader === undefined) return
      for (const { id } of servers) world.block(leader, id)
      world.proposeSome(1 + random.below(3))
      if (crashes && random.chance(0.5)) world.crashSoon(leader, random.below(10))
    },
  ]
  if (crashes) {
    faults.push(
      () => world.crash(pick()),
      () => world.crash(world.leader() ?? pick()),
      () => world.crashSoon(pick(), random.below(12)),
      () => world.crashSoon(pick(), random.below(40)),
      () => world.crashAt(random.pick(crashPoints)),
      () => {
        if (random.chance(0.3)) for (const { id } of servers) world.crash(id)
      },
    )
  }
  if (blocks) {
    faults.push(
      () => world.block(pick(), pick()),
      () => world.unblock(pick(), pick()),
      () => {
        if (random.chance(0.3)) return depose(world)
        const alone = pick()
        for (const { id } of servers) {
          world.block(alone, id)
          if (random.chance(0.5)) world.block(id, alone)
        }
      },
      () => world.stall(pick(), pick(), random.next() * 2500),
      () => world.isolate(world.leader() ?? pick(), random.next() * 2500),
    )
  }
  if (forges) {
    faults.push(
      () => world.elect(pick(), pick(), { everybody: true }),
      () => world.elect(pick(), pick(), { everybody: false }),
      () => {
        const leader = pick()
        for (const { id } of servers) world.elect(id, leader, { everybody: random.chance(0.5) })
      },
      () => world.drop(world.leader() ?? pick(), pick()),
      () => waver(world),
    )
  }
  if (stalls) {
    faults.push(
      () => world.stallDisk(pick(), 'log', random.next() * 800),
      () => world.stallDisk(pick(), 'epochs', random.next() * 800),
      () => {
        // It may lead again before its own disk has what it proposed.
        const leader = world.leader() ?? pick()
        world.stallDisk(leader, 'log', 200 + random.next() * 800)
        world.proposeSome(1 + random.below(3))
        for (const { id } of servers) world.drop(leader, id)
      },
    )
  }
  if (pauses) {
    faults.push(
      () => world.pause(pick(), random.next() * 2000),
      () => {
        // Those that it does not hear go on without it, and their words wait in its sockets.
        const id = world.leader() ?? pick()
        if (blocks) world.isolate(id, random.next() * 5000)
        world.pause(id, random.next() * 2500)
      },
    )
  }
  const anyhow = wipes && random.chance(0.5)
  if (wipes) {
    faults.push(
      () => world.wipe(pick(), { anyhow }),
      () => forget(world, { anyhow }),
    )
  }
  if (purges)
    faults.push(
      () => world.purge(pick()),
      () => world.purge(world.leader() ?? pick()),
      () => leaveBehind(world),
    )
  if (drifts) faults.push(() => world.drift(pick(), 0.3 + random.next() * 1.5))

  if (lies) {
    faults.push(
      () => world.stranger(pick(), pick()),
      () => {
        const gone = pick()
        world.crash(gone)
        world.run(random.next() * 1000)
        for (const { id } of servers) world.stranger(id, gone)
      },
      () => world.misannounce('behind'),
      () => {
        // Each raises an epoch by half of what is believed at once: one such must do.
        if (farLies++ === 0) world.misannounce('far')
      },
    )
  }

  for (const { id } of servers) world.start(id)
  for (let round = 0; round < 80; round++) {
    world.run(random.chance(0.25) ? random.next() * 1500 : random.next() * 20)
    const dice = random.next()
    if (dice < 0.4) world.proposeSome(1 + random.below(4))
    else if (dice < 0.5) world.confirm()
    else if (dice < 0.6) world.start(pick())
    else random.pick(faults)()
  }

  world.healAll()
  world.resumeAll()
  world.crashAt(undefined)
  if (anyhow && !world.mayGoOn) return resultOf(world)
  for (const { id } of servers) {
    world.crashSoon(id, Number.POSITIVE_INFINITY)
    world.drift(id, 1)
    world.start(id)
  }
  settle(world)
  invariant(world.proposeSome(1), 'an ensemble that agrees has a leader')
  settle(world)
  return resultOf(world)
}

function settle(world: ZabWorld): void {
  for (let waitedMs = 0; !world.converged(); waitedMs += 100) {
    invariant(waitedMs < convergenceMs, 'an ensemble without faults agrees in time')
    world.run(100)
  }
}

function resultOf({ checker, coverage }: ZabWorld): ZabLife {
  const { committed, establishedCount } = checker
  return { committed: committed.length, established: establishedCount, coverage }
}

/** The followers begin again without their leader, which hears nothing of it. */
function depose(world: ZabWorld): void {
  const { random, servers } = world
  const leader = world.leader()
  if (leader === undefined) return
  for (const { id } of servers) {
    world.block(leader, id)
    world.block(id, leader)
  }
  for (const { id } of servers) {
    if (id === leader) continue
    world.crash(id)
    world.start(id)
  }
  for (let i = 0; i < 6; i++) {
    world.run(random.next() * 120)
    world.proposeSome(1)
    world.confirm()
  }
  if (random.chance(0.5)) world.healAll()
}

/**
 * Those who were not there when something was committed come back to one who was, and lost its disk;
 * or to many such, `anyhow`. Together they would be a majority that knows nothing of it.
 */
function forget(world: ZabWorld, { anyhow }: { readonly anyhow: boolean }): void {
  const { random, servers } = world
  const order = shuffled(
    servers.map(({ id }) => id),
    random,
  )
  const minority = (servers.length - 1) / 2
  const late = order.slice(0, minority)
  const present = order.slice(minority)
  for (const id of late) world.crash(id)
  world.proposeSome(1)
  world.run(random.next() * 1000)
  const forgetful = anyhow ? present.slice(1) : present.slice(-1)
  for (const id of forgetful) world.wipe(id, { anyhow })
  for (const id of present) world.crash(id)
  for (const id of [...late, ...forgetful]) world.start(id)
  world.run(random.next() * 3000)
}

/** The log that a server would need is purged while it is away: only a tree can bring it back. */
function leaveBehind(world: ZabWorld): void {
  const { random, servers } = world
  const late = random.pick(servers).id
  world.crash(late)
  for (let i = 0; i < 3; i++) {
    world.proposeSome(1)
    world.run(random.next() * 200)
  }
  for (const { id } of servers) if (id !== late) world.purge(id, 'last')
}

/**
 * Two servers lead, neither with a quorum, and one wavers between them: it may promise itself to both
 * if promises are not kept.
 */
function waver(world: ZabWorld): void {
  const { random, servers } = world
  const [one, other, between] = shuffled(
    servers.map(({ id }) => id),
    random,
  )
  if (one === undefined || other === undefined || between === undefined) return
  world.healAll()
  for (const { id } of servers) world.start(id)
  for (const a of servers) for (const b of servers) if (a.id < b.id) world.drop(a.id, b.id)
  // Just long enough to ask for an epoch, or long enough to promise one.
  const stay = (): number =>
    world.nowMs + (random.chance(0.5) ? random.next() * 6 : 8 + random.next() * 20)
  let leader = one
  let untilMs = stay()
  for (let i = 0; i < 100; i++) {
    world.elect(one, one, { everybody: true })
    world.elect(other, other, { everybody: true })
    world.elect(between, leader, { everybody: false })
    world.run(0.5)
    if (world.nowMs < untilMs) continue
    world.drop(between, leader)
    leader = leader === one ? other : one
    untilMs = stay()
  }
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const order = [...items]
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const item = order[i] as T
    order[i] = order[j] as T
    order[j] = item
  }
  return order
}

function timed(nowMs: () => number, trace: (line: string) => void): (line: string) => void {
  return (line) => trace(`${nowMs().toFixed(1).padStart(9)} ${line}`)
}
