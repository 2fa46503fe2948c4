// rsyslog's omkafka, over librdkafka: a daemon of its own follows a file and sends its lines, while every
// broker is killed once and comes back.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { formatAddress } from '../../../src/address.ts'
import { fetch } from '../../../src/protocol/kafka/api/fetch.ts'
import { listOffsets } from '../../../src/protocol/kafka/api/list-offsets.ts'
import { metadata } from '../../../src/protocol/kafka/api/metadata.ts'
import { decodeBatch, forEachBatch } from '../../../src/protocol/mq/record-batch.ts'
import { fetchOf, newTopic } from '../../broker/kafka/exchanges.ts'
import { KafkaClient } from '../../broker/kafka/kafka-client.ts'
import { startWorld, until, type World } from '../../process/world.ts'
import { rsyslogd, withoutOmkafka } from '../tools.ts'

const topic = 'lines'
const partitions = [0, 1, 2]
const lineCount = 100_000

/**
 * Idempotent, or a line whose answer is lost with its broker would be sent twice. While a broker is gone
 * omkafka suspends itself, and drops what comes meanwhile unless it is told to try again.
 */
function configOf(dir: string, { cluster }: World): string {
  const brokers = cluster.brokers.map(({ address }) => `"${formatAddress(address)}"`)
  const properties = ['enable.idempotence=true', 'topic.metadata.refresh.interval.ms=500']
  return `
global(workDirectory="${join(dir, 'work')}")
module(load="imfile")
module(load="omkafka")
template(name="line" type="string" string="%msg%")
ruleset(name="out") {
  action(type="omkafka" broker=[${brokers.join(',')}] topic="${topic}" template="line"
    action.resumeRetryCount="-1" action.resumeInterval="1" partitions.auto="on"
    confParam=[${properties.map((one) => `"${one}"`).join(',')}])
}
input(type="imfile" file="${join(dir, 'input')}" tag="t" ruleset="out" freshStartTail="off")
`
}

function startRsyslog(t: Test, dir: string, world: World): void {
  mkdirSync(join(dir, 'work'), { recursive: true })
  writeFileSync(join(dir, 'conf'), configOf(dir, world))
  const words = ['-n', '-f', join(dir, 'conf'), '-i', join(dir, 'pid')]
  const child = spawn(rsyslogd, words, { stdio: ['ignore', 'inherit', 'inherit'] })
  t.teardown(async () => {
    if (child.exitCode !== null) return
    const closed = once(child, 'close')
    child.kill('SIGKILL')
    await closed
  })
}

/** Asks the leader of each partition. @returns undefined while one cannot answer */
async function fromLeaders<T>(
  world: World,
  ask: (client: KafkaClient, partition: number) => Promise<T | undefined>,
): Promise<T[] | undefined> {
  const found: T[] = []
  for (const partition of partitions) {
    try {
      const leader = await leaderOf(world, partition)
      if (leader === undefined) return undefined
      const one = await ask(leader, partition).finally(() => leader.close())
      if (one === undefined) return undefined
      found.push(one)
    } catch {
      return undefined // a broker went meanwhile
    }
  }
  return found
}

async function leaderOf(world: World, partition: number): Promise<KafkaClient | undefined> {
  const found = await describe(world)
  const { leaderId } = found?.find((each) => each.partitionIndex === partition) ?? {}
  const broker = world.cluster.brokers.find(({ id }) => id === leaderId)
  return broker === undefined ? undefined : new KafkaClient(broker.address.port)
}

/** As the first broker that answers sees it. */
async function describe({ cluster }: World) {
  for (const { address } of cluster.brokers) {
    const client = new KafkaClient(address.port)
    try {
      const { topics } = await client.send(metadata, 5, { topics: [{ name: topic }] })
      return topics[0]?.partitions
    } catch {
      // It is down.
    } finally {
      client.close()
    }
  }
  return undefined
}

/** A busy machine may cost the broker its session meanwhile. */
async function makeTopic(port: number): Promise<void> {
  const client = new KafkaClient(port)
  await until('the topic exists', async () => {
    try {
      await newTopic(client, topic, { partitions: partitions.length, replicas: 3 })
      return true
    } catch (error) {
      return /exists/.test(String(error)) ? true : undefined
    }
  })
  client.close()
}

async function untilStored(world: World, count: number): Promise<void> {
  await until(`${count} lines are stored`, async () => {
    const ends = await fromLeaders(world, async (client, partition) => {
      const asked = [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: -1 }] }]
      const { topics } = await client.send(listOffsets, 5, { replicaId: -1, topics: asked })
      const row = topics[0]?.partitions[0]
      return row?.errorCode === 0 ? row.offset : undefined
    })
    const sum = ends?.reduce((total, end) => total + end, 0) ?? 0
    return sum >= count ? sum : undefined
  })
}

async function untilInSync(world: World): Promise<void> {
  await until('all replicas are in sync', async () => {
    const found = await describe(world)
    const isFound = found?.length === partitions.length
    return isFound && found.every(({ isrNodes }) => isrNodes.length === 3) ? true : undefined
  })
}

async function linesOf(client: KafkaClient, partition: number): Promise<string[]> {
  const lines: string[] = []
  for (let fetchOffset = 0; ; ) {
    const asked = fetchOf(topic, { partition, fetchOffset, partitionMaxBytes: 8_000_000 })
    const { responses } = await client.send(fetch, 11, asked)
    const records = responses[0]?.partitions[0]?.records ?? Buffer.alloc(0)
    if (records.length === 0) return lines
    forEachBatch(records, (at) => {
      for (const { offset, value } of decodeBatch(records, at)) {
        lines.push(String(value))
        fetchOffset = offset + 1
      }
    })
  }
}

if (withoutOmkafka !== undefined) t.comment(withoutOmkafka)
else {
  t.test('rsyslog: brokers are killed one by one, and no line is lost or doubled', async (t) => {
    const world = await startWorld(t, { servers: 1, brokers: 3 })
    const { brokers } = world.cluster
    await makeTopic(brokers[0]?.address.port ?? 0)
    const dir = join(world.dataDir, 'rsyslog')
    startRsyslog(t, dir, world)
    let written = 0
    const write = (count: number) => {
      const lines = Array.from({ length: count }, (_, i) => `line ${written + i}\n`)
      appendFileSync(join(dir, 'input'), lines.join(''))
      written += count
    }
    for (const broker of brokers) {
      const before = written
      write(16_000)
      await untilStored(world, before + 1)
      await world.cluster.kill(broker)
      write(16_000)
      await untilStored(world, written)
      world.cluster.start(broker)
      await untilInSync(world)
    }
    write(lineCount - written)
    await untilStored(world, lineCount)
    const found = (await fromLeaders(world, linesOf))?.flat() ?? []
    t.equal(found.length, lineCount)
    t.equal(new Set(found).size, lineCount)
    t.ok(found.includes('line 0') && found.includes(`line ${lineCount - 1}`))
  })
}
