// Scripted lives about configs that change while brokers fail, compaction, and planned restarts: what
// random lives (life.ts) meet too seldom. No disk is lost but where a name says so.

import { decodeDeletedTopic } from '../../../src/broker/cluster/deleted-topics.ts'
import { decodeState, zkPaths } from '../../../src/broker/cluster/zk-paths.ts'
import { invariant } from '../../../src/invariant.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'
import { liveMq, type MqLife, type MqWorld } from './life.ts'
import { topic } from './load.ts'
import type { SimBroker } from './sim-broker.ts'
import { dataOf } from './tree-data.ts'

export interface Scenario {
  readonly name: string
  /** the only disk in sync is lost: an operator has to decide */
  readonly mayNeedOperator?: true
  /** of each partition, of three brokers; 3 unless told */
  readonly replicas?: number
  readonly script: (world: MqWorld) => Promise<void>
}

/** Long enough for all sessions to expire, and for an election among the live brokers. */
const lateMs = 3000
/** Longer than a change of a config takes to be known everywhere. */
const knownMs = 1000
const hourMs = 3_600_000
/** Less than a fetch may take, and longer than it takes to move leadership twice. */
const slowMs = 1200
/** Seconds that a replica takes under a throttle: long, and less than a wait for it. */
const throttledS = 5

/**
 * One seed after the other: one scenario after the other.
 *
 * @throws InvariantError when a promise is broken
 */
export function liveScenarios(seed: number): Promise<MqLife> {
  const scenario = scenarios[(seed - 1) % scenarios.length]
  invariant(scenario !== undefined, 'there are scenarios')
  return liveScenario(scenario, seed)
}

