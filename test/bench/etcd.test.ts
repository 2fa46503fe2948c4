// etcd's protocol as far as a load needs it: the bytes of its messages, and a connection to a server of
// gRPC that this test makes of node:http2.

import { once } from 'node:events'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { EtcdConnection } from '../../bench/etcd/etcd-connection.ts'
import { encodeTemplate, varint } from '../../bench/etcd/messages.ts'

t.test('messages are framed Protocol Buffers behind the byte of their method', async (t) => {
  const hex = (request: Parameters<typeof encodeTemplate>[0]) =>
    encodeTemplate(request).toString('hex')
  const data = Buffer.from('xy')
  // 01 is Put; 0a: field 1, bytes; 12: field 2, bytes
  t.equal(hex({ type: 'setData', path: '/a', data, version: -1 }), '0100000000080a022f6112027879')
  // 00 is Range; 38 01: field 7, serializable
  t.equal(hex({ type: 'getData', path: '/a', watch: false }), '0000000000060a022f613801')
  t.equal(hex({ type: 'sync', path: '/a' }), '0000000000040a022f61')
  t.throws(() => encodeTemplate({ type: 'getChildren', path: '/', watch: false }), /no call/)
})

t.test('lengths are varints', async (t) => {
  t.strictSame(varint(0), [0])
  t.strictSame(varint(127), [0x7f])
  t.strictSame(varint(300), [0xac, 0x02])
})

type Stream = http2.ServerHttp2Stream

async function serve(t: Test, answer: (stream: Stream, path: string, body: Buffer) => void) {
  const server = http2.createServer()
  server.on('stream', async (stream, headers) => {
    const chunks: Buffer[] = []
    for await (const chunk of stream) chunks.push(chunk)
    answer(stream, String(headers[':path']), Buffer.concat(chunks))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const connection = await EtcdConnection.connect({ host: '127.0.0.1', port }, () => undefined)
  t.teardown(() => {
    connection.close()
    server.close()
  })
  return connection
}

function finish(stream: Stream, status: string): void {
  stream.respond({ ':status': 200 }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }))
  stream.end(Buffer.from([0, 0, 0, 0, 0]))
}

t.test('a request is answered, and an error is told by its status', async (t) => {
  const seen: string[] = []
  const connection = await serve(t, (stream, path, body) => {
    seen.push(`${path} ${body.length}`)
    finish(stream, path.endsWith('Put') ? '0' : '14')
  })
  const create = { type: 'create', path: '/a', data: null, mode: 'persistent' } as const
  t.equal((await connection.request(create)).type, 'create')
  await t.rejects(connection.request({ type: 'sync', path: '/a' }), { message: 'Status 14: sync' })
  t.strictSame(seen, ['/etcdserverpb.KV/Put 11', '/etcdserverpb.KV/Range 9'])
  t.equal(connection.outstanding, 0)
})

t.test('answers may come in any order: each has the mark of its request', async (t) => {
  const held: Stream[] = []
  const connection = await serve(t, (stream) => {
    held.push(stream)
    if (held.length === 3) for (const one of held.toReversed()) finish(one, '0')
  })
  const marks: number[] = []
  const all = new Promise<void>((resolve) => {
    connection.onReply = (err, mark) => {
      t.equal(err, 0)
      marks.push(mark)
    }
    connection.onTurn = () => {
      if (marks.length === 3) resolve()
    }
  })
  const template = connection.template({ type: 'getData', path: '/a', watch: false })
  for (const mark of [1, 2, 3]) connection.send(template, mark)
  t.equal(connection.outstanding, 3)
  await all
  t.strictSame(marks.toSorted(), [1, 2, 3])
})
