import t from 'tap'
import type { Subject } from '../../bench/ensemble.ts'
import { fillKeys, measure } from '../../bench/measure.ts'
import { type DialectName, dialectNames, RawConnection } from '../../bench/raw-connection.ts'
import { compare } from '../../bench/workloads/compare.ts'
import { keeperWeights, listRoot } from '../../bench/workloads/keeper.ts'
import { holdSessions } from '../../bench/workloads/sessions.ts'
import {
  newCounters,
  startLoad,
  startOpenLoad,
  type WorkloadName,
} from '../../bench/workloads/zk-load.ts'
import { sequentialWrites } from '../../bench/workloads/zk-sequential.ts'
import type { Address } from '../../src/address.ts'
import { errorCodes } from '../../src/protocol/error-codes.ts'
import type { Request } from '../../src/protocol/zk/messages.ts'
import { type Answer, startResponder, works } from './responder.ts'

const timeoutMs = 30_000
const ignore = () => undefined

for (const dialect of dialectNames) {
  t.test(`a raw connection answers in ${dialect}, and tells an error by its number`, async (t) => {
    const { address, stop } = await startResponder((request, xid) =>
      request.type === 'getData'
        ? { xid, body: { type: 'error', code: errorCodes.NONODE } }
        : works(request, xid),
    )
    t.teardown(stop)
    const connection = await RawConnection.connect(address, { dialect, timeoutMs, failed: ignore })
    const create = { type: 'create', path: '/a', data: null, mode: 'persistent' } as const
    t.equal((await connection.request(create)).path, '/a')
    const get = connection.request({ type: 'getData', path: '/a', watch: false })
    await t.rejects(get, /Error -101/)
    connection.close()
  })
}

t.test('an answer out of order fails the connection', async (t) => {
  const { address, stop } = await startResponder((request, xid) => works(request, xid + 1))
  t.teardown(stop)
  const failure = new Promise<Error>((failed) => {
    void RawConnection.connect(address, { timeoutMs, failed }).then((connection) =>
      connection.request({ type: 'sync', path: '/' }).catch(ignore),
    )
  })
  t.match((await failure).message, /out of order/)
})

/** Runs one connection's load until that many answers have come. */
async function load(
  workload: WorkloadName,
  outstanding: number,
  answers: number,
  { answer = works as Answer, dialect = dialectNames[0] as DialectName } = {},
) {
  let most = 0
  const { address, requests, stop } = await startResponder(answer)
  const connection = await RawConnection.connect(address, { dialect, timeoutMs, failed: ignore })
  const counters = newCounters()
  await new Promise<void>((resolve) => {
    const options = { workload, outstanding, valueBytes: 10, name: 'x', seed: 1 }
    startLoad(connection, {
      ...options,
      counters: () => {
        most = Math.max(most, connection.outstanding)
        if (counters.done >= answers) resolve()
        return counters
      },
    })
  })
  connection.close()
  stop()
  return { requests, counters, most }
}

t.test('a load keeps as many requests on the way as it was told', async (t) => {
  const { counters, most } = await load('get', 7, 500)
  t.equal(most, 6, 'the one just answered is not among them')
  t.equal(counters.failed, 0)
  t.ok(counters.done >= 500)
  t.equal(counters.latency.count, counters.done)
})

for (const dialect of dialectNames) {
  t.test(`every create has a path of its own, in ${dialect}`, async (t) => {
    const { requests } = await load('create', 3, 1200, { dialect })
    const paths = requests.map((request) => (request as Extract<Request, { path: string }>).path)
    t.equal(new Set(paths).size, paths.length)
    t.equal(paths[0], '/bench/x-000000001')
    t.equal(paths[1099], '/bench/x-000001100')
  })
}

t.test('a mix is about 90 % reads', async (t) => {
  const { requests } = await load('mix', 16, 2000)
  const reads = requests.filter(({ type }) => type === 'getData').length / requests.length
  t.ok(reads > 0.85 && reads < 0.95, String(reads))
  t.ok(requests.every(({ type }) => type === 'getData' || type === 'setData'))
})

for (const dialect of dialectNames) {
  t.test(`the mixed load draws its requests by weight, in ${dialect}`, async (t) => {
    const { requests, counters } = await load('keeper', 16, 3000, { dialect })
    t.equal(counters.failed, 0)
    const shareOf = (isIt: (request: Request) => boolean) =>
      (requests.filter(isIt).length / requests.length) * 100
    const { get, watch, exists, list, set, multi, churn } = keeperWeights
    const shares = {
      getData: get + watch,
      exists,
      getChildren: list,
      setData: set,
      multi,
      create: churn / 2,
      delete: churn / 2,
    }
    t.equal(
      Object.values(shares).reduce((sum, one) => sum + one),
      100,
    )
    for (const [type, share] of Object.entries(shares)) {
      const found = shareOf((request) => request.type === type)
      t.ok(Math.abs(found - share) < 3, `${type}: ${found} %, wanted ${share}`)
    }
    t.ok(Math.abs(shareOf((one) => one.type === 'getData' && one.watch) - watch) < 3)
    const lists = requests.flatMap((one) => (one.type === 'getChildren' ? one.path : []))
    t.ok(lists.every((path) => path === listRoot))
    const churned = requests.flatMap(({ type }) =>
      type === 'create' || type === 'delete' ? type : [],
    )
    t.ok(churned.every((type, i) => type === (i % 2 === 0 ? 'create' : 'delete')))
  })
}

