// Both dialects on one real client port.

import { once } from 'node:events'
import net from 'node:net'
import t from 'tap'
import { writeBoolean, writeBuffer, writeString } from '../../../src/protocol/compat/jute.ts'
import { ZooKeeperDialect } from '../../../src/protocol/compat/zookeeper.ts'
import type { Dialect } from '../../../src/protocol/dialect.ts'
import type { MsgpackWriter } from '../../../src/protocol/msgpack.ts'
import type { SessionId } from '../../../src/protocol/records.ts'
import type { Request } from '../../../src/protocol/zk/messages.ts'
import { NativeDialect } from '../../../src/protocol/zk/native-dialect.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'
import { frame } from '../../suites/dialect.ts'
import { create, exists, get, list, ping, remove, set, sync } from '../fake-client.ts'
import { openPort, WireClient } from './wire-client.ts'

const jute = new ZooKeeperDialect()
const native = new NativeDialect()
const dialects: readonly { name: string; dialect: Dialect }[] = [
  { name: 'native', dialect: native },
  { name: 'zookeeper', dialect: jute },
]

const conversation: readonly { asks: Request; wants: readonly string[] }[] = [
  { asks: create('/a', 'x'), wants: ['create /a'] },
  { asks: create('/a'), wants: ['create NODEEXISTS'] },
  { asks: exists('/a/b', true), wants: ['exists NONODE'] },
  { asks: create('/a/b'), wants: ['event NodeCreated /a/b', 'create /a/b'] },
  { asks: list('/a', true), wants: ['getChildren b'] },
  { asks: get('/a', true), wants: ['getData x'] },
  { asks: set('/a', 'y'), wants: ['event NodeDataChanged /a', 'setData'] },
  { asks: sync, wants: ['sync'] },
  { asks: get('/a'), wants: ['getData y'] },
  { asks: set('/a', 'z', 7), wants: ['setData BADVERSION'] },
  { asks: remove('/a'), wants: ['delete NOTEMPTY'] },
  { asks: remove('/a/b'), wants: ['event NodeChildrenChanged /a', 'delete'] },
  {
    asks: { type: 'multi', ops: [create('/m'), { type: 'check', path: '/a', version: 9 }] },
    wants: ['multi error,error'],
  },
  {
    asks: { type: 'multi', ops: [create('/m'), remove('/m') as never] },
    wants: ['multi create,delete'],
  },
  { asks: { type: 'multi', ops: [] }, wants: ['multi '] },
  { asks: { type: 'addWatch', path: '/', mode: 'persistentRecursive' }, wants: ['addWatch'] },
  { asks: create('/p'), wants: ['event NodeCreated /p', 'create /p'] },
  {
    asks: { type: 'removeWatches', path: '/x', watcherType: 'any' },
    wants: ['removeWatches NOWATCHER'],
  },
  { asks: { type: 'auth', scheme: 'digest', credential: Buffer.from('u:p') }, wants: ['auth'] },
  { asks: { type: 'whoAmI' }, wants: ['whoAmI'] },
  { asks: { type: 'getAllChildrenNumber', path: '/' }, wants: ['getAllChildrenNumber'] },
  { asks: ping, wants: ['ping'] },
  { asks: { type: 'closeSession' }, wants: ['closeSession'] },
]
const answersWanted = ['welcome', ...conversation.flatMap(({ wants }) => wants)]

