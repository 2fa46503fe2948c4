// TLS over real sockets: who is served, who is refused and why, and that links carry the same.

import { once } from 'node:events'
import { copyFileSync, renameSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ProtocolError } from '../../../src/protocol/error-codes.ts'
import { Credentials } from '../../../src/protocol/tls/credentials.ts'
import type { TlsDial, TlsPort } from '../../../src/protocol/tls/ends.ts'
import type { TlsSettings } from '../../../src/protocol/tls/settings.ts'
import { TcpTransport } from '../../../src/protocol/transport/tcp.ts'
import type {
  Link,
  LinkListener,
  LinkOptions,
  Listener,
} from '../../../src/protocol/transport/transport.ts'
import { withTls } from '../../../src/protocol/transport/with-tls.ts'
import { Turn } from '../../../src/turn.ts'
import { Authority, loopbackNames } from '../../certificates.ts'
import { RecordingLogger } from '../../recording-logger.ts'

const directory = t.testdir()
const authority = new Authority(directory)
const stranger = new Authority(directory, 'stranger')
const server = authority.sign('server', { names: loopbackNames })
const elsewhere = authority.sign('elsewhere', { names: 'DNS:example.org' })
const client = authority.sign('client', { subject: '/O=Example/CN=client' })
const forged = stranger.sign('forged')

const logger = new RecordingLogger()

function credentials(
  { own, trusted = authority.certificate }: { own?: string; trusted?: string },
  more: Partial<TlsSettings> = {},
): Credentials {
  const store = (file: string) => ({
    files: [file],
    type: undefined,
    password: undefined,
    passwordFile: undefined,
    quoted: file,
  })
  const settings: TlsSettings = {
    keyStore: own === undefined ? undefined : store(own),
    trustStore: store(trusted),
    minProtocol: 'TLSv1.2',
    maxProtocol: 'TLSv1.3',
    ciphers: undefined,
    isReloaded: true,
    ...more,
  }
  return new Credentials({ settings, wallMs: () => Date.now(), logger })
}

const options: LinkOptions = {
  frameBytesMax: 10_000_000,
  queueBytesMax: 100_000_000,
  handshakeMs: 10_000,
  pauseWhenCongested: false,
  port: 'client',
}

/** One end of a link: what it received, and why it ended. */
class End implements LinkListener {
  readonly frames: Buffer[] = []
  readonly closedFor: Promise<Error | undefined>
  link: Link | undefined
  #end: (reason: Error | undefined) => void = () => undefined
  #wake: () => void = () => undefined

