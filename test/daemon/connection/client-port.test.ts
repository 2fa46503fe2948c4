import { once } from 'node:events'
import net from 'node:net'
import t, { type Test } from 'tap'
import { FrameDecoder } from '../../../src/protocol/frame.ts'
import { MsgpackReader, MsgpackWriter } from '../../../src/protocol/msgpack.ts'
import type { SessionId } from '../../../src/protocol/records.ts'
import {
  decodeServerMessage,
  decodeWelcome,
  encodeHello,
  encodeRequest,
} from '../../../src/protocol/zk/native.ts'
import { zxidZero } from '../../../src/protocol/zxid.ts'
import { get, ping, set } from '../fake-client.ts'
import { openPort, type Port } from './wire-client.ts'

const open = (t: Test, connectionsPerAddressMax = 60): Promise<Port> =>
  openPort(t, { connectionsPerAddressMax })

async function connect(t: Test, { clientPort: port }: Port): Promise<net.Socket> {
  const socket = net.connect({ host: '127.0.0.1', port: port.port, allowHalfOpen: true })
  socket.on('error', () => undefined)
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

async function textUntilClosed(socket: net.Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  await once(socket, 'end')
  return text
}

function frame(encode: (out: MsgpackWriter) => void): Buffer {
  const out = new MsgpackWriter()
  out.beginFrame()
  encode(out)
  out.endFrame()
  return Buffer.from(out.view())
}

const hello = frame((out) =>
  encodeHello(out, {
    ensembleId: undefined,
    lastZxidSeen: zxidZero,
    timeoutMs: 10_000,
    sessionId: 0 as SessionId,
    password: new Uint8Array(0),
    readOnly: false,
  }),
)

/** The xids answered, once there are `count` of them; the welcome is 'welcome'. */
async function answers(socket: net.Socket, count: number): Promise<(number | 'welcome')[]> {
  const got: (number | 'welcome')[] = []
  const reader = new MsgpackReader()
  await new Promise<void>((resolve) => {
    const decoder = new FrameDecoder(1e7, (buffer, start, end) => {
      reader.reset(buffer, start, end)
      if (got.length === 0) {
        decodeWelcome(reader)
        got.push('welcome')
      } else {
        const message = decodeServerMessage(reader)
        got.push(message.type === 'reply' ? message.xid : Number.NaN)
      }
      if (got.length === count) resolve()
    })
    socket.on('data', (chunk) => decoder.push(chunk))
  })
  return got
}

t.test('a word and a half-close, as netcat sends them', async (t) => {
  const port = await open(t)
  const socket = await connect(t, port)
  socket.end('ruok')
  t.equal(await textUntilClosed(socket), 'imok')
})

t.test('a session: hello and requests in one write, answers in order', async (t) => {
  const port = await open(t)
  const socket = await connect(t, port)
  const requests = [ping, set('/', 'x'), get('/'), ping].map((request, i) =>
    frame((out) => encodeRequest(out, i + 1, request)),
  )
  socket.write(Buffer.concat([hello, ...requests]))
  t.same(await answers(socket, 5), ['welcome', 1, 2, 3, 4])
})

t.test('the same, byte by byte', async (t) => {
  const port = await open(t)
  const socket = await connect(t, port)
  socket.setNoDelay(true)
  const got = answers(socket, 2)
  for (const byte of Buffer.concat([hello, frame((out) => encodeRequest(out, 7, ping))])) {
    await new Promise((written) => socket.write(Buffer.of(byte), written))
  }
  t.same(await got, ['welcome', 7])
})

const garbage = [
  { name: 'HTTP', bytes: Buffer.from('GET / HTTP/1.1\r\n\r\n') },
  { name: 'a frame too large', bytes: Buffer.from([0x7f, 0, 0, 0]) },
  { name: 'a TLS hello', bytes: Buffer.from([0x16, 3, 1, 0, 0x80, 1]) },
  { name: 'an unknown word', bytes: Buffer.from('abcd') },
  { name: 'a malformed hello', bytes: Buffer.from([0, 0, 0, 2, 0x91, 5]) },
]
for (const { name, bytes } of garbage) {
  t.test(`closed without an answer, with one line in the log: ${name}`, async (t) => {
    const port = await open(t)
    const socket = await connect(t, port)
    const good = await connect(t, port)
    const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
    })
    socket.on('end', () => socket.end())
    socket.write(bytes)
    await ended
    t.equal(text, '')
    t.same(port.warnings, ['Closed a client connection'])
    t.equal(port.server.metrics.connectionsDropped, 1)
    good.write(Buffer.concat([hello, frame((out) => encodeRequest(out, 1, ping))]))
    t.same(await answers(good, 2), ['welcome', 1], 'the others are served')
  })
}

t.test(
  'without a leader, words are answered, frames are not, and nothing is logged about the client',
  async (t) => {
    const port = await open(t)
    port.cluster.lose()
    const word = await connect(t, port)
    word.end('ruok')
    t.equal(await textUntilClosed(word), 'imok')
    const client = await connect(t, port)
    client.write(hello)
    t.equal(await textUntilClosed(client), '')
    t.same(port.warnings, [])
  },
)

t.test('losing the leader closes the connections of sessions', async (t) => {
  const port = await open(t)
  const socket = await connect(t, port)
  socket.write(hello)
  await answers(socket, 1)
  const ended = once(socket, 'end')
  port.cluster.lose()
  await ended
  t.equal(port.server.tree.sessions.size, 1, 'but keeps the sessions')
})

t.test('connections per address are limited, and freed when they close', async (t) => {
  const port = await open(t, 2)
  const first = await connect(t, port)
  const second = await connect(t, port)
  for (const socket of [first, second]) {
    socket.write(hello)
    await answers(socket, 1)
  }
  t.equal(port.clientPort.connectionCount, 2)
  const third = await connect(t, port)
  third.resume()
  await new Promise((resolve) => third.once('end', resolve).once('close', resolve))
  t.equal(port.server.metrics.connectionsRejected, 1)
  t.same(port.warnings, ['Refused a connection: its address has too many connections'])
  first.end()
  await once(first, 'close')
  while (port.clientPort.connectionCount > 1) await new Promise((next) => setImmediate(next))
  const fourth = await connect(t, port)
  fourth.write(hello)
  t.same(await answers(fourth, 1), ['welcome'])
})

t.test('closing the port disconnects its clients', async (t) => {
  const port = await open(t)
  const socket = await connect(t, port)
  socket.write(hello)
  await answers(socket, 1)
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await port.clientPort.close()
  socket.end()
  await gone
  t.equal(port.server.processors.outstanding, 0)
})