for (const { name, dialect } of dialects) {
  t.test(`${name}: a whole session in one write, hello included; then it is closed`, async (t) => {
    const client = await WireClient.connect(t, await openPort(t), dialect)
    const frames = [client.hello(), ...conversation.map(({ asks }) => client.request(asks))]
    t.strictSame(await client.ask(frames, answersWanted.length), answersWanted)
    await client.closed
  })

  t.test(`${name}: the same, byte by byte`, async (t) => {
    const client = await WireClient.connect(t, await openPort(t), dialect)
    const frames = [client.hello(), ...conversation.map(({ asks }) => client.request(asks))]
    for (const byte of Buffer.concat(frames)) {
      await new Promise((written) => client.socket.write(Buffer.of(byte), written))
    }
    t.strictSame(await client.take(answersWanted.length), answersWanted)
  })

  t.test(
    `${name}: a session moves to the next connection; the password must be right`,
    async (t) => {
      const port = await openPort(t)
      const first = await WireClient.connect(t, port, dialect)
      t.strictSame(
        await first.ask([first.hello(), first.request(create('/e', '', 'ephemeral'))], 2),
        ['welcome', 'create /e'],
      )
      const { sessionId, password } = first.welcomed ?? {}
      if (sessionId === undefined || password === undefined) throw new Error('not welcomed')
      t.equal(password.length, 16)

      const thief = await WireClient.connect(t, port, dialect)
      t.strictSame(await thief.ask([thief.hello({ sessionId })], 1), ['expired'])
      t.match(thief.welcomed, { timeoutMs: 0, sessionId: 0, password: new Uint8Array(16) })
      await thief.closed

      const second = await WireClient.connect(t, port, dialect)
      const again = second.hello({ sessionId, password })
      t.strictSame(await second.ask([again, second.request(exists('/e'))], 2), [
        'welcome',
        'exists',
      ])
      t.equal(second.welcomed?.sessionId, sessionId)
      await first.closed
    },
  )

  t.test(`${name}: an unknown session is expired`, async (t) => {
    const client = await WireClient.connect(t, await openPort(t), dialect)
    const sessionId = (2 ** 52 + 1) as SessionId
    t.strictSame(await client.ask([client.hello({ sessionId })], 2), ['expired'])
  })

  t.test(
    `${name}: a client that has seen more than this server is disconnected without an answer`,
    async (t) => {
      const client = await WireClient.connect(t, await openPort(t), dialect)
      const ahead = client.hello({ lastZxidSeen: (2 ** 40) as Zxid })
      t.strictSame(await client.ask([ahead, client.request(ping)], 2), [])
    },
  )

  t.test(
    `${name}: a frame over the limit closes only its connection, without an answer`,
    async (t) => {
      const port = await openPort(t, { frameBytesMax: 2000 })
      const client = await WireClient.connect(t, port, dialect)
      const other = await WireClient.connect(t, port, dialect)
      t.strictSame(await other.ask([other.hello()], 1), ['welcome'])
      const most = client.request(create('/most', 'x'.repeat(1900)))
      t.ok(most.length <= 2004)
      t.strictSame(await client.ask([client.hello(), most], 2), ['welcome', 'create /most'])
      t.strictSame(await client.ask([client.request(create('/more', 'x'.repeat(2000)))], 1), [])
      await client.closed
      t.strictSame(await other.ask([other.request(exists('/more'))], 1), ['exists NONODE'])
    },
  )
}

t.test('a four-letter word is answered to a client that sends no more', async (t) => {
  const { clientPort } = await openPort(t)
  const socket = net.connect({ host: '127.0.0.1', port: clientPort.port, allowHalfOpen: true })
  t.teardown(() => socket.destroy())
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  socket.end('ruok\n')
  await once(socket, 'end')
  t.equal(text, 'imok')
})

t.test('connections are limited also over all addresses', async (t) => {
  const port = await openPort(t, { connectionsMax: 1 })
  const first = await WireClient.connect(t, port, jute)
  await first.ask([first.hello()], 1)
  const second = await WireClient.connect(t, port, jute)
  await second.closed
  t.equal(port.server.metrics.connectionsRejected, 1)
  t.strictSame(await first.ask([first.request(ping)], 1), ['ping'])
})

function requestBody(opcode: number, write: (out: MsgpackWriter) => void = () => undefined) {
  return (out: MsgpackWriter) => {
    out.int32(77)
    out.int32(opcode)
    write(out)
  }
}

t.test('zookeeper: a bad record is refused in its turn, and the connection goes on', async (t) => {
  const client = await WireClient.connect(t, await openPort(t), jute)
  const before = client.request(create('/a'))
  const bad = [
    requestBody(4, (out) => out.int32(1_000_000)),
    requestBody(5, (out) => {
      writeString(out, '/')
      out.int32(-7)
    }),
    requestBody(1, (out) => out.int32(-1)),
  ].map((body) => client.body(body))
  const after = client.request(ping)
  t.strictSame(await client.ask([client.hello(), before, ...bad, after], 6), [
    'welcome',
    'create /a',
    'ping MARSHALLINGERROR',
    'ping MARSHALLINGERROR',
    'ping MARSHALLINGERROR',
    'ping',
  ])
})

