import t from 'tap'
import { encodeConfig } from '../../../src/broker/cluster/cluster-configs.ts'
import { ClusterImage } from '../../../src/broker/cluster/cluster-image.ts'
import type { FollowerVerdict, Role } from '../../../src/broker/partition/partition.ts'
import type { FollowedReplica } from '../../../src/broker/replication/follower-session.ts'
import { FollowerSessions } from '../../../src/broker/replication/follower-sessions.ts'
import type { ReplicaWatch } from '../../../src/broker/replication/progress.ts'
import { Purgatory } from '../../../src/broker/replication/purgatory.ts'
import { ReplicationThrottle } from '../../../src/broker/replication/replication-throttle.ts'
import { limits } from '../../../src/limits.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'
import { lastOffsetOf, type Offset, placeBatch } from '../../../src/protocol/mq/record-batch.ts'
import type {
  ReplicaFetched,
  ReplicaFetchPartition,
  ReplicaFetchRequest,
} from '../../../src/protocol/mq/replica-fetch.ts'
import { Turn } from '../../../src/turn.ts'
import { settled, VirtualClock } from '../../virtual-clock.ts'
import { batchOf } from '../api/api-world.ts'
import { life } from '../partition/members.ts'

const leader = 1 as BrokerId
const follower = 2 as BrokerId

/** A leading replica whose log the test controls. */
class FakeReplica implements FollowedReplica {
  readonly topic = 'goals'
  readonly topicId = 'x'
  readonly partition: number
  role: Role = { type: 'leading' }
  logEnd: Offset = 0
  highWatermark: Offset = 0
  earliestOffset: Offset = 0
  readonly gapsBelow = 0
  verdict: FollowerVerdict = { type: 'fine' }
  isWaitedFor = false
  readonly acknowledged: Offset[] = []
  readonly reads: Offset[] = []
  readonly watches = new Set<ReplicaWatch>()
  readonly #batches: Buffer[] = []

  constructor(partition: number) {
    this.partition = partition
  }

  append(recordCount = 1): void {
    const batch = batchOf(recordCount)
    placeBatch(batch, this.logEnd, 3)
    this.#batches.push(batch)
    this.logEnd += recordCount
    for (const watch of this.watches) watch.appended()
  }

  commit(): void {
    this.highWatermark = this.logEnd
    for (const watch of this.watches) watch.moved()
  }

  depose(role: Role): void {
    this.role = role
    for (const watch of this.watches) watch.roleEnded()
  }

  followerFetched(
    _: BrokerId,
    __: unknown,
    { durableEnd }: ReplicaFetchPartition,
  ): FollowerVerdict {
    if (this.verdict.type === 'fine') this.acknowledged.push(durableEnd)
    return this.verdict
  }

  readForFollower(offset: Offset, bytesMax: number) {
    this.reads.push(offset)
    const wanted = this.#batches.filter((batch) => lastOffsetOf(batch, 0) >= offset)
    let bytes = 0
    const fitting = wanted.filter((batch, i) => {
      bytes += batch.length
      return i === 0 || bytes <= bytesMax
    })
    const { highWatermark, earliestOffset: logStart } = this
    return { highWatermark, logStart, records: Buffer.concat(fitting) }
  }

  waitsFor(): boolean {
    return this.isWaitedFor
  }

  watch(watch: ReplicaWatch): () => void {
    this.watches.add(watch)
    return () => this.watches.delete(watch)
  }
}

type Answer = readonly ReplicaFetched[] | BrokerError

