// What the audit log has of clients of one server, among several.

import t from 'tap'
import { AuditLog } from '../../../src/daemon/session/audit-log.ts'
import type { SessionId } from '../../../src/protocol/records.ts'
import { create, type FakeServer, remove, serversOf, set } from '../fake-client.ts'
import { FakeCluster } from '../fake-ensemble.ts'
import { connected } from '../plain-client.ts'

function audited(servers: number): {
  cluster: FakeCluster
  all: readonly { server: FakeServer; lines: string[] }[]
} {
  const cluster = new FakeCluster({ servers })
  const all = [...cluster.members.values()].map((member) => {
    const lines: string[] = []
    const audit = new AuditLog({ line: (text) => lines.push(text) }, 'root')
    return { member, lines, audit }
  })
  const made = serversOf(cluster, undefined, (i) => ({ audit: all[i]?.audit }))
  return { cluster, all: all.map(({ lines }, i) => ({ server: made[i] as FakeServer, lines })) }
}

/** Without the session, and the address that every client here has. */
function short(lines: readonly string[]): string[] {
  return lines.map((line) =>
    line.replace(/^session=\S+\t/, '').replace(/user=127\S+\tip=\S+\t/, ''),
  )
}

t.test('each server writes what its own clients did, and did not', async (t) => {
  const { all } = audited(2)
  const [one, two] = all
  if (one === undefined || two === undefined) throw new Error('There are two servers')
  const client = connected(two.server)
  client.ask(create('/a'), set('/a', 'x'), remove('/b'), remove('/a'))
  t.same(short(two.lines), [
    'operation=create\tznode=/a\tznode_type=persistent\tresult=success',
    'operation=setData\tznode=/a\tresult=success',
    'operation=delete\tznode=/b\tresult=failure',
    'operation=delete\tznode=/a\tresult=success',
  ])
  t.same(one.lines, [])
})

t.test('a change is audited although its client is gone', async (t) => {
  const { cluster, all } = audited(1)
  const [one] = all
  if (one === undefined) throw new Error('There is a server')
  const client = connected(one.server)
  cluster.auto = false
  client.ask(create('/a'))
  client.close()
  t.same(one.lines, [])
  cluster.commit()
  t.equal(one.lines.length, 1)
})

t.test('what a lost leader was asked for is not audited', async (t) => {
  const { cluster, all } = audited(1)
  const [one] = all
  if (one === undefined) throw new Error('There is a server')
  const client = connected(one.server)
  cluster.auto = false
  client.ask(create('/a'))
  cluster.lose()
  cluster.elect()
  t.same(one.lines, [])
})

t.test('ephemerals that end with their session are audited at every server', async (t) => {
  const { all } = audited(2)
  const [one, two] = all
  if (one === undefined || two === undefined) throw new Error('There are two servers')
  const client = connected(one.server)
  client.ask({ type: 'create', path: '/e', data: null, mode: 'ephemeral' })
  const session: SessionId = client.session
  client.ask({ type: 'closeSession' })
  const line = `session=0x${session.toString(16)}\tuser=root\toperation=ephemeralZNodeDeletionOnSessionCloseOrExpire\tznode=/e\tresult=success`
  t.equal(one.lines.at(-1), line)
  t.same(two.lines, [line])
})
