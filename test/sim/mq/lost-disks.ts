// Scripted lives in which disks are lost in just the way that matters, or a broker dies at just the
// wrong moment (life.ts has the random ones). In each, every partition keeps a member of its ISR
// whose disk is whole and which returns: no acknowledged record may be lost, and at the end all
// replicas are in sync again.

import { cutBatches, turnBits } from './damage.ts'
import { liveMq, type MqLife, type MqWorld } from './life.ts'
import type { SimBroker } from './sim-broker.ts'

export interface LostDisk {
  readonly name: string
  /** replicas of each partition; 3 by default */
  readonly replicas?: number
  /** the only whole log may have lost a tail: then the others, or an operator, have to decide */
  readonly mayNeedOperator?: true
  readonly script: (world: MqWorld) => Promise<void>
}

/** Long enough for all sessions to expire, and for an election among the live brokers. */
const lateMs = 3000
/** Longer than an election waits for absent members. */
const tooLateMs = 13_000

/**
 * One seed after the other: one script after the other.
 *
 * @throws InvariantError when a promise is broken
 */
export function liveLostDisks(seed: number): Promise<MqLife> {
  const lostDisk = lostDisks[(seed - 1) % lostDisks.length] ?? fail()
  return liveLostDisk(lostDisk, seed)
}

/** @throws InvariantError when a promise is broken */
export function liveLostDisk(lostDisk: LostDisk, seed: number): Promise<MqLife> {
  const { script, replicas, mayNeedOperator } = lostDisk
  return liveMq(seed, { script, replicas, needsNoOperator: mayNeedOperator !== true })
}

