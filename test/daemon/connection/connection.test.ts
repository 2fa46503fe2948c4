import t from 'tap'
import { limits } from '../../../src/limits.ts'
import { ProtocolError } from '../../../src/protocol/error-codes.ts'
import { MsgpackWriter } from '../../../src/protocol/msgpack.ts'
import { writePlains } from '../../../src/protocol/plain.ts'
import { ops } from '../../../src/protocol/zk/messages.ts'
import { protocolVersion } from '../../../src/protocol/zk/native.ts'
import { frame } from '../../suites/dialect.ts'
import { create, exists, type FakeServer, get, ping, serversOf, set, sync } from '../fake-client.ts'
import { FakeCluster } from '../fake-ensemble.ts'

function alone(auto = true): { cluster: FakeCluster; server: FakeServer } {
  const cluster = new FakeCluster({ auto })
  const [server] = serversOf(cluster) as [FakeServer]
  return { cluster, server }
}

const firsts = [
  { name: 'nothing yet', bytes: [], want: 'more' },
  { name: 'three letters', bytes: [...Buffer.from('ruo')], want: 'more' },
  { name: 'a word', bytes: [...Buffer.from('ruok')], want: 'other' },
  { name: 'a word and a line feed', bytes: [...Buffer.from('ruok\n')], want: 'other' },
  { name: 'a length alone', bytes: [0, 0, 0, 20], want: 'more' },
  { name: 'fixarray', bytes: [0, 0, 0, 20, 0x97], want: 'frames' },
  { name: 'array 16', bytes: [0, 0, 0, 20, 0xdc], want: 'frames' },
  { name: 'array 32', bytes: [0, 0, 0, 20, 0xdd], want: 'frames' },
  { name: 'the longest frame', bytes: [0, 0x0f, 0xff, 0xff, 0x90], want: 'frames' },
  { name: 'a frame too long', bytes: [0, 0x10, 0, 0], want: 'throws' },
  { name: 'an empty frame', bytes: [0, 0, 0, 0], want: 'throws' },
  { name: 'an unknown word', bytes: [...Buffer.from('GET ')], want: 'throws' },
  { name: 'jute', bytes: [0, 0, 0, 45, 0], want: 'frames' },
  { name: 'a jute version from the future', bytes: [0, 0, 0, 45, 1], want: 'throws' },
  { name: 'a msgpack map', bytes: [0, 0, 0, 45, 0x81], want: 'throws' },
  { name: 'TLS', bytes: [0x16, 3, 1, 0], want: 'throws' },
]
for (const { name, bytes, want } of firsts) {
  t.test(`first bytes: ${name}`, async (t) => {
    const { connection } = alone().server.client()
    const decide = (): string => connection.firstBytes(Buffer.from(bytes))
    if (want === 'throws') t.throws(decide, ProtocolError)
    else t.equal(decide(), want)
    t.equal(
      connection.state,
      { more: 'greeting', other: 'closed', frames: 'hello' }[want] ?? 'greeting',
    )
  })
}

t.test('a four-letter word is answered, then the connection closes', async (t) => {
  const client = alone().server.client()
  client.connection.firstBytes(Buffer.from('ruok'))
  t.equal(client.link.out.view().toString(), 'imok')
  t.equal(client.link.closed, true)
})

t.test('without a leader words are answered and frames close the connection', async (t) => {
  const { cluster, server } = alone()
  cluster.lose()
  const client = server.client()
  client.connection.firstBytes(Buffer.from('ruok'))
  t.equal(client.link.out.view().toString(), 'imok')
  const other = server.client()
  other.hello()
  t.same(other.take(), ['closed'])
  t.equal(other.link.reason, undefined, 'this is not an error of the client')
})

t.test('a leader lost between the first bytes and the hello', async (t) => {
  const { cluster, server } = alone()
  const client = server.client()
  t.equal(client.connection.firstBytes(Buffer.from([0, 0, 0, 9, 0x97])), 'frames')
  cluster.lose()
  client.hello()
  t.same(client.take(), ['closed'])
})

t.test('requests sent with the hello wait for the welcome, in order', async (t) => {
  const { cluster, server } = alone(false)
  const client = server.client()
  client.hello()
  client.askAll([create('/a', 'x'), get('/a'), ping])
  t.same(client.take(), [])
  t.equal(client.link.isEstablished, false)
  cluster.commit(1)
  t.same(client.take(), ['welcome'])
  t.equal(client.link.isEstablished, true)
  cluster.commit(1)
  t.same(client.take(), ['create /a', 'getData x', 'ping'])
})

t.test('the requests that wait for the welcome are bounded in bytes', async (t) => {
  const { cluster, server } = alone(false)
  const client = server.client()
  client.hello()
  const large = 'x'.repeat(500_000)
  client.askAll([create('/a', large), create('/b', large)])
  t.equal(client.link.paused, false)
  client.ask(create('/c', large))
  t.equal(client.link.paused, true)
  t.ok(3 * large.length < limits.connectionHeldBytesMax * 2)
  cluster.commit(1)
  t.same(client.take(), ['welcome'], 'which releases them')
  cluster.commit()
  t.same(client.take(), ['create /a', 'create /b'], 'as many bytes as may be in flight')
  t.equal(client.link.paused, false, 'nothing waits any more')
  cluster.commit()
  t.same(client.take(), ['create /c'])
})

