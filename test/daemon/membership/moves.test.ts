import t from 'tap'
import { clientListenOf, movesBetween, peerListens } from '../../../src/daemon/membership/moves.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { parseQuorumServer, type QuorumServer } from '../../../src/protocol/zk/quorum-server.ts'

function line(text: string): QuorumServer {
  const server = parseQuorumServer(1 as ServerId, text)
  if (typeof server === 'string') throw new Error(server)
  return server
}

const cases = [
  { before: 'h:1:2;3', after: 'h:1:9:observer;0.0.0.0:3' },
  { before: 'h:1:2;3', after: 'h:1:2' },
  { before: 'h:1:2', after: 'h:1:2;3', client: [undefined, 3] },
  { before: 'h:1:2;3', after: 'h:1:2;4', client: [undefined, 4] },
  { before: 'h:1:2;3', after: 'h:1:2;h:3', client: ['h', 3], ofFile: {} },
  { before: 'h:1:2;3', after: 'h:4:2;3', peers: [['h', 4]] },
  { before: 'h:1:2;3', after: 'other:1:2;3', peers: [['other', 1]], ofFile: {} },
  { before: 'h:1:2|i:1:2;3', after: 'i:1:2|h:1:2;3' },
  {
    before: 'h:1:2;3',
    after: 'h:1:2|i:4:2;3',
    peers: [
      ['h', 1],
      ['i', 4],
    ],
  },
]
for (const { before, after, client, peers, ofFile } of cases) {
  t.test(`from ${before} to ${after}`, async (t) => {
    const moves = (portsOnly: boolean) => {
      const found = movesBetween(line(before), line(after), { portsOnly })
      return {
        client: found.client && [found.client.host, found.client.port],
        peers: found.peers?.map(({ host, port }) => [host, port]),
      }
    }
    t.same(moves(false), { client, peers })
    t.same(
      moves(true),
      ofFile === undefined ? { client, peers } : { client: undefined, peers: undefined },
    )
  })
}

t.test('a line without an address leaves it to clientPortAddress', async (t) => {
  const all = { host: '0.0.0.0', port: 5 }
  const own = { host: '127.0.0.1', port: 2181 }
  const byKey = { line: { host: undefined, port: 2181 }, listen: own }
  t.same(clientListenOf(all, byKey), { host: '127.0.0.1', port: 5 })
  t.same(clientListenOf({ host: '::1', port: 5 }, byKey), { host: '::1', port: 5 })
  t.same(clientListenOf(all, { line: own, listen: own }), { host: undefined, port: 5 })
  t.same(clientListenOf(all, { line: undefined, listen: undefined }), { host: undefined, port: 5 })
})

t.test('peers: each address, or each port once on all addresses', async (t) => {
  const [a, b] = [
    { host: 'a', port: 1 },
    { host: 'b', port: 1 },
  ]
  t.same(peerListens([a, b], { onAllAddresses: false }), [a, b])
  t.same(peerListens([a, b], { onAllAddresses: true }), [{ host: undefined, port: 1 }])
})