export const lostDisks: readonly LostDisk[] = [
  {
    name: 'all are killed at once, and one with a wiped disk returns first',
    script: async (world) => {
      const first = await beginAndKill(world)
      world.loseDisk(first, (disk) => disk.wipe())
      await comeBack(world, first, tooLateMs)
    },
  },
  {
    name: 'a bit of the last record flips, and its broker returns first',
    script: async (world) => {
      const first = await beginAndKill(world)
      world.loseDisk(first, (disk) => turnBits(disk, 1))
      await comeBack(world, first)
    },
  },
  {
    name: 'an old copy of a disk is put back, and its broker returns first',
    script: async (world) => {
      const first = await begin(world)
      const copy = first.disk.copy()
      // Longer than a checkpoint takes: copies made since the last one cannot be distinguished.
      await world.run(6000)
      await world.store(40)
      await world.run(6000)
      killAll(world)
      world.loseDisk(first, (disk) => disk.putBack(copy))
      await comeBack(world, first, tooLateMs)
    },
  },
  {
    name: 'a bit in the middle of a log flips while its broker is down',
    script: async (world) => {
      const first = await begin(world)
      await world.run(6000)
      killAll(world)
      world.loseDisk(first, (disk) => turnBits(disk, 0.5))
      await comeBack(world, first)
    },
  },
  {
    name: 'a leader returns before its session is gone, and its last durable record is cut',
    script: async (world) => {
      const first = await begin(world)
      world.loseDisk(first, (disk) => turnBits(disk, 1))
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
      world.loseDisk(follower, (disk) => turnBits(disk, 1))
      follower.start()
      await world.run(400)
      for (const broker of world.brokers) if (broker !== follower) broker.end({ power: true })
      world.network.unblockAll()
      await world.run(lateMs)
      for (const broker of world.brokers) broker.start()
    },
  },
  {
    name: 'the brokers that return first have all lost their tails',
    script: async (world) => {
      const first = await beginAndKill(world)
      const [second] = world.brokers.filter((broker) => broker !== first)
      world.loseDisk(first, (disk) => turnBits(disk, 1))
      if (second !== undefined) world.loseDisk(second, (disk) => turnBits(disk, 1))
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
      world.loseDisk(first, (disk) => disk.putBack(copy))
      first.start()
      await world.run(tooLateMs)
      killAll(world)
      await comeBack(world, undefined)
    },
  },
  {
    name: 'a follower is cut off while the ISR write that names it is in flight, and leads next',
    script: async (world) => {
      await begin(world)
      const [follower, ...others] = world.brokers
      if (follower === undefined) return
      follower.end({ power: true })
      await world.run(lateMs)
      await world.store(40)
      for (const broker of others) {
        for (const { name } of world.servers) world.network.slow(broker.name, name, 100)
      }
      follower.start()
      await world.until('a follower is about to join', () => hasCaughtUp(world, follower))
      for (const { name } of others) world.network.block(name, follower.name)
      world.send(40)
      await hasJoined(world, follower)
      for (const broker of others) broker.end({ power: true })
      world.network.unblockAll()
      await world.run(lateMs)
      for (const broker of others) broker.start()
    },
  },
  {
    name: 'a lagging follower is cut off for a while, and is the last one alive',
    script: async (world) => {
      await begin(world)
      const [follower, ...others] = world.brokers
      if (follower === undefined) return
      follower.end({ power: true })
      await world.run(lateMs)
      await world.store(40)
      for (const { name } of others) world.network.slow(name, follower.name, 500)
      follower.start()
      await hasJoined(world, follower)
      for (const broker of others) {
        world.network.reset(broker.name, follower.name)
        world.network.block(broker.name, follower.name)
        broker.end({ power: true })
      }
      await world.run(lateMs)
      world.network.unblockAll()
      for (const broker of others) broker.start()
    },
  },
  {
    name: 'a broker gets its old disk back after using another one, and the other disks are gone',
    script: async (world) => {
      const first = await beginAndKill(world)
      const own = first.disk.copy()
      for (const broker of world.brokers) world.loseDisk(broker, (disk) => disk.wipe())
      for (const broker of world.brokers) broker.start()
      await world.run(lateMs)
      world.loseDisk(first, (disk) => disk.putBack(own))
      await comeBack(world, first)
    },
  },
  {
    name: 'a copy that no mark distinguishes ends below the high watermark of a damaged log',
    script: async (world) => {
      const first = await begin(world)
      const [second] = world.brokers.filter((broker) => broker !== first)
      if (second === undefined) return
      // Its checkpoints lie between those of the others, which are at 5000, 10 000 and so on.
      second.end({ power: true })
      await runUntil(world, 2500)
      second.start()
      await runUntil(world, 10_300)
      await world.until('all replicas are in sync', () => world.isInSync())
      const copy = first.disk.copy()
      await world.store(40)
      await runUntil(world, 14_000)
      killAll(world)
      world.loseDisk(first, (disk) => disk.putBack(copy))
      world.loseDisk(second, (disk) => turnBits(disk, 0.5))
      first.start()
      second.start()
      await world.run(tooLateMs)
      for (const broker of world.brokers) broker.start()
      await world.run(lateMs)
    },
  },
  {
    name: 'a copy that no mark distinguishes returns first',
    script: async (world) => {
      const first = await begin(world)
      const copy = first.disk.copy()
      await world.store(40)
      killAll(world)
      world.loseDisk(first, (disk) => disk.putBack(copy))
      await comeBack(world, first)
    },
  },
  {
    name: 'one broker returns alone and leads, and loses its disk when the others return',
    script: async (world) => {
      const first = await beginAndKill(world)
      first.start()
      await world.run(tooLateMs)
      world.loseDisk(first, (disk) => disk.wipe())
      await comeBack(world, first)
    },
  },
  {
    name: 'a bit of the last record flips, and no other broker returns in time',
    script: async (world) => {
      const first = await beginAndKill(world)
      world.loseDisk(first, (disk) => turnBits(disk, 1))
      first.start()
      await world.run(tooLateMs)
      for (const broker of world.brokers) broker.start()
      await world.run(lateMs)
    },
  },
  {
    name: 'a follower’s session ends before that of its leader, whose disk has lost a tail',
    replicas: 2,
    script: async (world) => {
      const leader = await begin(world)
      const follower = world.brokers.find(
        (broker) => broker !== leader && broker.replicas.some(({ partition }) => partition === 0),
      )
      follower?.end({ power: true })
      // Less than a session lasts, and more than two of them end at the same time.
      await world.run(400)
      world.loseDisk(leader, (disk) => turnBits(disk, 1))
      leader.start()
      follower?.start()
      await world.run(lateMs)
    },
  },
  {
    name: 'the last in-sync replica lacks records without knowing it, and eligible disks have them',
    script: async (world) => {
      const last = await begin(world)
      // A checkpoint would show it.
      await runUntil(world, 10_300)
      await world.store(40)
      for (const broker of world.brokers) if (broker !== last) broker.end({ power: true })
      await world.until('one goes on alone', () =>
        world.partitionIds.every((partition) => {
          const state = world.stateOf(partition)
          return state?.leader === last.id && state.isr.length === 1
        }),
      )
      world.loseDisk(last, (disk) => cutBatches(disk, 3))
      await comeBack(world, last, 0)
    },
  },
  {
    name: 'a broker that has reported is killed, and its disk loses a tail before it reports again',
    script: async (world) => {
      await beginAndKill(world)
      const [first, ...others] = world.brokers
      if (first === undefined) return
      first.start()
      await world.run(lateMs)
      world.loseDisk(first, (disk) => turnBits(disk, 1))
      for (const broker of others) broker.start()
      await world.run(lateMs)
      // It registers a good while before its next report arrives.
      for (const { name } of world.servers) world.network.slow(first.name, name, 200)
      first.start()
      await world.run(lateMs)
      world.network.unblockAll()
    },
  },
  {
    name: 'an fsync fails everywhere, all brokers return, and then the power fails',
    script: async (world) => {
      await begin(world)
      // Of the same log everywhere. The first may be that of its directory, for another segment.
      for (let i = 0; i < 3; i++) {
        for (const broker of world.brokers) broker.disk.failAfter(0)
        world.send(20, [0])
        await world.run(lateMs / 10)
        for (const broker of world.brokers) {
          // One that wrote nothing has not failed, and no longer does.
          broker.heal()
          broker.start()
        }
        await world.run(lateMs)
        await world.until('records are stored', () => world.isInSync())
      }
      killAll(world)
      await world.run(20)
      for (const broker of world.brokers) broker.start()
    },
  },
  {
    name: 'the disk of a leader stands still, then the power fails, and its only follower loses its disk',
    mayNeedOperator: true,
    script: async (world) => {
      const leader = await begin(world)
      const [follower, other] = world.brokers.filter((broker) => broker !== leader)
      other?.end({ power: true })
      await world.run(lateMs)
      leader.disk.stall(400)
      world.send(40)
      await world.run(150)
      killAll(world)
      if (follower !== undefined) world.loseDisk(follower, (disk) => disk.wipe())
      for (const broker of world.brokers) broker.start()
      await world.run(lateMs)
    },
  },
  {
    name: 'a leader dies before any record of its epoch is committed, and returns',
    script: async (world) => {
      const first = await begin(world)
      first.end({ power: true })
      await world.run(lateMs)
      const [leader, follower] = world.brokers
        .filter((broker) => broker !== first)
        .sort((a, b) => Number(b.leads(0)) - Number(a.leads(0)))
      if (leader === undefined || follower === undefined) return
      world.network.block(leader.name, follower.name)
      // Takes less than a follower may lag: the leader does not remove it from the ISR.
      await world.storeAt(leader, { partition: 0, from: 0, count: 20 })
      leader.end({ power: true })
      world.network.unblockAll()
      await world.run(lateMs)
      for (const broker of world.brokers) broker.start()
      await world.run(lateMs)
    },
  },
  {
    name: 'a leader cuts most of the batches that it remembers of a producer, and leads again',
    script: async (world) => {
      const leader = await begin(world)
      const others = world.brokers.filter((broker) => broker !== leader)
      // Of 220 batches it remembers 128; when 80 are cut, fewer than are to be recognised.
      await world.storeAt(leader, { partition: 0, from: 0, count: 140 })
      await world.until('all replicas are in sync', () => world.isInSync())
      for (const { name } of others) world.network.block(leader.name, name)
      await world.storeAt(leader, { partition: 0, from: 140, count: 80 })
      await world.run(100)
      leader.end({ power: true })
      world.network.unblockAll()
      await world.run(lateMs)
      leader.start()
      await hasJoined(world, leader)
      for (const broker of others) broker.end({ power: true })
      await world.run(lateMs)
      for (const broker of others) broker.start()
      await world.run(lateMs)
    },
  },
  {
    name: 'a follower returns that has what was deleted meanwhile, and is the first to return again',
    script: async (world) => {
      const leader = await begin(world)
      const follower = world.brokers.find((broker) => broker !== leader)
      if (follower === undefined) return
      follower.end({ power: true })
      await world.run(lateMs)
      let isDeleted = false
      world.strange.deleteRecords(0, world.checker.committedEnd(0)).then(
        () => {
          isDeleted = true
        },
        (error: Error) => world.fail(error),
      )
      await world.until('records are deleted', () => isDeleted)
      follower.start()
      await world.until('a follower is about to join', () => hasCaughtUp(world, follower))
      // It cannot remove them yet.
      follower.disk.stall(1000)
      await hasJoined(world, follower)
      killAll(world)
      follower.heal()
      await comeBack(world, follower, tooLateMs)
    },
  },
]

