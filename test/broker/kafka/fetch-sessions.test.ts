import t from 'tap'
import {
  FetchScope,
  FetchSessions,
  type FetchTopic,
} from '../../../src/broker/kafka/fetch-sessions.ts'
import { noUuid } from '../../../src/protocol/kafka/reader.ts'

function open({ sessionsMax = 10, partitionsMax = 100 } = {}) {
  let id = 100
  const sessions = new FetchSessions({ sessionsMax, partitionsMax, randomId: () => id++ % 103 })
  const fetch = (
    [sessionId, sessionEpoch]: readonly [number, number],
    topics: readonly FetchTopic[] = [],
    {
      nowMs = 0,
      forgotten = [] as readonly number[],
      byId: usesTopicIds = false,
      granted = { sessionId: 0 },
    } = {},
  ) => {
    const forgottenTopicsData = [{ topic: 'a', topicId: noUuid, partitions: [...forgotten] }]
    const request = { ...common, sessionId, sessionEpoch, topics: [...topics], forgottenTopicsData }
    return sessions.open(request, { usesTopicIds, granted, nowMs })
  }
  return { sessions, fetch }
}

const common = {
  ...{ clusterId: null, replicaId: -1, replicaState: null, maxWaitMs: 0, minBytes: 0 },
  ...{ maxBytes: 100, isolationLevel: 0, rackId: '' },
}

const topic = (name: string, ...partitions: readonly number[]): FetchTopic => ({
  topic: name,
  topicId: noUuid,
  partitions: partitions.map((partition) => ({
    ...{ partition, fetchOffset: 0, partitionMaxBytes: 1000 },
    ...{ currentLeaderEpoch: -1, lastFetchedEpoch: -1, logStartOffset: -1 },
  })),
})

/** @returns its partitions, like `a/0 a/1` */
function scopeOf(found: FetchScope | string): { scope: FetchScope; names: string } {
  if (!(found instanceof FetchScope)) throw new Error(found)
  const names = found.topics.flatMap(({ topic, partitions }) =>
    partitions.map(({ partition }) => `${topic}/${partition}`),
  )
  return { scope: found, names: names.join(' ') }
}

const quiet = { isError: false, highWatermark: 5, logStart: 0, recordBytes: 0 }

t.test('a partition is named when anything about it has changed', async (t) => {
  const { fetch } = open()
  const a = topic('a', 0, 1)
  const { scope } = scopeOf(fetch([0, 0], [a]))
  t.ok(scope.answers(a, 0, quiet), 'the first answer names all')
  const id = scope.sessionId
  const named = (epoch: number, answer: typeof quiet) =>
    scopeOf(fetch([id, epoch])).scope.answers(a, 0, answer)
  t.notOk(named(1, quiet))
  t.ok(named(2, { ...quiet, recordBytes: 100 }))
  t.notOk(named(3, quiet))
  t.ok(named(4, { ...quiet, highWatermark: 6 }))
  t.notOk(named(5, { ...quiet, highWatermark: 6 }))
  t.ok(named(6, { ...quiet, highWatermark: 6, logStart: 2 }))
  t.ok(named(7, { ...quiet, isError: true }))
  t.ok(named(8, { ...quiet, isError: true }), 'an error each time')
  t.ok(named(9, quiet), 'and that it is gone')
  t.notOk(named(10, quiet))
})

t.test('a request changes the partitions of its session', async (t) => {
  const { sessions, fetch } = open()
  const id = scopeOf(fetch([0, 0], [topic('a', 0, 1)])).scope.sessionId
  t.equal(scopeOf(fetch([id, 1], [topic('b', 7)])).names, 'a/0 a/1 b/7')
  t.equal(scopeOf(fetch([id, 2], [], { forgotten: [0, 9] })).names, 'a/1 b/7')
  t.equal(sessions.partitionCount, 2)
  const moved = { ...topic('b', 7), partitions: topic('b', 7).partitions.map((one) => one) }
  const [first] = moved.partitions
  if (first !== undefined) moved.partitions[0] = { ...first, fetchOffset: 12 }
  const { scope } = scopeOf(fetch([id, 3], [moved]))
  t.equal(scope.topics[1]?.partitions[0]?.fetchOffset, 12)
  const { scope: last } = scopeOf(fetch([id, 4], [], { forgotten: [1] }))
  t.equal(last.topics.length, 1)
  t.equal(sessions.partitionCount, 1)
})

