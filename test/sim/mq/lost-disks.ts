// Lives in which disks are lost in just the way that matters, step by step (life.ts has those of
// chance). In each, every partition keeps a member of its ISR whose disk is whole and which comes back: no
// acknowledged record may be lost, and at the end all replicas are in sync again.

import type { MqWorld } from './life.ts'
import type { SimBroker } from './sim-broker.ts'

export interface LostDisk {
  readonly name: string
  readonly script: (world: MqWorld) => Promise<void>
}

/** Long enough for all sessions to be over, and an election without the others. */
const lateMs = 3000

export const lostDisks: readonly LostDisk[] = [
  {
    name: 'all are killed at once, and one, whose disk is wiped, comes back first',
    script: async (world) => {
      const first = await begin(world)
      killAll(world)
      first.loseDisk((disk) => disk.wipe())
      await comeBack(world, first)
    },
  },
  {
    name: 'a bit of the last record turns, and its broker comes back first',
    script: async (world) => {
      const first = await begin(world)
      killAll(world)
      first.loseDisk((disk) => disk.turnBits(1))
      await comeBack(world, first)
    },
  },
  {
    name: 'an old copy of a disk is put back, and its broker comes back first',
    script: async (world) => {
      const first = await begin(world)
      const copy = first.disk.copy()
      // Longer than a checkpoint takes: copies made since the last one are not told apart.
      await world.run(6000)
      await world.store(40)
      await world.run(6000)
      killAll(world)
      first.loseDisk((disk) => disk.putBack(copy))
      await comeBack(world, first)
    },
  },
  {
    name: 'a bit in the middle of a log turns while its broker is down',
    script: async (world) => {
      const first = await begin(world)
      await world.run(6000)
      killAll(world)
      first.loseDisk((disk) => disk.turnBits(0.5))
      await comeBack(world, first)
    },
  },
  {
    name: 'a leader returns before its session is gone, and its last durable record is cut',
    script: async (world) => {
      const first = await begin(world)
      first.loseDisk((disk) => disk.turnBits(1))
      await world.run(20)
      first.start()
      await world.run(lateMs)
    },
  },
  {
    name: 'an ISR write in flight names a broker that has lost its tail meanwhile',
    script: async (world) => {
      const leader = await begin(world)
      const follower = world.brokers.find((broker) => broker !== leader)
      if (follower === undefined) return
      follower.end({ power: true })
      await world.run(lateMs)
      await world.store(40)
      follower.start()
      await world.until('a follower is about to join', () => hasCaughtUp(world, follower))
      for (const { name } of world.servers) world.network.slow(leader.name, name, 200)
      await world.run(20)
      follower.loseDisk((disk) => disk.turnBits(1))
      follower.start()
      await world.run(400)
      for (const broker of world.brokers) if (broker !== follower) broker.end({ power: true })
      world.network.unblockAll()
      await world.run(lateMs)
      for (const broker of world.brokers) broker.start()
    },
  },
  {
    name: 'those that come first have all lost their tails',
    script: async (world) => {
      const first = await begin(world)
      killAll(world)
      const [second] = world.brokers.filter((broker) => broker !== first)
      first.loseDisk((disk) => disk.turnBits(1))
      second?.loseDisk((disk) => disk.turnBits(1))
      first.start()
      second?.start()
      await world.run(lateMs / 6)
      for (const broker of world.brokers) broker.start()
    },
  },
  {
    name: 'a replica that leads briefly in a later epoch has fewer records than another',
    script: async (world) => {
      const first = await begin(world)
      const copy = first.disk.copy()
      await world.run(6000)
      await world.store(40)
      await world.run(6000)
      killAll(world)
      first.loseDisk((disk) => disk.putBack(copy))
      first.start()
      await world.run(lateMs)
      killAll(world)
      await comeBack(world, undefined)
    },
  },
]

/** @returns the leader of the first partition, when records are stored and all replicas have them */
async function begin(world: MqWorld): Promise<SimBroker> {
  await world.store(60)
  await world.until('all replicas are in sync', () => world.isInSync())
  return world.brokers.find((broker) => broker.leads(0)) ?? world.brokers[0] ?? fail()
}

function fail(): never {
  throw new Error('There is no broker')
}

function killAll(world: MqWorld): void {
  for (const broker of world.brokers) broker.end({ power: true })
}

/** One alone, and a good while later the others. */
async function comeBack(world: MqWorld, first: SimBroker | undefined): Promise<void> {
  first?.start()
  await world.run(lateMs)
  for (const broker of world.brokers) broker.start()
  await world.run(lateMs)
}

function hasCaughtUp(world: MqWorld, follower: SimBroker): boolean {
  return follower.replicas.some(({ partition, logEnd, durableEnd }) => {
    const end = world.checker.committedEnd(partition)
    return end > 0 && logEnd >= end && durableEnd === logEnd
  })
}
