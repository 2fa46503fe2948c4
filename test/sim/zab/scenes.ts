// Longer chains of events that bring an ensemble of cores to its weakest points.

import type { ZabWorld } from './world.ts'

/** The followers restart without their leader, which does not learn of it. */
export function deposeLeader(world: ZabWorld): void {
  const { random, servers } = world
  const leader = world.leader()
  if (leader === undefined) return
  for (const { id } of servers) {
    world.network.block(leader, id)
    world.network.block(id, leader)
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
  if (random.chance(0.5)) world.network.healAll()
}

/**
 * Servers that were absent when something was committed return to a server that was present but
 * lost its disk, or to several such, `anyhow`. Together they would be a majority without it.
 */
export function forgetCommitted(world: ZabWorld, { anyhow }: { readonly anyhow: boolean }): void {
  const { random, voters } = world
  const order = random.shuffled(voters.map(({ id }) => id))
  const minority = (voters.length - 1) / 2
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
export function leaveBehind(world: ZabWorld): void {
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
 * Two servers lead, neither with a quorum, and a third wavers between them: it may promise both if
 * promises are not kept.
 */
export function waver(world: ZabWorld): void {
  const { random, servers, voters } = world
  const [one, other, between] = random.shuffled(voters.map(({ id }) => id))
  if (one === undefined || other === undefined || between === undefined) return
  world.network.healAll()
  for (const { id } of servers) world.start(id)
  for (const a of servers) for (const b of servers) if (a.id < b.id) world.network.drop(a.id, b.id)
  // Just long enough to ask for an epoch, or long enough to promise one.
  const stay = (): number =>
    world.nowMs + (random.chance(0.5) ? random.next() * 6 : 8 + random.next() * 20)
  let leader = one
  let untilMs = stay()
  for (let i = 0; i < 100; i++) {
    world.lies.elect(one, one, { everybody: true })
    world.lies.elect(other, other, { everybody: true })
    world.lies.elect(between, leader, { everybody: false })
    world.run(0.5)
    if (world.nowMs < untilMs) continue
    world.network.drop(between, leader)
    leader = leader === one ? other : one
    untilMs = stay()
  }
}

/** A leader is asked to hand over while its followers lag, links break and servers crash. */
export function transferAmidst(
  world: ZabWorld,
  {
    stall,
    crash,
    drop,
  }: { readonly stall: boolean; readonly crash: boolean; readonly drop: boolean },
): void {
  const { random, servers } = world
  const leader = world.leader()
  const others = servers.map(({ id }) => id).filter((id) => id !== leader)
  if (leader === undefined) return
  const to = random.pick(others)
  if (stall && random.chance(0.5)) world.stallDisk(to, 'log', random.next() * 400)
  world.proposeSome(1 + random.below(3))
  world.transfer({ to, leaves: random.chance(0.5) })
  for (let i = 0; i < 4; i++) {
    world.run(random.next() * 8)
    const dice = random.next()
    if (dice < 0.3) world.proposeSome(1)
    else if (dice < 0.5) world.confirm()
    else if (dice < 0.6 && drop) world.network.drop(leader, random.pick(others))
    else if (dice < 0.7 && drop) world.network.drop(to, random.pick(others))
    else if (dice < 0.8 && crash) world.crashSoon(leader, random.below(12))
    else if (dice < 0.9 && crash) world.crashSoon(to, random.below(12))
    else world.transfer({ leaves: false })
  }
}