t.test('zookeeper: create flags that do not fit, a null ACL, reconfig and SASL', async (t) => {
  const client = await WireClient.connect(t, await openPort(t), jute)
  const creation = (opcode: number, flags: number, acl = 'open') =>
    client.body(
      requestBody(opcode, (out) => {
        writeString(out, '/c')
        writeBuffer(out, null)
        if (acl === 'null') out.int32(-1)
        else {
          out.int32(1)
          out.int32(31)
          writeString(out, 'world')
          writeString(out, 'anyone')
        }
        out.int32(flags)
        if (opcode === 21) out.int64(-1)
      }),
    )
  const frames = [
    client.hello(),
    creation(1, 7),
    creation(15, 5),
    creation(21, 5),
    creation(21, 0),
    creation(19, 0),
    creation(1, -1),
    creation(1, 0, 'null'),
    client.body(
      requestBody(16, (out) => {
        for (let i = 0; i < 3; i++) out.int32(-1)
        out.int64(-1)
      }),
    ),
    client.body(requestBody(102, (out) => writeBuffer(out, Buffer.from('token')))),
    client.request(exists('/c')),
  ]
  t.strictSame(await client.ask(frames, 11), [
    'welcome',
    ...Array.from({ length: 6 }, () => 'ping BADARGUMENTS'),
    'ping INVALIDACL',
    'ping RECONFIGDISABLED',
    'ping',
    'exists NONODE',
  ])
})

for (const opcode of [0, -1, -10, 13, 20, 99]) {
  t.test(`zookeeper: opcode ${opcode} is answered UNIMPLEMENTED, then closed`, async (t) => {
    const client = await WireClient.connect(t, await openPort(t), jute)
    const before = client.request(create('/a'))
    const unknown = client.body(
      requestBody(opcode, (out) => {
        writeString(out, '/')
        out.int32(0)
      }),
    )
    const frames = [client.hello(), before, unknown, client.request(ping)]
    t.strictSame(await client.ask(frames, 4), ['welcome', 'create /a', 'ping UNIMPLEMENTED'])
  })
}

t.test('zookeeper: watches are set again, their events before the answer', async (t) => {
  const port = await openPort(t)
  const writer = await WireClient.connect(t, port, native)
  const made = [create('/a'), create('/b'), set('/a', 'new')].map((one) => writer.request(one))
  await writer.ask([writer.hello(), ...made], 4)
  const client = await WireClient.connect(t, port, jute)
  const rearm: Request = {
    type: 'setWatches',
    relativeZxid: 1 as Zxid,
    data: ['/a', '/gone'],
    exist: ['/b', '/later'],
    child: [],
    persistent: [],
    persistentRecursive: [],
  }
  t.strictSame(await client.ask([client.hello(), client.request(rearm, -8)], 5), [
    'welcome',
    'event NodeDataChanged /a',
    'event NodeDeleted /gone',
    'event NodeCreated /b',
    'setWatches',
  ])
  await writer.ask([writer.request(create('/later'))], 1)
  t.strictSame(await client.take(1), ['event NodeCreated /later'])
})

t.test('zookeeper: an old client is welcomed in 36 bytes, any other in 37', async (t) => {
  const port = await openPort(t)
  for (const { old, want } of [
    { old: true, want: 40 },
    { old: false, want: 41 },
  ]) {
    const socket = net.connect({ host: '127.0.0.1', port: port.clientPort.port })
    t.teardown(() => socket.destroy())
    socket.write(
      frame((out) => {
        out.int32(0)
        out.int64(0)
        out.int32(-1)
        out.int64(0)
        writeBuffer(out, new Uint8Array(16))
        if (!old) writeBoolean(out, false)
      }),
    )
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    t.equal(chunk.length, want)
    t.equal(chunk.readInt32BE(8), 2000, 'the least time-out')
    t.equal(chunk.readInt32BE(20), 16)
  }
})

t.test('zookeeper: an auth of an unknown scheme is refused, then closed', async (t) => {
  const client = await WireClient.connect(t, await openPort(t), jute)
  const auth: Request = { type: 'auth', scheme: 'kerberos', credential: new Uint8Array(0) }
  const frames = [client.hello(), client.request(auth, -4), client.request(ping)]
  t.strictSame(await client.ask(frames, 3), ['welcome', 'auth AUTHFAILED'])
})
