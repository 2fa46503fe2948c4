// Random and mutated bytes in every dialect. The connection may close; nothing is thrown, nothing
// is left behind, other connections are served, and the sizes of the pieces make no difference.

import { once } from 'node:events'
import net from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { Connection } from '../../../src/daemon/connection/connection.ts'
import { isWrite } from '../../../src/daemon/session/request.ts'
import { ZooKeeperDialect } from '../../../src/protocol/compat/zookeeper.ts'
import type { Dialect } from '../../../src/protocol/dialect.ts'
import { ProtocolError } from '../../../src/protocol/error-codes.ts'
import { FrameDecoder } from '../../../src/protocol/frame.ts'
import { MsgpackReader } from '../../../src/protocol/msgpack.ts'
import type { WriteRequest } from '../../../src/protocol/zk/messages.ts'
import { decodeWriteRequest, encodeWriteRequest } from '../../../src/protocol/zk/native.ts'
import { NativeDialect } from '../../../src/protocol/zk/native-dialect.ts'
import { frame, sessionFrames } from '../../suites/dialect.ts'
import { FakeLink, type FakeServer, ping, serversOf } from '../fake-client.ts'
import { FakeCluster } from '../fake-ensemble.ts'
import { newSession, openPort, WireClient } from './wire-client.ts'

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
t.comment(`SEED=${seed}`)

const dialects: readonly { name: string; dialect: Dialect }[] = [
  { name: 'native', dialect: new NativeDialect() },
  { name: 'zookeeper', dialect: new ZooKeeperDialect() },
]

/** Frames of valid requests, some of them cut, grown or changed, with nonsense between them. */
function frames(dialect: Dialect): fc.Arbitrary<Buffer> {
  const [hello = Buffer.alloc(0), ...requests] = sessionFrames(dialect.clientCodec())
  const fresh = frame((out) => dialect.clientCodec().encodeHello(out, newSession))
  const valid = fc.constantFrom(...requests)
  const byte = fc.nat({ max: 255 })
  const changed = fc
    .tuple(valid, fc.array(fc.tuple(fc.nat(), byte), { minLength: 1, maxLength: 4 }))
    .map(([original, changes]) => {
      const bytes = Buffer.from(original)
      for (const [at, value] of changes) bytes[4 + (at % (bytes.length - 4))] = value
      return bytes
    })
  const cut = fc
    .tuple(valid, fc.nat())
    .map(([original, at]) => framed(original.subarray(4, 4 + (at % (original.length - 4)))))
  const grown = fc
    .tuple(valid, fc.uint8Array({ maxLength: 9 }))
    .map(([original, more]) => framed(Buffer.concat([original.subarray(4), more])))
  const nonsense = fc.uint8Array({ maxLength: 60 }).map((bytes) => framed(Buffer.from(bytes)))
  const raw = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes))
  const first = fc.oneof(
    { weight: 8, arbitrary: fc.constant(fresh) },
    fc.constant(hello),
    raw,
    fc.tuple(fc.nat({ max: fresh.length - 5 }), byte).map(([at, value]) => {
      const bytes = Buffer.from(fresh)
      bytes[4 + at] = value
      return bytes
    }),
  )
  const later = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: valid },
      { weight: 4, arbitrary: changed },
      { weight: 2, arbitrary: cut },
      grown,
      nonsense,
      { weight: 1, arbitrary: raw },
    ),
    { maxLength: 12 },
  )
  return fc.tuple(first, later).map(([one, others]) => Buffer.concat([one, ...others]))
}

function framed(body: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}

function pieces(stream: Buffer, sizes: readonly number[]): Buffer[] {
  const all: Buffer[] = []
  for (let at = 0; at < stream.length; ) {
    const size = sizes[all.length % sizes.length] ?? 1
    all.push(Buffer.from(stream.subarray(at, at + size)))
    at += size
  }
  return all
}

