// Brokers lose power together, and disks are wiped, damaged or replaced by old copies before they
// return: records acknowledged with acks=all survive as long as one in-sync disk does.

import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { zkPaths } from '../../src/broker/cluster/zk-paths.ts'
import { Consumer } from '../../src/client/mq/consumer.ts'
import { MqAdmin } from '../../src/client/mq/mq-admin.ts'
import { Producer } from '../../src/client/mq/producer.ts'
import { BrokerError } from '../../src/protocol/mq/error-codes.ts'
import {
  batchBytes,
  batchHeaderBytes,
  batchMagic,
  forEachBatch,
  knownMagic,
} from '../../src/protocol/mq/record-batch.ts'
import { type BrokerWorld, until, worldTest } from './broker-world.ts'

const ids = [1, 2, 3]
const flags = ['--recovery.wait.ms=600']

const goals = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `goal ${from + i}`)

/** Sent one after the other, so that each is its own batch. */
async function send(world: BrokerWorld, from: number, to: number): Promise<void> {
  const producer = new Producer({ brokers: world.addresses })
  for (const value of goals(from, to)) await producer.send({ topic: 'goals', value })
  await producer.close()
}

async function values(world: BrokerWorld, count: number): Promise<string[]> {
  const consumer = new Consumer({ brokers: world.addresses, topic: 'goals', from: 'beginning' })
  const found: string[] = []
  while (found.length < count) {
    for (const { value } of await consumer.take()) found.push(String(value))
  }
  await consumer.close()
  return found
}

async function partition(world: BrokerWorld) {
  const admin = new MqAdmin({ brokers: world.addresses })
  try {
    const found = (await admin.topic('goals'))?.partitions[0]
    if (found === undefined) throw new Error('There is no topic goals')
    return found
  } finally {
    admin.close()
  }
}

/** The znode of the partition. */
async function stateOf(world: BrokerWorld): Promise<unknown> {
  const { data } = await (await world.zk()).getData(zkPaths.state('goals', 0))
  return JSON.parse(String(data))
}

/** One replica as an operator sees it. */
async function choiceOf(world: BrokerWorld, id: number) {
  const admin = new MqAdmin({ brokers: world.addresses })
  try {
    const { choices } = await admin.recoveryChoices('goals', 0)
    return choices.find(({ broker }) => broker === id)
  } finally {
    admin.close()
  }
}

/**
 * Like `zw topics recover --apply`, with the state read then: a session that ends late may change
 * it.
 */
async function choose(world: BrokerWorld, leader: number): Promise<void> {
  const admin = world.use(new MqAdmin({ brokers: world.addresses }))
  const isChosen = async (): Promise<boolean> => {
    const { version, choices } = await admin.recoveryChoices('goals', 0)
    if (choices.find(({ broker }) => broker === leader)?.mayLead !== true) return false
    try {
      await admin.recover({ topic: 'goals', partition: 0, leader, version })
      return true
    } catch (error) {
      if (error instanceof BrokerError && error.code === 'INVALID_UPDATE_VERSION') return false
      throw error
    }
  }
  await until(isChosen)
}

/**
 * All brokers are killed at once. The ensemble is down meanwhile, so that no state changes, and
 * their sessions are over when it returns.
 */
async function killAll(world: BrokerWorld, meanwhile: () => void): Promise<void> {
  const startServer = await world.stopServer()
  await Promise.all(ids.map((id) => kill(world, id)))
  meanwhile()
  await startServer()
}

/** A killed broker writes no checkpoint. */
async function kill(world: BrokerWorld, id: number): Promise<void> {
  const path = join(brokerPath(world, id), 'checkpoints.json')
  const before = existsSync(path) ? readFileSync(path) : undefined
  await world.broker(id).stop()
  if (before === undefined) rmSync(path, { force: true })
  else writeFileSync(path, before)
}

async function restartAll(world: BrokerWorld): Promise<void> {
  await Promise.all(ids.map((id) => world.broker(id).stop()))
  await Promise.all(ids.map((id) => world.startBroker(id)))
  await until(async () => (await partition(world)).isr.length === 3)
}

function brokerPath(world: BrokerWorld, id: number): string {
  return join(world.dataDir, `broker-${id}`)
}

function partitionPath(world: BrokerWorld, id: number): string {
  const name = readdirSync(brokerPath(world, id)).find((each) => each.endsWith('-0'))
  return join(brokerPath(world, id), name ?? '')
}

function segmentPath(world: BrokerWorld, id: number): string {
  return join(partitionPath(world, id), '0000000000000000.segment')
}

/** Whether the directory says that its log was lost. */
function isIncomplete(world: BrokerWorld, id: number): boolean {
  return readdirSync(partitionPath(world, id)).includes('incomplete')
}

/** Removes the last records of a log as if they had never been written. */
function cutRecords(world: BrokerWorld, id: number, count: number): void {
  const path = segmentPath(world, id)
  const bytes = batchesOf(path)
  const starts: number[] = []
  forEachBatch(bytes, (at) => starts.push(at))
  truncateSync(path, starts.at(-count))
}

