// Longer chains of events that bring servers and clients to their weakest points.

import { MsgpackWriter } from '../../../src/protocol/msgpack.ts'
import { encodePeerMessage } from '../../../src/protocol/peer/codec.ts'
import { IdentitiesCodec } from '../../../src/protocol/peer/identities.ts'
import type { Request } from '../../../src/protocol/zk/messages.ts'
import { zxidZero } from '../../../src/protocol/zxid.ts'
import { fastestClock } from './checker.ts'
import type { SimClient } from './client.ts'
import type { ServersWorld } from './life.ts'
import type { SimServer } from './server.ts'

/**
 * A leader whose messages are lost proposes for a while; when it is back, what it logged alone must
 * be cut.
 */
export function depose(world: ServersWorld, leader: SimServer): void {
  const { network, queue, random, servers, load } = world
  for (const other of servers) {
    network.block(leader.host, other.host)
    if (other !== leader) other.start()
  }
  for (const client of world.clients) {
    if (!client.process.alive || client.pendingCount > 30) continue
    for (let i = 0; i < 4; i++) client.ask({ ...load.setData(), version: -1 })
  }
  queue.after(20 + random.below(100), () => leader.end({ power: false }))
  // The next leader has fewer of its own, which do not overwrite them all.
  queue.after(1300, () => {
    const client = world.clients.find(({ state }) => state === 'connected')
    client?.ask(load.setData())
  })
  world.calmUntilMs = queue.nowMs + 2200
  queue.after(1500, () => {
    network.unblockAll()
    leader.start()
  })
  // What was cut must not reappear.
  queue.after(1500 + random.below(600), () => {
    if (!world.isSettling) leader.end({ power: random.chance(0.5) })
  })
}

/**
 * The disk of a server is lost, or damaged: only if the others can still continue, and every
 * majority of them has everything committed.
 */
export function loseDisk(
  world: ServersWorld,
  server: SimServer,
  lose: (server: SimServer) => void,
): void {
  const committed = world.checker.lastZxid
  // Who votes may change before those that are left are counted.
  if (world.mayChange) return
  if (!server.votes) return lose(server)
  const voters = world.servers.filter(({ votes }) => votes)
  const majority = Math.floor(voters.length / 2) + 1
  const others = voters.filter((other) => other !== server)
  const whole = others.filter(
    ({ logged, isUp, isCounted }) => isUp && isCounted && logged >= committed,
  )
  if (whole.length < majority) return
  if (server.logged > committed) return
  lose(server)
}

/** A client has to move to a server that lags because of a slow disk. */
export function move(world: ServersWorld, client: SimClient, server: SimServer): void {
  const { network, servers, load } = world
  if (!client.process.alive) return
  server.disk.stall(400 + world.random.below(400))
  for (let i = 0; i < 3; i++) client.ask(load.setData())
  // It sees what the server will not have applied when it arrives there.
  world.queue.after(40 + world.random.below(100), () => {
    for (const { host } of servers) {
      if (host !== server.host) network.block(client.name, host)
      network.reset(client.name, host)
    }
    client.ask(load.read(false))
  })
  world.queue.after(1000, () => {
    for (const { host } of servers) network.unblock(client.name, host)
  })
}

/**
 * A leader with a slow clock loses its followers long before it notices, while its clients
 * continue; it must not hide from them what the next leader does meanwhile.
 */
export function strand(world: ServersWorld): void {
  const { network, queue, servers, load } = world
  const leader = servers.find(({ role }) => role.type === 'leading')
  if (leader === undefined) return
  network.unblockAll()
  for (const server of servers) server.start()
  // A write that it proposes is never committed, and syncs wait for it: writes go only to others.
  const untilMs = queue.nowMs + 2300
  world.calmUntilMs = untilMs
  const ask = (): void => {
    if (queue.nowMs > untilMs || world.isSettling) return
    for (const client of world.clients) {
      if (!client.process.alive || client.pendingCount > 10) continue
      if (client.server !== leader.host) client.ask(load.setData())
      const synced = client.ask({ type: 'sync', path: '/' })
      client.ask(load.read(false), { synced })
    }
    queue.after(50, ask)
  }
  queue.after(700, () => {
    if (world.isSettling) return
    for (const server of servers) {
      server.process?.drift(server === leader ? 0.4 : fastestClock)
      network.block(leader.host, server.host)
      network.block(server.host, leader.host)
    }
    ask()
  })
  world.cover('stranded leader')
}

/** A client moves to another server, and its writes through the first one arrive late. */
export function moveAhead(world: ServersWorld, client: SimClient): void {
  const { network, queue, servers, load } = world
  const leader = servers.find(({ role }) => role.type === 'leading')?.host
  const from = client.server
  if (leader === undefined || leader === from || !client.process.alive) return
  network.block(from, leader)
  client.ask(load.setData())
  client.ask(load.setData())
  queue.after(20, () => network.reset(client.name, from))
  for (let i = 1; i < 6; i++) {
    queue.after(60 * i, () => {
      if (client.state === 'connected') client.ask(load.setData())
    })
  }
  queue.after(400, () => network.unblock(from, leader))
  world.calmUntilMs = queue.nowMs + 450
  world.cover('moved ahead')
}