t.test('a session without partitions ends', async (t) => {
  const { sessions, fetch } = open()
  const id = scopeOf(fetch([0, 0], [topic('a', 0)])).scope.sessionId
  t.equal(scopeOf(fetch([id, 1], [], { forgotten: [0] })).scope.sessionId, 0)
  t.equal(sessions.count, 0)
  t.equal(sessions.partitionCount, 0)
  t.equal(scopeOf(fetch([0, 0], [])).scope.sessionId, 0, 'and none begins')
})

t.test('another epoch, another session and another way to name topics are refused', async (t) => {
  const { sessions, fetch } = open()
  const id = scopeOf(fetch([0, 0], [topic('a', 0)])).scope.sessionId
  t.equal(fetch([id, 2]), 'INVALID_FETCH_SESSION_EPOCH')
  t.equal(fetch([id + 1, 1]), 'FETCH_SESSION_ID_NOT_FOUND')
  t.equal(fetch([0, 1]), 'FETCH_SESSION_ID_NOT_FOUND')
  t.equal(fetch([id, 1], [], { byId: true }), 'FETCH_SESSION_TOPIC_ID_ERROR')
  t.equal(scopeOf(fetch([id, 1])).names, 'a/0', 'the session goes on')
  t.not(scopeOf(fetch([id, 0], [topic('a', 1)])).scope.sessionId, id, 'a new one in its place')
  t.equal(sessions.count, 1)
  t.equal(sessions.partitionCount, 1)
})

t.test('at the limits, only a session that was unused for long makes room', async (t) => {
  const { sessions, fetch } = open({ sessionsMax: 2, partitionsMax: 5 })
  const begin = (nowMs: number, ...partitions: readonly number[]) =>
    scopeOf(fetch([0, 0], [topic('a', ...partitions)], { nowMs })).scope.sessionId
  const [first, second] = [begin(0, 0), begin(1000, 0)]
  t.equal(begin(100_000, 0), 0, 'not granted')
  t.ok(fetch([first, 1], [], { nowMs: 100_000 }) instanceof FetchScope)
  t.equal(begin(120_000, 0), 0)
  const third = begin(121_000, 0, 1)
  t.ok(third > 0)
  t.equal(fetch([second, 1]), 'FETCH_SESSION_ID_NOT_FOUND', 'the one used last is kept')
  t.ok(fetch([first, 2], [], { nowMs: 300_000 }) instanceof FetchScope)
  t.ok(begin(300_001, 0, 1, 2) > 0, 'partitions are counted, too')
  t.equal(sessions.partitionCount, 4)
  t.equal(begin(900_000, 0, 1, 2, 3, 4, 5), 0, 'more than there may be')
  t.equal(sessions.count, 2)
})

t.test('a client that wants a session with each request, and uses none, has one', async (t) => {
  const { sessions, fetch } = open()
  const granted = { sessionId: 0 }
  const begin = () => scopeOf(fetch([0, 0], [topic('a', 0)], { granted })).scope.sessionId
  const [first, second] = [begin(), begin()]
  t.equal(sessions.count, 1)
  t.equal(fetch([first, 1]), 'FETCH_SESSION_ID_NOT_FOUND')
  t.ok(fetch([second, 1]) instanceof FetchScope)
  begin()
  t.equal(sessions.count, 2, 'one that is in use goes on')
})

t.test('partitions that were served first come last when there was no room', async (t) => {
  const { fetch } = open()
  const [a, b] = [topic('a', 0, 1), topic('b', 0)]
  const { scope } = scopeOf(fetch([0, 0], [a, b]))
  scope.servedFirst([[a, 0]])
  t.equal(scopeOf(fetch([scope.sessionId, 1])).names, 'a/1 b/0 a/0')
})