t.test('an open loop counts from when a request was due, not from when it was sent', async (t) => {
  const { address, stop } = await startResponder()
  t.teardown(stop)
  const connection = await RawConnection.connect(address, { timeoutMs, failed: ignore })
  const counters = newCounters()
  const stallMs = 100
  const load = { workload: 'get', valueBytes: 10, name: 'x', seed: 1, ratePerSecond: 1000 } as const
  await new Promise<void>((resolve) => {
    const timer = startOpenLoad(connection, {
      ...load,
      counters: () => {
        if (counters.done >= stallMs) {
          clearInterval(timer)
          resolve()
        }
        return counters
      },
    })
    // The generator itself stalls: one request becomes due every millisecond, and none is sent.
    const until = performance.now() + stallMs
    while (performance.now() < until);
  })
  connection.close()
  // They were due evenly throughout the stall, and sent at its end.
  const median = counters.latency.percentile(50)
  t.ok(median >= (stallMs / 2 - 10) * 1000, `half of them waited for ${median} µs`)
})

const options = {
  generators: 2,
  warmUpMs: 20,
  windowMs: 200,
  name: 'n',
}

t.test('a measurement counts what its generators did, and the CPU time per answer', async (t) => {
  const { address, requests, stop } = await startResponder()
  t.teardown(stop)
  await fillKeys(address, { valueBytes: 10 })
  t.equal(requests.filter(({ type }) => type === 'create').length, 1102)
  let micros = 0
  const { perSecond, failed, cpuMicros, latency } = await measure({
    ...options,
    load: {
      servers: [address],
      protocol: 'native',
      workload: 'set',
      connections: 3,
      outstanding: 2,
      valueBytes: 10,
      seed: 1,
    },
    cpuMicros: () => (micros += 1000),
  })
  t.ok(perSecond > 0)
  t.equal(failed, 0)
  t.equal(Math.round(((cpuMicros ?? 0) * latency.count) / 1000), 1)
  t.ok(latency.percentile(50) > 0)
})

t.test('answers with an error are told apart', async (t) => {
  const { counters } = await load('get', 2, 20, {
    answer: (request, xid) =>
      request.type === 'getData' && xid % 4 === 0
        ? { xid, body: { type: 'error', code: errorCodes.NONODE } }
        : works(request, xid),
  })
  t.ok(counters.failed >= 6 && counters.failed <= 7, String(counters.failed))
  t.equal(counters.latency.count, counters.done + counters.failed)
})

t.test('a server that closes a connection fails the measurement', async (t) => {
  let left = 100
  const { address, stop } = await startResponder((request, xid) =>
    left-- > 0 ? works(request, xid) : undefined,
  )
  t.teardown(stop)
  const measured = measure({
    ...options,
    windowMs: 30_000,
    load: {
      servers: [address],
      protocol: 'native',
      workload: 'get',
      connections: 2,
      outstanding: 2,
      valueBytes: 10,
      seed: 1,
    },
    cpuMicros: ignore,
  })
  await t.rejects(measured, /generator failed/)
})

t.test('sequential writes wait for each other', async (t) => {
  const { address, requests, stop } = await startResponder()
  t.teardown(stop)
  const medians = await sequentialWrites(address, { counts: [1, 5], runs: 3, valueBytes: 10 })
  t.equal(medians.length, 2)
  t.equal(requests.filter(({ type }) => type === 'setData').length, 3 + 15)
})

/** What is measured, where there is nothing to measure. */
function subject(address: Address): Subject {
  return {
    addresses: [address],
    cpuMicros: () => undefined,
    memoryMiB: () => undefined,
    stop: async () => undefined,
  }
}

t.test(
  'a comparison measures both in turn, and says how many times as much ours did',
  async (t) => {
    const ours = await startResponder()
    t.teardown(ours.stop)
    const peer = await startResponder()
    t.teardown(peer.stop)
    const found = await compare(subject(ours.address), subject(peer.address), {
      ...options,
      load: { workload: 'get', connections: 2, outstanding: 2, valueBytes: 10, seed: 1 },
      generators: 1,
      rounds: 1,
    })
    t.ok(found.ours.perSecond > 0 && found.peer.perSecond > 0)
    t.equal(found.ratio, found.ours.perSecond / found.peer.perSecond)
    t.ok([...ours.requests, ...peer.requests].every(({ type }) => type === 'getData'))
  },
)

t.test('held sessions each ask to watch, and tell who is told nothing', async (t) => {
  const { address, requests, stop } = await startResponder()
  t.teardown(stop)
  const found = await holdSessions(subject(address), {
    ...{ count: 30, holdMs: 500, dialect: 'native', valueBytes: 10, eventsMs: 50 },
  })
  t.equal(requests.filter((request) => request.type === 'getData' && request.watch).length, 30)
  t.ok(
    requests.some(({ type }) => type === 'exists'),
    'they do not let their session expire',
  )
  t.equal(found.events, 0, 'this server knows no watches')
  t.equal(found.bytesPerSession, undefined)
})