/** The bytes of a segment, without the zeros in which it grows. */
function batchesOf(path: string): Buffer {
  const bytes = readFileSync(path)
  let end = 0
  while (end + batchHeaderBytes <= bytes.length && batchMagic(bytes, end) === knownMagic) {
    end += batchBytes(bytes, end)
  }
  return bytes.subarray(0, end)
}

/** @param at byte of the segment; negative: from the end of its last batch */
function flipBit(world: BrokerWorld, id: number, at: number): void {
  const path = segmentPath(world, id)
  const bytes = batchesOf(path)
  const byte = at < 0 ? bytes.length + at : at
  bytes[byte] = (bytes[byte] ?? 0) ^ 1
  writeFileSync(path, bytes)
}

/** Brokers 1 to `count` have ten records in a partition that each has a replica of. */
function tenGoals(
  claim: string,
  run: (t: Test, world: BrokerWorld) => Promise<void>,
  count = 3,
): void {
  worldTest(t, claim, { brokers: count, flags }, async (t, world) => {
    const admin = world.use(new MqAdmin({ brokers: world.addresses }))
    await admin.createTopic({ topic: 'goals', partitions: 1, replicas: count })
    await send(world, 0, 10)
    await run(t, world)
  })
}

/** The next record is stored, all before are there, and all replicas are in sync. */
async function goOn(t: Test, world: BrokerWorld, stored = 10): Promise<void> {
  await send(world, stored, stored + 1)
  t.same(await values(world, stored + 1), goals(0, stored + 1))
  await until(async () => (await partition(world)).isr.length === 3)
}

tenGoals(
  'all killed and one disk wiped: the empty broker returns first, and nothing is lost',
  async (t, world) => {
    await killAll(world, () => rmSync(brokerPath(world, 1), { recursive: true }))
    await world.startBroker(1)
    await until(async () => (await partition(world)).leader === -1)
    await Promise.all([2, 3].map((id) => world.startBroker(id)))
    await goOn(t, world)
  },
)

tenGoals(
  'all killed and one bit flipped in the last record of the first to return: nothing is lost',
  async (t, world) => {
    await killAll(world, () => flipBit(world, 1, -2))
    await world.startBroker(1)
    await until(async () => (await partition(world)).leader === -1)
    const kept = readdirSync(partitionPath(world, 1)).filter((name) => /^cut-/.test(name))
    t.same(kept, ['cut-0000000000000009'], 'the cut bytes are kept')
    await Promise.all([2, 3].map((id) => world.startBroker(id)))
    await goOn(t, world)
  },
)

tenGoals('an old copy of a disk is put back and comes first: nothing is gone', async (t, world) => {
  const copy = join(world.dataDir, 'copy')
  await world.broker(1).stop()
  cpSync(brokerPath(world, 1), copy, { recursive: true })
  await world.startBroker(1)
  await send(world, 10, 20)
  await until(async () => (await partition(world)).isr.length === 3)
  await killAll(world, () => {
    rmSync(brokerPath(world, 1), { recursive: true })
    cpSync(copy, brokerPath(world, 1), { recursive: true })
  })
  await world.startBroker(1)
  await until(async () => (await partition(world)).leader === -1)
  await Promise.all([2, 3].map((id) => world.startBroker(id)))
  await goOn(t, world, 20)
})

tenGoals(
  'one bit flipped in the middle of a log is damage: it is reported, and the others serve',
  async (t, world) => {
    let before = Buffer.alloc(0)
    await restartAll(world) // which makes a checkpoint
    await killAll(world, () => {
      flipBit(world, 1, 300)
      before = readFileSync(segmentPath(world, 1))
    })
    await world.startBroker(1)
    await Promise.all([2, 3].map((id) => world.startBroker(id)))
    await send(world, 10, 11)
    t.same(await values(world, 11), goals(0, 11))
    const { problems } = await partition(world)
    t.match(problems, [{ broker: 1, reason: /0000000000000000\.segment: damaged at byte \d+/ }])
    t.ok(readFileSync(segmentPath(world, 1)).equals(before), 'its bytes are as they were')

    await world.broker(1).stop()
    rmSync(partitionPath(world, 1), { recursive: true })
    await world.startBroker(1)
    await until(async () => (await partition(world)).isr.length === 3)
    t.same(
      (await partition(world)).problems,
      [],
      'once its directory is removed, the log is fetched again',
    )
  },
)

tenGoals(
  'a leader that restarts quickly with its last record cut does not lead while others are alive',
  async (t, world) => {
    const { leader } = await partition(world)
    await kill(world, leader)
    flipBit(world, leader, -2)
    await world.startBroker(leader)
    t.not((await partition(world)).leader, leader)
    await goOn(t, world)
  },
)

