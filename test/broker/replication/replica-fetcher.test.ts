import t from 'tap'
import type { Beginning } from '../../../src/broker/partition/partition.ts'
import { ReplicaFetcher } from '../../../src/broker/replication/replica-fetcher.ts'
import type { MqRequest } from '../../../src/protocol/mq/apis.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import type { BrokerId, Life } from '../../../src/protocol/mq/messages.ts'
import type {
  ReplicaFetched,
  ReplicaFetchPartition,
} from '../../../src/protocol/mq/replica-fetch.ts'
import { RecordingLogger } from '../../recording-logger.ts'
import { settled, VirtualClock } from '../../virtual-clock.ts'
import { life } from '../partition/members.ts'

const leader = 2 as BrokerId
const retryMs = 30

/** A following replica that records its calls and whose log the test controls. */
class FakeReplica {
  readonly topic = 'goals'
  readonly partition: number
  leaderEpoch = 4
  mayFetch = true
  end = 0
  isContinued = true
  readonly appended: string[] = []
  readonly truncatedTo: number[] = []
  readonly begunAnew: Beginning[] = []
  /** the end of `whenDurable` and `truncate`; undefined: they end at once */
  waiting: (() => void)[] | undefined

  constructor(partition: number) {
    this.partition = partition
  }

  position(): ReplicaFetchPartition {
    const { topic, partition, leaderEpoch, end: offset } = this
    const known = { lastEpoch: -1, highWatermark: 0, logStart: 0 }
    return { topic, partition, leaderEpoch, offset, ...known }
  }

  appendFetched({ records }: ReplicaFetched): boolean {
    this.appended.push(records.toString())
    this.end += records.length
    return this.isContinued
  }

  async truncate({ endOffset }: { readonly endOffset: number }): Promise<void> {
    this.truncatedTo.push(endOffset)
    this.mayFetch = false
    await this.#wait()
    this.end = endOffset
    this.mayFetch = true
  }

  async beginAnew(beginning: Beginning): Promise<void> {
    this.begunAnew.push(beginning)
    this.end = beginning.logStart
  }

  async whenDurable(): Promise<'reached'> {
    await this.#wait()
    return 'reached'
  }

  async #wait(): Promise<void> {
    const { waiting } = this
    if (waiting !== undefined) await new Promise<void>((resolve) => waiting.push(resolve))
  }
}

function fetched(partition: number, changed: Partial<ReplicaFetched> = {}): ReplicaFetched {
  const records = Buffer.alloc(0)
  return {
    topic: 'goals',
    partition,
    code: 'NONE',
    diverging: undefined,
    anew: undefined,
    gapsBelow: 0,
    highWatermark: 0,
    logStart: 0,
    records,
    ...changed,
  }
}

const withRecords = (partition: number, text: string) =>
  fetched(partition, { records: Buffer.from(text) })

interface Asked {
  readonly partitions: readonly ReplicaFetchPartition[]
  answer(...partitions: readonly ReplicaFetched[]): Promise<void>
  fail(code: 'NETWORK_EXCEPTION' | 'REQUEST_TIMED_OUT'): Promise<void>
}

/** A fetcher of the replicas 0 to `count`, and the fetches that its leader has received. */
function world(count: number) {
  const clock = new VirtualClock()
  const log = new RecordingLogger()
  const replicas = Array.from({ length: count }, (_, partition) => new FakeReplica(partition))
  const asked: Asked[] = []
  const ours: { life: Life | undefined } = { life: life(1) }
  const fetcher = new ReplicaFetcher({
    leader,
    clock,
    log,
    life: () => ours.life,
    links: linksTo(asked),
  })
  /** Partitions of the last fetch. */
  const last = () => asked.at(-1)?.partitions.map(({ partition }) => partition)
  return { clock, log, replicas, asked, last, ours, fetcher }
}