/** The output of one connection to a fresh server, fed as tcp.ts would feed it. */
function exchange(stream: readonly Buffer[]): {
  sent: string
  closed: boolean
  server: FakeServer
} {
  const [server] = serversOf(new FakeCluster()) as [FakeServer]
  const link = new FakeLink()
  const connection = new Connection(link, server.connectionServer)
  const decoder = new FrameDecoder(server.connectionServer.frameBytesMax, (buffer, start, end) => {
    if (!link.closed) connection.frame(buffer, start, end)
  })
  let first: Buffer | undefined = Buffer.alloc(0)
  try {
    for (const piece of stream) {
      if (link.closed) break
      if (first === undefined) decoder.push(piece)
      else {
        first = Buffer.concat([first, piece])
        const decided = connection.firstBytes(first)
        if (decided === 'more') continue
        if (decided === 'frames') decoder.push(first)
        first = undefined
      }
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    link.destroy(error)
  }
  const sent = link.out.view().toString('hex')
  const { closed } = link
  connection.closed()
  return { sent, closed, server }
}

for (const { name, dialect } of dialects) {
  t.test(
    `${name}: no bytes throw, nothing is left behind, pieces make no difference`,
    async (t) => {
      let closedCount = 0
      fc.assert(
        fc.property(
          frames(dialect),
          fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 }),
          (stream, sizes) => {
            const whole = exchange([stream])
            if (whole.closed) closedCount++
            const { processors } = whole.server
            if (processors.outstanding !== 0) throw new Error('requests are outstanding')
            if (processors.watches.watchCount !== 0) throw new Error('watches are left')
            const other = whole.server.connected()
            other.ask(ping)
            if (other.take().join() !== 'ping') throw new Error('others are not served')
            for (const sizesOf of [[1], sizes]) {
              const { sent, closed } = exchange(pieces(stream, sizesOf))
              if (sent !== whole.sent || closed !== whole.closed) throw new Error('pieces matter')
            }
          },
        ),
        { seed, numRuns: 250 },
      )
      t.ok(closedCount > 20 && closedCount < 250, `${closedCount} of 250 were closed`)
    },
  )

  t.test(`${name}: the leader can decode every forwarded request`, async (t) => {
    let writes = 0
    fc.assert(
      fc.property(frames(dialect), (stream) => {
        const codec = dialect.serverCodec()
        let greeted = false
        const decoder = new FrameDecoder(1e6, (buffer, start, end) => {
          if (!greeted) {
            greeted = true
            const { sessionId, timeoutMs, lastZxidSeen } = codec.decodeHello(buffer, start, end)
            const numbers = [sessionId, timeoutMs, lastZxidSeen]
            if (!numbers.every(Number.isSafeInteger))
              throw new Error('a number is not a safe integer')
            if (sessionId < 0) throw new Error('a session id is negative')
            return
          }
          const request = codec.decodeRequest(buffer, start, end)
          if (request === undefined || !isWrite(request)) return
          writes++
          forwarded(request)
        })
        try {
          decoder.push(stream)
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error
        }
      }),
      { seed, numRuns: 300 },
    )
    t.ok(writes > 20, `${writes} writes`)
  })

  t.test(`${name}: a real port continues to serve`, async (t) => {
    const port = await openPort(t)
    const good = await WireClient.connect(t, port, dialect)
    t.strictSame(await good.ask([good.hello()], 1), ['welcome'])
    await fc.assert(
      fc.asyncProperty(frames(dialect), async (stream) => {
        const socket = net.connect({ host: '127.0.0.1', port: port.clientPort.port })
        socket.on('error', () => undefined)
        const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()))
        await once(socket, 'connect')
        socket.resume()
        socket.end(stream)
        await gone
        const answer = await good.ask([good.request(ping)], 1)
        if (answer.join() !== 'ping') throw new Error(`others are not served: ${answer}`)
      }),
      { seed, numRuns: 60 },
    )
    while (port.clientPort.connectionCount > 1) await new Promise((next) => setImmediate(next))
    t.equal(port.server.processors.outstanding, 0)
    t.equal(port.server.processors.watches.watchCount, 0)
  })
}

/** As a follower sends it to the leader. */
function forwarded(request: WriteRequest): void {
  const bytes = frame((out) => encodeWriteRequest(out, request))
  try {
    decodeWriteRequest(new MsgpackReader().reset(bytes, 4, bytes.length))
  } catch (cause) {
    throw new Error(`The leader cannot read ${JSON.stringify(request)}`, { cause })
  }
}