/**
 * @returns the leader of the first partition, when records are stored and all replicas have them
 */
async function begin(world: MqWorld): Promise<SimBroker> {
  await world.store(60)
  await world.until('all replicas are in sync', () => world.isInSync())
  return world.brokers.find((broker) => broker.leads(0)) ?? world.brokers[0] ?? fail()
}

/** The same, after which all brokers are killed. */
async function beginAndKill(world: MqWorld): Promise<SimBroker> {
  const leader = await begin(world)
  killAll(world)
  return leader
}

function fail(): never {
  throw new Error('There is no broker')
}

async function runUntil(world: MqWorld, atMs: number): Promise<void> {
  await world.run(Math.max(0, atMs - world.queue.nowMs))
}

function killAll(world: MqWorld): void {
  for (const broker of world.brokers) broker.end({ power: true })
}

/** One alone, and the others much later. */
async function comeBack(
  world: MqWorld,
  first: SimBroker | undefined,
  aloneMs = lateMs,
): Promise<void> {
  first?.start()
  await world.run(aloneMs)
  for (const broker of world.brokers) broker.start()
  await world.run(lateMs)
}

function hasCaughtUp(world: MqWorld, follower: SimBroker): boolean {
  return follower.replicas.some(({ partition, logEnd, durableEnd }) => {
    const end = world.checker.committedEnd(partition)
    return end > 0 && logEnd >= end && durableEnd === logEnd
  })
}

/** Returns when the ISR of each partition names it, or would have by now. */
async function hasJoined(world: MqWorld, { id }: SimBroker): Promise<void> {
  const isNamed = (partition: number) =>
    world.stateOf(partition)?.isr.some(({ broker }) => broker === id) === true
  for (let waitedMs = 0; waitedMs < 2000; waitedMs += 10) {
    await world.run(10)
    if (Array.from({ length: world.partitions }, (_, i) => i).every(isNamed)) return
  }
}
