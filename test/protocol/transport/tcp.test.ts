import net from 'node:net'
import t, { type Test } from 'tap'
import { ProtocolError } from '../../../src/protocol/error-codes.ts'
import {
  type TcpLink,
  type TcpListener,
  TcpTransport,
} from '../../../src/protocol/transport/tcp.ts'
import type {
  FirstBytes,
  LinkListener,
  LinkOptions,
} from '../../../src/protocol/transport/transport.ts'
import { Turn } from '../../../src/turn.ts'

const options: LinkOptions = {
  frameBytesMax: 1000,
  queueBytesMax: 10_000_000,
  handshakeMs: 10_000,
  pauseWhenCongested: false,
}

/** A listener that keeps frames as text and lets a test wait for events. */
class Recorder implements LinkListener {
  readonly frames: string[] = []
  frameBytes = 0
  readonly closedFor: Promise<Error | undefined>
  #closed: (reason: Error | undefined) => void = () => undefined
  #wake: () => void = () => undefined

  constructor() {
    this.closedFor = new Promise((resolve) => {
      this.#closed = resolve
    })
  }

  frame(buffer: Buffer, start: number, end: number): void {
    this.frames.push(buffer.toString('latin1', start, Math.min(end, start + 20)))
    this.frameBytes += end - start
    this.#wake()
  }

  closed(reason: Error | undefined): void {
    this.#closed(reason)
    this.#wake()
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

interface Accepting {
  readonly listener: TcpListener
  readonly accepted: Promise<TcpLink>
  readonly recorder: Recorder
}

async function accepting(
  t: Test,
  given: Partial<LinkOptions> = {},
  more: Partial<LinkListener> = {},
): Promise<Accepting> {
  const recorder = new Recorder()
  let resolve: (link: TcpLink) => void = () => undefined
  const accepted = new Promise<TcpLink>((done) => {
    resolve = done
  })
  const listener = await new TcpTransport(new Turn(setImmediate)).listen(
    { host: '127.0.0.1', port: 0 },
    { ...options, ...given },
    (link) => {
      resolve(link)
      return Object.assign(recorder, more)
    },
  )
  t.teardown(() => listener.close())
  return { listener, accepted, recorder }
}

function connect(t: Test, port: number): net.Socket {
  const socket = net.connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true })
  socket.on('error', () => undefined)
  t.teardown(() => socket.destroy())
  return socket
}

function frameOf(body: string): Buffer {
  const frame = Buffer.alloc(4 + body.length)
  frame.writeUInt32BE(body.length)
  frame.write(body, 4, 'latin1')
  return frame
}

function send(link: TcpLink, body: Buffer): void {
  link.beginFrame().raw(body)
  link.endFrame()
}

async function read(socket: net.Socket): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('latin1')
}

t.test('frames arrive whole, however the stream is cut', async (t) => {
  const stream = Buffer.concat([frameOf('one'), frameOf(''), frameOf('three')])
  for (const size of [1, 3, 5, stream.length]) {
    const { listener, recorder } = await accepting(t)
    const socket = connect(t, listener.port)
    for (let at = 0; at < stream.length; at += size) {
      const piece = stream.subarray(at, at + size)
      await new Promise((written) => socket.write(piece, written))
      // A turn of its own for each piece, so that the kernel need not join them.
      await new Promise((next) => setImmediate(next))
    }
    await recorder.until(() => recorder.frames.length === 3)
    t.same(recorder.frames, ['one', '', 'three'], `in pieces of ${size}`)
  }
})

t.test('links that reuse buffers get the same frames, of any size, at both ends', async (t) => {
  const reusing = { reusesBuffers: true, frameBytesMax: 10_000_000 }
  const sizes = [0, 1, 100, 65_532, 65_536, 300_000, 5_000_000, 7]
  const { listener, accepted, recorder } = await accepting(t, reusing)
  const transport = new TcpTransport(new Turn(setImmediate))
  const other = new Recorder()
  const address = { host: '127.0.0.1', port: listener.port }
  const link = transport.dial(address, Object.assign({ ...options }, reusing), other)
  t.teardown(() => link.destroy())
  const backwards = await accepted
  const total = sizes.reduce((sum, size) => sum + size, 0)
  for (const [i, size] of sizes.entries()) {
    for (const each of [link, backwards]) {
      each.beginFrame().raw(Buffer.alloc(size, String(i)))
      each.endFrame()
    }
  }
  for (const received of [recorder, other]) {
    await received.until(() => received.frames.length === sizes.length)
    t.equal(received.frameBytes, total)
    t.same(
      received.frames,
      sizes.map((size, i) => String(i).repeat(Math.min(size, 20))),
    )
  }
  link.close()
  t.equal(await other.closedFor, undefined, 'an orderly end')
})