function world(count: number) {
  const clock = new VirtualClock()
  const purgatory = new Purgatory()
  clock.every(20, () => purgatory.tick(clock.nowMs()))
  const replicas = Array.from({ length: count }, (_, partition) => new FakeReplica(partition))
  const image = new ClusterImage()
  const configure = (type: 'topic' | 'broker', name: string, config: Record<string, string>) => {
    image.setConfig({ type, name }, Buffer.from(encodeConfig(new Map(Object.entries(config)))))
  }
  const sessions = new FollowerSessions({
    replica: (_, partition) => replicas[partition],
    purgatory,
    throttle: new ReplicationThrottle({ self: leader, image, clock }),
    clock,
    turn: new Turn(setImmediate),
  })
  let sequence = 0
  /** The next fetch of the session. @returns its answers so far: none, then one */
  const fetch = (changed: Partial<ReplicaFetchRequest> = {}, by = follower): Answer[] => {
    const answers: Answer[] = []
    const request: ReplicaFetchRequest = {
      type: 'replicaFetch',
      life: life(2),
      session: 1,
      sequence: sequence++,
      maxWaitMs: 500,
      bytesMax: 1_000_000,
      partitions: [],
      forgotten: [],
      ...changed,
    }
    sessions.fetch(by, request, (answer) => void answers.push(answer))
    return answers
  }
  return { clock, replicas, sessions, fetch, configure }
}

function start(partition: number, offset = 0): ReplicaFetchPartition {
  return { ...acknowledge(partition, offset), isStart: true }
}

function acknowledge(partition: number, durableEnd: Offset): ReplicaFetchPartition {
  const place = { topic: 'goals', topicId: 'x', partition, leaderEpoch: 3 }
  const known = { lastEpoch: 3, highWatermark: 0, logStart: 0 }
  return { ...place, offset: durableEnd, ...known, durableEnd, isStart: false }
}

/** Of a fetch: partition, offset before its records, and offset behind them. */
function sent(answers: readonly Answer[]): (readonly [number, Offset, Offset])[] | undefined {
  const [answer] = answers
  if (answer === undefined || answer instanceof BrokerError) return undefined
  return answer.map(({ partition, offset, records }) => {
    let end = offset
    for (let at = 0; at < records.length; at += 12 + records.readInt32BE(at + 8)) {
      end = lastOffsetOf(records, at) + 1
    }
    return [partition, offset, end]
  })
}

t.test('what one turn appends is one answer, which names only partitions with news', async (t) => {
  const { replicas, fetch } = world(3)
  const first = fetch({ partitions: [start(0), start(1), start(2)] })
  await settled()
  t.same(first, [])
  replicas[1]?.append()
  replicas[1]?.append(2)
  replicas[2]?.append()
  await settled()
  t.same(sent(first), [
    [1, 0, 3],
    [2, 0, 1],
  ])
  t.same(replicas[0]?.reads, [], 'quiet partitions are not visited')
})

t.test('records follow one another while none is acknowledged', async (t) => {
  const { replicas, fetch } = world(1)
  const [replica = new FakeReplica(0)] = replicas
  const answers = [fetch({ partitions: [start(0)] })]
  for (const _ of [1, 2, 3]) {
    replica.append()
    await settled()
    answers.push(fetch())
  }
  await settled()
  t.same(answers.map(sent), [[[0, 0, 1]], [[0, 1, 2]], [[0, 2, 3]], undefined])
  t.same(replica.acknowledged, [0])
  const later = fetch({ partitions: [acknowledge(0, 2)] })
  replica.append()
  await settled()
  t.same(replica.acknowledged, [0, 2])
  t.same(answers.map(sent).at(-1), [[0, 3, 4]], 'an acknowledgement sends nothing again')
  t.same(later, [])
})

t.test('a high watermark travels with records, or alone', async (t) => {
  const { replicas, fetch, clock } = world(1)
  const [replica = new FakeReplica(0)] = replicas
  replica.append()
  const first = fetch({ partitions: [start(0, 1)] })
  replica.commit()
  await settled()
  t.match(first, [[{ highWatermark: 1, records: Buffer.alloc(0) }]])
  const second = fetch()
  replica.append()
  replica.commit()
  await settled()
  t.match(second, [[{ highWatermark: 2, offset: 1 }]])
  const third = fetch()
  await clock.advance(100)
  t.same(third, [], 'it is told once')
})

t.test('without news the answer is empty, and comes when the follower said', async (t) => {
  const { fetch, clock } = world(1)
  const first = fetch({ partitions: [start(0)] })
  await clock.advance(480)
  t.same(first, [])
  await clock.advance(40)
  t.same(first, [[]])
})

