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