t.test('accepted links that reuse buffers read into the same memory', async (t) => {
  const memories = new Set<ArrayBufferLike>()
  const firstBytes = (bytes: Buffer): FirstBytes => {
    memories.add(bytes.buffer)
    return 'frames'
  }
  const { listener, recorder } = await accepting(t, { reusesBuffers: true }, { firstBytes })
  for (let i = 1; i <= 3; i++) {
    connect(t, listener.port).write(frameOf('one'))
    await recorder.until(() => recorder.frames.length === i)
  }
  t.equal(memories.size, 1)
})

t.test('a frame over the limit and garbage close the link for a ProtocolError', async (t) => {
  for (const bytes of [frameOf('x'.repeat(1001)), Buffer.from('GET / HTTP/1.1\r\n\r\n')]) {
    const { listener, recorder } = await accepting(t)
    connect(t, listener.port).write(bytes)
    t.ok((await recorder.closedFor) instanceof ProtocolError)
    t.same(recorder.frames, [])
  }
})

t.test('a ProtocolError from the listener closes the link, and no later frame comes', async (t) => {
  let frames = 0
  const frame = () => {
    frames++
    throw new ProtocolError('Cannot take this')
  }
  const { listener, recorder } = await accepting(t, {}, { frame })
  connect(t, listener.port).write(Buffer.concat([frameOf('a'), frameOf('b')]))
  t.match(await recorder.closedFor, { message: 'Cannot take this' })
  t.equal(frames, 1)
})

t.test('everything one turn sends is one write', async (t) => {
  const { listener, accepted, recorder } = await accepting(t)
  const turn = new Turn(setImmediate)
  const transport = new TcpTransport(turn)
  const link = transport.dial({ host: '127.0.0.1', port: listener.port }, options, new Recorder())
  t.teardown(() => link.destroy())
  await accepted
  const { write } = net.Socket.prototype
  let writes = 0
  net.Socket.prototype.write = function (this: net.Socket, ...args: Parameters<typeof write>) {
    writes++
    return write.apply(this, args)
  } as typeof write
  t.teardown(() => {
    net.Socket.prototype.write = write
  })
  turn.seal(() => send(link, Buffer.from('sealed at the end of the turn')))
  for (let i = 0; i < 100; i++) send(link, Buffer.from(`frame ${i}`))
  await recorder.until(() => recorder.frames.length === 101)
  t.equal(writes, 1)
  t.equal(recorder.frames[99], 'frame 99')
  t.equal(recorder.frames[100], 'sealed at the end of')
})

t.test('inserted bytes leave in their place, in the same write', async (t) => {
  const { listener, accepted } = await accepting(t)
  const reading = read(connect(t, listener.port))
  const link = await accepted
  const inserted = Buffer.alloc(5000, 'i')
  link.out.raw(Buffer.from('before '))
  link.insert(inserted)
  link.insert(Buffer.from(' and '))
  link.out.raw(Buffer.from(' after'))
  inserted.fill('I') // copied nowhere: it shows when they are sent
  link.close()
  t.equal(await reading, `before ${'I'.repeat(5000)} and  after`)
})

t.test('inserted bytes that are many are sent at once', async (t) => {
  const { listener, accepted } = await accepting(t)
  const socket = connect(t, listener.port)
  const link = await accepted
  link.out.raw(Buffer.from('a'))
  const inserted = Buffer.alloc(300_000, 'i')
  link.insert(inserted)
  link.out.raw(Buffer.from('z'))
  link.insert(Buffer.alloc(300_000, 'j'))
  link.close()
  t.equal(await read(socket), `a${'i'.repeat(300_000)}z${'j'.repeat(300_000)}`)
})