tenGoals(
  'a partition that no log may lead by the rules waits for an operator, who sees the choices',
  async (t, world) => {
    await killAll(world, () => {
      flipBit(world, 1, -2)
      for (const id of [2, 3]) rmSync(brokerPath(world, id), { recursive: true })
    })
    await Promise.all(ids.map((id) => world.startBroker(id)))
    const admin = world.use(new MqAdmin({ brokers: world.addresses }))
    await until(async () => {
      const { choices } = await admin.recoveryChoices('goals', 0)
      return choices.filter(({ mayLead }) => mayLead).length === 3
    })
    const { version, leader, choices } = await admin.recoveryChoices('goals', 0)
    t.equal(leader, -1)
    t.match(
      choices.find(({ broker }) => broker === 1),
      {
        condition: 'tail-cut',
        isInSync: true,
        end: 9,
        losesAtMost: undefined,
      },
    )
    const place = { topic: 'goals', partition: 0, leader: 1 }
    await t.rejects(admin.recover({ ...place, version: version - 1 }), {
      code: 'INVALID_UPDATE_VERSION',
    })
    await admin.recover({ ...place, version })
    await send(world, 10, 11)
    t.same(await values(world, 10), [...goals(0, 9), 'goal 10'])
    await until(async () => (await partition(world)).isr.length === 3)
  },
)

tenGoals(
  'replicas that return after an operator chose a shorter log follow it',
  async (t, world) => {
    await killAll(world, () => flipBit(world, 1, -2))
    await world.startBroker(1)
    await choose(world, 1)
    await until(async () => (await partition(world)).leader === 1)
    await Promise.all([2, 3].map((id) => world.startBroker(id)))
    await send(world, 10, 11)
    t.same(await values(world, 10), [...goals(0, 9), 'goal 10'])
    await until(async () => (await partition(world)).isr.length === 3)
    t.match(await stateOf(world), { committed: 0 }, 'their records depose no leader')
  },
)

tenGoals(
  'a log that starts again by a choice is not damaged by its predecessor’s checkpoint',
  async (t, world) => {
    await world.broker(1).stop() // which makes a checkpoint
    rmSync(partitionPath(world, 1), { recursive: true })
    await world.startBroker(1)
    await choose(world, 1)
    await until(async () => (await partition(world)).leader === 1)
    await send(world, 10, 11)
    // Killed before this, it would wait for an operator again.
    await until(async () => !isIncomplete(world, 1))
    await kill(world, 1)
    await world.startBroker(1)
    await until(async () => (await partition(world)).leader === 1)
    t.same(await values(world, 1), ['goal 10'])
  },
  1,
)

tenGoals(
  'the end of a lost log is remembered until the log has reached it again',
  async (t, world) => {
    for (const claim of ['taken away', 'started once more', 'taken away again'] as const) {
      await world.broker(1).stop() // which makes a checkpoint
      const isTaken = claim !== 'started once more'
      if (isTaken) rmSync(partitionPath(world, 1), { recursive: true })
      await world.startBroker(1)
      await until(async () => (await choiceOf(world, 1))?.mayLead === true)
      t.match(
        await choiceOf(world, 1),
        { condition: 'incomplete', end: 0, highWatermark: 10, losesAtMost: undefined },
        claim,
      )
    }
  },
  1,
)

tenGoals(
  'a leader resigns when a follower shows committed records that it lacks: nothing is lost',
  async (t, world) => {
    await restartAll(world) // which makes a checkpoint
    await send(world, 10, 20)
    const startServer = await world.stopServer()
    // The others know the high watermark; broker 1's disk lost records without knowing it.
    for (const id of [2, 3]) await world.broker(id).stop()
    await kill(world, 1)
    cutRecords(world, 1, 3)
    await startServer()
    await world.startBroker(1)
    await until(async () => (await partition(world)).leader === 1)
    const { leaderEpoch } = await partition(world)
    await world.startBroker(2)
    await until(async () => ![1, -1].includes((await partition(world)).leader))
    t.match(await stateOf(world), { committed: 20 })
    t.ok((await partition(world)).leaderEpoch > leaderEpoch)
    await world.startBroker(3)
    await goOn(t, world, 20)
  },
)

tenGoals(
  'two stopped and the third lost: the replicas that left an ISR too small lead',
  async (t, world) => {
    const admin = world.use(new MqAdmin({ brokers: world.addresses }))
    for (const [id, left] of [
      [1, 2],
      [2, 1],
    ] as const) {
      await world.broker(id).stop()
      await until(async () => (await admin.topic('goals'))?.partitions[0]?.isr.length === left)
    }
    await world.broker(3).stop()
    rmSync(brokerPath(world, 3), { recursive: true })
    await Promise.all([1, 3].map((id) => world.startBroker(id)))
    await until(async () => (await partition(world)).leader === -1)
    // Broker 1 left while two others were in sync: records may have been committed without it.
    await world.startBroker(2)
    await until(async () => (await partition(world)).leader === 2)
    await send(world, 10, 11)
    t.same(await values(world, 11), goals(0, 11))
  },
)
