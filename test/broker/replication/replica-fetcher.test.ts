import t from 'tap'
import type { Beginning, Role } from '../../../src/broker/partition/partition.ts'
import type { ReplicaWatch } from '../../../src/broker/replication/progress.ts'
import { ReplicaFetcher } from '../../../src/broker/replication/replica-fetcher.ts'
import type { Outcome } from '../../../src/client/mq/mq-connection.ts'
import { limits } from '../../../src/limits.ts'
import type { MqRequest } from '../../../src/protocol/mq/apis.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import type { BrokerId, Life } from '../../../src/protocol/mq/messages.ts'
import type {
  ReplicaFetched,
  ReplicaFetchPartition,
  ReplicaFetchRequest,
  ReplicaFetchResponse,
} from '../../../src/protocol/mq/replica-fetch.ts'
import { Turn } from '../../../src/turn.ts'
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
  role: Role = { type: 'following', leader }
  mayFollow = true
  mayStart = true
  end = 0
  durableEnd = 0
  logStart = 0
  outcome: 'appended' | 'later' | 'not next' = 'appended'
  readonly appended: string[] = []
  readonly truncatedTo: number[] = []
  readonly begunAnew: Beginning[] = []
  readonly watches = new Set<ReplicaWatch>()
  /** the end of `truncate`; undefined: it ends at once */
  waiting: (() => void)[] | undefined

  constructor(partition: number) {
    this.partition = partition
  }

  position({ isStart }: { readonly isStart: boolean }): ReplicaFetchPartition {
    const { topic, partition, leaderEpoch, end: offset, durableEnd, logStart } = this
    const known = { lastEpoch: -1, highWatermark: 0, logStart }
    const place = { topic, topicId: 'x', partition }
    return { ...place, leaderEpoch, offset, ...known, durableEnd, isStart }
  }

  appendFetched({ records }: ReplicaFetched): 'appended' | 'later' | 'not next' {
    this.appended.push(records.toString())
    if (this.outcome === 'appended') this.end += records.length
    return this.outcome
  }

  /** Everything appended becomes durable. */
  sync(): Promise<void> {
    this.durableEnd = this.end
    for (const watch of this.watches) watch.moved()
    return settled()
  }

  async truncate({ endOffset }: { readonly endOffset: number }): Promise<void> {
    this.truncatedTo.push(endOffset)
    this.mayFollow = this.mayStart = false
    const { waiting } = this
    if (waiting !== undefined) await new Promise<void>((resolve) => waiting.push(resolve))
    this.end = this.durableEnd = endOffset
    this.mayFollow = this.mayStart = true
  }

  async beginAnew(beginning: Beginning): Promise<void> {
    this.begunAnew.push(beginning)
    this.end = this.durableEnd = beginning.logStart
  }

  watch(watch: ReplicaWatch): () => void {
    this.watches.add(watch)
    return () => this.watches.delete(watch)
  }
}