t.test('large output leaves in slices, in order, and others send between them', async (t) => {
  const sliced = { slicesOutput: true, queueBytesMax: 1e9 }
  const { listener, accepted } = await accepting(t, sliced)
  const other = await accepting(t)
  const reader = connect(t, listener.port)
  const link = await accepted
  const otherReader = new Recorder()
  const address = { host: '127.0.0.1', port: other.listener.port }
  new TcpTransport(new Turn(setImmediate)).dial(address, options, otherReader)
  const otherLink = await other.accepted
  const large = ['a', 'b', 'c'].map((letter) => letter.repeat(1_000_000))
  for (const body of large) send(link, Buffer.from(body))
  t.equal(link.congested, true)
  t.ok(link.queuedBytes > 2_000_000, 'most of it waits for later turns')
  send(otherLink, Buffer.from('between'))
  send(link, Buffer.from('last'))
  const expected = Buffer.concat([...large, 'last'].map(frameOf))
  let waiting: number | undefined
  void otherReader
    .until(() => otherReader.frames.length === 1)
    .then(() => {
      waiting = link.queuedBytes
    })
  const chunks: Buffer[] = []
  let received = 0
  for await (const chunk of reader) {
    chunks.push(chunk as Buffer)
    received += (chunk as Buffer).length
    if (received === expected.length) break
  }
  t.equal(Buffer.concat(chunks).equals(expected), true)
  t.ok((waiting ?? 0) > 0, 'the other frame arrived while some of it waited')
  t.equal(link.queuedBytes, 0)
  t.equal(link.congested, false)
})

t.test('a link that closes sends all slices at once', async (t) => {
  const sliced = { slicesOutput: true, queueBytesMax: 1e9 }
  const { listener, accepted } = await accepting(t, sliced)
  const reading = read(connect(t, listener.port))
  const link = await accepted
  send(link, Buffer.alloc(5_000_000, 'x'))
  link.close()
  t.equal((await reading).length, 5_000_004)
})

t.test('frames written while connecting arrive after connecting', async (t) => {
  const { listener, recorder } = await accepting(t)
  const address = { host: '127.0.0.1', port: listener.port }
  const link = new TcpTransport(new Turn(setImmediate)).dial(address, options, new Recorder())
  t.teardown(() => link.destroy())
  send(link, Buffer.from('early'))
  await recorder.until(() => recorder.frames.length === 1)
  t.same(recorder.frames, ['early'])
})

t.test('a refused dial is closed with the reason', async (t) => {
  const { listener } = await accepting(t)
  await listener.close()
  const dialler = new Recorder()
  new TcpTransport(new Turn(setImmediate)).dial(
    { host: '127.0.0.1', port: listener.port },
    options,
    dialler,
  )
  t.match(await dialler.closedFor, { code: 'ECONNREFUSED' })
})