/** @throws InvariantError when a promise is broken */
export function liveScenario(scenario: Scenario, seed: number): Promise<MqLife> {
  const { script, mayNeedOperator, replicas = 3 } = scenario
  return liveMq(seed, { script, replicas, needsNoOperator: mayNeedOperator !== true })
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'min.insync.replicas falls while one replica is in sync, whose disk is lost then',
    mayNeedOperator: true,
    script: async (world) => {
      const last = await begin(world)
      await aloneInSync(world, last)
      await alter(world, { 'min.insync.replicas': 1 })
      world.checker.minInsyncReplicasIs(1)
      await world.store(40)
      world.loseDisk(last, (disk) => disk.wipe())
      for (const broker of world.brokers) broker.start()
      await world.run(lateMs)
    },
  },
  {
    name: 'min.insync.replicas falls while one replica is in sync, which dies and returns late',
    script: async (world) => {
      const last = await begin(world)
      await aloneInSync(world, last)
      await alter(world, { 'min.insync.replicas': 1 })
      world.checker.minInsyncReplicasIs(1)
      await world.store(40)
      last.end({ power: true })
      for (const broker of world.brokers) if (broker !== last) broker.start()
      await world.run(13_000)
      last.start()
      await world.run(lateMs)
    },
  },
  {
    name: 'min.insync.replicas rises, and a replica is away',
    script: async (world) => {
      const leader = await begin(world)
      await alter(world, { 'min.insync.replicas': 3 })
      await world.run(knownMs)
      world.checker.minInsyncReplicasIsKnown(3)
      const away = world.brokers.find((broker) => broker !== leader)
      away?.end({ power: true })
      world.send(40)
      await world.run(lateMs)
      away?.start()
      await world.run(lateMs)
    },
  },
  {
    name: 'keys are deleted in a compacted log, and all brokers lose power',
    script: async (world) => {
      await compact(world, { keptMs: hourMs })
      for (const broker of world.brokers) broker.end({ power: true })
      await world.run(100)
      for (const broker of world.brokers) broker.start()
      await world.run(lateMs)
      await rollAll(world)
    },
  },
  {
    name: 'keys are deleted in a compacted log that keeps no tombstones, and a leader dies',
    script: async (world) => {
      await compact(world, { keptMs: 0 })
      world.brokers.find((broker) => broker.leads(0))?.end({ power: true })
      await world.run(lateMs)
      for (const broker of world.brokers) broker.start()
      await world.run(lateMs)
      await rollAll(world)
    },
  },
  {
    name: 'each broker is stopped and started again, and its preferred replicas lead again',
    script: async (world) => {
      await begin(world)
      let stopping: SimBroker | undefined
      world.whenApplied = (tree) => {
        const id = stopping?.id as BrokerId | undefined
        if (id === undefined || tree.get(zkPaths.brokerId(id)) !== undefined) return
        for (const partition of world.partitionIds) {
          const state = decodeState(dataOf(tree, zkPaths.state(topic, partition)), 0)
          const what = `${partition} of broker ${id}`
          invariant(state?.leader !== id, `a broker hands over before it stops: ${what}`)
        }
        stopping = undefined
      }
      for (const broker of world.brokers) {
        stopping = broker
        world.send(10)
        broker.stop()
        await world.until('a broker stops', () => broker.process === undefined)
        broker.start()
        await world.until('all replicas are in sync', () => world.isInSync())
      }
      await answered(world, world.strange.electPreferred())
      await world.until('preferred replicas lead', () =>
        world.partitionIds.every((partition) => {
          const [preferred] = world.assignmentOf(partition)
          return world.stateOf(partition)?.leader === preferred
        }),
      )
      invariant(
        world.producers.every(({ failedCount }) => failedCount === 0),
        'producers notice nothing of planned restarts',
      )
    },
  },
  {
    name: 'a topic is deleted, and each broker loses power when it has said that it removed it',
    script: async (world) => {
      const admin = world.makeAdmin('topics')
      const doomed = 'doomed'
      await answered(world, admin.createTopic({ topic: doomed, partitions: 1, replicas: 3 }))
      const directory = world.directoryOf(doomed, 0) ?? ''
      const path = zkPaths.deletedTopic(directory.slice(0, directory.lastIndexOf('-')))
      let waiting: readonly number[] = []
      let isDeleted = false
      world.whenApplied = (tree) => {
        const left = decodeDeletedTopic('', dataOf(tree, path), 0)?.brokers ?? []
        isDeleted ||= left.length > 0
        for (const broker of world.brokers) {
          if (!waiting.includes(broker.id) || left.some((id) => id === broker.id)) continue
          world.queue.at(world.queue.nowMs, () => broker.end({ power: true }))
        }
        waiting = left
      }
      // The broker that is asked may die before it answers.
      admin.deleteTopics([doomed]).catch(() => undefined)
      await world.until('a topic is deleted', () => isDeleted)
      await world.run(lateMs)
      for (const broker of world.brokers) broker.start()
      await world.until('nothing of a deleted topic stays on a disk', () =>
        world.brokers.every(({ disk }) => !disk.logs.has(directory)),
      )
      admin.close()
    },
  },
  {
    name: 'a leader that hands over is cut off from ZooWeeper, until its session is over',
    script: async (world) => {
      const leader = await begin(world)
      let isCutOff = false
      world.whenApplied = (tree) => {
        const { leader: next } = decodeState(dataOf(tree, zkPaths.state(topic, 0)), 0) ?? {}
        if (next === undefined || next === leader.id) return
        world.whenApplied = undefined
        isCutOff = true
        for (const { name } of world.servers) world.network.block(name, leader.name)
      }
      leader.stop()
      await world.until('another leads, and the leader does not learn of it', () => isCutOff)
      await world.until('a broker stops', () => leader.process === undefined)
      world.network.unblockAll()
      leader.start()
      await world.run(lateMs)
    },
  },
  {
    name: 'a replica moves to a broker that cannot fetch, and the leader loses power',
    replicas: 2,
    script: async (world) => {
      const leader = await begin(world)
      const [preferred, other] = world.assignmentOf(0)
      const next = world.brokers.find(({ id }) => id !== preferred && id !== other)
      invariant(next !== undefined, 'one of three brokers has no replica')
      for (const { name } of world.brokers) world.network.block(name, next.name)
      const target = [leader.id, next.id].map((id) => id as BrokerId)
      const hasNext = (brokers: readonly number[]) => brokers.includes(next.id)
      await answered(world, world.strange.reassign(0, target))
      await world.until('a replica is being made', () => hasNext(world.assignmentOf(0)))
      // At the latest; if the replica is taken for in sync before it is, then at that moment.
      const atMs = world.queue.nowMs + knownMs
      await world.until('a leader loses power', () => {
        const isr = world.stateOf(0)?.isr.map(({ broker }) => broker) ?? []
        return hasNext(isr) || world.queue.nowMs > atMs
      })
      leader.end({ power: true })
      await world.run(lateMs)
      world.network.unblockAll()
      leader.start()
      await world.until('a replica has moved', () => {
        const replicas = world.assignmentOf(0)
        return replicas.length === target.length && target.every((id) => replicas.includes(id))
      })
    },
  },
  {
    name: 'records are deleted while a follower is cut off, and the others lose power',
    script: async (world) => {
      const leader = await begin(world)
      const behind = world.brokers.find((broker) => broker !== leader)
      invariant(behind !== undefined, 'there are followers')
      world.network.block(leader.name, behind.name)
      world.network.block(behind.name, leader.name)
      let isAnswered = false
      world.strange.deleteRecords(0, world.checker.committedEnd(0)).then(
        () => {
          isAnswered = true
        },
        (error) => {
          if (!(error instanceof BrokerError)) world.fail(error as Error)
        },
      )
      const atMs = world.queue.nowMs + world.lagTimeMsMax / 2
      await world.until('brokers lose power', () => isAnswered || world.queue.nowMs > atMs)
      const others = world.brokers.filter((broker) => broker !== behind)
      for (const broker of others) broker.end({ power: true })
      world.network.unblockAll()
      await world.run(lateMs)
      for (const broker of others) broker.start()
      await world.run(lateMs)
    },
  },
  {
    name: 'another leads for a moment, while a follower waits for records of the leader before',
    script: async (world) => {
      const leader = await begin(world)
      const [next, follower] = world.brokers.filter((broker) => broker !== leader)
      invariant(next !== undefined && follower !== undefined, 'two of three brokers follow')
      // Each broker leads a partition of it: the follower's session with each of them goes on.
      const admin = world.makeAdmin('topics')
      await answered(world, admin.createTopic({ topic: 'other', partitions: 3, replicas: 3 }))
      admin.close()
      await world.run(knownMs)
      world.network.slow(leader.name, follower.name, slowMs)
      const end = leader.durableEnd(0)
      world.send(10, [0])
      await world.until('a follower has records', () => next.durableEnd(0) > end)
      for (const first of [next, leader]) {
        const others = world.brokers.filter((broker) => broker !== first)
        const target = [first, ...others].map(({ id }) => id as BrokerId)
        await answered(world, world.strange.reassign(0, target))
        await answered(world, world.strange.electPreferred())
        await world.until('the preferred replica leads', () => first.leads(0))
      }
      await world.run(2 * slowMs)
      world.network.unblockAll()
      await world.store(20, [0])
    },
  },
  {
    name: 'a replica moves under a throttle that it uses up, and no record comes any more',
    replicas: 2,
    script: async (world) => {
      const leader = await begin(world)
      const next = world.brokers.find(({ id }) => world.assignmentOf(0).every((one) => one !== id))
      invariant(next !== undefined, 'one of three brokers has no replica')
      const bytes = leader.replicas.find(({ partition }) => partition === 0)?.logBytes ?? 0
      await answered(world, world.strange.throttle(Math.ceil(bytes / throttledS)))
      const target = [leader.id, next.id].map((id) => id as BrokerId)
      await answered(world, world.strange.reassign(0, target))
      await world.until('a replica has moved', () => {
        const replicas = world.assignmentOf(0)
        return replicas.length === target.length && target.every((id) => replicas.includes(id))
      })
    },
  },
]

