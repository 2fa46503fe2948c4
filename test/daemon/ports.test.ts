// Strangers on the client port, the peer port and a broker's port: how the log names them, and how
// often. Real ports in this process.

import { once } from 'node:events'
import net from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { assembleBroker, type Broker } from '../../src/broker/broker.ts'
import { readConfig as readBrokerConfig } from '../../src/broker/config.ts'
import { ZkClient } from '../../src/client/zk/zk-client.ts'
import { readConfig } from '../../src/daemon/config.ts'
import { assembleServer, type Server } from '../../src/daemon/server.ts'
import { realServerDisk } from '../../src/daemon/storage/real-disk.ts'
import type { Logger } from '../../src/logger.ts'
import type { PortName } from '../../src/protocol/strangers.ts'
import { realDisk } from '../../src/real-disk.ts'
import { realWorld } from '../../src/real-world.ts'
import { readSecret } from '../broker/test-secret.ts'
import { openings } from '../openings.ts'

const host = '127.0.0.1'

/** The warnings logged. */
class Warnings {
  readonly lines: { readonly reason: string; readonly message: string }[] = []
  #changed: () => void = () => undefined
  readonly logger: Logger = {
    child: () => this.logger,
    debug: () => undefined,
    info: () => undefined,
    warn: ({ reason }, message) => {
      if (typeof reason === 'string') this.lines.push({ reason, message })
      this.#changed()
    },
    error: () => undefined,
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }
}

async function freePort(): Promise<number> {
  const listener = net.createServer().listen(0, host)
  await once(listener, 'listening')
  const { port } = listener.address() as net.AddressInfo
  listener.close()
  await once(listener, 'close')
  return port
}

const onFailure = (error: Error): void => {
  throw error
}

async function startServer(t: Test, flags: readonly string[], { logger }: Warnings) {
  let server: Server | undefined
  t.teardown(() => server?.stop()) // before `testdir`, which is then removed after it
  const dirs = [`--data-dir=${join(t.testdir(), 'server')}`, '--tick-time=200']
  const ports = ['--client-port=0', `--client-port-address=${host}`, '--max-client-cnxns=0']
  const args = [...dirs, ...ports, '--log-segment-bytes=4194304', ...flags]
  const read = readConfig(args, {})
  if (read.type !== 'config') throw new Error(String(read.text))
  const { config } = read
  const world = { ...realWorld(), logger, disk: realServerDisk(config.dataDir) }
  server = assembleServer({ config, world, onFailure })
  await server.start()
  return server
}

/** A server that does not serve yet closes connections without an answer. */
async function startServing(t: Test, flags: readonly string[], warnings: Warnings) {
  const server = await startServer(t, flags, warnings)
  const zk = new ZkClient({ servers: [{ host, port: server.clientPort }] })
  await zk.connect()
  await zk.close()
  return server
}

async function startBroker(t: Test, server: Server, { logger }: Warnings): Promise<Broker> {
  const data = `--data-dir=${join(t.testdirName, 'broker')}`
  const read = readBrokerConfig(
    ['--id=1', data, `--zooweeper=${host}:${server.clientPort}`, `--host=${host}`, '--port=0'],
    {},
  )
  if (read.type !== 'config') throw new Error(String(read.text))
  const { config } = read
  const world = { ...realWorld(), logger, disk: realDisk(config.dataDir) }
  const broker = assembleBroker({ config, world, readSecret, onFailure })
  await broker.start()
  t.teardown(() => broker.stop())
  return broker
}

/** Sends these bytes and waits for the end. */
async function say(port: number, bytes: Buffer): Promise<void> {
  const socket = net.connect({ host, port })
  socket.on('error', () => undefined)
  socket.resume()
  socket.write(bytes)
  await new Promise<void>((resolve) => socket.once('close', () => resolve()))
}

async function nameAll(t: Test, port: number, name: PortName, warnings: Warnings): Promise<void> {
  const served = name === 'broker' ? 'a Kafka client' : undefined
  const strangers = openings.filter(({ port, what }) => port !== name && what !== served)
  for (const { bytes, what, name: program } of strangers) {
    await say(port, bytes)
    const named = (): boolean => warnings.lines.some(({ reason }) => reason.includes(what))
    await warnings.until(named)
    t.pass(`${program} is ${what}`)
  }
  t.notMatch(warnings.lines.map(({ reason }) => reason).join(), /frame of \d+ bytes/)
}

t.test('on the client port every stranger is named', async (t) => {
  const warnings = new Warnings()
  const server = await startServing(t, [], warnings)
  await nameAll(t, server.clientPort, 'client', warnings)
})

t.test('on the peer port as well', async (t) => {
  const warnings = new Warnings()
  const peerPort = await freePort()
  const members = [1, 2].map((id) => `--server.${id}=${host}:${id === 1 ? peerPort : 1}:1`)
  await startServer(t, [...members, '--myid=1'], warnings)
  await nameAll(t, peerPort, 'peer', warnings)
})

t.test("on a broker's port as well", async (t) => {
  const warnings = new Warnings()
  const server = await startServer(t, [], new Warnings())
  const broker = await startBroker(t, server, warnings)
  await nameAll(t, broker.port ?? 0, 'broker', warnings)
})

t.test('two hundred bad connections log one line, and one more with their count', async (t) => {
  const warnings = new Warnings()
  const server = await startServing(t, [], warnings)
  const [tls] = openings
  if (tls === undefined) throw new Error('there is TLS')
  await Promise.all(Array.from({ length: 200 }, () => say(server.clientPort, tls.bytes)))
  t.equal(warnings.lines.length, 1)
  await server.stop()
  const reason = 'Cannot serve a TLS ClientHello: this port speaks no TLS'
  t.same(warnings.lines, [
    { reason, message: 'Closed a client connection' },
    { reason, message: 'Closed a client connection; and 199 more like it until now' },
  ])
})

t.test('a connection that sends nothing, or too little, is named too', async (t) => {
  const warnings = new Warnings()
  const server = await startServer(t, ['--nio-sessionless-cnxn-timeout=50'], warnings)
  await say(server.clientPort, Buffer.alloc(0))
  await say(server.clientPort, Buffer.from('00000001', 'hex'))
  await warnings.until(() => warnings.lines.length === 2)
  t.same(
    warnings.lines.map(({ reason }) => reason),
    [
      'Cannot wait longer for a hello: nothing came in 50 ms',
      'Cannot wait longer for a hello: bytes of no protocol known here came in 50 ms',
    ],
  )
})