function fetched(partition: number, changed: Partial<ReplicaFetched> = {}): ReplicaFetched {
  const records = Buffer.alloc(0)
  return {
    topic: 'goals',
    partition,
    since: 0,
    offset: 0,
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

const withRecords = (partition: number, text: string, since = 0) =>
  fetched(partition, { since, records: Buffer.from(text) })

interface Asked extends Pick<ReplicaFetchRequest, 'session' | 'sequence' | 'forgotten'> {
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
  let sessions = 0
  const fetcher = new ReplicaFetcher({
    leader,
    clock,
    turn: new Turn(setImmediate),
    log,
    life: () => ours.life,
    nextSession: () => ++sessions,
    links: linksTo(asked),
  })
  /** What the last fetch says of partitions: whether they start, and what is durable. */
  const last = () =>
    asked
      .at(-1)
      ?.partitions.map(({ partition, isStart, durableEnd }) =>
        isStart ? `start ${partition}` : `${partition} has ${durableEnd}`,
      )
  return { clock, log, replicas, asked, last, ours, fetcher }
}

function linksTo(asked: Asked[]): ConstructorParameters<typeof ReplicaFetcher>[0]['links'] {
  const ask = (
    id: BrokerId,
    request: MqRequest,
    _timeoutMs: number,
    { answered, failed }: Outcome<ReplicaFetchResponse>,
  ) => {
    if (id !== leader || request.type !== 'replicaFetch') throw new Error('Not a fetch')
    const { session, sequence, partitions, forgotten } = request
    asked.push({
      session,
      sequence,
      partitions,
      forgotten,
      answer: (...all) => {
        answered({ type: 'replicaFetch', partitions: all })
        return settled()
      },
      fail: (code) => {
        failed(new BrokerError(code, 'Cannot fetch'))
        return settled()
      },
    })
  }
  // The answer fits the request, but the generic signature cannot express that.
  return { ask } as never
}

t.test('one fetch starts all replicas, each at its log end', async (t) => {
  const { fetcher, replicas, asked } = world(3)
  for (const replica of replicas) replica.end = replica.partition * 10
  fetcher.setReplicas(replicas)
  t.equal(asked.length, 1)
  t.same(
    asked[0]?.partitions,
    replicas.map((replica) => replica.position({ isStart: true })),
  )
  fetcher.setReplicas([...replicas])
  t.equal(asked.length, 1, 'the same replicas again change nothing')
})

/** As many bytes as let the next fetch wait at the leader before they are acknowledged. */
const many = 'x'.repeat(limits.replicaGatheredBytesMax)

t.test('a fetch waits at the leader while many records become durable', async (t) => {
  const { fetcher, replicas, asked, last } = world(2)
  const [replica = new FakeReplica(0)] = replicas
  fetcher.setReplicas(replicas)
  await asked[0]?.answer(withRecords(0, many))
  t.same(replica.appended, [many])
  t.same(asked[1]?.partitions, [], 'it acknowledges nothing yet, and names nothing else')
  await asked[1]?.answer(withRecords(0, 'de'))
  t.equal(asked.length, 3)
  t.same(replica.appended, [many, 'de'])
  await replica.sync()
  t.equal(asked.length, 4)
  t.same(last(), [`0 has ${many.length + 2}`], 'what is durable is acknowledged at once')
  t.same(
    asked.map(({ session, sequence }) => [session, sequence]),
    [0, 1, 2, 3].map((sequence) => [1, sequence]),
  )
})

t.test('few records are acknowledged before more are asked for', async (t) => {
  const { fetcher, replicas, asked, last } = world(2)
  const [first = new FakeReplica(0), second = new FakeReplica(1)] = replicas
  fetcher.setReplicas(replicas)
  await asked[0]?.answer(withRecords(0, 'abc'), withRecords(1, 'de'))
  t.equal(asked.length, 1)
  await first.sync()
  t.same(last(), ['0 has 3'])
  await second.sync()
  t.same(last(), ['1 has 2'])
  await asked[1]?.answer(fetched(0))
  t.equal(asked.length, 3, 'a fetch is waiting')
})

t.test('what can no longer be acknowledged keeps no other from its records', async (t) => {
  const ends = {
    'it leaves': ({ fetcher, replicas }: ReturnType<typeof world>) =>
      fetcher.setReplicas(replicas.slice(1)),
    'its role ends': ({ replicas: [replica] }: ReturnType<typeof world>) => {
      if (replica === undefined) return
      replica.mayStart = false
      for (const watch of replica.watches) watch.roleEnded()
    },
  }
  for (const [name, end] of Object.entries(ends)) {
    const within = world(2)
    const { fetcher, replicas, asked, clock } = within
    fetcher.setReplicas(replicas)
    await asked[0]?.answer(withRecords(0, 'abc'))
    t.equal(asked.length, 1, name)
    end(within)
    await clock.advance(retryMs)
    t.equal(asked.length, 2, name)
    await asked[1]?.answer()
    t.equal(asked.length, 3, name)
  }
})

t.test('records that are durable within the turn are acknowledged by the next fetch', async (t) => {
  const { fetcher, replicas, asked, last } = world(1)
  const [replica = new FakeReplica(0)] = replicas
  fetcher.setReplicas(replicas)
  const { appendFetched } = replica
  replica.appendFetched = (fetched) => {
    const outcome = appendFetched.call(replica, fetched)
    void replica.sync()
    return outcome
  }
  await asked[0]?.answer(withRecords(0, 'abc'))
  t.equal(asked.length, 2)
  t.same(last(), ['0 has 3'])
})

t.test('a log start that moved is told, and nothing is told twice', async (t) => {
  const { fetcher, replicas, asked, last } = world(1)
  const [replica = new FakeReplica(0)] = replicas
  replica.end = 9
  fetcher.setReplicas(replicas)
  replica.logStart = 4
  await replica.sync()
  t.match(asked[1]?.partitions, [{ logStart: 4, durableEnd: 9 }])
  await replica.sync()
  t.equal(asked.length, 2)
  t.same(last(), ['0 has 9'])
})

t.test('without a sync of its disk it takes only so many answers', async (t) => {
  const { fetcher, replicas, asked } = world(1)
  fetcher.setReplicas(replicas)
  const most = limits.replicaAnswersAheadMax
  for (let i = 0; i < most; i++) await asked[i]?.answer(withRecords(0, many))
  t.equal(asked.length, most)
  await replicas[0]?.sync()
  t.equal(asked.length, most + 1)
})

t.test('a log that diverges is cut, and starts again afterwards', async (t) => {
  const { fetcher, replicas, asked } = world(1)
  const [replica = new FakeReplica(0)] = replicas
  replica.end = 9
  fetcher.setReplicas(replicas)
  replica.waiting = []
  await asked[0]?.answer(fetched(0, { diverging: { epoch: 3, endOffset: 5 } }))
  t.same(replica.truncatedTo, [5])
  t.same(asked[1]?.partitions, [])
  replica.waiting[0]?.()
  await settled()
  t.match(asked[2]?.partitions, [{ offset: 5, isStart: true }])
  t.same(replica.appended, [])
})

t.test('what was sent to a log before it started again is dropped', async (t) => {
  const { fetcher, replicas, asked } = world(1)
  const [replica = new FakeReplica(0)] = replicas
  fetcher.setReplicas(replicas)
  await asked[0]?.answer(fetched(0, { diverging: { epoch: 3, endOffset: 5 } }))
  const since = asked.findLastIndex(({ partitions }) => partitions.length > 0)
  t.ok(since > 0)
  await asked[1]?.answer(withRecords(0, 'early', 0))
  t.same(replica.appended, [])
  await asked[2]?.answer(withRecords(0, 'next', since))
  t.same(replica.appended, ['next'])
})

t.test('a replica that the leader refuses waits; the others go on at once', async (t) => {
  const { fetcher, replicas, asked, clock, last } = world(2)
  fetcher.setReplicas(replicas)
  await asked[0]?.answer(fetched(0, { code: 'UNKNOWN_LEADER_EPOCH' }), withRecords(1, 'a'))
  await replicas[1]?.sync()
  t.same(last(), ['1 has 1'])
  const { length } = asked
  await clock.advance(retryMs - 1)
  t.equal(asked.length, length)
  await clock.advance(1)
  t.same(last(), ['start 0'])
})

t.test(
  'a leader that cannot be reached is asked again after a delay, in another session',
  async (t) => {
    const { fetcher, replicas, asked, clock, last, log } = world(2)
    fetcher.setReplicas(replicas)
    for (let tries = 1; tries <= 3; tries++) {
      t.equal(asked.length, tries)
      t.match(asked.at(-1), { session: tries, sequence: 0 })
      t.same(last(), ['start 0', 'start 1'])
      await asked.at(-1)?.fail('NETWORK_EXCEPTION')
      await clock.advance(retryMs - 1)
      t.equal(asked.length, tries)
      await clock.advance(1)
    }
    t.same(log.said('warn'), [], 'an election will log it')
  },
)

t.test('answers of a session that ended are dropped, and so is its failure', async (t) => {
  const { fetcher, replicas, asked, clock } = world(1)
  const [replica = new FakeReplica(0)] = replicas
  fetcher.setReplicas(replicas)
  await asked[0]?.answer(withRecords(0, many))
  await replica.sync()
  t.equal(asked.length, 3)
  await asked[1]?.fail('REQUEST_TIMED_OUT')
  await asked[2]?.answer(withRecords(0, 'late'))
  await clock.advance(retryMs)
  t.same(replica.appended, [many])
  const partitions = [{ offset: many.length, isStart: true }]
  t.match(asked[3], { session: 2, sequence: 0, partitions })
})

t.test('records that do not continue a log cause a warning and a pause', async (t) => {
  const { fetcher, replicas, asked, clock, log, last } = world(1)
  const [replica = new FakeReplica(0)] = replicas
  replica.outcome = 'not next'
  fetcher.setReplicas(replicas)
  await asked[0]?.answer(withRecords(0, 'abc'))
  t.same(last(), [])
  t.same(log.said('warn'), ['Dropped records that do not continue a log'])
  await clock.advance(retryMs)
  t.same(last(), ['start 0'])
})

t.test('records that will fit later are fetched again once the replica may start', async (t) => {
  const { fetcher, replicas, asked, clock, log, last } = world(1)
  const [replica = new FakeReplica(0)] = replicas
  replica.outcome = 'later'
  fetcher.setReplicas(replicas)
  replica.mayStart = false
  await asked[0]?.answer(withRecords(0, 'abc'))
  await clock.advance(3 * retryMs)
  t.same(last(), [])
  replica.mayStart = true
  await clock.advance(retryMs)
  t.same(last(), ['start 0'])
  t.same(log.said('warn'), [])
})

t.test('a replica starts again in another epoch; the others are not touched', async (t) => {
  const { fetcher, replicas, asked, last } = world(2)
  const [replica = new FakeReplica(0)] = replicas
  fetcher.setReplicas(replicas)
  replica.leaderEpoch = 5
  fetcher.setReplicas(replicas)
  t.same(last(), ['start 0'])
  await asked[0]?.answer(withRecords(0, 'old'), withRecords(1, 'b'))
  await asked[1]?.answer(withRecords(0, 'new', 1))
  t.same(replica.appended, ['new'])
  t.same(replicas[1]?.appended, ['b'])
})

t.test('and so does one whose role ends before the fetcher is told', async (t) => {
  const { fetcher, replicas, asked, last } = world(2)
  const [first = new FakeReplica(0), second = new FakeReplica(1)] = replicas
  fetcher.setReplicas(replicas)
  first.leaderEpoch = 5
  for (const watch of first.watches) watch.roleEnded()
  await settled()
  t.same(last(), ['start 0'])
  second.leaderEpoch = 5
  await asked[0]?.answer(withRecords(0, 'old'), withRecords(1, 'old'))
  t.same([first.appended, second.appended], [[], []])
  t.same(last(), ['start 1'])
})

t.test('a replica that follows another leader by now does not start here', async (t) => {
  const { fetcher, replicas, clock, last } = world(2)
  const [first = new FakeReplica(0)] = replicas
  first.role = { type: 'following', leader: 3 as BrokerId }
  fetcher.setReplicas(replicas)
  await clock.advance(2 * retryMs)
  t.same(last(), ['start 1'])
})

t.test('a replica that leaves is forgotten', async (t) => {
  const { fetcher, replicas, asked, last } = world(2)
  fetcher.setReplicas(replicas)
  fetcher.setReplicas(replicas.slice(1))
  t.same(asked[1]?.forgotten, [{ topic: 'goals', partition: 0 }])
  t.same(last(), [])
  t.equal(replicas[0]?.watches.size, 0)
  const again = new FakeReplica(1)
  fetcher.setReplicas([again])
  t.same(asked[2]?.forgotten, [{ topic: 'goals', partition: 1 }])
  t.same(last(), ['start 1'], 'another replica of the same partition starts')
})

t.test('a replica that no longer follows takes no records', async (t) => {
  const { fetcher, replicas, asked, last, clock } = world(2)
  const [first = new FakeReplica(0)] = replicas
  fetcher.setReplicas(replicas)
  first.mayFollow = first.mayStart = false
  await asked[0]?.answer(withRecords(0, 'a'), withRecords(1, 'b'))
  t.same(first.appended, [])
  first.mayFollow = first.mayStart = true
  await clock.advance(retryMs)
  t.same(last(), ['start 0'], 'what it did not take is sent again')
})

t.test('an answer about a partition that is not followed is dropped', async (t) => {
  const { fetcher, replicas, asked } = world(1)
  fetcher.setReplicas(replicas)
  await asked[0]?.answer(withRecords(7, 'c'))
  t.same(replicas[0]?.appended, [])
})

t.test('a replica that may not start keeps no other from its records', async (t) => {
  const { fetcher, replicas, asked, clock, last } = world(2)
  const [halted = new FakeReplica(0), slow = new FakeReplica(1)] = replicas
  halted.mayStart = false // until an operator decides, for example
  fetcher.setReplicas(replicas)
  t.same(last(), ['start 1'])
  await clock.advance(40 * retryMs)
  t.equal(asked.length, 1, 'no new fetch begins while the leader answers')
  await asked[0]?.answer(withRecords(1, 'x'))
  t.same(slow.appended, ['x'])
  halted.mayStart = true
  await clock.advance(retryMs)
  t.same(last(), ['start 0'])
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
  const { length } = asked
  await asked[1]?.answer(withRecords(1, 'b'))
  await replicas[1]?.sync()
  await clock.advance(1000)
  t.same(replicas[1]?.appended, ['a'])
  t.equal(asked.length, length)
  t.equal(clock.timerCount, 0)
  fetcher.setReplicas(replicas)
  fetcher.stop()
  log.lines.length = 0
  await asked[2]?.fail('REQUEST_TIMED_OUT')
  t.same(log.lines, [])
})