t.test('requests after a sync are answered after it', async (t) => {
  const { cluster, server } = alone()
  const client = server.connected()
  cluster.autoConfirm = false
  client.askAll([sync, get('/'), sync, ping])
  t.same(client.take(), [])
  cluster.confirm()
  t.same(client.take(), ['sync', 'getData ', 'sync', 'ping'])
  client.askAll([sync, set('/', 'committed, which confirms as well'), get('/')])
  t.same(client.take(), ['sync', 'setData', 'getData committed, which confirms as well'])
})

const unknown = encodedOp(99)
const loneCheck = encodedOp(13)

for (const { name, body } of [
  { name: 'an unknown op', body: unknown },
  { name: 'a check outside a multi', body: loneCheck },
  {
    name: 'createSession',
    body: encoded((out) => writePlains(out, [[77, ops.createSession, 1]])),
  },
]) {
  t.test(`${name}: answered UNIMPLEMENTED in its turn, then closed`, async (t) => {
    const { cluster, server } = alone()
    const client = server.connected()
    cluster.auto = false
    client.ask(create('/a'))
    client.raw(body)
    client.ask(exists('/a'))
    t.same(client.take(), [])
    cluster.commit()
    t.same(client.take(), ['create /a', 'unasked 77 UNIMPLEMENTED', 'closed'])
  })
}

const malformed = [
  { name: 'no array', body: Buffer.from([0x05]) },
  { name: 'an empty array', body: Buffer.from([0x90]) },
  { name: 'a field too few', body: Buffer.from([0x93, 1, 4, 0xa1, 0x2f]) },
  { name: 'a field too many', body: Buffer.from([0x96, 1, 4, 0xa1, 0x2f, 0xc2, 0xc2, 0xc2]) },
  { name: 'bytes too many', body: Buffer.from([0x92, 1, 11, 0]) },
  { name: 'a string that ends too early', body: Buffer.from([0x95, 1, 4, 0xd9, 200, 0x2f]) },
  { name: 'nothing', body: Buffer.alloc(0) },
]
for (const { name, body } of malformed) {
  t.test(`a malformed frame closes its connection only: ${name}`, async (t) => {
    const { server } = alone()
    const client = server.connected()
    const other = server.connected()
    t.throws(() => client.raw(body), ProtocolError, 'for the link to close')
    other.ask(ping)
    t.same(other.take(), ['ping'])
  })
}

t.test('a malformed frame that was held back closes the connection too', async (t) => {
  const { cluster, server } = alone(false)
  const client = server.client()
  client.hello()
  client.raw(Buffer.from([0x05]))
  client.ask(ping)
  cluster.commit()
  t.same(client.take(), ['welcome', 'closed'])
  t.ok(client.link.reason instanceof ProtocolError)
})

t.test('a hello for another version or role is refused', async (t) => {
  const { server } = alone()
  for (const [version, role] of [
    [protocolVersion + 1, 'client'],
    [0, 'client'],
    [protocolVersion, 'peer'],
  ] as const) {
    const client = server.client()
    const hello = frame((out) => writePlains(out, [[version, role]]))
    t.equal(client.connection.firstBytes(hello), 'frames')
    t.throws(() => client.raw(hello.subarray(4)), ProtocolError)
  }
})

t.test('a connection lost while it joins leaves nothing behind', async (t) => {
  const { cluster, server } = alone(false)
  const client = server.client()
  client.hello()
  client.ask(ping)
  client.connection.closed()
  cluster.commit()
  t.same(client.take(), [])
  t.equal(server.processors.outstanding, 0)
  t.equal(server.tree.sessions.size, 1, 'the session was made, and will expire')
})

t.test('packets are counted', async (t) => {
  const { server } = alone()
  const client = server.connected()
  client.askAll([exists('/a', true), create('/a')])
  t.equal(server.metrics.packetsReceived, 3)
  t.equal(server.metrics.packetsSent, 3, 'two replies and an event')
  t.equal(server.metrics.readLatency.count, 1)
  t.equal(server.metrics.updateLatency.count, 2, 'the session is one')
  t.equal(server.metrics.watchesFired.NodeCreated.sum, 1)
})

t.test('a connection counts its activity, for the word cons', async (t) => {
  const { server } = alone()
  const client = server.connected()
  const { stats } = client.connection
  t.match(stats, { received: 1, sent: 0, lastOp: 'createSession', lastXid: -1, lastZxid: -1 })
  t.equal(stats.establishedMs, server.clock.wallMs())
  client.ask(create('/a'))
  t.match(stats, { received: 2, sent: 1, lastOp: 'create', lastXid: 1 })
  t.equal(stats.lastZxid, server.tree.lastApplied)
  client.ask(get('/none'))
  t.match(stats, { received: 3, sent: 2, lastOp: 'getData', lastXid: 2 })
  t.match(client.connection, { remoteAddress: '127.0.0.1', remotePort: 40_000, queuedCount: 0 })
  t.equal(client.connection.reading, true)
})

function encoded(encode: (out: MsgpackWriter) => void): Buffer {
  const out = new MsgpackWriter()
  encode(out)
  return Buffer.from(out.view())
}

function encodedOp(op: number): Buffer {
  return encoded((out) => {
    out.arrayHeader(3)
    out.int(77)
    out.int(op)
    out.int(0)
  })
}
