import t from 'tap'
import type { ZkClient } from '../../src/client/zk/zk-client.ts'
import { ZkError } from '../../src/protocol/error-codes.ts'
import { connectTo, startWorld, until, untilRole, untilRoles } from './world.ts'

const crashCount = 4
/** Minimum number of writes between two events. */
const writesBetween = 25

/** Writes /log/1, /log/2 … until it is stopped. */
class Writer {
  readonly #zk: ZkClient
  #stopped = false
  /** the writes that the ensemble acknowledged */
  acknowledged = 0
  readonly #done: Promise<void>

  constructor(zk: ZkClient) {
    this.#zk = zk
    this.#done = this.#run()
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      if (await this.#maybeWrite(this.acknowledged + 1)) this.acknowledged++
    }
  }

  /** If the outcome is unknown, the next try reveals it. */
  async #maybeWrite(number: number): Promise<boolean> {
    try {
      await this.#zk.create(`/log/${number}`)
      return true
    } catch (error) {
      if (!(error instanceof ZkError)) throw error
      if (error.code === 'NODEEXISTS') return true
      if (error.code !== 'CONNECTIONLOSS') throw error
      return false
    }
  }

  async goesOn(): Promise<void> {
    const wanted = this.acknowledged + writesBetween
    await until(`${wanted} writes are done`, () => (this.acknowledged >= wanted ? true : undefined))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#done
  }
}

t.test('a server that keeps crashing and reviving while writes continue', async (t) => {
  const { cluster } = await startWorld(t, { servers: 3 })
  const { leader: crashing } = await untilRoles(cluster, 2)
  const zk = await connectTo(t, ...cluster.servers)
  await zk.create('/log')
  const writer = new Writer(zk)
  for (let crash = 1; crash <= crashCount; crash++) {
    await writer.goesOn()
    await cluster.kill(crashing)
    await writer.goesOn()
    cluster.start(crashing)
    await untilRole(crashing, 'leader', 'follower')
  }
  await writer.goesOn()
  await writer.stop()

  const { acknowledged } = writer
  t.comment(`${acknowledged} writes`)
  const wanted = Array.from({ length: acknowledged }, (_, i) => `/log/${i + 1}`)
  for (const server of cluster.servers) {
    const one = await connectTo(t, server)
    await one.sync()
    const { children } = await one.getChildren('/log')
    const found = children.map(Number).sort((a, b) => a - b)
    t.same(
      found.map((number) => `/log/${number}`),
      wanted,
      `${server.name} has every acknowledged write once, and no other`,
    )
  }
})
