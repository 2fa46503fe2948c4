// A client that changes the ensemble waits for it: what it sends meanwhile is taken afterwards.

import t from 'tap'
import type { ReplyBody } from '../../../src/protocol/zk/messages.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'
import { create, serversOf, set } from '../fake-client.ts'
import { FakeCluster } from '../fake-ensemble.ts'
import { PlainClient } from '../plain-client.ts'

class Noting extends PlainClient {
  readonly noted: string[] = []

  override reply(xid: number, zxid: Zxid, body: ReplyBody): void {
    super.reply(xid, zxid, body)
    this.noted.push(body.type)
  }

  override proceed(): void {
    this.noted.push('proceed')
  }
}

const nothing = { joining: undefined, leaving: undefined, members: undefined }
const reconfig = { type: 'reconfig', ...nothing, version: -1 } as const

t.test('a write before it does not end the wait of what comes after it', async (t) => {
  const cluster = new FakeCluster()
  const [server] = serversOf(cluster)
  if (server === undefined) throw new Error('there is one server')
  const client = new Noting(server).hello()
  client.ask(create('/a'))
  cluster.auto = false
  client.ask(set('/a', '1'), reconfig)
  t.notOk(server.processors.mayTake(client, 100))
  client.noted.length = 0
  cluster.commit(1)
  t.same(client.noted, ['setData'])
  t.notOk(server.processors.mayTake(client, 100), 'the change is still waited for')
  cluster.commit(1)
  t.same(client.noted, ['setData', 'error', 'proceed'], 'it is answered before what follows it')
  t.ok(server.processors.mayTake(client, 100))
})