  constructor() {
    this.closedFor = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  frame(buffer: Buffer, start: number, end: number): void {
    this.frames.push(Buffer.from(buffer.subarray(start, end)))
    this.#wake()
  }

  closed(reason: Error | undefined): void {
    this.#end(reason)
  }

  send(body: string | Buffer): void {
    this.link?.beginFrame().raw(Buffer.from(body))
    this.link?.endFrame()
  }

  async received(count: number): Promise<readonly Buffer[]> {
    while (this.frames.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.frames
  }
}

interface Port {
  readonly listener: Listener
  /** those accepted, in order */
  readonly ends: readonly End[]
  /** Waits until so many were accepted. */
  end(index: number): Promise<End>
}

const portOf = (given: Partial<TlsPort> = {}): TlsPort => ({
  credentials: credentials({ own: server.pem }),
  clientAuth: 'none',
  verifiesClientHost: false,
  takesPlaintext: false,
  detectionMs: 10_000,
  ...given,
})

async function listen(t: Test, port: TlsPort, more: Partial<LinkOptions> = {}): Promise<Port> {
  const ends: End[] = []
  let wake: () => void = () => undefined
  const transport = withTls(new TcpTransport(new Turn(setImmediate)), { listen: port })
  const address = { host: '127.0.0.1', port: 0 }
  const listener = await transport.listen(address, { ...options, ...more }, (link) => {
    const end = new End()
    end.link = link
    ends.push(end)
    wake()
    return end
  })
  t.teardown(() => listener.close())
  return {
    listener,
    ends,
    async end(index) {
      for (;;) {
        const end = ends[index]
        if (end !== undefined) return end
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}

function dial(
  t: Test,
  { listener }: { readonly listener: Pick<Listener, 'port'> },
  tls: Partial<TlsDial> | 'plaintext' = {},
  more: Partial<LinkOptions> & { host?: string } = {},
): End {
  const end = new End()
  const ends =
    tls === 'plaintext'
      ? {}
      : { dial: { credentials: credentials({}), verifiesHost: true, ...tls } }
  const transport = withTls(new TcpTransport(new Turn(setImmediate)), ends)
  const address = { host: more.host ?? '127.0.0.1', port: listener.port }
  const link = transport.dial(address, { ...options, ...more }, end)
  end.link = link
  t.teardown(() => link.destroy())
  return end
}

const withCertificate = { credentials: credentials({ own: client.pem }) }

// --- what is carried --------------------------------------------------------------------------------

for (const reusesBuffers of [false, true]) {
  const kind = reusesBuffers ? 'that reuse buffers' : 'of any kind'
  t.test(`links ${kind} carry the same frames by TLS, both ways`, async (t) => {
    const port = await listen(t, portOf(), { reusesBuffers })
    const dialler = dial(t, port, {}, { reusesBuffers })
    const bodies = [0, 1, 70_000, 3_000_000, 5].map((size) => Buffer.alloc(size, `${size}`))
    for (const body of bodies) dialler.send(body)
    const accepted = await port.end(0)
    const frames = await accepted.received(bodies.length)
    t.ok(bodies.every((body, i) => frames[i]?.equals(body)))
    for (const body of bodies) accepted.send(body)
    const back = await dialler.received(bodies.length)
    t.ok(bodies.every((body, i) => back[i]?.equals(body)))
    t.equal(accepted.link?.tls?.protocol, 'TLSv1.3')
  })
}

t.test('what is queued arrives before the end of a link that closes', async (t) => {
  const port = await listen(t, portOf())
  const dialler = dial(t, port)
  dialler.send('hello')
  const accepted = await port.end(0)
  await accepted.received(1)
  accepted.send(Buffer.alloc(1_000_000, 'x'))
  accepted.link?.close()
  t.equal((await dialler.received(1))[0]?.length, 1_000_000)
  t.equal(await dialler.closedFor, undefined)
  t.equal(await accepted.closedFor, undefined)
})

t.test('nothing leaves a dialled link before the other side is known', async (t) => {
  const port = await listen(t, portOf({ credentials: credentials({ own: forged.pem }) }))
  const dialler = dial(t, port)
  dialler.send('password')
  t.match((await dialler.closedFor)?.message, /certificate is not trusted/)
  await (await port.end(0)).closedFor
  t.same(port.ends[0]?.frames ?? [], [])
})

// --- who is refused, by either side -------------------------------------------------------------------

t.test('a server is refused whose certificate names another host', async (t) => {
  const port = await listen(t, portOf({ credentials: credentials({ own: elsewhere.pem }) }))
  const reason = await dial(t, port).closedFor
  t.ok(reason instanceof ProtocolError)
  t.match(
    reason?.message,
    /Cannot speak TLS with 127\.0\.0\.1:\d+: its certificate is of another host/,
  )
  const trusting = dial(t, port, { verifiesHost: false })
  trusting.send('hello')
  await (await port.end(1)).received(1)
  t.pass('unless host names are not to be checked')
})

t.test('a server is refused whose authority is unknown', async (t) => {
  const port = await listen(t, portOf())
  const distrusting = { credentials: credentials({ trusted: stranger.certificate }) }
  t.match((await dial(t, port, distrusting).closedFor)?.message, /its certificate is not trusted/)
})

t.test('a port without TLS is told from one whose handshake fails', async (t) => {
  const plain = net
    .createServer((socket) => socket.end('Hello, this is plaintext'))
    .listen(0, '127.0.0.1')
  await once(plain, 'listening')
  t.teardown(() => plain.close())
  const { port } = plain.address() as net.AddressInfo
  const dialler = dial(t, { listener: { port } })
  t.match((await dialler.closedFor)?.message, /Cannot speak TLS with .*: it answers in plaintext/)
})

const judged: readonly {
  name: string
  clientAuth: TlsPort['clientAuth']
  own?: string
  /** the subject that the server sees; or its reason against the client */
  subject?: string | undefined
  refused?: RegExp
}[] = [
  { name: 'need: no certificate', clientAuth: 'need', refused: /it shows no certificate/ },
  {
    name: 'need: a trusted one',
    clientAuth: 'need',
    own: client.pem,
    subject: 'CN=client,O=Example',
  },
  {
    name: 'need: one of an unknown authority',
    clientAuth: 'need',
    own: forged.pem,
    refused: /Cannot trust the certificate of CN=forged/,
  },
  { name: 'want: no certificate', clientAuth: 'want', subject: undefined },
  {
    name: 'want: a trusted one',
    clientAuth: 'want',
    own: client.pem,
    subject: 'CN=client,O=Example',
  },
  {
    name: 'want: one of an unknown authority',
    clientAuth: 'want',
    own: forged.pem,
    refused: /Cannot trust the certificate of CN=forged/,
  },
  { name: 'none: it is not asked for', clientAuth: 'none', own: client.pem, subject: undefined },
]
for (const { name, clientAuth, own, subject, refused } of judged) {
  t.test(`a certificate of a client is judged: ${name}`, async (t) => {
    for (const maxProtocol of ['TLSv1.2', 'TLSv1.3'] as const) {
      const handshakes: string[] = []
      const port = await listen(
        t,
        portOf({ clientAuth, onHandshake: (state) => handshakes.push(state) }),
      )
      const given = own === undefined ? {} : { own }
      const dialler = dial(t, port, { credentials: credentials(given, { maxProtocol }) })
      dialler.send('hello')
      const accepted = await port.end(0)
      if (refused !== undefined) {
        const reason = await accepted.closedFor
        t.ok(reason instanceof ProtocolError)
        t.match(reason?.message, refused)
        t.same(accepted.frames, [], 'nothing of it was read')
        t.same(handshakes, ['begun', 'failed'])
        continue
      }
      await accepted.received(1)
      t.equal(accepted.link?.tls?.certificate?.subject, subject)
      t.equal(accepted.link?.tls?.protocol, maxProtocol)
      t.same(handshakes, ['begun', 'done'])
    }
  })
}

t.test("a client's certificate can be held to its address", async (t) => {
  const port = await listen(t, portOf({ clientAuth: 'need', verifiesClientHost: true }))
  const right = dial(t, port, { credentials: credentials({ own: server.pem }) })
  right.send('hello')
  await (await port.end(0)).received(1)
  const wrong = dial(t, port, { credentials: credentials({ own: elsewhere.pem }) })
  await wrong.closedFor
  t.match(
    (await (await port.end(1)).closedFor)?.message,
    /CN=elsewhere: it does not name 127\.0\.0\.1/,
  )
})

// --- TLS and plaintext on one port ----------------------------------------------------------------------

t.test('a port for TLS only names what came in plaintext', async (t) => {
  const port = await listen(t, portOf())
  const plain = dial(t, port, 'plaintext')
  plain.link?.out.raw(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
  await plain.closedFor
  const reason = await (await port.end(0)).closedFor
  t.ok(reason instanceof ProtocolError)
  t.equal(reason?.message, 'Cannot serve an HTTP request in plaintext: this port speaks TLS only')
})

t.test('a port for both tells them apart by the first byte', async (t) => {
  const port = await listen(t, portOf({ takesPlaintext: true, clientAuth: 'need' }))
  dial(t, port, 'plaintext').send('plain')
  await (await port.end(0)).received(1)
  dial(t, port, withCertificate).send('secret')
  await (await port.end(1)).received(1)
  t.equal(port.ends[0]?.link?.tls, undefined)
  t.ok(port.ends[1]?.link?.tls)
})

t.test('a client that says nothing is one of plaintext after the time for it', async (t) => {
  const both = await listen(t, portOf({ takesPlaintext: true, detectionMs: 1 }))
  const socket = net.connect({ host: '127.0.0.1', port: both.listener.port })
  t.teardown(() => socket.destroy())
  const accepted = await both.end(0)
  accepted.send('first')
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  t.equal(bytes.toString('latin1', 4), 'first')

  const secure = await listen(t, portOf({ detectionMs: 1 }))
  const silent = net.connect({ host: '127.0.0.1', port: secure.listener.port })
  silent.on('error', () => undefined)
  await once(silent, 'close')
  t.match((await secure.ends[0]?.closedFor)?.message, /a silent client in plaintext/)
})

t.test(
  'bytes that only look like TLS, and clients that hang up, end their link alone',
  async (t) => {
    const port = await listen(t, portOf())
    for (const bytes of ['16030100050100000100', '16', '1603010200010001fc0303']) {
      const socket = net.connect({ host: '127.0.0.1', port: port.listener.port })
      socket.on('error', () => undefined)
      socket.resume()
      socket.end(Buffer.from(bytes, 'hex'))
      await once(socket, 'close')
    }
    for (const end of port.ends) t.ok((await end.closedFor) instanceof ProtocolError)
    dial(t, port).send('hello')
    await (await port.end(3)).received(1)
    t.pass('others are served')
  },
)

t.test('a handshake that takes too long ends with its link', async (t) => {
  const port = await listen(t, portOf(), { handshakeMs: 50 })
  const socket = net.connect({ host: '127.0.0.1', port: port.listener.port })
  socket.on('error', () => undefined)
  socket.write(Buffer.from('16', 'hex'))
  await once(socket, 'close')
  t.ok((await (await port.end(0)).closedFor) instanceof ProtocolError)
})

// --- new certificates ------------------------------------------------------------------------------------

t.test('new connections see a changed certificate, open ones go on', async (t) => {
  const file = join(directory, 'rotated.pem')
  copyFileSync(server.pem, file)
  const own = credentials({ own: file })
  const port = await listen(t, portOf({ credentials: own }))
  const before = dial(t, port)
  before.send('one')
  await (await port.end(0)).received(1)

  copyFileSync(elsewhere.pem, `${file}.new`)
  renameSync(`${file}.new`, file)
  own.maybeReload()
  t.match((await dial(t, port).closedFor)?.message, /certificate is of another host/)

  before.send('two')
  await port.ends[0]?.received(2)
  port.ends[0]?.send('three')
  t.equal((await before.received(1))[0]?.toString(), 'three')
})

t.test('a listener that closes ends its TLS links', async (t) => {
  const port = await listen(t, portOf())
  const dialler = dial(t, port)
  dialler.send('hello')
  await (await port.end(0)).received(1)
  await port.listener.close()
  await dialler.closedFor
  await (await port.end(0)).closedFor
})