t.test('of more fetches than may wait, the oldest is answered', async (t) => {
  const { fetch } = world(1)
  const answers = Array.from({ length: limits.replicaFetchesMax + 1 }, () => fetch())
  t.same(
    answers.map(({ length }) => length),
    [1, ...Array.from({ length: limits.replicaFetchesMax }, () => 0)],
  )
})

const refusals: readonly (readonly [FollowerVerdict, object])[] = [
  [{ type: 'refused', code: 'FENCED_LEADER_EPOCH' }, { code: 'FENCED_LEADER_EPOCH' }],
  [
    { type: 'diverging', epoch: 2, endOffset: 7 },
    { code: 'NONE', diverging: { epoch: 2, endOffset: 7 } },
  ],
  [{ type: 'behind' }, { code: 'NOT_LEADER_OR_FOLLOWER' }],
  [
    { type: 'below start', beginning: { logStart: 4, baseEpoch: 2, producers: [] } },
    { code: 'NONE', logStart: 4, anew: { baseEpoch: 2 } },
  ],
]
for (const [verdict, want] of refusals) {
  t.test(`a partition whose start is ${verdict.type} is answered, and not followed`, async (t) => {
    const { replicas, fetch } = world(2)
    const [refused = new FakeReplica(0), fine] = replicas
    refused.verdict = verdict
    const first = fetch({ partitions: [start(0), start(1)] })
    await settled()
    t.match(first, [[{ partition: 0, since: 0, ...want }]])
    refused.append()
    fine?.append()
    const second = fetch({ partitions: [acknowledge(0, 0)] })
    await settled()
    t.same(sent(second), [[1, 0, 1]])
    refused.verdict = { type: 'fine' }
    const third = fetch({ partitions: [start(0)] })
    await settled()
    t.match(third, [[{ partition: 0, since: 2, offset: 0 }]])
  })
}

t.test('a partition that is not here is refused', async (t) => {
  const { fetch } = world(1)
  const first = fetch({ partitions: [start(7)] })
  await settled()
  t.match(first, [[{ partition: 7, code: 'UNKNOWN_TOPIC_OR_PARTITION' }]])
})

t.test(
  'a follower of another topic of the same name is refused, and believed nothing',
  async (t) => {
    const { replicas, fetch } = world(1)
    const answers = fetch({ partitions: [{ ...start(0, 18), topicId: 'deleted' }] })
    await settled()
    t.match(answers, [[{ partition: 0, code: 'UNKNOWN_TOPIC_OR_PARTITION' }]])
    t.same(replicas[0]?.acknowledged, [])
    t.equal(replicas[0]?.watches.size, 0)
  },
)

t.test('a leader that is deposed says so, and sends no more records', async (t) => {
  const { replicas, fetch } = world(2)
  const [deposed, renewed] = replicas
  const first = fetch({ partitions: [start(0), start(1)] })
  deposed?.append()
  deposed?.depose({ type: 'idle' })
  renewed?.depose({ type: 'leading' })
  await settled()
  t.match(first, [
    [
      { code: 'NOT_LEADER_OR_FOLLOWER', records: Buffer.alloc(0) },
      { code: 'FENCED_LEADER_EPOCH', records: Buffer.alloc(0) },
    ],
  ])
  t.same(
    replicas.map(({ watches }) => watches.size),
    [0, 0],
  )
})

t.test('partitions that find no room in an answer come first in the next', async (t) => {
  const { replicas, fetch } = world(3)
  for (const replica of replicas) replica.append()
  const partitions = [start(0), start(1), start(2)]
  const answers = [fetch({ partitions, bytesMax: 1 })]
  for (const _ of [1, 2]) {
    await settled()
    answers.push(fetch({ bytesMax: 1 }))
  }
  replicas[0]?.append()
  await settled()
  answers.push(fetch({ bytesMax: 1 }))
  await settled()
  t.same(answers.map(sent), [[[0, 0, 1]], [[1, 0, 1]], [[2, 0, 1]], [[0, 1, 2]]])
})

t.test('a follower starts again if records were removed before they were sent', async (t) => {
  const { replicas, fetch } = world(1)
  const answers = fetch({ partitions: [start(0)] })
  const [replica] = replicas
  replica?.append(2)
  if (replica !== undefined) replica.earliestOffset = 2
  replica?.commit()
  await settled()
  t.match(answers, [[{ partition: 0, offset: 0, code: 'OFFSET_OUT_OF_RANGE' }]])
  t.equal(replica?.watches.size, 0)
})

