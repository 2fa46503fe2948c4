// Moving from address to address, on real sockets of this machine's loopback network.

import { once } from 'node:events'
import net from 'node:net'
import t, { type Test } from 'tap'
import { Listeners } from '../../../src/protocol/transport/listeners.ts'
import { TcpTransport } from '../../../src/protocol/transport/tcp.ts'
import type { LinkOptions } from '../../../src/protocol/transport/transport.ts'
import { Turn } from '../../../src/turn.ts'
import { freePorts } from '../../free-ports.ts'

const options: LinkOptions = {
  frameBytesMax: 1000,
  queueBytesMax: 10_000_000,
  handshakeMs: 10_000,
  pauseWhenCongested: false,
}

const one = '127.0.0.1'
const two = '127.0.0.2'

/** They answer each frame with its length. */
function listeners(t: Test): Listeners {
  const transport = new TcpTransport(new Turn(setImmediate))
  const made = new Listeners((address) =>
    transport.listen(address, options, (link) => ({
      frame(_, start, end) {
        link.beginFrame().raw(Buffer.of(end - start))
        link.endFrame()
      },
      closed: () => undefined,
    })),
  )
  t.teardown(() => made.close())
  return made
}

async function connect(t: Test, host: string, port: number): Promise<net.Socket> {
  const socket = net.connect({ host, port })
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

async function isAnswered(socket: net.Socket): Promise<boolean> {
  socket.write(Buffer.from('00000003616263', 'hex'))
  const [answer] = await once(socket, 'data')
  return (answer as Buffer).toString('hex') === '0000000103'
}

const refused = { code: 'ECONNREFUSED' }

/** A port that is free on every address of loopback. */
async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1)
  return port
}

/** @returns the port, bound to `host` */
async function occupied(t: Test, host: string, wanted = 0): Promise<number> {
  const other = net.createServer().listen(wanted, host)
  t.teardown(() => other.close())
  await once(other, 'listening')
  return (other.address() as net.AddressInfo).port
}

t.test('another port: it is listened on, the former one no more, and links stay', async (t) => {
  const made = listeners(t)
  const [a = 0, b = 0, c = 0] = await freePorts(3)
  t.equal(await made.listen([{ host: one, port: a }]), true)
  const before = await connect(t, one, a)
  t.ok(await isAnswered(before))
  t.equal(await made.listen([{ host: one, port: b }]), true)
  t.equal(made.port, b)
  await t.rejects(connect(t, one, a), refused)
  t.ok(await isAnswered(await connect(t, one, b)))
  t.ok(await isAnswered(before))
  t.equal(await made.listen([{ host: one, port: b }]), false, 'no change')

  const closed = once(before, 'close')
  await Promise.all([made.listen([{ host: one, port: c }]), made.listen([{ host: one, port: a }])])
  t.same(made.addresses, [{ host: one, port: a }], 'the last one counts')
  await made.close()
  await closed
  t.pass('closing takes the links that were accepted elsewhere')
  await t.rejects(connect(t, one, a), refused)
})

t.test('a port of another process: everything stays', async (t) => {
  const made = listeners(t)
  const [a = 0, b = 0] = await freePorts(2)
  const taken = await occupied(t, one)
  await made.listen([{ host: one, port: a }])
  const wanted = [b, taken].map((port) => ({ host: one, port }))
  await t.rejects(made.listen(wanted), { code: 'EADDRINUSE' })
  t.ok(await isAnswered(await connect(t, one, a)))
  await t.rejects(connect(t, one, b), refused, 'what it had opened is closed')
  t.equal(await made.listen([{ host: one, port: b }]), true, 'and the next change is made')
})

t.test('the same port of all addresses, of one, and of another one', async (t) => {
  const made = listeners(t)
  const port = await freePort()
  await made.listen([{ host: one, port }])
  const before = await connect(t, one, port)
  t.equal(await made.listen([{ host: '0.0.0.0', port }]), true)
  t.ok(await isAnswered(await connect(t, two, port)))
  t.equal(await made.listen([{ host: undefined, port }]), false, 'a line without a host says so')
  t.equal(await made.listen([{ host: two, port }]), true)
  await t.rejects(connect(t, one, port), refused)
  t.equal(await made.listen([{ host: one, port }]), true)
  t.ok(await isAnswered(await connect(t, one, port)))
  t.ok(await isAnswered(before), 'all the while')
})

t.test('all addresses of a port, of which another process has one: everything stays', async (t) => {
  const made = listeners(t)
  const port = await occupied(t, two)
  await made.listen([{ host: one, port }])
  const before = await connect(t, one, port)
  await t.rejects(made.listen([{ host: '0.0.0.0', port }]), { code: 'EADDRINUSE' })
  t.ok(await isAnswered(await connect(t, one, port)))
  t.ok(await isAnswered(before))
  t.same(made.addresses, [{ host: one, port }])
})

t.test('further addresses', async (t) => {
  const made = listeners(t)
  const [a = 0, b = 0] = await freePorts(2)
  await made.listen([{ host: one, port: a }])
  t.equal(await made.listenAlso([{ host: one, port: b }]), true)
  for (const port of [a, b]) t.ok(await isAnswered(await connect(t, one, port)))
  t.equal(await made.listenAlso([{ host: one, port: a }]), false)
  t.equal(await made.listenAlso([{ host: '0.0.0.0', port: a }]), true, 'instead of one of them')
  for (const host of [one, two]) t.ok(await isAnswered(await connect(t, host, a)))
  t.equal(await made.listenAlso([{ host: two, port: a }]), false, 'it is one of all')
  t.equal(made.addresses.length, 2)
})