/** A session ends while its ephemeral is in flight, and another session wants the same name. */
export function closeAmidst(world: ServersWorld, client: SimClient): void {
  const { load } = world
  const create: Request = {
    type: 'create',
    path: '/e/shared',
    data: load.value(),
    mode: 'ephemeral',
  }
  if (!client.process.alive) return
  client.ask(create)
  client.close()
  for (const other of world.clients) {
    if (other !== client && other.process.alive) {
      other.ask({ ...create, data: load.value() })
      other.ask({ type: 'delete', path: '/e/shared', version: -1 })
    }
  }
}

/** Splits the ensemble into two parts without contact. */
export function split(world: ServersWorld): void {
  const { random, network, servers } = world
  const here = new Set(servers.filter(() => random.chance(0.5)))
  for (const one of servers) {
    for (const other of servers) {
      if (here.has(one) !== here.has(other)) network.block(one.host, other.host)
    }
  }
  world.cover('partition')
}

/** Splits the ensemble, with one server in contact with both parts. */
export function bridge(world: ServersWorld): void {
  const { random, network, servers } = world
  const bridge = random.pick(servers)
  const others = servers.filter((server) => server !== bridge)
  for (const [i, one] of others.entries()) {
    for (const [j, other] of others.entries()) {
      if (i % 2 !== j % 2) network.block(one.host, other.host)
    }
  }
  world.cover('bridge')
}

/** A link that comes and goes. */
export function flap(world: ServersWorld, a: string, b: string): void {
  const { random, network, queue } = world
  const untilMs = queue.nowMs + 2000
  const turn = (blocks: boolean): void => {
    if (blocks && queue.nowMs < untilMs && !world.isSettling) network.block(a, b)
    else network.unblock(a, b)
    if (queue.nowMs < untilMs) queue.after(random.next() * 300, () => turn(!blocks))
  }
  turn(true)
  world.cover('flapping link')
}

/**
 * Every looking server receives votes that no server cast: safety does not rest on them.
 *
 * @param round above those that elections reach by themselves
 */
export function forgeElection(world: ServersWorld, round: number): void {
  const { random, network, servers } = world
  const leader = random.pick(servers)
  const vote = { epoch: round, zxid: leader.logged, standing: 'voter', id: leader.id } as const
  const decided = random.chance(0.3)
  const out = new MsgpackWriter()
  for (const from of servers) {
    const role = !decided ? 'looking' : from === leader ? 'leading' : 'following'
    const establishedEpoch = decided ? round : 0
    out.clear()
    out.beginFrame()
    encodePeerMessage(
      out,
      {
        type: 'NOTIFICATION',
        vote,
        round,
        role,
        establishedEpoch,
        initialised: true,
        configuration: zxidZero,
      },
      new IdentitiesCodec(),
    )
    out.endFrame()
    const bytes = Buffer.from(out.view())
    for (const to of servers) {
      if (to.role.type === 'looking') network.forge(from.host, to.host, bytes)
    }
  }
  world.trace?.(`votes for ${leader.host} are forged`)
  world.cover('forged election')
}

export function isolate(world: ServersWorld, host: string): void {
  for (const other of world.servers) {
    world.network.block(host, other.host)
    if (world.random.chance(0.8)) world.network.block(other.host, host)
  }
}

export function vanish(world: ServersWorld): void {
  const at = world.random.below(world.clients.length)
  const client = world.clients[at]
  if (client === undefined || !client.process.alive) return
  world.trace?.(`${client.name} vanishes`)
  client.vanish(world.network)
  world.addClient()
}

/** Clients write while a leader hands over, and perhaps one of the two ends, or the link between. */
export function transferAmidst(world: ServersWorld, leader: SimServer, to: SimServer): void {
  const { queue, random, network, load, clients, faults } = world
  const write = (): void => {
    for (const client of clients) {
      if (client.process.alive && client.pendingCount < 30) client.ask(load.setData())
    }
  }
  write()
  world.transfer(leader, to)
  for (let i = 0; i < 3; i++) queue.after(random.next() * 20, write)
  if (random.chance(0.5)) return
  const afterMs = random.next() * 40
  const victim = random.chance(0.5) ? leader : to
  if (faults.kills > 0) {
    queue.after(afterMs, () => {
      if (!world.isSettling) victim.end({ power: random.chance(0.5) })
    })
  } else if (faults.brokenLinks > 0) queue.after(afterMs, () => network.reset(leader.host, to.host))
}

/** Clients ask for changes, one upon the other, and the leader or a link to it is lost meanwhile. */
export function changeAmidst(world: ServersWorld, leader: SimServer): void {
  const { queue, random, network, load, clients, servers, faults } = world
  const write = (): void => {
    for (const client of clients) {
      if (client.process.alive && client.pendingCount < 30) client.ask(load.setData())
    }
  }
  for (const server of servers) if (random.chance(0.5)) server.start()
  write()
  world.change()
  for (let i = 0; i < 4; i++) {
    queue.after(random.next() * 200, () => {
      if (world.isSettling) return
      write()
      if (random.chance(0.5)) world.change()
    })
  }
  const afterMs = random.next() * 60
  const other = random.pick(servers)
  if (faults.kills > 0 && random.chance(0.6)) {
    const victim = random.chance(0.6) ? leader : other
    queue.after(afterMs, () => {
      if (!world.isSettling) victim.end({ power: random.chance(0.5) })
    })
  } else if (faults.brokenLinks > 0 && random.chance(0.5)) {
    // What it proposes alone is cut.
    for (const each of servers) if (each !== other) network.block(leader.host, each.host)
    queue.after(1000, () => {
      for (const each of servers) network.unblock(leader.host, each.host)
    })
  }
}