for (const reusesBuffers of [false, true]) {
  const links = { reusesBuffers }
  const kind = reusesBuffers ? ', on a link that reuses buffers' : ''

  t.test(`close sends the queued output; both ends see an orderly end${kind}`, async (t) => {
    const { listener, accepted, recorder } = await accepting(t, links)
    const dialler = new Recorder()
    const address = { host: '127.0.0.1', port: listener.port }
    new TcpTransport(new Turn(setImmediate)).dial(address, options, dialler)
    const link = await accepted
    send(link, Buffer.from('last words'))
    link.close()
    t.equal(await dialler.closedFor, undefined)
    t.equal(await recorder.closedFor, undefined)
    t.same(dialler.frames, ['last words'])
  })

  t.test(`a client that half-closes after its request is still answered${kind}`, async (t) => {
    const seen: FirstBytes[] = []
    let link: TcpLink | undefined
    const firstBytes = (bytes: Buffer): FirstBytes => {
      const decided = bytes.length < 4 ? 'more' : 'other'
      seen.push(decided)
      if (decided === 'other') {
        link?.out.raw(Buffer.from('imok'))
        link?.close()
      }
      return decided
    }
    const { listener, accepted, recorder } = await accepting(t, links, { firstBytes })
    const socket = connect(t, listener.port)
    link = await accepted
    await new Promise((written) => socket.write('ru', written))
    while (seen.length === 0) await new Promise((next) => setImmediate(next))
    socket.end('ok\n')
    t.equal(await read(socket), 'imok')
    t.same(seen, ['more', 'other'])
    t.same(recorder.frames, [])
  })

  t.test(`a link whose hello does not arrive in time is closed${kind}`, async (t) => {
    const { listener, recorder } = await accepting(t, { ...links, handshakeMs: 20 })
    connect(t, listener.port)
    t.match(await recorder.closedFor, { message: /hello/ })
  })

  t.test(`an established link is not closed${kind}`, async (t) => {
    const { listener, accepted, recorder } = await accepting(t, { ...links, handshakeMs: 1 })
    const socket = connect(t, listener.port)
    const link = await accepted
    link.established()
    // A second link, not established, has its deadline behind the first one's.
    const { listener: other, recorder: cutOff } = await accepting(t, { ...links, handshakeMs: 5 })
    connect(t, other.port)
    await cutOff.closedFor
    socket.write(frameOf('still here'))
    await recorder.until(() => recorder.frames.length === 1)
    t.same(recorder.frames, ['still here'])
  })

  t.test(`a stalled reader is disconnected at the byte limit, never earlier${kind}`, async (t) => {
    const { listener, accepted, recorder } = await accepting(t, {
      ...links,
      queueBytesMax: 1_000_000,
    })
    const socket = connect(t, listener.port)
    socket.pause()
    const link = await accepted
    const body = Buffer.alloc(100_000)
    let sentBytes = 0
    let gone = false
    void recorder.closedFor.then(() => {
      gone = true
    })
    while (!gone) {
      send(link, body)
      sentBytes += body.length
      await new Promise((next) => setImmediate(next))
    }
    t.match(await recorder.closedFor, { message: /stalled/ })
    t.ok(sentBytes > 1_000_000, `${sentBytes} bytes were taken before`)
  })

  t.test(
    `a congested link says so, stops reading if configured to, and calls drained${kind}`,
    async (t) => {
      let drained = 0
      const { listener, accepted, recorder } = await accepting(
        t,
        { ...links, pauseWhenCongested: true, queueBytesMax: 1e9 },
        { drained: () => drained++ },
      )
      const socket = connect(t, listener.port)
      socket.pause()
      const link = await accepted
      let sentBytes = 0
      // More than the kernel may still take in.
      while (link.queuedBytes < 20_000_000) {
        send(link, Buffer.alloc(500_000))
        sentBytes += 500_004
        await new Promise((next) => setImmediate(next))
      }
      t.equal(link.congested, true)
      socket.write(frameOf('asked while congested'))
      t.equal(drained, 0)
      t.same(recorder.frames, [], 'not read while congested')
      let received = 0
      socket.on('data', (chunk) => {
        received += chunk.length
      })
      socket.resume()
      await recorder.until(() => recorder.frames.length === 1)
      t.equal(drained, 1)
      t.equal(link.congested, false)
      while (received < sentBytes) await new Promise((next) => setImmediate(next))
      t.equal(received, sentBytes)
    },
  )

  t.test(`a paused link delivers no frames until it is resumed${kind}`, async (t) => {
    const { listener, accepted, recorder } = await accepting(t, links)
    const other = await accepting(t, links)
    const socket = connect(t, listener.port)
    const link = await accepted
    link.pause()
    socket.write(frameOf('held'))
    // By the time a later byte has made a round trip on another link, this one would have arrived
    // too.
    connect(t, other.listener.port).write(frameOf('later'))
    await other.recorder.until(() => other.recorder.frames.length === 1)
    t.same(recorder.frames, [])
    link.resume()
    await recorder.until(() => recorder.frames.length === 1)
    t.same(recorder.frames, ['held'])
  })
}

t.test("bytes that the socket still owns in a writer's memory are not overwritten", async (t) => {
  const { listener, accepted } = await accepting(t)
  const reader = new Recorder()
  const address = { host: '127.0.0.1', port: listener.port }
  const dialled = new TcpTransport(new Turn(setImmediate)).dial(
    address,
    { ...options, frameBytesMax: 1_000_000 },
    reader,
  )
  t.teardown(() => dialled.destroy())
  const link = await accepted
  dialled.pause()
  const count = 60
  for (let i = 0; i < count; i++) {
    send(link, Buffer.alloc(200_000, String.fromCharCode(48 + i)))
    await new Promise((next) => setImmediate(next))
  }
  dialled.resume()
  await reader.until(() => reader.frames.length === count)
  const want = Array.from({ length: count }, (_, i) => String.fromCharCode(48 + i).repeat(20))
  t.same(reader.frames, want)
})

t.test('a port in use is refused with its code', async (t) => {
  const { listener } = await accepting(t)
  const address = { host: '127.0.0.1', port: listener.port }
  await t.rejects(
    new TcpTransport(new Turn(setImmediate)).listen(address, options, () => new Recorder()),
    { code: 'EADDRINUSE' },
  )
})
