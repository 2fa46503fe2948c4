// One life of an ensemble of Zab cores, decided by its seed: while transactions are proposed, the
// faults of faults.ts happen (nemesis.ts); then they stop, and all servers must agree within
// bounded time.

import { invariant } from '../../../src/invariant.ts'
import { Random } from '../../../src/random.ts'
import { drawZabFaults, type ZabFaults } from './faults.ts'
import { Nemesis } from './nemesis.ts'
import { ZabWorld } from './world.ts'

export interface ZabLife {
  readonly committed: number
  readonly established: number
  readonly coverage: ReadonlyMap<string, number>
}

export interface ZabLifeOptions {
  readonly trace?: ((line: string) => void) | undefined
  /** overrides of what the seed draws */
  readonly faults?: Partial<ZabFaults>
}

const roundCount = 80
/** How long the ensemble may take to agree once all faults are gone. */
const convergenceMs = 15_000
/** How long a transfer of leadership may take then. */
const peacefulTransferMs = 2000
/** Longer than a leader waits for its successor. */
const vainTransferMs = 6000

/** @throws InvariantError when a promise is broken */
export function liveZab(seed: number, options: ZabLifeOptions = {}): ZabLife {
  const random = new Random(seed)
  const faults = { ...drawZabFaults(seed, random), ...options.faults }
  const { trace } = options
  const timed = trace && ((line: string) => trace(`${timeOf(world)} ${line}`))
  const world = new ZabWorld(random, faults, { trace: timed, ofLinks: true })
  const nemesis = new Nemesis(world, faults)

  for (const { id } of world.servers) world.start(id)
  for (let round = 0; round < roundCount; round++) {
    world.run(random.chance(0.25) ? random.next() * 1500 : random.next() * 20)
    const dice = random.next()
    if (dice < 0.4) world.proposeSome(1 + random.below(4))
    else if (dice < 0.5) world.confirm()
    else if (dice < 0.6) world.start(random.pick(world.servers).id)
    else nemesis.strike()
  }

  world.network.healAll()
  world.resumeAll()
  world.crashAt(undefined)
  if (faults.hopeless > 0 && !world.mayGoOn) return resultOf(world)
  for (const { id } of world.servers) {
    world.crashSoon(id, Number.POSITIVE_INFINITY)
    world.drift(id, 1)
    world.start(id)
  }
  settle(world)
  invariant(world.proposeSome(1), 'an ensemble that agrees has a leader')
  // A NEWEPOCH that is yet to be misannounced makes a learner leave, and an epoch that ends a leader
  // step down.
  const isCalm = faults.lies === 0 && faults.epochCounterMax > 1000
  if (faults.transfers > 0 && isCalm) {
    if (random.chance(0.3)) transferInVain(world)
    transferInPeace(world)
  }
  settle(world)
  return resultOf(world)
}

function settle(world: ZabWorld): void {
  for (let waitedMs = 0; !world.converged(); waitedMs += 100) {
    invariant(waitedMs < convergenceMs, 'an ensemble without faults agrees in time')
    world.run(100)
  }
}

/** A successor whose disk stands still cannot take over: the leader goes on, after a while. */
function transferInVain(world: ZabWorld): void {
  const { random } = world
  settle(world)
  const leader = world.leader()
  const others = world.votersBeside(leader)
  if (others.length < 2) return
  const to = random.pick(others)
  world.stallDisk(to, 'log', vainTransferMs)
  world.proposeSome(1)
  world.transfer({ to, leaves: false })
  world.watchForLooking()
  world.run(vainTransferMs)
  invariant(world.leader() === leader, 'a leader that cannot hand over goes on')
  invariant(!world.hasLooked, 'a transfer that is given up needs no election')
}

/** Without faults, a leader that is asked to hand over does, while it proposes, and at once. */
function transferInPeace(world: ZabWorld): void {
  const { random, events } = world
  settle(world)
  const leader = world.leader()
  const others = world.votersBeside(leader)
  if (others.length < 2) return
  const to = random.pick(others)
  world.proposeSome(1 + random.below(3))
  const beganMs = events.nowMs
  // By groups or weights, a leader may be one without which there is no quorum.
  const leaves = random.chance(0.5) && world.isQuorumWithout(leader)
  world.transfer({ to, leaves })
  world.watchForLooking()
  while (world.leader() !== to && events.nowMs - beganMs < peacefulTransferMs) world.run(1)
  invariant(world.leader() === to, 'without faults, leadership goes to the server that is named')
  invariant(world.proposeSome(1), 'a server that took over proposes')
  settle(world)
  invariant(!world.hasLooked, 'a transfer of leadership needs no election')
}

function resultOf({ checker, coverage }: ZabWorld): ZabLife {
  const { committed, establishedCount } = checker
  return { committed: committed.length, established: establishedCount, coverage }
}

function timeOf({ nowMs }: ZabWorld): string {
  return nowMs.toFixed(1).padStart(9)
}
