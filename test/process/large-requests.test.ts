// Clients that write large values as fast as possible, beside a client with small writes: one or
// several of them, at the leader and at a follower, in both dialects. The tests measure order
// instead of time, so that a busy machine makes no difference.

import t, { type Test } from 'tap'
import { RawConnection } from '../../bench/raw-connection.ts'
import type { Member } from '../../src/cli/cluster/cluster.ts'
import { type DialectName, ZkClient } from '../../src/client/zk/zk-client.ts'
import { patienceMs, startWorld, untilRoles } from './world.ts'

const value = Buffer.alloc(1_000_000, 'x')

const world = await startWorld(t, { servers: 3 })
const { leader, followers } = await untilRoles(world.cluster, 2)
const [follower] = followers
if (follower === undefined) throw new Error('There are followers')

async function connect(t: Test, { address }: Member, dialect: DialectName): Promise<ZkClient> {
  const zk = new ZkClient({ servers: [address], connectTimeoutMs: patienceMs, dialect })
  t.teardown(() => zk.close())
  await zk.connect()
  return zk
}

/** @returns the maximum number of large values answered while one small write waited */
async function writeBeside(zk: ZkClient, path: string, big: { answered: number }, total: number) {
  let most = 0
  for (let version = 0; big.answered < total; version++) {
    const before = big.answered
    await zk.setData(path, `${version}`, version)
    most = Math.max(most, big.answered - before)
  }
  return most
}

function fewOf(clients: number): number {
  return 6 + 4 * clients
}

const cases = [
  { at: leader, dialect: 'native', clients: 1, values: 100 },
  { at: follower, dialect: 'jute', clients: 1, values: 25 },
  { at: follower, dialect: 'native', clients: 4, values: 8 },
] as const

for (const { at, dialect, clients, values } of cases) {
  const where = at === leader ? 'the leader' : 'a follower'
  t.test(`${clients} × ${values} values of 1 MB at once, ${dialect}, at ${where}`, async (t) => {
    const root = `/${dialect}-${clients}-${where.replaceAll(' ', '-')}`
    const small = await connect(t, at, dialect)
    await small.create(root)
    await small.create(`${root}/small`)
    const writers = await Promise.all(
      Array.from({ length: clients }, () => connect(t, at, dialect)),
    )
    const big = { answered: 0 }
    const beside = writeBeside(small, `${root}/small`, big, clients * values)
    await Promise.all(
      writers.map((zk, who) => {
        const writes = Array.from({ length: values }, async (_, i) => {
          await zk.create(`${root}/${who}-${i}`, value)
          big.answered++
        })
        return Promise.all(writes)
      }),
    )
    const most = await beside
    // One is in flight when the small write arrives; this client reads a few more before its
    // answer.
    t.ok(most <= fewOf(clients), `a small write waits for few large values: ${most}`)
    const children = await small.getChildren(root)
    t.equal(children.children.length, clients * values + 1)
  })
}

t.test('a client without flow control does not starve others, in the jute dialect', async (t) => {
  const count = 25
  const big = { answered: 0 }
  const errors: number[] = []
  let settle: (error?: Error) => void = () => undefined
  const done = new Promise<void>((resolve, reject) => {
    settle = (error) => (error === undefined ? resolve() : reject(error))
  })
  const raw = await RawConnection.connect(follower.address, {
    dialect: 'jute',
    timeoutMs: patienceMs,
    failed: (error) => settle(error),
  })
  t.teardown(() => raw.close())
  const small = await connect(t, follower, 'jute')
  await small.create('/small')
  raw.onReply = (err) => {
    big.answered++
    errors.push(err)
    if (big.answered === count) settle()
  }
  for (let i = 0; i < count; i++) {
    const mode = 'persistent'
    raw.send(raw.template({ type: 'create', path: `/raw-${i}`, data: value, mode }))
  }
  raw.flush()
  const [, most] = await Promise.all([done, writeBeside(small, '/small', big, count)])
  t.ok(most <= fewOf(1), `others are served in between: ${most}`)
  t.same(errors, new Array(count).fill(0))
})