function linksTo(asked: Asked[]): ConstructorParameters<typeof ReplicaFetcher>[0]['links'] {
  const call = (id: BrokerId, request: MqRequest) =>
    new Promise((resolve, reject) => {
      if (id !== leader || request.type !== 'replicaFetch') throw new Error('Not a fetch')
      asked.push({
        partitions: request.partitions,
        answer: (...partitions) => {
          resolve({ type: 'replicaFetch', partitions })
          return settled()
        },
        fail: (code) => {
          reject(new BrokerError(code, 'Cannot fetch'))
          return settled()
        },
      })
    })
  // The answer fits the request, but the generic signature cannot express that.
  return { call } as never
}

t.test('one fetch covers all replicas, with the position of each', async (t) => {
  const { fetcher, replicas, asked } = world(3)
  for (const replica of replicas) replica.end = replica.partition * 10
  fetcher.setReplicas(replicas)
  t.equal(asked.length, 1)
  t.same(
    asked[0]?.partitions,
    replicas.map((replica) => replica.position()),
  )
  fetcher.setReplicas([...replicas])
  t.equal(asked.length, 1, 'the same replicas again change nothing')
})

t.test(
  'the next fetch, an acknowledgement, waits until the fetched records are durable',
  async (t) => {
    const { fetcher, replicas, asked } = world(1)
    const [replica = new FakeReplica(0)] = replicas
    fetcher.setReplicas(replicas)
    replica.waiting = []
    await asked[0]?.answer(withRecords(0, 'abc'))
    t.same(replica.appended, ['abc'])
    t.equal(asked.length, 1)
    replica.waiting[0]?.()
    await settled()
    t.equal(asked[1]?.partitions[0]?.offset, 3)
  },
)

t.test('a log that diverges is cut, and fetched again afterwards', async (t) => {
  const { fetcher, replicas, asked } = world(1)
  const [replica = new FakeReplica(0)] = replicas
  replica.end = 9
  fetcher.setReplicas(replicas)
  replica.waiting = []
  await asked[0]?.answer(fetched(0, { diverging: { epoch: 3, endOffset: 5 } }))
  t.same(replica.truncatedTo, [5])
  t.equal(asked.length, 1)
  replica.waiting[0]?.()
  await settled()
  t.equal(asked[1]?.partitions[0]?.offset, 5)
  t.same(replica.appended, [])
})

t.test(
  'a replica that the leader refuses waits; the others are fetched again at once',
  async (t) => {
    const { fetcher, replicas, asked, clock, last } = world(2)
    fetcher.setReplicas(replicas)
    await asked[0]?.answer(fetched(0, { code: 'UNKNOWN_LEADER_EPOCH' }), withRecords(1, 'a'))
    t.equal(asked.length, 2)
    t.same(last(), [1])
    await clock.advance(retryMs - 1)
    t.equal(asked.length, 2)
    await clock.advance(1)
    t.same(last(), [0, 1])
  },
)

t.test(
  'a leader that cannot be reached is asked again after a delay, and not sooner',
  async (t) => {
    const { fetcher, replicas, asked, clock, last, log } = world(2)
    fetcher.setReplicas(replicas)
    for (let tries = 1; tries <= 3; tries++) {
      t.equal(asked.length, tries)
      await asked.at(-1)?.fail('NETWORK_EXCEPTION')
      await clock.advance(retryMs - 1)
      t.equal(asked.length, tries)
      await clock.advance(1)
      t.same(last(), [0, 1])
    }
    t.same(log.said('warn'), [], 'an election will log it')
  },
)

t.test('records that do not continue a log cause a warning and a pause', async (t) => {
  const { fetcher, replicas, asked, clock, log } = world(1)
  const [replica = new FakeReplica(0)] = replicas
  replica.isContinued = false
  fetcher.setReplicas(replicas)
  await asked[0]?.answer(withRecords(0, 'abc'))
  t.equal(asked.length, 1)
  t.same(log.said('warn'), ['Dropped records that do not continue a log'])
  await clock.advance(retryMs)
  t.equal(asked.length, 2)
})