t.test('a partition that is forgotten is not sent, and not watched', async (t) => {
  const { replicas, fetch } = world(1)
  fetch({ partitions: [start(0)] })
  const second = fetch({ forgotten: [{ topic: 'goals', partition: 0 }] })
  replicas[0]?.append()
  await settled()
  t.same(second, [])
  t.equal(replicas[0]?.watches.size, 0)
})

t.test('a fetch that is not the next one of its session is refused', async (t) => {
  const { replicas, fetch } = world(1)
  const refused = [{ code: 'INVALID_FETCH_SESSION_EPOCH' }]
  t.match(fetch({ session: 4, sequence: 1 }), refused, 'the session did not begin')
  const first = fetch({ session: 5, sequence: 0, partitions: [start(0)] })
  t.match(fetch({ session: 5, sequence: 0 }), refused)
  t.match(fetch({ session: 5, sequence: 2 }), refused, 'one is missing')
  t.match(fetch({ session: 4, sequence: 0 }), refused, 'an earlier session, late')
  t.same(first, [])
  const later = fetch({ session: 6, sequence: 0 })
  t.same(first, [[]], 'a later session ends it')
  t.equal(replicas[0]?.watches.size, 0)
  t.same(later, [])
  fetch({ session: 1, sequence: 0, life: life(2, { epoch: 21 }) })
  t.same(later, [[]], 'and so does the next life of the broker')
})

t.test('what a follower of a quiet partition said counts when the replicas change', async (t) => {
  const { replicas, fetch } = world(1)
  const [replica = new FakeReplica(0)] = replicas
  fetch({ partitions: [start(0, 3)] })
  fetch({ partitions: [acknowledge(0, 5)] })
  for (const watch of replica.watches) watch.replicasChanged()
  t.same(replica.acknowledged, [3, 5, 5])
})

t.test('when the follower is gone, nothing of its session is left', async (t) => {
  const { replicas, sessions, fetch, clock } = world(1)
  const first = fetch({ partitions: [start(0)] })
  replicas[0]?.commit()
  replicas[0]?.append()
  sessions.gone(follower)
  t.same(first, [[]])
  t.equal(replicas[0]?.watches.size, 0)
  await clock.advance(1000)
  t.same(first, [[]])
})

// --- the throttle ----------------------------------------------------------------------------------

const batchBytes = batchOf(1).length

/** One batch of this partition's log a second, on one side or on both. */
const sides = [
  { name: 'the leader’s rate', leader: '0:1', follower: '' },
  { name: 'the follower’s rate', leader: '', follower: '0:2' },
  { name: 'both rates', leader: '*', follower: '*' },
]
for (const { name, leader, follower } of sides) {
  t.test(`a replica that catches up gets no more than ${name} allows`, async (t) => {
    const { replicas, fetch, clock, configure } = world(1)
    configure('topic', 'goals', {
      'leader.replication.throttled.replicas': leader,
      'follower.replication.throttled.replicas': follower,
    })
    configure('broker', '1', { 'leader.replication.throttled.rate': String(batchBytes) })
    configure('broker', '<default>', { 'follower.replication.throttled.rate': String(batchBytes) })
    const [replica = new FakeReplica(0)] = replicas
    for (let i = 0; i < 20; i++) replica.append()
    fetch({ partitions: [start(0)] })
    let bytes = 0
    const emptyAtMs: number[] = []
    for (let ms = 0; ms < 10_000; ms += 10) {
      await clock.advance(10)
      const [answer = []] = fetch({ maxWaitMs: 0 })
      for (const each of answer instanceof BrokerError ? [] : answer) bytes += each.records.length
      if (replica.reads.length === 20) emptyAtMs.push(ms)
    }
    t.ok(bytes >= 9 * batchBytes, `${bytes} bytes`)
    t.ok(bytes <= 11 * batchBytes, `${bytes} bytes`)
    t.same(emptyAtMs, [])
  })
}