/** @returns the leader of the first partition, when records are stored and all replicas have them */
async function begin(world: MqWorld): Promise<SimBroker> {
  await world.store(60)
  await world.until('all replicas are in sync', () => world.isInSync())
  const leader = world.brokers.find((broker) => broker.leads(0))
  invariant(leader !== undefined, 'a partition that is in sync has a leader')
  return leader
}

/** The others die, and it leads all partitions without them. */
async function aloneInSync(world: MqWorld, last: SimBroker): Promise<void> {
  for (const broker of world.brokers) if (broker !== last) broker.end({ power: true })
  await world.until('one goes on alone', () =>
    world.partitionIds.every((partition) => {
      const state = world.stateOf(partition)
      return state?.leader === last.id && state.isr.length === 1
    }),
  )
}

function alter(world: MqWorld, values: Readonly<Record<string, number | string>>): Promise<void> {
  return answered(world, world.strange.alter(values))
}

async function answered(world: MqWorld, request: Promise<void>): Promise<void> {
  let isDone = false
  request.then(
    () => {
      isDone = true
    },
    (error: Error) => world.fail(error),
  )
  await world.until('a request is answered', () => isDone)
}

/** Records and tombstones pass through a log that is compacted all the while. */
async function compact(world: MqWorld, { keptMs }: { readonly keptMs: number }): Promise<void> {
  world.checker.isCompacted = world.batches.isCompacted = true
  world.checker.mayForgetTombstones = keptMs === 0
  await alter(world, {
    'cleanup.policy': 'compact',
    'min.cleanable.dirty.ratio': 0,
    'delete.retention.ms': keptMs,
    'segment.ms': 1,
    'segment.bytes': 2048,
  })
  for (let i = 0; i < 4; i++) {
    await world.store(20)
    for (const producer of world.producers) producer.bury()
    await world.run(lateMs / 3)
  }
}

/** All but the last record of each partition is compacted: most keys have no later record there. */
async function rollAll(world: MqWorld): Promise<void> {
  for (let i = 0; i < 2; i++) {
    for (const partition of world.partitionIds) await world.store(1, [partition])
    await world.run(lateMs / 2)
  }
}