t.test('an answer to a fetch of an earlier epoch is dropped', async (t) => {
  const { fetcher, replicas, asked } = world(1)
  const [replica = new FakeReplica(0)] = replicas
  fetcher.setReplicas(replicas)
  replica.leaderEpoch = 5
  fetcher.setReplicas(replicas)
  t.equal(asked.length, 2, 'it is fetched again, in the new epoch')
  await asked[0]?.answer(withRecords(0, 'old'))
  t.same(replica.appended, [])
  t.equal(asked.length, 2)
  await asked[1]?.answer(withRecords(0, 'new'))
  t.same(replica.appended, ['new'])
})

t.test('and so is one whose epoch ends before the fetcher learns of it', async (t) => {
  const { fetcher, replicas, asked } = world(2)
  const [first = new FakeReplica(0), second = new FakeReplica(1)] = replicas
  fetcher.setReplicas(replicas)
  first.leaderEpoch = 5
  await asked[0]?.answer(withRecords(0, 'old'), withRecords(1, 'b'))
  t.same(first.appended, [])
  t.same(second.appended, ['b'])
})

t.test('a replica that no longer follows takes no records', async (t) => {
  const { fetcher, replicas, asked, last } = world(2)
  const [first = new FakeReplica(0)] = replicas
  fetcher.setReplicas(replicas)
  first.mayFetch = false
  await asked[0]?.answer(withRecords(0, 'a'), withRecords(1, 'b'))
  t.same(first.appended, [])
  t.same(last(), [1])
})

t.test('an answer about other partitions is dropped', async (t) => {
  const { fetcher, replicas, asked } = world(2)
  fetcher.setReplicas(replicas)
  await asked[0]?.answer(withRecords(1, 'b'), withRecords(0, 'a'), withRecords(7, 'c'))
  t.same(
    replicas.map(({ appended }) => appended),
    [[], []],
  )
})

t.test('waiting replicas do not interrupt the fetch of others, however slow it is', async (t) => {
  const { fetcher, replicas, asked, clock } = world(2)
  const [halted = new FakeReplica(0), slow = new FakeReplica(1)] = replicas
  halted.mayFetch = false // until an operator decides, for example
  fetcher.setReplicas(replicas)
  for (let round = 1; round <= 3; round++) {
    const { length } = asked
    await clock.advance(40 * retryMs)
    t.equal(asked.length, length, 'no new fetch begins while the leader answers')
    await asked.at(-1)?.answer(withRecords(1, 'x'))
    t.equal(slow.appended.length, round)
  }
  halted.mayFetch = true
  await clock.advance(retryMs)
  t.same(
    asked.at(-1)?.partitions.map(({ partition }) => partition),
    [0, 1],
    'a replica that may fetch again does',
  )
})

t.test('without a life of this broker nothing is fetched', async (t) => {
  const { fetcher, replicas, asked, ours, clock } = world(1)
  ours.life = undefined
  fetcher.setReplicas(replicas)
  await clock.advance(1000)
  t.equal(asked.length, 0)
})

t.test('once stopped it sends no fetch, takes no answer and holds no timer', async (t) => {
  const { fetcher, replicas, asked, clock, log } = world(2)
  fetcher.setReplicas(replicas)
  await asked[0]?.answer(fetched(0, { code: 'FENCED_LEADER_EPOCH' }), withRecords(1, 'a'))
  fetcher.stop()
  await asked[1]?.answer(withRecords(1, 'b'))
  await clock.advance(1000)
  t.same(replicas[1]?.appended, ['a'])
  t.equal(asked.length, 2)
  t.equal(clock.timerCount, 0)
  fetcher.setReplicas(replicas)
  fetcher.stop()
  log.lines.length = 0
  await asked[2]?.fail('REQUEST_TIMED_OUT')
  t.same(log.lines, [])
})