/** The leader's rate is 1 byte per second for all partitions of the topic. */
function slow(count: number) {
  const made = world(count)
  made.configure('topic', 'goals', { 'leader.replication.throttled.replicas': '*' })
  made.configure('broker', '1', { 'leader.replication.throttled.rate': '1' })
  return made
}

t.test('what is held is no news, and is sent when there is room', async (t) => {
  const { replicas, fetch, clock } = slow(2)
  const [held = new FakeReplica(0), quiet = new FakeReplica(1)] = replicas
  quiet.isWaitedFor = true
  held.append()
  const first = fetch({ maxWaitMs: 30_000, partitions: [start(0), start(1)] })
  await settled()
  held.append()
  held.commit()
  await clock.advance(400)
  t.same(first, [], 'neither records nor a high watermark')
  quiet.append()
  await settled()
  t.same(sent(first), [[1, 0, 1]], 'another partition has news')
  const second = fetch({ maxWaitMs: 500 })
  await clock.advance(480)
  t.same(second, [])
  await clock.advance(620)
  t.same(second, [[]])
  const third = fetch({ maxWaitMs: 500 })
  await settled()
  t.same(sent(third), [[0, 0, 1]], 'a second has saved up one byte: a batch passes whole')
})

t.test('a replica for which the high watermark waits is not held', async (t) => {
  const { replicas, fetch } = slow(1)
  const [replica = new FakeReplica(0)] = replicas
  for (let i = 0; i < 3; i++) replica.append()
  const first = fetch({ partitions: [start(0)] })
  await settled()
  t.same(first, [])
  replica.isWaitedFor = true
  const second = fetch({ partitions: [acknowledge(0, 0)] })
  await settled()
  t.same(sent(first), [[0, 0, 3]], 'as soon as it is waited for')
  replica.append()
  await settled()
  t.same(sent(second), [[0, 3, 4]])
})

t.test('what is held goes on at once when the throttle is taken back', async (t) => {
  const { replicas, fetch, clock, configure } = slow(1)
  replicas[0]?.append()
  const first = fetch({ partitions: [start(0)] })
  await clock.advance(200)
  t.same(first, [])
  configure('broker', '1', {})
  await clock.advance(100)
  t.same(sent(first), [[0, 0, 1]])
  t.equal(clock.timerCount, 1, 'only the purgatory’s is left')
})

t.test('partitions and followers that are held get their turns', async (t) => {
  const { replicas, fetch, clock, configure } = slow(2)
  configure('broker', '1', { 'leader.replication.throttled.rate': String(batchBytes) })
  for (const replica of replicas) for (let i = 0; i < 20; i++) replica.append()
  const sentOf: Record<string, number> = {}
  const sequences = new Map<BrokerId, number>()
  const ask = (by: BrokerId, partitions: ReplicaFetchPartition[]) => {
    const sequence = sequences.get(by) ?? 0
    sequences.set(by, sequence + 1)
    const asked = { life: life(by), session: 1, sequence, partitions }
    return fetch(asked, by)
  }
  const both = [2, 3] as BrokerId[]
  let answers = both.map((by) => [by, ask(by, [start(0), start(1)])] as const)
  for (let ms = 0; ms < 12_000; ms += 20) {
    await clock.advance(20)
    answers = answers.map(([by, found]) => {
      const list = sent(found)
      if (list === undefined) return [by, found]
      for (const [partition] of list) {
        const key = `${partition} to ${by}`
        sentOf[key] = (sentOf[key] ?? 0) + 1
      }
      return [by, ask(by, [])]
    })
  }
  const counts = Object.values(sentOf)
  t.equal(counts.length, 4, JSON.stringify(sentOf))
  t.ok(Math.max(...counts) - Math.min(...counts) <= 1, JSON.stringify(sentOf))
})

t.test('nothing of a session that is gone waits for room', async (t) => {
  const { replicas, fetch, sessions, clock } = slow(1)
  replicas[0]?.append()
  const first = fetch({ partitions: [start(0)] })
  await settled()
  sessions.gone(follower)
  t.same(first, [[]])
  await clock.advance(20_000)
  t.same(replicas[0]?.reads, [])
  t.equal(clock.timerCount, 1)
})
