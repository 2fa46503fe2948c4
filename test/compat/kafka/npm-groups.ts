// Consumers of one group, with any npm client: properties that must hold when members and brokers
// fail. groups.py is the equivalent for Python's clients.
//
// A client provides a `GroupClient`. Its members run in this process or, to be killed, in one of
// their own (npm-member.ts).

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { type BrokerWorld, until } from '../../broker/broker-world.ts'
import { newTopic } from '../../broker/kafka/exchanges.ts'
import { kafkaClient } from '../../broker/kafka/kafka-client.ts'
import {
  type GroupClient,
  type MemberNews,
  type MemberPlace,
  partitionCount,
} from './group-client.ts'
import { serversOf, stopCoordinator } from './npm-world.ts'

/** The outcome of the numbers that one member read. */
class Reader implements MemberNews {
  readonly committedNumbers: number[] = []
  readonly readNumbers = new Set<number>()
  partitions = 0

  assigned(count: number): void {
    this.partitions = count
  }

  read(numbers: readonly number[]): void {
    for (const number of numbers) this.readNumbers.add(number)
  }

  committed(numbers: readonly number[]): void {
    this.committedNumbers.push(...numbers)
  }
}

class OtherProcess extends Reader {
  readonly #child: ChildProcess

  constructor(client: GroupClient, { servers, topic, group }: MemberPlace) {
    super()
    const script = fileURLToPath(new URL('npm-member.ts', import.meta.url))
    const words = ['--import=tsx', script, client.name, servers.join(','), topic, group]
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child = child
    createInterface({ input: child.stdout }).on('line', (line) => {
      const news = JSON.parse(line)
      if (news.assigned !== undefined) this.assigned(news.assigned)
      if (news.read !== undefined) this.read(news.read)
      if (news.committed !== undefined) this.committed(news.committed)
    })
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const closed = once(this.#child, 'close')
    this.#child.kill('SIGKILL')
    await closed
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

/** Requires a world of three brokers, one of which is stopped. */
export async function memberIsKilled(
  t: Test,
  world: BrokerWorld,
  client: GroupClient,
): Promise<void> {
  const name = `killed-${client.name}`
  await newTopic(kafkaClient(world, 1), name, { partitions: partitionCount, replicas: 3 })
  const place = { servers: serversOf(world), topic: name, group: name }
  const killed = new OtherProcess(client, place)
  const other = new Reader()
  const readers: Reader[] = [killed, other]
  const member = await client.startMember(place, other)
  const closes = [() => member.close()]
  const wholeIsRead = (end: number) => () => {
    return range(0, end).every((number) => readers.some((reader) => reader.readNumbers.has(number)))
  }
  const half = partitionCount / 2
  try {
    await until(() => killed.partitions === half && other.partitions === half)
    await client.produce(place, range(0, 200))
    await until(wholeIsRead(200))
    await killed.kill()
    await client.produce(place, range(200, 400))
    await until(wholeIsRead(400))
    t.equal(other.partitions, partitionCount, 'the other member takes over')

    if (!client.survivesCoordinators) return
    await stopCoordinator(world, name)
    const third = new Reader()
    readers.push(third)
    const joined = await client.startMember(place, third)
    closes.push(() => joined.close())
    await until(() => other.partitions === half && third.partitions === half)
    await client.produce(place, range(400, 600))
    await until(wholeIsRead(600))
  } finally {
    await killed.kill()
    await Promise.all(closes.map((close) => close()))
    const committed = readers.flatMap((reader) => reader.committedNumbers)
    t.equal(new Set(committed).size, committed.length, 'no committed number is read twice')
  }
}
